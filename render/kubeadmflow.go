// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strings"

	"github.com/auditsetup/auditsetup/manifest"
	"go.yaml.in/yaml/v3"
)

type flagOf = manifest.Flag

// flow rewrites the ClusterConfiguration or its apiServer, which is in braces on
// one line, if anything about it changes.
func (s *splice) flow(n *yaml.Node) error {
	changes := len(s.flags) + len(s.mounts) + len(s.droppedArgs()) + len(s.droppedVolumes())
	for _, a := range s.args {
		if a.with != nil {
			changes++
		}
	}
	if changes == 0 {
		return nil
	}
	var root tree
	if err := decodeNode(s.cluster.root, &root); err != nil {
		return s.trouble()
	}
	var value any = s.expected(root)
	if n != s.cluster.root {
		value = root["apiServer"]
	}
	return s.rewrite(n, value)
}

// flowList rewrites extraArgs or extraVolumes when it is in brackets on one
// line.
func (s *splice) flowList(key string, n *yaml.Node, changes bool) error {
	if key == "extraArgs" {
		for _, a := range s.args {
			changes = changes || a.with != nil
		}
	}
	if !changes {
		return nil
	}
	var root tree
	if err := decodeNode(s.cluster.root, &root); err != nil {
		return s.trouble()
	}
	server, _ := s.expected(root)["apiServer"].(tree)
	return s.rewrite(n, server[key])
}

// rewrite puts a value as JSON, which is YAML too, in the place of a collection
// in brackets on one line.
func (s *splice) rewrite(n *yaml.Node, value any) error {
	from := s.start(n)
	line := s.data[from:s.lines[n.Line]]
	length := bracketEnd(line)
	if length == 0 || strings.Contains(string(line[:length]), "#") {
		return s.at(n, "this is written in brackets over several lines, or with a comment, and cannot be changed in place",
			`write it as "key: value" and "- item", each on a line of its own; nothing was written`)
	}
	put, err := compactJSON(value)
	if err != nil {
		return s.trouble()
	}
	s.edits = append(s.edits, edit{from, from + length, put})
	return nil
}

// bracketEnd is the length of the text in brackets that line begins with; 0 when
// it does not end there.
func bracketEnd(line []byte) int {
	depth := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			end := quotedEnd(line[i:])
			if end == 0 {
				return 0
			}
			i += end - 1
		}
	}
	return 0
}
