// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

// dice draws policies and requests from the same small vocabulary, so that they
// have to do with each other.
type dice struct{ *rand.Rand }

var (
	someUsers  = []string{"jane", "joe", "", "system:apiserver", "system:node:n1", "system:serviceaccount:kube-system:a", "system:serviceaccount:shop:a", "system:anonymous", "nobody"}
	someGroups = []string{"dev", "ops", "system:authenticated", "system:unauthenticated", "system:nodes", "system:serviceaccounts", "system:serviceaccounts:kube-system", "none"}
	someVerbs  = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	somePaths  = []string{"/", "/healthz", "/healthz/etcd", "/healthzfoo", "/api", "/api/v1", "/apis", "/metrics", "/version", "x"}
	someSpecs  = []string{"*", "/*", "/healthz*", "/healthz", "/healthz/*", "/api*", "/api/*", "/api", "/version", "/metrics*"}
	someAPIs   = []string{"", "apps", "batch", "rbac.authorization.k8s.io", "example.com"}
	someThings = []string{"pods", "secrets", "leases", "deployments", "widgets"}
	someSubs   = []string{"", "", "log", "status", "exec", "scale"}
	someSpaces = []string{"", "kube-system", "shop", "default"}
	someNames  = []string{"", "a", "b", "controller-leader"}
	someRules  = []string{"*", "pods", "pods/log", "pods/*", "*/log", "*/status", "secrets", "leases", "deployments/scale", "*/*", "po*", "secrets/*"}
)

func (d dice) one(words []string) string { return words[d.IntN(len(words))] }

// some is nothing at all most of the time.
func (d dice) some(words []string) []string {
	if d.IntN(3) > 0 {
		return nil
	}
	found := []string{d.one(words)}
	for d.IntN(2) == 0 {
		found = append(found, d.one(words))
	}
	return found
}

func (d dice) stages() []audit.Stage {
	var all []audit.Stage
	for _, s := range []audit.Stage{audit.StageRequestReceived, audit.StageResponseStarted, audit.StageResponseComplete, audit.StagePanic} {
		if d.IntN(6) == 0 {
			all = append(all, s)
		}
	}
	return all
}

func (d dice) rule() auditv1.PolicyRule {
	r := auditv1.PolicyRule{
		Level: auditv1.Level(d.one([]string{"None", "Metadata", "Request", "RequestResponse"})),
		Users: d.some(someUsers), UserGroups: d.some(someGroups), Verbs: d.some(append([]string{"*", "proxy", "post", "head"}, someVerbs...)),
	}
	if d.IntN(4) == 0 {
		for _, s := range d.stages() {
			r.OmitStages = append(r.OmitStages, auditv1.Stage(s))
		}
		omit := d.IntN(2) == 0
		r.OmitManagedFields = &omit
	}
	if d.IntN(4) == 0 {
		r.NonResourceURLs = append([]string{d.one(someSpecs)}, d.some(someSpecs)...)
		return r
	}
	r.Namespaces = d.some(someSpaces)
	for range d.IntN(4) {
		g := auditv1.GroupResources{Group: d.one(append([]string{"*"}, someAPIs...)), Resources: d.some(someRules)}
		if len(g.Resources) > 0 {
			g.ResourceNames = d.some(someNames)
		}
		r.Resources = append(r.Resources, g)
	}
	return r
}

func (d dice) policy(t *testing.T) *policy.Policy {
	t.Helper()
	var p auditv1.Policy
	p.APIVersion, p.Kind = "audit.k8s.io/v1", "Policy"
	p.OmitManagedFields = d.IntN(2) == 0
	for _, s := range d.stages() {
		p.OmitStages = append(p.OmitStages, auditv1.Stage(s))
	}
	for range 1 + d.IntN(8) {
		p.Rules = append(p.Rules, d.rule())
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.Read("f", text, apiserver.Version{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return read
}

func (d dice) request(words vocabulary) authorizer.Attributes {
	r := authorizer.AttributesRecord{Verb: d.one(someVerbs), ResourceRequest: d.IntN(3) > 0}
	if d.IntN(8) > 0 {
		u := &user.DefaultInfo{Name: d.one(words.users)}
		for _, g := range words.groups {
			if d.IntN(3) == 0 {
				u.Groups = append(u.Groups, g)
			}
		}
		r.User = u
	}
	if !r.ResourceRequest {
		r.Verb = d.one([]string{"get", "head", "post", "put", "patch", "delete", "options"})
		r.Path = d.one(words.paths)
		return r
	}
	r.APIGroup, r.Resource, r.Subresource = d.one(words.apis), d.one(words.things), d.one(words.subs)
	r.Namespace, r.Name = d.one(words.spaces), d.one(words.names)
	return r
}

// vocabulary is what requests are made of.
type vocabulary struct{ users, groups, paths, apis, things, subs, spaces, names []string }

var drawn = vocabulary{someUsers, someGroups, somePaths, someAPIs, someThings, someSubs, someSpaces, someNames}

// vocabularyOf is the words of policies, and some that they do not have.
func vocabularyOf(policies ...*policy.Policy) vocabulary {
	v := drawn
	for _, p := range policies {
		for _, r := range p.V1.Rules {
			v.users, v.groups = append(v.users, r.Users...), append(v.groups, r.UserGroups...)
			v.spaces = append(v.spaces, r.Namespaces...)
			for _, u := range r.NonResourceURLs {
				v.paths = append(v.paths, strings.TrimRight(u, "*"), strings.TrimRight(u, "*")+"zzz")
			}
			for _, g := range r.Resources {
				v.apis, v.names = append(v.apis, g.Group), append(v.names, g.ResourceNames...)
				for _, entry := range g.Resources {
					resource, sub, _ := strings.Cut(entry, "/")
					v.things, v.subs = append(v.things, resource), append(v.subs, sub)
				}
			}
		}
	}
	v.apis, v.things, v.subs = wordsOnly(v.apis), wordsOnly(v.things), wordsOnly(v.subs)
	return v
}

// wordsOnly leaves out the wildcard: no request has it for a name.
func wordsOnly(words []string) []string {
	var all []string
	for _, w := range words {
		if w != "*" {
			all = append(all, w)
		}
	}
	return all
}

// agrees holds what Compare found against kube-apiserver's evaluator.
func agrees(t *testing.T, differences []policy.Difference, a, b *policy.Policy, attrs authorizer.Attributes) (differ bool) {
	t.Helper()
	x, y := a.Evaluate(attrs).Effect(), b.Evaluate(attrs).Effect()
	said := 0
	for _, d := range differences {
		if !d.Covers(attrs) {
			continue
		}
		said++
		if d.A != x || d.B != y {
			t.Fatalf("%+v %+v: %v\nsays %v and %v, but it is %v and %v", attrs, attrs.GetUser(), d.Kind, d.A, d.B, x, y)
		}
	}
	if (said > 0) != (x != y) {
		t.Fatalf("%+v %+v: %v and %v, and %d differences cover it", attrs, attrs.GetUser(), x, y, said)
	}
	return x != y
}

func TestCompareDrawnPolicies(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(1, 2))}
	var differ, same, odd int
	for range 300 {
		a, b := d.policy(t), d.policy(t)
		if d.IntN(3) == 0 {
			b = d.changed(t, a)
		}
		differences := policy.Compare(a, b).Differences
		for _, x := range differences {
			if x.Unlikely {
				odd++
			}
		}
		for range 1000 {
			if agrees(t, differences, a, b, d.request(drawn)) {
				differ++
			} else {
				same++
			}
		}
	}
	if differ < 10000 || same < 10000 || odd == 0 {
		t.Errorf("%d requests differ, %d do not, %d differences are unlikely: the policies are badly drawn", differ, same, odd)
	}
}

// changed is a policy with one rule more.
func (d dice) changed(t *testing.T, p *policy.Policy) *policy.Policy {
	t.Helper()
	v1 := p.V1.DeepCopy()
	v1.Rules = append([]auditv1.PolicyRule{d.rule()}, v1.Rules...)
	text, err := json.Marshal(v1)
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.Read("f", text, apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestCompareProfiles(t *testing.T) {
	t.Parallel()
	all := map[string]*policy.Policy{}
	for _, p := range profiles.All() {
		v := apiserver.Version{Minor: apiserver.NewestMinor, Patch: -1}
		text, err := p.Policy(v)
		if err != nil {
			t.Fatal(err)
		}
		if all[p.Name], err = policy.Read(p.Name, text, v); err != nil {
			t.Fatal(err)
		}
	}
	for name, a := range all {
		for other, b := range all {
			t.Run(name+" and "+other, func(t *testing.T) {
				t.Parallel()
				differences := policy.Compare(a, b).Differences
				if name == other && len(differences) > 0 {
					t.Errorf("differs from itself: %v", differences)
				}
				d, words := dice{rand.New(rand.NewPCG(3, 4))}, vocabularyOf(a, b)
				for range 3000 {
					agrees(t, differences, a, b, d.request(words))
				}
			})
		}
	}
}

// Whatever two policies say, Compare agrees with kube-apiserver's evaluator about
// requests made of their words.
func FuzzCompare(f *testing.F) {
	for _, p := range profiles.All() {
		text, err := p.Policy(apiserver.Version{Minor: apiserver.NewestMinor, Patch: -1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, []byte(fuzzed), uint64(len(text)))
	}
	f.Add([]byte(fuzzed), []byte(strings.ReplaceAll(fuzzed, "None", "Request")), uint64(1))
	f.Fuzz(func(t *testing.T, first, second []byte, seed uint64) {
		a, err := policy.Read("a", first, apiserver.Version{})
		if err != nil {
			return
		}
		b, err := policy.Read("b", second, apiserver.Version{})
		if err != nil {
			return
		}
		differences := policy.Compare(a, b).Differences
		d, words := dice{rand.New(rand.NewPCG(seed, 0))}, vocabularyOf(a, b)
		for range 200 {
			agrees(t, differences, a, b, d.request(words))
		}
	})
}

const fuzzed = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [a, ""], userGroups: [system:nodes, b], verbs: [get, "*"]}
- {level: Metadata, omitManagedFields: true, resources: [{group: "*", resources: ["pods/*", "*/log", "*/*"], resourceNames: [x, ""]}]}
- {level: Request, namespaces: ["", ns], omitStages: [ResponseStarted, Panic, ResponseComplete]}
- {level: RequestResponse, nonResourceURLs: ["/a*", /a, "/", "/*"]}
`
