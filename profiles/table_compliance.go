// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

// compliance are the profiles that follow a text which says what a policy has to
// do, and not a policy.
var compliance = []Profile{
	{
		Name:  "cis",
		Title: "what CIS 3.2.2 asks for, clause by clause",
		Purpose: "For those who are assessed by the CIS Kubernetes Benchmark and want each clause of 3.2.2 to be a rule to point at. " +
			"Nothing is dropped; for an audit log to work with take recommended, which meets the clauses too.",
		Source: "CIS Kubernetes Benchmark 3.2.2, as in github.com/aquasecurity/kube-bench v0.12.0 cfg/cis-1.10/controlplane.yaml",
		Cost:   Medium,
		Blind: []string{
			"what was changed, but for pods and deployments: no bodies of RBAC, stateful sets, jobs or network policies",
			"pods that controllers make of other workloads are seen as the pods that they are, not as what their owner said",
			"what was read or answered",
			"the content of an exec, attach or port-forward session, of which only the start and the end are in the log",
		},
		Exposes: []string{
			"bodies of changes to pods and deployments, so a password that someone put into a pod's environment in clear is in the log",
			urls,
		},
		Mended: []string{
			"requests for service account tokens are at Metadata as well, though the text names secrets, config maps and token reviews only",
			"pods/attach is kept to its facts like pods/exec, which the text names",
			"the status of pods, as kubelets report it, is no modification of a pod here and comes without its body",
		},
		EventsPerRequest: Estimate{
			Value:  1.1,
			Reason: kept + "; no request is dropped",
			Source: "k8s.io/apiserver v0.37.1 pkg/endpoints/filters/audit.go; the share of long-running requests is assumed",
		},
		BytesPerEvent: Estimate{
			Value:  1300,
			Reason: "1 in 20 events a change of a pod or a deployment with a body of 2750 bytes, the others 1200 bytes: 0.05 x 2750 + 0.95 x 1200 = 1278, rounded up",
			Source: sizesSource + "; the share of changes is assumed",
		},
	},
	{
		Name:  "stig",
		Title: "every request with both bodies, but for credentials",
		Purpose: "For those who are assessed by DISA's Kubernetes STIG, which asks for every request at RequestResponse (V-242403). " +
			"It deviates where the letter would put every secret into the log; the deviations are for the checklist.",
		Source: "DISA Kubernetes STIG V2R6, V-242403 (CNTR-K8-000700), check and fix text: one rule, level RequestResponse",
		Cost:   High,
		Blind: []string{
			"what was in a secret, a config map or a token request: an assessor who goes by the letter has to accept this",
			"a request whose server died before it answered, since RequestReceived is omitted",
			"bodies of aggregated APIs, what a watch delivered, and the content of an exec, attach or port-forward session, which no level records",
		},
		Exposes: []string{
			"everything that anyone reads or writes but secrets, config maps and tokens, lists of whole clusters too: pods with their environment, and custom resources with whatever is in them",
			urls,
		},
		Mended: []string{
			"secrets, config maps, token reviews and requests for tokens are at Metadata, where the letter of the text would write them down; CIS 3.2.2 forbids that",
			"RequestReceived is omitted: the event at the end of a request says the same, and the result that the text asks for besides",
			managed,
		},
		EventsPerRequest: Estimate{
			Value:  1.1,
			Reason: kept + "; no request is dropped",
			Source: "k8s.io/apiserver v0.37.1 pkg/endpoints/filters/audit.go; the share of long-running requests is assumed",
		},
		BytesPerEvent: Estimate{
			Value:  4100,
			Reason: "1 in 5 events a lease of 1950 bytes, 1 in 4 a probe of 700 bytes, 1 in 3 with both bodies of 9500 bytes, the others watches and credentials of 1250 bytes: 0.21 x 1950 + 0.25 x 700 + 0.34 x 9500 + 0.2 x 1250 = 4065, rounded up, more with lists of many pods",
			Source: mixSource,
		},
	},
}
