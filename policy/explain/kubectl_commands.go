// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// commands are those of kubectl that make requests of their own.
var commands = map[string]func(*kubectl) error{
	"get": get, "describe": describe, "delete": remove, "edit": changed("reads what is to be edited"),
	"create": create, "apply": apply, "replace": replace, "diff": diff,
	"patch": changed("reads it first"), "label": changed("reads it first"), "annotate": changed("reads it first"), "taint": changed("reads it first"),
	"scale": scale, "autoscale": beside("autoscaling", "horizontalpodautoscalers"), "expose": beside("", "services"),
	"set": set, "rollout": rollout, "run": run, "debug": debug,
	"exec": connect("exec"), "attach": connect("attach"), "port-forward": connect("portforward"), "cp": copied, "logs": logs,
	"top": top, "auth": auth, "cordon": cordon, "uncordon": cordon, "drain": drain, "wait": wait, "events": events, "certificate": certificate,
	"version": path("/version"), "cluster-info": clusterInfo, "explain": path("/openapi/v3"),
	"api-resources": path("/api", "/apis"), "api-versions": path("/api", "/apis"),
}

// step adds a request. said is what it is for.
func (k *kubectl) step(verb string, o object, sub, said string) {
	r := Request{Said: said, Verb: verb, Group: o.Group, Resource: o.Name, Subresource: sub, Name: o.name}
	if o.Namespaced {
		r.Namespace = k.namespace
		if o.namespace != "" {
			r.Namespace = o.namespace
		}
		if k.across && (verb == "list" || verb == "watch") {
			r.Namespace = ""
		} else if k.across {
			r.Notes = append(r.Notes, "in whichever namespace, here "+r.Namespace)
		}
	}
	switch nameless := verb == "create" && sub == "" || verb == "deletecollection"; {
	case nameless:
		r.Name = ""
	case r.Name == "" && verb != "list" && verb != "watch":
		r.AnyName = true
	}
	if r.Group == "" && r.Resource == "namespaces" && r.Name != "" && verb != "list" && verb != "watch" {
		r.Namespace = r.Name
	}
	r.check(k.known)
	k.steps = append(k.steps, r)
}

// of is a built-in resource, or a custom one if this version has none such.
func (k *kubectl) of(group, name, called string) object {
	r, ok := k.known.Find(group, name, "")
	if !ok {
		r = apiserver.Resource{Group: group, Name: name, Namespaced: true}
	}
	return object{r, called, ""}
}

// named are the objects of a line, or those of its files.
func (k *kubectl) named() ([]object, error) {
	if len(k.flags["filename"])+len(k.flags["kustomize"]) > 0 {
		return k.files()
	}
	return k.objects(k.words)
}

func path(paths ...string) func(*kubectl) error {
	return func(k *kubectl) error {
		for _, p := range paths {
			k.steps = append(k.steps, Request{Verb: "get", Path: p})
		}
		return nil
	}
}

// everything is what "all" means to kubectl get: the category all, as
// pkg/registry of k8s.io/kubernetes gives it to these.
var everything = strings.Join([]string{
	"pods", "replicationcontrollers", "services", "daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps",
	"horizontalpodautoscalers.autoscaling", "cronjobs.batch", "jobs.batch",
}, ",")

func get(k *kubectl) error {
	if raw := k.flag("raw"); raw != "" {
		r, err := FromPath("GET", raw, k.known)
		k.steps = append(k.steps, r)
		return err
	}
	if len(k.words) > 0 {
		kinds := strings.Split(k.words[0], ",")
		for i := range kinds {
			if kinds[i] == "all" {
				kinds[i] = everything
			}
		}
		k.words[0] = strings.Join(kinds, ",")
	}
	objects, err := k.named()
	if err != nil {
		return err
	}
	for _, o := range objects {
		verb := "list"
		if o.name != "" {
			verb = "get"
		}
		if !k.has("watch-only") {
			k.step(verb, o, k.flag("subresource"), "")
		}
		if k.has("watch") || k.has("watch-only") {
			k.step("watch", o, "", "stays open")
		}
	}
	return nil
}

func describe(k *kubectl) error {
	objects, err := k.named()
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.name == "" {
			k.step("list", o, "", "finds the objects")
		}
		k.step("get", o, "", "")
		if o.Group == "apps" && o.Name == "deployments" {
			k.step("list", k.of("apps", "replicasets", ""), "", "finds what it rolled out")
		}
		k.step("list", k.of("", "events", ""), "", "finds the events of the object")
	}
	return nil
}

// remove deletes objects one by one, however they were named; kubectl never
// deletes a collection (pkg/cmd/delete/delete.go of k8s.io/kubectl).
func remove(k *kubectl) error {
	objects, err := k.named()
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.name == "" {
			k.step("list", o, "", "finds the objects")
		}
		k.step("delete", o, "", "")
		if !slices.Contains(k.flags["wait"], "false") {
			k.step("get", o, "", "looks whether it is gone")
			k.step("list", o, "", "if it is still there")
			k.step("watch", o, "", "if it is still there, until it is gone")
		}
	}
	return nil
}

// changed are commands that read an object and patch it.
func changed(reads string) func(*kubectl) error {
	return func(k *kubectl) error {
		var words []string
		for _, w := range k.words { // labels and taints are no names
			if !strings.Contains(w, "=") && !strings.HasSuffix(w, "-") && !strings.Contains(w, ":") {
				words = append(words, w)
			}
		}
		k.words = words
		objects, err := k.named()
		if err != nil {
			return err
		}
		for _, o := range objects {
			verb := "get"
			if o.name == "" {
				verb = "list"
			}
			k.step(verb, o, "", reads)
			k.step("patch", o, k.flag("subresource"), "")
		}
		return nil
	}
}

// created is how the words behind kubectl create name a resource, where it is not
// its own name, and how many words stand before the name of the object.
var created = map[string]struct {
	resource string
	kinds    int
}{
	"secret": {"secrets", 1}, "service": {"services", 1}, "svc": {"services", 1}, "quota": {"resourcequotas", 0},
}

func create(k *kubectl) error {
	if len(k.flags["filename"])+len(k.flags["kustomize"]) > 0 || len(k.words) == 0 {
		objects, err := k.files()
		for _, o := range objects {
			k.step("create", o, "", "")
		}
		return err
	}
	kind, words := k.words[0], k.words[1:]
	if kind == "token" {
		o := k.of("", "serviceaccounts", "")
		if len(words) > 0 {
			o.name = words[0]
		}
		k.step("create", o, "token", "")
		return nil
	}
	if special, ok := created[kind]; ok {
		kind, words = special.resource, words[min(special.kinds, len(words)):]
	}
	r, err := k.called(kind)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return document.Problem{File: "kubectl", What: "the line has no name for what is created", Hint: "write it as in kubectl create namespace shop"}
	}
	k.step("create", object{r, words[0], ""}, "", "")
	return nil
}

func apply(k *kubectl) error {
	objects, err := k.files()
	for _, o := range objects {
		if k.has("server-side") {
			k.step("patch", o, "", "")
			continue
		}
		k.step("get", o, "", "looks whether it is there")
		k.step("create", o, "", "if it is not there")
		k.step("patch", o, "", "if it is there, and differs")
	}
	return err
}

func replace(k *kubectl) error {
	objects, err := k.files()
	for _, o := range objects {
		k.step("get", o, "", "looks whether it is there")
		if k.has("force") {
			k.step("delete", o, "", "")
			k.step("create", o, "", "")
		} else {
			k.step("update", o, k.flag("subresource"), "")
		}
	}
	return err
}

func diff(k *kubectl) error {
	objects, err := k.files()
	for _, o := range objects {
		k.step("get", o, "", "")
		k.step("patch", o, "", "a dry run, which is recorded like any other")
	}
	return err
}
