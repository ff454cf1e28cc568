// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/policy"
)

// caller is somebody who sends requests.
type caller struct {
	what, name string
	groups     []string
}

// people are those whose doings an audit log is for, machinery those of whom
// many policies drop some.
var (
	people = []caller{
		{"a user", "jane", []string{"developers", "system:authenticated"}},
		{"an administrator", "kubernetes-admin", []string{"kubeadm:cluster-admins", "system:authenticated"}},
		{"system:masters", "kubernetes-super-admin", []string{"system:masters", "system:authenticated"}},
		{"a service account", "system:serviceaccount:shop:default", []string{"system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"}},
	}
	machinery = []caller{
		{"a node", "system:node:node-1", []string{"system:nodes", "system:authenticated"}},
		{"a controller", "system:serviceaccount:kube-system:generic-garbage-collector", []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}},
		{"the kube-apiserver", "system:apiserver", []string{"system:masters", "system:authenticated"}},
		{"the controller manager", "system:kube-controller-manager", []string{"system:authenticated"}},
	}
)

// places are namespaces: an ordinary one, and one of which many policies have
// rules of their own.
var places = []string{"shop", "kube-system"}

// request is a kind of request: a verb on RESOURCE[/SUBRESOURCE][.GROUP].
type request struct{ verb, on string }

func (r request) String() string { return r.verb + " " + r.on }

// decide asks the kube-apiserver's own evaluator what a policy makes of the
// request, in a namespace where the resource has one.
func (r request) decide(p *policy.Policy, by caller, namespace string) policy.Effect {
	resource, group, _ := strings.Cut(r.on, ".")
	resource, sub, _ := strings.Cut(resource, "/")
	a := authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: by.name, Groups: by.groups}, Verb: r.verb, ResourceRequest: true,
		APIGroup: group, APIVersion: "v1", Resource: resource, Subresource: sub, Namespace: namespace,
	}
	switch resource {
	case "tokenreviews", "namespaces", "nodes", "clusterrolebindings", "validatingwebhookconfigurations":
		a.Namespace = ""
	}
	if r.verb != "list" && r.verb != "deletecollection" && (r.verb != "create" || sub != "") {
		a.Name = "auditsetup-example"
	}
	return p.Evaluate(a).Effect()
}

// leak is a request with a credential in one of its bodies, and the level from
// which on that is recorded: a body of the request from Request on, one of the
// response at RequestResponse.
type leak struct {
	request
	from audit.Level
}

// leaksOf are those about objects with something in them that nobody else
// should read. What is sent with a deletion are options, and what comes back may
// be the object.
func leaksOf(on string) []leak {
	const sent, answered = audit.LevelRequest, audit.LevelRequestResponse
	return []leak{
		{request{"get", on}, answered}, {request{"list", on}, answered}, {request{"create", on}, sent},
		{request{"update", on}, sent}, {request{"patch", on}, sent}, {request{"deletecollection", on}, answered},
	}
}

// leaks says where which of the requests are recorded with the body that must
// not be; empty when none is.
func leaks(p *policy.Policy, all []leak) string {
	for _, by := range slices.Concat(people, machinery) {
		for _, l := range all {
			for _, namespace := range places {
				if level := l.decide(p, by, namespace).Level; !level.Less(l.from) {
					return fmt.Sprintf("%s for %s in %s by %s", level, l, namespace, by.what)
				}
			}
		}
	}
	return ""
}
