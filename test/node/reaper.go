// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// runDirVariable tells the reaper where on the machine the run's folder is.
const runDirVariable = "AUDITSETUP_E2E_DIR"

// reap is the first process of the namespaces. It makes the node's view of the
// machine, starts the tests, and waits for whatever ends: containerd's shims
// leave their parent, and would stay as zombies otherwise. It is no part of the
// tests' process because waiting for any child would take the children that
// os/exec waits for. It returns the exit code of the tests.
func reap(s stage) int {
	// The terminal's interrupt reaches the tests too, whose end it waits for.
	// Not ignored, since that would be passed on to all processes.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	if mountNamespace("self") == s.Machine || os.Getpid() != 1 {
		return failed(errors.New("not in namespaces of its own"))
	}
	if err := isolate(os.Getenv(runDirVariable)); err != nil {
		return failed(err)
	}
	s.Name = "suite"
	cmd, err := again(s)
	if err != nil {
		return failed(err)
	}
	if err := cmd.Start(); err != nil {
		return failed(err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return failed(os.NewSyscallError("wait4", err))
		case pid == cmd.Process.Pid && status.Exited():
			return status.ExitStatus()
		case pid == cmd.Process.Pid:
			return 128 + int(status.Signal())
		}
	}
}
