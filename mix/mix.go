// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package mix says what an audit policy makes of a typical cluster, so that a
// load can be planned for any policy before anything was measured: how many
// events each request makes, and how large they are.
//
// It is one table of what kube-apiserver is asked in a cluster made by kubeadm,
// in classes: who asks for what, how often compared with the others, and how
// large the request and the answer are. What becomes of each class is not
// reasoned about here but decided by upstream's own evaluator, by way of package
// policy. The shares follow the one public measurement there is and what the
// components are known to do; the sizes were measured on a real kube-apiserver.
// Each class says which is which. A cluster of one's own differs: a mean over
// all requests can be off by half, and by much more where one tool asks for
// everything all day. A measured log is always better.
package mix

import (
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Kind says at which stages a request makes an event, when none is omitted.
type Kind string

const (
	// Short is answered at once: an event as it comes, and one as it is done.
	Short Kind = "short"
	// LongRunning stays open, as a watch does: one more event as the answer
	// begins.
	LongRunning Kind = "long-running"
	// FailedLogin is refused before anyone knows who asks: a single event, of
	// the stage ResponseStarted (k8s.io/apiserver v0.37.1
	// pkg/endpoints/filters/authn_audit.go).
	FailedLogin Kind = "failed login"
)

// stages are those of a request of this kind, in their order.
func (k Kind) stages() []audit.Stage {
	switch k {
	case LongRunning:
		return []audit.Stage{audit.StageRequestReceived, audit.StageResponseStarted, audit.StageResponseComplete}
	case FailedLogin:
		return []audit.Stage{audit.StageResponseStarted}
	}
	return []audit.Stage{audit.StageRequestReceived, audit.StageResponseComplete}
}

// Bytes are the sizes of what a request of a class puts into the log, as JSON
// and uncompressed. They are means, and belong to a cluster of tens of nodes.
type Bytes struct {
	// Metadata is an event without bodies, with its line end, more than zero.
	Metadata int
	// Request is what the body of the request adds, zero if it has none or none
	// is ever recorded, as with aggregated APIs.
	Request int
	// Response is the same of the answer.
	Response int
	// RequestManaged and ResponseManaged are the shares of metadata.managedFields
	// in these two, which omitManagedFields takes out.
	RequestManaged, ResponseManaged int
	// Largest is the largest answer to be reckoned with, where it is far above
	// Response; else zero.
	Largest int
}

// Class is one kind of request, and stands for similar ones: the same verb and
// resource under other names, or by other controllers.
type Class struct {
	// Name is a few words, unique in the table.
	Name string
	// Share is the part of all requests, more than zero. Those of the table add
	// up to 1.
	Share float64
	// Kind is Short when it is empty.
	Kind Kind
	// User is who asks, typically; empty with a FailedLogin.
	User string
	// Verb is that of the audit event: for a resource get, list, watch, create,
	// update, patch or delete, and else the HTTP method in lower case.
	Verb string
	// Path is set for requests that are about no resource, and Group, Version,
	// Resource, Subresource, Namespace and Object for the others. Object is the
	// name, empty for lists and creates; a watch with one is for that name alone,
	// by fieldSelector.
	Path, Group, Version, Resource, Subresource, Namespace, Object string
	// Bytes are the typical sizes.
	Bytes Bytes
	// Why is where the share comes from.
	Why string
	// Measured says that the sizes are those of events of a real kube-apiserver,
	// release [Release], that was asked the same. Else they are reasoned from
	// events that are alike.
	Measured bool
}

// Groups are those that Kubernetes gives to the user, sorted; nil for a
// FailedLogin.
func (c Class) Groups() []string {
	const all = "system:authenticated"
	switch rest, account := strings.CutPrefix(c.User, "system:serviceaccount:"); {
	case c.User == "":
		return nil
	case account:
		namespace, _, _ := strings.Cut(rest, ":")
		return []string{all, "system:serviceaccounts", "system:serviceaccounts:" + namespace}
	case strings.HasPrefix(c.User, "system:node:"):
		return []string{all, "system:nodes"}
	case c.User == "system:apiserver":
		return []string{all, "system:masters"}
	case c.User == anonymous:
		return []string{"system:unauthenticated"}
	case c.User == admin:
		return []string{"kubeadm:cluster-admins", all}
	}
	return []string{all}
}

// Attributes are what the rules of a policy look at. The user is nil for a
// FailedLogin, as it is in kube-apiserver.
func (c Class) Attributes() authorizer.Attributes {
	a := authorizer.AttributesRecord{
		Verb: c.Verb, Path: c.Path,
		APIGroup: c.Group, APIVersion: c.Version, Resource: c.Resource, Subresource: c.Subresource,
		Namespace: c.Namespace, Name: c.Object, ResourceRequest: c.Resource != "",
	}
	if c.User != "" {
		a.User = &user.DefaultInfo{Name: c.User, Groups: c.Groups()}
	}
	return a
}

// kind is Short when nothing else is said.
func (c Class) kind() Kind {
	if c.Kind == "" {
		return Short
	}
	return c.Kind
}

// Classes is the table, in groups of what belongs together. The caller may
// change the slice.
func Classes() []Class { return slices.Clone(table) }

// Talos is the source of the shares of leases, and of what is left without the
// usual noise: 570000 events in ten hours, 86000 of them leases read and 46000
// leases written; leaving out leases, health checks, nodes and endpoints took
// away 76 %.
const Talos = "commit f7e635e3 of the home cluster laurivan/talos"

// Release is the kube-apiserver whose events were measured: twelve minutes with
// the controller manager, the scheduler, five nodes and seventy pods, and each
// class sent to it by itself with ten nodes and a hundred pods. Nodes have 25
// images and pods one container with ten variables. With each of the profiles in
// force it wrote the events that [Of] says, class by class, and within 5 % the
// bytes.
const Release = "v1.37.1"
