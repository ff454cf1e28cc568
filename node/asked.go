// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/auditsetup/auditsetup/document"
)

// askedName is the file beside a record with what its change was asked for. It is
// a file of its own so that it can be handed to a command as it is, and since
// what is asked for may change while every file stays as it is.
const askedName = "record.asked.yaml"

// Asked is what the last change by a command was asked for, with the ID of its
// record: of those in force if inForce is set, so that nothing is given when
// another command has made a change since; and else of those that nothing has
// taken back. The data is nil, without an error, when there is no such change or
// it was made before this was kept; the ID is empty in the first case only.
func (h *Host) Asked(command string, inForce bool) (id string, data []byte, err error) {
	records, err := h.Records()
	if err != nil {
		return "", nil, err
	}
	for _, r := range slices.Backward(records) {
		switch {
		case r.State != StateDone || r.Undoes != "":
		case r.Command == command:
			file, err := h.readIfAny(h.AskedPath(r.ID))
			if err != nil || file == nil {
				return r.ID, nil, err
			}
			return r.ID, file.Bytes, nil
		case inForce:
			return "", nil, nil
		}
	}
	return "", nil, nil
}

// AskedPath is where the file with what a change was asked for is, if there is
// one.
func (h *Host) AskedPath(id string) string { return h.state("backups", id, askedName) }

// Restate replaces what the change of that ID was asked for, when another wish
// comes to the same files. It refuses as Apply does, and when the change is no
// longer the last one by enable: another may have been made since it was looked up.
func (h *Host) Restate(id string, asked []byte) error {
	release, err := h.lock("restate")
	if err != nil {
		return err
	}
	defer release()
	if err := h.refuseUnfinished(Change{}); err != nil {
		return err
	}
	if last, _, err := h.Asked("enable", true); err != nil || last != id {
		return errors.Join(err, document.Problem{File: h.Display(h.AskedPath(id)), What: "another change was made in the meantime", Hint: "auditsetup status shows what is in force"})
	}
	return h.Keep(filepath.Join("backups", id, askedName), asked)
}
