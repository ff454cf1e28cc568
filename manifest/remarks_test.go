// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
)

// remarkCases are command lists with the text that is to be left when the audit
// flags in them are taken out and, if there is one, --audit-log-maxage=1 is put
// in.
var remarkCases = []struct{ name, before, with, without string }{
	{"first in brackets", "[ # p\n      --audit-x, # x\n      # y\n      --y ] # end", "[ # p\n       # x\n      # y\n      --y,\n      --audit-log-maxage=1 ] # end", "[ # p\n       # x\n      # y\n      --y ] # end"},
	{"between in brackets", "[\n      --p, # p\n      --audit-x, --audit-z=1, # x\n      # y\n      --y\n    ]",
		"[\n      --p, # p\n       # x\n      # y\n      --y,\n      --audit-log-maxage=1\n    ]", "[\n      --p, # p\n       # x\n      # y\n      --y\n    ]"},
	{"two lines in brackets", "[\n      --p,\n      --audit-x, # x\n      --audit-z=1,\n      --y\n    ]",
		"[\n      --p,\n       # x\n      --y,\n      --audit-log-maxage=1\n    ]", "[\n      --p,\n       # x\n      --y\n    ]"},
	{"last in brackets", "[\n      --p, # p\n      --audit-x # x\n    ]", "[\n      --p, # p\n      --audit-log-maxage=1 # x\n    ]", "[\n      --p # p\n       # x\n    ]"},
	{"last on its line", "[\n      --p, # p\n      --audit-x\n    ]", "[\n      --p, # p\n      --audit-log-maxage=1\n    ]", "[\n      --p # p\n    ]"},
	{"last before the bracket", "[\n      --p, # p\n      --audit-x ]", "[\n      --p, # p\n      --audit-log-maxage=1 ]", "[\n      --p # p\n       ]"},
	{"last two", "[\n      --p, # p\n      --audit-x, # x\n      --audit-z=2\n    ]", "[\n      --p, # p\n       # x\n      --audit-log-maxage=1\n    ]", "[\n      --p # p # x\n    ]"},
	{"commas in front", "[\n      --p # p, q\n    , --audit-x # x, y\n    , --y\n    ]", "[\n      --p # p, q\n    ,  # x, y\n     --y, --audit-log-maxage=1\n    ]", "[\n      --p # p, q\n    ,  # x, y\n     --y\n    ]"},
	{"commas in front of the last", "[\n      --p # p, q\n    , --audit-x\n    ]", "[\n      --p # p, q\n    , --audit-log-maxage=1\n    ]", "[\n      --p # p, q\n    ]"},
	{"all in brackets", "[ --audit-x, --audit-z=1 , ]", "[ --audit-log-maxage=1 , ]", "[   ]"},
	{"on lines", "\n    - --p # p\n    # x\n    - --audit-x # of x\n      # more of x\n    # y\n    - --y\n      # more of y\n    # end", "\n    - --p # p\n    # x\n      # more of x\n    # y\n    - --y\n      # more of y\n    - --audit-log-maxage=1\n    # end",
		"\n    - --p # p\n    # x\n      # more of x\n    # y\n    - --y\n      # more of y\n    # end"},
	{"the wanted value", "\n    - \"--audit_log_maxage=1\" # of it\n    - --y", "\n    - \"--audit_log_maxage=1\" # of it\n    - --y", "\n    - --y"},
	{"the same values twice", "\n    - --a\n    - /x\n    - --audit-x\n    - --b\n    - /x\n    # z\n    - --audit-z=1\n    - --y", "\n    - --a\n    - /x\n    - --b\n    - /x\n    # z\n    - --y\n    - --audit-log-maxage=1", "\n    - --a\n    - /x\n    - --b\n    - /x\n    # z\n    - --y"},
	{"two items", "\n    - --audit-log-maxage # of it\n    - \"7\" # days\n    - --y", "\n    - --audit-log-maxage=1 # days\n    - --y", "\n    - --y"},
	{"two items with a remark between", "\n    - --audit-log-maxage # of it\n    # days\n    - \"7\"\n    - --y", "\n    - --audit-log-maxage=1 # of it\n    # days\n    - --y", "\n    # days\n    - --y"},
	{"two items with a gap", "\n    - --audit-log-maxage\n\n    - \"7\"\n    - --y", "\n    - --audit-log-maxage=1\n\n    - --y", "\n\n    - --y"},
}

// Remarks stay where they are, but for those on the line of a flag that goes.
func TestRemarks(t *testing.T) {
	t.Parallel()
	const rest = "\n    command: [kube-apiserver]\n"
	for _, tt := range remarkCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := edited(t, "\n    command:\n    - kube-apiserver\n    - --v=2\n", rest+"    args: "+tt.before+"\n")
			for _, out := range []struct {
				list  string
				flags []manifest.Flag
			}{{tt.without, nil}, {tt.with, []manifest.Flag{{Name: "audit-log-maxage", Value: "1"}}}} {
				on := apply(t, []byte(before), manifest.Want{TakeOver: true, Flags: out.flags})
				_, list, _ := strings.Cut(string(on.After), rest+"    args: ")
				list, _, _ = strings.Cut(list, "\n    volumeMounts:")
				if list != out.list {
					t.Errorf("with %v it is\n%s\nand not\n%s", out.flags, list, out.list)
				}
				if off := undo(t, on.After); string(off.After) != before {
					t.Errorf("not the original bytes:\n%s", lineDiff([]byte(before), off.After))
				}
			}
		})
	}
}

// Values of every kind come through as they are, in every style.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, style := range []string{"    command: [kube-apiserver]\n", "    command: [\"kube-apiserver\"]\n", "    command:\n    - kube-apiserver\n"} {
		before := edited(t, "    command:\n    - kube-apiserver\n    - --v=2\n", style)
		for _, value := range []string{"", "-", "a b", " a ", "a: b", "a:", "a #b", "#", "'", "\"", "\\", "[x, {y}]", "*a", "&a", "%a", "\t", "\n", "x\ny\n", "ä", "日本", "\u00a0", "\u0085", "\u2028", "\ufeff", "\x7f", "\x01", "😀", "yes", "0x1", "~", strings.Repeat("long ", 100)} {
			w := manifest.Want{PolicyHash: value, Flags: []manifest.Flag{{Name: "audit-log-path", Value: value}},
				Mounts: []manifest.Mount{{Name: "n", HostPath: "/h" + value, MountPath: "/m" + value, Type: "Directory"}}}
			on := apply(t, []byte(before), w)
			if got := pod(t, on.After).takeAudit(); len(got) != 1 || got[0] != "audit-log-path="+value {
				t.Errorf("%q comes out as %q", value, got)
			}
			if off := undo(t, on.After); string(off.After) != before {
				t.Errorf("%q: not the original bytes:\n%s", value, lineDiff([]byte(before), off.After))
			}
		}
	}
}
