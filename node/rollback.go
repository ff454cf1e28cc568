// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/auditsetup/auditsetup/document"
)

// PlanRollback makes the change that puts back what was there before the last
// one: one that was cut off, if any, and else the last that is in force and was
// not rolled back, so that another rollback goes one further back. Files that
// were made are removed, and folders that were made too, if empty.
//
// It is an error when there is nothing to roll back, when a backup is missing
// or damaged, and, unless force is set, when a file is no longer what that
// change left behind. Even with force the present content is backed up.
func (h *Host) PlanRollback(force bool) (Change, error) {
	records, err := h.Records()
	if err != nil {
		return Change{}, err
	}
	target := rollbackTarget(records)
	if target == nil {
		return Change{}, h.problem("", "there is no change to roll back",
			"auditsetup has changed nothing here that is still in force; its records are below "+quote(h.Display(h.state("backups"))), fs.ErrNotExist)
	}
	c := Change{Command: "rollback", Undoes: target.ID}
	var problems document.Problems
	for _, f := range target.Files {
		back, err := h.planFile(*target, f, force)
		problems = append(problems, document.ProblemsOf(err)...)
		if err == nil && f.Manifest {
			c.Manifest = &back
		} else if err == nil {
			c.Files = append(c.Files, back)
		}
	}
	for _, f := range target.Folders {
		if f.Removed {
			a, err := f.attributes()
			problems = append(problems, document.ProblemsOf(err)...)
			c.Folders = append(c.Folders, FolderChange{Path: f.Path, restore: &a})
		}
	}
	for _, f := range slices.Backward(target.Folders) {
		if f.Created {
			c.Folders = append(c.Folders, FolderChange{Path: f.Path, Remove: true})
		}
	}
	return c, problems.Err()
}

// rollbackTarget is the change that a rollback takes back, or nil. A rollback
// that was cut off is taken up again.
func rollbackTarget(records []Record) *Record {
	id := ""
	if r := unfinished(records); r != nil {
		id = r.root()
	}
	for i := len(records) - 1; i >= 0; i-- {
		r := &records[i]
		if id != "" && r.ID == id || id == "" && r.Undoes == "" && r.State == StateDone {
			return r
		}
	}
	return nil
}

// planFile makes the change that gives one file back its old content.
func (h *Host) planFile(r Record, f RecordedFile, force bool) (FileChange, error) {
	c := FileChange{Path: f.Path, Remove: !f.Existed, Secret: f.Secret}
	now, err := h.readIfAny(f.Path)
	if err != nil {
		return c, err
	}
	is := ""
	if now != nil {
		c.Old, is = now.Bytes, digest(now.Bytes)
	}
	if is != f.After && is != f.Before && !force {
		return c, h.problem(f.Path, fmt.Sprintf("is not what %q of %s left behind", r.Command, r.Time.Format("2006-01-02 15:04:05 MST")),
			"look at it, then use --force to put back what was before all the same", nil)
	}
	if !f.Existed {
		return c, nil
	}
	if c.New, err = h.readBackup(f); err != nil {
		return c, err
	}
	a, err := parseAttributes(f.Mode, f.UID, f.GID, f.Xattrs)
	c.restore = &a
	return c, err
}

func (h *Host) readBackup(f RecordedFile) ([]byte, error) {
	backup, err := h.Read(f.Backup)
	if err != nil {
		return nil, err
	}
	if digest(backup.Bytes) != f.Before {
		return nil, h.problem(f.Backup, "is damaged: it is not the content that was saved", "put "+quote(h.Display(f.Path))+" right by hand", nil)
	}
	return backup.Bytes, nil
}

func (f RecordedFolder) attributes() (attributes, error) {
	return parseAttributes(f.Mode, f.UID, f.GID, f.Xattrs)
}

func parseAttributes(mode string, uid, gid int, xattrs map[string][]byte) (attributes, error) {
	bits, err := strconv.ParseUint(mode, 8, 9)
	if err != nil {
		return attributes{}, fmt.Errorf("the record of the change holds a mode that is none: %q", mode)
	}
	return attributes{Mode: fs.FileMode(bits), UID: uid, GID: gid, xattrs: xattrs}, nil
}
