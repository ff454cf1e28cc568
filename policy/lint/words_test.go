// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy/lint"
)

// TestWhatIsSaid has one rule in front of a catch-all, and all that is said of
// that rule, as "COLUMN in line 5 and below: SEVERITY ID: a part of what and hint".
func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	custom := apiserver.Resources{{Group: "example.com", Name: "widgets", Namespaced: true, Verbs: []string{"get"}, Kind: "Widget", Singular: "widget", ByDefault: true}}
	for _, tt := range []struct {
		name, rule string
		options    lint.Options
		want       []string
	}{
		{name: "nothing", rule: `resources: [{group: "", resources: [nodes/status]}]`},
		{name: "the core group by name", rule: "resources: [{group: core}]", want: []string{`5:23 warning unknown-group: "core" write "" for the core group`}},
		{name: "a group cut off", rule: "resources: [{group: rbac}]", want: []string{`5:23 warning unknown-group: "rbac" did you mean "rbac.authorization.k8s.io"?`}},
		{name: "a group without a dot", rule: "resources: [{group: widgets}]", want: []string{`5:23 warning unknown-group: as in apiVersion`}},
		{name: "a group misspelt", rule: "resources: [{group: netwroking.k8s.io}]", want: []string{`5:23 warning unknown-group: did you mean "networking.k8s.io"?`}},
		{name: "groups of others", rule: "resources: [{group: scheduling.x-k8s.io}, {group: snapshot.storage.k8s.io}]", want: []string{`5:23 info unknown-group: x-k8s`, `5:53 info unknown-group: snapshot`}},
		{name: "metrics", rule: "resources: [{group: metrics.k8s.io}, {group: custom.metrics.k8s.io}]"},
		{name: "all is known", rule: "resources: [{group: example.org}, {group: example.com, resources: [widgets, widget, widgets/status]}]", options: lint.Options{More: custom, Complete: true},
			want: []string{`5:23 warning unknown-group: "example.org"`, `5:79 info unknown-resource: write widgets in example.com`, `5:87 warning unknown-subresource: "status" of widgets`}},
		{name: "kinds, singulars, short names", rule: `resources: [{group: "", resources: [Pod, pod, po, pods.v1., persistentvolumeclaim/status]}]`, want: []string{
			"5:39 warning unknown-resource: no Pod in the core group write pods in the core group", "5:44 warning unknown-resource: no pod in", "5:49 warning unknown-resource: no po in",
			"5:53 warning unknown-resource: no pods.v1. in", "5:63 warning unknown-resource: write persistentvolumeclaims/status in the core group"}},
		{name: "the wrong group, twice", rule: `resources: [{group: "", resources: [ingresses]}, {group: apps, resources: [pods]}]`, want: []string{
			"5:39 warning unknown-resource: write ingresses in networking.k8s.io", "5:78 warning unknown-resource: no pods in apps write pods in the core group"}},
		{name: "what was meant is there", rule: `resources: [{group: "", resources: [deployments]}, {group: apps}]`, want: []string{"5:39 info unknown-resource: no deployments"}},
		{name: "subresources", rule: `resources: [{group: "", resources: [pods/logs, "*/foo", pods/resize, "pods/*", nodes/]}]`, options: lint.Options{Version: apiserver.Version{Minor: 30}}, want: []string{
			`5:39 warning unknown-subresource: "logs" of pods in the core group did you mean "log"?`, `5:50 warning unknown-subresource: "foo" of any resource`, "5:59 info other-minor: pods/resize in the core group is served from 1.32 on", `5:72 info star-takes-parent: matches pods itself`,
			`5:82 warning unknown-subresource: "" of nodes`}},
		{name: "gone", rule: "resources: [{group: extensions}, {group: policy, resources: [podsecuritypolicies]}, {group: networking.k8s.io, resources: [clustercidrs]}]", want: []string{
			`5:23 info other-minor: "extensions" is served until 1.21`, "5:64 info other-minor: until 1.24", "5:126 info other-minor: from 1.25 to 1.28"}},
		{name: "stars", rule: `resources: [{group: apps, resources: ["*/*", "*s", "d*", "d*/scale", "*/s*", "*/scale", "deployments/*", "*"]}]`, want: []string{
			`5:41 warning resource-wildcard: "*/*"`, `5:48 warning resource-wildcard: "*s"`, `5:54 warning resource-wildcard: "d*"`, `5:60 warning resource-wildcard: "d*/scale"`, `5:72 warning resource-wildcard: "*/s*"`}},
		{name: "in no namespace", rule: `namespaces: [a]\n  resources: [{group: "", resources: [nodes, namespaces, nodes/status, pods]}, {group: storage.k8s.io, resources: [storageclasses]}]`, want: []string{
			"6:39 warning namespaces-of-cluster: nodes are in no namespace", "6:58 warning namespaces-of-cluster: nodes", "6:116 warning namespaces-of-cluster: storageclasses"}},
		{name: "names", rule: `verbs: [create, update]\n  resources: [{group: "", resources: [services], resourceNames: [a]}, {group: "", resources: [services/status], resourceNames: [a]}, {group: "", resources: [nodes], resourceNames: [""]}]`, want: []string{
			"6:50 info names-of-creations: requests to create have no name", `6:182 info empty-word: requests without a name`}},
		{name: "verbs of paths", rule: `verbs: [get, list, POST, head]\n  nonResourceURLs: [/version]`, want: []string{`5:16 warning unknown-verb: "list" write get`, `5:22 warning unknown-verb: "POST" did you mean "post"?`}},
		{name: "verbs of resources", rule: `verbs: [put, exec, Deletecollection, proxy, deleted]\n  namespaces: [a]`, want: []string{
			"5:3 warning rule-matches-nothing: rule 1 matches no request", `5:11 warning unknown-verb: write update`, `5:16 warning unknown-verb: write create, get`, `5:22 warning unknown-verb: did you mean "deletecollection"?`, `5:40 warning unknown-verb: write create, get`, `5:47 warning unknown-verb: did you mean "delete"?`}},
		{name: "verbs of both", rule: `verbs: [put, watch, edit]`, want: []string{`5:23 warning unknown-verb: no request has the verb "edit" write update, patch`}},
		{name: "callers", rule: `users: ["system:masters", "system:serviceaccounts:a", "system:serviceaccount:a", "system:serviceaccounts:a:b", "default:b", "oidc:b", "sa:a:b", "system:serviceaccount:a:b"]`, want: []string{
			"5:11 warning group-as-user: no user", "5:29 warning group-as-user: no user", "5:57 warning service-account-name: NAMESPACE:NAME", "5:84 warning service-account-name: write system:serviceaccount:a:b",
			"5:114 warning service-account-name: write system:serviceaccount:default:b", "5:137 warning service-account-name: write system:serviceaccount:a:b"}},
		{name: "groups", rule: `userGroups: ["system:node:a", "system:kube-scheduler", "system:nodes", "dev"]`, want: []string{"5:16 warning user-as-group: no group", "5:33 warning user-as-group: no group"}},
		{name: "wildcards", rule: `users: ["system:serviceaccount:a:*", "system:serviceaccount:*", "a*"]\n  namespaces: ["kube-*"]`, want: []string{
			"5:11 warning literal-wildcard: write userGroups: [system:serviceaccounts:a]", "5:40 warning literal-wildcard: write userGroups: [system:serviceaccounts]", "5:67 warning literal-wildcard: \"a*\"", `6:16 warning literal-wildcard: "kube-*" in namespaces`}},
		{name: "paths", rule: `nonResourceURLs: ["/api/v1/pods", "/apis/apps/v1/deployments*", "/livez/*", "/metrics/", "/readyz*", "*"]`, want: []string{
			"5:21 warning resource-path: /api/v1/pods", "5:37 warning resource-path: /apis/apps", "5:79 info unknown-path: no path /metrics/"}},
		{name: "empty", rule: `users: []\n  resources: [{group: apps, resources: []}]`, want: []string{"5:10 warning empty-list: any request", "6:40 info empty-list: any of the group"}},
		{name: "beside its parts", rule: `resources: [{group: "", resources: [pods, "pods/*"]}]`},
		{name: "a slip twice", rule: `users: [a, a]\n  omitStages: [Panic, Panic]`, want: []string{`5:14 info duplicate-entry: "a"`, `6:23 info duplicate-entry: "Panic"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- " + strings.ReplaceAll(tt.rule, `\n`, "\n") + "\n  level: Metadata\n- level: Metadata\n"
			var got []string
			for _, f := range lint.Run("f", []byte(text), tt.options) {
				if f.Line > 6 || f.ID == "health-noise" || f.ID == "lease-noise" {
					continue
				}
				got = append(got, fmt.Sprintf("%d:%d %s %s: %s %s", f.Line, f.Column, f.Severity, f.ID, f.What, f.Hint))
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for i, want := range tt.want {
				place, part, _ := strings.Cut(want, ": ")
				if !strings.HasPrefix(got[i], place+": ") || !strings.Contains(got[i], part) && !similar(got[i], part) {
					t.Errorf("got  %s\nwant %s", got[i], want)
				}
			}
		})
	}
}

// TestPolicies has policies of more rules, and the findings in them of some IDs.
func TestPolicies(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
	for _, tt := range []struct {
		name, in string
		minor    int
		ids      string
		want     string // lines, severities and IDs
	}{
		{"a wildcard is not dead", head + "rules:\n- {level: None, verbs: [list]}\n- {level: Metadata, verbs: [\"*\", list, get]}\n", 37, "dead-entry literal-wildcard", "5 warning literal-wildcard, 5 info dead-entry"},
		{"dead in part only", head + "rules:\n- {level: None, namespaces: [a]}\n- {level: Metadata, verbs: [list, get], userGroups: [a, b]}\n", 37, "dead-entry", ""},
		{"dead of a group", head + "rules:\n- {level: None, resources: [{group: apps}]}\n- {level: Metadata, resources: [{group: batch}, {group: apps}]}\n", 37, "dead-entry", "5 info dead-entry"},
		{"nobody whose login failed", head + "omitStages: [ResponseStarted]\nrules:\n- {level: Metadata, userGroups: [a]}\n- {level: None}\n", 37, "response-started-omitted failed-logins-dropped", "6 info failed-logins-dropped"},
		{"an old version of the policy", strings.Replace(head, "/v1", "/v1beta1", 1) + "rules:\n- {level: Metadata}\n", 23, "removed-version", "1 info removed-version"},
		{"an old version and a key", strings.Replace(head, "/v1", "/v1alpha1", 1) + "rules:\n- {level: Metadata, user: [a]}\n- {level: None}\n", 24, "removed-version unknown-key unreachable-rule",
			"1 error removed-version, 4 error unknown-key, 5 warning unreachable-rule"},
		{"false is no setting", head + "rules:\n- {level: Metadata, omitManagedFields: false}\n", 22, "managed-fields-too-new", ""},
		{"managed fields of a rule", head + "omitManagedFields: true\nrules:\n- {level: Request, verbs: [patch], resources: [{group: apps}], omitManagedFields: false}\n- {level: Metadata}\n", 37, "managed-fields-kept", "5 info managed-fields-kept"},
		{"only probes of those who log in", head + "rules:\n- {level: None, userGroups: [\"system:authenticated\"], nonResourceURLs: [\"*\"]}\n- {level: Metadata}\n", 37, "health-noise", "5 info health-noise"},
		{"an entry twice", head + "rules:\n- level: Metadata\n  resources:\n  - {group: apps, resources: [a, b]}\n  - {group: apps, resources: [a]}\n  - {group: apps, resources: [a, b]}\n", 37, "duplicate-entry", "8 info duplicate-entry"},
		{"refused by kube-apiserver", head + "rules:\n- {level: Nothing, users: [a, a]}\n- {level: None}\n", 37, "invalid-value duplicate-entry records-nothing", "4 error invalid-value, 4 info duplicate-entry"},
		{"for nodes only", head + "rules:\n- {level: None, userGroups: [\"system:nodes\"]}\n- {level: Metadata}\n", 37, "secret-access-dropped exec-dropped no-catch-all", ""},
		{"nobody but some", head + "rules:\n- {level: Metadata, users: [a]}\n", 37, "secret-access-dropped no-catch-all failed-logins-dropped", "4 warning no-catch-all"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range lint.Run("f", []byte(tt.in), lint.Options{Version: apiserver.Version{Minor: tt.minor, Patch: -1}}) {
				if slices.Contains(strings.Fields(tt.ids), f.ID) {
					got = append(got, fmt.Sprint(f.Line, " ", f.Severity, " ", f.ID))
				}
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

// similar allows for a wanted text that is a part of what and a part of the hint.
func similar(got, part string) bool {
	for i := range part {
		if part[i] == ' ' && strings.Contains(got, part[:i]) && strings.Contains(got, part[i+1:]) {
			return true
		}
	}
	return false
}

// TestPlaces: whatever a finding quotes first stands at its place.
func TestPlaces(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(examples + "/*/bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`"([^"]*)"`)
	checked := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range lint.Run("f", data, lint.Options{Version: apiserver.Version{Minor: 22}}) {
			if f.Line == 0 {
				continue
			}
			rest := strings.TrimLeft(string(data[document.Offset(data, f.Line, f.Column):]), `"'`)
			word := quoted.FindStringSubmatch(f.What)
			if word == nil || word[1] == "" || f.ID == "unknown-subresource" { // which is a part of the word
				continue
			}
			checked++
			if !strings.HasPrefix(rest, word[1]) {
				t.Errorf("%s: %s: at %q", name, f.Error(), rest[:min(20, len(rest))])
			}
		}
	}
	if checked < 20 {
		t.Errorf("%d checked", checked)
	}
}
