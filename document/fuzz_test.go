// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

func seeds(f *testing.F) {
	for _, seed := range []string{
		"kind: a\nitems:\n- names: [a, 'yes']\n  active: no\n", "a: &a [*a]\n", "{\n\t\"kind\": \"a\"\n}\n", "labels: {1: 2}\n",
		"kind: 1\nKind: 2\n---\n", "a:\n\t- b\n", "a: \"x\nb: 2\n", "? [a]\n: b\n", "\xef\xbb\xbfkind: a\r\n", "kind: >-\n  a\n  b\n",
		"wait: 5s\nlimit: 7\nany: {a: [1, ~, .inf, 2001-01-01]}\n", "count: 0b11\nshare: 1_000\nsmall: 0o7\n", "kind: -\nitems: [-]\n",
	} {
		f.Add([]byte(seed))
	}
}

// DecodeStrict never crashes; what it accepts, Kubernetes' own reader accepts
// and reads as the same, and the tree that was checked says the same too.
func FuzzDecodeStrict(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want, tree sample
		err := DecodeStrict("f", data, &got)
		if err != nil {
			if len(ProblemsOf(err)) == 0 || ProblemsOf(err)[0].File != "f" {
				t.Fatalf("no problems of the file in %#v", err)
			}
			return
		}
		if err := sigsyaml.UnmarshalStrict(data, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		root, err := Parse("f", data)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal((&walk{}).plain(root))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &tree); err != nil || !reflect.DeepEqual(tree, want) {
			t.Fatalf("the tree gives %+v, %v; want %+v", tree, err, want)
		}
	})
}

// Parse never crashes, every problem lies within the data, and the places of
// nodes lead to the bytes they were read from.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := Parse("f", data)
		lines := len(newLocator(data, "").ends) + 1
		for _, p := range ProblemsOf(err) {
			if p.Line < 0 || p.Line > lines || p.What == "" {
				t.Fatalf("%+v, in %d lines", p, lines)
			}
		}
		if err != nil {
			return
		}
		visit(root, func(node *yaml.Node) {
			line, column := position(data, Offset(data, node.Line, node.Column))
			if line > node.Line || line == node.Line && column > node.Column {
				t.Fatalf("node at %d:%d is put at %d:%d", node.Line, node.Column, line, column)
			}
		})
	})
}
