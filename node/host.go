// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package node changes a control-plane host, and is the only package that
// writes where the user has not named a file to write. A change is all or
// nothing: it is planned from the bytes that were read, recorded with backups
// in the state folder before the first file of the host is touched, staged in
// dotfiles beside their targets, and then put in place by renames, the manifest
// last. Whatever stops it, be it an error, a full disk, a kill or a power cut,
// the manifest holds the old bytes or the new ones, and the record says how to
// get back.
//
// The kubelet runs every file of the manifests folder whose name does not begin
// with a dot, whatever its extension, so nothing else is ever put there, and
// [Host.Strays] finds what others have left.
package node

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// DefaultStateDir is where records, backups and the lock are kept.
const DefaultStateDir = "/var/lib/auditsetup"

// Host is a machine, or the image of one in a folder. All paths handed to its
// methods are absolute and as the machine itself sees them; errors name them as
// the user of this process can type them, that is with Root in front. The zero
// Host is the running machine. A Host may be copied and used concurrently;
// changes exclude each other through a lock in StateDir.
type Host struct {
	// Root is the folder below which every path lies; empty means "/". Below
	// any other root symbolic links are resolved as in a chroot.
	Root string
	// StateDir is the folder of records and backups, created with mode 0700
	// when first needed. It lies below Root; empty means DefaultStateDir.
	StateDir string
	// Version is the version of the tool, for the records. May be empty.
	Version string
	// Now tells the time for the records; nil means time.Now.
	Now func() time.Time

	// step, when set, is called before each system call that changes
	// anything, and its error is taken for that of the call. Tests fail, crash
	// or kill the process with it.
	step func(op, path string) error
}

// Display gives path as the user of this process can type it.
func (h *Host) Display(path string) string {
	if h.root() == "/" {
		return filepath.Clean(path)
	}
	return filepath.Join(h.root(), path)
}

func (h *Host) root() string {
	if h.Root == "" {
		return "/"
	}
	return filepath.Clean(h.Root)
}

func (h *Host) state(elements ...string) string {
	dir := h.StateDir
	if dir == "" {
		dir = DefaultStateDir
	}
	return filepath.Join(append([]string{dir}, elements...)...)
}

func (h *Host) now() time.Time {
	if h.Now == nil {
		return time.Now().UTC()
	}
	return h.Now().UTC()
}

func (h *Host) at(op, path string) error {
	if h.step == nil {
		return nil
	}
	return h.step(op, path)
}

// base is Root as the operating system has it, free of symbolic links, which
// is what securejoin demands of a root.
func (h *Host) base() (string, error) {
	abs, err := filepath.Abs(h.root())
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", h.fail("/", "open the root folder", err)
	}
	return abs, nil
}

// resolve follows every symbolic link of path, its last component included,
// and gives the result relative to the root. What does not exist counts as no
// link.
func (h *Host) resolve(path string) (string, error) {
	base, err := h.base()
	if err != nil {
		return "", err
	}
	full, err := securejoin.SecureJoin(base, path)
	if err != nil {
		return "", h.fail(path, "look at", err)
	}
	return filepath.Rel(base, full)
}

// within says whether path is the folder dir or lies below it, once links are
// followed.
func (h *Host) within(dir, path string) (bool, error) {
	parent, err := h.resolve(dir)
	if err != nil {
		return false, err
	}
	child, err := h.resolve(path)
	if err != nil {
		return false, err
	}
	return child == parent || strings.HasPrefix(child, parent+"/"), nil
}

// open gives the folder at path. The way there is walked twice: securejoin
// resolves the links within the root, and os.Root then refuses to leave it, so
// that a link swapped in between leads to an error and not outside.
func (h *Host) open(path string) (*folder, error) {
	relative, err := h.resolve(path)
	if err != nil {
		return nil, err
	}
	base, err := h.base()
	if err != nil {
		return nil, err
	}
	top, err := os.OpenRoot(base)
	if err != nil {
		return nil, h.fail("/", "open the root folder", err)
	}
	defer top.Close()
	// Asked before it is opened, because the open of a pipe would wait.
	info, err := top.Stat(relative)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, h.fail(path, "open the folder", err)
	}
	root, err := top.OpenRoot(relative)
	if err != nil {
		return nil, h.fail(path, "open the folder", err)
	}
	return &folder{host: h, root: root, path: path}, nil
}

// openParent is open for the folder that holds path.
func (h *Host) openParent(path string) (*folder, string, error) {
	dir, err := h.open(filepath.Dir(path))
	return dir, filepath.Base(path), err
}
