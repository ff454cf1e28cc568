// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	host "github.com/auditsetup/auditsetup/node"
)

// instant is when to kill: some time after something was seen. The zero value
// is never.
type instant struct {
	after string
	delay time.Duration
}

// What a moment is counted from, each for a part of the run, in their order.
const (
	// atStart is for what is read, asked and checked.
	atStart = "start"
	// atBackup is the first trace of a record in the making, for the writing of
	// the backups; atRecord the record itself, for the writing of all other files.
	// Both take a few ms at most.
	atBackup = "backup"
	atRecord = "record"
	// atManifest is the change of the manifest, for the wait until the old server
	// is gone; atServer the new one, for the wait for that and the proof.
	atManifest = "manifest"
	atServer   = "server"
	// atDone is the record's last state, for what is tidied up then.
	atDone = "done"
)

// moments take turns, so that few kills have some of each kind, and the writing
// as many as it deserves. Their number has no divisor in common with that of the
// commands.
var moments = []string{
	atRecord, atManifest, atBackup, atServer, atRecord, atStart, atRecord, atDone, atBackup, atManifest, atRecord, atServer, atBackup,
}

// marks are the times of a run; zero for what did not happen.
type marks struct {
	began, backup, record, manifest, server, done, ended, killed time.Time
}

func (m marks) of(kind string) time.Time {
	return map[string]time.Time{
		atStart: m.began, atBackup: m.backup, atRecord: m.record, atManifest: m.manifest, atServer: m.server, atDone: m.done,
	}[kind]
}

// String says when it was killed, and how long after the latest mark.
func (m marks) String() string {
	text := fmt.Sprintf("%.3f s", m.killed.Sub(m.began).Seconds())
	for _, kind := range []string{atDone, atServer, atManifest, atRecord, atBackup} {
		if mark := m.of(kind); !mark.IsZero() {
			return text + fmt.Sprintf(", %s + %.1f ms", kind, max(0, m.killed.Sub(mark).Seconds()*1000))
		}
	}
	return text
}

// draw gives a random moment of a kind, for a part whose length the last whole
// run has shown: evenly spread over the long ones, and thinning out after the
// beginning of the short ones.
func (k *killing) draw(command, kind string) instant {
	m := k.typical[command]
	length := map[string]time.Duration{atStart: 100 * time.Millisecond, atBackup: 2 * time.Millisecond, atRecord: 2 * time.Millisecond,
		atManifest: 10 * time.Second, atServer: 4 * time.Second, atDone: 500 * time.Microsecond}[kind]
	order := []string{atStart, atBackup, atRecord, atManifest, atServer, atDone}
	if i := slices.Index(order, kind); i+1 < len(order) && m.of(order[i+1]).After(m.of(kind)) && !m.of(kind).IsZero() {
		length = m.of(order[i+1]).Sub(m.of(kind))
	}
	part := k.rand.Float64()
	if kind == atBackup || kind == atRecord || kind == atDone {
		part = -math.Log(1 - part)
	}
	return instant{kind, time.Duration(part * float64(length))}
}

// keep keeps the marks of a whole run. One that did not wait says nothing of the
// time after the change.
func (k *killing) keep(args []string, m marks) {
	if !slices.Contains(args, "--no-wait") {
		k.typical[args[0]] = m
	} else if _, known := k.typical[args[0]]; !known {
		m.server, m.done = time.Time{}, time.Time{}
		k.typical[args[0]] = m
	}
}

// run runs the tool and kills it at a moment.
func (k *killing) run(ctx context.Context, t *testing.T, at instant, args ...string) (string, marks) {
	t.Helper()
	cmd := k.n.Auditsetup(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	m := follow(t, cmd, at)
	if m.killed.IsZero() {
		k.keep(args, m)
	}
	return out.String(), m
}

// whole runs the tool to its end, wants an exit code, and keeps how long the
// parts took.
func (k *killing) whole(ctx context.Context, t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := k.n.Auditsetup(ctx, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	m := follow(t, cmd, instant{})
	t.Logf("$ auditsetup %s\n%s%s", strings.Join(args, " "), err.String(), out.String())
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("exit code %d, want %d", got, want)
	}
	if !m.manifest.IsZero() {
		t.Logf("%.0f ms until the backups, %.1f ms for them, %.1f ms from the record to the manifest, %.1f s in all", m.backup.Sub(m.began).Seconds()*1000,
			m.record.Sub(m.backup).Seconds()*1000, m.manifest.Sub(m.record).Seconds()*1000, m.ended.Sub(m.began).Seconds())
		k.keep(args, m)
	}
	return out.String(), err.String()
}

// follow runs a command, notes its marks, and kills it at a moment.
func follow(t *testing.T, cmd *exec.Cmd, at instant) marks {
	t.Helper()
	f := &following{known: backups()}
	var err error
	if f.file, err = os.Stat(Manifest); err != nil {
		t.Fatal(err)
	}
	if f.servers, err = Processes("kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	f.began = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	for {
		f.look()
		if from := f.of(at.after); !from.IsZero() && time.Since(from) >= at.delay && f.killed.IsZero() {
			f.killed = time.Now()
			if cmd.Process.Kill() != nil {
				f.killed = time.Time{}
			}
		}
		select {
		case <-ended:
			f.look()
			f.ended = time.Now()
			if cmd.ProcessState.Exited() {
				f.killed = time.Time{}
			}
			return f.marks
		default:
			// The writing is over soon, and there is no time to spare in it.
			// time.Sleep would not return within less than a millisecond.
			if !f.manifest.IsZero() || time.Since(f.began) > time.Second {
				_ = syscall.Nanosleep(&syscall.Timespec{Nsec: 100_000}, nil)
			}
		}
	}
}

// following knows what there was before a run.
type following struct {
	marks

	known   map[string]bool
	file    os.FileInfo // of the manifest
	servers []Process
	looked  time.Time // at the servers, which takes longer than the rest
}

// look notes what happened since the last look.
func (f *following) look() {
	now := time.Now()
	var record string
	if f.done.IsZero() {
		for name := range backups() {
			if !f.known[name] {
				record = name
			}
		}
	}
	if f.backup.IsZero() && record != "" {
		f.backup = now
	}
	if f.record.IsZero() && record != "" && !strings.HasPrefix(record, ".") {
		f.record = now
	}
	if info, err := os.Stat(Manifest); f.manifest.IsZero() && err == nil && !os.SameFile(info, f.file) {
		f.manifest = now
		if f.record.IsZero() { // it was made after this look had begun
			f.record = now
		}
	}
	if f.manifest.IsZero() {
		return
	}
	if f.server.IsZero() && now.Sub(f.looked) > pollInterval {
		f.looked = now
		running, _ := Processes("kube-apiserver")
		if slices.ContainsFunc(running, func(p Process) bool {
			return !slices.ContainsFunc(f.servers, func(old Process) bool { return old.ID == p.ID })
		}) {
			f.server = now
		}
	}
	if record == "" || strings.HasPrefix(record, ".") {
		return
	}
	if _, err := os.Stat(filepath.Join(host.DefaultStateDir, "backups", record, "record.prepared.json")); err != nil {
		f.done = now
	}
}

// backups are the names in the folder of the records, those in the making too.
func backups() map[string]bool {
	entries, _ := os.ReadDir(filepath.Join(host.DefaultStateDir, "backups"))
	names := map[string]bool{}
	for _, entry := range entries {
		names[entry.Name()] = true
	}
	return names
}

// lastStep is the last step that the tool has named.
func lastStep(output string) string {
	last := "before the first step"
	for line := range strings.Lines(output) {
		text, ours := strings.CutPrefix(strings.TrimSpace(line), "auditsetup: ")
		if ours && !strings.Contains(text, ": ") {
			last = text
		}
	}
	if len(last) > 40 {
		last = last[:40]
	}
	return last
}
