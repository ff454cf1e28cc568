// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/restart"
	"github.com/auditsetup/auditsetup/rollout"
)

// safeBuffer is written by the spinner and read by the test.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestDisplayPlain writes a line for each step, and what is waited for not more
// often than people care to read.
func TestDisplayPlain(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := newDisplay(Streams{Err: &out})
	d.step(node.StepLock)
	d.step(rollout.StepWait)
	d.doing("one")
	d.doing("two")
	d.told = time.Now().Add(-time.Minute)
	d.doing("three")
	d.close(true)
	if want := "auditsetup: lock\nauditsetup: wait\nauditsetup: wait for one\nauditsetup: wait for three\n"; out.String() != want {
		t.Errorf("%q\nwant %q", out.String(), want)
	}
}

// TestDisplayLive has one line that is written over, never wider than the
// terminal, and one that stays of each step.
func TestDisplayLive(t *testing.T) {
	t.Parallel()
	out := &safeBuffer{}
	d := newDisplay(Streams{Err: out, Live: true, Width: 40})
	d.step(node.StepLock)
	d.step(rollout.StepWait)
	d.doing(strings.Repeat("x", 100))
	for !strings.Contains(out.String(), "x") {
		time.Sleep(10 * time.Millisecond)
	}
	d.step(node.StepUndo)
	d.step(rollout.StepRecover)
	d.close(true)
	text := out.String()
	at := 0
	for _, line := range []string{"done    lock\n", "failed  wait\n", "done    put back\n", "done    wait for what was before\n"} {
		i := strings.Index(text[at:], "\r\x1b[K"+line)
		if i < 0 {
			t.Fatalf("no %q in its place in %q", line, text)
		}
		at += i
	}
	for part := range strings.SplitSeq(text, "\r\x1b[K") {
		if len(part) > 39 {
			t.Errorf("%d columns: %q", len(part), part)
		}
	}
}

// TestShowFailure shows the server's last lines, and nothing that could play
// tricks on a terminal.
func TestShowFailure(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	failure := &restart.Failure{What: "it ended", Log: "/log", Lines: []string{"one\x1b[2J", strings.Repeat("y", 2*widest)}}
	err := error(&node.UndoneError{Cause: failure})
	showFailure(&out, rollout.Result{Back: restart.Outcome{Waited: 12340 * time.Millisecond}}, err)
	want := "auditsetup: the last lines of /log:\n  | one?[2J\n  | " + strings.Repeat("y", widest) + "...\n" +
		"auditsetup: note: the kube-apiserver is ready again with what was before, after 12.3 s\n"
	if out.String() != want {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
	if code := exitCode(err); code != exitUndone {
		t.Errorf("exit code %d", code)
	}
	if code := exitCode(&node.UndoneError{Cause: document.Problem{File: "--x", What: "y"}}); code != exitUndone {
		t.Errorf("exit code %d", code)
	}
	if code := exitCode(errors.New("x")); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

// TestStepperRemarks says at once, and once, what a person may have to do when the
// files are back beside an API server that is down.
func TestStepperRemarks(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		for _, down := range []bool{false, true} {
			var out safeBuffer
			show := newDisplay(Streams{Err: &out, Live: live, Width: 80})
			step := (&planned{down: down}).stepper(&hostFlags{timeout: 5 * time.Minute}, show)
			step(node.StepManifest)
			before := out.String()
			step(rollout.StepWait)
			said := strings.TrimPrefix(out.String(), before)
			show.close(true)
			if strings.Contains(before, "restart kubelet") || strings.Count(out.String(), "systemctl restart kubelet\n") != map[bool]int{true: 1}[down] {
				t.Errorf("live %t, down %t:\n%s", live, down, out.String())
			}
			if down && !strings.Contains(said, "auditsetup: note: the files are in place, and the API server is waited for, up to 5m0s; ") {
				t.Errorf("live %t: said\n%s", live, said)
			}
		}
	}
}
