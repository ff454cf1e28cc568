// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// policy finds the policy for the version. A profile's text is not read again
// here unless something is put in front of it: a test reads that of every
// profile for every version, and this way a run starts sooner by half. The
// profile is the zero one when the policy is the administrator's own.
func (r *resolving) policy() profiles.Profile {
	if r.spec.Policy.File != "" {
		r.ownPolicy()
		return profiles.Profile{}
	}
	profile, ok := profiles.Lookup(r.spec.Policy.Profile)
	if !ok {
		r.add("policy.profile", fmt.Sprintf("%q is no profile", r.spec.Policy.Profile), "the profiles are "+strings.Join(profiles.Names(), ", "))
		return profile
	}
	if !r.known() {
		return profile
	}
	text, err := profile.Policy(r.desired.Version)
	if err != nil {
		r.add("policy.profile", err.Error(), "")
	}
	r.desired.Policy = r.strictly(r.extended("profile "+profile.Name, text))
	return profile
}

// ownPolicy takes the administrator's own file, as it is unless rules are put in
// front of it.
func (r *resolving) ownPolicy() {
	if r.spec.Policy.Profile != "" {
		r.add("policy.profile", "a profile and a policy file are both given", "leave one of them out")
		return
	}
	if r.in.PolicyData == nil {
		return
	}
	p, err := policy.Read(r.spec.Policy.File, r.in.PolicyData, r.desired.Version)
	r.problems = append(r.problems, document.ProblemsOf(err)...)
	if err != nil {
		return
	}
	if r.spec.strict() {
		r.refuseOmitted(p)
	}
	if len(r.spec.Policy.ExtraRules) > 0 {
		r.desired.Policy = r.strictly(r.extended(r.spec.Policy.File, r.in.PolicyData))
		return
	}
	r.desired.Policy, r.desired.Notes = p.Bytes(), append(r.desired.Notes, p.Notes...)
}

// extended puts the extra rules in front of a policy, if there are any.
func (r *resolving) extended(name string, text []byte) []byte {
	extra := r.spec.Policy.ExtraRules
	if len(extra) == 0 {
		return text
	}
	for i, rule := range extra {
		if r.spec.strict() && rule.Level != auditv1.LevelNone && slices.Contains(rule.OmitStages, auditv1.StageRequestReceived) {
			r.add(r.placeOf(fmt.Sprintf("policy.extraRules[%d].omitStages", i)), omittedWhat, omittedHint)
		}
	}
	p, err := profiles.WithExtraRules(name, text, extra, r.desired.Version)
	for _, problem := range document.ProblemsOf(err) {
		if strings.HasPrefix(problem.File, "extraRules") {
			r.add(r.placeOf("policy."+problem.File), problem.What, problem.Hint)
		} else {
			r.problems = append(r.problems, problem)
		}
	}
	if err != nil {
		return text
	}
	r.desired.Notes = append(r.desired.Notes, p.Notes...)
	if base, err := policy.Read(name, text, r.desired.Version); err == nil {
		r.exposing(p, len(p.V1.Rules)-len(base.V1.Rules))
	}
	return p.Bytes()
}

// exposing warns of extra rules that write credentials to the log. Only the first
// so many rules of the policy come from them.
func (r *resolving) exposing(p *policy.Policy, extra int) {
	for i, rule := range r.spec.Policy.ExtraRules {
		if rule.Level != auditv1.LevelRequest && rule.Level != auditv1.LevelRequestResponse {
			continue
		}
		for _, of := range []struct{ group, resource, subresource string }{
			{"", "secrets", ""}, {"", "serviceaccounts", "token"}, {"authentication.k8s.io", "tokenreviews", ""},
		} {
			if d := p.Evaluate(someRequest(rule.PolicyRule, of.group, of.resource, of.subresource)); d.Rule >= 0 && d.Rule < extra && string(d.Level) == string(rule.Level) {
				r.desired.Warnings = append(r.desired.Warnings, r.in.Origins.Problem(r.placeOf(fmt.Sprintf("policy.extraRules[%d].level", i)),
					fmt.Sprintf("writes what is in %s to the log, credentials and all", strings.TrimSuffix(of.resource+"/"+of.subresource, "/")),
					"put a rule in front of it that has them at level Metadata, or name other resources"))
				break
			}
		}
	}
}

// someRequest is one to which a rule applies as far as who, what for and where go:
// a write, unless the rule is about other verbs.
func someRequest(rule auditv1.PolicyRule, group, resource, subresource string) authorizer.Attributes {
	first := func(given []string, standard string) string {
		if len(given) > 0 {
			return given[0]
		}
		return standard
	}
	verb := first(rule.Verbs, "create")
	if slices.Contains(rule.Verbs, "create") || rule.Level == auditv1.LevelRequest && reads(verb) {
		verb = "create" // a read has nothing in it but the answer
	}
	return authorizer.AttributesRecord{
		User:      &user.DefaultInfo{Name: first(rule.Users, "somebody"), Groups: []string{first(rule.UserGroups, user.AllAuthenticated)}},
		Verb:      verb,
		Namespace: first(rule.Namespaces, "default"), APIGroup: group, Resource: resource, Subresource: subresource, ResourceRequest: true,
	}
}

func reads(verb string) bool {
	return slices.Contains([]string{"get", "list", "watch", "delete"}, verb)
}

// placeOf is the path, or the nearest above it, of which it is known where it
// was said; the path itself when none is.
func (r *resolving) placeOf(path string) string {
	for at := path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if _, ok := r.in.Origins[at]; ok {
			return at
		}
	}
	return path
}
