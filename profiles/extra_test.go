// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

// own is an administrator's policy that omits more than any profile does, and
// drops more.
const own = `# Ours.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
omitManagedFields: true
rules: # in order
  # Not these.
  - level: None
    resources: [{group: "", resources: [events]}]
  - level: Request
    verbs: [create]
    omitStages: [RequestReceived]
`

// circles are requests to which a profile is limited.
var circles = []auditv1.PolicyRule{
	{UserGroups: []string{"dev"}},
	{UserGroups: []string{"system:nodes", "system:masters"}},
	{UserGroups: []string{"system:serviceaccounts"}},
	{UserGroups: []string{"system:serviceaccounts:shop"}},
	{UserGroups: []string{"system:unauthenticated"}},
	{UserGroups: []string{"system:authenticated"}},
	{Users: []string{"jane", "system:apiserver", "system:node:n1"}},
	{Users: []string{"jane"}, UserGroups: []string{"dev"}, Namespaces: []string{"shop"}},
	{Namespaces: []string{"kube-system", "kube-node-lease"}},
	{Namespaces: []string{""}},
}

// encloses says whether a request is within a circle.
func encloses(c auditv1.PolicyRule, r request) bool {
	u := r.attrs.GetUser()
	return (len(c.Users) == 0 || u != nil && slices.Contains(c.Users, u.GetName())) &&
		(len(c.UserGroups) == 0 || u != nil && r.by(c.UserGroups...) && !slices.Contains(c.UserGroups, u.GetName())) &&
		(len(c.Namespaces) == 0 || r.attrs.IsResourceRequest() && slices.Contains(c.Namespaces, r.attrs.GetNamespace()))
}

// hashes are those of the names of all requests, which have no order.
var hashes = sync.OnceValue(func() []uint32 {
	all := make([]uint32, len(sweep()))
	for i, r := range sweep() {
		h := fnv.New32a()
		fmt.Fprint(h, r)
		all[i] = h.Sum32()
	}
	return all
})

// aFew is one in so many of the requests, others for each seed.
func aFew(seed, one int) []request {
	var some []request
	for i, r := range sweep() {
		if hashes()[i]%uint32(one) == uint32(seed%one) {
			some = append(some, r)
		}
	}
	return some
}

// TestProfileInFront: for the requests of a circle the profile decides, for all
// others the policy behind it, whichever that is.
func TestProfileInFront(t *testing.T) {
	t.Parallel()
	bases := map[string][]byte{"own": []byte(own)}
	for _, name := range []string{"recommended", "metadata", "audit2rbac", "gce"} {
		bases[name] = render(t, profile(t, name), 37)
	}
	v := apiserver.Version{Minor: 37}
	for name, base := range bases {
		for _, front := range profiles.All() {
			t.Run(name+"/"+front.Name, func(t *testing.T) {
				t.Parallel()
				behind, before := read(t, base, v), read(t, render(t, front, 37), v)
				for i, c := range circles {
					whole, err := profiles.WithExtraRules("base", base, []profiles.ExtraRule{{Profile: front.Name, PolicyRule: c}}, v)
					if err != nil {
						t.Fatal(err)
					}
					inside := 0
					for _, r := range aFew(i+len(name)*len(front.Name), 199) {
						want := behind.Evaluate(r.attrs)
						if encloses(c, r) {
							want = before.Evaluate(r.attrs)
							inside++
						}
						if got := whole.Evaluate(r.attrs); !same(got, want) {
							t.Fatalf("%+v: %s: %+v, want %+v\n%s", c, r, got, want, whole.Bytes())
						}
					}
					if inside == 0 {
						t.Errorf("%+v: no request is within", c)
					}
				}
			})
		}
	}
}

// same compares what is written: without an event there are no stages, and
// without a body no managedFields.
func same(a, b policy.Decision) bool {
	a.Rule, b.Rule = 0, 0
	if level := string(a.Level); level == none || level == metadata {
		a.OmitManagedFields, b.OmitManagedFields = false, false
		if level == none {
			a.OmitStages, b.OmitStages = nil, nil
		}
	}
	return reflect.DeepEqual(a, b)
}

func read(t *testing.T, text []byte, v apiserver.Version) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy", text, v)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// TestProfileInFrontForEveryVersion: what a version does not know does not come in
// by this way, and the base keeps its text.
func TestProfileInFrontForEveryVersion(t *testing.T) {
	t.Parallel()
	for _, minor := range minors() {
		v, base := apiserver.Version{Minor: minor}, render(t, profile(t, "metadata"), minor)
		for _, front := range profiles.All() {
			extra := []profiles.ExtraRule{{Profile: front.Name, PolicyRule: circles[0]}}
			whole, err := profiles.WithExtraRules("base", base, extra, v)
			if err != nil {
				t.Fatalf("%s: %v", v, err)
			}
			head, rest, _ := strings.Cut(string(base), "rules:\n")
			if text := string(whole.Bytes()); !strings.HasPrefix(text, head) || !strings.HasSuffix(text, rest) {
				t.Errorf("%s: the text of the base changed:\n%s", v, text)
			}
			if want := minor >= 23; strings.Contains(string(whole.Bytes()), "omitManagedFields") != want && len(bodiesOf(t, front, minor)) > 0 {
				t.Errorf("%s: %s: omitManagedFields for this version: %t", v, front.Name, want)
			}
		}
	}
}

// bodiesOf are the rules of a profile with bodies that leave out managedFields.
func bodiesOf(t *testing.T, p profiles.Profile, minor int) []auditv1.PolicyRule {
	t.Helper()
	return slices.DeleteFunc(read(t, render(t, p, minor), apiserver.Version{Minor: minor}).V1.Rules, func(r auditv1.PolicyRule) bool {
		return string(r.Level) != body && string(r.Level) != both
	})
}

func TestExtraRulesStandInOrder(t *testing.T) {
	t.Parallel()
	p, err := profiles.WithExtraRules("own", []byte(own), []profiles.ExtraRule{
		{PolicyRule: auditv1.PolicyRule{Level: auditv1.LevelNone, Users: []string{"jane"}, Verbs: []string{"watch"}}},
		{Profile: "stig", PolicyRule: auditv1.PolicyRule{UserGroups: []string{"dev", "ops"}}},
		{PolicyRule: auditv1.PolicyRule{Level: auditv1.LevelMetadata, NonResourceURLs: []string{"/metrics"}}},
	}, apiserver.Version{Minor: 37})
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Ours.
apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: true
rules: # in order
  # extraRules[0]
  - level: None
    users: ["jane"]
    verbs: ["watch"]
  # extraRules[1]: the profile stig for the groups ["dev" "ops"].
  - level: Metadata
    userGroups: ["dev", "ops"]
    resources:
      - group: ""
        resources: ["secrets", "configmaps", "serviceaccounts/token"]
      - group: "authentication.k8s.io"
        resources: ["tokenreviews"]
    omitStages: ["RequestReceived"]
  - level: RequestResponse
    userGroups: ["dev", "ops"]
    omitStages: ["RequestReceived"]
  # extraRules[2]
  - level: Metadata
    nonResourceURLs: ["/metrics"]
    omitStages: ["ResponseStarted"]
  # End of what was put in front; from here on the policy itself.
  # Not these.
  - level: None
    resources: [{group: "", resources: [events]}]
  - level: Request
    verbs: [create]
    omitStages: ["RequestReceived", "ResponseStarted"]
`
	if string(p.Bytes()) != want {
		t.Errorf("got\n%s\nwant\n%s", p.Bytes(), want)
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0].What, "ResponseStarted moves") {
		t.Errorf("notes: %v", p.Notes)
	}
}

func TestExtraRulesReportEveryProblem(t *testing.T) {
	t.Parallel()
	managed := true
	rule := func(r auditv1.PolicyRule) profiles.ExtraRule { return profiles.ExtraRule{PolicyRule: r} }
	extra := []profiles.ExtraRule{
		{},
		rule(auditv1.PolicyRule{Level: "Metdata", OmitStages: []auditv1.Stage{"Arrived"}}),
		rule(auditv1.PolicyRule{Level: "Request", OmitManagedFields: &managed, Resources: []auditv1.GroupResources{{Group: "*"}, {Group: "apps/v1"}}}),
		{Profile: "stigg", PolicyRule: circles[0]},
		{Profile: "stig"},
		{Profile: "stig", PolicyRule: auditv1.PolicyRule{Level: "None", Users: []string{"jane"}, Verbs: []string{"get"}, OmitManagedFields: &managed}},
		{Profile: "stig", PolicyRule: auditv1.PolicyRule{NonResourceURLs: []string{"/"}, OmitStages: []auditv1.Stage{"Panic"}}},
		rule(auditv1.PolicyRule{Level: "None", NonResourceURLs: []string{"/"}, Namespaces: []string{"shop"}}),
		rule(auditv1.PolicyRule{Level: "Request"}),
	}
	_, err := profiles.WithExtraRules("own", []byte("kind: Policy\nrules: []\n"), extra, apiserver.Version{Minor: 22, Patch: 1})
	var got []string
	for _, p := range document.ProblemsOf(err) {
		got = append(got, p.File+": "+p.What)
		if p.Hint == "" && !strings.Contains(p.What, "non-resource") || p.Line != 0 {
			t.Errorf("no hint, or a line: %+v", p)
		}
	}
	want := []string{
		"extraRules[0].level: neither a level nor a profile is given",
		`extraRules[1].level: "Metdata" is not known`,
		`extraRules[1].omitStages[0]: "Arrived" is not known`,
		"extraRules[2].omitManagedFields: is known from 1.23 on, and kube-apiserver v1.22.1 drops it without a word",
		`extraRules[2].resources[0].group: "*" is known from 1.36 on, and kube-apiserver v1.22.1 does not start with it`,
		`extraRules[2].resources[1].group: "apps/v1" is not the name of an API group`,
		`extraRules[3].profile: "stigg" is no profile`,
		"extraRules[4].profile: the whole profile would hide all rules after it",
		"extraRules[5].level: level and a profile are both given",
		"extraRules[5].verbs: verbs and a profile are both given",
		"extraRules[5].omitManagedFields: omitManagedFields and a profile are both given",
		"extraRules[6].nonResourceURLs: nonResourceURLs and a profile are both given",
		"extraRules[6].omitStages: omitStages and a profile are both given",
		"extraRules[6].profile: the whole profile would hide all rules after it",
		"extraRules[7].nonResourceURLs: is not valid: rules cannot apply to both regular resources and non-resource URLs",
		"extraRules[8].level: the rule is for every request, and would hide all rules after it",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// With good rules it is the policy's turn.
	_, err = profiles.WithExtraRules("own", []byte("kind: Policy\nrules: []\n"), nil, apiserver.Version{})
	if len(document.ProblemsOf(err)) != 2 {
		t.Errorf("problems of the policy: %v", err)
	}
}

func TestExtraRuleAsText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"profile":"stig","userGroups":["dev"]}`, `{"level":"None","users":["jane"],"verbs":["get"]}`,
		`{"profile":"stig","level":"None","omitStages":["Panic"]}`,
	} {
		var rule profiles.ExtraRule
		if err := yaml.UnmarshalStrict([]byte(text), &rule); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(rule); err != nil || string(got) != text {
			t.Errorf("%s becomes %s, %v", text, got, err)
		}
	}
}
