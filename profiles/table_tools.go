// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

// tools are the profiles that give one tool what it needs.
var tools = []Profile{
	{
		Name:  "falco",
		Title: "what Falco's rules for audit events look at",
		Purpose: "For a webhook or a file that Falco's k8saudit plugin reads: the rules shipped with it need bodies of pods, config maps and roles. " +
			"As an archive it is loud and holds config maps.",
		Source: "github.com/falcosecurity/plugins plugins/k8saudit/configs/audit-policy.yaml, as of commit 21fe2c6aabed",
		Cost:   High,
		Blind: []string{
			"what was changed in apps other than deployments, in roles and role bindings, admission, CRDs and every other group: Metadata only",
			"API discovery and any path that begins with /api, for anyone who is logged in",
			"config maps named controller-leader, in every namespace and by anyone, with anything in them",
			"watches of endpoints and services by a user named system:kube-proxy",
		},
		Exposes: []string{
			"config maps whole, as written and as read, with the passwords that Falco is to find in them; those of kube-system as they were written",
			"pods and deployments whole, in answers to lists too, with every environment variable",
			urls,
		},
		Mended: []string{
			"deployments are recorded where they are, in the group apps; the source has them in the core group, which has none",
			managed,
		},
		EventsPerRequest: Estimate{
			Value:  1.1,
			Reason: kept + ", so 1.1; it drops discovery, and neither leases nor health probes nor events",
			Source: talos + "; leases alone are 23 % of it and stay here",
		},
		BytesPerEvent: Estimate{
			Value:  2000,
			Reason: "1 in 16 events about pods, deployments or config maps with both bodies of 15000 bytes, lists among them, 1 in 16 another change of 1900 bytes, 1 in 4 a probe of 700 bytes, the others 1210 bytes: 0.06 x 15000 + 0.06 x 1900 + 0.25 x 700 + 0.63 x 1210 = 1951, rounded up, more with lists of many pods",
			Source: mixSource,
		},
	},
	{
		Name:  "audit2rbac",
		Title: "the least that audit2rbac needs to write roles",
		Purpose: "For finding out which rights a user or a service account needs: run the work once with this policy, give the log to audit2rbac, and go back to another. " +
			"It is no policy to investigate with.",
		Source: "github.com/liggitt/audit2rbac testdata/demo-policy.yaml, as of commit 39b7d9ce2538, and what the tool reads of an event",
		Cost:   Low,
		Blind: []string{
			"nodes, the API server itself, the controller manager and the scheduler, in everything they do",
			"failed logins and requests without a login",
			"a watch that is still open, and whatever ended in a crash of its handler",
			"what was changed into what: there are no bodies",
			"health probes and API discovery by get",
		},
		Exposes: []string{urls},
		Mended: []string{
			"everyone who has logged in is recorded; the source names four users as an example",
			"nodes, the API server, the controller manager and the scheduler are dropped: their rights come with Kubernetes",
			"reads that the role system:discovery grants to everyone are dropped, as no role has to grant them",
		},
		EventsPerRequest: Estimate{
			Value:  0.5,
			Reason: "1 event for each request; 0.24 that is left without leases, health, nodes and endpoints, and at most 0.23 of leases, of which those of service accounts stay: 0.47, rounded up",
			Source: talos,
		},
		BytesPerEvent: Estimate{
			Value:  1200,
			Reason: "every event is at Metadata",
			Source: sizesSource,
		},
	},
}
