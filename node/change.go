// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"io/fs"
	"path/filepath"

	"github.com/auditsetup/auditsetup/document"
)

// Change is what is to become of the files of a host, all of it or nothing.
type Change struct {
	// Command is the word to record it under: enable, disable or rollback.
	Command string
	// Files are written in this order, before the manifest; those to be removed
	// go after it, since the API server needs them until then.
	Files []FileChange
	// Manifest is the static pod; nil leaves it as it is.
	Manifest *FileChange
	// Folders are made before any file is written; those to be removed go last.
	// A file's own folder need not be named: when missing, it is made with mode
	// 0700.
	Folders []FolderChange
	// Asked is what the change was asked for, in whatever form: it is kept beside
	// the record, for [Host.Asked] to give back. Nil for nothing to keep; never a
	// credential.
	Asked []byte
	// Undoes is the ID of the record that this change takes back, set by
	// PlanRollback and empty otherwise.
	Undoes string
}

// FileChange is what is to become of one file. Whatever is there keeps its
// mode, owner and labels.
type FileChange struct {
	// Path is the file's path on the host.
	Path string
	// Old is the content from which New was made: nothing is changed when the
	// file holds anything else by now. Nil means that there must be no file.
	Old []byte
	// New is the content to write. Nothing is done when it equals Old.
	New []byte
	// Remove takes the file away; New is of no account then.
	Remove bool
	// Mode is for a file that does not exist yet; 0 means 0600.
	Mode fs.FileMode
	// Secret marks a content that must not be shown.
	Secret bool

	// restore, when set, is what a file had that is made again by a rollback.
	restore *attributes
}

// FolderChange is a folder to make or to remove.
type FolderChange struct {
	// Path is the folder's path on the host.
	Path string
	// Mode is for a folder that does not exist yet; 0 means 0700. The missing
	// ones above it get 0755.
	Mode fs.FileMode
	// Remove takes the folder away if it is empty, and else leaves it.
	Remove bool

	restore *attributes
}

// Idle says whether the change leaves every file as it is.
func (c Change) Idle() bool {
	for _, f := range c.files() {
		if !f.idle() {
			return false
		}
	}
	return true
}

// files are all files in the order in which they are to be put in place.
func (c Change) files() []FileChange {
	var written, removed []FileChange
	for _, f := range c.Files {
		if f.Remove {
			removed = append(removed, f)
		} else {
			written = append(written, f)
		}
	}
	if c.Manifest != nil {
		written = append(written, *c.Manifest)
	}
	return append(written, removed...)
}

func (f FileChange) idle() bool {
	if f.Remove || f.Old == nil {
		return f.Remove && f.Old == nil
	}
	return string(f.Old) == string(f.New)
}

func (f FileChange) attributes() attributes {
	if f.restore != nil {
		return *f.restore
	}
	return newAttributes(f.Mode, 0o600)
}

func (f FolderChange) attributes() attributes {
	if f.restore != nil {
		return *f.restore
	}
	return newAttributes(f.Mode, 0o700)
}

func newAttributes(mode, standard fs.FileMode) attributes {
	if mode == 0 {
		mode = standard
	}
	return attributes{Mode: mode.Perm(), UID: -1, GID: -1}
}

// check finds what must be refused whatever the host looks like.
func (h *Host) check(c Change) error {
	var problems document.Problems
	add := func(path, what, hint string) {
		problems = append(problems, document.ProblemsOf(h.problem(path, what, hint, nil))...)
	}
	if c.Command == "" || filepath.Base(c.Command) != c.Command {
		add("", "a change needs the name of a command", "")
	}
	seen := map[string]bool{}
	for _, f := range c.files() {
		switch {
		case !filepath.IsAbs(f.Path):
			add(f.Path, "is not an absolute path", "begin the path with /")
		case seen[filepath.Clean(f.Path)]:
			add(f.Path, "is to be changed twice in one change", "give each file a path of its own")
		case len(f.New) > maxFileSize:
			add(f.Path, "would grow beyond 10 MiB, more than the kubelet reads", "")
		}
		seen[filepath.Clean(f.Path)] = true
	}
	for _, f := range c.Folders {
		if !filepath.IsAbs(f.Path) {
			add(f.Path, "is not an absolute path", "begin the path with /")
		}
	}
	if err := problems.Err(); err != nil || c.Manifest == nil {
		return err
	}
	return h.checkManifests(c)
}

// checkManifests keeps everything but the manifest out of its folder.
func (h *Host) checkManifests(c Change) error {
	var problems document.Problems
	paths := []string{h.state()}
	for _, f := range c.Files {
		paths = append(paths, f.Path)
	}
	for _, path := range paths {
		inside, err := h.within(filepath.Dir(c.Manifest.Path), path)
		if err == nil && inside {
			err = h.problem(path, "lies in the manifests folder, where the kubelet takes every file for a pod", "choose a path outside "+quote(h.Display(filepath.Dir(c.Manifest.Path))), nil)
		}
		problems = append(problems, document.ProblemsOf(err)...)
	}
	return problems.Err()
}
