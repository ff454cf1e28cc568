// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRollback(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	stood := []map[string]string{look(t, h)}
	for _, c := range []func() Change{enable, another} {
		apply(t, h, c())
		stood = append(stood, look(t, h))
	}
	rollback(t, h)
	same(t, "one back", look(t, h), stood[1])
	result := rollback(t, h)
	same(t, "two back", look(t, h), stood[0])
	if want := []string{policyPath, webhookPath, logDir, "/var/log/kubernetes", "/etc/kubernetes/audit"}; !slices.Equal(result.Removed, want) {
		t.Errorf("removed %v, want %v", result.Removed, want)
	}
	_, err := h.PlanRollback(false)
	wantProblem(t, err, "", "there is no change to roll back", "")
	want := []string{"enable rolled back", "enable rolled back", "rollback done", "rollback done"}
	if got := states(t, h); !slices.Equal(got, want) {
		t.Errorf("records %v, want %v", got, want)
	}
	apply(t, h, enable())
	rollback(t, h)
	same(t, "after another enable and rollback", look(t, h), stood[0])
}

// A rolled back removal gives the file its mode, and the folder its.
func TestRollbackOfDisable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	must(t, os.Chmod(h.Root+policyPath, 0o640))
	must(t, os.Chmod(h.Root+"/etc/kubernetes/audit", 0o750))
	before := look(t, h)
	apply(t, h, disable())
	if _, ok := look(t, h)["/etc/kubernetes/audit"]; ok {
		t.Error("the folder was not removed")
	}
	rollback(t, h)
	same(t, "after the rollback", look(t, h), before)
}

func TestRollbackKeepsLogs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	apply(t, h, enable())
	put(t, h, logDir+"/audit.log", "{}\n")
	result := rollback(t, h)
	if want := []string{logDir, filepath.Dir(logDir)}; !slices.Equal(result.Kept, want) {
		t.Errorf("kept %v, want %v", result.Kept, want)
	}
	if now := look(t, h); now[logDir+"/audit.log"] != "-rw------- {}\n" {
		t.Error("the log is gone")
	}
	if got := states(t, h); !slices.Equal(got, []string{"enable rolled back", "rollback done"}) {
		t.Errorf("records %v", got)
	}
}

func TestRollbackPlan(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	enabled := apply(t, h, enable())
	c, err := h.PlanRollback(false)
	must(t, err)
	if c.Command != "rollback" || c.Undoes != enabled.Record || c.Manifest == nil || c.Manifest.Path != manifestPath || string(c.Manifest.New) != oldManifest {
		t.Errorf("plan %+v", c)
	}
	if !c.Files[1].Remove || !c.Files[1].Secret || string(c.Files[1].Old) != "token: hunter2\n" {
		t.Errorf("the webhook's plan is %+v", c.Files[1])
	}
	apply(t, h, another())
	_, err = h.Apply(c)
	wantProblem(t, err, enabled.Record, "is no longer the last change", "run the command again")
}

func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		spoil            func(t *testing.T, h *Host, backup string)
		file, what, hint string
		forced           bool
	}{
		{"edited manifest", func(t *testing.T, h *Host, _ string) { put(t, h, manifestPath, "edited") },
			manifestPath, `is not what "enable" of 2026-08-01 12:30:00 UTC left behind`, "--force", true},
		{"removed manifest", func(t *testing.T, h *Host, _ string) { must(t, os.Remove(h.Root+manifestPath)) },
			manifestPath, "left behind", "--force", true},
		{"missing backup", func(t *testing.T, h *Host, backup string) { must(t, os.Remove(backup+manifestPath)) },
			"-enable" + manifestPath, "cannot read: no such file", "", false},
		{"damaged backup", func(t *testing.T, _ *Host, backup string) { must(t, os.WriteFile(backup+manifestPath, nil, 0o600)) },
			"-enable" + manifestPath, "is damaged", "by hand", false},
		{"missing record", func(t *testing.T, _ *Host, backup string) { must(t, os.Remove(backup+"/record.done.json")) },
			"-enable", "holds no record", "mv ", false},
		{"damaged record", func(t *testing.T, _ *Host, backup string) {
			must(t, os.WriteFile(backup+"/record.done.json", []byte("{"), 0o600))
		}, "record.done.json", "is damaged", "mv ", false},
		{"newer record", func(t *testing.T, _ *Host, backup string) {
			must(t, os.WriteFile(backup+"/record.done.json", []byte(`{"formatVersion": 2}`), 0o600))
		}, "record.done.json", "format version 2", "newer", false},
		{"link for a manifest", func(t *testing.T, h *Host, _ string) {
			must(t, os.Remove(h.Root+manifestPath))
			must(t, os.Symlink("etcd.yaml", h.Root+manifestPath))
		}, manifestPath, "is a symbolic link", "etcd.yaml", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			pristine := look(t, h)
			result := apply(t, h, enable())
			test.spoil(t, h, h.Root+result.Backup)
			_, err := h.PlanRollback(false)
			wantProblem(t, err, test.file, test.what, test.hint)
			c, err := h.PlanRollback(true)
			if !test.forced {
				wantProblem(t, err, test.file, test.what, test.hint)
				return
			}
			must(t, err)
			apply(t, h, c)
			same(t, "after the forced rollback", look(t, h), pristine)
		})
	}
}

// Who has put a file back by hand already is not in the way.
func TestRollbackByHand(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	pristine := look(t, h)
	apply(t, h, enable())
	put(t, h, manifestPath, oldManifest)
	must(t, os.Remove(h.Root+policyPath))
	rollback(t, h)
	same(t, "after the rollback", look(t, h), pristine)
}

func TestRecordsOfNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	if records := mustRecords(t, h); len(records) != 0 {
		t.Errorf("records %v", records)
	}
	if _, err := os.Stat(h.Root + DefaultStateDir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("looking at the records made the state folder")
	}
	apply(t, h, enable())
	if records := mustRecords(t, h); len(records) != 1 || records[0].ToolVersion != "v0.0.1" || records[0].State != StateDone {
		t.Errorf("records %v", records)
	}
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.StateDir = "/var/lib/the state"
	s := scenarios[0]
	ops, _, _ := s.steps(t)
	s.crash(t, h, slices.Index(ops, "rename "+manifestPath))
	_, err := h.Apply(enable())
	if !errors.Is(err, ErrUnfinished) {
		t.Errorf("not refused: %v", err)
	}
	wantProblem(t, err, "/backups/20260801T123000Z-enable", `the change "enable" of 2026-08-01 12:30:00 UTC was cut off`,
		"put back what was before: auditsetup rollback --root "+h.Root+" --state-dir '/var/lib/the state'")
	if got := states(t, h); !slices.Equal(got, []string{"enable prepared"}) {
		t.Errorf("records %v", got)
	}
	rollback(t, h)
	if got := states(t, h); !slices.Equal(got, []string{"enable rolled back", "rollback done"}) {
		t.Errorf("records %v", got)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	must(t, h.Purge())
	apply(t, h, enable())
	before := look(t, h)
	steps := 0
	h.step = func(string, string) error { steps++; return nil }
	must(t, h.Purge())
	same(t, "after the purge", look(t, h), before)
	if left, err := os.ReadDir(h.Root + "/var/lib"); len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	for k := range steps {
		h := newHost(t)
		apply(t, h, enable())
		h.step = stop(k, false, full)
		if err := h.Purge(); err == nil || errors.Is(err, ErrLeft) != (k >= 3) {
			t.Errorf("at step %d: %v", k, err)
		}
		h.step = nil
		if n := len(mustRecords(t, h)); n != 1 && k < 3 || n != 0 && k >= 3 {
			t.Errorf("%d records after an error at step %d", n, k)
		}
		must(t, h.Purge())
		if left, _ := os.ReadDir(h.Root + "/var/lib"); len(left) > 0 {
			t.Errorf("left after step %d: %v", k, left)
		}
	}
}

// TestPurgeOfLink removes the records where a link leads, and what can be written
// through it is written again.
func TestPurgeOfLink(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	must(t, os.MkdirAll(h.Root+"/data/of-audit", 0o755))
	must(t, os.Symlink("/data/of-audit", h.Root+DefaultStateDir))
	apply(t, h, enable())
	must(t, h.Purge())
	if left, err := os.ReadDir(h.Root + "/data/of-audit"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if left, err := os.ReadDir(h.Root + "/data"); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
	asks(t, h, "enable", "one", "# again\n")
	if _, data, err := h.Asked("enable", true); err != nil || string(data) != "one" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestPurgeOfSharedFolder leaves alone what a link leads to when there is more in
// it than auditsetup put there.
func TestPurgeOfSharedFolder(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	must(t, os.MkdirAll(h.Root+"/data", 0o755))
	must(t, os.WriteFile(h.Root+"/data/precious", nil, 0o644))
	must(t, os.Symlink("/data", h.Root+DefaultStateDir))
	apply(t, h, enable())
	if err := h.Purge(); err == nil || errors.Is(err, ErrLeft) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(h.Root + "/data"); err != nil || len(left) != 3 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestPurgeRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := scenarios[0]
	ops, _, _ := s.steps(t)
	s.crash(t, h, slices.Index(ops, "rename "+manifestPath))
	if err := h.Purge(); !errors.Is(err, ErrUnfinished) {
		t.Errorf("the way back would be removed: %v", err)
	}
	rollback(t, h)
	must(t, h.Purge())
}
