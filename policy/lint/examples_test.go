// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy/lint"
)

var update = flag.Bool("update", false, "write docs/lint.md anew")

const examples = "../../testdata/policies/lint"

// example reads one of the two policies of a check, and what it is held against:
// that stands in its first line.
func example(t *testing.T, id, name string) (string, lint.Options) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(examples, id, name))
	if err != nil {
		t.Fatal(err)
	}
	var o lint.Options
	first, _, _ := strings.Cut(string(data), "\n")
	if v, ok := strings.CutPrefix(first, "# --kube-version "); ok {
		o.Version, err = apiserver.ParseVersion(v)
		if err != nil {
			t.Fatal(err)
		}
	}
	if b, ok := strings.CutPrefix(first, "# --benchmark "); ok {
		o.Benchmarks = []string{b}
	}
	return string(data), o
}

// TestExamples finds in each bad example just the lines marked in it, and nothing
// above info in the good ones.
func TestExamples(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir(examples)
	if err != nil || len(folders) != len(lint.Checks()) {
		t.Fatalf("%d examples for %d checks: %v", len(folders), len(lint.Checks()), err)
	}
	for _, c := range lint.Checks() {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			bad, o := example(t, c.ID, "bad.yaml")
			var want, got []int
			for i, line := range strings.Split(bad, "\n") {
				if strings.HasSuffix(line, "# found") {
					want = append(want, i+1)
				}
			}
			for _, f := range lint.Run("f", []byte(bad), o) {
				if f.ID == c.ID && !slices.Contains(got, f.Line) {
					got = append(got, f.Line)
				}
				whole(t, f)
			}
			if len(want) == 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("found in lines %d, want %d, in\n%s", got, want, bad)
			}
			good, o := example(t, c.ID, "good.yaml")
			for _, f := range lint.Run("f", []byte(good), o) {
				if f.ID == c.ID || f.Severity != lint.Info {
					t.Errorf("in the good one: %s %s [%s]", f.Severity, f.Error(), f.ID)
				}
			}
		})
	}
}

// whole fails for a finding with something missing, or in another form than
// messages have.
func whole(t *testing.T, f lint.Finding) {
	t.Helper()
	check, known := lint.Lookup(f.ID)
	if !known || f.What == "" || f.Hint == "" || f.File != "f" || !slices.Contains(lint.Severities(), f.Severity) {
		t.Errorf("incomplete: %+v of %+v", f, check)
	}
	if f.Line == 0 || strings.HasSuffix(f.What, ".") || strings.Contains(f.What, "\n") {
		t.Errorf("no place, or no message: %+v", f)
	}
}

func TestChecksAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range lint.Checks() {
		if seen[c.ID] || !regexp.MustCompile(`^[a-z0-9.-]+$`).MatchString(c.ID) {
			t.Errorf("ID %q", c.ID)
		}
		seen[c.ID] = true
		for _, text := range []string{c.Family, c.Title, c.Why, c.Remedy, c.Source} {
			if text == "" || strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "\n") {
				t.Errorf("%s: %q", c.ID, text)
			}
			if !strings.Contains(c.Text(), text) {
				t.Errorf("%s: --explain lacks %q", c.ID, text)
			}
		}
		if got, ok := lint.Lookup(c.ID); !ok || got.Title != c.Title {
			t.Errorf("Lookup(%q) gives %q, %t", c.ID, got.Title, ok)
		}
	}
	if _, ok := lint.Lookup(""); ok || len(seen) < 50 {
		t.Errorf("%d checks", len(seen))
	}
}

// TestPage holds the page of the documentation to the texts.
func TestPage(t *testing.T) {
	t.Parallel()
	const file = "../../docs/lint.md"
	want := lint.Page(func(id string) (string, string) {
		bad, _ := example(t, id, "bad.yaml")
		good, _ := example(t, id, "good.yaml")
		return bad, good
	})
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("docs/lint.md is not what the checks say (%v); write it anew: go test ./policy/lint -update", err)
	}
}
