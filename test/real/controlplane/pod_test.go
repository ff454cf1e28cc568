// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"slices"
	"strings"
	"testing"
)

const pod = `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver}
spec:
  containers:
  - name: sidecar
    command: [sleep]
    volumeMounts:
    - {name: only-sidecar, mountPath: /sidecar}
  - name: kube-apiserver
    command: [kube-apiserver, --a=b]
    args: [--c]
    volumeMounts:
    - {name: log, mountPath: /var/log/audit/}
    - {name: pki, mountPath: /etc/kubernetes, readOnly: true}
    - {name: pki, mountPath: /etc/kubernetes/deep, subPath: sub}
    - {name: gone, mountPath: /gone}
    - {name: scratch, mountPath: /scratch}
  volumes:
  - {name: log, hostPath: {path: /host/log}}
  - {name: pki, hostPath: {path: /host/pki}}
  - {name: scratch, emptyDir: {}}
  - {name: only-sidecar, hostPath: {path: /host/sidecar}}
`

func TestCommand(t *testing.T) {
	t.Parallel()
	got, err := Command([]byte(pod))
	if want := []string{"kube-apiserver", "--a=b", "--c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, error %v, want %q", got, err, want)
	}
	for _, text := range []string{"", "kind: Pod\n", strings.Replace(pod, "name: sidecar", "name: kube-apiserver", 1)} {
		if got, err := Command([]byte(text)); err == nil {
			t.Errorf("command %q of a pod without exactly one container of the name", got)
		}
	}
}

func TestHostPath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, host string
		writable   bool
	}{
		{"/var/log/audit/audit.log", "/host/log/audit.log", true},
		{"/var/log/audit", "/host/log", true},
		{"/etc/kubernetes/a/b", "/host/pki/a/b", false},
		{"/etc/kubernetes/deep/c", "/host/pki/sub/c", true},
	} {
		host, writable, err := HostPath([]byte(pod), test.path)
		if err != nil || host != test.host || writable != test.writable {
			t.Errorf("%s: %s, writable %t, error %v", test.path, host, writable, err)
		}
	}
	for _, path := range []string{"/var/log/audit2", "/etc", "/gone/x", "/scratch/x", "/sidecar/x"} {
		if host, _, err := HostPath([]byte(pod), path); err == nil {
			t.Errorf("%s: %s", path, host)
		}
	}
}
