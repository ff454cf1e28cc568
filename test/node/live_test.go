// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
)

// tool runs auditsetup with its defaults and wants an exit code. What it said
// is shown when the test fails.
func tool(t *testing.T, cmd *exec.Cmd, want int) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	failure := cmd.Run()
	t.Logf("$ auditsetup %s\n%s%s", strings.Join(cmd.Args[1:], " "), err.String(), out.String())
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("exit code %d, want %d: %v", got, want, failure)
	}
	return out.String(), err.String()
}

// holds wants parts in a text.
func holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in the output", part)
		}
	}
}

// TestLiveEnable is the promise: one command, one restart, an event read back;
// nothing to do the second time; one restart for another policy, and the bytes
// of before after disable.
func TestLiveEnable(t *testing.T) {
	ctx, n := fresh(t)
	w := watch(t, n)
	out, _ := tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	holds(t, out, "audit logging is set up", " was read back: ", "level Metadata", "did not answer for ")
	if err := n.InForce(ctx, readFile(t, Manifest)); err != nil {
		t.Errorf("when enable has ended: %v", err)
	}
	oneStart(t, w, "enable")
	_, after, _ := strings.Cut(out, "event ")
	id, _, _ := strings.Cut(after, " ")
	if events, err := controlplane.Events(APILog, id); err != nil || len(events) == 0 {
		t.Errorf("the event %q is not in the log: %v", id, err)
	}

	w = watch(t, n)
	out, _ = tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	holds(t, out, "nothing to do: ")
	time.Sleep(relist)
	if report := w.Stop(); len(report.Started) > 0 || len(report.Outages) > 0 {
		t.Errorf("a run with nothing to do disturbed the API server: %+v", report)
	}

	w = watch(t, n)
	out, _ = tool(t, n.Auditsetup(ctx, "enable", "--yes", "--profile=metadata"), 0)
	holds(t, out, " was read back: ")
	oneStart(t, w, "another policy")

	w = watch(t, n)
	tool(t, n.Auditsetup(ctx, "disable", "--yes"), 0)
	oneStart(t, w, "disable")
	asBefore(ctx, t, n)
}

func oneStart(t *testing.T, w *Watch, what string) {
	t.Helper()
	report := w.Stop()
	if len(report.Started) != 1 {
		t.Errorf("%s: %d API servers were started, want one: %v", what, len(report.Started), report.Started)
	}
	say("%s: away for %.1f s", what, report.Away().Seconds())
}

// asBefore wants the node as kubeadm made it, at this very moment.
func asBefore(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	if !bytes.Equal(readFile(t, Manifest), n.Original) {
		t.Error("the manifest is not as before")
	}
	if err := n.InForce(ctx, n.Original); err != nil {
		t.Errorf("not as before: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(Manifest))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "etcd.yaml" && name != filepath.Base(Manifest) {
			t.Errorf("%s was left in the manifests folder", name)
		}
	}
}

// TestLiveRollback takes a change back by hand.
func TestLiveRollback(t *testing.T) {
	ctx, n := fresh(t)
	tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	out, _ := tool(t, n.Auditsetup(ctx, "rollback", "--yes"), 0)
	holds(t, out, "what stood before the last change is back")
	asBefore(ctx, t, n)
}

// TestLiveLogNotWritable has a folder where the log is to be.
func TestLiveLogNotWritable(t *testing.T) {
	ctx, n := fresh(t)
	if err := os.MkdirAll(APILog, 0o755); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, text := tool(t, n.Auditsetup(ctx, "enable", "--yes"), 4)
	holds(t, text, "is a directory", "; everything was put back", "ready again with what was before")
	say("a log that cannot be written: put back and ready after %.1f s", time.Since(start).Seconds())
	asBefore(ctx, t, n)
}

// TestLiveKilled ends auditsetup in its wait with no chance to do anything. One
// at a time may work; the next says what happened; rollback puts it right.
func TestLiveKilled(t *testing.T) {
	ctx, n := fresh(t)
	first := n.Auditsetup(ctx, "enable", "--yes")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for bytes.Equal(readFile(t, Manifest), n.Original) {
		time.Sleep(10 * time.Millisecond)
	}
	_, text := tool(t, n.Auditsetup(ctx, "enable", "--yes"), 1)
	holds(t, text, "another auditsetup is changing this host (enable, process ")
	_ = first.Process.Kill()
	var exit *exec.ExitError
	if err := first.Wait(); !errors.As(err, &exit) {
		t.Fatalf("%v, want it killed", err)
	}
	_, text = tool(t, n.Auditsetup(ctx, "enable", "--yes"), 1)
	holds(t, text, "was cut off before its end", "auditsetup rollback")
	tool(t, n.Auditsetup(ctx, "rollback", "--yes"), 0)
	asBefore(ctx, t, n)
}

// TestLiveInterrupted is Ctrl-C in the wait.
func TestLiveInterrupted(t *testing.T) {
	ctx, n := fresh(t)
	for _, after := range []time.Duration{0, 8 * time.Second} {
		cmd := n.Auditsetup(ctx, "enable", "--yes")
		go func() {
			for ctx.Err() == nil {
				if data, err := os.ReadFile(Manifest); err == nil && !bytes.Equal(data, n.Original) {
					time.Sleep(after)
					_ = cmd.Process.Signal(os.Interrupt)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		start := time.Now()
		_, text := tool(t, cmd, 4)
		holds(t, text, "interrupted (interrupt); everything was put back")
		say("interrupted %s after the change: put back and ready after %.1f s in all", after, time.Since(start).Seconds())
		asBefore(ctx, t, n)
		time.Sleep(relist)
		asBefore(ctx, t, n)
	}
}
