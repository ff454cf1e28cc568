// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func spaceOf(file string) (space, error) {
	var f unix.Statfs_t
	var s unix.Stat_t
	if err := unix.Statfs(file, &f); err != nil {
		return space{}, err
	}
	if err := unix.Stat(file, &s); err != nil {
		return space{}, err
	}
	return space{device: s.Dev, free: int64(f.Bavail) * f.Bsize}, nil
}

// labelOf is the SELinux label of a file, empty when it has none.
func labelOf(file string) string {
	value := make([]byte, 256)
	n, err := unix.Getxattr(file, "security.selinux", value)
	if err != nil {
		return ""
	}
	return string(value[:n])
}

// owned says whether a file belongs to who runs this.
func owned(file string) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
