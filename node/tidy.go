// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// missing are the folders to make before there is one at path, parents first.
func (h *Host) missing(path string) ([]string, error) {
	var all []string
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		dir, err := h.open(path)
		if err == nil {
			dir.close()
			slices.Reverse(all)
			return all, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || path == "/" {
			return nil, err
		}
		all = append(all, path)
	}
}

// makeState makes the folder at path, which is StateDir or lies below it, and
// the missing ones above it. Only StateDir's own are closed to others.
func (h *Host) makeState(path string) error {
	missing, err := h.missing(path)
	for _, one := range missing {
		mode := fs.FileMode(0o755)
		if one == h.state() || strings.HasPrefix(one, h.state()+"/") {
			mode = 0o700
		}
		err = h.mkdir(FolderChange{Path: one, Mode: mode})
		if errors.Is(err, fs.ErrExist) {
			// Another process was faster, or a link leads nowhere.
			_, err = h.folderAttributes(one)
		}
		if err != nil {
			break
		}
	}
	return err
}

func (h *Host) mkdir(f FolderChange) error {
	dir, name, err := h.openParent(f.Path)
	if err != nil {
		return err
	}
	defer dir.close()
	if err := dir.mkdir(name, f.attributes()); err != nil {
		return h.fail(f.Path, "make the folder", err)
	}
	return nil
}

// rmdir removes the folder at path if it is empty, and says whether it is gone.
func (h *Host) rmdir(path string) (bool, error) {
	dir, name, err := h.openParent(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
	defer dir.close()
	return dir.rmdir(name)
}

func (h *Host) folderAttributes(path string) (attributes, error) {
	dir, err := h.open(path)
	if err != nil {
		return attributes{}, err
	}
	defer dir.close()
	f, err := dir.root.Open(".")
	if err != nil {
		return attributes{}, h.fail(path, "look at the folder", err)
	}
	defer f.Close()
	a, _, err := attributesOf(f)
	if err != nil {
		return attributes{}, h.fail(path, "look at the folder", err)
	}
	return a, nil
}

// tidy ends the earlier changes that were stopped in their last moments, and
// takes away the dotfiles of those that were cut off, and what a purge has left.
// What fails is no reason to stop: it is tried again the next time.
func (h *Host) tidy() {
	if dir, name, _, err := h.stateFolder(); err == nil {
		if gone := purgedName(name); exists(dir, gone) && h.at("remove", dir.join(gone)) == nil {
			_ = dir.root.RemoveAll(gone)
		}
		dir.close()
	}
	records, _ := h.Records()
	for i := range records {
		switch r := &records[i]; r.stored {
		case StatePrepared:
			_ = h.sweepFiles(r)
		case stateInForce:
			h.tidyRecord(r)
		}
	}
}

// tidyRecord removes the dotfiles and the folders of a change that is in force,
// and says which folders it had to keep.
func (h *Host) tidyRecord(r *Record) (kept []string) {
	problem := h.sweepFiles(r)
	for _, f := range slices.Backward(r.Folders) {
		if !f.Removed {
			continue
		}
		gone, err := h.rmdir(f.Path)
		problem = errors.Join(problem, err)
		if !gone {
			kept = append(kept, f.Path)
		}
	}
	if problem == nil {
		_ = h.setState(r, StateDone)
	}
	return kept
}

func (h *Host) sweepFiles(r *Record) error {
	var problem error
	for _, f := range r.Files {
		dir, name, err := h.openParent(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			it := &item{dir: dir, name: name}
			err = it.sweep()
			dir.close()
		}
		problem = errors.Join(problem, err)
	}
	return problem
}
