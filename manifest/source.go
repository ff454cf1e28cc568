// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// source is a document as bytes together with its parse tree, which serves as
// an index into the bytes.
type source struct {
	file string
	// raw is the document as it was given.
	raw []byte
	// data is raw, with a line break at its end even if raw has none there:
	// so the last line is spliced like any other. apply takes it off again.
	data  []byte
	root  *yaml.Node
	lines []int // byte offset in data at which each line starts
	eol   string
	// spans are the places in data of all nodes of the tree.
	spans map[*yaml.Node]span
	// shared are the nodes that an alias repeats somewhere else.
	shared map[*yaml.Node]bool
}

func newSource(file string, raw []byte) (*source, error) {
	root, err := document.Parse(file, raw)
	if err != nil {
		return nil, err
	}
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, document.Problems{document.ProblemAt(file, root, "not a static pod: the document is no mapping", wrongFile)}
	}
	if at, what := oddBreak(raw); at >= 0 {
		return nil, document.Problems{{File: file, Line: 1 + bytes.Count(raw[:at], []byte("\n")),
			What: "a line ends in " + what + ", which editors and YAML parsers do not agree on", Hint: `end lines in \n or \r\n`}}
	}
	s := &source{file: file, raw: raw, data: raw, root: root, lines: []int{0}, eol: "\n"}
	if i := bytes.IndexByte(raw, '\n'); i > 0 && raw[i-1] == '\r' {
		s.eol = "\r\n"
	}
	if s.bare() {
		s.data = append(append(make([]byte, 0, len(raw)+len(s.eol)), raw...), s.eol...)
	}
	for i, b := range s.data {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		s.lines[0] = 3 // the parser's columns start behind a byte order mark
	}
	return s, s.index()
}

// bare tells whether the file's last line lacks its line break.
func (s *source) bare() bool { return len(s.raw) > 0 && s.raw[len(s.raw)-1] != '\n' }

// oddBreak finds a character that YAML 1.1 takes for a line break and that is
// neither \n nor \r\n; -1 when there is none.
func oddBreak(data []byte) (int, string) {
	first, what := -1, ""
	for _, odd := range []struct{ text, what string }{
		{"\u0085", "the character U+0085"}, {"\u2028", "the character U+2028"}, {"\u2029", "the character U+2029"},
	} {
		if i := bytes.Index(data, []byte(odd.text)); i >= 0 && (first < 0 || i < first) {
			first, what = i, odd.what
		}
	}
	for i := range data {
		if data[i] == '\r' && (i+1 == len(data) || data[i+1] != '\n') && (first < 0 || i < first) {
			return i, `a lone \r`
		}
	}
	return first, what
}

// valueOf returns the value of key in a mapping, nil when there is none.
func (s *source) valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if i := document.PairOf(mapping, key); i >= 0 {
		return mapping.Content[i+1]
	}
	return nil
}

// lookup walks mappings from the root; nil when a key on the way is missing.
func (s *source) lookup(keys ...string) *yaml.Node {
	n := s.root
	for _, k := range keys {
		n = s.valueOf(n, k)
	}
	return n
}

// start is the byte offset at which the node's text starts, behind any anchor
// or tag.
func (s *source) start(n *yaml.Node) int { return s.spans[n].from }

// end is the byte offset just behind the node's text. An empty value (as in
// "status:") ends where it starts.
func (s *source) end(n *yaml.Node) int { return s.spans[n].to }

// skipBlank moves over white space, line breaks and comments.
func (s *source) skipBlank(at int) int {
	for at < len(s.data) {
		switch {
		case isBlank(s.data[at]):
			at++
		case s.data[at] == '#' && (at == s.lines[0] || isBlank(s.data[at-1])):
			at = s.lineEnd(s.lineAt(at))
		default:
			return at
		}
	}
	return at
}

// lineAt is the index of the line that holds the offset.
func (s *source) lineAt(at int) int {
	lo, hi := 0, len(s.lines)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.lines[mid] <= at {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// lineEnd is the offset of the line's end, before its line break.
func (s *source) lineEnd(line int) int {
	if line+1 >= len(s.lines) {
		return len(s.data)
	}
	at := s.lines[line+1] - 1
	if at > 0 && s.data[at-1] == '\r' {
		at--
	}
	return at
}

// nextLine is the offset behind the line's break.
func (s *source) nextLine(line int) int {
	if line+1 >= len(s.lines) {
		return len(s.data)
	}
	return s.lines[line+1]
}

// lead is the text between the start of the offset's line and the offset.
func (s *source) lead(at int) []byte { return s.data[s.lines[s.lineAt(at)]:at] }

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func quote(s string) string { return strconv.Quote(s) }

// trouble is an error of our own making: the text did not have the shape that
// its parse tree promised. Nothing is returned to be written in that case.
func (s *source) trouble(format string, args ...any) error {
	return document.Problems{{File: s.file, What: "cannot be changed safely: " + strings.TrimSpace(fmt.Sprintf(format, args...)),
		Hint: "please report this manifest; nothing was written"}}
}
