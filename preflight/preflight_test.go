// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/restart"
)

const pod = `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.37.1
    command: [kube-apiserver, --secure-port=6443]
`

// TestEverythingAtOnce looks at a machine on which nothing is right: each
// problem has to be named, and not the first alone.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	m, err := manifest.Read("kube-apiserver.yaml", []byte(pod))
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Machine: restart.Machine{Proc: t.TempDir()}, Manifest: m, Path: "/nowhere/manifests/kube-apiserver.yaml", LogDir: "/var/log/x", LogBytes: 1 << 60}
	r := Check(t.Context(), in)
	text := r.Err().Error()
	for _, part := range []string{"no kubelet is running", "no certificate is found", "a full disk brings etcd"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if r.Down == nil || r.Kubelet.PID != 0 || r.Version != "" {
		t.Errorf("%+v", r)
	}
	// what takes back another change is not held up by an API server that is down
	in.Rescue = true
	r = Check(t.Context(), in)
	if text := r.Err().Error(); strings.Contains(text, "certificate") || !strings.Contains(text, "kubelet") || r.Down == nil {
		t.Errorf("%s; down: %v", text, r.Down)
	}
}

func TestDemote(t *testing.T) {
	t.Parallel()
	r := &Report{}
	r.Problems.Add("", "one", "")
	r.Problems.Add("", "two", "")
	r.demote(1)
	if r.Problems.Error() != "one" || r.Warnings.Error() != "two" {
		t.Errorf("%v, %v", r.Problems, r.Warnings)
	}
}

// TestAnotherFolder says which folder the kubelet watches instead.
func TestAnotherFolder(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	if err := os.MkdirAll(filepath.Join(proc, "7"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cmdline": "kubelet\x00--pod-manifest-path=/other\x00", "stat": "7 (kubelet) S 1 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2"} {
		if err := os.WriteFile(filepath.Join(proc, "7", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &Report{}
	r.kubelet(Input{Machine: restart.Machine{Proc: proc}, Path: "/nowhere/kube-apiserver.yaml"})
	if len(r.Problems) != 1 || r.Problems[0].Error() != "/nowhere: is watched by no kubelet: process 7 watches /other" {
		t.Errorf("%v", r.Problems)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for want, pair := range map[string][2][]string{
		"--b, --c":                {{"kube-apiserver", "--a=1", "--b=2"}, {"kube-apiserver", "--a=1", "--b=3", "--c=secret"}},
		"in another order":        {{"kube-apiserver", "--a=1", "--b=2"}, {"kube-apiserver", "--b=2", "--a=1"}},
		"--1, --2, --3, --4, --5": {{"--1", "--2", "--3", "--4", "--5", "--6"}, nil},
	} {
		if got := differences(pair[0], pair[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const gi = 1 << 30
	for name, test := range map[string]struct {
		free, used, want int64
		hint             string
	}{
		"enough":              {10 * gi, 0, 10 * gi, ""},
		"too much":            {10 * gi, 0, 10*gi + 1, "--disk-budget 8192Mi"},
		"what is there stays": {4 * gi, 6 * gi, 10 * gi, ""},
		"nothing free":        {0, 0, gi, "--disk-budget 1Mi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := space{free: test.free}.judge(Input{LogDir: "/log", LogBytes: test.want}, test.used)
			switch {
			case test.hint == "" && len(got) > 0:
				t.Errorf("%v", got)
			case test.hint != "" && (len(got) != 1 || !strings.Contains(got[0].Hint, test.hint)):
				t.Errorf("%v, want the hint %q", got, test.hint)
			}
		})
	}
}

func TestUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, size := range map[string]int{"audit.log": 10, "audit-1.log.gz": 5, "sub/x": 100} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, make([]byte, size), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if got := used(dir); got != 15 {
		t.Errorf("%d bytes", got)
	}
	if got := existing(filepath.Join(dir, "a", "b")); got != dir {
		t.Errorf("%s", got)
	}
	if used(filepath.Join(dir, "gone")) != 0 {
		t.Error("bytes in no folder")
	}
}
