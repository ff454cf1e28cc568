// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Request is one request as an audit policy sees it.
type Request struct {
	// Said is what the request was made of, as far as that is not said by the
	// rest: a method and a path, a step of kubectl. May be empty.
	Said string
	// Verb is Kubernetes' verb, or for a path the method in lower case.
	Verb string
	// Path is set for a request that is for no resource, and nothing else of it
	// then is, but Verb.
	Path string
	// Group is "" for the core group.
	Group, Resource, Subresource string
	// Namespace is "" for resources that have none, and across all of them.
	// Name is "" for requests that have no name in their path.
	Namespace, Name string
	// AnyName is set when the request has some name that is not said, and that
	// is then taken as one that no rule knows.
	AnyName bool
	// Refused is set when the server does not serve what is asked for, and answers
	// with an error.
	Refused bool
	// Notes are what was taken for granted. May be nil.
	Notes []string
	// Logged is what a log has of this request; nil when it is from no log.
	Logged []Logged
}

// Logged is an event that a log has of a request.
type Logged struct {
	Level, Stage string
	// RequestBody and ResponseBody say whether the bodies are there.
	RequestBody, ResponseBody bool
}

// Caller is who makes a request; with impersonation, who impersonates.
type Caller struct {
	Name   string
	Groups []string
	// Anyone is set when nobody was named: a user whom no rule knows.
	Anyone bool
	// Failed is a caller whose authentication failed: without name and groups.
	Failed bool
}

// Names and groups that kube-apiserver's authenticators make
// (pkg/authentication/user/user.go and pkg/authentication/serviceaccount/util.go of
// k8s.io/apiserver).
const (
	accountPrefix = "system:serviceaccount:"
	nodePrefix    = "system:node:"
)

// NewCaller is a user with the groups given, and those that come with the name:
// everyone who is logged in, the anonymous user, service accounts and nodes have
// theirs. A name that is empty stands for anyone.
func NewCaller(name string, groups []string) Caller {
	c := Caller{Name: name, Groups: slices.Clone(groups), Anyone: name == ""}
	switch {
	case name == user.Anonymous:
		c.join(user.AllUnauthenticated)
		return c
	case strings.HasPrefix(name, accountPrefix):
		namespace, _, _ := strings.Cut(strings.TrimPrefix(name, accountPrefix), ":")
		c.join("system:serviceaccounts", "system:serviceaccounts:"+namespace)
	case strings.HasPrefix(name, nodePrefix):
		c.join(user.NodesGroup)
	}
	c.join(user.AllAuthenticated)
	return c
}

func (c *Caller) join(groups ...string) {
	for _, g := range groups {
		if !slices.Contains(c.Groups, g) {
			c.Groups = append(c.Groups, g)
		}
	}
}

// String names the caller and the groups.
func (c Caller) String() string {
	if c.Failed {
		return "somebody whose login failed"
	}
	name := c.Name
	if c.Anyone {
		name = "a user whom no rule names"
	}
	if len(c.Groups) == 0 {
		return name
	}
	return name + " in " + strings.Join(c.Groups, ", ")
}

// attributes is the request as upstream's evaluator takes it. What is any user
// or name has one that is not among those that rules know.
func (r *Request) attributes(c Caller, known []string) authorizer.Attributes {
	a := authorizer.AttributesRecord{
		Verb: r.Verb, Path: r.Path, APIGroup: r.Group, Resource: r.Resource, Subresource: r.Subresource,
		Namespace: r.Namespace, Name: r.Name, ResourceRequest: r.Resource != "",
	}
	if r.AnyName {
		a.Name = unlike(known)
		if r.Group == "" && r.Resource == "namespaces" {
			a.Namespace = a.Name
		}
	}
	if !c.Failed {
		info := &user.DefaultInfo{Name: c.Name, Groups: c.Groups}
		if c.Anyone {
			info.Name = unlike(known)
		}
		a.User = info
	}
	return a
}

// unlike is a word that is none of those.
func unlike(words []string) string {
	other := "any-other"
	for slices.Contains(words, other) {
		other += "x"
	}
	return other
}

// Target is the resource with its subresource, "pods/exec", or the path.
func (r *Request) Target() string {
	switch {
	case r.Resource == "":
		return r.Path
	case r.Subresource != "":
		return r.Resource + "/" + r.Subresource
	}
	return r.Resource
}

// group is the API group for people.
func group(name string) string {
	if name == "" {
		return "core"
	}
	return name
}

// String says what is done to what, where.
func (r *Request) String() string {
	text := r.Verb + " " + r.Target()
	if r.Verb == "" {
		text = "a method without a verb on " + r.Target()
	}
	if r.Resource == "" {
		return text
	}
	text += " (" + group(r.Group) + ")"
	switch {
	case r.AnyName:
		text += ", any name"
	case r.Name != "":
		text += " named " + r.Name
	}
	switch {
	case r.Namespace != "" && r.Resource != "namespaces":
		text += " in " + r.Namespace
	case r.Namespace == "" && !r.AnyName && r.Name == "":
		text += " without a namespace"
	}
	return text
}
