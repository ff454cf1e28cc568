// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	auditscheme "k8s.io/apiserver/pkg/audit"
	upstream "k8s.io/apiserver/pkg/audit/policy"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

// dice draws policies and requests from one small vocabulary, so that they have
// to do with each other.
type dice struct{ *rand.Rand }

func (d dice) one(words ...string) string { return words[d.IntN(len(words))] }

// some is nothing at all half of the time.
func (d dice) some(words ...string) []string {
	var found []string
	for d.IntN(2) == 0 {
		found = append(found, d.one(words...))
	}
	return found
}

func (d dice) rule() auditv1.PolicyRule {
	r := auditv1.PolicyRule{
		Level: auditv1.Level(d.one("None", "Metadata", "Request", "RequestResponse")),
		Users: d.some("jane", "joe", "*", "system:node:n1", "any-other"), UserGroups: d.some("dev", "system:authenticated", "system:nodes", "*"),
		Verbs: d.some("get", "create", "list", "watch", "*", "exec", "head"),
	}
	switch d.IntN(4) {
	case 0:
		r.NonResourceURLs = d.some("*", "/healthz", "/healthz/*", "/healthz*", "/api*", "/metrics")
		return r
	case 1:
		return r
	}
	r.Namespaces = d.some("", "shop", "kube-system", "kube-*")
	for range d.IntN(3) {
		g := auditv1.GroupResources{Group: d.one("", "apps", "*"), Resources: d.some("pods", "pods/exec", "pods/*", "*/exec", "*", "*/*", "secrets", "deployments", "po*")}
		if len(g.Resources) > 0 {
			g.ResourceNames = d.some("web", "db", "any-other")
		}
		r.Resources = append(r.Resources, g)
	}
	return r
}

func (d dice) request() (Request, Caller) {
	caller := NewCaller(d.one("", "jane", "joe", "system:node:n1", "system:serviceaccount:shop:web", "system:anonymous"), d.some("dev", "ops"))
	if d.IntN(8) == 0 {
		caller = Caller{Failed: true}
	}
	if d.IntN(4) == 0 {
		return Request{Verb: d.one("get", "head", "post"), Path: d.one("/healthz", "/healthz/etcd", "/healthzx", "/api", "/metrics")}, caller
	}
	r := Request{
		Verb: d.one("get", "create", "list", "watch", "deletecollection", ""), Group: d.one("", "apps", "example.com"),
		Resource: d.one("pods", "secrets", "deployments", "namespaces"), Subresource: d.one("", "", "exec", "log"),
		Namespace: d.one("", "shop", "kube-system"), Name: d.one("", "web", "db"), AnyName: d.IntN(4) == 0,
	}
	return r, caller
}

func (d dice) policy(t *testing.T) *policy.Policy {
	t.Helper()
	p := auditv1.Policy{OmitStages: []auditv1.Stage{"RequestReceived"}}
	p.APIVersion, p.Kind = "audit.k8s.io/v1", "Policy"
	for range 1 + d.IntN(6) {
		p.Rules = append(p.Rules, d.rule())
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.Read("random", text, apiserver.Version{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return read
}

// A rule is said to match when, and only when, kube-apiserver lets it decide
// where it is the only one; the one that decides is the first of them; and every
// rule that is said not to match has a condition that does not hold.
func TestReasonsAgreeWithTheEvaluator(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(7, 11))}
	matched := 0
	for range 4000 {
		p := d.policy(t)
		request, caller := d.request()
		e := Of(p, request, caller)
		attrs := request.attributes(caller, named(&p.V1))
		first := -1
		for i, rule := range e.Rules {
			alone := auditv1.Policy{Rules: []auditv1.PolicyRule{p.V1.Rules[i]}}
			alone.Rules[0].Level = auditv1.LevelMetadata
			var internal audit.Policy
			if err := auditscheme.Scheme.Convert(&alone, &internal, nil); err != nil {
				t.Fatal(err)
			}
			want := upstream.NewPolicyRuleEvaluator(&internal).EvaluatePolicyRule(attrs).Level == audit.LevelMetadata
			if rule.Matches != want {
				t.Fatalf("rule %+v is said to match: %v, upstream says %v\n%s by %s\n%+v", p.V1.Rules[i], rule.Matches, want, &request, caller, rule.Conditions)
			}
			if want && first < 0 {
				first = i
			}
			if fails := slices.ContainsFunc(rule.Conditions, func(c Condition) bool { return !c.Holds }); fails == rule.Matches {
				t.Fatalf("matches is %v with conditions %+v", rule.Matches, rule.Conditions)
			}
		}
		if first != e.Decision.Rule {
			t.Fatalf("rule %d decides, but rule %d is the first that matches", e.Decision.Rule, first)
		}
		if first >= 0 {
			matched++
		}
	}
	if matched < 1000 || matched > 3900 {
		t.Errorf("%d of 4000 requests are matched by a rule: the dice are poor", matched)
	}
}
