// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"
	"testing"
)

const viewed = `apiVersion: v1
kind: Pod
metadata: {name: api, namespace: kube-system}
spec:
  containers:
  - name: sidecar
    image: x
    livenessProbe: {httpGet: {host: 10.0.0.1, port: 1}}
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.37.1
    command: [kube-apiserver, --a=1]
    args: ["--b"]
    livenessProbe: {httpGet: {host: 10.0.0.2, port: 6443}}
    volumeMounts:
    - {name: deep, mountPath: /etc/pki/deep}
    - {name: pki, mountPath: /etc/pki/}
    - {name: file, mountPath: /etc/one.yaml}
    - {name: scratch, mountPath: /scratch}
  volumes:
  - {name: pki, hostPath: {path: /host/pki}}
  - {name: deep, hostPath: {path: /host/deep}}
  - {name: file, hostPath: {path: /host/one.yaml}}
  - {name: scratch, emptyDir: {}}
`

func TestView(t *testing.T) {
	t.Parallel()
	m, err := Read("x.yaml", []byte(viewed))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Command(); !slices.Equal(got, []string{"kube-apiserver", "--a=1", "--b"}) {
		t.Errorf("%q", got)
	}
	if namespace, name := m.Pod(); namespace != "kube-system" || name != "api" || m.Container() != "kube-apiserver" {
		t.Errorf("%s/%s, %s", namespace, name, m.Container())
	}
	if got := m.ProbeHost(); got != "10.0.0.2" {
		t.Errorf("%s", got)
	}
	for file, want := range map[string]string{
		"/etc/pki/ca.crt":     "/host/pki/ca.crt",
		"/etc/pki/deep/x/y":   "/host/deep/x/y",
		"/etc/pki":            "/host/pki",
		"/etc/one.yaml":       "/host/one.yaml",
		"/etc/pkix/ca.crt":    "",
		"/etc":                "",
		"/scratch/x":          "",
		"":                    "",
		"/etc/one.yaml.other": "",
	} {
		got, ok := m.HostPath(file)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t; want %q", file, got, ok, want)
		}
	}
}
