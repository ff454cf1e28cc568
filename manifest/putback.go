// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// putBack restores the flags that were taken over.
func (u *undoing) putBack() {
	for _, p := range u.record.Replaced {
		u.swapBack(p)
	}
	for _, name := range []string{"command", "args"} {
		var notes []removed
		for _, r := range u.record.Removed {
			if r.List == name && !u.isOrphan(r) {
				notes = append(notes, r)
				u.back = append(u.back, r.Items...)
			}
		}
		if len(notes) > 0 {
			u.insertBack(name, notes)
		}
	}
}

// insertBack puts removed text back into the list where it stood.
func (u *undoing) insertBack(name string, notes []removed) {
	list := u.valueOf(u.container, name)
	was := u.record.Lists[name]
	switch {
	case list != nil && list.Kind == yaml.SequenceNode && !isFlow(list),
		list != nil && isEmpty(list) && !was.Flow && !u.byMeaning:
		u.insertLinesBack(list, notes)
	case list != nil && isFlow(list) && was.Flow && !u.byMeaning && u.insertTextBack(list, notes):
	case list != nil && isFlow(list) && len(list.Content) > 0:
		u.insertItemsBack(list, notes)
	default:
		u.fill(name, notes)
	}
}

// isOrphan tells whether a removed item belongs to a flag that somebody has
// taken out since.
func (u *undoing) isOrphan(r removed) bool {
	return r.Tied && (r.After == nil || u.anchors[*r.After] == nil)
}

// swapBack exchanges a flag of ours for the one that stood there. One that
// somebody has taken out since does not come back.
func (u *undoing) swapBack(p replaced) {
	found, list, exact := u.find(p.New)
	if !exact {
		u.drifted(p.New, found)
	}
	if found == nil {
		return
	}
	u.take(found, list, u.swapped)
	u.anchors[p.New] = found.node
	u.back = append(u.back, p.Items...)
	was, now := u.record.Lists[p.List], u.shapeOf(list)
	text := u.itemsText(p.Items, list)
	if !u.byMeaning && was.Flow == now.Flow {
		text = reshaped(strings.Repeat(" ", was.Column)+p.Old, was, now)
		text = text[min(now.Column, len(text)):]
	}
	nodes := found.nodes(list)
	u.e = append(u.e, edit{u.start(nodes[0]), u.end(nodes[len(nodes)-1]), text})
}

// itemsText writes items one after the other, in the manner of the list.
func (u *undoing) itemsText(items []string, list *yaml.Node) string {
	var texts []string
	for _, item := range items {
		texts = append(texts, written(item, list))
	}
	if isFlow(list) {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts, u.eol+strings.Repeat(" ", u.columnOf(u.start(list)))+"- ")
}

// insertLinesBack puts removed lines back into a list in block style, each
// behind the item that they followed and what stood between the two.
func (u *undoing) insertLinesBack(list *yaml.Node, notes []removed) {
	at := 0
	for i, r := range notes {
		if i == 0 || !sameAnchor(r, notes[i-1]) {
			at = u.behindAnchor(list, r)
		}
		at = u.behindGap(at, r.Gap)
		u.e.insert(at, u.linesOf(list, r))
	}
}

// behindAnchor is the offset behind the item that r stood behind. When that is
// gone it is the front of the list: a flag of the same name that stays comes
// later, and so is in force as it was before.
func (u *undoing) behindAnchor(list *yaml.Node, r removed) int {
	if r.After == nil {
		return u.end(u.keyOf(r.List))
	}
	if anchor := u.anchorOf(list, r); anchor != nil {
		return u.end(anchor)
	}
	if len(list.Content) == 0 {
		return u.end(u.keyOf(r.List))
	}
	if first := list.Content[0]; flagName(first.Value) == "" {
		return u.end(first) // the program
	}
	return u.lines[u.lineAt(u.start(list))]
}

// anchorOf is the item that r stood behind, nil when it is gone.
func (u *undoing) anchorOf(list *yaml.Node, r removed) *yaml.Node {
	if anchor := u.anchors[*r.After]; anchor != nil && slices.Contains(list.Content, anchor) {
		return anchor
	}
	return nth(list, *r.After, r.Nth)
}

// behindGap is the start of the line behind the gap, if the lines from the
// offset on still read like it, whatever their indentation and line ends. Else
// it is the start of the line that follows the offset.
func (u *undoing) behindGap(at int, gap string) int {
	to := at
	for line := range strings.Lines(gap) {
		next := u.nextLine(u.lineAt(to))
		if strings.TrimSpace(string(u.data[to:next])) != strings.TrimSpace(line) || to == next {
			to = at
			break
		}
		to = next
	}
	if line := u.lineAt(to); u.lines[line] != to {
		return u.nextLine(line)
	}
	return to
}

// linesOf is the removed text fit for a block list: as it was but for the
// indentation and line ends, or if it comes from brackets the items alone.
func (u *undoing) linesOf(list *yaml.Node, r removed) string {
	was := u.record.Lists[r.List]
	now := was
	if now.CRLF = u.eol == "\r\n"; list.Kind == yaml.SequenceNode {
		now = u.shapeOf(list)
	}
	switch {
	case len(r.Items) == 0:
		return ""
	case u.byMeaning || was.Flow:
		return strings.Repeat(" ", now.Column) + "- " + u.itemsText(r.Items, list) + u.eol
	}
	return reshaped(r.Text, was, now)
}

// reshaped gives text from a list of one shape the line ends and, in block
// style, the indentation of another.
func reshaped(text string, was, now shape) string {
	if was == now {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\r\n")
		ending := line[len(bare):]
		if ending != "" && was.CRLF != now.CRLF {
			ending = map[bool]string{true: "\r\n", false: "\n"}[now.CRLF]
		}
		inner := strings.TrimLeft(bare, " ")
		b.WriteString(strings.Repeat(" ", max(0, len(bare)-len(inner)+now.Column-was.Column)) + inner + ending)
	}
	return b.String()
}

// insertTextBack puts removed text back into a list in brackets, if it can be
// told for all of it where it stood.
func (u *undoing) insertTextBack(list *yaml.Node, notes []removed) bool {
	var e edits
	at, was, now := 0, u.record.Lists[notes[0].List], u.shapeOf(list)
	for i, r := range notes {
		if i == 0 || !sameAnchor(r, notes[i-1]) {
			anchor := u.keyOf(r.List)
			if r.After != nil {
				anchor = nth(list, *r.After, r.Nth)
			}
			if anchor == nil {
				return false
			}
			at = u.end(anchor)
		}
		gap := reshaped(r.Gap, was, now)
		if !bytes.HasPrefix(u.data[at:], []byte(gap)) {
			return false
		}
		at += len(gap)
		e.insert(at, reshaped(r.Text, was, now))
	}
	u.e = append(u.e, e...)
	return true
}

func sameAnchor(a, b removed) bool {
	if a.After == nil || b.After == nil {
		return a.After == b.After
	}
	return *a.After == *b.After && a.Nth == b.Nth
}

// nth is the item of that value which count others of it stand before; nil
// when there is none.
func nth(list *yaml.Node, value string, count int) *yaml.Node {
	for _, n := range list.Content {
		if n.Value != value {
			continue
		}
		if count == 0 {
			return n
		}
		count--
	}
	return nil
}

// insertItemsBack puts removed items back into a list in brackets that was
// edited since: next to the item that they followed, else to the front.
func (u *undoing) insertItemsBack(list *yaml.Node, notes []removed) {
	first := slices.IndexFunc(list.Content, func(n *yaml.Node) bool { return !u.dropped[n] })
	if first < 0 { // none of the items stays
		var all []string
		for _, r := range notes {
			all = append(all, r.Items...)
		}
		u.e.insert(u.end(list.Content[len(list.Content)-1]), u.itemsText(all, list))
		return
	}
	front := list.Content[first]
	for _, r := range notes {
		var anchor *yaml.Node
		if r.After != nil {
			if anchor = u.anchorOf(list, r); anchor == nil && flagName(front.Value) == "" {
				anchor = front // the program
			}
		}
		switch text := u.itemsText(r.Items, list); {
		case len(r.Items) == 0:
		case anchor != nil:
			u.e.insert(u.end(anchor), ", "+text)
		default:
			u.e.insert(u.start(front), text+", ")
		}
	}
}

// fill puts removed items into a list that is empty, null or absent.
func (u *undoing) fill(name string, notes []removed) {
	var entries []entry
	for _, r := range notes {
		for _, item := range r.Items {
			entries = append(entries, entry{[]string{scalar(item)}, toJSON(item)})
		}
	}
	u.grow(&u.e, &record{}, u.container, name, entries)
}
