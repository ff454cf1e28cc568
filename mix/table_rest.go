// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package mix

// pods are what kubelets, controllers and people do to pods.
var pods = []Class{
	{
		Name: "pod read by its kubelet", Share: 0.013,
		User: node, Verb: "get", Version: "v1", Resource: "pods", Namespace: "shop", Object: "web-1",
		Bytes: Bytes{Metadata: 904, Response: 7700, ResponseManaged: 3080}, Measured: true,
		Why: "before each status that it reports",
	},
	{
		Name: "pod status reported", Share: 0.013,
		User: node, Verb: "patch", Version: "v1", Resource: "pods", Subresource: "status", Namespace: "shop", Object: "web-1",
		Bytes: Bytes{Metadata: 934, Request: 1875, Response: 8996, ResponseManaged: 3617}, Measured: true,
		Why: "a few for each start and end of a pod, and with each change of readiness",
	},
	{
		Name: "pods listed by label", Share: 0.013,
		User: app, Verb: "list", Version: "v1", Resource: "pods", Namespace: "shop",
		Bytes: Bytes{Metadata: 1372, Response: 26900, ResponseManaged: 10860, Largest: 100000}, Measured: true,
		Why: "operators and autoscalers; a few pods as measured",
	},
	{
		Name: "all pods listed", Share: 0.001,
		User: "system:serviceaccount:monitoring:prometheus", Verb: "list", Version: "v1", Resource: "pods",
		Bytes: Bytes{Metadata: 1350, Response: 830000, ResponseManaged: 344000, Largest: 830000}, Measured: true,
		Why: "monitoring and backup as they start, people; a hundred pods. Public samples have single events of 220 and 490 KB",
	},
	{
		Name: "pod made", Share: 0.004,
		User: "system:serviceaccount:kube-system:replicaset-controller", Verb: "create", Version: "v1", Resource: "pods", Namespace: "shop",
		Bytes: Bytes{Metadata: 1247, Request: 2717, Response: 6318, ResponseManaged: 2587}, Measured: true,
		Why: "rollouts and jobs; its binding among it",
	},
	{
		Name: "pod deleted", Share: 0.003,
		User: "system:serviceaccount:kube-system:replicaset-controller", Verb: "delete", Version: "v1", Resource: "pods", Namespace: "shop", Object: "web-1",
		Bytes: Bytes{Metadata: 1246, Request: 79, Response: 9060, ResponseManaged: 3620}, Measured: true,
		Why: "once for each pod, and once more by its kubelet",
	},
	{
		Name: "event of a node", Share: 0.012,
		User: node, Verb: "create", Version: "v1", Resource: "events", Namespace: "shop",
		Bytes: Bytes{Metadata: 846, Request: 689, Response: 1237, ResponseManaged: 393}, Measured: true,
		Why: "three for each start of a pod, probes that fail, back-off; patches of the same among it",
	},
	{
		Name: "event of a controller", Share: 0.007,
		User: "system:serviceaccount:kube-system:replicaset-controller", Verb: "create", Version: "v1", Resource: "events", Namespace: "shop",
		Bytes: Bytes{Metadata: 1230, Request: 628, Response: 1078, ResponseManaged: 337}, Measured: true,
		Why: "one or two for each change",
	},
}

var configuration = []Class{
	{
		Name: "config map watched by a kubelet", Share: 0.012, Kind: LongRunning,
		User: node, Verb: "watch", Version: "v1", Resource: "configmaps", Namespace: "shop", Object: "config",
		Bytes: Bytes{Metadata: 1040}, Measured: true,
		Why: "one for each config map and secret that a pod on the node uses, made anew every 5 to 10 min",
	},
	{
		Name: "config map read", Share: 0.011,
		User: app, Verb: "get", Version: "v1", Resource: "configmaps", Namespace: "shop", Object: "config",
		Bytes: Bytes{Metadata: 1355, Response: 1681, ResponseManaged: 186}, Measured: true,
		Why: "operators and controllers",
	},
	{
		Name: "secret read", Share: 0.008,
		User: app, Verb: "get", Version: "v1", Resource: "secrets", Namespace: "shop", Object: "db",
		Bytes: Bytes{Metadata: 1341, Response: 2470, ResponseManaged: 204}, Measured: true,
		Why: "operators, certificate managers and ingress controllers",
	},
	{
		Name: "config map written", Share: 0.002,
		User: app, Verb: "update", Version: "v1", Resource: "configmaps", Namespace: "shop", Object: "config",
		Bytes: Bytes{Metadata: 1420, Request: 1695, RequestManaged: 192, Response: 1699, ResponseManaged: 195}, Measured: true,
		Why: "operators that keep a state there",
	},
	{
		Name: "token asked for a pod", Share: 0.005,
		User: node, Verb: "create", Version: "v1", Resource: "serviceaccounts", Subresource: "token", Namespace: "shop", Object: "default",
		Bytes: Bytes{Metadata: 1012, Request: 325, Response: 2001, ResponseManaged: 300}, Measured: true,
		Why: "once for each pod, and again after 48 min",
	},
	{
		Name: "token reviewed", Share: 0.005,
		User: node, Verb: "create", Group: "authentication.k8s.io", Version: "v1", Resource: "tokenreviews",
		Bytes: Bytes{Metadata: 881, Request: 1034, Response: 1257, ResponseManaged: 192}, Measured: true,
		Why: "kubelets and agents that are scraped, every 2 min for each token",
	},
	{
		Name: "access reviewed", Share: 0.007,
		User: node, Verb: "create", Group: "authorization.k8s.io", Version: "v1", Resource: "subjectaccessreviews",
		Bytes: Bytes{Metadata: 895, Request: 549, Response: 934, ResponseManaged: 385}, Measured: true,
		Why: "as with token reviews, every 5 min for each path",
	},
}

var watches = []Class{
	{
		Name: "watch of a controller manager", Share: 0.012, Kind: LongRunning,
		User: manager, Verb: "watch", Group: "apps", Version: "v1", Resource: "replicasets",
		Bytes: Bytes{Metadata: 1180}, Measured: true,
		Why: "some fifty kinds, schedulers with another twenty, each made anew every 5 to 10 min",
	},
	{
		Name: "watch of an API server", Share: 0.011, Kind: LongRunning,
		User: server, Verb: "watch", Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings",
		Bytes: Bytes{Metadata: 930}, Measured: true,
		Why: "some forty kinds, as with the controller manager",
	},
	{
		Name: "watch of an operator", Share: 0.016, Kind: LongRunning,
		User: app, Verb: "watch", Group: "argoproj.io", Version: "v1alpha1", Resource: "applications",
		Bytes: Bytes{Metadata: 1450}, Measured: true,
		Why: "one for each kind that it follows, built-in ones among it",
	},
}

var discovery = []Class{
	{
		Name: "API groups read by a controller", Share: 0.013,
		User: "system:serviceaccount:kube-system:generic-garbage-collector", Verb: "get", Path: "/apis",
		Bytes: Bytes{Metadata: 1028, Response: 13500}, Measured: true,
		Why: "garbage collection and quota every 30 s, /api and /apis each; operators as they start, and people",
	},
	{
		Name: "OpenAPI read by the API server", Share: 0.012,
		User: server, Verb: "get", Path: "/openapi/v3",
		Bytes: Bytes{Metadata: 651}, Measured: true,
		Why: "aggregation; every 5 s as measured, which would be twice as much, but on one release only",
	},
	{
		Name: "metrics read", Share: 0.004,
		User: "system:serviceaccount:monitoring:prometheus", Verb: "get", Path: "/metrics",
		Bytes: Bytes{Metadata: 1231}, Measured: true,
		Why: "monitoring every 15 to 30 s for each API server",
	},
}

var workloads = []Class{
	{
		Name: "status of a replica set", Share: 0.01,
		User: "system:serviceaccount:kube-system:replicaset-controller", Verb: "update", Group: "apps", Version: "v1", Resource: "replicasets", Subresource: "status", Namespace: "shop", Object: "web-5d9f",
		Bytes: Bytes{Metadata: 1372, Request: 3468, Response: 6699, ResponseManaged: 3230}, Measured: true,
		Why: "several for each step of a rollout; deployments, stateful sets, daemon sets and jobs among it",
	},
	{
		Name: "deployment read", Share: 0.007,
		User: app, Verb: "get", Group: "apps", Version: "v1", Resource: "deployments", Namespace: "shop", Object: "web",
		Bytes: Bytes{Metadata: 1387, Response: 7158, ResponseManaged: 3464}, Measured: true,
		Why: "operators and deployment tools",
	},
	{
		Name: "deployment changed by a tool", Share: 0.01,
		User: "system:serviceaccount:argocd:argocd-application-controller", Verb: "patch", Group: "apps", Version: "v1", Resource: "deployments", Namespace: "shop", Object: "web",
		Bytes: Bytes{Metadata: 1450, Request: 1750, Response: 8000, ResponseManaged: 4670}, Measured: true,
		Why: "deployment tools that apply everything anew every few minutes, dry runs among it, and people",
	},
	{
		Name: "pod metrics read", Share: 0.007,
		User: "system:serviceaccount:kube-system:horizontal-pod-autoscaler", Verb: "list", Group: "metrics.k8s.io", Version: "v1beta1", Resource: "pods", Namespace: "shop",
		Bytes: Bytes{Metadata: 1250},
		Why:   "each autoscaler every 15 s, and the scale as often; an aggregated API, so without bodies",
	},
}

var others = []Class{
	{
		Name: "custom resource read", Share: 0.01,
		User: app, Verb: "get", Group: "argoproj.io", Version: "v1alpha1", Resource: "applications", Namespace: "shop", Object: "web",
		Bytes: Bytes{Metadata: 1420, Response: 3400, ResponseManaged: 1000}, Measured: true,
		Why: "operators",
	},
	{
		Name: "custom resource written", Share: 0.008,
		User: app, Verb: "update", Group: "argoproj.io", Version: "v1alpha1", Resource: "applications", Subresource: "status", Namespace: "shop", Object: "web",
		Bytes: Bytes{Metadata: 1500, Request: 3500, RequestManaged: 1110, Response: 3560, ResponseManaged: 1180}, Measured: true,
		Why: "operators that report a status",
	},
	{
		Name: "roles written", Share: 0.001,
		User: "system:serviceaccount:argocd:argocd-application-controller", Verb: "patch", Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles", Object: "reader",
		Bytes: Bytes{Metadata: 1420, Request: 2000, Response: 2800, ResponseManaged: 430}, Measured: true,
		Why: "deployment tools",
	},
	{
		Name: "list by a person", Share: 0.002,
		User: admin, Verb: "list", Group: "apps", Version: "v1", Resource: "deployments", Namespace: "shop",
		Bytes: Bytes{Metadata: 990, Response: 70000, ResponseManaged: 57000, Largest: 145000}, Measured: true,
		Why: "people looking around; tables, which are mostly managed fields",
	},
	{
		Name: "command or log of a pod", Share: 0.0005, Kind: LongRunning,
		User: admin, Verb: "get", Version: "v1", Resource: "pods", Subresource: "log", Namespace: "shop", Object: "web-1",
		Bytes: Bytes{Metadata: 1030},
		Why:   "people; exec among it",
	},
	{
		Name: "failed login", Share: 0.0005, Kind: FailedLogin,
		Verb: "list", Version: "v1", Resource: "pods",
		Bytes: Bytes{Metadata: 620, Response: 146}, Measured: true,
		Why: "tokens and certificates that have run out, and strangers",
	},
}
