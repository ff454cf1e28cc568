// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ProblemAt is a problem at the place of node, which may be nil: then it
// belongs to the whole file.
func ProblemAt(file string, node *yaml.Node, what, hint string) Problem {
	p := Problem{File: file, What: what, Hint: hint}
	if node != nil {
		p.Line, p.Column = node.Line, node.Column
	}
	return p
}

// Find follows a path such as "rules[2].resources[0].group" from root and
// returns the value it leads to. Where the path goes on beyond what is there,
// the deepest node that exists is returned with false: the place to report
// something missing. Aliases are followed. A key with a dot or a bracket in it
// cannot be named. root must not be nil.
func Find(root *yaml.Node, path string) (*yaml.Node, bool) {
	node := resolveAlias(root)
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' }) {
		next := child(node, step)
		if next == nil {
			return node, false
		}
		node = resolveAlias(next)
	}
	return node, true
}

// child takes one step of [Find]: a key of a mapping, or "2]" in a list.
func child(node *yaml.Node, step string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		index, err := strconv.Atoi(strings.TrimSuffix(step, "]"))
		if err == nil && index >= 0 && index < len(node.Content) {
			return node.Content[index]
		}
	}
	return nil
}

func resolveAlias(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

// Offset returns the offset in data, in bytes, of a line and a column as a
// node has them: both from 1, the column in characters. Beyond the end of a
// line or of the data it gives that end.
func Offset(data []byte, line, column int) int {
	at := len(data) - len(trimMark(data))
	for ; line > 1 && at < len(data); line-- {
		at += lineLength(data[at:])
	}
	for ; column > 1 && at < len(data) && breakLength(data[at:]) == 0; column-- {
		_, size := utf8.DecodeRune(data[at:])
		at += size
	}
	return at
}

// position is the inverse of [Offset]. The end of the data belongs to its last
// line, whether that has a line break or not.
func position(data []byte, offset int) (line, column int) {
	at, line := len(data)-len(trimMark(data)), 1
	for {
		next := at + lineLength(data[at:])
		if next > offset || next == len(data) {
			break
		}
		at = next
		line++
	}
	return line, utf8.RuneCount(data[min(at, offset):offset]) + 1
}

// trimMark removes a byte order mark, which the parser does not count as a
// column.
func trimMark(data []byte) []byte {
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

// lineLength is the length of the first line of data with its line break.
func lineLength(data []byte) int {
	for at := 0; at < len(data); at++ {
		if n := breakLength(data[at:]); n > 0 {
			return at + n
		}
	}
	return len(data)
}

// breakLength is the length of the line break that data starts with, or 0.
// Besides LF, CRLF and CR these are NEL, LS and PS: the parser counts lines by
// YAML 1.1 (is_break in yamlprivateh.go of go.yaml.in/yaml/v3).
func breakLength(data []byte) int {
	switch {
	case len(data) == 0:
		return 0
	case data[0] == '\n':
		return 1
	case data[0] == '\r' && len(data) > 1 && data[1] == '\n':
		return 2
	case data[0] == '\r':
		return 1
	case bytes.HasPrefix(data, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(data, []byte("\u2028")), bytes.HasPrefix(data, []byte("\u2029")):
		return 3
	}
	return 0
}

// PairOf returns the index in mapping.Content of the key, a plain scalar; -1 when
// it is not there, or mapping is nil or no mapping. Aliases are not followed.
func PairOf(mapping *yaml.Node, key string) int {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Kind == yaml.ScalarNode && mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}
