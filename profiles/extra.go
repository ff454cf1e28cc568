// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"encoding/json"
	"fmt"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
)

// ExtraRule says what to record of some requests, whatever the rest of the
// policy says: a rule as audit.k8s.io/v1 has it, or, with Profile, all rules of
// that profile for these users, groups and namespaces alone. The zero value is
// neither and a problem.
type ExtraRule struct {
	// Profile is a name from [Names]. It excludes a level and all fields of a
	// rule but users, userGroups and namespaces, of which it needs one.
	Profile string `json:"profile,omitempty"`
	auditv1.PolicyRule
}

// MarshalJSON leaves out the level of a rule that has none, which the type of
// Kubernetes would write as an empty one.
func (r ExtraRule) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Profile string        `json:"profile,omitempty"`
		Level   auditv1.Level `json:"level,omitempty"`
		auditv1.PolicyRule
	}{r.Profile, r.Level, r.PolicyRule})
}

// WithExtraRules puts rules in front of a policy, in their order, for
// kube-apiserver v; file is the name of the policy for messages. The policy may
// be a profile's or the administrator's own: [policy.Prepend] says what becomes
// of its text, and of stages that it omits but a profile in front of it does not.
// Without extra rules the result is that of [policy.Read].
//
// A rule with a profile decides for its users, groups and namespaces what the
// profile would decide, including that requests none of the profile's rules
// matches are not logged. As upstream has it, users, userGroups and namespaces all
// have to match, and with namespaces only requests for resources do: "" stands for
// the cluster-scoped ones and for lists of all namespaces.
//
// Groups that Kubernetes itself hands out are taken to be what it makes of them:
// everyone but a stranger is in system:authenticated, and who is a node, a service
// account or a stranger is in no other group. Whoever breaks that, say with a
// certificate for system:nodes and another group, is recorded by rules of the
// profile that are about neither.
//
// The error is a [document.Problems]: what is wrong with the policy, as from
// policy.Read, or else with the extra rules. Of these File is the path in which
// the value stands below "policy" in a spec, such as "extraRules[1].level".
func WithExtraRules(file string, base []byte, extra []ExtraRule, v apiserver.Version) (*policy.Policy, error) {
	var problems document.Problems
	blocks := make([]policy.Block, len(extra))
	for i, rule := range extra {
		x := &extending{path: fmt.Sprintf("extraRules[%d]", i), version: v}
		if rule.Profile != "" {
			blocks[i] = x.profile(rule)
		} else {
			blocks[i] = x.rule(rule.PolicyRule)
		}
		problems = append(problems, x.problems...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return policy.Prepend(file, base, blocks, v)
}

// extending is the making of a block out of one extra rule.
type extending struct {
	path     string
	version  apiserver.Version
	problems document.Problems
}

// at reports a problem with a field of the rule, or with the rule when there is
// no such field.
func (x *extending) at(field, what, hint string) {
	x.problems.Add(strings.TrimSuffix(x.path+"."+field, "."), what, hint)
}

// rule checks a rule by reading a policy that has no other.
func (x *extending) rule(rule auditv1.PolicyRule) policy.Block {
	block := policy.Block{Comment: x.path, Rules: []auditv1.PolicyRule{rule}}
	if rule.Level == "" {
		x.at("level", "neither a level nor a profile is given", "write level: with one of None, Metadata, Request, RequestResponse")
		return block
	}
	_, err := policy.Prepend("", []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n"), []policy.Block{block}, x.version)
	for _, p := range document.ProblemsOf(err) {
		// The text begins with the path, in a policy where the rule is the first.
		path, what, found := strings.Cut(strings.TrimPrefix(p.What, "rules[0]"), " ")
		if !found || !strings.HasPrefix(p.What, "rules[0]") {
			path, what = "", p.What
		}
		x.at(strings.TrimPrefix(path, "."), what, p.Hint)
	}
	if len(x.problems) == 0 && len(rule.Users)+len(rule.UserGroups)+len(rule.Verbs)+len(rule.Resources)+len(rule.Namespaces)+len(rule.NonResourceURLs) == 0 {
		x.at("level", "the rule is for every request, and would hide all rules after it",
			"name users, userGroups, verbs, resources, namespaces or nonResourceURLs, or take a policy of your own as policy.file")
	}
	return block
}

// profile gives the rules of a profile for some requests alone.
func (x *extending) profile(rule ExtraRule) policy.Block {
	block := policy.Block{Comment: fmt.Sprintf("%s: the profile %s for %s.", x.path, rule.Profile, whom(rule)), Complete: true}
	p, ok := Lookup(rule.Profile)
	if !ok {
		x.at("profile", fmt.Sprintf("%q is no profile", rule.Profile), "the profiles are "+strings.Join(Names(), ", "))
	}
	x.nothingElse(rule)
	if len(rule.Users)+len(rule.UserGroups)+len(rule.Namespaces) == 0 {
		x.at("profile", "the whole profile would hide all rules after it", "name users, userGroups or namespaces, or take it as policy.profile")
	}
	if len(x.problems) > 0 {
		return block
	}
	text, err := p.Policy(x.version)
	if err != nil {
		x.at("profile", err.Error(), "")
		return block
	}
	whole, err := policy.Read(p.Name, text, x.version)
	if err != nil {
		x.at("profile", err.Error(), "")
		return block
	}
	limit := limit{users: rule.Users, groups: rule.UserGroups, namespaces: rule.Namespaces}
	rules, clash := limit.policy(&whole.V1)
	if clash >= 0 {
		x.at("userGroups", fmt.Sprintf("rule %d of the profile %s is about the groups %q, and no audit rule can ask for two groups at once",
			clash+1, p.Name, whole.V1.Rules[clash].UserGroups), "name users instead")
	}
	block.Rules = rules
	return block
}

// nothingElse reports fields that only a rule of its own can have.
func (x *extending) nothingElse(rule ExtraRule) {
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"level", rule.Level != ""},
		{"verbs", len(rule.Verbs) > 0},
		{"resources", len(rule.Resources) > 0},
		{"nonResourceURLs", len(rule.NonResourceURLs) > 0},
		{"omitStages", len(rule.OmitStages) > 0},
		{"omitManagedFields", rule.OmitManagedFields != nil},
	} {
		if f.given {
			x.at(f.name, f.name+" and a profile are both given", "remove one; a profile can be limited by users, userGroups and namespaces")
		}
	}
}

// whom names the requests in a comment.
func whom(rule ExtraRule) string {
	var all []string
	for _, f := range []struct {
		what  string
		names []string
	}{{"users", rule.Users}, {"groups", rule.UserGroups}, {"namespaces", rule.Namespaces}} {
		if len(f.names) > 0 {
			all = append(all, fmt.Sprintf("the %s %+q", f.what, f.names))
		}
	}
	return strings.Join(all, " and ")
}
