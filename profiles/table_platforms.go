// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

// machineConfig is the fault of two of OpenShift's profiles.
const machineConfig = "the source misspells resources for machineconfiguration.openshift.io, so that kube-apiserver reads the whole group; the whole group is what is written here, and every decision is the same"

// openshiftDrops is why OpenShift's profiles have an event for nearly each request.
const openshiftDrops = kept + ", so 1.1; less a quarter of all requests, discovery and health probes, gives 0.82, rounded up; it drops neither leases nor events"

// platforms are the profiles of distributions and of the documentation.
var platforms = []Profile{
	{
		Name:  "gce",
		Title: "the policy most installers started from",
		Purpose: "For those who have it and want to keep it, or whose tools expect the answers to changes as well. " +
			"It is older than leases, endpoint slices and /livez, and logs them all.",
		Source: "k8s.io/kubernetes v1.37.1 cluster/gce/gci/configure-helper.sh, function create-master-audit-policy",
		Cost:   Medium,
		Blind: []string{
			"events of the core group, by anyone: deleting them leaves no trace",
			"/healthz and what begins with it, /version and /swagger, even for a failed login",
			"get on nodes by nodes, and config maps of kube-system read or written by a user named cluster-autoscaler",
			"answers to reads",
			"bodies of groups that came after it: coordination, discovery, events, flowcontrol, resource and custom resources",
		},
		Exposes: []string{
			"bodies of changes and of the answers to them, so a password that someone put into a pod's environment in clear is in the log twice",
			urls,
		},
		Mended: []string{managed + "; levels and stages are those of the source"},
		EventsPerRequest: Estimate{
			Value:  0.9,
			Reason: kept + ", so 1.1; it drops /healthz, core events and some reads by nodes, of which current clusters have few, and no leases",
			Source: talos + "; leases alone are 23 % of it and stay here",
		},
		BytesPerEvent: Estimate{
			Value:  1400,
			Reason: "1 in 17 events a change with both bodies of 5200 bytes, 1 in 30 one with what was sent of 2200 bytes, 1 in 4 a probe of 710 bytes, the others 1260 bytes, leases among them: 0.06 x 5200 + 0.03 x 2200 + 0.25 x 710 + 0.66 x 1260 = 1387",
			Source: mixSource,
		},
	},
	{
		Name:  "alibaba",
		Title: "the policy of Alibaba Cloud's ACK",
		Purpose: "For clusters that are registered with ACK, or moved from it, and should log as they did there. " +
			"It is gce with fewer rules and without the newer groups.",
		Source: "Alibaba Cloud documentation of ACK, pages use-cluster-auditing-in-registered-clusters and work-with-cluster-auditing, as of 2026; v1beta1 below 1.24 there",
		Cost:   Medium,
		Blind: []string{
			"events of the core group, by anyone: deleting them leaves no trace",
			"/healthz and what begins with it, /version and /swagger, even for a failed login",
			"get on nodes by nodes; endpoints of kube-system read or written by the control plane, namespaces read by the API server",
			"answers to reads",
			"bodies of coordination, discovery, events, flowcontrol, apiextensions, metrics and custom resources",
		},
		Exposes: []string{
			"bodies of changes and of the answers to them, so a password that someone put into a pod's environment in clear is in the log twice",
			urls,
		},
		Mended: []string{
			"requests for service account tokens are at Metadata; the source writes the tokens into the log",
			managed,
		},
		EventsPerRequest: Estimate{
			Value:  0.9,
			Reason: kept + ", so 1.1; it drops /healthz, core events and some reads by nodes, of which current clusters have few, and no leases",
			Source: talos + "; leases alone are 23 % of it and stay here",
		},
		BytesPerEvent: Estimate{
			Value:  1600,
			Reason: "1 in 11 events a change with both bodies of 6500 bytes, 1 in 4 a probe of 710 bytes, the others 1260 bytes, leases among them: 0.09 x 6500 + 0.25 x 710 + 0.66 x 1260 = 1594",
			Source: mixSource,
		},
	},
	{
		Name:  "openshift-default",
		Title: "OpenShift's profile Default: every request, without bodies",
		Purpose: "For those who come from OpenShift, or run both, and want the same records. " +
			"Elsewhere it is metadata without probes and discovery.",
		Source: "github.com/openshift/library-go v0.0.0-20260721103755-0c9fbc9f043a pkg/operator/apiserver/audit/manifests, base-policy.yaml and default-rules.yaml",
		Cost:   Medium,
		Blind: []string{
			"discovery by anyone who is let in, and any path that begins with /api; the probes /healthz, /readyz and /livez without what is behind them",
			"how often which API is used, as the API server of OpenShift counts it",
			"what was changed into what: there are no bodies, but of logins through OpenShift",
		},
		Exposes: []string{
			"identities and OAuth tokens of OpenShift as they are made, with the hash that a token's object is named after",
			urls,
		},
		EventsPerRequest: Estimate{
			Value:  0.85,
			Reason: openshiftDrops,
			Source: mixSource,
		},
		BytesPerEvent: Estimate{
			Value:  1200,
			Reason: "nearly every event is at Metadata",
			Source: sizesSource,
		},
	},
	{
		Name:  "openshift-write-bodies",
		Title: "OpenShift's profile WriteRequestBodies: changes with both bodies",
		Purpose: "For those who come from OpenShift with that profile and want the same records. " +
			"It writes down every lease renewal with both bodies.",
		Source: "github.com/openshift/library-go v0.0.0-20260721103755-0c9fbc9f043a pkg/operator/apiserver/audit/manifests, base-policy.yaml and writerequestbodies-rules.yaml",
		Cost:   Medium,
		Blind: []string{
			"discovery by anyone who is let in, and any path that begins with /api; the probes /healthz, /readyz and /livez without what is behind them",
			"how often which API is used, as the API server of OpenShift counts it",
			"what was read: no answers",
		},
		Exposes: []string{
			"config maps as they are written and as they were after that",
			"bodies of changes to everything else but secrets, tokens, routes, OAuth clients and machine configs, custom resources among it, with whatever is in them",
			urls,
		},
		Mended: []string{machineConfig},
		EventsPerRequest: Estimate{
			Value:  0.85,
			Reason: openshiftDrops,
			Source: mixSource,
		},
		BytesPerEvent: Estimate{
			Value:  2100,
			Reason: "1 in 6 events a change with both bodies of 5600 bytes, 1 in 10 a lease renewed with small bodies of 2200 bytes, the others 1200 bytes: 0.17 x 5600 + 0.1 x 2200 + 0.73 x 1200 = 2048, rounded up",
			Source: mixSource,
		},
	},
	{
		Name:  "openshift-all-bodies",
		Title: "OpenShift's profile AllRequestBodies: everything with both bodies",
		Purpose: "For those who come from OpenShift with that profile, and for a short look at what exactly was answered. " +
			"Nothing else here writes as much.",
		Source: "github.com/openshift/library-go v0.0.0-20260721103755-0c9fbc9f043a pkg/operator/apiserver/audit/manifests, base-policy.yaml and allrequestbodies-rules.yaml",
		Cost:   High,
		Blind: []string{
			"discovery by anyone who is let in, and any path that begins with /api; the probes /healthz, /readyz and /livez without what is behind them",
			"how often which API is used, as the API server of OpenShift counts it",
			"what a watch delivered, and the content of an exec, attach or port-forward session, which no level records",
		},
		Exposes: []string{
			"config maps whole, as written and as read, in lists of whole clusters too",
			"everything else that anyone reads or writes but secrets, tokens, routes, OAuth clients and machine configs: pods with their environment, and custom resources with whatever is in them",
			urls,
		},
		Mended: []string{machineConfig},
		EventsPerRequest: Estimate{
			Value:  0.85,
			Reason: openshiftDrops,
			Source: mixSource,
		},
		BytesPerEvent: Estimate{
			Value:  5000,
			Reason: "1 in 4 events a lease with small bodies of 1950 bytes, nearly half with both bodies of 9100 bytes, the others 1210 bytes: 0.28 x 1950 + 0.46 x 9100 + 0.26 x 1210 = 5047, more with lists of many pods",
			Source: mixSource,
		},
	},
	{
		Name:  "kubernetes-docs",
		Title: "the sample of the Kubernetes documentation",
		Purpose: "For comparing and for teaching. The sample shows what rules can do; it answers lists of pods with their bodies and " +
			"keeps changes to RBAC and to workloads as bare facts.",
		Source: "github.com/kubernetes/website content/en/examples/audit/audit-policy.yaml, as of commit 6a0114664d1b",
		Cost:   High,
		Blind: []string{
			"what was changed in apps, RBAC, admission, CRDs and every other group but the core one: Metadata only",
			"API discovery and any path that begins with /api, for anyone who is logged in",
			"config maps named controller-leader, in every namespace and by anyone, with anything in them",
			"watches of endpoints and services by a user named system:kube-proxy",
		},
		Exposes: []string{
			"pods whole, in answers to lists too, with every environment variable",
			"config maps of kube-system as they were written",
			urls,
		},
		Mended: []string{managed + "; levels and stages are those of the source"},
		EventsPerRequest: Estimate{
			Value:  1.1,
			Reason: kept + ", so 1.1; it drops discovery, and neither leases nor health probes nor events",
			Source: talos + "; leases alone are 23 % of it and stay here",
		},
		BytesPerEvent: Estimate{
			Value:  1900,
			Reason: "1 in 30 events about pods with both bodies of 24000 bytes, lists among them, 1 in 16 another change of 1900 bytes, 1 in 4 a probe of 700 bytes, the others 1220 bytes: 0.033 x 24000 + 0.06 x 1900 + 0.25 x 700 + 0.66 x 1220 = 1886, rounded up, more with lists of many pods",
			Source: mixSource,
		},
	},
}
