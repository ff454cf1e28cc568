// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"

	"k8s.io/apiserver/pkg/apis/audit"
)

const bodySource = "k8s.io/apiserver pkg/audit/request.go, pkg/endpoints/handlers"

var credentialChecks = []Check{
	{
		ID: "secret-bodies", Family: "credentials", Severity: Error,
		Title:  "secrets are recorded with their content",
		Why:    "every secret that is read or written stands in the log for whoever can read that, and for whoever it is sent to. Looked at is the rule that decides in the end, for every caller and verb",
		Remedy: "put a rule in front: level Metadata for secrets in group \"\"",
		Source: "kubernetes/kubernetes#96319, #88926, #109376; " + bodySource,
		find:   leaking("secrets", "secrets are recorded with their content"),
	},
	{
		ID: "token-bodies", Family: "credentials", Severity: Error,
		Title:  "tokens of service accounts are recorded",
		Why:    "the answer to a request for a token (serviceaccounts/token) is the token itself; whoever reads the log can use it. What is sent is harmless, so that only RequestResponse is meant",
		Remedy: "put a rule in front: level Metadata for serviceaccounts/token in group \"\"",
		Source: "kubernetes/kubernetes#102040; IBM-Cloud/kube-samples#139",
		find:   leaking("tokens", "tokens of service accounts are recorded"),
	},
	{
		ID: "token-review-bodies", Family: "credentials", Severity: Error,
		Title:  "token reviews are recorded with the token",
		Why:    "who asks the API server to check a token sends it the token",
		Remedy: "put a rule in front: level Metadata for tokenreviews in group authentication.k8s.io",
		Source: "CIS Kubernetes Benchmark 3.2.2; " + bodySource,
		find:   leaking("reviews", "token reviews are recorded with the token"),
	},
	{
		ID: "configmap-bodies", Family: "credentials", Severity: Info,
		Title:  "config maps are recorded with their content",
		Why:    "there should be no passwords in config maps, but there are; some policies want to find just those",
		Remedy: "unless that is meant, put a rule in front: level Metadata for configmaps in group \"\"",
		Source: "CIS Kubernetes Benchmark 3.2.2",
		find:   leaking("configmaps", "config maps are recorded with their content"),
	},
	{
		ID: "list-bodies", Family: "credentials", Severity: Info,
		Title:  "lists are recorded with all that they list",
		Why:    "at RequestResponse each list, such as get pods -A, puts every object into one event: megabytes, held in memory several times. Events of a watch are never recorded",
		Remedy: "put a rule in front: level Metadata for the verbs get, list and watch",
		Source: "kubernetes/kubernetes#131720; " + bodySource,
		find:   listBodies,
	},
}

// leaking finds the rules by which what a topic is about is recorded with a
// credential in a body.
func leaking(topic, what string) func(*subject) []Finding {
	return func(s *subject) []Finding {
		var found []Finding
		for _, v := range firstByRule(s.verdicts(topic), verdict.leaks) {
			found = append(found, s.decidedAt(v, fmt.Sprintf("%s by %s, such as %s", what, ruleNumber(v.rule), v.said())))
		}
		return found
	}
}

// leaks says whether a body with the object is recorded. What is sent with a
// deletion are options; what comes back may be the object. A watch is recorded
// without its events.
func (v verdict) leaks() bool {
	sent := []string{"create", "update", "patch"}
	switch verb := v.verbs[0]; {
	case verb == "watch" || v.effect.Level.Less(audit.LevelRequest):
		return false
	case v.effect.Level == audit.LevelRequestResponse:
		return true
	default:
		return slices.Contains(sent, verb) && v.topic != "tokens"
	}
}

func listBodies(s *subject) []Finding {
	big := func(v verdict) bool { return v.verbs[0] == "list" && v.effect.Level == audit.LevelRequestResponse }
	var found []Finding
	// what everybody lists makes the better example
	all := append(s.verdicts("pods", "deployments", "secrets", "configmaps"), s.verdicts("lists")...)
	for _, v := range firstByRule(all, big) {
		found = append(found, s.decidedAt(v, fmt.Sprintf("%s records lists with all that they list, such as %s", ruleNumber(v.rule), v.said())))
	}
	return found
}
