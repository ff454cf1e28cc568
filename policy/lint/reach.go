// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

const checkerSource = "k8s.io/apiserver pkg/audit/policy/checker.go"

var reachChecks = []Check{
	{
		ID: "unreachable-rule", Family: "reach", Severity: Warning,
		Title:  "a rule that never decides, since earlier ones take all its requests",
		Why:    "the first rule that matches decides. That there is no request left for the rule follows from the rules themselves, not from trying requests",
		Remedy: "put it in front of the rules that it should be an exception from, or remove it",
		Source: checkerSource,
		find:   unreachable,
	},
	{
		ID: "rule-matches-nothing", Family: "reach", Severity: Warning,
		Title:  "a rule that no request matches, wherever it stands",
		Why:    "all conditions of a rule have to hold, and there is no request for which these do; it is as if the rule were not there",
		Remedy: "mend its verbs or resources, or remove it",
		Source: checkerSource,
		find:   matchesNothing,
	},
	{
		ID: "dead-entry", Family: "reach", Severity: Info,
		Title:  "an entry of a list whose requests earlier rules take, all of them",
		Why:    "the rule decides for its other entries, but never for this one",
		Remedy: "remove the entry, or put the rule in front",
		Source: checkerSource,
		find:   deadEntries,
	},
}

func unreachable(s *subject) []Finding {
	if s.policy == nil {
		return nil
	}
	var found []Finding
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		if s.decides(i) || !matchesSomething(r) {
			return
		}
		by := s.takers(i)
		what := fmt.Sprintf("%s never decides: %s %s all its requests", ruleNumber(i), rulesInWords(by), plural(len(by), "takes", "take"))
		found = append(found, s.at(path, what, ""))
	})
	return found
}

// matchesSomething says whether there is a request that a rule matches when it
// is alone.
func matchesSomething(r *auditv1.PolicyRule) bool {
	for _, space := range spaces(&auditv1.Policy{Rules: []auditv1.PolicyRule{*r}}) {
		for _, p := range space.Partition() {
			if p.Rules[0] == 0 {
				return true
			}
		}
	}
	return false
}

// takers are the rules that decide what a rule would match, in their order.
func (s *subject) takers(i int) []int {
	var by []int
	for _, space := range spaces(&auditv1.Policy{Rules: s.v1.Rules[:i]}, &auditv1.Policy{Rules: s.v1.Rules[i : i+1]}) {
		for _, p := range space.Partition() {
			if p.Rules[1] == 0 && p.Rules[0] >= 0 && !slices.Contains(by, p.Rules[0]) {
				by = append(by, p.Rules[0])
			}
		}
	}
	slices.Sort(by)
	return by
}

// rulesInWords is "rule 3", or "rules 1, 2 and 4".
func rulesInWords(rules []int) string {
	if len(rules) == 1 {
		return ruleNumber(rules[0])
	}
	var numbers []string
	for _, i := range rules {
		numbers = append(numbers, fmt.Sprint(i+1))
	}
	return "rules " + and(numbers)
}

// and joins words for a sentence.
func and(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return strings.Join(words, "")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func matchesNothing(s *subject) []Finding {
	var found []Finding
	if s.policy == nil {
		return nil
	}
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		if !matchesSomething(r) {
			found = append(found, s.at(path, ruleNumber(i)+" matches no request: no verb that it names fits what it is for", ""))
		}
	})
	return found
}

// entry is one of several in a list of a rule, and the rule with that one only.
type entry struct {
	path, said string
	alone      auditv1.PolicyRule
}

// deadEntries looks at each entry as if the rule had only that one.
func deadEntries(s *subject) []Finding {
	if s.policy == nil {
		return nil
	}
	var found []Finding
	s.rules(func(i int, _ string, _ *auditv1.PolicyRule) {
		if i == 0 || !s.decides(i) {
			return
		}
		for _, entries := range s.entries(i) {
			for _, e := range s.dead(i, entries) {
				found = append(found, s.at(e.path, fmt.Sprintf("%s never counts in %s: earlier rules take all its requests", e.said, ruleNumber(i)), ""))
			}
		}
	})
	return found
}

// entries are the lists of a rule that have more than one entry. The words of
// one resource's list are told apart only within that resource.
func (s *subject) entries(i int) [][]entry {
	var all [][]entry
	add := func(path, name string, words []string, set func(r *auditv1.PolicyRule, one []string)) {
		var of []entry
		for n, word := range words {
			e := entry{fmt.Sprintf("%s.%s[%d]", path, name, n), fmt.Sprintf("%q of %s", word, name), *s.v1.Rules[i].DeepCopy()}
			set(&e.alone, []string{word})
			of = append(of, e)
		}
		if len(of) > 1 {
			all = append(all, of)
		}
	}
	r, path := &s.v1.Rules[i], rulePath(i)
	add(path, "users", r.Users, func(r *auditv1.PolicyRule, one []string) { r.Users = one })
	add(path, "userGroups", r.UserGroups, func(r *auditv1.PolicyRule, one []string) { r.UserGroups = one })
	add(path, "verbs", r.Verbs, func(r *auditv1.PolicyRule, one []string) { r.Verbs = one })
	add(path, "namespaces", r.Namespaces, func(r *auditv1.PolicyRule, one []string) { r.Namespaces = one })
	add(path, "nonResourceURLs", r.NonResourceURLs, func(r *auditv1.PolicyRule, one []string) { r.NonResourceURLs = one })
	var groups []entry
	for j, g := range r.Resources {
		path := fmt.Sprintf("%s.resources[%d]", path, j)
		e := entry{path + ".group", "the entry of " + groupName(g.Group), *r.DeepCopy()}
		e.alone.Resources = []auditv1.GroupResources{g}
		if len(r.Resources) > 1 {
			groups = append(groups, e)
		}
		add(path, "resources", g.Resources, func(r *auditv1.PolicyRule, one []string) {
			g := g
			g.Resources = one
			r.Resources = []auditv1.GroupResources{g}
		})
	}
	return append(all, groups)
}

// dead are the entries for which the rule never decides, but for such as match
// nothing in any case.
func (s *subject) dead(rule int, entries []entry) []entry {
	policies := []*auditv1.Policy{{Rules: s.v1.Rules[:rule]}}
	for _, e := range entries {
		policies = append(policies, &auditv1.Policy{Rules: []auditv1.PolicyRule{e.alone}})
	}
	matched, decided := make([]bool, len(entries)), make([]bool, len(entries))
	for _, space := range spaces(policies...) {
		for _, p := range space.Partition() {
			for n := range entries {
				if p.Rules[n+1] == 0 {
					matched[n] = true
					decided[n] = decided[n] || p.Rules[0] < 0
				}
			}
		}
	}
	var dead []entry
	for n, e := range entries {
		if matched[n] && !decided[n] {
			dead = append(dead, e)
		}
	}
	return dead
}
