// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/auditsetup/auditsetup/document"
)

// TestTrialRefused puts everything back, and says so with the reason.
func TestTrialRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	before := look(t, h)
	cause, after := document.Problem{What: "it did not come back"}, document.Problem{What: "and it is not well"}
	var order []string
	_, err := h.Try(enable(), Trial{
		Begin: func() error {
			order = append(order, "begin")
			same(t, "at the beginning", look(t, h), before)
			return nil
		},
		Confirm: func() error {
			order = append(order, "confirm")
			if look(t, h)[manifestPath] == before[manifestPath] {
				t.Error("nothing to confirm yet")
			}
			if _, err := h.Try(another(), Trial{}); !errors.Is(err, ErrLocked) {
				t.Errorf("another change meanwhile: %v", err)
			}
			if err := h.Available(); !errors.Is(err, ErrLocked) {
				t.Errorf("available meanwhile: %v", err)
			}
			return cause
		},
		Undone: func() error {
			order = append(order, "undone")
			same(t, "when put back", look(t, h), before)
			return after
		},
		Step: func(s Step) { order = append(order, string(s)) },
	})
	var undone *UndoneError
	if !errors.As(err, &undone) || !errors.Is(undone.Cause, cause) || !errors.Is(undone.After, after) {
		t.Fatalf("error %v", err)
	}
	if got := document.ProblemsOf(err).Error(); got != "it did not come back; everything was put back\nand it is not well" {
		t.Errorf("%s", got)
	}
	want := []string{"lock", "begin", "back up", "write files", "write manifest", "confirm", "put back", "undone"}
	if !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	if got := states(t, h); !slices.Equal(got, []string{"enable undone"}) {
		t.Errorf("%q", got)
	}
	if err := h.Available(); err != nil {
		t.Errorf("not available after it: %v", err)
	}
	apply(t, h, enable())
}

// TestTrialNotBegun writes nothing.
func TestTrialNotBegun(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	before, cause := look(t, h), errors.New("not now")
	_, err := h.Try(enable(), Trial{Begin: func() error { return cause }, Confirm: func() error { t.Error("confirmed"); return nil }})
	if !errors.Is(err, cause) || len(states(t, h)) > 0 {
		t.Errorf("error %v, records %q", err, states(t, h))
	}
	same(t, "after it", look(t, h), before)
}

// TestTrialCutOff is a process that ends while it waits for the API server: the
// next change is refused, and a rollback puts everything back.
func TestTrialCutOff(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	before := look(t, h)
	func() {
		defer func() { _ = recover() }()
		_, _ = h.Try(enable(), Trial{Confirm: func() error { panic("killed") }})
	}()
	if err := h.Available(); !errors.Is(err, ErrUnfinished) {
		t.Errorf("available: %v", err)
	}
	if _, err := h.Apply(another()); !errors.Is(err, ErrUnfinished) {
		t.Errorf("another change: %v", err)
	}
	rollback(t, h)
	same(t, "after the rollback", look(t, h), before)
	if err := h.Available(); err != nil {
		t.Errorf("not available after it: %v", err)
	}
}

// TestTrialNotPutBack does not claim that all is as before when somebody has
// changed a file meanwhile.
func TestTrialNotPutBack(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	_, err := h.Try(enable(), Trial{
		Confirm: func() error { put(t, h, policyPath, "somebody's\n"); return errors.New("it did not come back") },
		Undone:  func() error { t.Error("it is not undone"); return nil },
	})
	var undone *UndoneError
	if errors.As(err, &undone) || err == nil || !strings.Contains(err.Error(), "not everything could be put back") {
		t.Errorf("error %v", err)
	}
}

// TestAvailableLeavesNothing does not make the state folder.
func TestAvailableLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	if err := h.Available(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(DefaultStateDir + "/lock"); err == nil {
		t.Error("a lock was made")
	}
}

// What a change in force left when it was killed goes with the next look, since
// there may never be another change, and before its record is purged.
func TestLeftoversGo(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(*Host) error{"Available": (*Host).Available, "Purge": (*Host).Purge} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.step = func(op, path string) error {
				if op == "remove" && strings.HasSuffix(path, ".auditsetup-old") {
					return syscall.EIO
				}
				return nil
			}
			apply(t, h, enable())
			h.step = nil
			left := oldName("kube-apiserver.yaml")
			if _, err := os.Stat(h.Root + filepath.Dir(manifestPath) + "/" + left); err != nil {
				t.Fatalf("nothing was left, so nothing is tested: %v", err)
			}
			must(t, next(h))
			if _, err := os.Stat(h.Root + filepath.Dir(manifestPath) + "/" + left); err == nil {
				t.Errorf("%s is still there", left)
			}
		})
	}
}

// Nothing is purged whose dotfiles cannot be removed: no record would tell of them.
func TestPurgeKeepsTheRecordOfLeftovers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.step = func(op, path string) error {
		if op == "remove" && strings.HasSuffix(path, ".auditsetup-old") {
			return syscall.EIO
		}
		return nil
	}
	apply(t, h, enable())
	if err := h.Purge(); err == nil || len(mustRecords(t, h)) == 0 {
		t.Errorf("purged although a dotfile is left: %v", err)
	}
}
