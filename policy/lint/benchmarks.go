// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"

	"k8s.io/apiserver/pkg/apis/audit"
)

// Benchmarks are the words that [Options.Benchmarks] may have.
func Benchmarks() []string { return []string{"cis", "stig"} }

var benchmarkChecks = []Check{
	{
		ID: "cis-3.2.2", Family: "benchmarks", Severity: Warning, Benchmark: "cis",
		Title:  "CIS 3.2.2: the policy does not cover the key concerns",
		Why:    "the benchmark wants secrets, config maps and token reviews at Metadata and no higher, and changes of pods and deployments and the use of exec, port forwarding and proxies recorded",
		Remedy: "auditsetup profiles show cis, or put such rules in front",
		Source: cisSource,
		find:   cisConcerns,
	},
	{
		ID: "stig-v-242403", Family: "benchmarks", Severity: Warning, Benchmark: "stig",
		Title:  "STIG V-242403: not everything is recorded with bodies",
		Why:    "the fix text asks for every request at RequestResponse. Secrets, config maps and tokens at Metadata are passed over here: taken literally, the text would have them all in the log, and CIS 3.2.2 forbids it. Write that deviation down",
		Remedy: "auditsetup profiles show stig",
		Source: "DISA Kubernetes STIG V2R6, V-242403 (CNTR-K8-000700)",
		find:   stigLevel,
	},
}

func cisConcerns(s *subject) []Finding {
	much := func(v verdict) bool { return v.leaks() }
	unseen := func(v verdict) bool {
		return v.by.ordinary && v.effect.Level == audit.LevelNone && (v.topic != "pods" && v.topic != "deployments" || v.verbs[0] != "list")
	}
	var found []Finding
	for _, v := range firstByRule(s.verdicts("secrets", "configmaps", "reviews"), much) {
		found = append(found, s.decidedAt(v, "CIS 3.2.2: recorded with content: "+v.said()))
	}
	for _, v := range firstByRule(s.verdicts("secrets", "configmaps", "reviews", "pods", "deployments", "exec", "portforward", "proxy"), unseen) {
		found = append(found, s.decidedAt(v, "CIS 3.2.2: not recorded: "+v.said()))
	}
	return found
}

// stigLevel passes over what may be a credential, and over requests for paths.
func stigLevel(s *subject) []Finding {
	below := func(v verdict) bool { return v.by.ordinary && v.effect.Level != audit.LevelRequestResponse }
	var found []Finding
	for _, v := range firstByRule(s.verdicts("pods", "deployments", "rbac", "exec", "portforward", "proxy", "leases"), below) {
		found = append(found, s.decidedAt(v, fmt.Sprintf("STIG V-242403: recorded at %s: %s", v.effect.Level, v.said())))
	}
	return found
}
