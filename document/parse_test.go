// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"errors"
	"strings"
	"testing"
)

// What Parse reports, and where. Only the start of each line is given: the
// wording of a syntax error is the parser's.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "f: is empty"},
		{"blank", " \r\n\t\n", "f: is empty"},
		{"comments only", "# a\n# b\n", "f: is empty: there is nothing but comments"},
		{"marks only", "---\n", "f: is empty: there is nothing but comments"},
		{"null", "null\n---\n", "f: is empty: there is nothing but comments"},
		{"too large", "a: " + strings.Repeat("b", MaxSize), "f: is 10 MiB large"},
		{"too many values", strings.Repeat("- \n", maxMarks), "f: has some 400000 lines and values"},
		{"NUL byte", "a: 1\nb: \x00\n", "f:2:4: holds binary data"},
		{"UTF-16", "a\x00:\x00 \x001\x00", "f:1:2: holds binary data"},
		{"not UTF-8", "ä: \xff\n", "f:1:4: holds binary data"},
		{"not UTF-8 on line 2", "\xef\xbb\xbfa: 1\r\nb: \xe4\n", "f:2:4: holds binary data"},
		{"control character", "a: 1\nb: \x01\n", "f:2: not valid YAML: control characters"},
		{"tab", "a:\n\t- b\n", "f:2:1: not valid YAML: a tab in the indentation"},
		{"tab after spaces", "a:\n  b: 1\n \tc: 2\n", "f:3:2: not valid YAML: a tab in the indentation"},
		{"tab goes on in plain text", "a: b\n\tc: 2\n", "f:2:1: not valid YAML: a tab in the indentation"},
		{"unclosed quote on line 1", "a: \"x\nb: 2\nc: 3\n", "f:1: not valid YAML: found unexpected end of stream"},
		{"unclosed quote", "x: 1\ny: 2\na: \"x\nb: 2\nc: 3\n", "f:3: not valid YAML: found unexpected end of stream"},
		{"unclosed quote far up", "x: 1\na: '\n" + strings.Repeat("b: 2\n", 300), "f:2: not valid YAML: found unexpected end"},
		{"unclosed bracket", "x: 1\na: [x, y\nb: 2\nc: 3\n", "f:2: not valid YAML: did not find expected ',' or ']'"},
		{"truncated", "x: 1\na: [x, y", "f:2: not valid YAML: did not find expected ',' or ']'"},
		{"indented too little", "x: 1\na:\n  - b\n c: 3\nd: 4\n", "f:4: not valid YAML: did not find expected key"},
		{"no colon", "x: 1\nfoo\n\n\n# c\nbar: 2\nbaz: 3\n", "f:2: not valid YAML: could not find expected ':'"},
		{"two colons", "x: 1\na: b: c\n", "f:2: not valid YAML: mapping values are not allowed"},
		{"CRLF keeps the count", "x: 1\r\ny: 2\r\na: b: c\r\n", "f:3: not valid YAML: mapping values are not allowed"},
		{"reserved character", "a: 1\nb: `y`\n", "f:2: not valid YAML: found character that cannot start any token"},
		{"unknown anchor", "a: 1\nb: *x\n", "f:2: not valid YAML: unknown anchor"},
		{"too deep", strings.Repeat("[", 20000), "f:1: not valid YAML: exceeded max depth"},
		{"two documents", "a: 1\n---\nb: 2\n", "f:3:1: a second document starts here"},
		{"two documents, one empty between", "a: 1\n---\n---\nb: 2\n", "f:4:1: a second document starts here"},
		{"first document empty", "---\n---\na: 1\n", "f:3:1: the first document is empty"},
		{"syntax in the second document", "a: 1\n---\nb: \"\n", "f:3: not valid YAML: found unexpected end of stream"},
		{"duplicate key", "a: 1\nb: 2\na: 3\n", `f:3:1: key "a" is given twice, first in line 1`},
		{"duplicate keys below", "a:\n- b: {c: 1, d: 2, c: 3}\n  b: 4\n",
			`f:2:19: key "c" is given twice, first in line 2` + "\n" + `f:3:3: key "b" is given twice, first in line 2`},
		{"the same key in JSON", "1: a\n\"1\": b\nyes: c\n\"true\": d\n",
			`f:2:1: key "1" is given twice, first in line 1` + "\n" + `f:4:1: key "true" is given twice, first in line 3`},
		{"a list as key", "? [a]\n: b\n", "f:1:3: a key must be text"},
		{"nothing as key", "~: a\n", "f:1:1: a key must be text"},
		{"JSON with a comma too many", "{\n  \"a\": 1,\n}\n", "f:3:1: not valid JSON: invalid character '}'"},
		{"JSON with a comment", "{\"a\": 1}\n# b\n", "f:2:1: not valid JSON: invalid character '#'"},
		{"YAML in braces", "{a: b}", "f:1:2: not valid JSON: invalid character 'a'"},
		{"JSON duplicate", "{\"a\": 1,\n \"a\": 2}", `f:2:2: key "a" is given twice, first in line 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("f", []byte(tt.in))
			if err == nil {
				t.Fatalf("Parse accepts it, want %q", tt.want)
			}
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("the error is a %T, want Problems", err)
			}
			wants := strings.Split(tt.want, "\n")
			if len(wants) != len(problems) {
				t.Fatalf("got\n%v\nwant\n%s", err, tt.want)
			}
			for i, want := range wants {
				if got := problems[i].Error(); !strings.HasPrefix(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in string }{
		{"a leading mark", "---\na: 1\n"},
		{"an empty document at the end", "a: 1\n---\n"},
		{"several empty documents at the end", "a: 1\n---\n---\n# c\n"},
		{"an end mark", "a: 1\n...\n"},
		{"CRLF", "a:\r\n- b\r\n"},
		{"a byte order mark", "\xef\xbb\xbfa: 1\n"},
		{"no final newline", "a: 1"},
		{"JSON indented with tabs", "{\n\t\"a\": [\n\t\t1\n\t]\n}\n"},
		{"anchors and merge keys", "a: &a {b: 1}\nc:\n  <<: *a\n  b: 2\n"},
		{"an alias inside its own anchor", "a: &a [*a]\n"},
		{"a quoted key like a word", "\"yes\": 1\n\"no\": 2\n"},
		{"a list at the root", "- a\n- b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root, err := Parse("f", []byte(tt.in))
			if err != nil || root == nil {
				t.Errorf("Parse gives %v, %v", root, err)
			}
		})
	}
}

// A tree comes along when duplicate keys are all that is wrong.
func TestParseGivesTreeWithDuplicates(t *testing.T) {
	t.Parallel()
	root, err := Parse("f", []byte("a: 1\na: 2\n"))
	if err == nil || root == nil || len(root.Content) != 4 {
		t.Errorf("got %v, %v; want the tree and an error", root, err)
	}
}

// Aliases are not expanded: nine to the power of twenty values would not fit.
func TestParseLeavesAliasesAlone(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c <= 'u'; c++ {
		bomb.WriteString(string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "]\n")
	}
	if _, err := Parse("f", []byte(bomb.String())); err != nil {
		t.Error(err)
	}
	var into map[string]any
	if err := DecodeStrict("f", []byte(bomb.String()), &into); err == nil {
		t.Error("DecodeStrict accepts aliases")
	}
}
