// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

const (
	manifestPath = "/etc/kubernetes/manifests/kube-apiserver.yaml"
	policyPath   = "/etc/kubernetes/audit/policy.yaml"
	webhookPath  = "/etc/kubernetes/audit/webhook.yaml"
	logDir       = "/var/log/kubernetes/audit"

	oldManifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\n# old\n"
	newManifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\n# new\n"
)

// newHost is a control plane's files in a folder of its own.
func newHost(t testing.TB) *Host {
	t.Helper()
	h := &Host{Root: fastDir(t), Version: "v0.0.1", Now: func() time.Time { return time.Date(2026, 8, 1, 12, 30, 0, 0, time.UTC) }}
	put(t, h, manifestPath, oldManifest)
	put(t, h, "/etc/kubernetes/manifests/etcd.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system}\n")
	for _, dir := range []string{"/var/lib", "/var/log"} {
		must(t, os.MkdirAll(h.Root+dir, 0o755))
	}
	return h
}

// fastDir is a folder in memory where there is one: the tests sync some hundred
// thousand times.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "auditsetup-node-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, h *Host, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(h.Root+path), 0o755))
	must(t, os.WriteFile(h.Root+path, []byte(content), 0o600))
}

// enable is the change that a first enable makes.
func enable() Change {
	return Change{
		Command: "enable",
		Asked:   []byte("rate: 1\n"),
		Files: []FileChange{
			{Path: policyPath, New: []byte("policy 1\n")},
			{Path: webhookPath, New: []byte("token: hunter2\n"), Secret: true},
		},
		Manifest: &FileChange{Path: manifestPath, Old: []byte(oldManifest), New: []byte(newManifest)},
		Folders:  []FolderChange{{Path: logDir}},
	}
}

// another is the change that follows enable when the policy is changed.
func another() Change {
	return Change{
		Command:  "enable",
		Files:    []FileChange{{Path: policyPath, Old: []byte("policy 1\n"), New: []byte("policy 2\n")}},
		Manifest: &FileChange{Path: manifestPath, Old: []byte(newManifest), New: []byte(newManifest + "# newer\n")},
	}
}

// disable is the change that takes out enable, files and all.
func disable() Change {
	return Change{
		Command: "disable",
		Files: []FileChange{
			{Path: policyPath, Old: []byte("policy 1\n"), Remove: true},
			{Path: webhookPath, Old: []byte("token: hunter2\n"), Remove: true, Secret: true},
		},
		Manifest: &FileChange{Path: manifestPath, Old: []byte(newManifest), New: []byte(oldManifest)},
		Folders:  []FolderChange{{Path: "/etc/kubernetes/audit", Remove: true}},
	}
}

func apply(t testing.TB, h *Host, c Change) Result {
	t.Helper()
	result, err := h.Apply(c)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return result
}

func rollback(t testing.TB, h *Host) Result {
	t.Helper()
	c, err := h.PlanRollback(false)
	if err != nil {
		t.Fatalf("PlanRollback: %v", err)
	}
	return apply(t, h, c)
}

// look gives everything below the host's root but the state folder: each path
// with its mode and content.
func look(t testing.TB, h *Host) map[string]string {
	t.Helper()
	seen := map[string]string{}
	err := filepath.WalkDir(h.Root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == h.Root+DefaultStateDir {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(data)
		}
		seen[strings.TrimPrefix(path, h.Root)] = fmt.Sprintf("%s %s", info.Mode(), content)
		return nil
	})
	must(t, err)
	return seen
}

func same(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if got[path] != want[path] {
			t.Errorf("%s: %s is %q, want %q", what, path, got[path], want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[path]; !ok {
			t.Errorf("%s: %s should not be there: %q", what, path, got[path])
		}
	}
}

// wantProblem checks the first problem of err.
func wantProblem(t testing.TB, err error, file, what, hint string) {
	t.Helper()
	problems := document.ProblemsOf(err)
	if len(problems) == 0 {
		t.Fatalf("no error, want one of %s: %s", file, what)
	}
	p := problems[0]
	if !strings.HasSuffix(p.File, file) || !strings.Contains(p.What, what) || !strings.Contains(p.Hint, hint) {
		t.Errorf("problem %q, hint %q\nwant file %q, what %q, hint %q", p.Error(), p.Hint, file, what, hint)
	}
}

func firstProblem(err error) document.Problem { return document.ProblemsOf(err)[0] }

func states(t testing.TB, h *Host) []string {
	t.Helper()
	records, err := h.Records()
	must(t, err)
	all := []string{}
	for _, r := range records {
		all = append(all, r.Command+" "+r.State)
	}
	return all
}
