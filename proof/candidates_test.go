// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"net/http"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

// identities are kubeadm's.
var identities = []live.Identity{
	{User: "kube-apiserver-kubelet-client", Groups: []string{"kubeadm:cluster-admins", "system:authenticated"}},
	{User: "kubernetes-admin", Groups: []string{"kubeadm:cluster-admins", "system:authenticated"}},
	{User: "system:anonymous", Groups: []string{"system:unauthenticated"}},
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rules, request string
		identity       int
	}{
		"everything":          {"[{level: Metadata}]", "GET /api/v1/namespaces/kube-system", 0},
		"nothing":             {"[{level: None}]", "", 0},
		"no stage of it":      {"[{level: Metadata, omitStages: [RequestReceived, ResponseComplete]}]", "", 0},
		"one stage is left":   {"[{level: Metadata, omitStages: [ResponseComplete]}]", "GET /api/v1/namespaces/kube-system", 0},
		"changes alone":       {"[{level: Request, verbs: [update, patch]}]", "PUT /api/v1/namespaces/kube-system/configmaps/nobody?dryRun=All", 0},
		"only the admin":      {"[{level: Metadata, users: [kubernetes-admin]}]", "GET /api/v1/namespaces/kube-system", 1},
		"only the unknown":    {"[{level: Metadata, userGroups: ['system:unauthenticated']}]", "GET /api/v1/namespaces/kube-system", 2},
		"a kind of its own":   {"[{level: Metadata, resources: [{group: apps, resources: [deployments]}]}]", "GET /apis/apps/v1/namespaces/kube-system/deployments/nobody", 0},
		"a part of one":       {"[{level: Metadata, resources: [{resources: [pods/exec]}]}]", "GET /api/v1/namespaces/kube-system/pods/nobody/exec", 0},
		"in a namespace":      {"[{level: Metadata, verbs: [list], namespaces: [shop], resources: [{group: batch, resources: [jobs]}]}]", "GET /apis/batch/v1/namespaces/shop/jobs?limit=1", 0},
		"of all kinds":        {"[{level: Metadata, namespaces: [shop], resources: [{group: batch}]}]", "GET /apis/batch/v1/namespaces/shop/configmaps/nobody", 0},
		"one by name":         {"[{level: Metadata, verbs: [get], resources: [{resources: [configmaps], resourceNames: [one]}]}]", "GET /api/v1/namespaces/kube-system/configmaps/one", 0},
		"a path":              {"[{level: Metadata, nonResourceURLs: ['/metrics*']}]", "GET /metricsnobody", 0},
		"cluster-wide":        {"[{level: Metadata, verbs: [create], resources: [{group: rbac.authorization.k8s.io, resources: [clusterroles]}]}]", "POST /apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/clusterroles?dryRun=All", 0},
		"would harm":          {"[{level: Metadata, verbs: [deletecollection]}]", "", 0},
		"somebody else alone": {"[{level: Metadata, users: [jane]}]", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ok := Choose(parse(t, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: "+test.rules+"\n"), identities, "nobody")
			got := ""
			if ok {
				got = c.Request.Method + " " + c.Request.Path
			}
			if got != test.request || c.Identity != test.identity {
				t.Errorf("%q as %d, want %q as %d", got, c.Identity, test.request, test.identity)
			}
		})
	}
}

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEveryProfileCanBeProven wants a request for each of our own policies.
func TestEveryProfileCanBeProven(t *testing.T) {
	t.Parallel()
	v, err := apiserver.ParseVersion("v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range profiles.Names() {
		profile, ok := profiles.Lookup(name)
		if !ok {
			t.Fatal(name)
		}
		text, err := profile.Policy(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := Choose(parse(t, string(text)), identities, "nobody"); !ok {
			t.Errorf("%s records nothing that we could cause", name)
		}
	}
}

// TestHarmless holds every request that there can be to what it must not do:
// what may write is a dry run about an object that does not exist.
func TestHarmless(t *testing.T) {
	t.Parallel()
	p := parse(t, `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
  verbs: [get, list, watch, create, update, patch, delete, deletecollection, impersonate]
  resources: [{resources: ["*", pods, pods/eviction, "*/scale", namespaces], resourceNames: [real]}, {group: "apps"}]
- level: Metadata
  nonResourceURLs: ["*", /healthz]
`)
	for _, a := range append(plain("nobody"), fromRules(p.V1.Rules, "nobody")...) {
		r := a.request
		if r.Method == http.MethodGet {
			continue
		}
		if !strings.HasSuffix(r.Path, "?dryRun=All") || strings.Contains(r.Path, "real") || r.Method != http.MethodPost && !strings.Contains(r.Path, "/nobody") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}
