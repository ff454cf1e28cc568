// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/auditsetup/auditsetup/doctor"
)

// disk looks at the file system of a folder, or of the nearest one above it that
// is there.
func (g *gathering) disk(dir string) {
	var f unix.Statfs_t
	err := unix.Statfs(dir, &f)
	for errors.Is(err, fs.ErrNotExist) && dir != "/" {
		dir = path.Dir(dir)
		err = unix.Statfs(dir, &f)
	}
	if err != nil {
		g.unseen("the disk of the log", reason(err))
		return
	}
	g.Disk = &doctor.Disk{Free: int64(f.Bavail) * f.Bsize, Size: int64(f.Blocks) * f.Bsize} //nolint:gosec // no disk is that large
}

// label is that of a folder, where SELinux is there and enforces its rules.
func (g *gathering) label(dir string) {
	mode, err := os.ReadFile("/sys/fs/selinux/enforce")
	if err != nil || strings.TrimSpace(string(mode)) != "1" {
		return
	}
	value := make([]byte, 256)
	n, err := unix.Getxattr(dir, "security.selinux", value)
	switch {
	case errors.Is(err, fs.ErrNotExist): // kube-apiserver makes it, with that of its parent
	case err != nil:
		g.unseen("the SELinux label of "+dir, reason(err))
	default:
		g.Label = &doctor.Label{Path: dir, Value: strings.TrimRight(string(value[:n]), "\x00")}
	}
}

func ownerOf(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}
