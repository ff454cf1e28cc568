// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

// dice draws policies and requests from one small vocabulary, with the mistakes
// in it that people make, so that they have to do with each other.
type dice struct{ *rand.Rand }

var (
	drawnUsers  = []string{"jane", "system:apiserver", "system:kube-proxy", "kubelet", "system:nodes", "*", "kube-system:a", "system:serviceaccount:kube-system:a", "system:node:n1", "system:anonymous", ""}
	drawnGroups = []string{"dev", "system:authenticated", "system:unauthenticated", "system:nodes", "system:serviceaccounts", "system:serviceaccounts:kube-system", "*", "system:anonymous"}
	drawnVerbs  = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", "Get", "post", "put", "head", "connect", ""}
	drawnURLs   = []string{"*", "/healthz*", "/healthz", "/healthz/*", "/api*", "/api/v1/pods", "/version", "/metrics", "/livez", "/readyz"}
	drawnAPIs   = []string{"", "apps", "rbac.authorization.k8s.io", "authentication.k8s.io", "coordination.k8s.io", "example.com"}
	drawnThings = []string{"*", "pods", "pods/exec", "pods/log", "pods/*", "*/status", "*/*", "po*", "secrets", "secrets/*", "configmaps", "serviceaccounts/token", "tokenreviews", "leases", "deployments", "clusterroles", "nodes", ""}
	drawnSpaces = []string{"", "kube-system", "shop", "kube-node-lease", "*"}
	drawnNames  = []string{"a", "b", "", "*"}
)

func (d dice) one(words []string) string { return words[d.IntN(len(words))] }

// some is nothing at all most of the time.
func (d dice) some(words []string) []string {
	if d.IntN(3) > 0 {
		return nil
	}
	found := []string{d.one(words)}
	for d.IntN(2) == 0 {
		found = append(found, d.one(words))
	}
	return found
}

func (d dice) rule() auditv1.PolicyRule {
	r := auditv1.PolicyRule{
		Level: auditv1.Level(d.one([]string{"None", "Metadata", "Request", "RequestResponse"})),
		Users: d.some(drawnUsers), UserGroups: d.some(drawnGroups), Verbs: d.some(drawnVerbs),
	}
	if d.IntN(5) == 0 {
		r.NonResourceURLs = append([]string{d.one(drawnURLs)}, d.some(drawnURLs)...)
		return r
	}
	r.Namespaces = d.some(drawnSpaces)
	for range d.IntN(3) {
		g := auditv1.GroupResources{Group: d.one(drawnAPIs), Resources: d.some(drawnThings)}
		if len(g.Resources) > 0 {
			g.ResourceNames = d.some(drawnNames)
		}
		r.Resources = append(r.Resources, g)
	}
	return r
}

// policy is one in JSON, with a rule in each line from the second one on.
func (d dice) policy(t *testing.T) []byte {
	t.Helper()
	var rules []string
	for range 1 + d.IntN(7) {
		text, err := json.Marshal(d.rule())
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, string(text))
	}
	return fmt.Appendf(nil, "{\"apiVersion\": \"audit.k8s.io/v1\", \"kind\": \"Policy\", \"omitStages\": [\"RequestReceived\"], \"rules\": [\n%s]}", strings.Join(rules, ",\n"))
}

// callers that kube-apiserver's authenticators make; nil is a failed login.
var drawnCallers = []*user.DefaultInfo{
	nil,
	{Name: "system:anonymous", Groups: []string{"system:unauthenticated"}},
	{Name: "jane", Groups: []string{"dev", "system:authenticated"}},
	{Name: "someone", Groups: []string{"system:authenticated"}},
	{Name: "kubelet", Groups: []string{"system:authenticated"}},
	{Name: "system:apiserver", Groups: []string{"system:masters", "system:authenticated"}},
	{Name: "system:kube-proxy", Groups: []string{"system:authenticated"}},
	{Name: "system:node:n1", Groups: []string{"system:nodes", "system:authenticated"}},
	{Name: "system:serviceaccount:kube-system:a", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}},
	{Name: "system:serviceaccount:shop:b", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"}},
}

func (d dice) caller(r *authorizer.AttributesRecord) {
	if c := drawnCallers[d.IntN(len(drawnCallers))]; c != nil {
		r.User = c
	}
}

// request is any that a client can send, sensible or not.
func (d dice) request() authorizer.AttributesRecord {
	var r authorizer.AttributesRecord
	if d.caller(&r); d.IntN(10) == 0 { // and one that only a certificate could name
		r.User = &user.DefaultInfo{Name: d.one(drawnUsers), Groups: []string{d.one(drawnGroups), d.one(drawnGroups)}}
	}
	if d.IntN(4) == 0 {
		r.Verb, r.Path = d.one(pathVerbs), d.one([]string{"/", "/healthz", "/healthz/etcd", "/healthzz", "/api", "/api/v1", "/version", "/metrics", "/livez", "/x"})
		return r
	}
	r.ResourceRequest, r.Verb, r.APIGroup = true, d.one(every), d.one(drawnAPIs)
	words := slices.DeleteFunc(slices.Clone(drawnThings), func(w string) bool { return w == "" || strings.Contains(w, "*") })
	r.Resource, r.Subresource, _ = strings.Cut(d.one(append(words, "pods/status", "widgets")), "/")
	r.Namespace, r.Name = d.one([]string{"", "kube-system", "shop", "kube-node-lease", "default"}), d.one([]string{"", "a", "b", "c"})
	return r
}

// encoded is a policy as the strict reader reads it.
func encoded(t *testing.T, v1 *auditv1.Policy) *policy.Policy {
	t.Helper()
	v1 = v1.DeepCopy()
	v1.APIVersion, v1.Kind = "audit.k8s.io/v1", "Policy"
	text, err := json.Marshal(v1)
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.Read("f", text, apiserver.Version{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return read
}
