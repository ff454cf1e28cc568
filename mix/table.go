// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package mix

import "slices"

// Who asks. A node, an operator and a person stand for all of their kind.
const (
	anonymous = "system:anonymous"
	server    = "system:apiserver"
	manager   = "system:kube-controller-manager"
	scheduler = "system:kube-scheduler"
	node      = "system:node:n1"
	app       = "system:serviceaccount:shop:operator"
	admin     = "kubernetes-admin"
)

// table is every class. What belongs together stands together; the first four
// groups are the noise of [Talos], which are 76 % of all requests.
var table = slices.Concat(heartbeats, probes, nodes, endpoints, pods, configuration, watches, discovery, workloads, others)
