// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// write makes the edits. Whatever is odd about the text shows in the proof, so
// that no care is taken here of what nobody writes.
func (s *splice) write(server, args, volumes *yaml.Node) error {
	root := s.cluster.root
	switch {
	case root == nil:
		if len(s.k.Flags)+len(s.k.Mounts) > 0 {
			s.below(s.count(), append([]string{"---", "apiVersion: " + kubeadmGroup + s.api, "kind: ClusterConfiguration", "apiServer:"}, s.k.section(s.api, 2)...))
		}
		return nil
	case isFlow(root):
		return s.flow(root)
	case server == nil:
		if len(s.flags)+len(s.mounts) > 0 {
			pad := s.indent(root)
			s.below(s.trimmed(s.cluster.first, s.cluster.end), append([]string{pad + "apiServer:"}, s.k.section(s.api, len(pad)+2)...))
		}
		return nil
	case isEmpty(server):
		if len(s.flags)+len(s.mounts) > 0 {
			s.fill(root, "apiServer", s.k.section(s.api, len(s.indent(root))+2))
		}
		return nil
	case isFlow(server):
		return s.flow(server)
	}
	return s.lists(server, args, volumes)
}

// lists changes extraArgs and extraVolumes of an apiServer in block style.
func (s *splice) lists(server, args, volumes *yaml.Node) error {
	pad := s.indent(server)
	argText := argLines(s.flags, s.api, pad+"  ", pad)
	volumeText := volumeLines(s.mounts, pad)
	var gone int
	var missing []string
	for _, l := range []struct {
		key   string
		value *yaml.Node
		drops []*yaml.Node
		lines func(pad string) []string
		fresh []string
	}{
		{"extraArgs", args, s.droppedArgs(), func(at string) []string { return argLines(s.flags, s.api, at, at) }, argText},
		{"extraVolumes", volumes, s.droppedVolumes(), func(at string) []string { return volumeLines(s.mounts, at) }, volumeText},
	} {
		switch {
		case l.value == nil:
			if len(l.fresh) > 0 {
				missing = append(append(missing, pad+l.key+":"), l.fresh...)
			}
		case isEmpty(l.value):
			if len(l.fresh) > 0 {
				s.fill(server, l.key, l.fresh)
			}
		case len(l.fresh) == 0 && len(l.drops)*step(l.value) == len(l.value.Content):
			s.cutKey(server, l.key)
			gone++
		case isFlow(l.value):
			if err := s.flowList(l.key, l.value, len(l.drops)+len(l.fresh) > 0); err != nil {
				return err
			}
		default:
			s.list(l.value, l.drops, l.lines(s.indent(l.value)))
		}
	}
	if gone > 0 && 2*gone == len(server.Content) && len(missing) == 0 {
		s.edits = nil
		s.cutKey(s.cluster.root, "apiServer")
		s.below(s.keyOf(s.cluster.root, "apiServer").Line-1, []string{s.indent(s.cluster.root) + "apiServer: {}"})
		return nil
	}
	if len(missing) > 0 {
		s.below(s.extent(s.cluster.root, "apiServer"), missing)
	}
	if args != nil && !isFlow(args) && !isEmpty(args) {
		return s.replace()
	}
	return nil
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// isEmpty tells whether a value is nothing, {} or [].
func isEmpty(n *yaml.Node) bool {
	return isNull(n) || n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode && len(n.Content) == 0
}

// step is the number of nodes of an entry.
func step(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return 2
	}
	return 1
}

func (s *splice) droppedArgs() (heads []*yaml.Node) {
	for _, a := range s.args {
		if a.drop {
			heads = append(heads, a.head)
		}
	}
	return heads
}

func (s *splice) droppedVolumes() (heads []*yaml.Node) {
	for _, v := range s.volumes {
		if v.drop {
			heads = append(heads, v.head)
		}
	}
	return heads
}

// list drops entries of a mapping or list in block style and adds lines behind
// the last one.
func (s *splice) list(n *yaml.Node, drops []*yaml.Node, lines []string) {
	column := len(s.indent(n))
	for _, head := range drops {
		first := s.firstLine(n, head)
		s.cut(first, s.reach(first, column, false))
	}
	if len(lines) > 0 {
		last := n.Content[len(n.Content)-step(n)]
		s.below(s.reach(s.firstLine(n, last), column, false), lines)
	}
}

// firstLine is the line, from 0, on which an entry begins: that of its dash in a
// list.
func (s *splice) firstLine(n, head *yaml.Node) int {
	line, column := head.Line-1, len(s.indent(n))
	for n.Kind == yaml.SequenceNode && line > n.Line-1 && !strings.HasPrefix(cutIndent(s.line(line), column), "-") {
		line--
	}
	return line
}

// cutIndent is a line behind so many blanks; "" when it has fewer.
func cutIndent(line string, column int) string {
	if len(line) < column || strings.TrimLeft(line[:column], " ") != "" {
		return ""
	}
	return line[column:]
}

// indent is the blanks before the first entry of a collection in block style.
func (s *splice) indent(n *yaml.Node) string { return strings.Repeat(" ", n.Column-1) }

// reach is the line behind an entry that begins at the line first, in a
// collection whose entries are at the column. The value of a key may be a list
// with its dashes right below the key.
func (s *splice) reach(first, column int, dashes bool) int {
	end := first + 1
	for end < s.cluster.end {
		line := s.line(end)
		bare := strings.TrimLeft(line, " ")
		depth := len(line) - len(bare)
		if bare != "" && depth <= column && (!dashes || depth != column || !strings.HasPrefix(bare+" ", "- ")) && bare[0] != '#' {
			break
		}
		end++
	}
	return s.trimmed(first, end)
}

// trimmed is end without the remarks and blank lines right before it.
func (s *splice) trimmed(first, end int) int {
	for end > first+1 && isRemark(s.line(end-1)) {
		end--
	}
	return end
}

func (s *splice) keyOf(mapping *yaml.Node, key string) *yaml.Node {
	return mapping.Content[document.PairOf(mapping, key)]
}

// extent is the line behind a key of a mapping in block style and its value.
func (s *splice) extent(mapping *yaml.Node, key string) int {
	return s.reach(s.keyOf(mapping, key).Line-1, len(s.indent(mapping)), true)
}

// cutKey takes out a key with its value.
func (s *splice) cutKey(mapping *yaml.Node, key string) {
	s.cut(s.keyOf(mapping, key).Line-1, s.extent(mapping, key))
}

// cut takes out lines.
func (s *splice) cut(first, end int) {
	s.edits = append(s.edits, edit{s.lines[first], s.lines[end], ""})
}

// below adds lines in front of the line with that number.
func (s *splice) below(line int, lines []string) {
	s.edits = append(s.edits, edit{s.lines[line], s.lines[line], strings.Join(lines, s.eol) + s.eol})
}

// fill puts lines below a key with nothing, {} or [] for a value.
func (s *splice) fill(mapping *yaml.Node, key string, lines []string) {
	value := valueOf(mapping, key)
	if from := s.start(value); value.Value != "" || value.Kind != yaml.ScalarNode {
		to := from + len(value.Value)
		if value.Kind != yaml.ScalarNode {
			to = from + 1 + bytes.IndexAny(s.data[from:], "]}")
		}
		for from > 0 && s.data[from-1] == ' ' {
			from--
		}
		s.edits = append(s.edits, edit{from, to, ""})
	}
	s.below(s.keyOf(mapping, key).Line, lines)
}

// replace writes the new values of arguments.
func (s *splice) replace() error {
	for _, a := range s.args {
		if a.with == nil {
			continue
		}
		if a.value == nil {
			if isFlow(a.head) {
				return s.trouble()
			}
			s.below(a.head.Line, []string{s.indent(a.head) + "value: " + text(*a.with)})
			continue
		}
		from, to, ok := s.span(a.value)
		if !ok {
			return s.at(a.value, a.name+" is written in a way that cannot be changed in place", "write its value on one line, behind its name; nothing was written")
		}
		put := text(*a.with)
		if from == to {
			put = " " + put
		}
		s.edits = append(s.edits, edit{from, to, put})
	}
	return nil
}

// span is the place of a scalar that stands on one line.
func (s *splice) span(n *yaml.Node) (from, to int, ok bool) {
	from = s.start(n)
	rest := s.data[from:s.lines[n.Line]]
	switch {
	case n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&(yaml.TaggedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0, 0, false
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		end := quotedEnd(rest)
		return from, from + end, end > 0
	}
	return from, from + len(n.Value), bytes.HasPrefix(rest, []byte(n.Value))
}

// quotedEnd is the length of the quoted text that rest begins with; 0 when it
// does not end there.
func quotedEnd(rest []byte) int {
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && rest[0] == '"':
			i++
		case rest[i] == rest[0] && rest[0] == '\'' && i+1 < len(rest) && rest[i+1] == '\'':
			i++
		case rest[i] == rest[0]:
			return i + 1
		}
	}
	return 0
}
