// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strconv"

	"k8s.io/apiserver/pkg/apis/audit"
	auditpkg "k8s.io/apiserver/pkg/audit"
	upstream "k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Decision is what a policy says about one request.
type Decision struct {
	// Level is None when no event is to be written.
	Level audit.Level
	// OmitStages are the stages without an event, of the policy and of the rule
	// together, sorted by name. Not to be modified.
	OmitStages []audit.Stage
	// OmitManagedFields says whether bodies go without metadata.managedFields.
	OmitManagedFields bool
	// Rule is the index of the rule that decided, or -1 when none matches.
	Rule int
}

// evaluator asks kube-apiserver's own evaluator, once for a request. To learn
// which rule decided, the policy given to it has the index of each rule in place
// of its level, which matching does not look at.
type evaluator struct {
	upstream auditpkg.PolicyRuleEvaluator
	rules    []Decision
	none     Decision
}

func newEvaluator(policy *audit.Policy) evaluator {
	indexed := policy.DeepCopy()
	for i := range indexed.Rules {
		indexed.Rules[i].Level = audit.Level(strconv.Itoa(i))
	}
	// This also unites the stages of the policy with those of each rule, in
	// the policy that it is given.
	e := evaluator{
		upstream: upstream.NewPolicyRuleEvaluator(indexed),
		rules:    make([]Decision, len(policy.Rules)),
		none:     Decision{Level: upstream.DefaultAuditLevel, OmitStages: sorted(policy.OmitStages), Rule: -1},
	}
	for i := range e.rules {
		e.rules[i] = Decision{Level: policy.Rules[i].Level, OmitStages: sorted(indexed.Rules[i].OmitStages), Rule: i}
	}
	return e
}

// sorted also drops stages that are given twice.
func sorted(stages []audit.Stage) []audit.Stage {
	stages = slices.Clone(stages)
	slices.Sort(stages)
	return slices.Compact(stages)
}

// Evaluate says what kube-apiserver would do with a request. attrs must not be
// nil; its user may be.
func (p *Policy) Evaluate(attrs authorizer.Attributes) Decision {
	config := p.evaluator.upstream.EvaluatePolicyRule(attrs)
	decision := p.evaluator.none
	if rule, err := strconv.Atoi(string(config.Level)); err == nil {
		decision = p.evaluator.rules[rule]
	}
	decision.OmitManagedFields = config.OmitManagedFields
	return decision
}
