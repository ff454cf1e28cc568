// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
)

const pod = `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  hostNetwork: true
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.37.1
    command:
    - kube-apiserver
FLAGS    readinessProbe:
      httpGet: {host: PROBE, path: /readyz, port: 6443, scheme: HTTPS}
    volumeMounts:
    - {name: pki, mountPath: /etc/kubernetes/pki, readOnly: true}
    - {name: other, mountPath: /in}
  volumes:
  - {name: pki, hostPath: {path: /etc/kubernetes/pki}}
  - {name: other, hostPath: {path: /out}}
`

func TestDescribe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags, probe, address string
		anonymous             bool
	}{
		"kubeadm's":             {"--advertise-address=10.0.0.5 --secure-port=6443", "10.0.0.5", "10.0.0.5:6443", true},
		"bound alone":           {"--advertise-address=10.0.0.5 --bind-address=10.0.0.6 --secure-port=8443", "10.0.0.5", "10.0.0.6:8443", true},
		"bound to all":          {"--advertise-address=10.0.0.5 --bind-address=0.0.0.0", "", "10.0.0.5:6443", true},
		"bound to all of six":   {"--advertise-address=fd00::5 --bind-address=::", "", "[fd00::5]:6443", true},
		"the probe's":           {"--secure-port=6444", "10.0.0.7", "10.0.0.7:6444", true},
		"nothing said":          {"--v=2", "", "127.0.0.1:6443", true},
		"nobody without a name": {"--anonymous-auth=False --advertise-address=10.0.0.5", "", "10.0.0.5:6443", false},
		"the last wins":         {"--secure-port=1 --secure-port=2", "", "127.0.0.1:2", true},
		"in two items":          {"--secure-port 7443", "", "127.0.0.1:7443", true},
		"with underscores":      {"--secure_port=7443 --advertise_address=10.0.0.5", "", "10.0.0.5:7443", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Describe(read(t, test.flags, test.probe))
			if s.Address() != test.address || s.Anonymous != test.anonymous {
				t.Errorf("%s, anonymous %t; want %s, %t", s.Address(), s.Anonymous, test.address, test.anonymous)
			}
		})
	}
}

func read(t *testing.T, flags, probe string) *manifest.Manifest {
	t.Helper()
	lines := ""
	for _, flag := range strings.Fields(flags) {
		lines += "    - '" + flag + "'\n"
	}
	m, err := manifest.Read("kube-apiserver.yaml", []byte(strings.NewReplacer("FLAGS", lines, "PROBE", probe).Replace(pod)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDescribeFiles wants the files where the host has them.
func TestDescribeFiles(t *testing.T) {
	t.Parallel()
	s := Describe(read(t, "--client-ca-file=/etc/kubernetes/pki/ca.crt --tls-cert-file=/in/own.crt "+
		"--kubelet-client-certificate=/etc/kubernetes/pki/k.crt --kubelet-client-key=/etc/kubernetes/pki/k.key", ""))
	if !slices.Equal(s.cas, []string{"/etc/kubernetes/pki/ca.crt"}) || s.certificate != "/out/own.crt" {
		t.Errorf("%q, %q", s.cas, s.certificate)
	}
	if !slices.Equal(s.configs, []string{"/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf"}) {
		t.Errorf("%q", s.configs)
	}
	if len(s.pairs) != 1 || s.pairs[0] != [2]string{"/etc/kubernetes/pki/k.crt", "/etc/kubernetes/pki/k.key"} {
		t.Errorf("%q", s.pairs)
	}
	// a file that no volume brings into the container is in its image
	if s := Describe(read(t, "--client-ca-file=/elsewhere/ca.crt", "")); len(s.cas) > 0 || len(s.configs) > 0 {
		t.Errorf("%q, %q", s.cas, s.configs)
	}
}
