// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cmd

import (
	"errors"
	"os"
	"time"
)

// A control plane runs Linux; elsewhere auditsetup works on copies, and questions
// are asked the plain way.

func flushInput(*os.File) {}

func waitInput(_ *os.File, d time.Duration) bool {
	time.Sleep(d)
	return false
}

func terminalSize(*os.File) (width, height int) { return 0, 0 }

func rawInput(*os.File) (restore func(), err error) { return nil, errors.ErrUnsupported }

func interruptSelf() {}

func freeSpace(string) (free, all int64, err error) { return 0, 0, errors.ErrUnsupported }
