// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

func scale(k *kubectl) error {
	objects, err := k.named()
	for _, o := range objects {
		k.step("get", o, "", "reads it first")
		if len(k.flags["current-replicas"])+len(k.flags["resource-version"]) > 0 {
			k.step("get", o, "scale", "compares what is there")
			k.step("update", o, "scale", "")
		} else {
			k.step("patch", o, "scale", "")
		}
	}
	return err
}

// beside are commands that read an object and create another for it.
func beside(group, resource string) func(*kubectl) error {
	return func(k *kubectl) error {
		objects, err := k.named()
		for _, o := range objects {
			k.step("get", o, "", "reads what it is for")
			k.step("create", k.of(group, resource, o.name), "", "")
		}
		return err
	}
}

// set has a word for what is set before the objects.
func set(k *kubectl) error {
	if len(k.words) > 0 {
		k.words = k.words[1:]
	}
	return changed("reads it first")(k)
}

func rollout(k *kubectl) error {
	if len(k.words) == 0 {
		return document.Problem{File: "kubectl", What: "rollout lacks what to do", Hint: "write it as in kubectl rollout restart deployment/web"}
	}
	what := k.words[0]
	k.words = k.words[1:]
	objects, err := k.named()
	for _, o := range objects {
		k.step("get", o, "", "")
		switch what {
		case "status":
			k.step("list", o, "", "")
			k.step("watch", o, "", "stays open until it is done")
		case "history":
			k.step("list", k.revisions(o), "", "finds the revisions")
		case "undo":
			k.step("list", k.revisions(o), "", "finds the revisions")
			k.step("patch", o, "", "")
		default:
			k.step("patch", o, "", "")
		}
	}
	return err
}

// revisions are where the history of a workload is kept.
func (k *kubectl) revisions(o object) object {
	if o.Name == "deployments" {
		return k.of("apps", "replicasets", "")
	}
	return k.of("apps", "controllerrevisions", "")
}

func run(k *kubectl) error {
	k.step("create", k.of("", "pods", ""), "", "")
	if k.has("attach") || k.has("stdin") || k.has("") {
		name := ""
		if len(k.words) > 0 {
			name = k.words[0]
		}
		k.words = []string{name}
		k.step("watch", k.of("", "pods", name), "", "waits until it runs")
		return connect("attach")(k)
	}
	return nil
}

func debug(k *kubectl) error {
	if len(k.words) > 0 && strings.HasPrefix(k.words[0], "node") {
		k.step("create", k.of("", "pods", ""), "", "a pod on the node")
		return nil
	}
	pod, err := k.pod()
	k.step("get", pod, "", "")
	if k.flag("copy-to") != "" {
		k.step("create", k.of("", "pods", k.flag("copy-to")), "", "the copy")
		return err
	}
	k.step("patch", pod, "ephemeralcontainers", "")
	if k.has("") || k.has("stdin") {
		k.opened(pod, "attach")
	}
	return err
}

// pod is the pod that a line is about, after what kubectl does to find one of a
// workload.
func (k *kubectl) pod() (object, error) {
	if len(k.words) == 0 || k.words[0] == "" {
		return k.of("", "pods", ""), nil
	}
	kind, name, typed := strings.Cut(k.words[0], "/")
	if !typed {
		return k.of("", "pods", kind), nil
	}
	r, err := k.called(kind)
	if err != nil || r.Name == "pods" {
		return k.of("", "pods", name), err
	}
	k.step("get", object{r, name, ""}, "", "")
	k.step("list", k.of("", "pods", ""), "", "finds a pod of it")
	return k.of("", "pods", ""), nil
}

// connect are commands that open a connection to a container.
func connect(sub string) func(*kubectl) error {
	return func(k *kubectl) error {
		pod, err := k.pod()
		if err != nil {
			return err
		}
		k.step("get", pod, "", "reads the pod first")
		k.opened(pod, sub)
		return nil
	}
}

// opened adds both ways to open a connection: by a websocket, which is a GET, or
// by SPDY (pkg/cmd/exec/exec.go and pkg/cmd/portforward of k8s.io/kubectl).
func (k *kubectl) opened(pod object, sub string) {
	k.step("get", pod, sub, "from kubectl 1.31 on, over a websocket")
	k.step("create", pod, sub, "from kubectl up to 1.30, and when a websocket does not work")
}

// copied is cp, one side of which is a pod: shop/web:/tmp, or web:/tmp.
func copied(k *kubectl) error {
	i := slices.IndexFunc(k.words, func(w string) bool { return strings.Contains(w, ":") })
	if i < 0 {
		return document.Problem{File: "kubectl", What: "cp names no pod", Hint: "write it as in kubectl cp shop/web:/tmp/x x"}
	}
	pod, _, _ := strings.Cut(k.words[i], ":")
	if namespace, name, in := strings.Cut(pod, "/"); in {
		k.namespace, pod = namespace, name
		k.flags["namespace"] = []string{namespace}
	}
	k.words = []string{pod}
	return connect("exec")(k)
}

func logs(k *kubectl) error {
	if len(k.words) == 0 {
		k.step("list", k.of("", "pods", ""), "", "finds the pods")
	}
	pod, err := k.pod()
	if err != nil {
		return err
	}
	k.step("get", pod, "", "reads the pod first")
	k.step("get", pod, "log", "")
	return nil
}

func top(k *kubectl) error {
	what, name := "pods", ""
	if len(k.words) > 0 && strings.HasPrefix(k.words[0], "no") {
		what = "nodes"
	}
	if len(k.words) > 1 {
		name = k.words[1]
	}
	o := k.of("metrics.k8s.io", what, name)
	o.Namespaced = what == "pods"
	verb := "list"
	if name != "" {
		verb = "get"
	}
	k.step(verb, o, "", "")
	if what == "nodes" {
		k.step(verb, k.of("", "nodes", name), "", "reads what they have")
	}
	return nil
}

func auth(k *kubectl) error {
	resource := map[string]string{"can-i": "selfsubjectaccessreviews", "whoami": "selfsubjectreviews"}
	if len(k.words) == 0 || resource[k.words[0]] == "" {
		return document.Problem{File: "kubectl", What: "auth lacks what to do", Hint: "write it as in kubectl auth can-i get secrets"}
	}
	what, group := resource[k.words[0]], "authorization.k8s.io"
	switch {
	case k.words[0] == "whoami":
		group = "authentication.k8s.io"
	case k.has("list"):
		what = "selfsubjectrulesreviews"
	}
	k.step("create", k.of(group, what, ""), "", "")
	return nil
}

func cordon(k *kubectl) error {
	for _, name := range append(k.words, "")[:max(1, len(k.words))] {
		k.step("get", k.of("", "nodes", name), "", "reads it first")
		k.step("patch", k.of("", "nodes", name), "", "")
	}
	return nil
}

func drain(k *kubectl) error {
	if err := cordon(k); err != nil {
		return err
	}
	k.across = true
	k.step("list", k.of("", "pods", ""), "", "finds the pods of the node")
	k.step("get", k.of("apps", "daemonsets", ""), "", "for pods of daemon sets, which stay")
	k.step("create", k.of("", "pods", ""), "eviction", "for each pod")
	k.step("get", k.of("", "pods", ""), "", "waits until it is gone")
	return nil
}

func wait(k *kubectl) error {
	objects, err := k.named()
	for _, o := range objects {
		k.step("get", o, "", "")
		k.step("list", o, "", "")
		k.step("watch", o, "", "stays open until the condition holds")
	}
	return err
}

func events(k *kubectl) error {
	k.step("list", k.of("", "events", ""), "", "")
	if k.has("watch") {
		k.step("watch", k.of("", "events", ""), "", "stays open")
	}
	return nil
}

func certificate(k *kubectl) error {
	o := k.of("certificates.k8s.io", "certificatesigningrequests", "")
	if len(k.words) > 1 {
		o.name = k.words[1]
	}
	k.step("get", o, "", "reads it first")
	k.step("update", o, "approval", "")
	return nil
}

func clusterInfo(k *kubectl) error {
	k.namespace = "kube-system"
	k.flags["namespace"] = []string{k.namespace}
	k.step("list", k.of("", "services", ""), "", "")
	return nil
}
