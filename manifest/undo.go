// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// Drift is a difference between what Apply wrote and what stands there now.
type Drift struct {
	// What names the flag ("--audit-log-path"), or the "volume", "mount" or
	// "annotation" with its name.
	What string
	// Wrote is the value that Apply wrote, Found the one that is there now.
	Wrote, Found string
	// Line of the manifest, from 1; 0 when it is gone.
	Line int
	// Gone is set when it is not there any more.
	Gone bool
	// Kept says, when not empty, why Undo leaves it where it is: somebody has
	// come to need it, and the pod would not start without.
	Kept string
}

// Undo takes out exactly what Apply put in and puts back what Apply replaced
// or removed. On bytes that Apply returned it gives the original bytes. Where
// the file was edited since, edits of other things stay, flags whose value
// somebody changed are taken out all the same, and Drift says so. A volume or
// mount of ours that somebody else's container or flag uses by now stays. A
// manifest without our record comes back unchanged.
func Undo(m *Manifest) (*Result, error) {
	if _, err := m.full(); err != nil {
		return nil, m.undecodable(err)
	}
	if !m.Changed() {
		return &Result{Before: m.raw, After: m.raw, Left: m.AuditSettings()}, nil
	}
	base, u, err := m.undone()
	if err != nil {
		return nil, err
	}
	return &Result{Before: m.raw, After: base.raw, Changes: compare(m, base), Drift: u.drift, Left: base.AuditSettings()}, nil
}

// undone is the manifest without what is ours, proven. What was taken over is
// put back byte by byte where the text around it is as Apply left it, and by
// its meaning elsewhere.
func (m *Manifest) undone() (*Manifest, *undoing, error) {
	var first error
	for _, byMeaning := range []bool{false, true} {
		u := m.undoing(byMeaning)
		after, err := m.apply(u.e)
		if err == nil {
			var base *Manifest
			if base, err = m.proveUndone(after, u); err == nil {
				return base, u, nil
			}
		}
		if first == nil {
			first = err
		}
	}
	return nil, nil, first
}

// revertsTo tells whether undoing m gives back exactly these bytes.
func (m *Manifest) revertsTo(raw []byte) bool {
	u := m.undoing(false)
	after, err := m.apply(u.e)
	return err == nil && len(u.drift) == 0 && bytes.Equal(after, raw)
}

// undoing gathers what undoes the record of a manifest.
type undoing struct {
	*Manifest
	e     edits
	drift []Drift
	// byMeaning puts back flags as if all text around them had changed.
	byMeaning bool
	// dropped are the items that Apply added, and that go.
	dropped map[*yaml.Node]bool
	// swapped are those that Apply wrote in the place of others and that are
	// replaced by those; anchors are the first items of them by what Apply wrote.
	swapped map[*yaml.Node]bool
	anchors map[string]*yaml.Node
	// back are the values of the items put back.
	back []string
	// gone are the volumes and mounts that are taken out.
	gone plan
}

func (m *Manifest) undoing(byMeaning bool) *undoing {
	u := &undoing{Manifest: m, byMeaning: byMeaning,
		dropped: map[*yaml.Node]bool{}, swapped: map[*yaml.Node]bool{}, anchors: map[string]*yaml.Node{}}
	for _, item := range m.record.Flags {
		u.dropFlag(item)
	}
	u.putBack()
	for _, l := range m.argLists() {
		m.drop(&u.e, l.node, func(i int) bool { return u.dropped[l.node.Content[i]] })
	}
	u.mounts()
	u.annotations()
	return u
}

// dropFlag takes out an item that was appended: found by its text, wherever
// somebody copied it, or when there is none by its flag's name.
func (u *undoing) dropFlag(item string) {
	found, list, exact := u.find(item)
	if !exact {
		u.drifted(item, found)
		if found != nil {
			u.take(found, list, u.dropped)
		}
		return
	}
	for _, l := range u.argLists() {
		for _, n := range l.node.Content {
			if n.Value == item {
				u.dropped[n] = true
			}
		}
	}
}

func (u *undoing) take(a *argument, list *yaml.Node, into map[*yaml.Node]bool) {
	for _, n := range a.nodes(list) {
		into[n] = true
	}
}

// find returns the last flag that reads item, else the last of the same name;
// nil when there is neither.
func (u *undoing) find(item string) (found *argument, list *yaml.Node, exact bool) {
	for _, l := range u.argLists() {
		for _, a := range flagsIn(l.node) {
			same := a.node.Value == item
			if same || a.name == flagName(item) && !exact {
				found, list, exact = &a, l.node, same
			}
		}
	}
	return found, list, exact
}

// drifted notes that the flag of an item that Apply wrote reads otherwise now,
// or is gone when now is nil.
func (u *undoing) drifted(item string, now *argument) {
	name, value, _ := strings.Cut(item, "=")
	d := Drift{What: name, Wrote: value, Gone: now == nil}
	if now != nil {
		d.Found, d.Line = now.value, now.node.Line
	}
	if now == nil || d.Found != d.Wrote {
		u.drift = append(u.drift, d)
	}
}

// annotations takes out ours. The one of the policy may have been changed:
// it is only there to make the kubelet restart the pod.
func (u *undoing) annotations() {
	if u.record.Policy && u.Annotation(PolicyAnnotation) == "" {
		u.drift = append(u.drift, Drift{What: "annotation " + PolicyAnnotation, Gone: true})
	}
	metadata := u.lookup("metadata")
	notes := u.valueOf(metadata, "annotations")
	u.shrink(metadata, "annotations", func(i int) bool { return isOurs(notes.Content[2*i].Value) })
}

// shrink drops the picked entries under key, together with the key, or back to
// the null that was there, when nothing else is left of what Apply made.
func (u *undoing) shrink(parent *yaml.Node, key string, pick func(i int) bool) {
	value := u.valueOf(parent, key)
	if value == nil || value.Kind == yaml.ScalarNode {
		return
	}
	count, all := entries(value), true
	for i := range count {
		all = all && pick(i)
	}
	null, wasNull := u.record.Nulls[key]
	switch {
	case all && count > 0 && slices.Contains(u.record.Keys, key):
		at := document.PairOf(parent, key) / 2
		u.drop(&u.e, parent, func(i int) bool { return i == at })
	case all && count > 0 && wasNull && isFlow(value):
		from := u.start(value)
		if u.byMeaning { // the file may be JSON by now
			null = "null"
		}
		if null == "" && u.data[from-1] == ' ' {
			from--
		}
		u.e = append(u.e, edit{from, u.end(value), null})
	default:
		u.drop(&u.e, value, pick)
	}
}
