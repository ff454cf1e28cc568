// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
)

// Purge removes the state folder with every record and backup: after it nothing
// can be rolled back. It refuses while another process holds the lock
// (ErrLocked) and after a change that was cut off (ErrUnfinished), whose backups
// are the only way back. A state folder that is not there is no error.
func (h *Host) Purge() error {
	dir, name, err := h.openParent(h.state())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.close()
	if !exists(dir, name) {
		return h.fail(h.state(), "remove", dir.root.RemoveAll(purgedName(name)))
	}
	release, err := h.lock("purge")
	if err != nil {
		return err
	}
	defer release()
	if err := h.refuseUnfinished(Change{}); err != nil {
		return err
	}
	if err := h.sweepAll(); err != nil {
		return h.fail(h.state(), "tidy up before the records go", err)
	}
	return h.fail(h.state(), "remove", purge(dir, name))
}

// sweepAll tidies, and gives what keeps dotfiles where they are: once the records
// are gone nothing would tell of them.
func (h *Host) sweepAll() error {
	h.tidy()
	records, err := h.Records()
	for i := range records {
		if records[i].stored == stateInForce {
			err = errors.Join(err, h.sweepFiles(&records[i]))
		}
	}
	return err
}

// purge takes the folder out of the way first, so that a crash leaves all of the
// records or none.
func purge(dir *folder, name string) error {
	gone := purgedName(name)
	if err := dir.host.at("remove", dir.join(gone)); err != nil {
		return err
	}
	if err := dir.root.RemoveAll(gone); err != nil {
		return err
	}
	if err := dir.rename(name, gone); err != nil {
		return err
	}
	if err := dir.sync(); err != nil {
		return err
	}
	if err := dir.host.at("remove", dir.join(gone)); err != nil {
		return err
	}
	return dir.root.RemoveAll(gone)
}

func purgedName(name string) string { return "." + name + ".purged" }
