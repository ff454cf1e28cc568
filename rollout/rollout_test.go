// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
)

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
  annotations: {a: "1"}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.37.1
    command: [kube-apiserver, --secure-port=6443]
`

func TestSamePod(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		other string
		want  bool
	}{
		"the same":           {pod, true},
		"a comment":          {"# hello\n" + pod, true},
		"another order":      {strings.Replace(pod, "apiVersion: v1\nkind: Pod\n", "kind: Pod\napiVersion: v1\n", 1), true},
		"another annotation": {strings.Replace(pod, `"1"`, `"2"`, 1), false},
		"another flag":       {strings.Replace(pod, "6443", "6444", 1), false},
		"nothing readable":   {"{", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := samePod([]byte(pod), []byte(test.other)); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestNothingToAskWith refuses before anything is written.
func TestNothingToAskWith(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "manifests", "kube-apiserver.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(pod), 0o600); err != nil {
		t.Fatal(err)
	}
	after := strings.Replace(pod, "6443", "6444", 1)
	_, err := Run(t.Context(), Plan{Host: &node.Host{Root: root}, Manifest: "/manifests/kube-apiserver.yaml",
		Change: node.Change{Command: "enable", Manifest: &node.FileChange{Path: "/manifests/kube-apiserver.yaml", Old: []byte(pod), New: []byte(after)}}})
	if err == nil || !strings.Contains(err.Error(), "no certificate is found") {
		t.Errorf("error %v", err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != pod {
		t.Errorf("%s, %v", now, err)
	}
	if _, err := os.Stat(filepath.Join(root, node.DefaultStateDir, "backups")); err == nil {
		t.Error("backups of nothing")
	}
}

// TestReads tells the files of the server from those for others.
func TestReads(t *testing.T) {
	t.Parallel()
	text := strings.Replace(pod, "--secure-port=6443]", "--secure-port=6443, --audit-policy-file=/in/policy.yaml, --audit-log-maxage=3]\n    volumeMounts:\n    - {name: a, mountPath: /in}\n  volumes:\n  - name: a\n    hostPath: {path: /out}", 1)
	m, err := manifest.Read("m", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r := &rollout{now: m}
	for file, want := range map[string]bool{"/out/policy.yaml": true, "/in/policy.yaml": false, "/out/kube-apiserver50auditsetup+json.yaml": false, "": false, "3": false} {
		if got := r.reads(file); got != want {
			t.Errorf("%q: %t", file, got)
		}
	}
}
