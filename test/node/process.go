// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// daemon is a program in the background, with its output in a file. It needs
// no care when the tests end: the namespaces go, and all processes with them.
type daemon struct {
	name string
	log  string
	cmd  *exec.Cmd
	// ended is closed when the process is gone; err is valid from then on.
	ended chan struct{}
	err   error
}

// startDaemon starts argv. The log is appended to, over restarts.
func startDaemon(name, log string, env []string, argv ...string) (*daemon, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	d := &daemon{name: name, log: log, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	d.cmd.Dir, d.cmd.Env = "/", env
	d.cmd.Stdout, d.cmd.Stderr = file, file
	// Its own process group, so that the terminal's interrupt does not reach it.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// stop ends the process, kindly first, and returns when it is gone.
func (d *daemon) stop() {
	if d == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(20 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
}

// until tries until it succeeds, the process ends or ctx does.
func (d *daemon) until(ctx context.Context, try func(context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-d.ended:
			return fmt.Errorf("%s ended: %v\n%s", d.name, d.err, tail(d.log, 20))
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w\n%s", d.name, ctx.Err(), err, tail(d.log, 20))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tail returns the last lines of a file, or why it cannot be read.
func tail(file string, lines int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// Process is a process of the node.
type Process struct {
	ID   int
	Argv []string
}

// Processes returns the node's processes whose program has that base name, such
// as "kube-apiserver". Others of the machine are not seen.
func Processes(program string) ([]Process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	var found []Process
	for _, p := range all {
		if filepath.Base(p.Argv[0]) == program {
			found = append(found, p)
		}
	}
	return found, nil
}

// processes returns all of the namespace but kernel threads, zombies and what
// ends meanwhile, none of which have a command line.
func processes() ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []Process
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil || len(text) == 0 {
			continue
		}
		found = append(found, Process{ID: id, Argv: strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")})
	}
	return found, nil
}

// killOthers kills all processes of the namespace but its first and this one,
// and returns when they are gone.
func killOthers(ctx context.Context) error {
	if os.Getpid() == 1 || mountNamespace("1") != mountNamespace("self") {
		return errors.New("not in the node's namespaces")
	}
	for {
		all, err := processes()
		if err != nil {
			return err
		}
		left := 0
		for _, p := range all {
			if p.ID != 1 && p.ID != os.Getpid() {
				left++
				_ = syscall.Kill(p.ID, syscall.SIGKILL)
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d processes do not end: %w", left, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
