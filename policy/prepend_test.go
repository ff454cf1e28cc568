// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
)

// front is put before everything in these tests.
var front = []policy.Block{{Comment: "why", Rules: []auditv1.PolicyRule{{Level: auditv1.LevelNone, Users: []string{"jane"}}}}}

const (
	header = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
	added  = "# why\n- level: None\n  users: [\"jane\"]\n# End of what was put in front; from here on the policy itself.\n"
)

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

func TestPrependKeepsTheText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after string }{
		"plain":         {header + "rules:\n- level: Metadata\n", header + "rules:\n" + added + "- level: Metadata\n"},
		"comments":      {header + "rules: # a\n# b\n\n    # c\n    - level: Metadata # d\n", header + "rules: # a\n" + indented(added) + "# b\n\n    # c\n    - level: Metadata # d\n"},
		"rules first":   {"rules:\n- level: Metadata\n" + header, "rules:\n" + added + "- level: Metadata\n" + header},
		"quoted key":    {header + "\"rules\":\n- level: Metadata\n", header + "\"rules\":\n" + added + "- level: Metadata\n"},
		"carriage":      {strings.ReplaceAll(header+"rules:\n- level: Metadata\n", "\n", "\r\n"), strings.ReplaceAll(header+"rules:\n"+added+"- level: Metadata\n", "\n", "\r\n")},
		"marks":         {"---\n" + header + "rules:\n- level: Metadata\n...\n", "---\n" + header + "rules:\n" + added + "- level: Metadata\n...\n"},
		"no last break": {header + "rules:\n- level: Metadata", header + "rules:\n" + added + "- level: Metadata"},
		"old version":   {strings.Replace(header, "v1", "v1beta1", 1) + "rules:\n- level: Metadata\n", header + "rules:\n" + added + "- level: Metadata\n"},
	} {
		got, err := policy.Prepend("f", []byte(c.before), front, apiserver.Version{})
		if err != nil || string(got.Bytes()) != c.after {
			t.Errorf("%s: %v: got\n%s\nwant\n%s", name, err, got.Bytes(), c.after)
		}
		if want := strings.Contains(c.before, "beta"); err == nil && (len(got.Notes) > 0) != want {
			t.Errorf("%s: notes %v", name, got.Notes)
		}
	}
}

// odd are policies whose text has to be written anew.
var odd = []string{
	`{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata", "users": ["x"]}]}`,
	header + "rules: [{level: Metadata}, {level: None}] # d\n",
	header + "omitStages: [Panic]\nrules:\n- level: Metadata\n  omitStages: [Panic]\n- level: None\n",
	header + "? rules\n: - level: Metadata\n",
}

func TestPrependToOddText(t *testing.T) {
	t.Parallel()
	for _, text := range odd {
		before, err := policy.Read("f", []byte(text), apiserver.Version{})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, complete := range []bool{false, true} {
			blocks := []policy.Block{{Comment: "why", Complete: complete, Rules: []auditv1.PolicyRule{{Level: auditv1.LevelRequest, Users: []string{"jane"}}}}}
			after, err := policy.Prepend("f", []byte(text), blocks, apiserver.Version{})
			if err != nil {
				t.Errorf("%v\n%s", err, text)
				continue
			}
			if len(after.V1.Rules) != len(before.V1.Rules)+1 || after.V1.Rules[0].Users[0] != "jane" {
				t.Errorf("%s\nbecomes\n%s", text, after.Bytes())
			}
			if complete && len(after.V1.OmitStages) > 0 {
				t.Errorf("the head still omits stages:\n%s", after.Bytes())
			}
		}
	}
}

func TestPrependSaysManagedFields(t *testing.T) {
	t.Parallel()
	yes := true
	for _, c := range []struct {
		head  string
		rule  *bool
		level auditv1.Level
		want  string
	}{
		{"", &yes, auditv1.LevelRequest, "omitManagedFields: true"},
		{"omitManagedFields: true\n", nil, auditv1.LevelRequest, "omitManagedFields: false"},
		{"omitManagedFields: true\n", &yes, auditv1.LevelRequest, ""},
		{"", nil, auditv1.LevelRequestResponse, ""},
		{"", &yes, auditv1.LevelMetadata, ""},
	} {
		blocks := []policy.Block{{Complete: true, Rules: []auditv1.PolicyRule{{Level: c.level, OmitManagedFields: c.rule}}}}
		p, err := policy.Prepend("f", []byte(header+c.head+"rules:\n- level: Metadata\n"), blocks, apiserver.Version{Minor: 30})
		if err != nil {
			t.Fatal(err)
		}
		_, rules, _ := strings.Cut(string(p.Bytes()), "rules:")
		if c.want == "" && strings.Contains(rules, "omitManagedFields") || !strings.Contains(rules, c.want) {
			t.Errorf("%+v:\n%s", c, p.Bytes())
		}
	}
}

func TestPrependRefuses(t *testing.T) {
	t.Parallel()
	_, err := policy.Prepend("f", []byte(header+"rules:\n- level: Metdata\n"), front, apiserver.Version{})
	if problems := document.ProblemsOf(err); len(problems) != 1 || problems[0].Line != 4 {
		t.Errorf("a bad policy: %v", err)
	}
	bad := []policy.Block{{Rules: []auditv1.PolicyRule{{Level: "Metdata"}}}}
	_, err = policy.Prepend("f", []byte(header+"rules:\n- level: Metadata\n"), bad, apiserver.Version{})
	if problems := document.ProblemsOf(err); len(problems) != 1 || problems[0].Line != 0 || !strings.Contains(problems[0].What, "rules[0].level") {
		t.Errorf("a bad rule: %v", err)
	}
}

// FuzzPrepend: whatever a policy looks like, the rules are in front, and its own
// follow as they were.
func FuzzPrepend(f *testing.F) {
	for _, text := range odd {
		f.Add([]byte(text), "jane", true)
	}
	f.Add([]byte(header+"omitStages: [Panic]\nrules: # a\n  # b\n  - level: Metadata\n    # c\n  - level: None\n"), "\"#: \u2028\x7f", true)
	f.Fuzz(func(t *testing.T, data []byte, name string, complete bool) {
		before, err := policy.Read("f", data, apiserver.Version{})
		if err != nil {
			return
		}
		rule := auditv1.PolicyRule{Level: auditv1.LevelMetadata, Users: []string{name}, Verbs: []string{"get"}}
		blocks := []policy.Block{{Comment: name, Rules: []auditv1.PolicyRule{rule}, Complete: complete}}
		after, err := policy.Prepend("f", data, blocks, apiserver.Version{})
		if err != nil {
			// A name that no YAML has, such as bytes that are no text.
			if p := document.ProblemsOf(err); len(p) == 0 {
				t.Fatalf("no problems in %#v", err)
			}
			return
		}
		if got := after.V1.Rules[0].Users[0]; got != name {
			t.Fatalf("user %q became %q", name, got)
		}
		if len(after.V1.Rules) != len(before.V1.Rules)+1 {
			t.Fatalf("%d rules of %d\n%s", len(after.V1.Rules), len(before.V1.Rules), after.Bytes())
		}
		for i, r := range before.V1.Rules {
			got := after.V1.Rules[i+1]
			got.OmitStages, r.OmitStages = nil, nil
			if !equality.Semantic.DeepEqual(got, r) {
				t.Fatalf("rule %d was %+v and is %+v", i, r, got)
			}
		}
	})
}
