// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A choice reads itself, and not from nothing.
type choice string

func (c *choice) UnmarshalJSON(text []byte) error {
	if string(text) != `"a"` {
		return errors.New("want a")
	}
	*c = "a"
	return nil
}

// A period reads itself from text such as "5s".
type period struct{ time.Duration }

func (p *period) UnmarshalText(text []byte) error {
	var err error
	p.Duration, err = time.ParseDuration(string(text))
	return err
}

// A limit reads itself from a number, from {max: N} or from nothing.
type limit struct{ max int }

func (l *limit) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "null":
	case "7":
		l.max = 7
	case `{"max":8}`:
		l.max = 8
	default:
		return errors.New("want 7 or max 8")
	}
	return nil
}

type head struct {
	Kind string `json:"kind"`
}

type item struct {
	Names []string `json:"names,omitempty"`
	On    *bool    `json:"active,omitempty"`
}

type sample struct {
	head     `json:",inline"`
	Items    []item            `json:"items"`
	One      item              `json:"one"`
	Labels   map[string]string `json:"labels"`
	Flag     bool              `json:"flag"`
	Count    int               `json:"count"`
	Small    uint8             `json:"small"`
	Share    float64           `json:"share"`
	Wait     period            `json:"wait"`
	Limit    *limit            `json:"limit"`
	Limits   []limit           `json:"limits"`
	Choice   choice            `json:"choice"`
	Any      any               `json:"any"`
	Data     []byte            `json:"data"`
	NoTag    string
	Skipped  string `json:"-"`
	unlisted string
}

func TestDecodeStrictRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want, hint string }{
		{"unknown field", "kind: a\nitem: []\n", `f:2:1: unknown field "item"`, `did you mean "items"?`},
		{"unknown field below", "items:\n- name: []\n", `f:2:3: unknown field "name" in items[0]`, `did you mean "names"?`},
		{"other case", "Kind: a\n", `f:1:1: unknown field "Kind"`, `did you mean "kind"? upper and lower case matter`},
		{"far off", "one: {colour: 1}\n", `f:1:7: unknown field "colour" in one`, "known here: active, names"},
		{"skipped by tag", "Skipped: a\n", `f:1:1: unknown field "Skipped"`, ""},
		{"name of the tag that skips", "\"-\": a\n", `f:1:1: unknown field "-"`, ""},
		{"a hash of a password", "root:$6$salt$hash:19000:0:: a\n", `f:1:1: unknown field (a text that is no name, and not shown)`, ""},
		{"unexported", "unlisted: a\n", `f:1:1: unknown field "unlisted"`, ""},
		{"text for a list", "items:\n- names: a\n", `f:2:10: items[0].names must be a list, not text`, "write [a, b], or one - item per line"},
		{"mapping for a list", "items: {a: b}\n", `f:1:8: items must be a list, not a mapping`, ""},
		{"list for a mapping", "one: [a]\n", `f:1:6: one must be a mapping, not a list`, ""},
		{"mapping for text", "kind: {a: b}\n", `f:1:7: kind must be text, not a mapping`, ""},
		{"number for text", "kind: 1.30\n", `f:1:7: kind must be text, not the number 1.3`, `put it in quotes: "1.30"`},
		{"word for text", "labels: {a: on}\n", `f:1:13: labels.a must be text, not true`, `put it in quotes: "on"`},
		{"quoted bool", "flag: \"yes\"\n", `f:1:7: flag must be true or false, not text`, "write true or false, without quotes"},
		{"number for bool", "flag: 1\n", `f:1:7: flag must be true or false, not the number 1`, ""},
		{"bool by pointer", "one:\n  active: maybe\n", `f:2:11: one.active must be true or false, not text`, "write true or false, without quotes"},
		{"fraction", "count: 1.5\n", `f:1:8: count must be a whole number, not the number 1.5`, ""},
		{"quoted number", "count: '5'\n", `f:1:8: count must be a whole number, not text`, "remove the quotes"},
		{"negative", "small: -1\n", `f:1:8: small must be a whole number, 0 or more, not the number -1`, ""},
		{"infinite", "share: .inf\n", `f:1:8: share must be a number, not .inf`, ""},
		{"infinite anywhere", "any: [.inf]\n", `f:1:7: ".inf" has no place in JSON`, ""},
		{"own text", "wait: soon\n", `f:1:7: wait is not valid: time: invalid duration "soon"`, ""},
		{"own text, number", "wait: 5\n", `f:1:7: wait must be text, not the number 5`, `put it in quotes: "5"`},
		{"own JSON", "limit: {max: 9}\n", `f:1:8: limit is not valid: want 7 or max 8`, ""},
		{"own JSON, nothing", "choice:\n", `f:1:8: choice is not valid: want a`, ""},
		{"bytes", "data: '%'\n", `f:1:7: data must be text in base64, not text`, ""},
		{"nothing for a list", "items:\nflag: true\n", `f:1:7: items has no value`, "give it one, or remove its line"},
		{"nothing in a list", "items:\n- names:\n  -\n", `f:3:4: items[0].names[0] has no value`, ""},
		{"null for a mapping", "one: ~\n", `f:1:6: one has no value`, ""},
		{"number as key", "labels:\n  1: a\n", `f:2:3: a key must be text, and 1 is not`, `put it in quotes: "1"`},
		{"word as key", "one:\n  on: true\n", `f:2:3: a key must be text, and on is not`, `put it in quotes: "on"`},
		{"number as key anywhere", "any: {1: a}\n", `f:1:7: a key must be text, and 1 is not`, ""},
		{"list as key", "labels:\n  ? [a]\n  : b\n", `f:2:5: a key must be text`, ""},
		{"anchor", "one: &a {}\n", `f:1:6: the anchor &a is not allowed here`, "write the value out in each place"},
		{"anchor in a type that reads itself", "limit: {max: &a 9}\n", `f:1:14: the anchor &a is not allowed here`, ""},
		{"alias", "labels:\n  a: &x b\n  c: *x\n", "f:2:6: the anchor &x is not allowed here\nf:3:6: the alias *x is not allowed here", ""},
		{"merge key", "labels:\n  <<: {a: b}\n", `f:2:3: the merge key << is not allowed here`, ""},
		{"tag", "kind: !!str 1\n", `f:1:7: the tag !!str is not allowed here`, ""},
		{"tag anywhere", "any: [!x {}]\n", `f:1:7: the tag !x is not allowed here`, ""},
		{"text at the root", "hello\n", `f:1:1: the document must be a mapping, not text`, ""},
		{"list at the root", "- kind: a\n", `f:1:1: the document must be a mapping, not a list`, ""},
		{"duplicate", "flag: true\nflag: false\n", `f:2:1: key "flag" is given twice, first in line 1`, ""},
		{"the second of a duplicate is not looked at", "flag: true\nflag: maybe\n", `f:2:1: key "flag" is given twice`, ""},
		{"everything at once, in order", "kid: 1\nflag: 3\none: {x: 1}\nitems: {}\nkind: a\nkind: b\n",
			"f:1:1: unknown field \"kid\"\nf:2:7: flag must\nf:3:7: unknown field \"x\" in one\nf:4:8: items must be\nf:6:1: key \"kind\" is given twice", `did you mean "kind"?`},
		{"syntax", "a: b: c\n", `f:1: not valid YAML`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var into sample
			problems := ProblemsOf(DecodeStrict("f", []byte(tt.in), &into))
			wants := strings.Split(tt.want, "\n")
			if len(wants) != len(problems) {
				t.Fatalf("got\n%v\nwant\n%s", problems, tt.want)
			}
			for i, want := range wants {
				if got := problems[i].Error(); !strings.HasPrefix(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if tt.hint != "" && problems[0].Hint != tt.hint {
				t.Errorf("hint %q, want %q", problems[0].Hint, tt.hint)
			}
		})
	}
}

func TestDecodeStrictReads(t *testing.T) {
	t.Parallel()
	in := "kind: \"1.30\"\nitems:\n- names: [a, 'yes', -]\n  active: no\n- {}\none: {active: ~}\nlabels: {a.b/c: d}\nflag: on\n" +
		"count: 0x10\nsmall: 255\nshare: 1e3\nwait: 5s\nlimit: {max: 8}\nlimits: [~]\nchoice: a\nany: {a: [1, ~, yes]}\ndata: aGk=\nNoTag: x\n"
	got := sample{Skipped: "kept", unlisted: "kept"}
	if err := DecodeStrict("f", []byte(in), &got); err != nil {
		t.Fatal(err)
	}
	no := false
	want := sample{
		head: head{Kind: "1.30"}, Items: []item{{Names: []string{"a", "yes", "-"}, On: &no}, {}},
		Labels: map[string]string{"a.b/c": "d"}, Flag: true, Count: 16, Small: 255, Share: 1000,
		Wait: period{5 * time.Second}, Limit: &limit{8}, Limits: []limit{{}}, Choice: "a", Any: map[string]any{"a": []any{1.0, nil, true}},
		Data: []byte("hi"), NoTag: "x", Skipped: "kept", unlisted: "kept",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The sound fields are there in spite of an error, in their own places.
func TestDecodeStrictFillsWhatIsSound(t *testing.T) {
	t.Parallel()
	in := "kind: a\nKIND: b\nitems:\n- names: 1\n  active: true\n- text\n- names: [b]\nflag: maybe\nlimit: 1\nlimits: [7, 9, 7]\n" +
		"NOTAG: x\ncount: 3\ncount: 4\nshare: 1\n"
	got := sample{Flag: true}
	if err := DecodeStrict("f", []byte(in), &got); err == nil {
		t.Fatal("no error")
	}
	yes := true
	want := sample{head: head{Kind: "a"}, Items: []item{{On: &yes}, {}, {Names: []string{"b"}}}, Flag: true, Limits: []limit{{7}, {}, {7}}, Count: 3, Share: 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecoderUnknownHint(t *testing.T) {
	t.Parallel()
	d := Decoder{UnknownHint: "it would be ignored"}
	problems := ProblemsOf(d.Decode("f", []byte("flags: true\nSkipped: a\n"), &sample{}))
	if len(problems) != 2 || problems[0].Hint != `did you mean "flag"?; it would be ignored` || problems[1].Hint != "it would be ignored" {
		t.Errorf("got %#v", problems)
	}
}

func TestDecodeStrictWantsPointer(t *testing.T) {
	t.Parallel()
	for _, into := range []any{nil, sample{}, (*sample)(nil)} {
		if err := DecodeStrict("f", []byte("kind: a"), into); err == nil {
			t.Errorf("%T is accepted", into)
		}
	}
}
