// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lock takes the file lock at path, waiting until it is free or ctx ends; it
// calls waiting once if it has to wait. The kernel gives the lock back when the
// process ends, however it ends, so none is ever left over. The file stays:
// removing it would let a third process lock a new file of the same name.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	waited := false
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		if !waited {
			waited = true
			waiting()
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
