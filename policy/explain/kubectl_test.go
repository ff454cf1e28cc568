// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

var newest = apiserver.Version{Minor: apiserver.NewestMinor}.Resources()

const manifests = `apiVersion: v1
kind: List
items:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: front}}
---
# nothing
---
{apiVersion: example.com/v1, kind: Policy, metadata: {name: w}}
`

func files(name string) ([]byte, error) {
	if name != "x.yaml" {
		return nil, errors.New("no such file")
	}
	return []byte(manifests), nil
}

func TestKubectl(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"kubectl get secrets -A":                         {"list secrets (core) without a namespace"},
		"kubectl -n shop get secret db -oyaml":           {"get secrets (core) named db in shop"},
		"kubectl get pod/web svc/front -nshop":           {"get pods (core) named web in shop", "get services (core) named front in shop"},
		"k get po,deploy -w":                             {"list pods (core) in default", "watch pods (core) in default", "list deployments (apps) in default", "watch deployments (apps) in default"},
		"kubectl get ns shop":                            {"get namespaces (core) named shop"},
		"kubectl get --raw '/healthz?verbose'":           {"get /healthz"},
		"kubectl get certificates.cert-manager.io c":     {"get certificates (cert-manager.io) named c in default"},
		"kubectl get pods.metrics.k8s.io web":            {"get pods (metrics.k8s.io) named web in default"},
		"kubectl get deploy.v1.apps web":                 {"get deployments (apps) named web in default"},
		"kubectl get certificates.v1.cert-manager.io c":  {"get certificates (cert-manager.io) named c in default"},
		"kubectl -n shop exec -it web -- sh -n other":    {"get pods (core) named web in shop", "get pods/exec (core) named web in shop", "create pods/exec (core) named web in shop"},
		"kubectl logs -f deploy/web -c app":              {"get deployments (apps) named web in default", "list pods (core) in default", "get pods (core), any name in default", "get pods/log (core), any name in default"},
		"kubectl delete pod web --wait=false":            {"delete pods (core) named web in default"},
		"kubectl delete svc/web":                         {"delete services (core) named web in default", "get services (core) named web in default", "list services (core) named web in default", "watch services (core) named web in default"},
		"kubectl describe deploy web":                    {"get deployments (apps) named web in default", "list replicasets (apps) in default", "list events (core) in default"},
		"kubectl delete pods --all --wait=false":         {"list pods (core) in default", "delete pods (core), any name in default"},
		"kubectl apply -f x.yaml --server-side":          {"patch deployments (apps) named web in front", "patch policies (example.com) named w in default"},
		"kubectl create -f x.yaml":                       {"create deployments (apps) in front", "create policies (example.com) in default"},
		"kubectl create secret generic db --from-file=x": {"create secrets (core) in default"},
		"kubectl create token builder -n ci":             {"create serviceaccounts/token (core) named builder in ci"},
		"kubectl label node n1 a=b c-":                   {"get nodes (core) named n1", "patch nodes (core) named n1"},
		"kubectl patch deploy web -p '{\"a\": 1}'":       {"get deployments (apps) named web in default", "patch deployments (apps) named web in default"},
		"kubectl scale deploy/web --replicas 3":          {"get deployments (apps) named web in default", "patch deployments/scale (apps) named web in default"},
		"kubectl set image deploy/web app=x:1":           {"get deployments (apps) named web in default", "patch deployments (apps) named web in default"},
		"kubectl cp shop/web:/a b":                       {"get pods (core) named web in shop", "get pods/exec (core) named web in shop", "create pods/exec (core) named web in shop"},
		"kubectl auth can-i get pods":                    {"create selfsubjectaccessreviews (authorization.k8s.io) without a namespace"},
		"kubectl certificate approve c":                  {"get certificatesigningrequests (certificates.k8s.io) named c", "update certificatesigningrequests/approval (certificates.k8s.io) named c"},
		"kubectl version | grep x":                       {"get /version"},
		"kubectl top pods":                               {"list pods (metrics.k8s.io) in default"},
		"kubectl rollout undo deploy/web":                {"get deployments (apps) named web in default", "list replicasets (apps) in default", "patch deployments (apps) named web in default"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			requests, err := FromKubectl(Split(line), newest, files)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range requests {
				got = append(got, r.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestKubectlRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"kubectl":                        "the line has no command; write it as in kubectl -n shop get secrets",
		"kubectl -n shop":                "the line has no command; write it as in kubectl -n shop get secrets",
		"kubectl gett pods":              `"gett" is no command of it that makes requests; did you mean "get"?`,
		"kubectl get":                    "the line does not say which resource it is about; write it as in kubectl get secrets, or kubectl delete pod/web",
		"kubectl get podz":               `there is no resource "podz" in kube-apiserver; did you mean pods?`,
		"kubectl get wallx":              `there is no resource "wallx" in kube-apiserver; write a custom resource with its group, as in certificates.cert-manager.io`,
		"kubectl get .0":                 `there is no resource ".0" in kube-apiserver; write a custom resource with its group, as in certificates.cert-manager.io`,
		"kubectl get xyzzyx":             `there is no resource "xyzzyx" in kube-apiserver; write a custom resource with its group, as in certificates.cert-manager.io`,
		"kubectl apply -f https://x/y":   "which objects are in https://x/y is not known; save it as a file",
		"kubectl apply -k x":             "which objects are in x is not known; write what kubectl kustomize prints into a file, and give that with -f",
		"kubectl apply -f gone.yaml":     "no such file",
		"kubectl auth":                   "auth lacks what to do; write it as in kubectl auth can-i get secrets",
		"kubectl create ns":              "the line has no name for what is created; write it as in kubectl create namespace shop",
		"kubectl rollout":                "rollout lacks what to do; write it as in kubectl rollout restart deployment/web",
		"kubectl cp a b":                 "cp names no pod; write it as in kubectl cp shop/web:/tmp/x x",
		"kubectl get --raw healthz":      `"healthz" is no path; write it as in GET /api/v1/namespaces/shop/secrets/db`,
		"kubectl describe pods/web x/db": `there is no resource "x" in kube-apiserver; write a custom resource with its group, as in certificates.cert-manager.io`,
	} {
		_, err := FromKubectl(Split(line), newest, files)
		if err == nil {
			t.Errorf("%s: no error", line)
			continue
		}
		p := document.ProblemsOf(err)[0]
		got := p.What
		if p.Hint != "" {
			got += "; " + p.Hint
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", line, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		``: nil, ` a  b `: {"a", "b"}, `a 'b c' "d e"f`: {"a", "b c", "d ef"}, `a\ b '\'`: {"a b", `\`}, `a "" b;c`: {"a", "", "b"},
		`a > x`: {"a"}, `a "x|y"`: {"a", "x|y"},
	} {
		if got := Split(text); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzKubectl: whatever a line is, there are requests or a problem with words.
func FuzzKubectl(f *testing.F) {
	for _, line := range []string{"kubectl -n", "k get -", "kubectl get a/b/c --x= -A", "kubectl rollout status", "kubectl apply -f x.yaml", "kubectl logs", "kubectl debug node/x", "kubectl run", "kubectl drain"} {
		f.Add(line)
	}
	for name := range commands {
		f.Add("kubectl " + name + " a b/c")
	}
	f.Fuzz(func(t *testing.T, line string) {
		requests, err := FromKubectl(Split(line), newest, files)
		if err == nil && len(requests) == 0 || err != nil && err.Error() == "" {
			t.Errorf("%q: %v, %v", line, requests, err)
		}
		for _, r := range requests {
			if r.Verb == "" || (r.Resource == "") != (r.Path != "") {
				t.Errorf("%q: %+v", line, r)
			}
		}
	})
}
