// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"slices"
	"strings"
)

// recommended is what the profile of that name is to decide, for every version.
var recommended = []decision{
	// Credentials, by whomever and however.
	{"dev get secrets shop db", metadata},
	{"dev list secrets", metadata},
	{"dev create secrets shop", metadata},
	{"dev patch secrets shop db", metadata},
	{"dev deletecollection secrets shop", metadata},
	{"node get secrets shop db", metadata},
	{"node list secrets", metadata},
	{"node watch secrets shop db", metadata},
	{"kcm watch secrets", metadata},
	{"apiserver get secrets kube-system x", metadata},
	{"apiserver watch secrets", metadata},
	{"sa:app get secrets shop db", metadata},
	{"sa:gc watch secrets", metadata},
	{"anonymous list secrets", metadata},
	{"nobody list secrets", metadata},
	{"super update configmaps kube-system kubeadm-config", metadata},
	{"node watch configmaps shop c", metadata},
	{"autoscaler update configmaps kube-system cluster-autoscaler-status", metadata},
	{"scheduler get configmaps kube-system extension-apiserver-authentication", metadata},
	{"node create serviceaccounts/token shop default", metadata},
	{"dev create serviceaccounts/token kube-system admin", metadata},
	{"kcm create serviceaccounts/token kube-system endpointslice-controller", metadata},
	{"node create tokenreviews.authentication.k8s.io", metadata},
	{"sa:app create tokenreviews.authentication.k8s.io", metadata},
	{"dev create selfsubjectreviews.authentication.k8s.io", metadata},
	{"dev create sealedsecrets.bitnami.com shop", metadata},
	{"dev update externalsecrets.external-secrets.io shop x", metadata},

	// Ways in, which have no body but must be seen.
	{"dev create pods/exec shop web", metadata},
	{"dev get pods/exec shop web", metadata},
	{"super get pods/attach shop web", metadata},
	{"dev create pods/portforward shop web", metadata},
	{"dev get pods/proxy shop web", metadata},
	{"dev create services/proxy shop web", metadata},
	{"sa:prometheus get nodes/proxy - n1", metadata},
	{"node create nodes/proxy - n2", metadata},
	{"apiserver get pods/exec shop web", metadata},
	{"kcm watch pods/exec shop web", metadata},
	{"dev get virtualmachines.subresources.kubevirt.io/vnc shop vm", metadata},
	{"dev get pods/log shop web", metadata},
	{"dev patch pods/ephemeralcontainers shop web", body},

	// Who may do what, and what is let in.
	{"admin create clusterrolebindings.rbac.authorization.k8s.io", both},
	{"dev patch roles.rbac.authorization.k8s.io shop r", both},
	{"apiserver update roles.rbac.authorization.k8s.io kube-system r", both},
	{"dev delete mutatingwebhookconfigurations.admissionregistration.k8s.io - m", both},
	{"dev update validatingadmissionpolicies.admissionregistration.k8s.io - v", both},
	{"node create certificatesigningrequests.certificates.k8s.io", both},
	{"joining create certificatesigningrequests.certificates.k8s.io", both},
	{"admin update certificatesigningrequests.certificates.k8s.io/approval - c", both},
	{"node create podcertificaterequests.certificates.k8s.io shop", body},
	{"dev list clusterrolebindings.rbac.authorization.k8s.io", metadata},
	{"dev create selfsubjectaccessreviews.authorization.k8s.io", body},
	{"sa:app create selfsubjectrulesreviews.authorization.k8s.io", body},
	{"node create subjectaccessreviews.authorization.k8s.io", metadata},
	{"admin create customresourcedefinitions.apiextensions.k8s.io", body},
	{"admin delete apiservices.apiregistration.k8s.io - a", body},
	{"admin create namespaces - x", body},
	{"sa:namespace update namespaces/finalize x x", body},
	{"dev create serviceaccounts shop", body},

	// Work, and looking at it.
	{"dev create pods shop", body},
	{"sa:app delete pods shop web", body},
	{"scheduler create pods/binding shop web", body},
	{"dev create pods/eviction shop web", body},
	{"dev deletecollection pods shop", body},
	{"dev get pods shop web", metadata},
	{"dev list pods", metadata},
	{"node list pods", metadata},
	{"node watch pods", metadata},
	{"node get pods shop web", metadata},
	{"dev patch deployments.apps shop web", body},
	{"sa:hpa update deployments.apps/scale shop web", body},
	{"anonymous create pods shop", body},
	{"anonymous list pods", metadata},
	{"node list services", metadata},
	{"node patch nodes - n1", body},
	{"dev get nodes - n1", metadata},
	{"dev watch services", metadata},
	{"dev create virtualmachines.subresources.kubevirt.io shop", metadata},
	{"dev proxy pods shop web", metadata},

	// Heartbeats and leader election, and tampering with them.
	{"node update leases.coordination.k8s.io kube-node-lease n1", none},
	{"node get leases.coordination.k8s.io kube-node-lease n1", none},
	{"node create leases.coordination.k8s.io kube-node-lease", body},
	{"node list leases.coordination.k8s.io kube-node-lease", metadata},
	{"node update leases.coordination.k8s.io shop x", body},
	{"node get leases.coordination.k8s.io kube-system kube-scheduler", metadata},
	{"kcm update leases.coordination.k8s.io kube-system kube-controller-manager", none},
	{"scheduler get leases.coordination.k8s.io kube-system kube-scheduler", none},
	{"scheduler update leasecandidates.coordination.k8s.io kube-system s", none},
	{"apiserver update leases.coordination.k8s.io kube-system apiserver-x", none},
	{"kcm update leases.coordination.k8s.io kube-node-lease n1", body},
	{"kcm delete leases.coordination.k8s.io kube-node-lease n1", body},
	{"sa:ccm update leases.coordination.k8s.io kube-system cloud-controller-manager", none},
	{"sa:app update leases.coordination.k8s.io shop operator", none},
	{"sa:app delete leases.coordination.k8s.io shop operator", body},
	{"sa:app update leases.coordination.k8s.io kube-node-lease n1", body},
	{"sa:app patch leases.coordination.k8s.io kube-system kube-scheduler", body},
	{"dev update leases.coordination.k8s.io kube-system kube-scheduler", body},
	{"dev get leases.coordination.k8s.io shop operator", metadata},
	{"human:lookalike update leases.coordination.k8s.io kube-system kube-scheduler", body},

	// Cluster events.
	{"sa:app create events shop", none},
	{"node patch events.events.k8s.io shop e", none},
	{"scheduler create events.events.k8s.io shop", none},
	{"kcm update events shop e", none},
	{"dev create events shop", body},
	{"dev deletecollection events shop", body},
	{"sa:app deletecollection events.events.k8s.io shop", body},
	{"node delete events shop e", body},
	{"dev list events", metadata},
	{"sa:app create events.example.com shop", metadata},

	// The machine's own traffic, and people doing the same.
	{"node patch nodes/status - n1", none},
	{"sa:app patch nodes/status - n1", body},
	{"dev patch nodes/status - n1", body},
	{"sa:coredns patch nodes/status - n1", metadata},
	{"node get nodes - n1", none},
	{"node watch nodes", none},
	{"node watch services", none},
	{"node watch csidrivers.storage.k8s.io", none},
	{"node watch runtimeclasses.node.k8s.io", none},
	{"node patch pods/status shop web", metadata},
	{"dev patch services/status shop web", body},
	{"kcm update deployments.apps/status shop web", metadata},
	{"sa:hpa update horizontalpodautoscalers.autoscaling/status shop web", metadata},
	{"proxy watch services", none},
	{"sa:kube-proxy watch endpointslices.discovery.k8s.io", none},
	{"sa:kube-proxy list endpointslices.discovery.k8s.io", metadata},
	{"sa:kube-proxy watch pods", metadata},
	{"sa:slice create endpointslices.discovery.k8s.io shop", none},
	{"sa:slice update endpointslices.discovery.k8s.io shop e", none},
	{"sa:endpoint update endpoints shop e", none},
	{"sa:mirroring delete endpointslices.discovery.k8s.io shop e", none},
	{"sa:slice deletecollection endpointslices.discovery.k8s.io shop", body},
	{"sa:lookalike update endpointslices.discovery.k8s.io shop e", body},
	{"dev update endpointslices.discovery.k8s.io shop e", body},
	{"dev patch endpoints shop e", body},
	{"kcm watch roles.rbac.authorization.k8s.io", none},
	{"kcm watch sealedsecrets.bitnami.com", metadata},
	{"kcm list roles.rbac.authorization.k8s.io", metadata},
	{"apiserver get namespaces shop shop", none},
	{"apiserver get endpointslices.discovery.k8s.io default kubernetes", none},
	{"apiserver update endpointslices.discovery.k8s.io default kubernetes", body},
	{"super get namespaces shop shop", metadata},
	{"apiserver patch flowschemas.flowcontrol.apiserver.k8s.io/status - f", none},
	{"apiserver patch flowschemas.flowcontrol.apiserver.k8s.io - f", body},
	{"super patch flowschemas.flowcontrol.apiserver.k8s.io/status - f", body},
	{"sa:hpa list pods.metrics.k8s.io", none},
	{"sa:hpa get queue.external.metrics.k8s.io shop q", none},
	{"sa:hpa get deployments.apps/scale shop web", none},
	{"dev list pods.metrics.k8s.io", metadata},

	// Paths.
	{"anonymous get /livez", none},
	{"anonymous get /readyz", none},
	{"dev get /healthz", none},
	{"nobody get /livez", metadata},
	{"nobody get /version", metadata},
	{"nobody get /api", metadata},
	{"anonymous get /healthzfoo", metadata},
	{"anonymous get /readyz/etcd", metadata},
	{"anonymous post /livez", metadata},
	{"anonymous get /version", metadata},
	{"anonymous get /apis", metadata},
	{"anonymous get /openapi/v2", metadata},
	{"dev get /version", none},
	{"dev get /apis/apps/v1", none},
	{"sa:app get /openapi/v3", none},
	{"dev post /apis", metadata},
	{"dev get /apifoo", metadata},
	{"sa:prometheus get /metrics", none},
	{"dev get /metrics", metadata},
	{"anonymous get /metrics", metadata},
	{"dev get /debug/pprof/heap", metadata},
	{"dev get /logs/kube-apiserver.log", metadata},
	{"dev get /openid/v1/jwks", metadata},
}

// allowed is a kind of request that may be dropped.
type allowed struct {
	// what names it.
	what string
	// callers may end in "*"; verbs and things are lists as well, and "*" as
	// the only thing stands for those of groups that Kubernetes serves.
	callers, verbs, things string
	// namespace is "" for any.
	namespace string
	// until is the first minor that must log it; 99 for none.
	until int
}

func (a allowed) covers(r request, minor int) bool {
	return minor < a.until && listed(a.callers, r.caller) && listed(a.verbs, r.verb) &&
		(a.namespace == "" || a.namespace == r.namespace) &&
		(listed(a.things, r.thing) || a.things == "*" && builtin(r))
}

func listed(list, s string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(p string) bool {
		prefix, open := strings.CutSuffix(p, "*")
		return p == s || open && prefix != "" && strings.HasPrefix(s, prefix)
	})
}

// builtin says that a request is for something of Kubernetes itself that is
// neither a credential, nor a way in, nor somebody else's review.
func builtin(r request) bool {
	g := r.attrs.GetAPIGroup()
	return r.attrs.IsResourceRequest() && !slices.Contains(credentials, r.thing) &&
		!slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, r.attrs.GetSubresource()) &&
		g != "authorization.k8s.io" && !strings.HasSuffix(g, "metrics.k8s.io") &&
		(!strings.Contains(g, ".") || strings.HasSuffix(g, ".k8s.io"))
}

const (
	controlPlane  = "apiserver kcm scheduler ccm"
	leases        = "leases.coordination.k8s.io"
	endpointKinds = "endpoints endpointslices.discovery.k8s.io"
)

// people is everyone who was let in; nobody was not.
const people = "anonymous dev oidc admin super joining node apiserver kcm scheduler ccm proxy sa:* old:* autoscaler human:*"

var noise = []allowed{
	{"health", people, "get", "/healthz /livez /readyz", "", 99},
	{"discovery", strings.TrimPrefix(people, "anonymous "), "get", "/api /api/v1 /apis /apis/* /openapi/* /version", "", 99},
	{"metrics", "sa:*", "get", "/metrics /metrics/slis", "", 99},
	{"heartbeats", "node", "get update", leases, "kube-node-lease", 99},
	{"the control plane's leases", controlPlane, "get update", leases + " leasecandidates.coordination.k8s.io", "kube-system", 99},
	{"leases of pods", "sa:*", "get update patch", leases, "", 99},
	{"the control plane's leases before 1.20", "kcm scheduler ccm", "get update", "endpoints", "kube-system", 20},
	{"cluster events", controlPlane + " node sa:*", "create update patch", "events events.events.k8s.io", "", 99},
	{"a node's own state", "node", "get", "nodes", "", 99},
	{"a node's report", "node", "update patch", "nodes/status", "", 99},
	{"watches by nodes", "node", "watch", "nodes services runtimeclasses.node.k8s.io csidrivers.storage.k8s.io", "", 99},
	{"watches by the service proxy", "proxy sa:kube-proxy", "watch", "nodes services servicecidrs.networking.k8s.io " + endpointKinds, "", 99},
	{"the control plane's caches", controlPlane, "watch", "*", "", 99},
	{"the API server's own reads", "apiserver", "get", "namespaces services " + endpointKinds, "", 99},
	{"priority and fairness", "apiserver", "update patch", "flowschemas.flowcontrol.apiserver.k8s.io/status prioritylevelconfigurations.flowcontrol.apiserver.k8s.io/status", "", 99},
	{"endpoints of services", "sa:endpoint sa:slice sa:mirroring", "create update delete", endpointKinds, "", 99},
	{"autoscaling", "sa:hpa", "get list", "pods.metrics.k8s.io nodes.metrics.k8s.io latency.custom.metrics.k8s.io queue.external.metrics.k8s.io deployments.apps/scale replicasets.apps/scale", "", 99},
}
