// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/auditsetup/auditsetup/mix"
)

// as gives who sends requests of a class: always the same for the same user and
// program, so that connections are shared.
func (w *World) as(ctx context.Context, c mix.Class) (*sender, error) {
	agent := agentOf(c)
	key := c.User + " " + agent
	if s := w.senders[key]; s != nil {
		return s, nil
	}
	s, err := w.newSender(ctx, c, agent)
	if err == nil {
		w.senders[key] = s
	}
	return s, err
}

func (w *World) newSender(ctx context.Context, c mix.Class, agent string) (*sender, error) {
	rest, isAccount := strings.CutPrefix(c.User, "system:serviceaccount:")
	switch {
	case c.Kind == mix.FailedLogin:
		s, err := w.authority.stranger(agent)
		if err == nil {
			s.token = "Bearer expired"
		}
		return s, err
	case c.User == "system:anonymous":
		return w.authority.stranger(agent)
	case isAccount:
		s, err := w.authority.sender(agent, "")
		if err != nil {
			return nil, err
		}
		namespace, name, _ := strings.Cut(rest, ":")
		token, err := w.token(ctx, account{namespace, name})
		s.token = "Bearer " + token
		return s, err
	}
	return w.authority.sender(agent, c.User, c.Groups()...)
}

// agentOf is the program that asks.
func agentOf(c mix.Class) string {
	const release = "/v1.37.1 (linux/amd64) kubernetes/0d93d9e"
	rest, isAccount := strings.CutPrefix(c.User, "system:serviceaccount:")
	agent := ""
	switch {
	case c.User == "system:anonymous" && strings.HasSuffix(c.Name, "probe"):
		return "kube-probe/1.37"
	case c.User == "system:anonymous":
		return "Go-http-client/1.1"
	case isAccount && !bound(rest):
		return "kube-controller-manager" + release + "/" + c.User
	case isAccount, c.Kind == mix.FailedLogin:
		agent = "manager/v0.0.0 (linux/amd64) kubernetes/$Format"
	case strings.HasPrefix(c.User, "system:node:"):
		return "kubelet" + release
	case c.User == "kubernetes-admin":
		return "kubectl" + release
	default:
		agent = map[string]string{"system:apiserver": "kube-apiserver", "system:kube-controller-manager": "kube-controller-manager", "system:kube-scheduler": "kube-scheduler"}[c.User] + release
	}
	if c.Resource == "leases" && c.User != "system:apiserver" {
		agent += "/leader-election"
	}
	return agent
}

// bound tells whether an account, as namespace:name, has a pod.
func bound(name string) bool {
	for _, a := range podsOf {
		if a.namespace+":"+a.name == name {
			return true
		}
	}
	return false
}

// token asks for one, bound to the pod of the account where there is one.
func (w *World) token(ctx context.Context, a account) (string, error) {
	spec := object{}
	if bound(a.namespace + ":" + a.name) {
		spec["boundObjectRef"] = object{"kind": "Pod", "apiVersion": "v1", "name": a.name + podSuffix}
	}
	answer, err := w.admin.must(ctx, call{
		method: http.MethodPost, path: inNamespace("/api/v1", a.namespace, "serviceaccounts") + "/" + a.name + "/token",
		body: text(object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}),
	})
	if err != nil {
		return "", err
	}
	var got struct{ Status struct{ Token string } }
	return got.Status.Token, json.Unmarshal(answer, &got)
}

// Remove takes away all that [New] and the loads made, as far as it is there.
func (w *World) Remove(ctx context.Context) error {
	atOnce := text(object{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
	var all []error
	remove := func(path string) {
		status, body, err := w.admin.send(ctx, call{method: http.MethodDelete, path: path, body: atOnce}, "")
		if err == nil && status >= 300 && status != http.StatusNotFound {
			err = fmt.Errorf("DELETE %s: %d %s", path, status, body)
		}
		all = append(all, err)
	}
	for _, n := range namespaces {
		for _, r := range []string{"/api/v1 pods", "/api/v1 configmaps", "/api/v1 secrets", "/api/v1 serviceaccounts", "/api/v1 endpoints", "/api/v1 events",
			"/apis/apps/v1 deployments", "/apis/apps/v1 replicasets", "/apis/coordination.k8s.io/v1 leases", "/apis/discovery.k8s.io/v1 endpointslices", argo + " applications"} {
			group, resource, _ := strings.Cut(r, " ")
			remove(inNamespace(group, n, resource))
		}
	}
	for _, a := range podsOf {
		remove(inNamespace("/api/v1", a.namespace, "pods") + "/" + a.name + podSuffix)
	}
	for _, path := range w.made {
		remove(path)
	}
	// Nobody else is there to see that a namespace is empty.
	for _, n := range namespaces {
		_, _, err := w.admin.send(ctx, call{method: http.MethodPut, path: "/api/v1/namespaces/" + n + "/finalize", body: text(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": n}, "spec": object{"finalizers": []string{}}})}, "")
		all = append(all, err)
	}
	for _, s := range append([]*sender{w.admin}, values(w.senders)...) {
		s.client.CloseIdleConnections()
	}
	return errors.Join(all...)
}

func values(m map[string]*sender) []*sender {
	var all []*sender
	for _, s := range m {
		all = append(all, s)
	}
	return all
}
