// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestFind(t *testing.T) {
	t.Parallel()
	root, err := Parse("f", []byte("rules:\n- level: None\n- users: [a, b]\n  more: &x\n    deep: c\nlike: *x\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path         string
		whole        bool
		line, column int
	}{
		{"", true, 1, 1},
		{"rules", true, 2, 1},
		{"rules[0].level", true, 2, 10},
		{"rules[1].users[1]", true, 3, 14},
		{"rules[1].level", false, 3, 3},
		{"rules[7].level", false, 2, 1},
		{"rules[-1]", false, 2, 1},
		{"rules[x]", false, 2, 1},
		{"rules[0].level.deeper", false, 2, 10},
		{"like.deep", true, 5, 11},
	} {
		node, whole := Find(root, tt.path)
		if whole != tt.whole || node.Line != tt.line || node.Column != tt.column {
			t.Errorf("Find(%q) is %d:%d, %v; want %d:%d, %v", tt.path, node.Line, node.Column, whole, tt.line, tt.column, tt.whole)
		}
	}
}

// The offset of every plain value is where its text is.
func TestOffset(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"a: b\nc:\n  - d\n  - e\n",
		"a: b\r\nc:\r\n  - d\r\n  - e",
		"\xef\xbb\xbfa: b\n# ü\nü: {ü: c, e: d}\n",
		"a: b\rc: d\u0085e: f\u2028g: h\u2029i: j\n",
		"---\n\n\na: \"ü\" # ü\nb: c\n",
	} {
		root, err := Parse("f", []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		visit(root, func(node *yaml.Node) {
			if node.Kind != yaml.ScalarNode || node.Style != 0 {
				return
			}
			offset := Offset([]byte(in), node.Line, node.Column)
			if !strings.HasPrefix(in[offset:], node.Value) {
				t.Errorf("%q: %q at %d:%d is put at %q", in, node.Value, node.Line, node.Column, in[offset:])
			}
			if line, column := position([]byte(in), offset); line != node.Line || column != node.Column {
				t.Errorf("%q: offset %d is put at %d:%d, want %d:%d", in, offset, line, column, node.Line, node.Column)
			}
		})
	}
}

func TestOffsetBeyond(t *testing.T) {
	t.Parallel()
	data := []byte("ab\ncd")
	for _, tt := range []struct{ line, column, want int }{{1, 9, 2}, {2, 1, 3}, {2, 9, 5}, {9, 9, 5}, {0, 0, 0}} {
		if got := Offset(data, tt.line, tt.column); got != tt.want {
			t.Errorf("Offset(%d, %d) is %d, want %d", tt.line, tt.column, got, tt.want)
		}
	}
}

// The end of the data belongs to the last line.
func TestPositionOfTheEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		data         string
		line, column int
	}{{"ab", 1, 3}, {"ab\n", 1, 4}, {"a\nb", 2, 2}, {"", 1, 1}} {
		if line, column := position([]byte(tt.data), len(tt.data)); line != tt.line || column != tt.column {
			t.Errorf("%q: %d:%d, want %d:%d", tt.data, line, column, tt.line, tt.column)
		}
	}
}

func TestProblemAt(t *testing.T) {
	t.Parallel()
	if got := ProblemAt("f", &yaml.Node{Line: 2, Column: 3}, "x", "y"); got != (Problem{"f", 2, 3, "x", "y"}) {
		t.Errorf("got %+v", got)
	}
	if got := ProblemAt("f", nil, "x", "y"); got != (Problem{File: "f", What: "x", Hint: "y"}) {
		t.Errorf("got %+v", got)
	}
}
