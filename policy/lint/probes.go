// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/policy/kinds"
)

// probe is a kind of request that checks ask about: verbs on a resource, by
// whomever, wherever.
type probe struct {
	// topic is what the checks select by.
	topic string
	// group and resource, with subresource, as in a policy; no resource is all.
	group, resource string
	verbs           []string
	cluster         bool // the resource is in no namespace
}

// verdict is what the policy makes of a part of what a probe asks about. All
// requests of it are decided by one rule.
type verdict struct {
	probe
	// rule is -1 when none matches.
	rule   int
	effect policy.Effect
	kind   kinds.Kind
	// by says which callers are in it.
	by callers
}

// callers are those among whom the part has some.
type callers struct {
	// likely are any that kube-apiserver's authenticators make, ordinary is
	// someone who is logged in and whom no rule knows, and failed one whose login
	// failed.
	likely, ordinary, failed bool
}

var (
	writes = []string{"create", "update", "patch", "delete", "deletecollection"}
	every  = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
)

// probes are all that the checks ask about.
var probes = []probe{
	{topic: "secrets", resource: "secrets", verbs: every},
	{topic: "configmaps", resource: "configmaps", verbs: every},
	{topic: "tokens", resource: "serviceaccounts/token", verbs: []string{"create"}},
	{topic: "reviews", group: "authentication.k8s.io", resource: "tokenreviews", verbs: []string{"create"}, cluster: true},
	{topic: "exec", resource: "pods/exec", verbs: []string{"create", "get"}},
	{topic: "exec", resource: "pods/attach", verbs: []string{"create", "get"}},
	{topic: "portforward", resource: "pods/portforward", verbs: []string{"create", "get"}},
	{topic: "proxy", resource: "pods/proxy", verbs: []string{"create", "get", "update", "patch", "delete"}},
	{topic: "proxy", resource: "services/proxy", verbs: []string{"create", "get", "update", "patch", "delete"}},
	{topic: "proxy", resource: "nodes/proxy", verbs: []string{"create", "get", "update", "patch", "delete"}, cluster: true},
	{topic: "rbac", group: rbacGroup, resource: "roles", verbs: writes},
	{topic: "rbac", group: rbacGroup, resource: "rolebindings", verbs: writes},
	{topic: "rbac", group: rbacGroup, resource: "clusterroles", verbs: writes, cluster: true},
	{topic: "rbac", group: rbacGroup, resource: "clusterrolebindings", verbs: writes, cluster: true},
	{topic: "pods", resource: "pods", verbs: append([]string{"list"}, writes...)},
	{topic: "deployments", group: "apps", resource: "deployments", verbs: append([]string{"list"}, writes...)},
	{topic: "leases", group: "coordination.k8s.io", resource: "leases", verbs: []string{"update"}},
	{topic: "lists", verbs: []string{"list"}},
}

const rbacGroup = "rbac.authorization.k8s.io"

// verdicts are those about some topics.
func (s *subject) verdicts(topics ...string) []verdict {
	if s.examined == nil && s.policy != nil {
		s.examined = s.examine()
	}
	return slices.DeleteFunc(slices.Clone(s.examined), func(v verdict) bool { return !slices.Contains(topics, v.topic) })
}

// examine puts the probes as the rules of a second policy beside the first one,
// and sees which rules meet.
func (s *subject) examine() []verdict {
	asked, questions := single(probes)
	var found []verdict
	space := kinds.Resources(s.v1, asked)
	likely, ordinary := space.Likely(), space.Ordinary()
	for _, p := range space.Partition() {
		if p.Rules[1] < 0 {
			continue
		}
		v := verdict{probe: questions[p.Rules[1]], rule: p.Rules[0], kind: space.Describe(p.Box)}
		if !v.possible() {
			continue
		}
		v.effect = s.policy.Evaluate(space.Example(p.Box)).Effect()
		in := func(boxes ...kinds.Box) bool {
			return slices.ContainsFunc(boxes, func(b kinds.Box) bool { _, some := space.Meet(p.Box, b); return some })
		}
		// failed logins are the first of Likely
		v.by = callers{likely: in(likely...), ordinary: in(ordinary), failed: in(likely[0])}
		if v.by.likely {
			found = append(found, v)
		}
	}
	return found
}

// single is a policy with a rule for each verb of each probe.
func single(all []probe) (*auditv1.Policy, []probe) {
	asked := &auditv1.Policy{}
	var questions []probe
	for _, q := range all {
		for _, verb := range q.verbs {
			one := q
			one.verbs = []string{verb}
			questions = append(questions, one)
			r := auditv1.PolicyRule{Level: auditv1.LevelMetadata, Verbs: one.verbs}
			r.Resources = []auditv1.GroupResources{{Group: "*"}}
			if q.resource != "" {
				r.Resources = []auditv1.GroupResources{{Group: q.group, Resources: []string{q.resource}}}
			}
			asked.Rules = append(asked.Rules, r)
		}
	}
	return asked, questions
}

// possible says whether a client sends such requests: about an object that has
// a name, and is in a namespace if its kind is.
func (v verdict) possible() bool {
	// no namespace is called with a star in it, and no object but those of RBAC
	real := func(w string) bool { return w != "" && (v.group == rbacGroup || !strings.Contains(w, "*")) }
	onlyEmpty := func(s kinds.Set) bool { return !s.Except && !slices.ContainsFunc(s.Words, real) }
	if v.resource == "" {
		return true
	}
	verb, sub := v.verbs[0], strings.Contains(v.resource, "/")
	across := verb == "list" || verb == "watch" || verb == "deletecollection"
	unnamed := across || verb == "create" && !sub
	switch {
	case !unnamed && onlyEmpty(v.kind.Names), verb == "create" && !sub && !v.kind.Names.Has(""):
		return false
	case v.cluster:
		return v.kind.Namespaces.Has("")
	case verb == "list" || verb == "watch":
		return v.kind.Namespaces.Has("") || !onlyEmpty(v.kind.Namespaces)
	}
	return !onlyEmpty(v.kind.Namespaces)
}

// said is the requests in few words.
func (v verdict) said() string { return v.kind.Short(4) }

// firstByRule are verdicts for which something holds, one for each rule that
// decides, in the order of the rules; that of no rule, -1, first.
func firstByRule(all []verdict, holds func(verdict) bool) []verdict {
	var found []verdict
	for _, v := range all {
		if holds(v) && !slices.ContainsFunc(found, func(o verdict) bool { return o.rule == v.rule }) {
			found = append(found, v)
		}
	}
	slices.SortStableFunc(found, func(a, b verdict) int { return a.rule - b.rule })
	return found
}

// decidedAt is a finding at the rule that decides: its level, or the list of
// rules when there is none.
func (s *subject) decidedAt(v verdict, what string) Finding {
	if v.rule < 0 {
		return s.atKey("", "rules", what)
	}
	return s.at(rulePath(v.rule)+".level", what, "")
}
