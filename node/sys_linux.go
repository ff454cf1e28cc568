// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openSafely keeps an open from following a link and from waiting for the
// other end of a pipe.
const openSafely = unix.O_NOFOLLOW | unix.O_NONBLOCK

// keptXattrs are carried over to the new file: the SELinux label, which decides
// whether the API server may read it, and the access list, without which the
// group's bits of the mode would mean more than they did.
var keptXattrs = []string{"security.selinux", "system.posix_acl_access"}

func ownerOf(info fs.FileInfo) (uid, gid int) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(st.Uid), int(st.Gid)
}

func readXattrs(f *os.File) (map[string][]byte, error) {
	var all map[string][]byte
	for _, name := range keptXattrs {
		value, err := readXattr(f, name)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		if all == nil {
			all = map[string][]byte{}
		}
		all[name] = value
	}
	return all, nil
}

// readXattr gives nil where the file has no such attribute, or its file system
// has none at all.
func readXattr(f *os.File, name string) ([]byte, error) {
	value := make([]byte, 256) // a label is shorter
	n, err := unix.Fgetxattr(int(f.Fd()), name, value)
	if errors.Is(err, unix.ERANGE) {
		value = make([]byte, 64<<10) // XATTR_SIZE_MAX of linux/limits.h
		n, err = unix.Fgetxattr(int(f.Fd()), name, value)
	}
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "getxattr", Path: name, Err: err}
	}
	return value[:n], nil
}

func writeXattrs(f *os.File, all map[string][]byte) error {
	for _, name := range keptXattrs {
		value, ok := all[name]
		if !ok {
			continue
		}
		// An unprivileged process may not set a label, even to what it is.
		if now, err := readXattr(f, name); err == nil && bytes.Equal(now, value) {
			continue
		}
		if err := unix.Fsetxattr(int(f.Fd()), name, value, 0); err != nil {
			return &os.PathError{Op: "setxattr", Path: name, Err: err}
		}
	}
	return nil
}

// tryLock takes the lock of f without waiting; false means that another open
// file has it. The kernel lets go of it when the process ends.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// unlock lets go of the lock at once, where closing f would wait for the copies
// that a fork on another thread may have made.
func unlock(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	_ = f.Close()
}
