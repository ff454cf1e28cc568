// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"reflect"
	"testing"

	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/persist"
)

// TestKeptLog follows two changes, a disable and another enable, each rolled
// back in turn.
func TestKeptLog(t *testing.T) {
	t.Parallel()
	change := func(id, command, before, after string) keptChange {
		return keptChange{id, command, persist.Record{Before: before, After: after}}
	}
	log := keptLog{FormatVersion: 1, Changes: []keptChange{
		change("a", "enable", "0", "1"), change("b", "enable", "1", "2"), change("b", "enable", "2", "3"),
		change("c", "disable", "3", "0"), change("d", "enable", "0", "4"),
	}}
	for _, c := range []struct{ id, kept, original, from, to string }{
		{"d", "4", "0", "4", "0"},
		{"c", "", "", "0", "3"},
		{"b", "3", "0", "3", "1"},
		{"a", "1", "0", "1", "0"},
	} {
		kept := log.kept()
		if (kept == nil) != (c.kept == "") || kept != nil && *kept != (persist.Record{Before: c.original, After: c.kept}) {
			t.Errorf("before %s is rolled back: %+v is kept", c.id, kept)
		}
		if back := log.back(c.id); back == nil || *back != (persist.Record{Before: c.from, After: c.to}) {
			t.Errorf("%s is rolled back by %+v", c.id, back)
		}
		log = log.without(c.id)
	}
	if log.kept() != nil || log.back("a") != nil || len(log.Changes) != 0 {
		t.Errorf("%+v is left", log)
	}
}

// TestKeptFile has the log come back as it was, and a damaged one refused.
func TestKeptFile(t *testing.T) {
	t.Parallel()
	h := &hostFlags{host: node.Host{Root: t.TempDir(), StateDir: node.DefaultStateDir}}
	if log, err := h.readKept(); err != nil || len(log.Changes) != 0 {
		t.Fatalf("%+v, %v", log, err)
	}
	want := keptLog{1, []keptChange{{"a", "enable", persist.Record{Before: "x: 1\n", After: "x: 2\n"}}}}
	for range 2 {
		if err := h.writeKept(want); err != nil {
			t.Fatal(err)
		}
	}
	if log, err := h.readKept(); err != nil || !reflect.DeepEqual(log, want) {
		t.Errorf("%+v, %v", log, err)
	}
	for _, text := range []string{"{", `{"formatVersion":2}`} {
		if err := h.host.Keep(keptFile, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.readKept(); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
