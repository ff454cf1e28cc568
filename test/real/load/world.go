// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package load asks a kube-apiserver for what a typical cluster asks it: the
// requests of package mix, in their shares, each as the user that the class
// names and with that user's own kind of credential. The load is open-loop, so
// that a server that is slow gets no less of it, and it is bounded: a rate, a
// time, a number of workers, and one server, which must be a test's own, as
// objects are made there and the authority of the cluster signs certificates.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/auditsetup/auditsetup/mix"
)

// World is what there is to ask for, and those who ask.
type World struct {
	authority *authority
	admin     *sender
	kinds     []kind
	senders   map[string]*sender
	// pods are names of those that may be deleted.
	pods chan string
	// podUID is that of the pod web-1.
	podUID string
	// made are the paths of what was made outside the namespaces of the load.
	made []string
}

// account is a service account.
type account struct{ namespace, name string }

// pods of service accounts, whose tokens are bound to them.
var podsOf = []account{{"shop", "operator"}, {"monitoring", "prometheus"}, {"argocd", "argocd-application-controller"}, {"kube-system", "calico-node"}, {"kube-system", "kube-proxy"}}

// podSuffix makes a pod's name of that of its owner.
const podSuffix = "-6d684c7b5-abcde"

// New makes the world at a server, a URL without a path, of which the files hold
// the certificate authority. [World.Remove] takes it away.
func New(ctx context.Context, server, certificate, key string) (*World, error) {
	a, err := openAuthority(server, certificate, key)
	if err != nil {
		return nil, err
	}
	w := &World{authority: a, senders: map[string]*sender{}, pods: make(chan string, 10000)}
	if w.admin, err = a.sender("kubectl/v1.37.1 (linux/amd64) kubernetes/0d93d9e", "load", "system:masters"); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{w.makeAccounts, w.makeNodes, w.makeOthers, w.makePods, w.makeKinds, w.Warm} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, w.Remove(ctx))
		}
	}
	return w, nil
}

// accounts are those of the mix.
func accounts() []account {
	var all []account
	seen := map[string]bool{}
	for _, c := range mix.Classes() {
		if rest, is := strings.CutPrefix(c.User, "system:serviceaccount:"); is && !seen[rest] {
			seen[rest] = true
			namespace, name, _ := strings.Cut(rest, ":")
			all = append(all, account{namespace, name})
		}
	}
	return all
}

// make creates an object in the collection of that path.
func (w *World) make(ctx context.Context, collection string, o object) ([]byte, error) {
	answer, err := w.admin.must(ctx, call{method: http.MethodPost, path: collection, body: text(o)})
	if err == nil && !own(collection) {
		name, _ := o["metadata"].(object)["name"].(string)
		w.made = append(w.made, collection+"/"+name)
	}
	return answer, err
}

// own tells whether a path is in one of the load's namespaces, which are removed
// as a whole.
func own(path string) bool {
	for _, n := range namespaces {
		if strings.Contains(path, "/namespaces/"+n+"/") {
			return true
		}
	}
	return false
}

func inNamespace(group, namespace, resource string) string {
	return group + "/namespaces/" + namespace + "/" + resource
}

func named(name string) object { return object{"metadata": object{"name": name}} }

func (w *World) makeAccounts(ctx context.Context) error {
	var all []error
	add := func(collection string, o object) {
		_, err := w.make(ctx, collection, o)
		all = append(all, err)
	}
	for _, n := range namespaces {
		add("/api/v1/namespaces", named(n))
		add(inNamespace("/api/v1", n, "serviceaccounts"), named("default"))
	}
	list := accounts()
	for _, a := range list {
		add(inNamespace("/api/v1", a.namespace, "serviceaccounts"), named(a.name))
	}
	add("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding(list))
	add("/apis/rbac.authorization.k8s.io/v1/clusterroles", clusterRole())
	add("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd())
	return errors.Join(all...)
}

func (w *World) makeNodes(ctx context.Context) error {
	for i := range nodeCount {
		name := fmt.Sprintf("n%d", i)
		holder := object{"metadata": object{"name": name, "annotations": object{"volumes.kubernetes.io/controller-managed-attach-detach": "true"}, "labels": object{
			"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
		}}}
		if _, err := w.make(ctx, "/api/v1/nodes", holder); err != nil {
			return err
		}
		if err := w.patch(ctx, "/api/v1/nodes/"+name+"/status", nodeStatus(name)); err != nil {
			return err
		}
		if _, err := w.make(ctx, inNamespace("/apis/coordination.k8s.io/v1", "kube-node-lease", "leases"), lease(name, name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) patch(ctx context.Context, path string, o object) error {
	_, err := w.admin.must(ctx, call{method: http.MethodPatch, path: path, contentType: "application/strategic-merge-patch+json", body: text(o)})
	return err
}

// makeOthers makes what is read and updated, of which there are several alike.
func (w *World) makeOthers(ctx context.Context) error {
	var all []error
	add := func(group, namespace, resource string, o object) {
		_, err := w.make(ctx, inNamespace(group, namespace, resource), o)
		all = append(all, err)
	}
	add("/api/v1", "shop", "secrets", secret())
	const leases = "/apis/coordination.k8s.io/v1"
	for i := range alike {
		for _, l := range [][3]string{
			{"kube-system", "kube-controller-manager", "cp-1_" + uid}, {"kube-system", "kube-scheduler", "cp-1_" + uid},
			{"kube-system", "apiserver-x2m4", "apiserver-x2m4_" + uid}, {"shop", "operator.example.com", "operator" + podSuffix + "_" + uid},
		} {
			add(leases, l[0], "leases", lease(variant(l[1], i), l[2]))
		}
		add("/api/v1", "shop", "configmaps", configMap(variant("config", i)))
		add("/api/v1", "shop", "endpoints", endpoints(variant("web", i)))
		add("/apis/discovery.k8s.io/v1", "shop", "endpointslices", endpointSlice(variant("web-x2m4", i)))
		add("/apis/apps/v1", "shop", "replicasets", replicaSet(variant("web-5d9f", i)))
	}
	add("/apis/apps/v1", "shop", "deployments", deployment("web"))
	for i := range 19 {
		add("/apis/apps/v1", "shop", "deployments", deployment(fmt.Sprintf("web-%d", i)))
	}
	for i := range alike {
		all = append(all, w.makeApplication(ctx, variant("web", i)))
	}
	return errors.Join(all...)
}

// makeApplication waits until the server has taken up the definition.
func (w *World) makeApplication(ctx context.Context, name string) error {
	collection := inNamespace(argo, "shop", "applications")
	answer, err := w.make(ctx, collection, application(name))
	for range 100 {
		if err == nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
		answer, err = w.make(ctx, collection, application(name))
	}
	if err != nil {
		return err
	}
	var whole object
	if err := json.Unmarshal(answer, &whole); err != nil {
		return err
	}
	whole["status"] = applicationStatus()
	_, err = w.admin.must(ctx, call{method: http.MethodPut, path: collection + "/" + name + "/status", body: text(whole)})
	return err
}

func (w *World) makePods(ctx context.Context) error {
	list := inNamespace("/api/v1", "shop", "pods")
	return each(podCount+len(podsOf), func(i int) error {
		if i >= podCount {
			a := podsOf[i-podCount]
			o := pod(a.name+podSuffix, "n1", nil)
			o["spec"].(object)["serviceAccountName"] = a.name
			path := inNamespace("/api/v1", a.namespace, "pods")
			_, err := w.admin.must(ctx, call{method: http.MethodPost, path: path, body: text(o)})
			return err
		}
		name := fmt.Sprintf("web-%d", i)
		answer, err := w.make(ctx, list, pod(name, "n1", object{"slot": fmt.Sprint(i / 3), "pod-template-hash": "5d9f6c7b8"}))
		if err != nil {
			return err
		}
		id := valueOf(answer, "uid")
		if i == 1 {
			w.podUID = id
		}
		return w.patch(ctx, list+"/"+name+"/status", podStatus(id))
	})
}

// each calls f for 0 to count-1, eight at a time.
func each(count int, f func(int) error) error {
	errs := make([]error, count)
	slots := make(chan struct{}, 8)
	var all sync.WaitGroup
	for i := range count {
		slots <- struct{}{}
		all.Go(func() {
			errs[i] = f(i)
			<-slots
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// valueOf is the first text in JSON under that key, which is that of an object's
// own metadata: they come before all else that has such keys, but owners.
func valueOf(data []byte, key string) string {
	_, after, _ := bytes.Cut(data, []byte(`"`+key+`":"`))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return string(value)
}
