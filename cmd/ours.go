// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/setup"
)

// wrote finds out from the records whether an enable wrote this content to the
// path. If so, the result is what stood there before the first of a row of
// changes that led to it; nil means that it was somebody else.
func (h *hostFlags) wrote(path string, content []byte) (*node.RecordedFile, error) {
	records, err := h.host.Records()
	if err != nil {
		return nil, err
	}
	var origin *node.RecordedFile
	sum := hash(content)
	for _, r := range slices.Backward(records) {
		if r.State == node.StateUndone {
			continue
		}
		for i, f := range r.Files {
			if r.Command == "enable" && f.Path == path && f.After == sum && f.Before != sum {
				origin, sum = &r.Files[i], f.Before
			}
		}
	}
	return origin, nil
}

// retype gives the flags with which another command finds the same host.
func (h *hostFlags) retype() string {
	var words strings.Builder
	for _, f := range []struct{ flag, value, standard string }{
		{"--root", h.host.Root, ""}, {"--manifest", h.manifest, setup.DefaultManifest}, {"--state-dir", h.host.StateDir, node.DefaultStateDir},
	} {
		if f.value != f.standard {
			words.WriteString(" " + f.flag + " " + shellWord(f.value))
		}
	}
	return words.String()
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./+,:=@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// before gives the content that a recorded change replaced, from its backup.
func (h *hostFlags) before(f *node.RecordedFile) ([]byte, error) {
	backup, err := h.host.Read(f.Backup)
	if err != nil {
		return nil, err
	}
	if hash(backup.Bytes) != f.Before {
		return nil, document.Problem{File: h.host.Display(f.Backup), What: "is damaged: it is not what was put there", Hint: "put the file back by hand from a backup of your own"}
	}
	return backup.Bytes, nil
}
