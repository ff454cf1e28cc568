// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// Block is some rules that go in front of a policy together.
type Block struct {
	// Comment is written above the rules. It may be long, and is broken into
	// lines; a line break of its own counts as a space.
	Comment string
	// Rules are in their order. They need at least a level each.
	Rules []auditv1.PolicyRule
	// Complete says that OmitStages and OmitManagedFields of the rules are all
	// that holds for them, nil being false, as for rules of another policy.
	// Without it a rule gets what the policy omits on top, as if it had been
	// written in the policy.
	Complete bool
}

// Prepend puts rules in front of those of a policy, where they win over all that
// follow, and reads the result for kube-apiserver v. The policy's own text stays
// as it is, comments included: the rules are spliced in above the first one. When
// it is JSON or otherwise in flow style, and in the case of the next paragraph,
// the text is written anew, with its comments as far as the YAML library keeps
// them; JSON becomes YAML.
//
// What a policy omits for all its rules cannot be taken back by one of them
// (NewPolicyRuleEvaluator in pkg/audit/policy of kubernetes/apiserver unites the
// stages). So where a Complete block keeps a stage that the policy omits, that
// stage moves from the head of the policy into each of its rules, which decides
// the same. A note says so.
//
// The error is a [document.Problems]: what is wrong with the policy, as from
// [Read], or else with the rules, which have no lines. Without blocks the result
// is that of Read.
func Prepend(file string, data []byte, blocks []Block, v apiserver.Version) (*Policy, error) {
	base, err := Read(file, data, v)
	if err != nil || len(blocks) == 0 {
		return base, err
	}
	in := newInsertion(&base.V1, blocks)
	for _, write := range []func([]byte) ([]byte, bool){in.spliced, in.rewritten, in.plain} {
		text, ok := write(base.bytes)
		if !ok {
			continue
		}
		p, err := Read(file, text, v)
		switch {
		case err != nil:
			// Most likely the rules are at fault; the last way tells.
		case equality.Semantic.DeepEqual(p.V1, in.want):
			p.Notes = slices.Concat(base.Notes, in.notes(file))
			return p, nil
		}
	}
	return nil, in.problems(file, v)
}

// problems is what is wrong with the rules, when they could not be written.
func (in *insertion) problems(file string, v apiserver.Version) error {
	text, _ := in.plain(nil)
	_, err := Read(file, text, v)
	problems := document.ProblemsOf(err)
	for i := range problems {
		problems[i].Line, problems[i].Column = 0, 0 // of a text that nobody sees
	}
	if len(problems) == 0 {
		problems.Add(file, "the rules to be put in front of it cannot be written", "")
	}
	return problems
}

// An insertion is one call of Prepend: what the policy is to be afterwards.
type insertion struct {
	want auditv1.Policy
	// blocks are the new rules as they stand in want.
	blocks []Block
	// moved are the stages that leave the head of the policy.
	moved []auditv1.Stage
}

func newInsertion(base *auditv1.Policy, blocks []Block) *insertion {
	in := &insertion{want: *base.DeepCopy()}
	for _, stage := range base.OmitStages {
		if slices.ContainsFunc(blocks, func(b Block) bool { return b.keeps(stage) }) {
			in.moved = append(in.moved, stage)
		}
	}
	in.want.OmitStages = without(base.OmitStages, in.moved)
	for i := range in.want.Rules {
		in.want.Rules[i] = in.moving(in.want.Rules[i])
	}
	var rules []auditv1.PolicyRule
	for _, b := range blocks {
		fitted := Block{Comment: b.Comment}
		for _, rule := range b.Rules {
			fitted.Rules = append(fitted.Rules, in.fitted(*rule.DeepCopy(), b.Complete))
		}
		in.blocks = append(in.blocks, fitted)
		rules = append(rules, fitted.Rules...)
	}
	in.want.Rules = append(rules, in.want.Rules...)
	return in
}

// keeps says whether a complete rule emits the stage.
func (b Block) keeps(stage auditv1.Stage) bool {
	return b.Complete && slices.ContainsFunc(b.Rules, func(r auditv1.PolicyRule) bool {
		return r.Level != auditv1.LevelNone && !slices.Contains(r.OmitStages, stage)
	})
}

// moving is a rule of the policy itself. One that logs nothing has no stages.
func (in *insertion) moving(rule auditv1.PolicyRule) auditv1.PolicyRule {
	if rule.Level != auditv1.LevelNone {
		rule.OmitStages = append(rule.OmitStages, without(in.moved, rule.OmitStages)...)
	}
	return rule
}

// fitted is a new rule with what it has to say beside the head of the policy.
func (in *insertion) fitted(rule auditv1.PolicyRule, complete bool) auditv1.PolicyRule {
	if !complete {
		return in.moving(rule)
	}
	managed := rule.OmitManagedFields != nil && *rule.OmitManagedFields
	bodies := rule.Level == auditv1.LevelRequest || rule.Level == auditv1.LevelRequestResponse
	rule.OmitManagedFields = nil
	if bodies && managed != in.want.OmitManagedFields {
		rule.OmitManagedFields = &managed
	}
	rule.OmitStages = without(rule.OmitStages, in.want.OmitStages)
	if rule.Level == auditv1.LevelNone {
		rule.OmitStages = nil
	}
	return rule
}

func without(stages, these []auditv1.Stage) []auditv1.Stage {
	return slices.DeleteFunc(slices.Clone(stages), func(s auditv1.Stage) bool { return slices.Contains(these, s) })
}

func (in *insertion) notes(file string) []document.Problem {
	if len(in.moved) == 0 {
		return nil
	}
	names := make([]string, len(in.moved))
	for i, s := range in.moved {
		names[i] = string(s)
	}
	return []document.Problem{{File: file, What: "omitStages " + strings.Join(names, ", ") +
		" moves from the head of the policy into its rules, since rules in front of them keep that stage"}}
}

// plain is the policy as the library of Kubernetes writes it: right, and bare.
func (in *insertion) plain([]byte) ([]byte, bool) {
	text, err := sigsyaml.Marshal(in.want)
	return text, err == nil
}
