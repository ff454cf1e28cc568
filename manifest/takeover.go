// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"
)

// takeover writes the wanted flags, into the place of audit flags that are
// there or behind the last flag, and takes the other audit flags out.
type takeover struct {
	*Manifest
	e *edits
	r *record
	// missing are the wanted flags that still have no place.
	missing []Flag
	// gone are the items to remove, and swaps the flags to replace by their
	// first item.
	gone  map[*yaml.Node]bool
	swaps map[*yaml.Node]*swap
	// tied are the second items of swaps that have to be removed on their own.
	tied map[*yaml.Node]bool
}

// swap is a flag of somebody else that one of ours takes the place of.
type swap struct {
	argument
	by Flag
	// end is the offset behind the text that is replaced. Of a flag of two
	// items that is both, unless there are lines between them to keep.
	end int
}

// run replaces and removes. Of a repeated flag the last is replaced, which is
// the one in force. A flag that has its wanted value already stays as it is and
// stays somebody else's.
func (t *takeover) run() {
	t.gone, t.tied, t.swaps = map[*yaml.Node]bool{}, map[*yaml.Node]bool{}, map[*yaml.Node]*swap{}
	lists := t.argLists()
	for _, l := range slices.Backward(lists) {
		for _, a := range slices.Backward(flagsIn(l.node)) {
			if isAudit(a.name) {
				t.r.TakenOver = append(t.r.TakenOver, a.name)
				t.settle(l, a)
			}
		}
	}
	slices.Sort(t.r.TakenOver)
	t.r.TakenOver = slices.Compact(t.r.TakenOver)
	t.fillTail()
	for _, l := range lists {
		t.replaceItems(l)
		t.removeItems(l)
	}
}

// settle decides what becomes of one audit flag.
func (t *takeover) settle(l argList, a argument) {
	at := slices.IndexFunc(t.missing, func(f Flag) bool { return f.Name == a.name })
	if at < 0 {
		for _, n := range a.nodes(l.node) {
			t.gone[n] = true
		}
		return
	}
	f := t.missing[at]
	t.missing = slices.Delete(t.missing, at, at+1)
	if f.Value != a.value {
		t.swap(l, a, f)
	}
}

func (t *takeover) swap(l argList, a argument, by Flag) {
	nodes := a.nodes(l.node)
	s := &swap{argument: a, by: by, end: t.end(nodes[len(nodes)-1])}
	if a.items == 2 && !isFlow(l.node) && bytes.Count(t.data[t.end(nodes[0]):t.start(nodes[1])], []byte("\n")) > 1 {
		s.end = t.end(nodes[0])
		t.gone[nodes[1]], t.tied[nodes[1]] = true, true
	}
	t.swaps[a.node] = s
}

// fillTail puts a wanted flag in the place of the last flag of the list in
// brackets that flags are added to, if that is to go: there is no other way to
// tell the comma and the remark behind the last one that stays from ours.
func (t *takeover) fillTail() {
	l := t.target()
	if len(t.missing) == 0 || !isFlow(l.node) {
		return
	}
	all := flagsIn(l.node)
	if len(all) == 0 {
		return
	}
	a := all[len(all)-1]
	if a.at+a.items < len(l.node.Content) || !t.gone[a.node] {
		return
	}
	for _, n := range a.nodes(l.node) {
		delete(t.gone, n)
	}
	t.swap(l, a, t.missing[0])
	t.missing = t.missing[1:]
}

// target is the list that flags are added to: the last one that has any item.
func (t *takeover) target() argList {
	lists := t.argLists()
	if last := lists[len(lists)-1]; len(last.node.Content) > 0 {
		return last
	}
	return lists[0]
}

// appendFlags adds the flags that are still missing behind the last item.
func (t *takeover) appendFlags() {
	into := t.target()
	var entries []entry
	for _, f := range t.missing {
		entries = append(entries, itemEntry(f.text(), into.node))
		t.r.Flags = append(t.r.Flags, f.text())
	}
	t.appendTo(t.e, into.node, entries)
}

// itemEntry writes an item in the manner of the list's own ones.
func itemEntry(text string, list *yaml.Node) entry {
	quoted := slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return n.Style&yaml.DoubleQuotedStyle != 0 })
	en := entry{[]string{scalar(text)}, toJSON(text)}
	if isFlow(list) && !quoted {
		en.flow = scalar(text)
	}
	return en
}

// written is the text of an item as it stands in the list.
func written(text string, list *yaml.Node) string {
	en := itemEntry(text, list)
	if isFlow(list) {
		return en.flow
	}
	return en.block[0]
}

func (t *takeover) replaceItems(l argList) {
	for _, a := range flagsIn(l.node) {
		s := t.swaps[a.node]
		if s == nil {
			continue
		}
		from := t.start(a.node)
		*t.e = append(*t.e, edit{from, s.end, written(s.by.text(), l.node)})
		note := replaced{List: l.name, New: s.by.text(), Old: string(t.data[from:s.end]), Items: []string{a.node.Value}}
		if a.items == 2 && !t.tied[a.nodes(l.node)[1]] {
			note.Items = append(note.Items, a.nodes(l.node)[1].Value)
		}
		t.r.Replaced = append(t.r.Replaced, note)
		t.noteShape(l)
	}
}

func (t *takeover) noteShape(l argList) {
	if t.r.Lists == nil {
		t.r.Lists = map[string]shape{}
	}
	t.r.Lists[l.name] = t.shapeOf(l.node)
}

// removeItems takes out the items that are gone and notes for each stretch of
// text where it stood, as seen from the item before it that stays, in the text
// as it will be.
func (t *takeover) removeItems(l argList) {
	var cuts edits
	t.drop(&cuts, l.node, func(i int) bool { return t.gone[l.node.Content[i]] })
	if len(cuts) == 0 {
		return
	}
	t.noteShape(l)
	cuts = cuts.merged()
	*t.e = append(*t.e, cuts...)
	note := removed{List: l.name}
	items, from, seen := l.node.Content, t.end(t.keyOf(l.name)), map[string]int{}
	for _, cut := range cuts {
		for ; len(items) > 0 && t.start(items[0]) < cut.from; items = items[1:] {
			if t.start(items[0]) < from { // the second item of a flag that was replaced
				continue
			}
			value, end := items[0].Value, t.end(items[0])
			if s := t.swaps[items[0]]; s != nil {
				value, end = s.by.text(), s.end
			}
			note.After, note.Nth, from = &value, seen[value], end
			seen[value]++
		}
		note.Gap, note.Text = string(t.data[from:cut.from]), string(t.data[cut.from:cut.to])
		note.Items, note.Tied, from = nil, false, cut.to
		for ; len(items) > 0 && t.start(items[0]) < cut.to; items = items[1:] {
			note.Items = append(note.Items, items[0].Value)
			note.Tied = note.Tied || t.tied[items[0]]
		}
		t.note(note)
	}
}

// note records a removal, together with the one before when they adjoin.
func (t *takeover) note(r removed) {
	if last := len(t.r.Removed) - 1; last >= 0 && r.Gap == "" && !r.Tied {
		if before := &t.r.Removed[last]; !before.Tied && before.List == r.List && before.After == r.After {
			before.Text += r.Text
			before.Items = append(before.Items, r.Items...)
			return
		}
	}
	t.r.Removed = append(t.r.Removed, r)
}
