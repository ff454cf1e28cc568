// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPrompt answers on a terminal, which tells where its cursor is when asked,
// and on a dumb one, which cannot. What is shown and what is typed are a test's
// own, since testscript loses the end of what a terminal shows.
func TestPrompt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, term, keys string
		code             int
		says             string
	}{
		{"yes", "xterm", "y\r", 0, "audit logging is set up"},
		{"no", "xterm", "n\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"return", "xterm", "\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"interrupt", "xterm", "\x03", 1, "auditsetup: error: interrupted, and nothing was written"},
		{"nonsense", "xterm", "what\ry\r", 0, "audit logging is set up"},
		{"dumb yes", "dumb", "yes\r", 0, "audit logging is set up"},
		{"dumb no", "dumb", "n\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"dumb return", "dumb", "\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"dumb nonsense", "dumb", "what\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"dumb end", "dumb", "\x04", 1, "auditsetup: error: interrupted, and nothing was written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			path := filepath.Join(root, imageManifest)
			original := read(t, "../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, original, 0o600); err != nil {
				t.Fatal(err)
			}
			program, err := exec.LookPath("auditsetup") // testscript.Main has put it there
			if err != nil {
				t.Fatal(err)
			}
			shown, code := onTerminal(t, c.term, c.keys, program, "enable", "--root", root)
			if code != c.code || !strings.Contains(shown, c.says) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, c.code, c.says, shown)
			}
			if written := !bytes.Equal(read(t, path), original); written != (c.code == 0) {
				t.Errorf("written: %v", written)
			}
		})
	}
}

// onTerminal runs a program on a terminal of its own, which answers questions
// about the cursor, and types the keys line by line.
func onTerminal(t *testing.T, term, keys, program string, args ...string) (shown string, code int) {
	t.Helper()
	ctrl, tty := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.Env = append(os.Environ(), "TERM="+term, "NO_COLOR=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var waitErr error
	go func() {
		waitErr = cmd.Wait()
		_ = tty.Close() // ends the reading below
		close(ended)
	}()
	var line atomic.Pointer[string]
	go keepTyping(ctrl, &line, ended)
	var all bytes.Buffer
	buf := make([]byte, 4096)
	for answered := 0; ; {
		n, err := ctrl.Read(buf)
		all.Write(buf[:n])
		// each line is read after two questions: how wide, and where
		for asked := bytes.Count(all.Bytes(), []byte("\x1b[6n")); answered < asked; answered++ {
			line.Store(nil)
			fmt.Fprint(ctrl, "\x1b[24;80R")
			if answered%2 == 1 {
				var next string
				next, keys = nextLine(keys)
				line.Store(&next)
			}
		}
		if line.Load() == nil && bytes.HasSuffix(all.Bytes(), []byte("(y/N) ")) && term == "dumb" {
			line.Store(&keys)
		}
		if err != nil {
			break
		}
	}
	<-ended
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) {
		t.Fatal(waitErr)
	}
	return all.String(), cmd.ProcessState.ExitCode()
}

// keepTyping types the line again until something comes of it: what arrives
// together with the answer to a question is lost to the program.
func keepTyping(ctrl *os.File, line *atomic.Pointer[string], ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(50 * time.Millisecond):
			if keys := line.Load(); keys != nil {
				fmt.Fprint(ctrl, *keys)
			}
		}
	}
}

// nextLine cuts off the keys up to the first return, or all of them.
func nextLine(keys string) (line, rest string) {
	if line, rest, ok := strings.Cut(keys, "\r"); ok {
		return line + "\r", rest
	}
	return keys, ""
}

func openTerminal(t *testing.T) (ctrl, tty *os.File) {
	t.Helper()
	ctrl, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctrl.Close() })
	if err := unix.IoctlSetPointerInt(int(ctrl.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ctrl.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ctrl, tty
}
