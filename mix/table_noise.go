// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package mix

// heartbeats are the leases, 23 % of all requests in the public measurement.
var heartbeats = []Class{
	{
		Name: "node lease renewed", Share: 0.03,
		User: node, Verb: "update", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Namespace: "kube-node-lease", Object: "n1",
		Bytes: Bytes{Metadata: 1052, Request: 863, RequestManaged: 346, Response: 864, ResponseManaged: 346}, Measured: true,
		Why: "each kubelet every 10 s, without reading first (k8s.io/component-helpers apimachinery/lease); leases written are 46 of 570 in the measurement",
	},
	{
		Name: "control plane lease renewed", Share: 0.024,
		User: manager, Verb: "update", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Namespace: "kube-system", Object: "kube-controller-manager",
		Bytes: Bytes{Metadata: 1192, Request: 750, RequestManaged: 298, Response: 751, ResponseManaged: 298}, Measured: true,
		Why: "scheduler and controller manager every 2 s each, without reading first since 1.30 (k8s.io/client-go tools/leaderelection)",
	},
	{
		Name: "API server lease renewed", Share: 0.003,
		User: server, Verb: "update", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Namespace: "kube-system", Object: "apiserver-x2m4",
		Bytes: Bytes{Metadata: 964, Request: 1031, RequestManaged: 425, Response: 1032, ResponseManaged: 425}, Measured: true,
		Why: "each API server every 10 s, as measured",
	},
	{
		Name: "operator lease renewed", Share: 0.024,
		User: app, Verb: "update", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Namespace: "shop", Object: "operator.example.com",
		Bytes: Bytes{Metadata: 1502, Request: 756, RequestManaged: 287, Response: 757, ResponseManaged: 287}, Measured: true,
		Why: "leader election of operators, drivers and ingress controllers every 2 to 5 s each; what is left of the 46 of 570",
	},
	{
		Name: "control plane lease read", Share: 0.05,
		User: scheduler, Verb: "get", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Namespace: "kube-system", Object: "kube-scheduler",
		Bytes: Bytes{Metadata: 1161, Response: 742, ResponseManaged: 294}, Measured: true,
		Why: "scheduler and controller manager in waiting on the other control-plane nodes every 2 to 4 s, and the leaders before 1.30; leases read are 86 of 570 in the measurement",
	},
	{
		Name: "operator lease read", Share: 0.101,
		User: app, Verb: "get", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Namespace: "shop", Object: "operator.example.com",
		Bytes: Bytes{Metadata: 1429, Response: 757, ResponseManaged: 287}, Measured: true,
		Why: "operators that read before they write, and their replicas in waiting; what is left of the 86 of 570",
	},
}

// probes, nodes and endpoints are, with the leases, the 76 % that the measurement
// names as noise. How much of it is which is reasoned.
var probes = []Class{
	{
		Name: "readiness probe", Share: 0.15,
		User: anonymous, Verb: "get", Path: "/readyz",
		Bytes: Bytes{Metadata: 693}, Measured: true,
		Why: "the kubelet every second since kubeadm has that probe (cmd/kubeadm/app/util/staticpod): 1 in 7 of an API server with 7 requests/s, as measured",
	},
	{
		Name: "liveness probe", Share: 0.02,
		User: anonymous, Verb: "get", Path: "/livez",
		Bytes: Bytes{Metadata: 692}, Measured: true,
		Why: "the kubelet every 10 s",
	},
	{
		Name: "readiness asked by a load balancer", Share: 0.05,
		User: anonymous, Verb: "get", Path: "/readyz",
		Bytes: Bytes{Metadata: 696}, Measured: true,
		Why: "each load balancer every 2 to 10 s",
	},
	{
		Name: "health asked the old way", Share: 0.037,
		User: anonymous, Verb: "get", Path: "/healthz",
		Bytes: Bytes{Metadata: 697}, Measured: true,
		Why: "load balancers and monitoring set up before /readyz was there",
	},
}

var nodes = []Class{
	{
		Name: "node read by its kubelet", Share: 0.055,
		User: node, Verb: "get", Version: "v1", Resource: "nodes", Object: "n1",
		Bytes: Bytes{Metadata: 840, Response: 9240, ResponseManaged: 2065}, Measured: true,
		Why: "each kubelet every 10 s up to 1.33 or so; later ones look into their cache (pkg/kubelet/kubelet_node_status.go, 1.30 against 1.34)",
	},
	{
		Name: "node read by an agent", Share: 0.05,
		User: "system:serviceaccount:kube-system:calico-node", Verb: "get", Version: "v1", Resource: "nodes", Object: "n1",
		Bytes: Bytes{Metadata: 1330, Response: 9240, ResponseManaged: 2065}, Measured: true,
		Why: "network and storage agents on each node, cloud controllers",
	},
	{
		Name: "nodes listed", Share: 0.01,
		User: "system:serviceaccount:monitoring:prometheus", Verb: "list", Version: "v1", Resource: "nodes",
		Bytes: Bytes{Metadata: 1350, Response: 92000, ResponseManaged: 20600, Largest: 180000}, Measured: true,
		Why: "monitoring and operators; ten nodes",
	},
	{
		Name: "node status reported", Share: 0.02,
		User: node, Verb: "patch", Version: "v1", Resource: "nodes", Subresource: "status", Object: "n1",
		Bytes: Bytes{Metadata: 899, Request: 700, Response: 9160, ResponseManaged: 2020}, Measured: true,
		Why: "each kubelet every 5 min, and whenever something changed",
	},
	{
		Name: "nodes and services watched by a node", Share: 0.01, Kind: LongRunning,
		User: node, Verb: "watch", Version: "v1", Resource: "nodes", Object: "n1",
		Bytes: Bytes{Metadata: 960}, Measured: true,
		Why: "five watches of each kubelet, made anew every 5 to 10 min",
	},
}

var endpoints = []Class{
	{
		Name: "endpoints read by the API server", Share: 0.02,
		User: server, Verb: "get", Version: "v1", Resource: "endpoints", Namespace: "default", Object: "kubernetes",
		Bytes: Bytes{Metadata: 816, Response: 620, ResponseManaged: 240}, Measured: true,
		Why: "each API server every 10 s, for its own service: 1.5 % as measured, and more in a quieter cluster",
	},
	{
		Name: "endpoint slices read by the API server", Share: 0.02,
		User: server, Verb: "get", Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices", Namespace: "default", Object: "kubernetes",
		Bytes: Bytes{Metadata: 849, Response: 728, ResponseManaged: 276}, Measured: true,
		Why: "as with endpoints",
	},
	{
		Name: "endpoints written", Share: 0.02,
		User: "system:serviceaccount:kube-system:endpoint-controller", Verb: "update", Version: "v1", Resource: "endpoints", Namespace: "shop", Object: "web",
		Bytes: Bytes{Metadata: 1309, Request: 1016, Response: 1337, ResponseManaged: 320}, Measured: true,
		Why: "whenever a pod behind a service comes, goes or changes its readiness; 3 % as measured, with rollouts",
	},
	{
		Name: "endpoint slices written", Share: 0.02,
		User: "system:serviceaccount:kube-system:endpointslice-controller", Verb: "update", Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices", Namespace: "shop", Object: "web-x2m4",
		Bytes: Bytes{Metadata: 1372, Request: 1842, Response: 2368, ResponseManaged: 514}, Measured: true,
		Why: "as with endpoints",
	},
	{
		Name: "endpoints read by an operator", Share: 0.022,
		User: app, Verb: "get", Version: "v1", Resource: "endpoints", Namespace: "shop", Object: "web",
		Bytes: Bytes{Metadata: 1350, Response: 1200, ResponseManaged: 280}, Measured: true,
		Why: "ingress controllers and monitoring; leader election of old",
	},
	{
		Name: "endpoint slices watched", Share: 0.024, Kind: LongRunning,
		User: "system:serviceaccount:kube-system:kube-proxy", Verb: "watch", Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices",
		Bytes: Bytes{Metadata: 1450}, Measured: true,
		Why: "kube-proxy on each node, name servers and ingress controllers, services among it",
	},
}
