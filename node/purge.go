// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
	"strings"
)

// ErrLeft is what errors.Is finds when a purge has taken the records away for good
// and could not remove all of their files.
var ErrLeft = errors.New("files of the records are left")

// Purge removes the state folder with every record and backup: after it nothing
// can be rolled back. It refuses while another process holds the lock
// (ErrLocked) and after a change that was cut off (ErrUnfinished), whose backups
// are the only way back. A state folder that is not there is no error, and where
// it is a link, an empty one takes its place. Unless errors.Is finds ErrLeft, an
// error means that everything is as it was.
func (h *Host) Purge() error {
	dir, name, linked, err := h.stateFolder()
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
	if err := h.refuseForeign(linked); err != nil {
		return err
	}
	if err := h.sweepAll(); err != nil {
		return h.fail(h.state(), "tidy up before the records go", err)
	}
	switch err := purge(dir, name); {
	case errors.Is(err, ErrLeft):
		return h.fail(dir.join(purgedName(name)), "remove what was put there", err)
	case err != nil:
		return h.fail(h.state(), "remove", err)
	case linked:
		return h.fail(h.state(), "make the folder anew", dir.mkdir(name, newAttributes(0o700, 0)))
	}
	return nil
}

// refuseForeign refuses to remove a folder that a link leads to and that holds more
// than what is kept here: it is somebody's, and may be all of a disk.
func (h *Host) refuseForeign(linked bool) error {
	if !linked {
		return nil
	}
	dir, err := h.open(h.state())
	if err != nil {
		return err
	}
	defer dir.close()
	entries, err := fs.ReadDir(dir.root.FS(), ".")
	if err != nil {
		return h.fail(h.state(), "list the folder", err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(strings.TrimPrefix(e.Name(), "."), ".new") // of a run that was killed, see Keep
		if name != "lock" && name != "backups" && name != "kubeadm-config.json" {
			return h.problem(h.state(), "is a link to a folder that holds "+quote(e.Name())+" as well, which is not of auditsetup", "move that elsewhere, or remove the folder backups there by hand", nil)
		}
	}
	return nil
}

// stateFolder is the folder that holds the state folder, and the name of that
// one there, wherever a link leads.
func (h *Host) stateFolder() (dir *folder, name string, linked bool, err error) {
	dir, name, err = h.openParent(h.state())
	if err != nil {
		return nil, "", false, err
	}
	if info, err := dir.root.Lstat(name); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return dir, name, false, nil
	}
	dir.close()
	target, err := h.resolve(h.state())
	if err != nil {
		return nil, "", false, err
	}
	dir, name, err = h.openParent("/" + target)
	return dir, name, true, err
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
	err := dir.sync()
	if err == nil {
		err = dir.host.at("remove", dir.join(gone))
	}
	if err == nil {
		err = dir.root.RemoveAll(gone)
	}
	if err != nil {
		return errors.Join(ErrLeft, err)
	}
	return nil
}

func purgedName(name string) string { return "." + name + ".purged" }
