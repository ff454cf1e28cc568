// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// What has become of a recorded change.
const (
	// StatePrepared is a change that has begun: every file is old or new.
	StatePrepared = "prepared"
	// StateDone is a change that is in force.
	StateDone = "done"
	// StateUndone is a change that failed and was put back at once.
	StateUndone = "undone"
	// StateRolledBack is a change that a later one took back.
	StateRolledBack = "rolled back"

	// stateInForce is stored when a change is in force but its leftovers are not
	// yet tidied away; for everyone else it is StateDone.
	stateInForce = "in-force"
)

// Record is the memory of one change: enough to go back to what was before. It
// lies beside the backups, in StateDir/backups/ID/record.STATE.json. The state
// is in the name because a rename is atomic and needs no space on a full disk.
type Record struct {
	// FormatVersion is 1.
	FormatVersion int `json:"formatVersion"`
	// Sequence orders the records, whatever the clock did; it begins with 1.
	Sequence int `json:"sequence"`
	// ID is the time and the command, and the name of the folder of backups.
	ID string `json:"id"`
	// Command is that of the change.
	Command string `json:"command"`
	// Time is when the change began, in UTC.
	Time time.Time `json:"time"`
	// ToolVersion is that of the auditsetup that made the change.
	ToolVersion string `json:"toolVersion"`
	// Undoes is the ID of the record that a rollback takes back, or empty.
	Undoes string `json:"undoes,omitempty"`
	// Files are those that the change concerns, in the order of their writing.
	Files []RecordedFile `json:"files"`
	// Folders are those that it makes or removes, parents before children.
	Folders []RecordedFolder `json:"folders"`
	// State is one of the State constants. StateRolledBack is not stored: it
	// follows from a later record that is done.
	State string `json:"-"`

	stored string // the state in the record's name
}

// RecordedFile is one file of a change, before and after.
type RecordedFile struct {
	// Path is the file's path on the host.
	Path string `json:"path"`
	// Manifest marks the static pod.
	Manifest bool `json:"manifest,omitempty"`
	// Existed says whether there was a file; Mode, UID, GID and Xattrs are its.
	Existed bool `json:"existed"`
	// Before and After are the SHA-256 of the content in hex, empty where there
	// is no file.
	Before string `json:"sha256Before"`
	After  string `json:"sha256After"`
	// Mode is in octal, as in 0600.
	Mode   string            `json:"mode,omitempty"`
	UID    int               `json:"uid"`
	GID    int               `json:"gid"`
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
	// Backup is the path of the copy on the host, empty if there was no file.
	Backup string `json:"backup,omitempty"`
	// Secret marks a content that must not be shown.
	Secret bool `json:"secret,omitempty"`
}

// RecordedFolder is one folder that a change makes or removes.
type RecordedFolder struct {
	// Path is the folder's path on the host.
	Path string `json:"path"`
	// Created says that the change makes it, Removed that it takes it away.
	Created bool `json:"created,omitempty"`
	Removed bool `json:"removed,omitempty"`
	// Mode is in octal, as in 0700.
	Mode   string            `json:"mode"`
	UID    int               `json:"uid"`
	GID    int               `json:"gid"`
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
}

// root is the change that this record is about: itself, or for a rollback the
// one that it takes back.
func (r Record) root() string {
	if r.Undoes != "" {
		return r.Undoes
	}
	return r.ID
}

func (r *Record) become(stored string) {
	r.State, r.stored = stored, stored
	if stored == stateInForce {
		r.State = StateDone
	}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Records gives every change that was ever begun on this host, oldest first;
// none when there is no state folder.
func (h *Host) Records() ([]Record, error) {
	dir, err := h.open(h.state("backups"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.close()
	entries, err := fs.ReadDir(dir.root.FS(), ".")
	if err != nil {
		return nil, h.fail(dir.path, "list the folder", err)
	}
	var records []Record
	var problems document.Problems
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		r, err := h.readRecord(entry.Name())
		if err != nil {
			problems = append(problems, document.ProblemsOf(err)...)
			continue
		}
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b Record) int { return a.Sequence - b.Sequence })
	settle(records)
	return records, problems.Err()
}

// settle derives the states: a rollback that is done takes back its change, and
// ends every earlier attempt at the same.
func settle(records []Record) {
	for i, r := range records {
		if r.State != StateDone || r.Undoes == "" {
			continue
		}
		for j := range records[:i] {
			earlier := &records[j]
			switch {
			case earlier.ID == r.Undoes:
				earlier.State = StateRolledBack
			case earlier.Undoes == r.Undoes && earlier.stored == StatePrepared:
				earlier.State = StateUndone
			}
		}
	}
}

func (h *Host) readRecord(id string) (Record, error) {
	for _, state := range []string{StatePrepared, stateInForce, StateDone, StateUndone} {
		path := h.state("backups", id, recordName(state))
		file, err := h.readIfAny(path)
		if err != nil {
			return Record{}, err
		}
		if file == nil {
			continue
		}
		var r Record
		if err := json.Unmarshal(file.Bytes, &r); err != nil {
			return Record{}, h.problem(path, "is damaged: "+err.Error(), h.moveHint(id), err)
		}
		if r.FormatVersion != 1 {
			return Record{}, h.problem(path, fmt.Sprintf("has the format version %d, which this auditsetup does not know", r.FormatVersion), "use the auditsetup that wrote it, or a newer one", nil)
		}
		r.ID = id
		r.become(state)
		return r, nil
	}
	return Record{}, h.problem(h.state("backups", id), "holds no record of a change", h.moveHint(id), nil)
}

func (h *Host) moveHint(id string) string {
	return "keep its backups elsewhere: mv " + quote(h.Display(h.state("backups", id))) + " /root/"
}

func recordName(state string) string { return "record." + state + ".json" }

// unfinished gives the latest record whose change was cut off, or nil.
func unfinished(records []Record) *Record {
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].State == StatePrepared {
			return &records[i]
		}
	}
	return nil
}

// setState renames the record. That a change is in force has to be durable, or it
// would not be known for made after a power cut; when it is not, the record gets its
// old name back, and only if even that cannot be, the change counts as made, as the
// record says. The other states are wished for, not needed: all files of the host
// are durable by then, and the old name leads to a rollback that finds them as
// either state has them, or to tidying once more.
func (h *Host) setState(r *Record, state string) error {
	if r.stored == state {
		return nil
	}
	dir, err := h.open(h.state("backups", r.ID))
	if err != nil {
		return err
	}
	defer dir.close()
	if err := dir.rename(recordName(r.stored), recordName(state)); err != nil {
		return h.fail(dir.join(recordName(state)), "write", err)
	}
	err = dir.sync()
	if err != nil && state == stateInForce && dir.rename(recordName(state), recordName(r.stored)) == nil {
		return h.fail(dir.join(recordName(state)), "write", err)
	}
	r.become(state)
	return nil
}

// store writes the backups and the record into a folder whose name begins with
// a dot, and gives it its name when all of it is durable: there is never a
// record without backups. backups maps the path on the host to the content, and
// asked is what was asked for, nil for nothing.
func (h *Host) store(r *Record, backups map[string][]byte, asked []byte) error {
	top := h.state("backups")
	if err := h.makeState(top); err != nil {
		return err
	}
	dir, err := h.open(top)
	if err != nil {
		return err
	}
	defer dir.close()
	if err := sweepStore(dir); err != nil {
		return err
	}
	for id, n := r.ID, 2; exists(dir, r.ID); n++ {
		r.ID = fmt.Sprintf("%s-%d", id, n)
	}
	temp := "." + r.ID
	err = h.fillStore(filepath.Join(top, temp), r, backups)
	if err == nil && asked != nil {
		err = h.storeFile(filepath.Join(top, temp, askedName), asked)
	}
	if err == nil {
		err = dir.rename(temp, r.ID)
	}
	if err == nil {
		err = dir.sync()
	}
	if err != nil {
		_ = dir.root.RemoveAll(temp)
		_ = dir.root.RemoveAll(r.ID)
		return h.fail(filepath.Join(top, r.ID), "write the backups", err)
	}
	return nil
}

func (h *Host) fillStore(top string, r *Record, backups map[string][]byte) error {
	for i, f := range r.Files {
		if f.Existed {
			r.Files[i].Backup = h.state("backups", r.ID, f.Path)
			if err := h.storeFile(filepath.Join(top, f.Path), backups[f.Path]); err != nil {
				return err
			}
		}
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return h.storeFile(filepath.Join(top, recordName(StatePrepared)), append(data, '\n'))
}

func (h *Host) storeFile(path string, data []byte) error {
	if err := h.makeState(filepath.Dir(path)); err != nil {
		return err
	}
	dir, name, err := h.openParent(path)
	if err != nil {
		return err
	}
	defer dir.close()
	if err := dir.create(name, data, newAttributes(0, 0o600)); err != nil {
		return h.fail(path, "write", err)
	}
	return dir.sync()
}

// sweepStore takes away what a crash left before its change had begun.
func sweepStore(dir *folder) error {
	entries, err := fs.ReadDir(dir.root.FS(), ".")
	for _, entry := range entries {
		if err == nil && strings.HasPrefix(entry.Name(), ".") {
			if err = dir.host.at("remove", dir.join(entry.Name())); err == nil {
				err = dir.root.RemoveAll(entry.Name())
			}
		}
	}
	if err != nil {
		return dir.host.fail(dir.path, "tidy the folder", err)
	}
	return nil
}

func exists(dir *folder, name string) bool {
	_, err := dir.root.Lstat(name)
	return err == nil
}
