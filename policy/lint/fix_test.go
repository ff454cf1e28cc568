// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/policy/lint"
)

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"

func TestFix(t *testing.T) {
	t.Parallel()
	const rule = head + "rules:\n- level: None\n"
	for _, tt := range []struct {
		name, in, want string
		done           string // IDs and lines
	}{
		{"nothing to do", rule + "  users: [a] # b\n", rule + "  users: [a] # b\n", ""},
		{"version", "apiVersion: 'audit.k8s.io/v1beta1' # c\nkind: Policy\nrules:\n- level: None\n", "apiVersion: 'audit.k8s.io/v1' # c\nkind: Policy\nrules:\n- level: None\n", "removed-version 1"},
		{"resource", rule + "  resource: # c\n  - group: \"\"\n    resource: [a]\n", rule + "  resources: # c\n  - group: \"\"\n    resources: [a]\n", "unknown-key 5, unknown-key 7"},
		{"case and quotes", rule + "  \"nonResourceUrls\": [/a]\n  Verb: [get]\n", rule + "  \"nonResourceURLs\": [/a]\n  verbs: [get]\n", "unknown-key 5, unknown-key 6"},
		{"stages of the policy", head + "omitStage: [Panic]\nrules:\n- level: None\n", head + "omitStages: [Panic]\nrules:\n- level: None\n", "unknown-key 3"},
		{"rules", head + "rule:\n- level: None\n", head + "rules:\n- level: None\n", "unknown-key 3"},
		{"a key that may mean two", rule + "  group: [a]\n", "", ""},
		{"a key that is there", rule + "  verb: [get]\n  verbs: [list]\n", "", ""},
		{"two that mean the same", rule + "  verb: [get]\n  Verbs: [list]\n", "", ""},
		{"a value of another kind", rule + "  verb: get\n", "", ""},
		{"nothing like it", rule + "  reason: because\n", "", ""},
		{"a list with dashes", rule + "  users:\n  - a\n  - b # c\n  - 'a' # d\n  - a\n  # e\n  - \"b\"\n", rule + "  users:\n  - a\n  - b # c\n  # d\n  # e\n", "duplicate-entry 8, duplicate-entry 9, duplicate-entry 11"},
		{"at the end of the file", rule + "  users:\n  - a\n  - a", rule + "  users:\n  - a\n", "duplicate-entry 7"},
		{"a list in brackets", rule + "  users: [a, b,\n    'a' , b,c] # d\n", rule + "  users: [a, b,c] # d\n", "duplicate-entry 6, duplicate-entry 6"},
		{"a comment in brackets", rule + "  users: [a, # b\n    a]\n", "", ""},
		{"stages", head + "omitStages: [Panic, Panic]\nrules:\n- level: Metadata\n  omitStages:\n  - RequestReceived\n  - RequestReceived\n",
			head + "omitStages: [Panic]\nrules:\n- level: Metadata\n  omitStages:\n  - RequestReceived\n", "duplicate-entry 3, duplicate-entry 8"},
		{"JSON", "{\"apiVersion\": \"audit.k8s.io/v1beta1\", \"kind\": \"Policy\",\n \"rules\": [{\"level\": \"None\", \"verb\": [\"get\", \"get\"]}]}",
			"{\"apiVersion\": \"audit.k8s.io/v1\", \"kind\": \"Policy\",\n \"rules\": [{\"level\": \"None\", \"verbs\": [\"get\"]}]}", "removed-version 1, unknown-key 2, duplicate-entry 2"},
		{"CRLF", strings.ReplaceAll(rule+"  user:\n  - a\n  - a # b\n", "\n", "\r\n"), strings.ReplaceAll(rule+"  users:\n  - a\n  # b\n", "\n", "\r\n"), "unknown-key 5, duplicate-entry 7"},
		{"beside what cannot be mended", rule + "  user: [a]\n  level2: x\n", rule + "  users: [a]\n  level2: x\n", "unknown-key 5"},
		{"no YAML", "a: [", "", ""},
		{"something else", "a: 1\nrules: [b]\n", "", ""},
		{"empty", "", "", ""},
		{"a byte order mark", "\xef\xbb\xbf" + rule + "  user: [ü, ü]\n", "\xef\xbb\xbf" + rule + "  users: [ü]\n", "unknown-key 5, duplicate-entry 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.in
			}
			got, done := lint.Fix("f", []byte(tt.in))
			var said []string
			for _, f := range done {
				said = append(said, fmt.Sprint(f.ID, " ", f.Line))
			}
			if string(got) != tt.want || strings.Join(said, ", ") != tt.done {
				t.Errorf("got\n%s\nwant\n%s\ndone %q", got, tt.want, said)
			}
			if again, more := lint.Fix("f", got); !bytes.Equal(again, got) || len(more) > 0 {
				t.Errorf("a second time:\n%s\n%v", again, more)
			}
			same(t, []byte(tt.in), got)
		})
	}
}

// same fails when a policy that could be read before decides otherwise now.
func same(t *testing.T, before, after []byte) {
	t.Helper()
	a, errA := policy.Read("f", before, apiserver.Version{})
	if errA != nil {
		return
	}
	b, errB := policy.Read("f", after, apiserver.Version{})
	if errB != nil {
		t.Fatal(errB)
	}
	if d := policy.Compare(a, b).Differences; len(d) > 0 {
		t.Errorf("it decides otherwise: %v", d)
	}
}

// TestFixedExamples: what --fix mends is not found again, and no other error is.
func TestFixedExamples(t *testing.T) {
	t.Parallel()
	for _, c := range lint.Checks() {
		bad, o := example(t, c.ID, "bad.yaml")
		fixed, done := lint.Fix("f", []byte(bad))
		mended := map[string]bool{}
		for _, f := range done {
			mended[f.ID] = true
		}
		if want := strings.Contains(c.Remedy, "--fix does") || c.ID == "unknown-key"; mended[c.ID] != want {
			t.Errorf("%s is mended: %t", c.ID, !want)
		}
		for _, f := range lint.Run("f", fixed, o) {
			if mended[f.ID] {
				t.Errorf("%s is found again: %s", f.ID, f.Error())
			}
		}
		same(t, []byte(bad), fixed)
	}
}

// FuzzLint: whatever the bytes, nothing crashes, findings have their places, and
// fixing is idempotent, keeps comments, and changes no decision.
func FuzzLint(f *testing.F) {
	files, err := filepath.Glob(examples + "/*/*.yaml")
	if err != nil || len(files) < 100 {
		f.Fatal(len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(37))
	}
	f.Fuzz(func(t *testing.T, data []byte, minor uint8) {
		if len(data) > 3000 {
			return
		}
		lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + bytes.Count(data, []byte("\u0085")) + bytes.Count(data, []byte("\u2028")) + bytes.Count(data, []byte("\u2029")) + 1
		for _, found := range lint.Run("f", data, lint.Options{Version: apiserver.Version{Minor: int(minor)}, Benchmarks: lint.Benchmarks()}) {
			if found.What == "" || found.Hint == "" || found.ID == "" || found.Line > lines {
				t.Fatalf("%+v", found)
			}
		}
		fixed, _ := lint.Fix("f", data)
		if again, _ := lint.Fix("f", fixed); !bytes.Equal(again, fixed) {
			t.Fatalf("fixed\n%s\nand again\n%s", fixed, again)
		}
		if !bytes.Equal(fixed, data) {
			same(t, data, fixed)
		}
	})
}
