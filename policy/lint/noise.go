// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

var noiseChecks = []Check{
	{
		ID: "health-noise", Family: "noise", Severity: Info,
		Title:  "health probes are recorded",
		Why:    "kubelets and load balancers ask /healthz, /livez or /readyz every few seconds, and the answer is nobody's business",
		Remedy: "put a rule in front: level None, verbs [get], userGroups [system:authenticated, system:unauthenticated], nonResourceURLs [/healthz, /livez, /readyz]",
		Source: "profile recommended; openshift/library-go pkg/operator/apiserver/audit",
		find:   healthNoise,
	},
	{
		ID: "lease-noise", Family: "noise", Severity: Info,
		Title:  "heartbeats of nodes are recorded",
		Why:    "each node renews its lease every ten seconds, which in a quiet cluster is most of the log",
		Remedy: "put a rule in front: level None, userGroups [system:nodes], verbs [get, update], namespaces [kube-node-lease], leases in coordination.k8s.io",
		Source: "profile recommended; k8s.io/kubernetes pkg/kubelet/apis/config",
		find:   leaseNoise,
	},
	{
		ID: "missing-groups", Family: "noise", Severity: Info,
		Title:  "a list of API groups that lacks some which the version serves",
		Why:    "a list of all groups was complete for the minor it was written for; groups that came later fall to the rules behind, mostly with less detail. Only groups are meant that the policy names nowhere",
		Remedy: "add them, if what is in them should be recorded like the others",
		Source: "kubernetes/kubernetes cluster/gce/gci/configure-helper.sh, whose list is of 1.13; package apiserver",
		find:   missingGroups,
	},
}

// anonymous and kubelet are who sends what fills a log.
var (
	anonymous = &user.DefaultInfo{Name: user.Anonymous, Groups: []string{user.AllUnauthenticated}}
	kubelet   = &user.DefaultInfo{Name: "system:node:node-1", Groups: []string{user.NodesGroup, user.AllAuthenticated}}
)

// healthNoise puts the probes of kubelets and load balancers, which do not log
// in, to the evaluator.
func healthNoise(s *subject) []Finding {
	if s.policy == nil {
		return nil
	}
	byRule := map[int][]string{}
	for _, path := range []string{"/healthz", "/livez", "/readyz"} {
		d := s.policy.Evaluate(authorizer.AttributesRecord{User: anonymous, Verb: "get", Path: path})
		if d.Effect().Level != audit.LevelNone {
			byRule[d.Rule] = append(byRule[d.Rule], path)
		}
	}
	var found []Finding
	for _, rule := range slices.Sorted(maps.Keys(byRule)) {
		found = append(found, s.at(rulePath(rule)+".level", fmt.Sprintf("%s records health probes of %s", ruleNumber(rule), and(byRule[rule])), ""))
	}
	return found
}

func leaseNoise(s *subject) []Finding {
	if s.policy == nil {
		return nil
	}
	d := s.policy.Evaluate(authorizer.AttributesRecord{
		User: kubelet, Verb: "update", ResourceRequest: true, APIGroup: "coordination.k8s.io", Resource: "leases", Namespace: "kube-node-lease", Name: "node-1",
	})
	if d.Effect().Level == audit.LevelNone {
		return nil
	}
	return []Finding{s.at(rulePath(d.Rule)+".level", ruleNumber(d.Rule)+" records the heartbeats of nodes, which update their leases in kube-node-lease", "")}
}

// longList is from how many whole groups on a rule is taken for a list of all.
const longList = 8

// missingGroups looks at rules with a list of whole groups. Two with the same list
// are reported once.
func missingGroups(s *subject) []Finding {
	named := map[string]bool{"*": true}
	s.groups(func(_ string, _ int, g auditv1.GroupResources) { named[g.Group] = true })
	var missing []string
	for _, r := range s.version.Resources() {
		if r.ByDefault && !named[r.Group] && !slices.Contains(missing, r.Group) {
			missing = append(missing, r.Group)
		}
	}
	var found []Finding
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		whole := 0
		for _, g := range r.Resources {
			if len(g.Resources) == 0 && slices.Contains(s.served.Groups(), g.Group) {
				whole++
			}
		}
		if whole < longList || len(missing) == 0 || len(found) > 0 {
			return
		}
		what := fmt.Sprintf("%s lists groups, but not %s, which kube-apiserver %s serves too", ruleNumber(i), and(missing), s.version)
		found = append(found, s.atKey(path, "resources", what))
	})
	return found
}
