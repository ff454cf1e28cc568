// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/policy"
)

// Deed is a kind of request by which audit policies are told apart, and what
// a policy writes of it.
type Deed struct {
	// What is a few words, such as "exec into a pod".
	What string
	// Level is None when nothing is written.
	Level audit.Level
}

// deeds are what an investigation asks for first, and at the end what only
// costs space. All but the last are done by a person.
var deeds = []struct {
	what string
	by   *user.DefaultInfo
	authorizer.AttributesRecord
}{
	{"exec into a pod", person, on("create", "", "pods", "exec")},
	{"port-forward to a pod", person, on("create", "", "pods", "portforward")},
	{"secret read", person, on("get", "", "secrets", "")},
	{"secret written", person, on("update", "", "secrets", "")},
	{"token requested", person, on("create", "", "serviceaccounts", "token")},
	{"rights changed", person, on("patch", "rbac.authorization.k8s.io", "rolebindings", "")},
	{"workload changed", person, on("patch", "apps", "deployments", "")},
	{"pod deleted", person, on("delete", "", "pods", "")},
	{"network policy changed", person, on("update", "networking.k8s.io", "networkpolicies", "")},
	{"custom resource changed", person, on("update", "example.com", "widgets", "")},
	{"pods listed", person, on("list", "", "pods", "")},
	{"pod log read", person, on("get", "", "pods", "log")},
	{"anonymous request", &user.DefaultInfo{Name: user.Anonymous, Groups: []string{user.AllUnauthenticated}}, on("list", "", "secrets", "")},
	{"controller's write", &user.DefaultInfo{Name: "system:serviceaccount:kube-system:replicaset-controller",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", user.AllAuthenticated}}, on("create", "", "pods", "")},
	{"node's lease renewed", &user.DefaultInfo{Name: "system:node:node-1", Groups: []string{user.NodesGroup, user.AllAuthenticated}},
		on("update", "coordination.k8s.io", "leases", "")},
}

var person = &user.DefaultInfo{Name: "jane", Groups: []string{"developers", user.AllAuthenticated}}

// on is a request about one object, in a namespace of its own where that is
// what the deed is about.
func on(verb, group, resource, subresource string) authorizer.AttributesRecord {
	a := authorizer.AttributesRecord{
		Verb: verb, APIGroup: group, APIVersion: "v1", Resource: resource, Subresource: subresource,
		Namespace: "shop", Name: "example", ResourceRequest: true,
	}
	if verb == "list" {
		a.Name = ""
	}
	if resource == "leases" {
		a.Namespace = "kube-node-lease"
	}
	return a
}

// Deeds says what a policy, which must not be nil, writes of each deed, always
// in the same order.
func Deeds(p *policy.Policy) []Deed {
	found := make([]Deed, len(deeds))
	for i, d := range deeds {
		d.User = d.by
		found[i] = Deed{What: d.what, Level: p.Evaluate(d.AttributesRecord).Effect().Level}
	}
	return found
}
