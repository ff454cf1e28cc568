// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// run is what one run has on the machine: a folder, and cgroups. All else is
// inside its namespaces.
type run struct {
	// dir is on a disk, beside the cache of programs.
	dir string
	// cgroup is the name of the folder that the run has in each hierarchy.
	cgroup string
	// lock is held while the run lives; what has a free lock is left over.
	lock *os.File
	// namespaces names the run's process and network namespace, once it has them.
	// All its processes are in the latter. They are held open, since the kernel
	// gives the name of one that is gone to the next that anybody makes.
	namespaces []string
	held       []*os.File
}

// newRun makes the folder of a run below parent, after removing what runs that
// were killed left there.
func newRun(parent string) (*run, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(parent, "e2e-*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range left {
		if old, err := lockRun(dir); err == nil {
			if err := old.remove(); err != nil {
				return nil, fmt.Errorf("removing what an earlier run left: %w", err)
			}
		}
	}
	// Under this name no other run looks at it before it is locked.
	unlocked, err := os.MkdirTemp(parent, ".e2e-")
	if err != nil {
		return nil, err
	}
	r, err := lockRun(unlocked)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(parent, filepath.Base(unlocked)[1:])
	r.dir, r.cgroup = dir, cgroupName(dir)
	return r, os.Rename(unlocked, dir)
}

// cgroupName is the name of the cgroups of the run in dir.
func cgroupName(dir string) string { return "auditsetup-" + filepath.Base(dir) }

// lockRun takes the lock of a run's folder, and fails if another process has it.
func lockRun(dir string) (*run, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &run{dir: dir, cgroup: cgroupName(dir), lock: lock}, nil
}

// remove takes away the cgroups and the folder, whose processes must be gone.
func (r *run) remove() error {
	err := errors.Join(removeCgroups(r.cgroup), os.RemoveAll(r.dir))
	return errors.Join(err, r.lock.Close())
}

// letGo closes what inNamespaces has held open.
func (r *run) letGo() {
	for _, file := range r.held {
		_ = file.Close()
	}
	r.held = nil
}

// inNamespaces runs this program again as the first process of new namespaces,
// and returns when all of them have ended. If ctx ends they are killed.
func (r *run) inNamespaces(ctx context.Context, s stage) error {
	cmd, err := again(s)
	if err != nil {
		return err
	}
	// The mount of the folder that the stage sees as insideDir.
	cmd.Env = append(cmd.Env, runDirVariable+"="+r.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		// A run that is killed takes its namespaces along. The kernel watches
		// the thread that made the process, so it has to stay.
		Pdeathsig: syscall.SIGKILL,
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return err
	}
	for _, kind := range []string{"pid", "net"} {
		link := fmt.Sprintf("/proc/%d/ns/%s", cmd.Process.Pid, kind)
		if file, err := os.Open(link); err == nil {
			r.held = append(r.held, file)
		}
		if name, err := os.Readlink(link); err == nil {
			r.namespaces = append(r.namespaces, name)
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %w", errSuite, err)
	}
	return nil
}

// again is a command for this program with the same arguments, as a stage.
func again(s stage) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, stageVariable+"=") || strings.HasPrefix(entry, runDirVariable+"=")
	})
	cmd.Env = append(cmd.Env, stageVariable+"="+string(text))
	return cmd, nil
}

// cgroupFolders returns the folder of that name in each hierarchy that has it:
// one for each controller in version 1, one in version 2.
func cgroupFolders(name string) ([]string, error) {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		dirs, err := filepath.Glob(filepath.Join(pattern, name))
		if err != nil {
			return nil, err
		}
		found = append(found, dirs...)
	}
	return found, nil
}

// removeCgroups removes the cgroup of that name and all below it, in each
// hierarchy. The kernel says busy for a moment after the last process ended.
func removeCgroups(name string) error {
	roots, err := cgroupFolders(name)
	if err != nil {
		return err
	}
	for _, root := range roots {
		var dirs []string
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return err
		})
		if err != nil {
			return err
		}
		slices.Reverse(dirs)
		for _, dir := range dirs {
			err := syscall.Rmdir(dir)
			for range 50 {
				if !errors.Is(err, syscall.EBUSY) {
					break
				}
				time.Sleep(100 * time.Millisecond)
				err = syscall.Rmdir(dir)
			}
			if err != nil {
				return &os.PathError{Op: "rmdir", Path: dir, Err: err}
			}
		}
	}
	return nil
}
