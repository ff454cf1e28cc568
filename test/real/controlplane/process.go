// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// startLimit bounds how long etcd and the API server may take to be ready. Two
// to eight seconds are usual; a machine busy with other things needs more.
const startLimit = 3 * time.Minute

// grace is how long a process may take to end after SIGTERM.
const grace = 20 * time.Second

// process is a program in the background, with its output in a file.
type process struct {
	name   string
	output string
	cmd    *exec.Cmd
	// ended is closed when the process is gone; err is valid from then on.
	ended chan struct{}
	err   error
}

// launch starts argv with its output in a file in dir that is named after it.
func launch(name, dir string, argv []string) (*process, error) {
	file, err := os.Create(filepath.Join(dir, name+".out"))
	if err != nil {
		return nil, err
	}
	p := &process{name: name, output: file.Name(), cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.Env = []string{}
	// The kernel ends the process with the thread that started it, which
	// covers a test run that is killed. So that thread has to live as long.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer file.Close()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	return p, <-started
}

// await tries until it succeeds, the process ends or time is up.
func await(ctx context.Context, p *process, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.failure()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, err, p.tail(20))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the process, kindly first, and returns when it is gone.
func (p *process) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// failure says that the process ended, with the last lines of what it wrote. It
// must have ended.
func (p *process) failure() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended: %s\n%s", p.name, how, p.tail(20))
}

// tail returns the last n lines of the output.
func (p *process) tail(n int) []byte {
	text, err := os.ReadFile(p.output)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
