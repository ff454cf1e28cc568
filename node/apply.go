// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"os"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

// Result says what a change has done. Paths are those of the host.
type Result struct {
	// Record is the ID of the change's record, and Backup the folder in which
	// that and the old files lie. Both are empty when nothing was to be done.
	Record, Backup string
	// Written, Removed and Made are the files and folders that were changed.
	Written, Removed, Made []string
	// Kept are the folders that were to be removed but are not empty.
	Kept []string
}

// Apply makes the change, or puts everything back and says why: an error whose
// text does not speak of files left behind means that the host is as it was.
// It refuses, with nothing written, when another process holds the lock
// (ErrLocked), when an earlier change was cut off (ErrUnfinished), and when a
// file is no longer what the change was made from.
func (h *Host) Apply(c Change) (Result, error) { return h.Try(c, Trial{}) }

// Try is Apply on trial: the change counts as made when the trial confirms it,
// and is put back when not, with an [UndoneError]. Whoever ends the process
// meanwhile leaves a change that was cut off.
func (h *Host) Try(c Change, trial Trial) (Result, error) {
	if err := h.check(c); err != nil {
		return Result{}, err
	}
	if c.Idle() && c.Undoes == "" && h.refuseUnfinished(c) == nil {
		return Result{}, nil
	}
	trial.step(StepLock)
	release, err := h.lock(c.Command)
	if err != nil {
		return Result{}, err
	}
	defer release()
	if err := h.refuseUnfinished(c); err != nil {
		return Result{}, err
	}
	h.tidy()
	if err := trial.begin(); err != nil {
		return Result{}, err
	}
	trial.step(StepBackup)
	tx, err := h.begin(c)
	if err != nil {
		return Result{}, err
	}
	defer tx.close()
	if err := tx.perform(trial.step); err != nil {
		return Result{}, tx.undo(err)
	}
	if err := trial.confirm(); err != nil {
		return tx.result, tx.undone(err, trial)
	}
	err = h.setState(&tx.record, stateInForce)
	switch {
	case err != nil && trial.Confirm != nil:
		return tx.result, tx.undone(err, trial)
	case err != nil:
		return Result{}, tx.undo(err)
	}
	tx.tidy()
	return tx.result, nil
}

// lock keeps other processes out until the function that it returns is called,
// or the process ends.
func (h *Host) lock(command string) (release func(), err error) {
	path := h.state("lock")
	if err := h.makeState(h.state()); err != nil {
		return nil, err
	}
	dir, name, err := h.openParent(path)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	if err := h.at("lock", path); err != nil {
		return nil, h.fail(path, "take the lock", err)
	}
	f, err := dir.root.OpenFile(name, os.O_RDWR|os.O_CREATE|openSafely, 0o600)
	if err != nil {
		return nil, h.fail(path, "take the lock", err)
	}
	free, err := tryLock(f)
	if err == nil && !free {
		err = h.locked(dir, name)
	}
	if err != nil {
		_ = f.Close()
		return nil, h.fail(path, "take the lock", err)
	}
	// Who holds the lock is a courtesy to the one who waits: no reason to fail.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintf(f, "%s, process %d\n", command, os.Getpid())
	}
	return func() { unlock(f) }, nil
}

func (h *Host) locked(dir *folder, name string) error {
	what := "another auditsetup is changing this host"
	if file, err := dir.read(name); err == nil && len(file.Bytes) > 0 {
		what += " (" + printable(strings.TrimSpace(string(file.Bytes))) + ")"
	}
	return h.problem(dir.join(name), what, "wait until it has ended, then run the command again", ErrLocked)
}

// refuseUnfinished allows nothing but its rollback after a change that was cut
// off, since the backups of another change would be taken from a half-way state.
func (h *Host) refuseUnfinished(c Change) error {
	records, err := h.Records()
	if err != nil {
		return err
	}
	if c.Undoes != "" {
		target := rollbackTarget(records)
		if target == nil || target.ID != c.Undoes {
			return h.problem(h.state("backups", c.Undoes), "is no longer the last change", "run the command again", nil)
		}
		return nil
	}
	if r := unfinished(records); r != nil {
		return h.unfinishedProblem(r)
	}
	return nil
}

func (h *Host) unfinishedProblem(r *Record) error {
	return h.problem(h.state("backups", r.ID),
		fmt.Sprintf("the change %q of %s was cut off before its end", r.Command, r.Time.Format("2006-01-02 15:04:05 MST")),
		h.rollbackHint(), ErrUnfinished)
}

func (h *Host) rollbackHint() string {
	hint := "auditsetup rollback"
	if h.root() != "/" {
		hint += " --root " + quote(h.root())
	}
	if h.state() != DefaultStateDir {
		hint += " --state-dir " + quote(h.state())
	}
	return "put back what was before: " + hint
}

// begin looks at everything that the change concerns, and records it together
// with the backups. Nothing of the host is changed yet.
func (h *Host) begin(c Change) (*transaction, error) {
	tx := &transaction{host: h}
	problems := tx.inspect(c)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	now := h.now()
	tx.record = Record{
		FormatVersion: 1, Command: c.Command, Time: now, ToolVersion: h.Version, Undoes: c.Undoes,
		ID:    now.Format("20060102T150405Z") + "-" + c.Command,
		Files: []RecordedFile{}, Folders: []RecordedFolder{},
	}
	tx.record.become(StatePrepared)
	records, err := h.Records()
	if err != nil {
		return nil, err
	}
	tx.record.Sequence = 1
	if len(records) > 0 {
		tx.record.Sequence += records[len(records)-1].Sequence
	}
	if err := h.store(&tx.record, tx.describe(), c.Asked); err != nil {
		return nil, nothingChanged(err)
	}
	tx.result.Record, tx.result.Backup = tx.record.ID, h.state("backups", tx.record.ID)
	return tx, nil
}

// nothingChanged says so in the first problem of err.
func nothingChanged(err error) error {
	problems := document.ProblemsOf(err)
	if len(problems) == 0 {
		return nil
	}
	first := problems[0]
	first.What += "; nothing was changed"
	return &hostError{first, err}
}
