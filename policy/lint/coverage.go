// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/policy/kinds"
)

const cisSource = "CIS Kubernetes Benchmark 3.2.2, as in kube-bench cfg/cis-1.12/controlplane.yaml"

var coverageChecks = []Check{
	{
		ID: "records-nothing", Family: "coverage", Severity: Error,
		Title:  "the policy records nothing at all",
		Why:    "everything looks as if audit were on, and every check of flags passes",
		Remedy: "add a rule that records, such as - level: Metadata at the end",
		Source: "RKE2 and Gardener, whose default policies are such; " + checkerSource,
		find:   recordsNothing,
	},
	{
		ID: "no-catch-all", Family: "coverage", Severity: Warning,
		Title:  "there are requests that no rule matches",
		Why:    "what no rule matches is not recorded, and new APIs are forgotten without a word. It is info when everyone who has logged in is provided for",
		Remedy: "end the rules with - level: Metadata, or with - level: None to say that it is meant",
		Source: checkerSource,
		find:   noCatchAll,
	},
	dropped("secret-access-dropped", "access to secrets", "who read or changed a secret is the first question after a break-in", "secrets"),
	dropped("exec-dropped", "exec, attach, port forwarding or a proxy", "they are ways into a container or a service past everything else; since 1.31 kubectl uses get for exec, attach and port forwarding, and before it was create", "exec", "portforward", "proxy"),
	dropped("rbac-changes-dropped", "changes of roles or role bindings", "who gave whom which rights cannot be told afterwards", "rbac"),
	dropped("workload-changes-dropped", "changes of pods or deployments", "what was run, and who removed it, cannot be told afterwards", "pods", "deployments"),
	dropped("token-requests-dropped", "requests for tokens of service accounts", "whoever may ask for a token can act as somebody else from then on", "tokens"),
	{
		ID: "failed-logins-dropped", Family: "coverage", Severity: Info,
		Title:  "requests whose login failed are not recorded",
		Why:    "attempts with a wrong or expired credential leave no trace. Such a request has no user and no groups, so that rules with users or userGroups never match it",
		Remedy: "end the rules with - level: Metadata, without users and userGroups",
		Source: "k8s.io/apiserver pkg/endpoints/filters/authn_audit.go",
		find:   failedLoginsDropped,
	},
}

// dropped is the check that what some topics are about is recorded when somebody
// does it of whom no rule knows more than the login.
func dropped(id, what, why string, topics ...string) Check {
	return Check{
		ID: id, Family: "coverage", Severity: Warning,
		Title:  what + " by anyone leaves no trace",
		Why:    why + ". Looked at is the rule that decides for an ordinary user; rules that drop it for a certain component are not meant",
		Remedy: "put a rule in front that records it, at level Metadata",
		Source: cisSource,
		find: func(s *subject) []Finding {
			if s.silent() {
				return nil // records-nothing says it all
			}
			unseen := func(v verdict) bool {
				reads := v.topic == "pods" || v.topic == "deployments"
				return v.by.ordinary && v.effect.Level == audit.LevelNone && (!reads || v.verbs[0] != "list")
			}
			var found []Finding
			for _, v := range firstByRule(s.verdicts(topics...), unseen) {
				if v.rule >= 0 { // no-catch-all speaks of the others
					found = append(found, s.decidedAt(v, fmt.Sprintf("%s not recorded, by %s: %s", what, ruleNumber(v.rule), v.said())))
				}
			}
			return found
		},
	}
}

// silent says whether the policy records nothing; false when it is none.
func (s *subject) silent() bool {
	for _, space := range s.parts() {
		for _, p := range space.pieces {
			if s.policy.Evaluate(space.Example(p.Box)).Effect() != (policy.Effect{Level: audit.LevelNone}) {
				return false
			}
		}
	}
	return s.policy != nil
}

func recordsNothing(s *subject) []Finding {
	if s.policy == nil || !s.silent() {
		return nil
	}
	return []Finding{s.atKey("", "rules", "the policy records nothing: whatever the request, the level is None")}
}

func noCatchAll(s *subject) []Finding {
	if s.policy == nil || s.silent() {
		return nil
	}
	var left []string
	loggedIn, strangersOnly := false, true
	for _, space := range s.parts() {
		likely := space.Likely()
		var on, off []kinds.Box
		for _, p := range space.pieces {
			if p.Rules[0] >= 0 {
				off = append(off, p.Box)
				continue
			}
			on = append(on, p.Box)
			_, some := space.Meet(p.Box, space.Ordinary())
			loggedIn = loggedIn || some
			// behind failed logins and anonymous callers come those who are logged in
			strangersOnly = strangersOnly && !slices.ContainsFunc(likely[2:], func(b kinds.Box) bool { _, some := space.Meet(p.Box, b); return some })
		}
		for _, b := range space.Cover(on, off, true) {
			left = append(left, space.Describe(b).Short(4))
		}
	}
	if len(left) == 0 {
		return nil
	}
	if n := len(left) - 2; n > 1 {
		left = append(slices.Clone(left[:2]), fmt.Sprintf("%d more kinds of request", n))
	}
	if strangersOnly {
		left = []string{"anonymous requests, or of such whose login failed"}
	}
	f := s.at(rulePath(len(s.v1.Rules)-1), "there are requests that no rule matches, and nothing is recorded of: "+strings.Join(left, "; "), "")
	if !loggedIn {
		f.Severity = Info
	}
	if grave := s.unmatched(); len(grave) > 0 {
		f.What += "; among them " + and(grave)
	}
	return []Finding{f}
}

// unmatched are the grave things that an ordinary user does and no rule matches.
func (s *subject) unmatched() []string {
	var grave []string
	for _, topic := range []struct{ name, said string }{
		{"secrets", "access to secrets"}, {"exec", "exec"}, {"rbac", "changes of rights"}, {"pods", "changes of pods"}, {"tokens", "requests for tokens"},
	} {
		if slices.ContainsFunc(s.verdicts(topic.name), func(v verdict) bool { return v.rule < 0 && v.by.ordinary && v.verbs[0] != "list" }) {
			grave = append(grave, topic.said)
		}
	}
	return grave
}

func failedLoginsDropped(s *subject) []Finding {
	if s.policy == nil || s.silent() {
		return nil
	}
	unseen := func(v verdict) bool { return v.by.failed && v.effect.Level == audit.LevelNone }
	var found []Finding
	for _, v := range firstByRule(s.verdicts("secrets", "exec", "rbac", "pods"), unseen) {
		if v.rule >= 0 { // no-catch-all speaks of the others
			found = append(found, s.decidedAt(v, "requests whose login failed are not recorded, such as "+v.said()))
		}
	}
	return found
}
