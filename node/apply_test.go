// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

func TestApply(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	must(t, os.Chmod(h.Root+manifestPath, 0o640))
	result := apply(t, h, enable())
	now := look(t, h)
	for path, want := range map[string]string{
		manifestPath:            "-rw-r----- " + newManifest,
		policyPath:              "-rw------- policy 1\n",
		webhookPath:             "-rw------- token: hunter2\n",
		"/etc/kubernetes/audit": "drwx------ ",
		logDir:                  "drwx------ ",
		filepath.Dir(logDir):    "drwxr-xr-x ",
	} {
		if now[path] != want {
			t.Errorf("%s is %q, want %q", path, now[path], want)
		}
	}
	if want := []string{policyPath, webhookPath, manifestPath}; !slices.Equal(result.Written, want) {
		t.Errorf("written %v, want %v", result.Written, want)
	}
	if want := []string{filepath.Dir(logDir), logDir, "/etc/kubernetes/audit"}; !slices.Equal(result.Made, want) {
		t.Errorf("made %v, want %v", result.Made, want)
	}
	if want := DefaultStateDir + "/backups/20260801T123000Z-enable"; result.Backup != want {
		t.Errorf("backup %q, want %q", result.Backup, want)
	}
	backup, err := os.ReadFile(h.Root + result.Backup + manifestPath)
	if string(backup) != oldManifest {
		t.Errorf("the backup is %q, %v", backup, err)
	}
	err = filepath.WalkDir(h.Root+DefaultStateDir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v %v", path, info.Mode(), err)
		}
		return nil
	})
	must(t, err)
}

func TestRecord(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	result := apply(t, h, enable())
	data, err := os.ReadFile(h.Root + result.Backup + "/record.done.json")
	must(t, err)
	var got map[string]any
	must(t, json.Unmarshal(data, &got))
	for key, want := range map[string]any{
		"formatVersion": 1.0, "sequence": 1.0, "command": "enable", "id": "20260801T123000Z-enable",
		"time": "2026-08-01T12:30:00Z", "toolVersion": "v0.0.1",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	manifest := got["files"].([]any)[2].(map[string]any)
	for key, want := range map[string]any{
		"path": manifestPath, "existed": true, "manifest": true, "mode": "0600", "sha256Before": digest([]byte(oldManifest)),
		"sha256After": digest([]byte(newManifest)), "backup": result.Backup + manifestPath, "uid": float64(os.Getuid()),
	} {
		if manifest[key] != want {
			t.Errorf("files[2].%s is %v, want %v", key, manifest[key], want)
		}
	}
	if strings.Contains(string(data), "hunter2") {
		t.Error("the record holds a secret")
	}
	if folder := got["folders"].([]any)[1].(map[string]any); folder["path"] != logDir || folder["created"] != true || folder["mode"] != "0700" {
		t.Errorf("folders[1] is %v", folder)
	}
}

// The manifest comes after what it names, and before what it no longer names is
// taken away.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		ops, _, _ := s.steps(t)
		renames := map[string]int{}
		for i, op := range ops {
			if path, ok := strings.CutPrefix(op, "rename "); ok {
				renames[path] = i
			}
		}
		for path, i := range renames {
			switch {
			case strings.HasPrefix(path, DefaultStateDir):
			case strings.HasSuffix(path, ".auditsetup-old"):
				if i < renames[manifestPath] {
					t.Errorf("%s: %s is removed before the manifest is written", s.name, path)
				}
			case i > renames[manifestPath]:
				t.Errorf("%s: %s is written after the manifest", s.name, path)
			}
		}
		prepared := slices.IndexFunc(ops, func(op string) bool { return strings.HasPrefix(op, "rename "+DefaultStateDir) })
		touched := slices.IndexFunc(ops, func(op string) bool { return !strings.Contains(op, DefaultStateDir) && op != "sync /var/lib" })
		if prepared < 0 || touched < prepared {
			t.Errorf("%s: the host is touched before the record stands: %v", s.name, ops)
		}
	}
}

// When it is put back, the manifest goes first, for the same reason.
func TestUndoOrder(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	var renamed []string
	failed := false
	h.step = func(op, path string) error {
		switch {
		case op == "sync" && path == filepath.Dir(manifestPath) && !failed:
			failed = true
			return syscall.EIO
		case op == "rename" && failed:
			renamed = append(renamed, path)
		}
		return nil
	}
	if _, err := h.Apply(another()); err == nil {
		t.Fatal("no error")
	}
	if len(renamed) < 2 || renamed[0] != manifestPath || renamed[1] != policyPath {
		t.Errorf("put back in the order %v", renamed)
	}
}

// Dotfiles of a change whose record was lost with the state folder are ours, by
// their names.
func TestLeftoversWithoutRecord(t *testing.T) {
	t.Parallel()
	s := scenarios[1]
	ops, _, after := s.steps(t)
	for k := range ops {
		h := s.host(t)
		s.crash(t, h, k)
		must(t, os.RemoveAll(h.Root+DefaultStateDir))
		put(t, h, manifestPath, newManifest)
		put(t, h, policyPath, "policy 1\n")
		_, err := s.run(t, h, nil)
		must(t, err)
		same(t, ops[k], look(t, h), after)
	}
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	before, err := os.Stat(h.Root + manifestPath)
	must(t, err)
	c := another()
	c.Files[0].New, c.Manifest.New = c.Files[0].Old, c.Manifest.Old
	h.step = func(op, path string) error { return fmt.Errorf("%s %s", op, path) }
	result, err := h.Apply(c)
	must(t, err)
	if result.Record != "" || len(result.Written) > 0 {
		t.Errorf("something was done: %+v", result)
	}
	after, err := os.Stat(h.Root + manifestPath)
	must(t, err)
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("equal bytes were written")
	}
}

// Only the files that differ are written and recorded.
func TestPartlyEqual(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	c := another()
	c.Files[0].New = c.Files[0].Old
	if result := apply(t, h, c); !slices.Equal(result.Written, []string{manifestPath}) {
		t.Errorf("written %v", result.Written)
	}
	if r := mustRecords(t, h)[1]; len(r.Files) != 1 {
		t.Errorf("recorded %v", r.Files)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	manifest := func(path string) func(*Change) { return func(c *Change) { c.Manifest.Path = path } }
	tests := []struct {
		name             string
		host             func(t *testing.T, h *Host)
		change           func(c *Change)
		file, what, hint string
	}{
		{"edited", func(t *testing.T, h *Host) { put(t, h, manifestPath, "edited") }, nil,
			manifestPath, "has changed since", "run the command again"},
		{"gone", func(t *testing.T, h *Host) { must(t, os.Remove(h.Root+manifestPath)) }, nil, manifestPath, "is gone since", ""},
		{"appeared", func(t *testing.T, h *Host) { put(t, h, policyPath, "") }, nil, policyPath, "has appeared since", ""},
		{"symbolic link", func(t *testing.T, h *Host) {
			put(t, h, "/x/real.yaml", oldManifest)
			must(t, os.Remove(h.Root+manifestPath))
			must(t, os.Symlink("/x/real.yaml", h.Root+manifestPath))
		}, nil, manifestPath, "refusing to replace it: it is a symbolic link", "/x/real.yaml"},
		{"folder", func(t *testing.T, h *Host) { must(t, os.MkdirAll(h.Root+policyPath, 0o755)) }, nil,
			policyPath, "refusing to replace it: it is a folder", ""},
		{"pipe", func(t *testing.T, h *Host) {
			must(t, os.MkdirAll(filepath.Dir(h.Root+policyPath), 0o755))
			must(t, syscall.Mkfifo(h.Root+policyPath, 0o600))
		}, nil, policyPath, "refusing to replace it: it is not a regular file", ""},
		{"file for a folder", func(t *testing.T, h *Host) { put(t, h, "/etc/kubernetes/audit", "") }, nil, "/audit", "not a folder", ""},
		{"pipe for a folder", func(t *testing.T, h *Host) { must(t, syscall.Mkfifo(h.Root+"/etc/kubernetes/audit", 0o600)) }, nil,
			"", "not a folder", ""},
		{"link to nowhere", func(t *testing.T, h *Host) { must(t, os.Symlink("/nowhere", h.Root+"/etc/kubernetes/audit")) }, nil,
			"/etc/kubernetes/audit", "a link to nowhere; nothing was changed", "ls -ld"},
		{"link in a circle", func(t *testing.T, h *Host) { must(t, os.Symlink("audit", h.Root+"/etc/kubernetes/audit")) }, nil,
			policyPath, "too many", ""},
		{"policy among the manifests", nil, func(c *Change) { c.Files[0].Path = "/etc/kubernetes/manifests/policy.yaml" },
			"/manifests/policy.yaml", "lies in the manifests folder", "outside"},
		{"policy among the manifests by a link", func(t *testing.T, h *Host) {
			must(t, os.Symlink("manifests", h.Root+"/etc/kubernetes/audit"))
		}, nil, policyPath, "lies in the manifests folder", ""},
		{"state among the manifests", func(_ *testing.T, h *Host) { h.StateDir = "/etc/kubernetes/manifests/state" }, nil,
			"/manifests/state", "lies in the manifests folder", ""},
		{"relative", nil, manifest("kube-apiserver.yaml"), "kube-apiserver.yaml", "is not an absolute path", ""},
		{"twice", nil, func(c *Change) { c.Files[1].Path = "/etc/kubernetes/audit/../audit/policy.yaml" }, policyPath, "twice", ""},
		{"too large", nil, func(c *Change) { c.Manifest.New = make([]byte, maxFileSize+1) }, manifestPath, "10 MiB", ""},
		{"no command", nil, func(c *Change) { c.Command = "" }, "", "name of a command", ""},
		{"no root", func(_ *testing.T, h *Host) { h.Root += "/nowhere" }, nil, "", "no such file or folder", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			root := h.Root
			if test.host != nil {
				test.host(t, h)
			}
			c := enable()
			if test.change != nil {
				test.change(&c)
			}
			before := look(t, &Host{Root: root})
			_, err := h.Apply(c)
			wantProblem(t, err, test.file, test.what, test.hint)
			same(t, "after the refusal", look(t, &Host{Root: root}), before)
		})
	}
}

// Every problem is told at once.
func TestRefuseAll(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	put(t, h, manifestPath, "edited")
	put(t, h, policyPath, "there")
	must(t, os.Mkdir(h.Root+webhookPath, 0o755))
	if _, err := h.Apply(enable()); len(document.ProblemsOf(err)) != 3 {
		t.Errorf("want three problems, got %v", err)
	}
}

// An editor that saves the manifest while a change is on its way wins.
func TestEditedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	before := look(t, h)
	h.step = func(op, path string) error {
		if op == "link" && strings.HasSuffix(path, "kube-apiserver.yaml.auditsetup-old") {
			put(t, h, manifestPath, "edited")
		}
		return nil
	}
	_, err := h.Apply(enable())
	wantProblem(t, err, manifestPath, "has changed since the change was planned; nothing was changed", "")
	before[manifestPath] = "-rw------- edited"
	same(t, "afterwards", look(t, h), before)
}

// What somebody else wrote over ours is not ours to take away again.
func TestEditedBeforeUndo(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	h.step = func(op, path string) error {
		if op == "rename" && path == manifestPath {
			put(t, h, policyPath, "edited")
			return syscall.EIO
		}
		return nil
	}
	_, err := h.Apply(another())
	for _, want := range []string{"input/output error", policyPath + ": could not be put back: somebody else has changed it since; its old content is in "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	h.step = nil
	if _, err = h.PlanRollback(false); err == nil {
		t.Error("the edited file would be overwritten")
	}
	c, err := h.PlanRollback(true)
	must(t, err)
	result := apply(t, h, c)
	if now := look(t, h); now[policyPath] != "-rw------- policy 1\n" || now[manifestPath] != "-rw------- "+newManifest {
		t.Errorf("not rolled back: %v", now)
	}
	if kept, _ := os.ReadFile(h.Root + result.Backup + policyPath); string(kept) != "edited" {
		t.Errorf("the edited file is lost: %q", kept)
	}
}

// Where a file system has no links, old files are written again.
func TestUndoWithoutLinks(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	must(t, os.Chmod(h.Root+policyPath, 0o644))
	before := look(t, h)
	h.step = func(op, path string) error {
		if op == "link" || op == "rename" && path == manifestPath {
			return syscall.EPERM
		}
		return nil
	}
	if _, err := h.Apply(another()); err == nil {
		t.Fatal("no error")
	}
	same(t, "afterwards", look(t, h), before)
}

func TestLock(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	other := *h
	inside, leave := make(chan bool), make(chan bool)
	h.step = func(op, path string) error {
		if op == "rename" && path == manifestPath {
			inside <- true
			<-leave
		}
		return nil
	}
	done := make(chan error)
	go func() {
		_, err := h.Apply(enable())
		done <- err
	}()
	<-inside
	for _, c := range []Change{enable(), {Command: "enable"}} {
		_, err := other.Apply(c)
		if !errors.Is(err, ErrLocked) {
			t.Errorf("not refused by the lock: %v", err)
		}
		wantProblem(t, err, "/lock", fmt.Sprintf("another auditsetup is changing this host (enable, process %d)", os.Getpid()), "wait until it has ended")
	}
	leave <- true
	must(t, <-done)
}

func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() { _, errs[i] = (&Host{Root: h.Root}).Apply(enable()) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrLocked) && !strings.Contains(err.Error(), "since the change was planned") {
			t.Errorf("unexpected: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d changes were made, want 1", won)
	}
	if got := states(t, h); !slices.Equal(got, []string{"enable done"}) {
		t.Errorf("records %v", got)
	}
}

// Nothing outside the root is touched, whatever links the image holds.
func TestRootConfines(t *testing.T) {
	t.Parallel()
	outside := fastDir(t)
	must(t, os.WriteFile(outside+"/kube-apiserver.yaml", []byte("outside"), 0o600))
	for name, target := range map[string]string{"absolute": outside, "climbing": strings.Repeat("../", 20) + outside[1:]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			for _, dir := range []string{"/etc/kubernetes/manifests", "/etc/kubernetes/audit", "/var/lib", "/var/log"} {
				must(t, os.RemoveAll(h.Root+dir))
				must(t, os.Symlink(target+dir, h.Root+dir))
			}
			put(t, h, outside+manifestPath, oldManifest)
			for _, dir := range []string{"/etc/kubernetes/audit", "/var/lib", "/var/log"} {
				must(t, os.MkdirAll(h.Root+outside+dir, 0o755))
			}
			apply(t, h, enable())
			if got, err := os.ReadFile(h.Root + outside + manifestPath); string(got) != newManifest {
				t.Errorf("the manifest within the root is %q, %v", got, err)
			}
			rollback(t, h)
			if left, _ := os.ReadDir(outside); len(left) != 1 {
				t.Errorf("outside the root there is now %v", left)
			}
		})
	}
}

// A clock that runs backwards does not change what the last change was.
func TestClockBackwards(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	h.Now = func() time.Time { return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) }
	apply(t, h, another())
	rollback(t, h)
	if now := look(t, h); now[policyPath] != "-rw------- policy 1\n" {
		t.Errorf("rolled back to %q", now[policyPath])
	}
}
