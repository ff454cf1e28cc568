// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// maxFileSize is what the kubelet reads of a static pod file at most, in bytes
// (kubernetes pkg/kubelet/config/common.go, maxConfigLength); no policy or
// kubeconfig comes near it.
const maxFileSize = 10 << 20

// File is a regular file as it was at one moment.
type File struct {
	// Path is the file's path on the host.
	Path string
	// Bytes is its content, never nil.
	Bytes []byte
	// ModTime is when the content last changed.
	ModTime time.Time
	attributes
}

// attributes is what a file keeps when its content is replaced.
type attributes struct {
	// Mode holds the permission bits only.
	Mode fs.FileMode
	// UID and GID are the owner, -1 where unknown or of no concern.
	UID, GID int
	// xattrs are the extended attributes worth keeping, by name.
	xattrs map[string][]byte
}

func attributesOf(f *os.File) (attributes, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return attributes{}, nil, err
	}
	a := attributes{Mode: info.Mode().Perm()}
	a.UID, a.GID = ownerOf(info)
	a.xattrs, err = readXattrs(f)
	return a, info, err
}

// set gives f the attributes. The owner comes first, since changing it clears
// bits of the mode, and the access list last, since it holds the mode's bits.
func (a attributes) set(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	uid, gid := ownerOf(info)
	if a.UID >= 0 && a.UID != uid || a.GID >= 0 && a.GID != gid {
		if err := f.Chown(a.UID, a.GID); err != nil {
			return err
		}
	}
	if err := f.Chmod(a.Mode.Perm()); err != nil {
		return err
	}
	return writeXattrs(f, a.xattrs)
}

// folder is an open folder of the host. Its methods take names, never paths,
// and so act on this very folder whatever happens to the path meanwhile.
type folder struct {
	host *Host
	root *os.Root
	path string
}

func (d *folder) close() { _ = d.root.Close() }

func (d *folder) join(name string) string { return filepath.Join(d.path, name) }

// read gives the regular file name, through one descriptor. errors.Is finds
// fs.ErrNotExist, or errNotRegular for anything else that is there.
func (d *folder) read(name string) (*File, error) {
	path := d.join(name)
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, d.host.fail(path, "read", err)
	}
	if !info.Mode().IsRegular() {
		return nil, d.notRegular(name, info.Mode())
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|openSafely, 0)
	if err != nil {
		return nil, d.host.fail(path, "read", err)
	}
	defer f.Close()
	file := &File{Path: path}
	var opened fs.FileInfo
	if file.attributes, opened, err = attributesOf(f); err != nil {
		return nil, d.host.fail(path, "read", err)
	}
	if !os.SameFile(info, opened) {
		return nil, d.host.problem(path, "was replaced while it was read", "run the command again", nil)
	}
	file.ModTime = opened.ModTime()
	file.Bytes, err = io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, d.host.fail(path, "read", err)
	}
	if opened.Size() > maxFileSize || len(file.Bytes) > maxFileSize {
		return nil, d.host.problem(path, "is larger than 10 MiB, more than the kubelet reads", "", nil)
	}
	return file, nil
}

// readIfAny is read with a nil File for what is not there.
func (d *folder) readIfAny(name string) (*File, error) {
	file, err := d.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

func (d *folder) notRegular(name string, mode fs.FileMode) error {
	what, hint := "is not a regular file but a device, a socket or a pipe", "name a regular file"
	switch {
	case mode.IsDir():
		what, hint = "is a folder, not a file", "name the file in it"
	case mode&fs.ModeSymlink != 0:
		what, hint = "is a symbolic link, not a regular file", "name the file itself"
		if target, err := d.root.Readlink(name); err == nil {
			hint = "name the file itself: " + quote(target)
		}
	}
	return d.host.problem(d.join(name), what, hint, errNotRegular)
}

// create writes a new file and makes its content durable; the entry in the
// folder is not before sync. Nothing is left of a file that failed.
func (d *folder) create(name string, data []byte, a attributes) error {
	if err := d.host.at("create", d.join(name)); err != nil {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(d.fill(f, name, data, a), f.Close()); err != nil {
		_ = d.root.Remove(name)
		return err
	}
	return nil
}

func (d *folder) fill(f *os.File, name string, data []byte, a attributes) error {
	if err := d.host.at("write", d.join(name)); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := d.host.at("set the attributes of", d.join(name)); err != nil {
		return err
	}
	if err := a.set(f); err != nil {
		return err
	}
	if err := d.host.at("sync", d.join(name)); err != nil {
		return err
	}
	return f.Sync()
}

func (d *folder) rename(from, to string) error {
	if err := d.host.at("rename", d.join(to)); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

func (d *folder) link(from, to string) error {
	if err := d.host.at("link", d.join(to)); err != nil {
		return err
	}
	return d.root.Link(from, to)
}

// remove takes away a file; what is not there is no error.
func (d *folder) remove(name string) error {
	if _, err := d.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := d.host.at("remove", d.join(name)); err != nil {
		return err
	}
	return d.root.Remove(name)
}

// sync makes the folder's entries durable.
func (d *folder) sync() error {
	if err := d.host.at("sync", d.path); err != nil {
		return err
	}
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// mkdir makes a folder with exactly these attributes, durably.
func (d *folder) mkdir(name string, a attributes) error {
	if err := d.host.at("make", d.join(name)); err != nil {
		return err
	}
	if err := d.root.Mkdir(name, 0o700); err != nil {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|openSafely, 0)
	if err == nil {
		err = errors.Join(a.set(f), f.Close())
	}
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		_ = d.root.Remove(name)
	}
	return err
}

// rmdir takes away an empty folder, durably. It says false when the folder is
// not empty, and true when there is none.
func (d *folder) rmdir(name string) (bool, error) {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil || !info.IsDir() {
		return false, err
	}
	if err := d.host.at("remove", d.join(name)); err != nil {
		return false, err
	}
	err = d.root.Remove(name)
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, d.sync()
}
