// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// Words are a request in the words of a policy.
type Words struct {
	Verb string
	// Resource is as in "pods/exec", with a group behind as in "deployments.apps"
	// or "deployments/scale.apps"; a dot and nothing is the core group.
	Resource        string
	Namespace, Name string
	// Path is instead of all but the verb.
	Path string
}

// verbs are those of requests for resources, methods those for paths
// (pkg/endpoints/request/requestinfo.go of k8s.io/apiserver).
var (
	verbs   = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy"}
	methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}
)

// FromWords is the request that the words say. The error is a
// [document.Problems].
func FromWords(w Words, known apiserver.Resources) (Request, error) {
	var problems document.Problems
	switch {
	case w.Path != "" && w.Resource != "":
		problems.Add("--path", "a request is for a path or for a resource", "leave --path or --resource out")
		return Request{}, problems.Err()
	case w.Path != "":
		return ofPath(w)
	case w.Resource == "":
		problems.Add("--resource", "is missing", "add what the request is for, such as --resource pods/exec, or --path /healthz")
	}
	if w.Verb == "" {
		problems.Add("--verb", "is missing", "add one of "+strings.Join(verbs, ", "))
	} else if !slices.Contains(verbs, w.Verb) {
		problems.Add("--verb", fmt.Sprintf("no request for a resource has the verb %q", w.Verb), verbHint(w.Verb))
	}
	var r apiserver.Resource
	if w.Resource != "" {
		var err error
		if r, err = resource(w.Resource, known); err != nil {
			problems = append(problems, document.ProblemsOf(err)...)
		}
	}
	if len(problems) > 0 {
		return Request{}, problems
	}
	return w.of(r, known)
}

func ofPath(w Words) (Request, error) {
	var problems document.Problems
	if w.Verb == "" {
		w.Verb = "get"
	}
	if !slices.Contains(methods, w.Verb) {
		problems.Add("--verb", fmt.Sprintf("%q is no method of HTTP in lower case", w.Verb), "the verb of a path is one of "+strings.Join(methods, ", "))
	}
	if w.Namespace+w.Name != "" {
		problems.Add("--path", "a path has neither namespace nor name", "leave --namespace and --name out")
	}
	r, err := FromPath(strings.ToUpper(w.Verb), w.Path, nil)
	switch {
	case len(problems) > 0:
		return Request{}, problems
	case err != nil:
		return Request{}, err
	case r.Resource != "":
		problems.Add("--path", fmt.Sprintf("%s is for the resource %s", w.Path, r.Target()),
			fmt.Sprintf("give it as a method and a path: %s %s", strings.ToUpper(w.Verb), w.Path))
	}
	r.Said = ""
	return r, problems.Err()
}

func verbHint(verb string) string {
	switch verb {
	case "exec", "attach", "portforward", "port-forward", "log", "logs", "connect":
		return fmt.Sprintf("it is create or get of a subresource: --verb create --resource pods/%s", strings.TrimSuffix(strings.ReplaceAll(verb, "-", ""), "s"))
	case "post":
		return "POST of a resource is create"
	case "put":
		return "PUT of a resource is update"
	case "apply", "edit":
		return "apply and edit are patch, and create for what is not there"
	}
	return document.Suggest(verb, verbs)
}

// resource finds what a word means, with or without its group.
func resource(word string, known apiserver.Resources) (apiserver.Resource, error) {
	resourceWord, api, grouped := strings.Cut(word, ".")
	name, sub, _ := strings.Cut(resourceWord, "/")
	if before, after, cut := strings.Cut(api, "/"); cut {
		api, sub = before, after // deployments.apps/scale
	}
	if grouped {
		found, ok := known.Find(api, name, sub)
		if ok || !slices.Contains(known.Groups(), api) {
			found.Group, found.Name, found.Subresource = api, name, sub
			return found, nil
		}
		return found, unknown(word, api, name, sub, known)
	}
	var found apiserver.Resources
	for _, r := range known {
		if r.Name == name && r.Subresource == sub {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return apiserver.Resource{}, unknown(word, "", name, sub, known)
	}
	return found[0], nil // the core group comes first
}

func unknown(word, api, name, sub string, known apiserver.Resources) error {
	hint := suggest(api, name, sub, known)
	if hint == "" {
		hint = "write a custom resource with its group, as in certificates.cert-manager.io"
	}
	return document.Problem{File: "--resource", What: fmt.Sprintf("there is no %q in kube-apiserver", word), Hint: hint}
}

// suggest words what may be meant by a resource that is not there.
func suggest(api, name, sub string, known apiserver.Resources) string {
	var options []string
	for _, r := range known.Called(name) {
		if r.Name == name && r.Group == api && sub != "" {
			return subresources(r, sub, known)
		}
		option := r.Name
		if _, ok := known.Find(r.Group, r.Name, sub); ok && sub != "" {
			option += "/" + sub
		}
		if r.Group != "" {
			option += "." + r.Group
		}
		options = append(options, option)
	}
	if len(options) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(options, " or ") + "?"
}

// subresources are those that a resource has.
func subresources(r apiserver.Resource, sub string, known apiserver.Resources) string {
	var all []string
	for _, other := range known {
		if other.Group == r.Group && other.Name == r.Name && other.Subresource != "" {
			all = append(all, other.Path())
		}
	}
	if len(all) == 0 {
		return r.Name + " have no subresources"
	}
	if hint := document.Suggest(r.Name+"/"+sub, all); hint != "" {
		return hint
	}
	return "there are " + strings.Join(all, ", ")
}

// of is the request for a resource, as its path would say it.
func (w Words) of(found apiserver.Resource, known apiserver.Resources) (Request, error) {
	r := Request{Verb: w.Verb, Group: found.Group, Resource: found.Name, Subresource: found.Subresource, Namespace: w.Namespace, Name: w.Name}
	custom := len(found.Verbs) == 0
	var problems document.Problems
	nameless := r.Subresource == "" && slices.Contains([]string{"create", "deletecollection"}, r.Verb)
	switch {
	case nameless && r.Name != "":
		r.Name = ""
		r.Notes = append(r.Notes, fmt.Sprintf("a %s has no name in its path: --name makes no difference to a policy", r.Verb))
	case !nameless && r.Name == "" && r.Verb != "list" && r.Verb != "watch":
		r.AnyName = true
	}
	object := r.Group == "" && r.Resource == "namespaces"
	if object && !nameless && r.Name != "" && r.Verb != "list" {
		r.Namespace = r.Name // GET /api/v1/namespaces/shop is in the namespace shop
	}
	if !object && !custom {
		switch across := r.Verb == "list" || r.Verb == "watch"; {
		case found.Namespaced && r.Namespace == "" && !across:
			problems.Add("--namespace", fmt.Sprintf("is missing: %s are in a namespace", r.Resource), "add it, such as --namespace default")
		case !found.Namespaced && r.Namespace != "":
			problems.Add("--namespace", fmt.Sprintf("%s are in no namespace", r.Resource), "leave it out")
		}
	}
	r.check(known)
	return r, problems.Err()
}
