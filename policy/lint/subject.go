// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	auditscheme "k8s.io/apiserver/pkg/audit"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/policy/kinds"
)

// subject is a policy under examination.
type subject struct {
	version apiserver.Version
	options Options
	// root is nil when the bytes are no YAML at all.
	root *yaml.Node
	// problems are what the strict reader says.
	problems document.Problems
	// v1 is the policy as kube-apiserver reads it, and never nil; empty when it
	// cannot be decoded.
	v1 *auditv1.Policy
	// policy is v1 for the evaluator; nil when kube-apiserver refuses it.
	policy *policy.Policy
	// served is what the version serves, with what the options add; ever is what
	// any version does.
	served, ever apiserver.Resources

	// examined and parted are made when first asked for.
	examined []verdict
	parted   []parted
}

func newSubject(file string, data []byte, o Options) *subject {
	s := &subject{version: o.Version, options: o, v1: &auditv1.Policy{}}
	if s.version.Minor == 0 {
		s.version = apiserver.Version{Minor: apiserver.NewestMinor, Patch: -1}
	}
	s.served, s.ever = s.version.Resources().With(o.More), apiserver.EveryResource()
	root, err := document.Parse(file, data)
	s.root = root
	strict, strictErr := policy.Read(file, data, apiserver.Version{})
	if s.problems = document.ProblemsOf(strictErr); root == nil {
		s.problems = document.ProblemsOf(err)
		return s
	}
	if strictErr == nil {
		s.policy, s.v1 = strict, &strict.V1
		return s
	}
	s.lenient(file, data)
	return s
}

// lenient reads the policy the way kube-apiserver does when it does not succeed
// strictly (LoadPolicyFromBytes in pkg/audit/policy/reader.go of
// k8s.io/apiserver v0.37.1): what it does not know it drops.
func (s *subject) lenient(file string, data []byte) {
	if node, given := document.Find(s.root, "apiVersion"); given {
		if e, ok := versionEdit(data, node); ok {
			data = splice(data, []edit{e})
		}
	}
	var v1 auditv1.Policy
	if _, _, err := auditscheme.Codecs.UniversalDeserializer().Decode(data, nil, &v1); err != nil {
		return
	}
	s.v1 = &v1
	text, err := json.Marshal(&v1)
	if err != nil {
		return
	}
	// what is still refused is in problems already
	if read, err := policy.Read(file, text, apiserver.Version{}); err == nil {
		s.policy, s.v1 = read, &read.V1
	}
}

// at is a finding at a value, such as "rules[2].verbs[0]", or the deepest part
// of that path which is there.
func (s *subject) at(path, what, hint string) Finding {
	node, _ := document.Find(s.root, path)
	return Finding{Problem: document.ProblemAt("", node, what, hint)}
}

// atKey is a finding at the key of a mapping, or at the mapping without it.
func (s *subject) atKey(path, key, what string) Finding {
	node, _ := document.Find(s.root, path)
	if i := document.PairOf(node, key); i >= 0 {
		node = node.Content[i]
	}
	return Finding{Problem: document.ProblemAt("", node, what, "")}
}

// as is a finding with another severity than its check has.
func (f Finding) as(s Severity) Finding {
	f.Severity = s
	return f
}

// rules calls f with each rule and its path.
func (s *subject) rules(f func(i int, path string, r *auditv1.PolicyRule)) {
	for i := range s.v1.Rules {
		f(i, rulePath(i), &s.v1.Rules[i])
	}
}

func rulePath(i int) string { return fmt.Sprintf("rules[%d]", i) }

// ruleNumber is how rules are counted to people.
func ruleNumber(i int) string { return fmt.Sprintf("rule %d", i+1) }

// list is one list of words in a policy.
type list struct {
	rule       int
	path, name string
	words      []string
}

// item is the path of the nth word.
func (l list) item(n int) string { return fmt.Sprintf("%s.%s[%d]", l.path, l.name, n) }

// lists are all lists of words that rules compare requests with, but stages.
func (s *subject) lists(names ...string) []list {
	var all []list
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		all = append(all,
			list{i, path, "users", r.Users}, list{i, path, "userGroups", r.UserGroups}, list{i, path, "verbs", r.Verbs},
			list{i, path, "namespaces", r.Namespaces}, list{i, path, "nonResourceURLs", r.NonResourceURLs})
		for j, g := range r.Resources {
			path := fmt.Sprintf("%s.resources[%d]", path, j)
			all = append(all, list{i, path, "resources", g.Resources}, list{i, path, "resourceNames", g.ResourceNames})
		}
	})
	return slices.DeleteFunc(all, func(l list) bool { return len(names) > 0 && !slices.Contains(names, l.name) })
}

// parted is a space with its partition by the rules of the policy.
type parted struct {
	*kinds.Space
	pieces []kinds.Piece
}

// parts are all requests by the rule that decides; nil when the policy cannot be
// evaluated.
func (s *subject) parts() []parted {
	if s.parted == nil && s.policy != nil {
		for _, space := range spaces(s.v1) {
			s.parted = append(s.parted, parted{space, space.Partition()})
		}
	}
	return s.parted
}

// decides says whether a rule decides any request.
func (s *subject) decides(rule int) bool {
	return slices.ContainsFunc(s.parts(), func(space parted) bool {
		return slices.ContainsFunc(space.pieces, func(p kinds.Piece) bool { return p.Rules[0] == rule })
	})
}

func spaces(policies ...*auditv1.Policy) []*kinds.Space {
	return []*kinds.Space{kinds.Resources(policies...), kinds.Paths(policies...)}
}
