// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// appendFlow adds entries to a collection in brackets: each on a line of its
// own if those that are there stand like that.
func (s *source) appendFlow(e *edits, n *yaml.Node, entries []entry) {
	if len(n.Content) == 0 {
		e.insert(s.start(n)+1, joinFlow(entries, " "))
		return
	}
	at, first := s.end(n.Content[len(n.Content)-1]), s.start(n.Content[len(n.Content)-stride(n)])
	sep := " "
	if lead := s.lead(first); len(bytes.TrimSpace(lead)) == 0 && s.lineAt(first) > s.lineAt(s.start(n)) {
		sep = s.eol + string(lead)
	}
	rest := bytes.TrimSpace(s.data[at:s.lineEnd(s.lineAt(at))])
	switch {
	case sep != " " && bytes.HasPrefix(rest, []byte("#")):
		// the remark stays behind the entry that it speaks of
		e.insert(at, ",")
		e.insert(s.lineEnd(s.lineAt(at)), sep+joinFlow(entries, sep))
	case sep != " " && bytes.HasPrefix(rest, []byte(",")) && bytes.Contains(rest, []byte("#")):
		e.insert(at, ", "+joinFlow(entries, " "))
	default:
		e.insert(at, ","+sep+joinFlow(entries, sep))
	}
}

func joinFlow(entries []entry, sep string) string {
	texts := make([]string, len(entries))
	for i, en := range entries {
		texts[i] = en.flow
	}
	return strings.Join(texts, ","+sep)
}

// dropFlow removes entries that have no remark between them. Those that an
// entry which stays comes after go with the comma behind them, any others with
// the comma before them: then what appendFlow put in comes out just as it went
// in.
func (s *source) dropFlow(e *edits, n *yaml.Node, r run, lastKept int) {
	place := span{s.entrySpan(n, r.from).from, s.entrySpan(n, r.to-1).to}
	if r.from < lastKept {
		s.dropWithNextComma(e, place, s.entrySpan(n, r.to).from)
		return
	}
	all := len(n.Content) / stride(n)
	end := s.entrySpan(n, all-1).to
	s.dropWithLastComma(e, n, r.from, place)
	if r.to == all && lastKept < 0 {
		if comma := s.skipBlank(end); s.data[comma] == ',' {
			e.remove(comma, comma+1)
		}
	}
}

// dropWithLastComma removes entries of the tail, the first of which is entry i.
// A remark before it stays; the line below that remark goes, if what stands
// behind the tail can do without.
func (s *source) dropWithLastComma(e *edits, n *yaml.Node, i int, place span) {
	switch {
	case i == 0:
		e.remove(place.from, place.to)
		return
	case !s.remarked(n, i):
		e.remove(s.entrySpan(n, i-1).to, place.to)
		return
	}
	comma := s.skipBlank(s.entrySpan(n, i-1).to)
	e.remove(comma, comma+1)
	end := s.end(n.Content[len(n.Content)-1])
	if len(bytes.TrimSpace(s.data[end:s.lineEnd(s.lineAt(end))])) == 0 {
		place.from = s.lineEnd(s.lineAt(place.from) - 1)
	}
	e.remove(place.from, place.to)
}

// dropWithNextComma removes entries that another follows, and their lines with
// them when nothing else is there.
func (s *source) dropWithNextComma(e *edits, place span, next int) {
	comma := s.skipBlank(place.to)
	if bytes.IndexByte(s.data[place.to:comma], '#') >= 0 {
		e.remove(place.from, place.to)
		e.remove(comma, comma+1)
		return
	}
	lead, line := s.lead(place.from), s.lineAt(comma)
	rest := s.data[comma+1 : s.lineEnd(line)]
	switch {
	case next <= s.lineEnd(line):
		e.remove(place.from, next)
	case len(bytes.TrimSpace(rest)) == 0 && len(bytes.TrimSpace(lead)) == 0:
		e.remove(place.from-len(lead), s.nextLine(line))
	default:
		e.remove(place.from, comma+1)
	}
}

// remarked tells whether there is a comment between entry i and the one before.
func (s *source) remarked(n *yaml.Node, i int) bool {
	return bytes.IndexByte(s.data[s.entrySpan(n, i-1).to:s.entrySpan(n, i).from], '#') >= 0
}
