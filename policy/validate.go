// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/apis/audit/validation"
	auditscheme "k8s.io/apiserver/pkg/audit"

	"github.com/auditsetup/auditsetup/document"
)

// The minors that brought a feature (pkg/apis/audit/v1/types.go and
// pkg/audit/policy/checker.go of kubernetes/apiserver).
const (
	omitManagedFieldsSince = 23
	anyGroupSince          = 36
)

// validate runs kube-apiserver's own validation, and finds the places in the
// document that its messages speak of.
func (r *reading) validate(p *auditv1.Policy) {
	if len(p.Rules) == 0 {
		r.noRules()
	}
	var internal audit.Policy
	if err := auditscheme.Scheme.Convert(p, &internal, nil); err != nil {
		r.at("", "cannot be converted: "+err.Error(), "")
		return
	}
	places := &places{rules: p.Rules, used: map[string]int{}}
	for _, err := range validation.ValidatePolicy(&internal) {
		path := places.of(err)
		what, hint := describe(err)
		r.at(path, path+" "+what, hint)
	}
}

// noRules reports a policy without rules, which kube-apiserver takes for a
// mistake; a list that could not be decoded has been reported already.
func (r *reading) noRules() {
	if r.root.Kind != yaml.MappingNode {
		return
	}
	node, given := document.Find(r.root, "rules")
	if given && len(node.Content) > 0 {
		return
	}
	r.problems = append(r.problems, document.ProblemAt(r.file, node,
		"the policy has no rules, and kube-apiserver does not start with such a policy",
		"add a rule; \"- level: Metadata\" records every request without its body"))
}

// fitVersion reports what the version at hand does not have yet.
func (r *reading) fitVersion(p *auditv1.Policy) {
	if r.version.Minor == 0 {
		return
	}
	if p.OmitManagedFields {
		r.tooNew("omitManagedFields", "omitManagedFields", omitManagedFieldsSince, "drops it without a word")
	}
	for i, rule := range p.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		if rule.OmitManagedFields != nil && *rule.OmitManagedFields {
			r.tooNew(path+".omitManagedFields", path+".omitManagedFields", omitManagedFieldsSince, "drops it without a word")
		}
		for j, resources := range rule.Resources {
			if resources.Group == "*" {
				group := fmt.Sprintf("%s.resources[%d].group", path, j)
				r.tooNew(group, group+` "*"`, anyGroupSince, "does not start with it")
			}
		}
	}
}

func (r *reading) tooNew(path, what string, since int, then string) {
	if !r.version.AtLeast(since) {
		r.at(path, fmt.Sprintf("%s is known from 1.%d on, and kube-apiserver %s %s", what, since, r.version, then),
			"remove it for this version")
	}
}

// describe puts a message of the validation into words that follow its path.
func describe(err *field.Error) (what, hint string) {
	value, _ := err.BadValue.(string)
	if level, ok := err.BadValue.(audit.Level); ok {
		value = string(level)
	}
	name := err.Field[strings.LastIndexByte(err.Field, '.')+1:]
	switch {
	case err.Type == field.ErrorTypeRequired:
		return "is missing", "write level: with one of " + strings.Join(levels(), ", ")
	case err.Type == field.ErrorTypeNotSupported:
		return fmt.Sprintf("%q is not known", value), document.Suggest(value, levels())
	case strings.HasPrefix(name, "omitStages["):
		return fmt.Sprintf("%q is not known", value), document.Suggest(value, stages())
	case name == "group":
		return fmt.Sprintf("%q is not the name of an API group", value), groupHint(value)
	}
	return "is not valid: " + err.Detail, ""
}

// groupHint knows the two slips that people make: a version behind the group,
// and capital letters.
func groupHint(group string) string {
	if bare, _, versioned := strings.Cut(group, "/"); versioned {
		return fmt.Sprintf("leave the version out: %q", bare)
	}
	if lower := strings.ToLower(group); lower != group {
		return fmt.Sprintf("write it in lower case: %q", lower)
	}
	return `write it as in apiVersion, without the version; "" is the core group`
}

func levels() []string {
	return []string{string(audit.LevelNone), string(audit.LevelMetadata), string(audit.LevelRequest), string(audit.LevelRequestResponse)}
}

func stages() []string {
	return []string{string(audit.StageRequestReceived), string(audit.StageResponseStarted), string(audit.StageResponseComplete), string(audit.StagePanic)}
}

// places finds the paths that the validation leaves incomplete: those below
// resources lack the index (validateResources in pkg/apis/audit/validation of
// kubernetes/apiserver). It names the offenders of a rule in their order, so
// that the nth message belongs to the nth of them.
type places struct {
	rules []auditv1.PolicyRule
	used  map[string]int
}

func (p *places) of(err *field.Error) string {
	var rule int
	var name string
	if n, _ := fmt.Sscanf(err.Field, "rules[%d].resources.%s", &rule, &name); n != 2 || rule >= len(p.rules) {
		return err.Field
	}
	key := fmt.Sprint(err.Field, err.BadValue)
	skip := p.used[key]
	p.used[key]++
	for i, resources := range p.rules[rule].Resources {
		if !offends(resources, name, err.BadValue) {
			continue
		}
		if skip == 0 {
			return fmt.Sprintf("rules[%d].resources[%d].%s", rule, i, name)
		}
		skip--
	}
	return err.Field
}

// offends says whether an entry is one that a message can be about.
func offends(resources auditv1.GroupResources, name string, value any) bool {
	if name == "group" {
		return resources.Group == value
	}
	return len(resources.ResourceNames) > 0 && len(resources.Resources) == 0 &&
		fmt.Sprint(resources.ResourceNames) == fmt.Sprint(value)
}
