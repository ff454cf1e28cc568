// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

import "slices"

// sizesSource is where the sizes below are from. They are planning values, good
// to a factor of three either way: 1200 bytes for an event at Metadata, and for
// one at Request without a body; 2750 at Request with a body; 8000 at
// RequestResponse, with single events of hundreds of kilobytes behind that mean.
const sizesSource = "means of public sample logs (liggitt/audit2rbac, afcollins/kube-audit-log-tool, openshift/cluster-logging-operator), planning values from them"

// mixSource is where shares and sizes come from that were not guessed: the table
// of package mix, a test of which holds the estimates here to it.
const mixSource = "package mix: shares after " + talos + "; sizes measured on kube-apiserver v1.37.1"

// kept is the reason all profiles share: RequestReceived is omitted, so what is
// left of a request is one event, or two if it is long-running.
const kept = "1 event for a short request and 2 for a long-running one, of which there are at most 1 in 10"

// talos is the one public measurement of what the usual noise makes up.
const talos = "commit f7e635e3 of the home cluster laurivan/talos: 570000 events in 10 hours at Metadata, 132000 of them leases; dropping leases, health, nodes and endpoints removed 76 %"

// urls is what even an event at Metadata tells.
const urls = "the command line of an exec and the query of a proxied request, which are part of the URL"

// managed is what most profiles leave out that their source does not speak of.
const managed = "managedFields are left out of bodies from 1.23 on"

// table is every profile, in the order of presentation: for most clusters; for
// those who have to meet a rule book; for the sake of a tool; and what others
// run, to be kept or to be compared with.
var table = slices.Concat(general, compliance, tools, platforms)

// general are auditsetup's own.
var general = []Profile{
	{
		Name:  "recommended",
		Title: "every change and every use of a credential, without the noise",
		Purpose: "For most clusters: what an investigation asks for first, at a volume that can be kept for months. " +
			"Changes to built-in resources come with what was sent, reads as facts, secrets never with their content.",
		Source: "auditsetup's own; the noise as measured in public, the resources as in Kubernetes 1.37 and before",
		Cost:   Low,
		Blind: []string{
			"health probes, and API discovery by anyone who is logged in",
			"lease renewals by nodes, the control plane and service accounts; whoever else renews a node's lease or the control plane's is logged",
			"cluster events written by nodes, the control plane and service accounts; events read or deleted are logged",
			"a node's own status, and watches of nodes, services, runtime classes and CSI drivers by nodes",
			"watches by the control plane's components, which whoever took over a control plane could use unseen, though not of secrets and config maps",
			"endpoints and endpoint slices as the control plane's own controllers write them",
			"metrics read by service accounts, what the horizontal autoscaler and the API server itself read, and watches by the service proxy",
			"what people do to leases and cluster events through a proxy that impersonates them as a service account: rules see the account",
			"the content of an exec, attach or port-forward session, of which only the start is in the log",
			"what was read: no answers, except to changes of RBAC, admission and certificate requests",
			"bodies of custom resources and of aggregated APIs",
		},
		Exposes: []string{
			"bodies of changes to built-in resources, so a password that someone put into a pod's environment in clear is in the log",
			urls,
		},
		EventsPerRequest: Estimate{
			Value:  0.3,
			Reason: kept + ", so 1.1; times 0.24 that is left without leases, health, nodes and endpoints gives 0.26, rounded up",
			Source: talos,
		},
		BytesPerEvent: Estimate{
			Value:  1600,
			Reason: "1 in 4 events a change with a body of 2750 bytes, the others 1200 bytes: 0.25 x 2750 + 0.75 x 1200 = 1588",
			Source: sizesSource + "; the share of changes is assumed",
		},
	},
	{
		Name:  "metadata",
		Title: "every request, nothing of what was in it",
		Purpose: "For those who must be able to say that nothing was left out, and to start with: one rule, no content, nothing confidential. " +
			"It is loud, as each heartbeat is in it.",
		Source: "auditsetup's own; the one-rule policy that the Kubernetes documentation shows under \"Auditing\", less RequestReceived",
		Cost:   Medium,
		Blind: []string{
			"what was changed into what: there are no bodies",
			"a request whose server died before it answered, since RequestReceived is omitted",
			"the content of an exec, attach or port-forward session, of which only the start and the end are in the log",
		},
		Exposes: []string{urls},
		EventsPerRequest: Estimate{
			Value:  1.1,
			Reason: kept + "; no request is dropped",
			Source: "k8s.io/apiserver v0.37.1 pkg/endpoints/filters/audit.go; the share of long-running requests is assumed",
		},
		BytesPerEvent: Estimate{
			Value:  1200,
			Reason: "every event is at Metadata",
			Source: sizesSource,
		},
	},
}
