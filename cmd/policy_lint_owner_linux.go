// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"os"
	"syscall"
)

// keepOwner gives a file the owner that another one has. Whoever is not root
// keeps its own.
func keepOwner(file *os.File, like os.FileInfo) error {
	has, ok := like.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return file.Chown(int(has.Uid), int(has.Gid))
}
