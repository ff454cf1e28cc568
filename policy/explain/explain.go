// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package explain says what an audit policy makes of one request, and why: which
// rule decides, what kept each rule before it from doing so, and what is in the
// event. The decision is that of kube-apiserver's own evaluator. The reasons are
// too: it is asked about each condition of a rule by itself, so that what is said
// of a rule cannot differ from what the rule does.
//
// Requests come as people have them: in the words of a policy, as a method and a
// path, as a line of kubectl, as an event from a log.
package explain

import (
	"fmt"
	"slices"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
)

// Explanation is what a policy makes of one request.
type Explanation struct {
	Request  Request
	Caller   Caller
	Decision policy.Decision
	// Rules are all rules of the policy in their order, those behind the one that
	// decides as well, which nobody asks any more.
	Rules []Rule
	// Stages are those that the request goes through, as long as it does not end
	// in a panic.
	Stages []Stage
	// Content is what the events have in them. It says nothing when no event is
	// written.
	Content Content
}

// Rule is how a rule of a policy stands to a request.
type Rule struct {
	// Index counts from 0, as in rules[0]. Line is where the rule begins in the
	// file, from 1.
	Index, Line int
	Level       string
	// Matches says whether the rule, if it were the only one, would decide.
	Matches bool
	// Conditions are those that the rule has, in the order in which they are
	// looked at. A rule matches when all of them hold. Nil for a rule that
	// matches everything.
	Conditions []Condition
}

// Written says whether the request leaves any event.
func (e *Explanation) Written() bool {
	return slices.ContainsFunc(e.Stages, func(s Stage) bool { return s.Written })
}

// Of explains what a policy makes of a request by a caller.
func Of(p *policy.Policy, r Request, c Caller) Explanation {
	attrs := r.attributes(c, named(&p.V1))
	e := Explanation{Request: r, Caller: c, Decision: p.Evaluate(attrs)}
	lines := linesOf(p)
	for i := range p.V1.Rules {
		a := asked{rule: &p.V1.Rules[i], request: &r, caller: c, attrs: attrs}
		rule := Rule{Index: i, Line: lines[i], Level: string(a.rule.Level), Conditions: a.conditions()}
		rule.Matches = !slices.ContainsFunc(rule.Conditions, func(c Condition) bool { return !c.Holds })
		e.Rules = append(e.Rules, rule)
	}
	e.Stages = stagesOf(&p.V1, &r, c, e.Decision)
	e.Content = contentOf(&r, c, e.Decision)
	return e
}

// named are the users and the names of objects that rules know.
func named(p *auditv1.Policy) []string {
	var all []string
	for _, r := range p.Rules {
		all = slices.Concat(all, r.Users, r.Namespaces)
		for _, g := range r.Resources {
			all = append(all, g.ResourceNames...)
		}
	}
	return all
}

// linesOf are the lines of the rules, 0 for one that is not found.
func linesOf(p *policy.Policy) []int {
	lines := make([]int, len(p.V1.Rules))
	root, err := document.Parse("", p.Bytes())
	if err != nil {
		return lines // it was read before, so that this cannot be
	}
	for i := range lines {
		if node, whole := document.Find(root, fmt.Sprintf("rules[%d]", i)); whole {
			lines[i] = node.Line
		}
	}
	return lines
}
