// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

const header = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"

func version(t *testing.T, text string) apiserver.Version {
	t.Helper()
	v, err := apiserver.ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const ignored = "kube-apiserver would drop it"
	for _, tt := range []struct {
		name, version, in string
		want              []string // the start of each message, in order
		hint              string   // a part of the first hint
	}{
		{"empty", "1.37", "", []string{"f: is empty"}, ""},
		{"binary", "1.37", header + "\x00", []string{"f:3:1: holds binary data"}, "UTF-8"},
		{"tabs", "1.37", header + "rules:\n\t- level: None\n", []string{"f:4:1: not valid YAML: a tab"}, "spaces"},
		{"truncated", "1.37", header + "rules:\n- level: None\n  users: [\"a\", ", []string{"f:5: not valid YAML"}, ""},
		{"several documents", "1.37", header + "rules:\n- level: None\n---\n" + header, []string{"f:6:1: a second document"}, ""},
		{"not a mapping", "1.37", "- level: None\n", []string{"f:1:1: the document must be a mapping, not a list"}, ""},
		{"another kind", "1.37", "apiVersion: audit.k8s.io/v1\nkind: Pod\nspec: {}\n", []string{`f:2:7: the kind is "Pod", not Policy`}, ""},
		{"kind by case", "1.37", "apiVersion: audit.k8s.io/v1\nkind: policy\n", []string{`f:2:7: the kind is "policy"`}, `did you mean "Policy"?`},
		{"another group", "1.37", "apiVersion: kyverno.io/v1\nkind: Policy\nspec: {}\n", []string{`f:1:13: "kyverno.io/v1" is no apiVersion of`}, "audit.k8s.io/v1"},
		{"unknown version", "1.37", "apiVersion: audit.k8s.io/v2\nkind: Policy\nrules: [{}]\n",
			[]string{`f:1:13: "audit.k8s.io/v2" is no apiVersion of`, "f:3:9: rules[0].level is missing"}, ""},
		{"no head", "1.37", "rules:\n- level: None\n", []string{"f:1:1: apiVersion is missing", "f:1:1: kind is missing"}, "audit.k8s.io/v1"},
		{"no rules", "1.37", header, []string{"f:1:1: the policy has no rules"}, "- level: Metadata"},
		{"zero rules", "1.37", header + "rules: []\n", []string{"f:3:8: the policy has no rules"}, ""},
		{"rules with nothing", "1.37", header + "rules:\n", []string{"f:3:7: rules has no value", "f:3:7: the policy has no rules"}, ""},
		{"rules as a mapping", "1.37", header + "rules: {level: None}\n", []string{"f:3:8: rules must be a list, not a mapping"}, ""},
		{"a rule as text", "1.37", header + "rules:\n- None\n", []string{"f:4:3: rules[0] must be a mapping, not text"}, ""},
		{"resource for resources", "1.37", header + "rules:\n- level: None\n  resource:\n  - group: \"\"\n",
			[]string{`f:5:3: unknown field "resource" in rules[0]`}, `did you mean "resources"?; ` + ignored},
		{"verb for verbs", "1.37", header + "rules:\n- level: None\n  verb: [get]\n",
			[]string{`f:5:3: unknown field "verb" in rules[0]`}, `did you mean "verbs"?`},
		{"case of a field", "1.37", header + "rules:\n- level: None\n  nonResourceUrls: [/healthz]\n",
			[]string{`f:5:3: unknown field "nonResourceUrls" in rules[0]`}, `did you mean "nonResourceURLs"? upper and lower case matter; ` + ignored},
		{"field in the wrong place", "1.37", header + "rules:\n- level: None\n  resourceNames: [a]\n",
			[]string{`f:5:3: unknown field "resourceNames" in rules[0]`}, ignored},
		{"duplicate key", "1.37", header + "rules:\n- level: None\n  users: [a]\n  users: [b]\n",
			[]string{`f:6:3: key "users" is given twice, first in line 5`}, ""},
		{"text for a list", "1.37", header + "rules:\n- level: None\n  users: alice\n", []string{"f:5:10: rules[0].users must be a list, not text"}, "[a, b]"},
		{"list with nothing in it", "1.37", header + "rules:\n- level: None\n  users:\n  # - alice\n", []string{"f:5:9: rules[0].users has no value"}, ""},
		{"word that is a boolean", "1.37", header + "rules:\n- level: None\n  users: [on]\n", []string{"f:5:11: rules[0].users[0] must be text, not true"}, `"on"`},
		{"group with nothing", "1.37", header + "rules:\n- level: None\n  resources:\n  - group: # core\n", []string{"f:6:11: rules[0].resources[0].group has no value"}, ""},
		{"quoted boolean", "1.37", header + "omitManagedFields: \"yes\"\nrules:\n- level: None\n", []string{"f:3:20: omitManagedFields must be true or false"}, ""},
		{"anchor", "1.37", header + "rules:\n- level: None\n  users: &a [b]\n- level: None\n  users: *a\n",
			[]string{"f:5:10: the anchor &a", "f:7:10: the alias *a"}, ""},
		{"missing level", "1.37", header + "rules:\n- users: [a]\n", []string{"f:4:3: rules[0].level is missing"}, "None, Metadata, Request, RequestResponse"},
		{"missing level beside an unknown field", "1.37", header + "rules:\n- user: [a]\n",
			[]string{`f:4:3: unknown field "user"`, "f:4:3: rules[0].level is missing"}, ""},
		{"unknown level", "1.37", header + "rules:\n- level: Everything\n", []string{`f:4:10: rules[0].level "Everything" is not known`}, "known here: None, Metadata"},
		{"level by case", "1.37", header + "rules:\n- level: None\n- level: metadata\n", []string{`f:5:10: rules[1].level "metadata" is not known`}, `did you mean "Metadata"?`},
		{"wrong stage of the policy", "1.37", header + "omitStages: [RequestReceived, Received]\nrules:\n- level: None\n",
			[]string{`f:3:31: omitStages[1] "Received" is not known`}, "RequestReceived"},
		{"wrong stage of a rule", "1.37", header + "rules:\n- level: None\n  omitStages:\n  - requestReceived\n",
			[]string{`f:6:5: rules[0].omitStages[0] "requestReceived" is not known`}, `did you mean "RequestReceived"?`},
		{"version in a group", "1.37", header + "rules:\n- level: None\n  resources:\n  - group: apps\n  - group: apps/v1\n  - group: apps/v1\n",
			[]string{`f:7:12: rules[0].resources[1].group "apps/v1" is not the name`, `f:8:12: rules[0].resources[2].group "apps/v1" is not the name`}, `leave the version out: "apps"`},
		{"capitals in a group", "1.37", header + "rules:\n- level: None\n  resources: [{group: Apps}]\n",
			[]string{`f:5:23: rules[0].resources[0].group "Apps" is not the name`}, `"apps"`},
		{"names without resources", "1.37", header + "rules:\n- level: None\n  resources:\n  - {group: \"\", resources: [pods], resourceNames: [a]}\n  - {group: \"\", resourceNames: [a]}\n",
			[]string{"f:7:32: rules[0].resources[1].resourceNames is not valid: using resourceNames requires"}, ""},
		{"URLs beside resources", "1.37", header + "rules:\n- level: None\n  nonResourceURLs: [/healthz]\n  namespaces: [a]\n",
			[]string{"f:5:20: rules[0].nonResourceURLs is not valid: rules cannot apply to both"}, ""},
		{"URLs", "1.37", header + "rules:\n- level: None\n  nonResourceURLs: [/a, b*c]\n",
			[]string{"f:5:25: rules[0].nonResourceURLs[1] is not valid", "f:5:25: rules[0].nonResourceURLs[1] is not valid"}, ""},
		{"omitManagedFields too new", "1.22", header + "omitManagedFields: true\nrules:\n- level: None\n  omitManagedFields: true\n- level: None\n  omitManagedFields: false\n",
			[]string{"f:3:20: omitManagedFields is known from 1.23 on, and kube-apiserver 1.22 drops it", "f:6:22: rules[0].omitManagedFields is known"}, "remove it"},
		{"any group too new", "1.35", header + "rules:\n- level: None\n  resources: [{group: \"*\"}]\n",
			[]string{`f:5:23: rules[0].resources[0].group "*" is known from 1.36 on, and kube-apiserver 1.35 does not start`}, "remove it"},
		{"JSON", "1.37", "{\n  \"apiVersion\": \"audit.k8s.io/v1\",\n  \"kind\": \"Policy\",\n  \"rules\": [{\"level\": \"Nothing\"}]\n}\n",
			[]string{`f:4:23: rules[0].level "Nothing" is not known`}, ""},
		{"JSON with a comment", "1.37", "{\"apiVersion\": \"audit.k8s.io/v1\", \"kind\": \"Policy\",\n \"rules\": [{\"level\": \"None\"}] } # c\n", []string{"f:2:33: not valid JSON"}, ""},
		{"everything at once", "1.30", header + "rules:\n- level: metadata\n  verb: [get]\n- users: 1\n  level: None\n- level: None\n  resources: [{group: \"*\"}]\n",
			[]string{`f:4:10: rules[0].level "metadata"`, `f:5:3: unknown field "verb"`, "f:6:10: rules[1].users must be a list, not the number 1", `f:9:23: rules[2].resources[0].group "*"`}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := Read("f", []byte(tt.in), version(t, tt.version))
			problems := document.ProblemsOf(err)
			if p != nil || len(problems) != len(tt.want) {
				t.Fatalf("got %v,\n%v\nwant\n%s", p, err, strings.Join(tt.want, "\n"))
			}
			for i, want := range tt.want {
				if got := problems[i].Error(); !strings.HasPrefix(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if !strings.Contains(problems[0].Hint, tt.hint) {
				t.Errorf("hint %q, want %q in it", problems[0].Hint, tt.hint)
			}
		})
	}
}

func TestReadAccepts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, version, in string
		rules             int
	}{
		{"the least", "1.18", header + "rules:\n- level: Metadata\n", 1},
		{"CRLF", "1.37", strings.ReplaceAll(header+"rules:\n- level: None\n  users: [a]\n- level: Request\n", "\n", "\r\n"), 2},
		{"no final newline, a leading mark, comments", "1.37", "# a\n---\n" + header + "rules: # b\n- level: None # c", 1},
		{"a byte order mark", "1.37", "\xef\xbb\xbf" + header + "rules:\n- level: None\n", 1},
		{"an empty document behind", "1.37", header + "rules:\n- level: None\n---\n", 1},
		{"JSON", "1.37", "{\n\t\"kind\": \"Policy\", \"apiVersion\": \"audit.k8s.io/v1\",\n\t\"rules\": [{\"level\": \"None\"}]}", 1},
		{"metadata as kubectl writes it", "1.37", header + "metadata:\n  creationTimestamp: null\n  name: a\nrules:\n- level: None\n", 1},
		{"every field", "1.36", header + "omitStages: [Panic]\nomitManagedFields: yes\nrules:\n- level: RequestResponse\n  users: [a]\n  userGroups: [b]\n" +
			"  verbs: [get]\n  resources: [{group: '*', resources: [pods], resourceNames: [c]}]\n  namespaces: ['']\n  omitStages: [RequestReceived]\n" +
			"  omitManagedFields: false\n- level: Request\n  nonResourceURLs: ['/healthz*', '*']\n", 2},
		{"false as old versions read it", "1.22", header + "omitManagedFields: false\nrules:\n- level: None\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := Read("f", []byte(tt.in), version(t, tt.version))
			if err != nil {
				t.Fatal(err)
			}
			if string(p.Bytes()) != tt.in || len(p.V1.Rules) != tt.rules || p.Notes != nil {
				t.Errorf("bytes %q, %d rules, notes %v", p.Bytes(), len(p.V1.Rules), p.Notes)
			}
			sum := sha256.Sum256([]byte(tt.in))
			if p.SHA256() != hex.EncodeToString(sum[:]) {
				t.Errorf("sum %s", p.SHA256())
			}
		})
	}
}

// Without a version nothing is held against one.
func TestReadWithoutVersion(t *testing.T) {
	t.Parallel()
	in := header + "omitManagedFields: true\nrules:\n- level: None\n  resources: [{group: '*'}]\n"
	if _, err := Read("f", []byte(in), apiserver.Version{}); err != nil {
		t.Error(err)
	}
}

// The conversion changes the version and nothing else.
func TestReadConverts(t *testing.T) {
	t.Parallel()
	const tail = "  # c\r\nkind: Policy # d\r\nrules:\r\n- level: None # audit.k8s.io/v1beta1"
	for _, tt := range []struct{ name, old, new, from string }{
		{"plain", "apiVersion: audit.k8s.io/v1beta1", "apiVersion: audit.k8s.io/v1", "v1beta1"},
		{"double quotes", `apiVersion:   "audit.k8s.io/v1beta1"`, `apiVersion:   "audit.k8s.io/v1"`, "v1beta1"},
		{"single quotes", `"apiVersion": 'audit.k8s.io/v1alpha1'`, `"apiVersion": 'audit.k8s.io/v1'`, "v1alpha1"},
		{"on a line of its own", "# audit.k8s.io/v1beta1 ü\n\"apiVersion\":\n  audit.k8s.io/v1beta1", "# audit.k8s.io/v1beta1 ü\n\"apiVersion\":\n  audit.k8s.io/v1", "v1beta1"},
		{"byte order mark", "\xef\xbb\xbfapiVersion: audit.k8s.io/v1beta1", "\xef\xbb\xbfapiVersion: audit.k8s.io/v1", "v1beta1"},
	} {
		for _, v := range []string{"1.18", "1.23", "1.24", "1.37"} {
			t.Run(tt.name+" "+v, func(t *testing.T) {
				t.Parallel()
				in := []byte(tt.old + tail)
				kept := slices.Clone(in)
				p, err := Read("f", in, version(t, v))
				if err != nil {
					t.Fatal(err)
				}
				if string(p.Bytes()) != tt.new+tail || !slices.Equal(in, kept) {
					t.Errorf("got\n%s\nwant\n%s", p.Bytes(), tt.new+tail)
				}
				want := document.Problem{File: "f", Line: 1 + strings.Count(tt.old, "\n"),
					What: "audit.k8s.io/" + tt.from + " was removed in 1.24: converted to audit.k8s.io/v1"}
				if len(p.Notes) != 1 || p.Notes[0] != want || p.V1.APIVersion != "audit.k8s.io/v1" {
					t.Errorf("notes %+v, apiVersion %q", p.Notes, p.V1.APIVersion)
				}
			})
		}
	}
}

// Where the version is not written out, its bytes cannot be replaced.
func TestReadDoesNotConvertEscapes(t *testing.T) {
	t.Parallel()
	_, err := Read("f", []byte("apiVersion: \"audit.k8s.io/\\x76\\\n  1beta1\"\nkind: Policy\nrules:\n- level: None\n"), version(t, "1.37"))
	if problems := document.ProblemsOf(err); len(problems) != 1 || problems[0].Error() != "f:1:13: audit.k8s.io/v1beta1 was removed in 1.24" {
		t.Errorf("got %v", err)
	}
}

// What the caller does with the buffer afterwards does not reach the policy.
func TestReadKeepsItsOwnBytes(t *testing.T) {
	t.Parallel()
	const text = header + "rules:\n- level: None\n"
	in := []byte(text)
	p, err := Read("f", in, version(t, "1.37"))
	if err != nil {
		t.Fatal(err)
	}
	in[0] = 'x'
	if string(p.Bytes()) != text {
		t.Errorf("got %q", p.Bytes())
	}
}
