// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// asks makes a change that is asked for with a text; empty for none.
func asks(t *testing.T, h *Host, command, asked, content string) {
	t.Helper()
	old, err := h.Read(manifestPath)
	must(t, err)
	c := Change{Command: command, Manifest: &FileChange{Path: manifestPath, Old: old.Bytes, New: []byte(content)}}
	if asked != "" {
		c.Asked = []byte(asked)
	}
	_, err = h.Apply(c)
	must(t, err)
}

// TestAsked follows what was asked for through changes, a rollback and another
// command, and finds none where none was kept.
func TestAsked(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	expect := func(inForce bool, want string, known bool) {
		t.Helper()
		id, data, err := h.Asked("enable", inForce)
		if err != nil || string(data) != want || (id != "") != known || (data == nil) != (want == "") {
			t.Errorf("in force %t: %q, %q, %v; want %q", inForce, id, data, err, want)
		}
	}
	expect(true, "", false)
	asks(t, h, "enable", "", "# 1\n")
	expect(true, "", true) // by a version that did not keep it
	asks(t, h, "enable", "one", "# 2\n")
	asks(t, h, "enable", "two", "# 3\n")
	expect(true, "two", true)
	id, _, _ := h.Asked("enable", true)
	if info, err := os.Stat(h.Root + h.AskedPath(id)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	back, err := h.PlanRollback(false)
	must(t, err)
	_, err = h.Apply(back)
	must(t, err)
	expect(true, "one", true)
	asks(t, h, "disable", "", oldManifest)
	expect(true, "", false)
	expect(false, "one", true)
}

// TestRestate has another wish take the place of the last one, and nothing else
// change.
func TestRestate(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	asks(t, h, "enable", "one", "# 1\n")
	id, _, err := h.Asked("enable", true)
	must(t, err)
	must(t, h.Restate(id, []byte("two")))
	if _, data, err := h.Asked("enable", true); err != nil || string(data) != "two" {
		t.Errorf("%q, %v", data, err)
	}
	records, err := h.Records()
	if err != nil || len(records) != 1 || records[0].State != StateDone {
		t.Errorf("%+v, %v", records, err)
	}
	// nor where another change has been made since the ID was looked up
	asks(t, h, "enable", "later", "# 2\n")
	if err := h.Restate(id, []byte("three")); err == nil || !strings.Contains(err.Error(), "another change was made in the meantime") {
		t.Errorf("error %v", err)
	}
	id, _, err = h.Asked("enable", true)
	must(t, err)
	// not while a change is cut off: its record is what matters then
	must(t, os.Rename(h.Root+h.state("backups", id, recordName(StateDone)), h.Root+h.state("backups", id, recordName(StatePrepared))))
	if err := h.Restate(id, []byte("three")); !errors.Is(err, ErrUnfinished) {
		t.Errorf("error %v", err)
	}
}
