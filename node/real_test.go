// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// children are what this test binary does when a test runs it again, in a
// process that may be killed, or with fewer rights, or with file systems of its
// own.
var children = map[string]func(argument string) error{
	"killed":       killed,
	"unprivileged": unprivileged,
	"limited":      limited,
	"mounted":      mounted,
}

// refused makes a change that is to fail with all of want in its error, and to
// leave everything as it was.
func refused(h *Host, c Change, want ...string) error {
	t := &recorder{}
	before := look(t, h)
	_, err := h.Apply(c)
	if err == nil {
		return errors.New("no error")
	}
	p := firstProblem(err)
	text := err.Error() + "\n" + p.Hint
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the error does not say %q:\n%s", w, text)
		}
	}
	same(t, "afterwards", look(t, h), before)
	return t.err
}

// recorder lets the helpers be used in a child, which has no testing.T.
type recorder struct {
	testing.TB
	err error
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.err = errors.Join(r.err, fmt.Errorf(format, args...))
}
func (r *recorder) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// unprivileged makes changes as a user to whom nothing but the tree belongs.
func unprivileged(root string) error {
	h := &Host{Root: root}
	if os.Geteuid() == 0 {
		err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534))
		if err != nil {
			return err
		}
	}
	for _, dir := range []string{"/var/lib", "/var/log", "/etc/kubernetes/manifests"} {
		if err := os.Chmod(root+dir, 0o500); err != nil {
			return err
		}
		if err := refused(h, enable(), dir, "permission denied", "run the command as root"); err != nil {
			return fmt.Errorf("with %s closed: %w", dir, err)
		}
		if err := os.Chmod(root+dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.Chmod(root+manifestPath, 0); err != nil {
		return err
	}
	if _, err := h.Read(manifestPath); err == nil || firstProblem(err).Hint != "run the command as root" {
		return fmt.Errorf("a closed file: %w", err)
	}
	if _, err := h.Strays("/etc/kubernetes/manifests/other.yaml"); err == nil || firstProblem(err).File != root+manifestPath {
		return fmt.Errorf("a closed stray: %w", err)
	}
	return os.Chmod(root+manifestPath, 0o600)
}

func TestUnprivileged(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	if os.Geteuid() == 0 {
		must(t, filepath.WalkDir(h.Root, func(path string, _ os.DirEntry, _ error) error { return os.Chown(path, 65534, 65534) }))
	}
	runChild(t, "unprivileged", h.Root)
}

func runChild(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := child(name, arguments...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// limited makes a change whose manifest is larger than a file may be.
func limited(root string) error {
	signal.Ignore(unix.SIGXFSZ)
	const limit = 32 << 10
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	c := enable()
	c.Manifest.New = bytes.Repeat([]byte("# padding\n"), limit/5)
	return refused(&Host{Root: root}, c, manifestPath, "larger than the limit", "nothing was changed", "ulimit")
}

func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	runChild(t, "limited", newHost(t).Root)
}

// mounted makes changes on file systems of its own that are full or read-only.
func mounted(root string) error {
	h := &Host{Root: root}
	tmpfs := func(dir, size string) error {
		return unix.Mount("tmpfs", root+dir, "tmpfs", 0, "size="+size)
	}
	manifests := filepath.Dir(manifestPath)
	// Room for one manifest of 20 pages, not for two.
	large := enable()
	large.Manifest.Old = bytes.Repeat([]byte("# padding\n"), 8<<10)
	large.Manifest.New = append([]byte("# new\n"), large.Manifest.Old...)
	err := errors.Join(tmpfs(manifests, "100k"), os.WriteFile(root+manifestPath, large.Manifest.Old, 0o600))
	if err != nil {
		return err
	}
	full := []string{manifestPath, "no space left on the file system of " + root + manifests, "nothing was changed", "df -h " + root + manifests}
	if err := refused(h, large, full...); err != nil {
		return fmt.Errorf("manifests full: %w", err)
	}
	if err := fullWhenUndoing(root, large); err != nil {
		return fmt.Errorf("full when undoing: %w", err)
	}
	if err := unix.Mount("", root+manifests, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return err
	}
	if err := refused(h, large, manifestPath, "read-only", "nothing was changed", "findmnt -T "+root+manifests); err != nil {
		return fmt.Errorf("manifests read-only: %w", err)
	}
	if err := tmpfs("/var/lib", "12k"); err != nil {
		return err
	}
	if err := refused(h, large, DefaultStateDir, "no space left on the file system of", "nothing was changed"); err != nil {
		return fmt.Errorf("state full: %w", err)
	}
	return nil
}

// fullWhenUndoing lets the disk run full when the policy has been replaced and
// the manifest has not, so that the policy has to be put back without space.
func fullWhenUndoing(root string, large Change) error {
	if err := errors.Join(os.MkdirAll(root+filepath.Dir(policyPath), 0o700), unix.Mount("tmpfs", root+filepath.Dir(policyPath), "tmpfs", 0, "size=100k")); err != nil {
		return err
	}
	h := &Host{Root: root}
	old := bytes.Repeat([]byte("# padding\n"), 1<<10)
	if err := os.WriteFile(root+policyPath, old, 0o600); err != nil {
		return err
	}
	h.step = func(op, path string) error {
		if op != "rename" || path != manifestPath {
			return nil
		}
		filler := root + filepath.Dir(policyPath) + "/filler"
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("the disk is not full: %w", err)
		}
		return syscall.ENOSPC
	}
	manifest := FileChange{Path: manifestPath, Old: large.Manifest.Old, New: []byte("small")}
	_, err := h.Apply(Change{Command: "enable", Files: []FileChange{{Path: policyPath, Old: old, New: bytes.ToUpper(old)}}, Manifest: &manifest})
	if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		return err
	}
	if now, err := os.ReadFile(root + policyPath); !bytes.Equal(now, old) {
		return fmt.Errorf("the policy was not put back: %d bytes, %w", len(now), err)
	}
	return unix.Unmount(root+filepath.Dir(policyPath), 0)
}

func TestFullAndReadOnly(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	cmd := child("mounted", h.Root)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skipf("this machine lets nobody mount a file system of his own: %v; TestFileSizeLimit and TestErrorAtEveryStep remain", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
}

// What a file has besides its content survives the change, its undoing and its
// rollback.
func TestAttributes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	path := h.Root + manifestPath
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 5678
	}
	must(t, os.Chown(path, uid, gid))
	must(t, os.Chmod(path, 0o604))
	want := map[string][]byte{}
	for name, value := range map[string][]byte{
		"security.selinux": []byte("system_u:object_r:kubernetes_file_t:s0\x00"),
		// Version 2; user rw, group none, user 99 r, mask r, others r.
		"system.posix_acl_access": []byte("\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\x63\x00\x00\x00" +
			"\x04\x00\x00\x00\xff\xff\xff\xff" + "\x10\x00\x04\x00\xff\xff\xff\xff" + "\x20\x00\x04\x00\xff\xff\xff\xff"),
	} {
		if err := unix.Setxattr(path, name, value, 0); err != nil {
			t.Logf("not tried here: %s: %v", name, err)
			continue
		}
		want[name] = value
	}
	check := func(when string) {
		t.Helper()
		file, err := h.Read(manifestPath)
		must(t, err)
		if mode := file.Mode; file.UID != uid || file.GID != gid || mode != 0o604 && mode != 0o644 {
			t.Errorf("%s: owner %d:%d, mode %v", when, file.UID, file.GID, mode)
		}
		for name := range want {
			if !bytes.Equal(file.xattrs[name], want[name]) {
				t.Errorf("%s: %s is %q", when, name, file.xattrs[name])
			}
		}
	}
	check("before")
	apply(t, h, enable())
	check("after the change")
	rollback(t, h)
	check("after the rollback")
	apply(t, h, Change{Command: "disable", Files: []FileChange{{Path: manifestPath, Old: []byte(oldManifest), Remove: true}}})
	rollback(t, h)
	check("after the rollback of a removal")
	synced := false
	h.step = func(op, path string) error {
		if op == "link" || op == "sync" && path == filepath.Dir(manifestPath) && !synced {
			synced = synced || op == "sync"
			return syscall.EIO
		}
		return nil
	}
	if _, err := h.Apply(enable()); err == nil || !synced {
		t.Errorf("the change did not fail: %v", err)
	}
	check("after a change that failed")
}
