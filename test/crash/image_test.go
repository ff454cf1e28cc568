// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package crash

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	manifests    = "/etc/kubernetes/manifests"
	manifestPath = manifests + "/kube-apiserver.yaml"
	stateDir     = "/var/lib/auditsetup"
	purgedDir    = "/var/lib/.auditsetup.purged"
)

// rig is what every case needs.
type rig struct {
	tracer
	program  string
	original string // the content of kubeadm's manifest
	dir      string // in memory, for the images
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{}
	var err error
	if r.tracer, err = findTracer(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
	must(t, err)
	r.original = string(text)
	if r.dir, err = os.MkdirTemp("/dev/shm", "auditsetup-crash-"); err != nil {
		r.dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(r.dir) })
	r.program = filepath.Join(r.dir, "auditsetup")
	build := exec.Command("go", "build", "-overlay", r.lockThread(t), "-o", r.program, "./cmd/auditsetup")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return r
}

// lockThread gives an overlay for the go command that adds one thing to the
// program: all that a command does, it does on its first thread. strace counts
// calls for each thread by itself, and the runtime would move them around.
func (r *rig) lockThread(t *testing.T) string {
	t.Helper()
	source, overlay := filepath.Join(r.dir, "thread.go"), filepath.Join(r.dir, "overlay.json")
	must(t, os.WriteFile(source, []byte("package main\n\nimport \"runtime\"\n\nfunc init() { runtime.LockOSThread() }\n"), 0o600))
	folder, err := filepath.Abs("../../cmd/auditsetup")
	must(t, err)
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(folder, "thread.go"): source}})
	must(t, err)
	must(t, os.WriteFile(overlay, text, 0o600))
	return overlay
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs auditsetup on an image, undisturbed.
func (r *rig) run(root string, args ...string) outcome {
	out, err := start(exec.Command(r.program, with(root, args)...))
	if err != nil {
		return outcome{-1, "", err.Error()}
	}
	return out
}

func with(root string, args []string) []string { return append(slices.Clone(args), "--root", root) }

// image makes the image of a control plane before anything was done to it.
func (r *rig) image(t *testing.T, name string) string {
	t.Helper()
	root := filepath.Join(r.dir, name)
	for path, content := range map[string]string{
		manifestPath:             r.original,
		manifests + "/etcd.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system}\n",
	} {
		must(t, os.MkdirAll(filepath.Dir(root+path), 0o755))
		must(t, os.WriteFile(root+path, []byte(content), 0o600))
	}
	for _, dir := range []string{"/var/lib", "/var/log"} {
		must(t, os.MkdirAll(root+dir, 0o755))
	}
	return root
}

// clone copies an image, with modes and owners.
func clone(from, to string) error {
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	return nil
}

// tree is what is on an image: of a file its mode, owner and content, by path.
type tree map[string]string

// look takes in all of an image but the state folder.
func look(root string) tree {
	now := tree{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		if name == stateDir {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content := ""
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = "\n" + string(text)
		}
		st := info.Sys().(*syscall.Stat_t)
		now[name] = fmt.Sprintf("%s %d:%d", info.Mode(), st.Uid, st.Gid) + content
		return nil
	})
	if err != nil {
		now["error"] = err.Error()
	}
	return now
}

// unlike names the paths at which two trees differ, with the modes.
func unlike(got, want tree) []string {
	var paths []string
	all := maps.Clone(want)
	maps.Copy(all, got)
	for path := range all {
		if got[path] != want[path] {
			first, _, _ := strings.Cut(got[path], "\n")
			other, _, _ := strings.Cut(want[path], "\n")
			paths = append(paths, fmt.Sprintf("%s (is %q, should be %q)", path, first, other))
		}
	}
	slices.Sort(paths)
	return paths
}

// ourDotfile says whether it is one that a change stages or keeps its old file in,
// or part of what a purge moved away.
func ourDotfile(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".auditsetup-new") || strings.HasSuffix(name, ".auditsetup-old")) ||
		strings.HasPrefix(path+"/", purgedDir+"/")
}

// stray names what is neither as before nor as after, but for dotfiles, and for
// folders that have not got their mode yet. The manifest has to be there.
func stray(now, before, after tree) []string {
	var paths []string
	for path, content := range now {
		folder := strings.HasPrefix(content, "d") && before[path] == "" && after[path] != ""
		if content != before[path] && content != after[path] && !ourDotfile(path) && !folder {
			paths = append(paths, path+" is neither old nor new")
		}
		if filepath.Dir(path) == manifests && before[path] == "" && !ourDotfile(path) {
			paths = append(paths, path+" is a stray")
		}
	}
	for path := range before {
		if now[path] == "" && after[path] != "" {
			paths = append(paths, path+" is gone")
		}
	}
	return paths
}

// cutOff says whether a change is recorded as neither made nor put back, by its
// record's name.
func cutOff(root string) bool {
	found, _ := filepath.Glob(root + stateDir + "/backups/[^.]*/record.prepared.json")
	return len(found) > 0
}

// halfStored names what the state folder holds of records that never came to be.
func halfStored(root string) []string {
	found, _ := filepath.Glob(root + stateDir + "/backups/.*")
	return found
}
