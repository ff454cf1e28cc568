// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// Want is what shall stand in the manifest when Apply is done.
type Want struct {
	// Flags are the audit flags, each once, in the order to write them. Every
	// other audit flag is taken out.
	Flags []Flag
	// Mounts are the folders that the kube-apiserver must see.
	Mounts []Mount
	// PolicyHash is the value of [PolicyAnnotation]; empty writes none.
	PolicyHash string
	// TakeOver allows to replace and remove audit flags that auditsetup did
	// not write. Without it they are refused.
	TakeOver bool
}

// Flag is one flag to write, its name without dashes.
type Flag struct{ Name, Value string }

func (f Flag) text() string { return "--" + f.Name + "=" + f.Value }

// Result is a changed manifest, proven.
type Result struct {
	Before, After []byte
	// Changes lists what differs between the two, in the order of the file's
	// parts: flags, mounts, annotations. Empty when nothing does.
	Changes []Change
	// Drift is what somebody changed of ours since Apply wrote it.
	Drift []Drift
	// Left is set by Undo to the audit flags that stay, being somebody else's.
	Left []Setting
}

// Apply gives m the wanted flags, mounts and annotations. What an earlier Apply
// put there is taken out first, so that the outcome depends on the original
// file alone, and equal wants give equal bytes. Errors are [document.Problems]:
// audit flags of somebody else without TakeOver, mounts that clash, a manifest
// whose text cannot be spliced with certainty. Nothing is returned unless the
// proof in prove.go holds and Undo gives back the original bytes.
func Apply(m *Manifest, want Want) (*Result, error) {
	base, drift, err := original(m)
	if err != nil {
		return nil, err
	}
	mounts, problems := base.place(want.Mounts, m)
	if problems = append(base.foreign(want, m), problems...); len(problems) > 0 {
		_, err := m.full()
		return nil, append(document.ProblemsOf(m.undecodable(err)), problems...)
	}
	after, err := base.spliceIn(want, mounts)
	if err != nil {
		return nil, err
	}
	changed := m
	if !bytes.Equal(after, m.raw) {
		if changed, err = Read(m.file, after); err != nil {
			return nil, m.trouble("the outcome would be unreadable: %v", err)
		}
	}
	if err := base.proveApplied(changed, want, mounts); err != nil {
		return nil, err
	}
	return &Result{Before: m.raw, After: after, Changes: compare(m, changed), Drift: drift}, nil
}

// original is m without what auditsetup put in; m itself when there is nothing.
func original(m *Manifest) (*Manifest, []Drift, error) {
	if err := m.checkLeftover(); err != nil || !m.Changed() {
		return m, nil, err
	}
	base, u, err := m.undone()
	if err != nil {
		return nil, nil, err
	}
	return base, u.drift, nil
}

// foreign lists the audit flags that are not ours, each by its line, unless
// they may be taken over, or were by the change that is in shown: the manifest
// that the user has, of which m is what is left without our part.
func (m *Manifest) foreign(want Want, shown *Manifest) document.Problems {
	if want.TakeOver {
		return nil
	}
	var problems document.Problems
	theirs := slices.DeleteFunc(shown.AuditSettings(), func(s Setting) bool { return s.Ours })
	for _, s := range m.AuditSettings() {
		if shown.Changed() && slices.Contains(shown.record.TakenOver, s.Name) {
			continue
		}
		if i := slices.IndexFunc(theirs, func(t Setting) bool { return t.Name == s.Name && t.Value == s.Value }); i >= 0 {
			s.Line, theirs = theirs[i].Line, theirs[i+1:]
		}
		problems = append(problems, document.Problem{File: m.file, Line: s.Line,
			What: "--" + s.Name + "=" + s.Value + " is set already, and not by auditsetup",
			Hint: "add --take-over to replace the audit settings that are there; disable will put them back"})
	}
	return problems
}

// spliceIn writes everything wanted into a manifest that holds nothing of ours.
func (m *Manifest) spliceIn(want Want, mounts []Mount) ([]byte, error) {
	r := &record{Version: recordVersion}
	var e edits
	t := takeover{Manifest: m, e: &e, r: r, missing: slices.Clone(want.Flags)}
	t.run()
	t.appendFlags()

	var volumes, volumeMounts []entry
	for _, w := range mounts {
		volumes, volumeMounts = append(volumes, w.volumeEntry()), append(volumeMounts, w.mountEntry())
		r.Mounts = append(r.Mounts, mounted(w))
	}
	m.grow(&e, r, m.container, "volumeMounts", volumeMounts)
	m.grow(&e, r, m.lookup("spec"), "volumes", volumes)

	metadata := m.lookup("metadata")
	var notes []entry
	if want.PolicyHash != "" {
		notes, r.Policy = append(notes, annotationEntry(PolicyAnnotation, want.PolicyHash)), true
	}
	// the record must know of its own mapping's key before it is written
	m.grow(&edits{}, r, metadata, "annotations", []entry{{}})
	notes = append(notes, annotationEntry(UndoAnnotation, toJSON(r)))
	m.grow(&e, &record{}, metadata, "annotations", notes)
	return m.apply(e)
}

// grow adds entries to the list or mapping under key, making the key when it
// is not there, and notes in r what undoing needs.
func (m *Manifest) grow(e *edits, r *record, parent *yaml.Node, key string, entries []entry) {
	if len(entries) == 0 {
		return
	}
	value := m.valueOf(parent, key)
	isMap := key == "annotations"
	switch {
	case value == nil:
		r.Keys = append(r.Keys, key)
		m.appendTo(e, parent, []entry{nested(key, entries, isMap)})
	case value.Kind != yaml.ScalarNode:
		m.appendTo(e, value, entries)
	case isEmpty(value) && !isFlow(parent): // "volumes:" and nothing behind it
		indent, dash := m.columnOf(m.start(parent)), "- "
		if isMap {
			indent, dash = indent+2, ""
		}
		m.insertLines(e, m.start(value), blockLines(entries, indent, dash))
	default: // an explicit null
		from, to := m.start(value), m.end(value)
		if r.Nulls == nil {
			r.Nulls = map[string]string{}
		}
		r.Nulls[key] = string(m.data[from:to])
		text := inBrackets(entries, isMap)
		if from == to {
			text = " " + text
		}
		*e = append(*e, edit{from, to, text})
	}
}

// nested is a key together with a new list or mapping under it. Lists stand at
// the column of their key, as kubeadm writes them.
func nested(key string, entries []entry, isMap bool) entry {
	en := entry{block: []string{key + ":"}, flow: toJSON(key) + ": " + inBrackets(entries, isMap)}
	indent, dash := 0, "- "
	if isMap {
		indent, dash = 2, ""
	}
	en.block = append(en.block, blockLines(entries, indent, dash)...)
	return en
}

func inBrackets(entries []entry, isMap bool) string {
	if isMap {
		return "{" + joinFlow(entries, " ") + "}"
	}
	return "[" + joinFlow(entries, " ") + "]"
}
