// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

const (
	// AnnotationPrefix begins the key of every annotation that is ours.
	AnnotationPrefix = "auditsetup.io/"
	// PolicyAnnotation carries the SHA-256 of the policy file, so that the
	// kubelet restarts the pod when only the policy changed: the
	// kube-apiserver reads it at start and never again.
	PolicyAnnotation = AnnotationPrefix + "policy-sha256"
	// UndoAnnotation carries the record of what Apply did.
	UndoAnnotation = AnnotationPrefix + "undo"

	recordVersion = 1
)

// record is what Apply leaves in the manifest so that Undo can take it out, as
// JSON in an annotation. Its parts name text, not places, so that it holds when
// the file is edited elsewhere in between.
type record struct {
	Version int `json:"v"`
	// Flags are the items appended to command or args.
	Flags []string `json:"flags,omitempty"`
	// Mounts are the volumes and their mounts that were appended.
	Mounts []mounted `json:"mounts,omitempty"`
	// Policy is set when the policy annotation was written.
	Policy bool `json:"policy,omitempty"`
	// Keys were absent and were added with their list: annotations, volumes,
	// volumeMounts.
	Keys []string `json:"keys,omitempty"`
	// Nulls had an explicit null, or nothing in flow style, for their value.
	Nulls map[string]string `json:"nulls,omitempty"`
	// TakenOver names the audit flags of somebody else that were replaced,
	// removed or found fit with the user's consent; Replaced and Removed hold
	// the text of the first two, Lists how the lists were written that they
	// stood in.
	TakenOver []string         `json:"takenOver,omitempty"`
	Replaced  []replaced       `json:"replaced,omitempty"`
	Removed   []removed        `json:"removed,omitempty"`
	Lists     map[string]shape `json:"lists,omitempty"`
}

// mounted is a [Mount] in the record.
type mounted struct {
	Name      string `json:"name"`
	HostPath  string `json:"host"`
	MountPath string `json:"at"`
	Type      string `json:"type,omitempty"`
	ReadOnly  bool   `json:"ro,omitempty"`
}

// replaced is one flag, of one item or two, whose text was exchanged for one
// item of ours.
type replaced struct {
	List string `json:"list"`
	// New is the value of the item that stands there now.
	New string `json:"new"`
	// Old are the bytes that stood there, from the first item to the last, and
	// Items the values of these items.
	Old   string   `json:"old"`
	Items []string `json:"items"`
}

// removed is a stretch of bytes that was taken out of a list. It stood behind
// the item After, the Nth of that value (from 0), or behind the list's key when
// After is nil; Gap is the text between the two, or what stayed of it since the
// removal before when that has the same After.
type removed struct {
	List  string   `json:"list"`
	After *string  `json:"after"`
	Nth   int      `json:"nth,omitempty"`
	Gap   string   `json:"gap"`
	Text  string   `json:"text"`
	Items []string `json:"items,omitempty"`
	// Tied is set for the second item of a flag whose first was replaced: it
	// goes back together with that one or not at all.
	Tied bool `json:"tied,omitempty"`
}

// shape is how a list is written, as far as text put into it must know.
type shape struct {
	Flow   bool `json:"flow,omitempty"`
	Column int  `json:"column,omitempty"` // of the dashes, from 0
	CRLF   bool `json:"crlf,omitempty"`
}

func (s *source) shapeOf(list *yaml.Node) shape {
	sh := shape{CRLF: s.eol == "\r\n"}
	if sh.Flow = isFlow(list); !sh.Flow {
		sh.Column = s.columnOf(s.start(list))
	}
	return sh
}

// readRecord sets record to what the annotation holds, if it is there.
func (m *Manifest) readRecord() error {
	text, found := m.pod.Metadata.Annotations[UndoAnnotation]
	if !found {
		return nil
	}
	var r record
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var version struct {
		Version int `json:"v"`
	}
	what := ""
	if err := json.Unmarshal([]byte(text), &version); err != nil {
		what = "the annotation " + UndoAnnotation + " is damaged: " + err.Error()
	} else if version.Version != recordVersion {
		what = "the annotation " + UndoAnnotation + " is of another version of auditsetup"
	} else if err := dec.Decode(&r); err != nil {
		what = "the annotation " + UndoAnnotation + " is damaged: " + err.Error()
	}
	if what != "" {
		return document.Problems{{File: m.file, Line: lineOf(m.lookup("metadata", "annotations", UndoAnnotation)), What: what,
			Hint: "restore the manifest from the copies below /var/lib/auditsetup/backups, or take the audit flags and this annotation out by hand"}}
	}
	m.record = &r
	return nil
}

// checkLeftover refuses a manifest that lost our record but not what belongs
// to it: a second annotation of the same name would break the pod.
func (m *Manifest) checkLeftover() error {
	for _, key := range slices.Sorted(maps.Keys(m.pod.Metadata.Annotations)) {
		if isOurs(key) && !m.Changed() {
			return document.Problems{{File: m.file, Line: lineOf(m.lookup("metadata", "annotations", key)),
				What: "the annotation " + key + " is there, but " + UndoAnnotation + ", which belongs to it, is gone",
				Hint: "restore the manifest from the copies below /var/lib/auditsetup/backups, or take this annotation out by hand"}}
		}
	}
	return nil
}

// isOurs tells whether an annotation is ours, by its key.
func isOurs(key string) bool { return strings.HasPrefix(key, AnnotationPrefix) }

// wrote tells whether the flag stands in the manifest just as Apply wrote it.
func (r *record) wrote(a argument) bool {
	if slices.Contains(r.Flags, a.node.Value) {
		return true
	}
	return slices.ContainsFunc(r.Replaced, func(p replaced) bool { return p.New == a.node.Value })
}

// annotationEntry writes a key and value; the value always in quotes, since a
// hash may look like a number. The record is full of double quotes, and so is
// easier to read in single ones.
func annotationEntry(key, value string) entry {
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	if !printable(value) {
		quoted = toJSON(value)
	}
	return entry{[]string{key + ": " + quoted}, toJSON(key) + ": " + toJSON(value)}
}
