// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// edit replaces the bytes [from,to) by text. Edits are gathered against one
// parse and applied together.
type edit struct {
	from, to int
	text     string
}

type edits []edit

func (e *edits) insert(at int, text string) { *e = append(*e, edit{at, at, text}) }
func (e *edits) remove(from, to int)        { *e = append(*e, edit{from, to, ""}) }

// sort puts edits in the order of the text. What is inserted somewhere comes
// before what is put in the place of the text there.
func (e edits) sort() {
	length := func(a edit) int { return min(a.to-a.from, 1) }
	slices.SortStableFunc(e, func(a, b edit) int { return cmp.Or(a.from-b.from, length(a)-length(b)) })
}

// apply returns the source with all edits made. Removals may touch and overlap,
// and insertions may stand in what is removed; they keep their order. Two
// replacements of the same bytes are an error.
func (s *source) apply(list edits) ([]byte, error) {
	list.sort()
	var out bytes.Buffer
	at := 0
	for _, e := range list {
		if e.from < at && e.text != "" && e.from != e.to {
			return nil, s.trouble("two changes meet at line %d", s.lineAt(e.from)+1)
		}
		if e.from > at {
			out.Write(s.data[at:e.from])
		}
		out.WriteString(e.text)
		at = max(at, e.to)
	}
	out.Write(s.data[at:])
	if s.bare() {
		return bytes.TrimSuffix(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\r")), nil
	}
	return out.Bytes(), nil
}

// insertLines adds whole lines below the one that holds the offset.
func (s *source) insertLines(e *edits, at int, lines []string) {
	e.insert(s.nextLine(s.lineAt(at)), strings.Join(lines, s.eol)+s.eol)
}

// merged joins removals that overlap, in the order of the text.
func (e edits) merged() edits {
	e.sort()
	var out edits
	for _, r := range e {
		if last := len(out) - 1; last >= 0 && r.from < out[last].to {
			out[last].to = max(out[last].to, r.to)
			continue
		}
		out = append(out, r)
	}
	return out
}
