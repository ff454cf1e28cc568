// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is one item of a list, or one key with its value, in the two ways to
// write it.
type entry struct {
	// block holds the lines of block style, without indentation; further
	// indentation of nested keys is part of the line.
	block []string
	// flow is the entry on one line inside brackets.
	flow string
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// stride is the number of nodes that one entry takes: two in a mapping.
func stride(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return 2
	}
	return 1
}

// appendTo adds entries behind the last one of a list or mapping that is not
// absent: block collections grow by lines, flow collections inside their
// brackets.
func (s *source) appendTo(e *edits, n *yaml.Node, entries []entry) {
	switch {
	case len(entries) == 0:
	case isFlow(n):
		s.appendFlow(e, n, entries)
	default:
		dash := "- "
		if n.Kind == yaml.MappingNode {
			dash = ""
		}
		column := s.columnOf(s.start(n))
		s.insertLines(e, s.behindRemarks(s.end(n), column), blockLines(entries, column, dash))
	}
}

// behindRemarks moves from the end of a collection over the remarks that are
// indented deeper than its entries, and so speak of the last of them.
func (s *source) behindRemarks(at, column int) int {
	for line := s.lineAt(at) + 1; line < len(s.lines); line++ {
		text := s.data[s.lines[line]:s.lineEnd(line)]
		bare := bytes.TrimLeft(text, " ")
		switch {
		case len(bytes.TrimSpace(bare)) == 0:
		case bare[0] == '#' && len(text)-len(bare) > column:
			at = s.lineEnd(line)
		default:
			return at
		}
	}
	return at
}

// blockLines indents entries for a block collection at the given column.
func blockLines(entries []entry, indent int, dash string) []string {
	pad := strings.Repeat(" ", indent)
	var lines []string
	for _, en := range entries {
		for i, l := range en.block {
			lead := dash
			if i > 0 {
				lead = strings.Repeat(" ", len(dash))
			}
			lines = append(lines, pad+lead+l)
		}
	}
	return lines
}

// drop removes those entries of n that pick selects by their index, and
// nothing of what stands between the others.
func (s *source) drop(e *edits, n *yaml.Node, pick func(i int) bool) {
	var runs []run
	lastKept := -1
	for i := range len(n.Content) / stride(n) {
		if !pick(i) {
			lastKept = i
			continue
		}
		if last := len(runs) - 1; last >= 0 && runs[last].to == i && isFlow(n) && !s.remarked(n, i) {
			runs[last].to++
			continue
		}
		runs = append(runs, run{i, i + 1})
	}
	for _, r := range runs {
		if isFlow(n) {
			s.dropFlow(e, n, r, lastKept)
			continue
		}
		from, to := s.entryLines(n, r.from)
		e.remove(from, to)
	}
}

// run is a stretch of entries, from the index from up to to.
type run struct{ from, to int }

// entrySpan is the place of an entry without its dash.
func (s *source) entrySpan(n *yaml.Node, i int) span {
	step := stride(n)
	return span{s.start(n.Content[i*step]), s.end(n.Content[i*step+step-1])}
}

// entryLines is the stretch of whole lines that a block entry takes. The first
// key of a list item shares its line with the item's dash: then the next key
// moves up there.
func (s *source) entryLines(n *yaml.Node, i int) (from, to int) {
	place := s.entrySpan(n, i)
	head := place.from
	if n.Kind == yaml.SequenceNode {
		head = s.dash(n, i)
	}
	to = s.nextLine(s.lineAt(place.to))
	lead := s.lead(head)
	if len(bytes.TrimLeft(lead, " ")) == 0 {
		return head - len(lead), to
	}
	if i+1 == len(n.Content)/stride(n) {
		return head, place.to
	}
	for to < len(s.data) && s.data[to] == ' ' {
		to++
	}
	return head, to
}

// dash is the offset of the "-" of a block list's item. It may stand on an
// earlier line than the item.
func (s *source) dash(n *yaml.Node, i int) int {
	if i == 0 {
		return s.start(n)
	}
	return s.skipBlank(s.end(n.Content[i-1]))
}
