// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	upstream "k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Condition is one field of a rule, held against a request.
type Condition struct {
	// Field is the key in the policy: users, userGroups, verbs, namespaces,
	// resources or nonResourceURLs.
	Field string
	// Asked is what the rule has there, a resource as "pods/exec (core)", and Has
	// what the request has. Has is nil where it has nothing of the kind.
	Asked, Has []string
	Holds      bool
	// Why says what keeps it from holding beyond what Asked and Has show, such as
	// a wildcard that is none. Mostly empty.
	Why string
}

// asked is a rule that is held against a request.
type asked struct {
	rule    *auditv1.PolicyRule
	request *Request
	caller  Caller
	attrs   authorizer.Attributes
}

// alone asks kube-apiserver's evaluator about a rule that is all of a policy.
func (a *asked) alone(rule audit.PolicyRule) bool {
	rule.Level = audit.LevelMetadata
	evaluator := upstream.NewPolicyRuleEvaluator(&audit.Policy{Rules: []audit.PolicyRule{rule}})
	return evaluator.EvaluatePolicyRule(a.attrs).Level == audit.LevelMetadata
}

// conditions are those of the rule.
func (a *asked) conditions() []Condition {
	var all []Condition
	add := func(field string, asked, has []string, rule audit.PolicyRule, why func([]string) string) {
		if len(asked) == 0 {
			return
		}
		c := Condition{Field: field, Asked: asked, Has: has, Holds: a.alone(rule)}
		if !c.Holds {
			c.Why = why(asked)
		}
		all = append(all, c)
	}
	r, q := a.rule, a.request
	var users, groups []string
	if !a.caller.Failed {
		users, groups = []string{a.caller.Name}, a.caller.Groups
		if a.caller.Anyone {
			users = []string{"a user whom no rule names"}
		}
	}
	var namespaces, resources, paths []string
	if q.Resource != "" {
		namespaces, resources = []string{a.attrs.GetNamespace()}, []string{q.Target() + " (" + group(q.Group) + ")"}
	} else {
		paths = []string{q.Path}
	}
	add("users", r.Users, users, audit.PolicyRule{Users: r.Users}, a.whyCaller)
	add("userGroups", r.UserGroups, groups, audit.PolicyRule{UserGroups: r.UserGroups}, a.whyCaller)
	add("verbs", r.Verbs, []string{q.Verb}, audit.PolicyRule{Verbs: r.Verbs}, a.whyVerb)
	add("namespaces", r.Namespaces, namespaces, audit.PolicyRule{Namespaces: r.Namespaces}, a.whyNamespace)
	add("resources", entriesInWords(r.Resources), resources, audit.PolicyRule{Resources: internal(r.Resources)}, a.whyResource)
	add("nonResourceURLs", r.NonResourceURLs, paths, audit.PolicyRule{NonResourceURLs: r.NonResourceURLs}, a.whyPath)
	return all
}

func internal(entries []auditv1.GroupResources) []audit.GroupResources {
	var all []audit.GroupResources
	for _, e := range entries {
		all = append(all, audit.GroupResources{Group: e.Group, Resources: e.Resources, ResourceNames: e.ResourceNames})
	}
	return all
}

// entriesInWords has an item for each resource of each entry.
func entriesInWords(entries []auditv1.GroupResources) []string {
	var all []string
	for _, e := range entries {
		of := " (" + group(e.Group) + ")"
		if e.Group == "*" {
			of = " (any group)"
		}
		if len(e.ResourceNames) > 0 {
			of += " named " + strings.Join(e.ResourceNames, " or ")
		}
		for _, r := range e.Resources {
			all = append(all, r+of)
		}
		if len(e.Resources) == 0 {
			all = append(all, "everything"+of)
		}
	}
	return all
}

const literal = "is compared literally: a star stands for itself there"

func starred(words []string) (string, bool) {
	i := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "*") })
	if i < 0 {
		return "", false
	}
	return fmt.Sprintf("%q %s", words[i], literal), true
}

func (a *asked) whyCaller(words []string) string {
	if a.caller.Failed {
		return "a failed login has neither name nor groups"
	}
	why, _ := starred(words)
	return why
}

func (a *asked) whyVerb(words []string) string {
	if why, is := starred(words); is {
		return why
	}
	connect := []string{"exec", "attach", "portforward", "proxy", "log", "connect"}
	if i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(connect, w) }); i >= 0 {
		return fmt.Sprintf("no request has the verb %q: it is create or get of a subresource", words[i])
	}
	if a.request.Verb == "head" && slices.Contains(words, "get") {
		return "HEAD of a path is head, not get"
	}
	return ""
}

func (a *asked) whyNamespace(words []string) string {
	if a.request.Resource == "" {
		return "a rule with namespaces is never for a path"
	}
	if why, is := starred(words); is {
		return why
	}
	if a.attrs.GetNamespace() == "" {
		return `the request has no namespace; "" in the list would be for that`
	}
	return ""
}

func (a *asked) whyPath([]string) string {
	if a.request.Resource != "" {
		return "a rule with nonResourceURLs is never for a resource"
	}
	path := a.request.Path
	for _, url := range a.rule.NonResourceURLs {
		if below, is := strings.CutSuffix(url, "/*"); is && below == path {
			return fmt.Sprintf("%s is for what is below %s, and not for it", url, path)
		}
		if strings.HasPrefix(path, strings.TrimSuffix(url, "/")+"/") && !strings.HasSuffix(url, "*") {
			return fmt.Sprintf("%s is for this path only; %s/* is for what is below", url, strings.TrimSuffix(url, "/"))
		}
	}
	return ""
}
