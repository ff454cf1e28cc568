// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	host "github.com/auditsetup/auditsetup/node"
)

// killsVariable names the environment variable with the number of kills of
// TestKilledAtRandom, and seedVariable the one with the seed of their moments.
const (
	killsVariable = "AUDITSETUP_E2E_KILLS"
	seedVariable  = "AUDITSETUP_E2E_SEED"
)

// number is that of an environment variable, or another when that is empty.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		t.Fatalf("%s is %q, want a number from 1 on", variable, text)
	}
	return value
}

// The next run after a kill, which take turns.
const (
	sameAgain   = "the same again"
	takeBack    = "rollback"
	statusFirst = "status first"
)

// killing is a walk between a node with audit and one without: each step is a
// command that is killed, and what puts that right.
type killing struct {
	n    *Node
	rand *rand.Rand
	// on is the manifest with audit. Without it is the node's original.
	on []byte
	// typical are the marks of the last whole run of each command.
	typical map[string]marks
	rows    []*killed
}

// TestKilledAtRandom kills enable, disable and rollback at random moments, most
// of them within the few in which files are written. Whatever was left, the
// manifest is of before or of after, and the next run comes to a clean end.
func TestKilledAtRandom(t *testing.T) {
	kills, seed := number(t, killsVariable, 4), number(t, seedVariable, int(time.Now().Unix()%1_000_000))
	_, n := fresh(t)
	say("%d kills; seed %d, drawn again with %s=%d", kills, seed, seedVariable, seed)
	k := &killing{n: n, rand: rand.New(rand.NewPCG(uint64(seed), 0)), typical: map[string]marks{}}
	k.prepare(t, "disable")
	begun := time.Now()
	for i := range kills {
		row := &killed{number: i + 1, command: []string{"enable", "disable", "rollback"}[i%3]}
		k.rows = append(k.rows, row)
		mode := []string{sameAgain, takeBack, statusFirst}[(i+i/3)%3]
		if !t.Run(fmt.Sprintf("%02d-%s", i+1, row.command), func(t *testing.T) { k.one(t, row, mode) }) {
			_, _ = fresh(t)
		}
	}
	k.report(t, time.Since(begun), seed)
	k.prepare(t, "disable")
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	tool(t, n.Auditsetup(ctx, "disable", "--yes"), 0)
	asBefore(ctx, t, n)
	time.Sleep(relist)
	asBefore(ctx, t, n)
}

// prepare has the node as a command needs it: without audit for enable, and with
// it for the others. What was left for the kubelet to do is hurried.
func (k *killing) prepare(t *testing.T, command string) {
	t.Helper()
	first := "enable"
	if command == "enable" {
		first = "disable"
	}
	if now := readFile(t, Manifest); bytes.Equal(now, k.n.Original) == (command == "enable") {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	k.n.StopKubelet()
	k.whole(ctx, t, 0, first, "--yes", "--no-wait")
	if err := killServers(ctx); err != nil {
		t.Fatal(err)
	}
	if err := k.n.StartKubelet(ctx); err != nil {
		t.Fatal(err)
	}
	if k.on == nil {
		k.on = readFile(t, Manifest)
	}
	if err := k.n.AwaitInForce(ctx, readFile(t, Manifest)); err != nil {
		t.Fatal(err)
	}
	mirrored(ctx, t, k.n)
}

// one kills a command at a random moment, looks at what it left, and has it put
// right.
func (k *killing) one(t *testing.T, row *killed, mode string) {
	t.Cleanup(func() {
		row.wrong = t.Failed()
		say("%s", strings.Join(strings.Fields(row.line()), " "))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*testLimit)
	defer cancel()
	k.kill(ctx, t, row)
	start := time.Now()
	k.look(t, row)
	want := k.putRight(ctx, t, row, mode)
	row.took = time.Since(start)
	k.clean(ctx, t, row, want)
}

// kill runs the command until it is killed: once it may be faster than the
// moment.
func (k *killing) kill(ctx context.Context, t *testing.T, row *killed) {
	t.Helper()
	for range 3 {
		k.prepare(t, row.command)
		row.old, row.new = k.n.Original, k.on
		if row.command != "enable" {
			row.old, row.new = k.on, k.n.Original
		}
		if err := k.n.InForce(ctx, row.old); err != nil {
			t.Fatalf("before the kill: %v", err)
		}
		row.container = running(ctx, t, k.n).ID
		row.knownToRecords = recordsByID(t)
		at := k.draw(row.command, moments[(row.number-1)%len(moments)])
		out, m := k.run(ctx, t, at, row.command, "--yes")
		row.marks, row.step = m, lastStep(out)
		if !m.killed.IsZero() {
			return
		}
		t.Logf("it ended before it was to be killed, %s after %s:\n%s", at.delay, at.after, out)
	}
	t.Fatal("it was never killed")
}

// recordsByID are the records that there are.
func recordsByID(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, r := range records(t) {
		known[r.ID] = true
	}
	return known
}

func records(t *testing.T) []host.Record {
	t.Helper()
	all, err := (&host.Host{}).Records()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// look finds what a kill left: the manifest of before or of after, and nothing
// beside it that a kubelet would take for a pod.
func (k *killing) look(t *testing.T, row *killed) {
	t.Helper()
	switch now := readFile(t, Manifest); {
	case bytes.Equal(now, row.old):
		row.manifest = "old"
	case bytes.Equal(now, row.new):
		row.manifest = "new"
	default:
		row.manifest = "neither"
		t.Errorf("the manifest is neither that of before nor that of after:\n%s", now)
	}
	for _, name := range besideManifest(t) {
		row.dotfiles = append(row.dotfiles, name)
		if !strings.HasPrefix(name, ".") {
			t.Errorf("%s was left in the manifests folder, and the kubelet takes it for a pod", name)
		}
	}
	row.record = "none"
	for _, r := range records(t) {
		if !row.knownToRecords[r.ID] {
			row.record = r.State
		}
	}
	if row.record == "none" && row.manifest != "old" {
		t.Error("the manifest was changed without a record")
	}
}

// besideManifest are the names in the manifests folder that are not to stay.
func besideManifest(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(Manifest))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); name != "etcd.yaml" && name != filepath.Base(Manifest) {
			names = append(names, name)
		}
	}
	return names
}

// clean wants a node that is well, with the manifest wanted, and no trace of the
// kill; one with which the manifest was never changed has had no restart.
func (k *killing) clean(ctx context.Context, t *testing.T, row *killed, want []byte) {
	t.Helper()
	now := readFile(t, Manifest)
	if !bytes.Equal(now, want) {
		t.Errorf("in the end the manifest is not the one expected:\n%s", now)
	}
	if err := k.n.InForce(ctx, now); err != nil {
		t.Errorf("in the end: %v", err)
	}
	if left := besideManifest(t); len(left) > 0 {
		t.Errorf("in the end %q is left in the manifests folder", left)
	}
	for _, r := range records(t) {
		if r.State == host.StatePrepared {
			t.Errorf("in the end the record %s is still that of a change cut off", r.ID)
		}
	}
	for name := range backups() {
		if strings.HasPrefix(name, ".") {
			t.Errorf("in the end %s is left among the backups", name)
		}
	}
	_, err := os.Stat(policyFile)
	if bytes.Equal(now, k.on) && err != nil {
		t.Errorf("in the end the policy is not there: %v", err)
	}
	if row.manifest == "old" && bytes.Equal(now, row.old) && running(ctx, t, k.n).ID != row.container {
		t.Error("the manifest was never changed, and the API server restarted all the same")
	}
}

// policyFile is where enable writes the policy by default.
const policyFile = "/etc/kubernetes/audit/policy.yaml"

// putRight has the next run, or the one that it asks for, bring the node to a
// clean end, and gives the manifest to be expected then.
func (k *killing) putRight(ctx context.Context, t *testing.T, row *killed, mode string) []byte {
	t.Helper()
	cut := row.record == host.StatePrepared
	if mode == statusFirst {
		out, _ := tool(t, k.n.Auditsetup(ctx, "status"), 0)
		holds(t, out, "audit logging is ")
		_, rest, _ := strings.Cut(out, "audit logging is ")
		told, _, _ := strings.Cut(rest, " ")
		if cut {
			holds(t, out, "  cut off ", row.command, "auditsetup rollback")
			told += ", " + row.command + " cut off"
		}
		row.next = append(row.next, "status: "+told)
		mode = []string{sameAgain, takeBack}[row.number%2]
	}
	switch {
	case row.record == "none":
		// There is nothing to put back, and nothing to be told.
		k.whole(ctx, t, 0, row.command, "--yes")
		row.next = append(row.next, row.command+": done")
		return row.new
	case mode == takeBack || row.command == "rollback":
		return k.rollBack(ctx, t, row)
	case cut:
		_, text := k.whole(ctx, t, 1, row.command, "--yes")
		holds(t, text, "was cut off before its end", "auditsetup rollback")
		row.next = append(row.next, row.command+": refused")
		return k.rollBack(ctx, t, row)
	}
	out, _ := k.whole(ctx, t, 0, row.command, "--yes")
	holds(t, out, "nothing to do: ")
	row.next = append(row.next, row.command+": nothing to do")
	return row.new
}

// rollBack takes back the last change, and gives the manifest of before that.
func (k *killing) rollBack(ctx context.Context, t *testing.T, row *killed) []byte {
	t.Helper()
	plan, err := (&host.Host{}).PlanRollback(false)
	if errors.Is(err, fs.ErrNotExist) {
		_, text := tool(t, k.n.Auditsetup(ctx, "rollback", "--yes"), 1)
		holds(t, text, "there is no change to roll back")
		row.next = append(row.next, "rollback: nothing left to roll back")
		return row.new
	}
	if err != nil {
		t.Fatal(err)
	}
	k.whole(ctx, t, 0, "rollback", "--yes")
	row.next = append(row.next, "rollback: done")
	for _, f := range plan.Files {
		if _, err := os.Stat(f.Path); err == nil && f.Remove {
			t.Errorf("after the rollback %s is still there", f.Path)
		}
	}
	if plan.Manifest == nil {
		return readFile(t, Manifest)
	}
	return plan.Manifest.New
}
