// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package crash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/test/real/release"
)

// traced are the calls that change files or make a change durable. The question
// mark has strace pass over those that the machine does not have. The lock is
// among them because a process that lost it would no longer be alone.
var traced = []string{"open", "openat", "openat2", "creat", "close", "write", "pwrite64", "writev", "copy_file_range", "sendfile",
	"truncate", "ftruncate", "fallocate", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
	"unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown",
	"fchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "fremovexattr", "utimensat", "flock", "sync", "syncfs", "fsync", "fdatasync"}

// tracer is a strace that can be started.
type tracer struct {
	path string
	env  []string
}

// findTracer takes the machine's strace, or else Debian's package.
func findTracer(ctx context.Context) (tracer, error) {
	if path, err := exec.LookPath("strace"); err == nil {
		return tracer{path: path}, nil
	}
	cache, err := release.Default()
	if err != nil {
		return tracer{}, err
	}
	dir, err := cache.Debian(ctx, "strace", "libunwind8")
	if err != nil {
		return tracer{}, err
	}
	libraries, err := filepath.Glob(filepath.Join(dir, "usr/lib/*-linux-gnu*"))
	return tracer{filepath.Join(dir, "usr/bin/strace"), []string{"LD_LIBRARY_PATH=" + strings.Join(libraries, ":")}}, err
}

// fault is what strace does to one call. The zero fault leaves all as they are.
type fault struct {
	what string // in strace's words: signal=KILL or error=EIO
	name string
	nth  int // among the calls of that name on one thread, from 1
}

// trace runs the program on the image at root, with the fault, and gives what
// came of it and the calls that change something, in their order.
func (tr tracer) trace(root string, f fault, program string, args ...string) (outcome, []call, error) {
	log := root + ".strace"
	defer os.Remove(log)
	words := []string{"-f", "-y", "-o", log, "-e", "trace=?" + strings.Join(traced, ",?")}
	if f.what != "" {
		words = append(words, "-e", fmt.Sprintf("inject=%s:%s:when=%d", f.name, f.what, f.nth))
	}
	cmd := exec.Command(tr.path, append(append(words, program), args...)...)
	cmd.Env = append(os.Environ(), tr.env...)
	out, err := start(cmd)
	if err != nil {
		return out, nil, err
	}
	text, err := os.ReadFile(log)
	return out, parse(text, root), err
}

// outcome is what a process left behind: its output, and an exit code that is -1
// for one that was killed.
type outcome struct {
	code           int
	stdout, stderr string
}

func start(cmd *exec.Cmd) (outcome, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return outcome{}, err
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
}

// call is a system call that changes something below the root.
type call struct {
	name string
	// paths are what it changes, as the host has them, with dates and the like
	// taken out: the same in each run.
	paths string
	// nth counts the calls of that name on this call's thread, those that change
	// nothing included.
	nth int
	// failed says that strace put an error in its place.
	failed bool
	// late says that the change was in force, and durably so, before this call.
	late bool
}

func (c call) String() string { return c.name + " " + c.paths }

var (
	entered = regexp.MustCompile(`^(\d+) +(\w+)\((.*)`)
	resumed = regexp.MustCompile(`^(\d+) +<\.\.\. `)
	inside  = regexp.MustCompile(`\d+<([^>]*)>, "([^"]*)"`)
	opened  = regexp.MustCompile(`^\d+<([^>]*)>`)
	dated   = regexp.MustCompile(`\d{8}T\d{6}Z-([a-z]+)(-\d+)?`)
	opening = regexp.MustCompile(`O_(CREAT|TRUNC|WRONLY|RDWR)`)
)

// parse reads strace's log.
func parse(log []byte, root string) []call {
	var calls []call
	count := map[string]int{}
	last := map[string]int{} // the last call of a thread, by its index, or -1
	written := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := resumed.FindStringSubmatch(line); m != nil {
			mark(calls, last[m[1]], line)
			continue
		}
		m := entered.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		thread, name, args := m[1], m[2], m[3]
		count[thread+name]++
		last[thread] = -1
		paths := changed(name, args, root, written)
		if paths == "" {
			continue
		}
		last[thread] = len(calls)
		calls = append(calls, call{name: name, paths: paths, nth: count[thread+name]})
		mark(calls, last[thread], line)
	}
	return calls
}

func mark(calls []call, i int, line string) {
	if i >= 0 && i < len(calls) && strings.Contains(line, "(INJECTED)") {
		calls[i].failed = true
	}
}

// changed gives the paths below root that a call changes, or nothing. written
// gathers the files that were opened for it, since the close of any other file
// is of no account.
func changed(name, args, root string, written map[string]bool) string {
	var paths []string
	if strings.HasSuffix(strings.TrimSuffix(name, "2"), "at") { // what a write writes may look like a path
		for _, m := range inside.FindAllStringSubmatch(args, -1) {
			paths = append(paths, filepath.Join(m[1], m[2]))
		}
	}
	if m := opened.FindStringSubmatch(args); m != nil && paths == nil {
		paths = []string{m[1]}
	}
	ours := func(path string) bool { return strings.HasPrefix(path, root+"/") }
	if !slices.ContainsFunc(paths, ours) {
		return ""
	}
	switch name {
	case "open", "openat", "openat2":
		if !opening.MatchString(args) {
			return ""
		}
		written[paths[0]] = true
	case "close":
		if !written[paths[0]] {
			return ""
		}
	}
	text := strings.ReplaceAll(strings.Join(paths, " -> "), root, "")
	if strings.Contains(args, "AT_REMOVEDIR") {
		text += "/"
	}
	if strings.Contains(args, "LOCK_UN") {
		text += " let go"
	}
	return dated.ReplaceAllString(text, "DATE-$1")
}
