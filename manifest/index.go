// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// span is the place of a node's text: from is behind its anchor and tag, to
// just behind its last byte.
type span struct{ from, to int }

// indexer goes through the tree and the text side by side and notes where each
// node stands. The parser says only where a node starts; that the end found
// here is right shows in what follows: between two nodes there may be nothing
// but white space, comments and the very punctuation that belongs there. So
// syntax that this package does not know is refused and never guessed at.
type indexer struct {
	*source
	at   int        // all text before it is accounted for
	last *yaml.Node // the node looked at when something was odd
	// the place at which mark was asked last: line from 0, column from 1
	line, column, offset int
}

// index fills spans and shared. The error names the first node whose text is
// written in a way that this package cannot splice.
func (s *source) index() error {
	s.spans, s.shared = map[*yaml.Node]span{}, map[*yaml.Node]bool{}
	x := &indexer{source: s, line: -1, last: s.root}
	x.at = x.prologue()
	if x.node(s.root, "", -1) && x.epilogue() {
		return s.checkTail(x.last)
	}
	return document.Problems{document.ProblemAt(s.file, x.last, "this is written in a kind of YAML that auditsetup cannot edit in place",
		`write it as "key: value" and "- item", without "? ", tags on nothing and pairs in [brackets]`)}
}

// checkTail refuses a file that breaks off in the last line of a | or > text:
// that text would change with any line that is added below it.
func (s *source) checkTail(last *yaml.Node) error {
	if !s.bare() || last.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 || s.end(last) < len(s.raw) {
		return nil
	}
	return document.Problems{document.ProblemAt(s.file, last, "the file ends in the last line of this text, without a line break",
		"put a line break at the end of the file")}
}

// prologue is the offset behind directives and the "---" of the document.
func (x *indexer) prologue() int {
	start := x.lines[0]
	for line := range x.lines {
		at := max(x.lines[line], start)
		switch text := bytes.TrimLeft(x.data[at:x.lineEnd(line)], " \t"); {
		case len(text) == 0 || text[0] == '#' || x.data[at] == '%':
		case bytes.HasPrefix(x.data[at:], []byte("---")):
			return at + 3
		default:
			return start
		}
	}
	return start
}

// epilogue tells whether nothing but blanks, comments and document marks
// follow. Whatever is behind a mark was looked at by document.Parse.
func (x *indexer) epilogue() bool {
	at := x.skipBlank(x.at)
	rest := x.data[at:]
	return len(rest) == 0 || len(x.lead(at)) == 0 && (bytes.HasPrefix(rest, []byte("...")) || bytes.HasPrefix(rest, []byte("---")))
}

// node notes the place of n and of all below it. Between the text before it
// and n there have to be the marks. indent is the column, from 0, of the
// innermost block collection around n, -1 when there is none.
func (x *indexer) node(n *yaml.Node, marks string, indent int) bool {
	x.last = n
	from, ok := x.mark(n)
	if !ok || !x.passes(from, marks) {
		return false
	}
	if from, ok = x.behindProperties(n, from); !ok {
		return false
	}
	x.at = from
	to := from
	switch {
	case n.Kind == yaml.AliasNode:
		x.shared[n.Alias] = true
		to, ok = from+1+len(n.Value), bytes.HasPrefix(x.data[from:], []byte("*"+n.Value))
	case n.Kind == yaml.ScalarNode:
		to, ok = x.scalarEnd(n, from, indent)
	case isFlow(n):
		to, ok = x.flow(n, from)
	case n.Kind == yaml.MappingNode:
		to, ok = x.blockMapping(n, from)
	case n.Kind == yaml.SequenceNode:
		to, ok = x.blockSequence(n, from)
	default:
		ok = false
	}
	x.at = to
	x.spans[n] = span{from, to}
	return ok
}

func (x *indexer) blockMapping(n *yaml.Node, from int) (to int, ok bool) {
	indent := x.columnOf(from)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !x.node(n.Content[i], "", indent) || !x.node(n.Content[i+1], ":", indent) {
			return x.at, false
		}
	}
	return x.at, len(n.Content) > 0
}

func (x *indexer) blockSequence(n *yaml.Node, from int) (to int, ok bool) {
	indent := x.columnOf(from)
	for _, item := range n.Content {
		if !x.node(item, "-", indent) {
			return x.at, false
		}
	}
	return x.at, len(n.Content) > 0
}

func (x *indexer) flow(n *yaml.Node, from int) (to int, ok bool) {
	brackets := "[]"
	if n.Kind == yaml.MappingNode {
		brackets = "{}"
	}
	if from >= len(x.data) || x.data[from] != brackets[0] {
		return from, false
	}
	x.at++
	for i, inner := range n.Content {
		marks := ","
		switch {
		case i == 0:
			marks = ""
		case n.Kind == yaml.MappingNode && i%2 == 1:
			marks = ":"
		}
		if !x.node(inner, marks, -1) {
			return x.at, false
		}
	}
	x.last = n
	at := x.skipBlank(x.at)
	if at < len(x.data) && x.data[at] == ',' && len(n.Content) > 0 {
		at = x.skipBlank(at + 1)
	}
	return at + 1, at < len(x.data) && x.data[at] == brackets[1]
}

// mark is the offset of the place that the parser gives for n. Places come in
// the order of the text, so that a long line is counted through once.
func (x *indexer) mark(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(x.lines) || n.Column < 1 {
		return 0, false
	}
	if n.Line-1 != x.line || n.Column < x.column {
		x.line, x.column, x.offset = n.Line-1, 1, x.lines[n.Line-1]
	}
	for ; x.column < n.Column; x.column++ {
		if x.offset >= len(x.data) {
			return 0, false
		}
		_, size := utf8.DecodeRune(x.data[x.offset:])
		x.offset += size
	}
	return x.offset, true
}

// passes tells whether the text from at up to the offset is white space,
// comments and the marks, each once and in this order.
func (x *indexer) passes(to int, marks string) bool {
	if to < x.at || to > len(x.data) {
		return false
	}
	for at := x.at; at < to; {
		next := x.skipBlank(at)
		if next >= to {
			break
		}
		if marks == "" || x.data[next] != marks[0] {
			return false
		}
		marks, at = marks[1:], next+1
	}
	return marks == ""
}

// behindProperties moves over the anchor and the tag of a node, but not over
// those of the first key of a mapping, which stand in the same place. A node
// that has one of them and no text is refused, since it has no place.
func (x *indexer) behindProperties(n *yaml.Node, at int) (int, bool) {
	anchored, tagged := n.Anchor != "", n.Style&yaml.TaggedStyle != 0 || n.Kind == yaml.ScalarNode
	for at < len(x.data) {
		switch {
		case x.data[at] == '&' && anchored:
			anchored = false
		case x.data[at] == '!' && tagged:
			tagged = false
		default:
			return at, true
		}
		if isEmpty(n) {
			return at, false
		}
		for at < len(x.data) && !isBlank(x.data[at]) {
			at++
		}
		at = x.skipBlank(at)
	}
	return at, true
}

// isEmpty tells whether n is a value of which nothing is written.
func isEmpty(n *yaml.Node) bool {
	const notPlain = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&notPlain == 0
}

// columnOf is the column of an offset, in characters from 0.
func (s *source) columnOf(at int) int { return utf8.RuneCount(s.lead(at)) }

func (s *source) scalarEnd(n *yaml.Node, at, indent int) (to int, ok bool) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return s.quotedEnd(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return s.quotedEnd(at, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockScalarEnd(at, indent)
	}
	// A plain scalar has neither escapes nor comments in it: its value is its
	// text but for white space, over however many lines.
	if at <= len(s.data) && bytes.HasPrefix(s.data[at:], []byte(n.Value)) {
		return at + len(n.Value), true
	}
	for _, r := range n.Value {
		if r == ' ' || r == '\t' || r == '\n' {
			continue
		}
		for at < len(s.data) && isBlank(s.data[at]) {
			at++
		}
		found, size := utf8.DecodeRune(s.data[at:])
		if found != r {
			return at, false
		}
		at += size
	}
	return at, true
}

// quotedEnd finds the end of a quoted scalar that begins at the offset.
func (s *source) quotedEnd(at int, mark byte) (to int, ok bool) {
	if at >= len(s.data) || s.data[at] != mark {
		return at, false
	}
	for at++; at < len(s.data); at++ {
		switch {
		case s.data[at] == '\\' && mark == '"':
			at++
		case s.data[at] == mark && mark == '\'' && at+1 < len(s.data) && s.data[at+1] == mark:
			at++
		case s.data[at] == mark:
			return at + 1, true
		}
	}
	return at, false
}

// blockScalarEnd finds the end of a | or > scalar whose header is at the
// offset: the end of its last line that is not blank, or with the + indicator
// of its last line. outer is the indentation that its lines must exceed.
func (s *source) blockScalarEnd(at, outer int) (to int, ok bool) {
	if at >= len(s.data) || (s.data[at] != '|' && s.data[at] != '>') {
		return at, false
	}
	line := s.lineAt(at)
	to = s.lineEnd(line)
	header, _, _ := strings.Cut(string(s.data[at+1:to]), "#")
	keep, indent := strings.Contains(header, "+"), 0
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		indent = max(outer, 0) + int(header[i]-'0')
	}
	for line++; line < len(s.lines); line++ {
		text := s.data[s.lines[line]:s.lineEnd(line)]
		depth := len(text) - len(bytes.TrimLeft(text, " "))
		switch {
		case depth == len(text) && (indent == 0 || depth <= indent):
			if keep {
				to = s.lineEnd(line)
			}
			continue
		case indent == 0 && depth > outer:
			indent = depth
		}
		if indent == 0 || depth < indent {
			break
		}
		to = s.lineEnd(line)
	}
	return to, true
}
