// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

// Keep writes a file of the tool's own into StateDir, whole or not at all, with
// mode 0600; [Host.Read] gives it back. It is no change of the host: nothing is
// recorded, and the last one to write wins. Purge takes it away with the rest.
func (h *Host) Keep(name string, data []byte) error {
	path := h.state(name)
	if err := h.makeState(h.state()); err != nil {
		return err
	}
	dir, base, err := h.openParent(path)
	if err != nil {
		return err
	}
	defer dir.close()
	fresh := "." + base + ".new"
	_ = dir.root.Remove(fresh) // of a run that was killed
	err = dir.create(fresh, data, newAttributes(0, 0o600))
	if err == nil {
		err = dir.rename(fresh, base)
	}
	if err == nil {
		err = dir.sync()
	}
	if err != nil {
		_ = dir.root.Remove(fresh)
	}
	return h.fail(path, "write", err)
}
