// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// facts is what running upstream's own code gave, release by release.
type facts struct {
	Flags  []factFlag
	Minors map[string]struct{ Flags []string }
}

type factFlag struct {
	Name, Type, Backend string
	Since, Until        string
	Defaults            []struct{ From, Value string }
	Deprecated          *struct{ Since, ReplacedBy string }
	Replaces, Unit      string
	BatchOnly           bool
	Allowed             []allowed
}

// allowed is a bare string or {value, since}.
type allowed struct{ value string }

func (a *allowed) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &a.value) == nil {
		return nil
	}
	var long struct{ Value string }
	err := json.Unmarshal(b, &long)
	a.value = long.Value
	return err
}

func readFacts(t *testing.T) facts {
	t.Helper()
	data, err := os.ReadFile("../testdata/facts/audit-flags.json")
	if err != nil {
		t.Fatal(err)
	}
	var all facts
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func minor(n int) Version { return Version{Minor: n, Patch: -1, Raw: fmt.Sprintf("1.%d", n)} }

// minorOf reads "1.20" of the facts; "" is 0.
func minorOf(t *testing.T, s string) int {
	t.Helper()
	if s == "" {
		return 0
	}
	return parsed(t, s).Minor
}

// defaultIn is the last of the fact's defaults that was in force in a minor.
func (f factFlag) defaultIn(t *testing.T, minor int) string {
	value := ""
	for _, d := range f.Defaults {
		if minorOf(t, d.From) <= minor {
			value = d.Value
		}
	}
	return value
}

// TestMinorsMatchFacts compares the table with the facts in every minor, both
// ways.
func TestMinorsMatchFacts(t *testing.T) {
	t.Parallel()
	all := readFacts(t)
	for name := range all.Minors {
		// 1.12 is among the facts to show what 1.13 changed.
		if n := minorOf(t, name); n > NewestMinor || n < OldestMinor-1 {
			t.Errorf("the facts know %s, the table ends at 1.%d", name, NewestMinor)
		}
	}
	for n := OldestMinor; n <= NewestMinor; n++ {
		v := minor(n)
		var have []string
		for _, f := range Flags() {
			if f.In(v) {
				have = append(have, f.Name)
			}
		}
		want := slices.Sorted(slices.Values(all.Minors[v.Raw].Flags))
		if !slices.Equal(have, want) {
			t.Errorf("%s: the table has\n%v\nthe facts have\n%v", v, have, want)
		}
		for _, fact := range all.Flags {
			f, ok := Lookup(fact.Name)
			if !ok {
				t.Errorf("--%s is not in the table", fact.Name)
			} else if got, want := f.Default(v), fact.defaultIn(t, n); f.In(v) && got != want {
				t.Errorf("--%s in %s: default %q, the facts say %q", f.Name, v, got, want)
			}
		}
	}
}

// TestFlagsMatchFacts compares what does not depend on the minor.
func TestFlagsMatchFacts(t *testing.T) {
	t.Parallel()
	all := readFacts(t)
	if len(all.Flags) != len(Flags()) {
		t.Errorf("%d flags in the table, %d in the facts", len(Flags()), len(all.Flags))
	}
	for _, fact := range all.Flags {
		f, _ := Lookup(fact.Name)
		since, until := minorOf(t, fact.Since), minorOf(t, fact.Until)
		if since < OldestMinor {
			since = 0
		}
		if f.Type != fact.Type || f.Backend != fact.Backend || f.Since != since || f.Until != until || f.BatchOnly != fact.BatchOnly {
			t.Errorf("the table has %+v, the facts %+v", f, fact)
		}
		if f.Replaces != fact.Replaces || fact.Unit != "" && f.Unit != fact.Unit {
			t.Errorf("--%s replaces %q and counts %q, the facts say %q and %q", f.Name, f.Replaces, f.Unit, fact.Replaces, fact.Unit)
		}
		if fact.Deprecated == nil != (f.Deprecated == 0) {
			t.Errorf("--%s deprecated in %d, the facts say %+v", f.Name, f.Deprecated, fact.Deprecated)
		} else if d := fact.Deprecated; d != nil && (minorOf(t, d.Since) != f.Deprecated || d.ReplacedBy != f.Instead) {
			t.Errorf("--%s deprecated in %d for %s, the facts say %+v", f.Name, f.Deprecated, f.Instead, d)
		}
		var values []string
		for _, a := range fact.Allowed {
			values = append(values, a.value)
		}
		if len(values) > 0 && !slices.Equal(values, f.Values(minor(37))) {
			t.Errorf("--%s takes %v, the facts say %v", f.Name, f.Values(minor(37)), values)
		}
	}
}

// TestTable holds the table to its own rules.
func TestTable(t *testing.T) {
	t.Parallel()
	types := []string{"string", "int", "int64", "float32", "bool", "duration"}
	backends := []string{"policy", "log", "webhook", "dynamic"}
	for _, f := range Flags() {
		if !slices.Contains(types, f.Type) || !slices.Contains(backends, f.Backend) || f.Doc == "" || strings.HasSuffix(f.Doc, ".") {
			t.Errorf("%+v", f)
		}
		if f.Replaces != "" {
			if old, ok := Lookup(f.Replaces); !ok || old.Instead != f.Name {
				t.Errorf("--%s replaces --%s, which says %q", f.Name, f.Replaces, old.Instead)
			}
		}
		if _, ok := Lookup(f.Instead); f.Instead != "" && !ok {
			t.Errorf("--%s points to --%s, which is no flag", f.Name, f.Instead)
		}
		for n := OldestMinor; n <= NewestMinor; n++ {
			if why := unreadable(f.Type, f.Default(minor(n))); why != "" {
				t.Errorf("--%s: default %q is %s", f.Name, f.Default(minor(n)), why)
			}
			if values := f.Values(minor(n)); values != nil && !slices.Contains(values, f.Default(minor(n))) {
				t.Errorf("--%s: default %q is not one of %v", f.Name, f.Default(minor(n)), values)
			}
		}
	}
}

// TestFlagsIsACopy: what a caller does to the answer stays with the caller.
func TestFlagsIsACopy(t *testing.T) {
	t.Parallel()
	all := Flags()
	if !slices.IsSortedFunc(all, func(a, b Flag) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
	all[0].Name = "spoiled"
	mode, _ := Lookup("--audit_log-mode")
	mode.Values(minor(37))[0] = "spoiled"
	if again, _ := Lookup("audit-log-mode"); Flags()[0].Name == "spoiled" || again.Values(minor(37))[0] == "spoiled" {
		t.Error("the table changed")
	}
	if f, ok := Lookup("audit-log-modes"); ok {
		t.Errorf("found %+v", f)
	}
}
