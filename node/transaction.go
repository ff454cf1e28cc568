// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

// transaction is a change on its way. All that needs space on the disk is done
// before the first file is replaced: the new content lies in one dotfile beside
// its target, and the old file stays reachable under another, so that putting
// in place and putting back are renames.
type transaction struct {
	host   *Host
	record Record
	items  []*item
	// missing are the folders to make, parents first; made is how far that got.
	missing []FolderChange
	made    int
	// drop are the folders to remove, children first.
	drop   []FolderChange
	result Result
}

// item is one file of a transaction.
type item struct {
	FileChange
	before   *File
	manifest bool
	dir      *folder
	name     string
	linked   bool // the old file is also reachable under oldName
	applied  bool
}

// The names are fixed, not random, so that what a crash leaves can be told from
// what is somebody else's. The kubelet passes over names with a leading dot.
func newName(name string) string { return "." + name + ".auditsetup-new" }
func oldName(name string) string { return "." + name + ".auditsetup-old" }

// inspect compares the host with what the change was made from, and finds all
// that stands in its way.
func (tx *transaction) inspect(c Change) document.Problems {
	var problems document.Problems
	for _, f := range c.files() {
		before, err := tx.host.readIfAny(f.Path)
		if err == nil {
			err = tx.host.unchanged(f, before)
		}
		switch {
		case errors.Is(err, errNotRegular):
			for _, p := range document.ProblemsOf(err) {
				problems.Add(p.File, "refusing to replace it: it "+p.What, p.Hint)
			}
		case err != nil:
			problems = append(problems, document.ProblemsOf(err)...)
		case !f.idle():
			tx.items = append(tx.items, &item{FileChange: f, before: before, name: filepath.Base(f.Path),
				manifest: c.Manifest != nil && f.Path == c.Manifest.Path})
		}
	}
	if len(problems) == 0 {
		problems = document.ProblemsOf(tx.inspectFolders(c))
	}
	return problems
}

// unchanged compares what is there, nil for nothing, with what was to be there.
func (h *Host) unchanged(f FileChange, now *File) error {
	what := ""
	switch {
	case now == nil && f.Old != nil:
		what = "is gone since the change was planned"
	case now != nil && f.Old == nil:
		what = "has appeared since the change was planned"
	case now != nil && !bytes.Equal(now.Bytes, f.Old):
		what = "has changed since the change was planned"
	default:
		return nil
	}
	return h.problem(f.Path, what, "look at it, then run the command again", nil)
}

func (tx *transaction) inspectFolders(c Change) error {
	wanted := slices.Clone(c.Folders)
	for _, it := range tx.items {
		if !it.Remove {
			wanted = append(wanted, FolderChange{Path: filepath.Dir(it.Path)})
		}
	}
	listed := map[string]bool{}
	for _, f := range wanted {
		missing, err := tx.host.missing(f.Path)
		if err != nil {
			return err
		}
		if f.Remove && len(missing) == 0 {
			a, err := tx.host.folderAttributes(f.Path)
			if err != nil {
				return err
			}
			tx.drop = append(tx.drop, FolderChange{Path: f.Path, Remove: true, restore: &a})
		}
		for _, path := range missing {
			if f.Remove || listed[path] {
				continue
			}
			listed[path] = true
			one := FolderChange{Path: path, Mode: 0o755}
			if path == filepath.Clean(f.Path) {
				one.Mode, one.restore = f.Mode, f.restore
			}
			tx.missing = append(tx.missing, one)
		}
	}
	slices.SortFunc(tx.drop, func(a, b FolderChange) int { return strings.Compare(b.Path, a.Path) })
	return nil
}

// describe completes the record, and gives the contents to back up.
func (tx *transaction) describe() map[string][]byte {
	backups := map[string][]byte{}
	for _, it := range tx.items {
		f := RecordedFile{Path: it.Path, Manifest: it.manifest, Secret: it.Secret}
		if it.before != nil {
			f.Existed, f.Before = true, digest(it.before.Bytes)
			f.Mode, f.UID, f.GID, f.Xattrs = it.before.recorded()
			backups[it.Path] = it.before.Bytes
		}
		if !it.Remove {
			f.After = digest(it.New)
		}
		tx.record.Files = append(tx.record.Files, f)
	}
	folders := slices.Clone(tx.missing)
	for _, f := range slices.Backward(tx.drop) {
		folders = append(folders, f)
	}
	for _, f := range folders {
		r := RecordedFolder{Path: f.Path, Created: !f.Remove, Removed: f.Remove}
		r.Mode, r.UID, r.GID, r.Xattrs = f.attributes().recorded()
		tx.record.Folders = append(tx.record.Folders, r)
	}
	return backups
}

func (a attributes) recorded() (mode string, uid, gid int, xattrs map[string][]byte) {
	return fmt.Sprintf("%04o", a.Mode), a.UID, a.GID, a.xattrs
}

// perform makes the folders, stages every file, and puts them in place, and says
// when it comes to the files and when to the manifest.
func (tx *transaction) perform(step func(Step)) error {
	step(StepFiles)
	for _, f := range tx.missing {
		if err := tx.host.mkdir(f); err != nil {
			return err
		}
		tx.made++
		tx.result.Made = append(tx.result.Made, f.Path)
	}
	for _, it := range tx.items {
		if err := it.stage(tx.host); err != nil {
			return tx.host.fail(it.Path, "prepare the new content", err)
		}
	}
	for _, it := range tx.items {
		if it.manifest {
			step(StepManifest)
		}
		if err := it.commit(); err != nil {
			return tx.host.fail(it.Path, "change", err)
		}
		if it.Remove {
			tx.result.Removed = append(tx.result.Removed, it.Path)
		} else {
			tx.result.Written = append(tx.result.Written, it.Path)
		}
	}
	return nil
}

func (it *item) stage(h *Host) (err error) {
	if it.dir, err = h.open(filepath.Dir(it.Path)); err != nil {
		return err
	}
	// Whoever lost the state folder may have leftovers without a record.
	if err := it.sweep(); err != nil || it.Remove {
		return err
	}
	a := it.attributes()
	if it.before != nil {
		a = it.before.attributes
	}
	if err := it.dir.create(newName(it.name), it.New, a); err != nil {
		return err
	}
	// Some file systems have no links; then putting back means writing again.
	it.linked = it.before != nil && it.dir.link(it.name, oldName(it.name)) == nil
	return nil
}

func (it *item) commit() error {
	now, err := it.dir.readIfAny(it.name)
	if err != nil {
		return err
	}
	if err := it.dir.host.unchanged(it.FileChange, now); err != nil {
		return err
	}
	from, to := newName(it.name), it.name
	if it.Remove {
		from, to = it.name, oldName(it.name)
	}
	if err := it.dir.rename(from, to); err != nil {
		return err
	}
	it.applied = true
	it.linked = it.linked || it.Remove
	return it.dir.sync()
}

// revert puts back the old file, unless somebody else has been there since.
func (it *item) revert() error {
	want := it.FileChange
	want.Old = want.New
	if it.Remove {
		want.Old = nil
	}
	now, err := it.dir.readIfAny(it.name)
	if err != nil {
		return err
	}
	if it.dir.host.unchanged(want, now) != nil {
		return errors.New("somebody else has changed it since")
	}
	switch {
	case it.before == nil:
		err = it.dir.remove(it.name)
	case !it.linked || it.dir.rename(oldName(it.name), it.name) != nil:
		if err = it.dir.remove(newName(it.name)); err == nil {
			err = it.dir.create(newName(it.name), it.before.Bytes, it.before.attributes)
		}
		if err == nil {
			err = it.dir.rename(newName(it.name), it.name)
		}
	}
	if err != nil {
		return err
	}
	it.applied = false
	return it.dir.sync()
}

// sweep takes away the dotfiles.
func (it *item) sweep() error {
	return errors.Join(it.dir.remove(newName(it.name)), it.dir.remove(oldName(it.name)))
}

// undo puts everything back and gives the cause with what came of it.
func (tx *transaction) undo(cause error) error {
	if left := tx.putBack(); len(left) > 0 {
		return tx.notBack(cause, left)
	}
	return nothingChanged(cause)
}

func (tx *transaction) notBack(cause error, left []error) error {
	last := tx.host.problem("", "not everything could be put back", "when that is mended, "+tx.host.rollbackHint(), nil)
	return errors.Join(append(append([]error{cause}, left...), last)...)
}

// putBack puts everything back, last change first, so that the manifest never
// names a file that is not there. It gives what it could not.
func (tx *transaction) putBack() []error {
	var left []error
	for _, it := range slices.Backward(tx.items) {
		if !it.applied {
			continue
		}
		if err := it.revert(); err != nil {
			left = append(left, tx.leftBehind(it, err))
		}
	}
	for _, it := range tx.items {
		if it.dir == nil || it.applied {
			continue
		}
		if err := it.sweep(); err != nil {
			left = append(left, tx.host.fail(it.Path, "remove the temporary files beside it", err))
		}
	}
	for _, f := range slices.Backward(tx.missing[:tx.made]) {
		if _, err := tx.host.rmdir(f.Path); err != nil {
			left = append(left, tx.host.fail(f.Path, "remove the folder again", err))
		}
	}
	state := StateUndone
	if len(left) > 0 {
		state = StatePrepared
	}
	if err := tx.host.setState(&tx.record, state); err != nil {
		left = append(left, err)
	}
	return left
}

// leftBehind says that a file could not be put back, and where its content is.
func (tx *transaction) leftBehind(it *item, err error) error {
	what, hint := tx.host.explain(it.Path, err)
	what = "could not be put back: " + what
	if it.before != nil {
		backup := filepath.Join(tx.result.Backup, it.Path)
		what += "; its old content is in " + printable(tx.host.Display(backup))
	}
	return tx.host.problem(it.Path, what, strings.TrimSpace(hint), err)
}

// tidy ends a change that is in force. Whatever fails here is done by the next
// one, so it is no error.
func (tx *transaction) tidy() {
	kept := tx.host.tidyRecord(&tx.record)
	for _, f := range tx.drop {
		if slices.Contains(kept, f.Path) {
			tx.result.Kept = append(tx.result.Kept, f.Path)
		} else {
			tx.result.Removed = append(tx.result.Removed, f.Path)
		}
	}
}

func (tx *transaction) close() {
	for _, it := range tx.items {
		if it.dir != nil {
			it.dir.close()
		}
	}
}
