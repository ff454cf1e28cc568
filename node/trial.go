// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/auditsetup/auditsetup/document"
)

// Step is a part of a change that is worth a line to whoever looks on.
type Step string

// The steps of a change, in their order. What is written by others between and
// after them, such as the wait for the API server, they name themselves.
const (
	StepLock     Step = "lock"
	StepBackup   Step = "back up"
	StepFiles    Step = "write files"
	StepManifest Step = "write manifest"
	StepUndo     Step = "put back"
)

// Trial is what a change of a running machine has to go through. Each field may
// be nil.
type Trial struct {
	// Begin is called under the lock, before anything is written, and its error
	// ends the change.
	Begin func() error
	// Confirm is called when every file is in place. Its error has everything
	// put back.
	Confirm func() error
	// Undone is called after that, with every file as it was. Its error, nil when
	// the machine is well again, goes into the [UndoneError].
	Undone func() error
	// Step is told which step begins.
	Step func(Step)
}

func (t Trial) begin() error   { return call(t.Begin) }
func (t Trial) confirm() error { return call(t.Confirm) }

func call(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (t Trial) step(s Step) {
	if t.Step != nil {
		t.Step(s)
	}
}

// UndoneError says that a change was made, was not confirmed, and that every
// file was put back.
type UndoneError struct {
	// Cause is why; never nil. After is what is wrong all the same, nil when
	// nothing is.
	Cause, After error
}

func (e *UndoneError) Error() string { return e.problems().Error() }

// Unwrap gives the cause.
func (e *UndoneError) Unwrap() error { return e.Cause }

// As gives the problems of both errors to errors.As.
func (e *UndoneError) As(target any) bool {
	if t, ok := target.(*document.Problems); ok {
		*t = e.problems()
		return true
	}
	return false
}

// problems has it in the first problem that everything was put back.
func (e *UndoneError) problems() document.Problems {
	all := slices.Clone(document.ProblemsOf(e.Cause))
	if len(all) > 0 {
		all[0].What += "; everything was put back"
	}
	return append(all, document.ProblemsOf(e.After)...)
}

// undone puts everything back after a trial that failed.
func (tx *transaction) undone(cause error, trial Trial) error {
	trial.step(StepUndo)
	if left := tx.putBack(); len(left) > 0 {
		return tx.notBack(cause, left)
	}
	return &UndoneError{Cause: cause, After: call(trial.Undone)}
}

// Available says why a change could not begin at this moment: ErrLocked while
// another process holds the lock, ErrUnfinished after a change that was cut off.
// It leaves nothing behind, not even what a change in force left when it was
// stopped in its last moments: there may be nothing else to do this time.
func (h *Host) Available() error {
	dir, name, err := h.openParent(h.state("lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.close()
	f, err := dir.root.OpenFile(name, os.O_RDWR|openSafely, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return h.refuseUnfinished(Change{})
	}
	if err != nil {
		return h.fail(h.state("lock"), "look at the lock", err)
	}
	free, err := tryLock(f)
	if err != nil {
		_ = f.Close()
		return h.fail(h.state("lock"), "look at the lock", err)
	}
	if !free {
		_ = f.Close()
		return h.locked(dir, name)
	}
	defer unlock(f)
	if err := h.refuseUnfinished(Change{}); err != nil {
		return err
	}
	h.tidy()
	return nil
}
