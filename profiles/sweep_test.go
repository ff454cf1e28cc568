// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditcore "k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/profiles"
)

// who is every kind of caller that a rule tells apart, and some that it must
// not. The names are written out here once more, so that a slip in a policy does
// not repeat itself in its test. The key is what the tests call them.
var who = map[string]user.Info{
	// A failed authentication is evaluated without a user.
	"nobody":          nil,
	"anonymous":       caller("system:anonymous", "system:unauthenticated"),
	"dev":             caller("jane", "dev", "system:authenticated"),
	"oidc":            caller("https://issuer.example#jane", "system:authenticated"),
	"admin":           caller("kubernetes-admin", "kubeadm:cluster-admins", "system:authenticated"),
	"super":           caller("kubernetes-super-admin", "system:masters", "system:authenticated"),
	"joining":         caller("system:bootstrap:abcdef", "system:bootstrappers", "system:authenticated"),
	"node":            caller("system:node:n1", "system:nodes", "system:authenticated"),
	"apiserver":       caller("system:apiserver", "system:masters", "system:authenticated"),
	"kcm":             caller("system:kube-controller-manager", "system:authenticated"),
	"scheduler":       caller("system:kube-scheduler", "system:authenticated"),
	"ccm":             caller("system:cloud-controller-manager", "system:authenticated"),
	"proxy":           caller("system:kube-proxy", "system:authenticated"),
	"sa:kube-proxy":   account("kube-system", "kube-proxy"),
	"sa:coredns":      account("kube-system", "coredns"),
	"sa:ccm":          account("kube-system", "cloud-controller-manager"),
	"sa:endpoint":     account("kube-system", "endpoint-controller"),
	"sa:slice":        account("kube-system", "endpointslice-controller"),
	"sa:mirroring":    account("kube-system", "endpointslicemirroring-controller"),
	"sa:hpa":          account("kube-system", "horizontal-pod-autoscaler"),
	"sa:gc":           account("kube-system", "generic-garbage-collector"),
	"sa:namespace":    account("kube-system", "namespace-controller"),
	"sa:prometheus":   account("monitoring", "prometheus"),
	"sa:app":          account("shop", "default"),
	"sa:lookalike":    account("shop", "endpointslice-controller"),
	"old:kubelet":     caller("kubelet", "system:authenticated"),
	"old:unsecured":   caller("system:unsecured", "system:masters", "system:authenticated"),
	"autoscaler":      caller("cluster-autoscaler", "system:authenticated"),
	"human:lookalike": caller("kube-scheduler", "nodes", "system:authenticated"),
}

func caller(name string, groups ...string) user.Info {
	return &user.DefaultInfo{Name: name, Groups: groups}
}

func account(namespace, name string) user.Info {
	return caller("system:serviceaccount:"+namespace+":"+name,
		"system:serviceaccounts", "system:serviceaccounts:"+namespace, "system:authenticated")
}

var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy"}

var methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}

// credentials are the resources that may never be logged with a body, with
// subresources that do not exist, since nothing stops a client from asking.
var credentials = []string{
	"secrets", "secrets/status", "secrets/scale", "secrets/exec", "configmaps", "configmaps/status", "configmaps/proxy",
	"serviceaccounts/token", "tokenreviews.authentication.k8s.io", "tokenreviews.authentication.k8s.io/status",
	"tokenrequests.authentication.k8s.io", "selfsubjectreviews.authentication.k8s.io",
}

// things are resources as "resource.group/subresource", of every group that is
// named anywhere and of some that are not.
var things = append(strings.Fields(`
	pods pods/status pods/log pods/exec pods/attach pods/portforward pods/proxy pods/binding pods/eviction
	pods/ephemeralcontainers pods/resize services services/status services/proxy nodes nodes/status nodes/proxy
	namespaces namespaces/status namespaces/finalize serviceaccounts endpoints events persistentvolumes
	persistentvolumeclaims/status resourcequotas resourcequotas/status limitranges bindings componentstatuses
	replicationcontrollers/scale
	deployments.apps deployments.apps/status deployments.apps/scale daemonsets.apps replicasets.apps/scale controllerrevisions.apps
	jobs.batch jobs.batch/status cronjobs.batch ingresses.extensions ingresses.networking.k8s.io ingresses.networking.k8s.io/status
	networkpolicies.networking.k8s.io servicecidrs.networking.k8s.io
	horizontalpodautoscalers.autoscaling/status poddisruptionbudgets.policy poddisruptionbudgets.policy/status
	leases.coordination.k8s.io leasecandidates.coordination.k8s.io
	endpointslices.discovery.k8s.io events.events.k8s.io
	flowschemas.flowcontrol.apiserver.k8s.io flowschemas.flowcontrol.apiserver.k8s.io/status
	prioritylevelconfigurations.flowcontrol.apiserver.k8s.io prioritylevelconfigurations.flowcontrol.apiserver.k8s.io/status
	roles.rbac.authorization.k8s.io clusterrolebindings.rbac.authorization.k8s.io
	mutatingwebhookconfigurations.admissionregistration.k8s.io validatingadmissionpolicies.admissionregistration.k8s.io
	certificatesigningrequests.certificates.k8s.io certificatesigningrequests.certificates.k8s.io/approval
	certificatesigningrequests.certificates.k8s.io/status podcertificaterequests.certificates.k8s.io
	customresourcedefinitions.apiextensions.k8s.io customresourcedefinitions.apiextensions.k8s.io/status
	apiservices.apiregistration.k8s.io apiservices.apiregistration.k8s.io/status
	subjectaccessreviews.authorization.k8s.io selfsubjectaccessreviews.authorization.k8s.io selfsubjectrulesreviews.authorization.k8s.io
	csidrivers.storage.k8s.io volumeattachments.storage.k8s.io volumeattachments.storage.k8s.io/status
	runtimeclasses.node.k8s.io resourceclaims.resource.k8s.io resourceclaims.resource.k8s.io/status
	priorityclasses.scheduling.k8s.io storageversions.internal.apiserver.k8s.io storageversions.internal.apiserver.k8s.io/status
	evictionrequests.lifecycle.k8s.io storageversionmigrations.storagemigration.k8s.io
	pods.metrics.k8s.io nodes.metrics.k8s.io latency.custom.metrics.k8s.io queue.external.metrics.k8s.io
	clusterroles.rbac.authorization.k8s.io podpresets.settings.k8s.io
	apirequestcounts.apiserver.openshift.io apirequestcounts.apiserver.openshift.io/status identities.user.openshift.io
	oauthaccesstokens.oauth.openshift.io oauthclients.oauth.openshift.io tokenreviews.oauth.openshift.io
	routes.route.openshift.io routes.route.openshift.io/status machineconfigs.machineconfiguration.openshift.io
	secrets.example.com sealedsecrets.bitnami.com externalsecrets.external-secrets.io virtualmachines.subresources.kubevirt.io/vnc
	leases.example.com events.example.com pods.example.com/exec
`), credentials...)

// places are namespaces with a name in them, either of which may be empty.
var places = [][2]string{
	{"", ""}, {"", "n1"}, {"default", "kubernetes"}, {"kube-system", ""}, {"kube-system", "kube-scheduler"},
	{"kube-system", "kube-controller-manager"}, {"kube-node-lease", "n1"}, {"shop", "controller-leader"},
}

var paths = []string{
	"/", "/healthz", "/healthz/", "/healthz/etcd", "/healthzfoo", "/livez", "/livez/ping", "/readyz", "/readyz/etcd",
	"/version", "/version/", "/metrics", "/metrics/slis", "/metrics/foo", "/api", "/api/v1", "/apis", "/apis/apps/v1", "/apifoo",
	"/apis/example.com", "/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1", "/openapi", "/swagger.json", "/swaggerapi",
	"/.well-known/openid-configuration", "/openid/v1/jwks", "/debug/pprof/heap", "/logs/kube-apiserver.log", "/configz",
}

// attributes are those of a request for "resource.group/subresource".
func attributes(u user.Info, verb, thing, namespace, name string) authorizer.AttributesRecord {
	head, sub, _ := strings.Cut(thing, "/")
	res, group, _ := strings.Cut(head, ".")
	return authorizer.AttributesRecord{
		User: u, Verb: verb, APIGroup: group, APIVersion: "v1", Resource: res, Subresource: sub,
		Namespace: namespace, Name: name, ResourceRequest: true,
	}
}

// request is an attribute record and what to call it in a message.
type request struct {
	caller, verb, thing, namespace, name string
	attrs                                authorizer.AttributesRecord
}

func (r request) String() string {
	return strings.TrimSpace(strings.Join([]string{r.caller, r.verb, r.thing, r.namespace, r.name}, " "))
}

// sweep is every caller doing everything to everything everywhere. It is made
// once and must not be changed.
var sweep = sync.OnceValue(func() []request {
	var all []request
	for c, u := range who {
		for _, m := range methods {
			for _, p := range paths {
				all = append(all, request{c, m, p, "", "", authorizer.AttributesRecord{User: u, Verb: m, Path: p}})
			}
		}
		for _, v := range verbs {
			for _, th := range things {
				for _, at := range places {
					all = append(all, request{c, v, th, at[0], at[1], attributes(u, v, th, at[0], at[1])})
				}
			}
		}
	}
	return all
})

// load reads a policy as kube-apiserver does.
func load(t *testing.T, text []byte) *audit.Policy {
	t.Helper()
	p, err := policy.LoadPolicyFromBytes(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

func evaluator(p *audit.Policy) auditcore.PolicyRuleEvaluator {
	// The constructor writes into the rules it is given.
	return policy.NewPolicyRuleEvaluator(p.DeepCopy())
}

// single is an evaluator of one rule alone, at a level that tells a match from
// none.
func single(rule audit.PolicyRule) auditcore.PolicyRuleEvaluator {
	rule.Level = audit.LevelRequestResponse
	return evaluator(&audit.Policy{Rules: []audit.PolicyRule{rule}})
}

func matches(e auditcore.PolicyRuleEvaluator, attrs authorizer.Attributes) bool {
	return e.EvaluatePolicyRule(attrs).Level != audit.LevelNone
}

// deciding gives the index of the first rule that matches each request, -1 for
// none.
func deciding(p *audit.Policy, requests []request) []int {
	rules := make([]auditcore.PolicyRuleEvaluator, len(p.Rules))
	for i, r := range p.Rules {
		rules[i] = single(r)
	}
	first := make([]int, len(requests))
	for n, r := range requests {
		first[n] = slices.IndexFunc(rules, func(e auditcore.PolicyRuleEvaluator) bool { return matches(e, r.attrs) })
	}
	return first
}

// minors are the ones that auditsetup works on.
func minors() []int {
	var all []int
	for m := apiserver.OldestSupportedMinor; m <= apiserver.NewestMinor; m++ {
		all = append(all, m)
	}
	return all
}

// variants are the policies of a profile over all minors that differ in their
// rules, each under the first minor that it is for.
func variants(t *testing.T, p profiles.Profile) map[int]*audit.Policy {
	t.Helper()
	found, seen := map[int]*audit.Policy{}, map[string]bool{}
	for _, m := range minors() {
		text := render(t, p, m)
		_, rules, _ := strings.Cut(string(text), "\nrules:")
		if !seen[rules] {
			seen[rules] = true
			found[m] = load(t, text)
		}
	}
	return found
}

func render(t *testing.T, p profiles.Profile, minor int) []byte {
	t.Helper()
	text, err := p.Policy(apiserver.Version{Minor: minor, Patch: -1})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func profile(t *testing.T, name string) profiles.Profile {
	t.Helper()
	p, ok := profiles.Lookup(name)
	if !ok {
		t.Fatalf("no profile %q", name)
	}
	return p
}
