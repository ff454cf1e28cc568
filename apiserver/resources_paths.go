// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import "strings"

// Path is one that a kube-apiserver answers and that is for no resource, so that
// nonResourceURLs of a policy can name it.
type Path struct {
	// Path is as in a policy: "/healthz", or "/healthz/*" for what is below.
	Path string
	// ByDefault says whether it is there without a flag or feature gate.
	ByDefault bool
	// Since is the first minor that has it, or can have it; 0 when it is older
	// than OldestSupportedMinor. None has gone yet.
	Since int

	// on and off are the minors from which it is there by default, and no longer;
	// 0 for on is from the beginning, for off never.
	on, off int
}

// paths are in the order of the alphabet. Below /api and /apis only what has no
// resource in it counts: versions and groups. Source: k8s.io/apiserver v0.37.1
// pkg/server/config.go (installAPI), pkg/server/routes, pkg/server/healthz.go,
// pkg/util/flowcontrol/apf_controller_debug.go, and for the minors the feature
// gates APIPriorityAndFairness, OpenAPIV3 (pkg/features/kube_features.go),
// ComponentSLIs, ComponentFlagz, ComponentStatusz (k8s.io/component-base),
// ServiceAccountIssuerDiscovery (k8s.io/kubernetes); /logs has the flag
// --enable-logs-handler, off since 1.31 (k8s.io/kubernetes
// pkg/controlplane/apiserver/options/options.go).
var paths = []Path{
	{Path: "/"},
	{Path: "/.well-known/openid-configuration", on: 20},
	{Path: "/api"},
	{Path: "/api/*"},
	{Path: "/apis"},
	{Path: "/apis/*"},
	{Path: "/debug/api_priority_and_fairness/*", on: 20},
	{Path: "/debug/flags"},
	{Path: "/debug/flags/*"},
	{Path: "/debug/pprof"},
	{Path: "/debug/pprof/*"},
	{Path: "/flagz", Since: 32, on: 36},
	{Path: "/healthz"},
	{Path: "/healthz/*"},
	{Path: "/index.html"},
	{Path: "/livez"},
	{Path: "/livez/*"},
	{Path: "/logs", off: 31},
	{Path: "/logs/*", off: 31},
	{Path: "/metrics"},
	{Path: "/metrics/slis", Since: 26, on: 27},
	{Path: "/openapi/v2"},
	{Path: "/openapi/v3", Since: 23, on: 24},
	{Path: "/openapi/v3/*", Since: 23, on: 24},
	{Path: "/openid/v1/jwks", on: 20},
	{Path: "/readyz"},
	{Path: "/readyz/*"},
	{Path: "/statusz", Since: 32, on: 36},
	{Path: "/version"},
	{Path: "/version/"},
}

// Paths returns what v answers besides resources, sorted: with
// [Path.ByDefault] what every one has, and besides what flags can add. Webhook
// and aggregated servers add nothing here. The slice is the caller's.
func (v Version) Paths() []Path {
	var found []Path
	for _, p := range paths {
		if v.Minor >= p.Since {
			p.ByDefault = v.Minor >= p.on && (p.off == 0 || v.Minor < p.off)
			found = append(found, p)
		}
	}
	return found
}

// ServesPath reports whether an entry of nonResourceURLs is for any path that v
// answers, or can answer with some flag: a path, or the beginning of one and a
// star. Requests for other paths are answered with 404, and recorded all the
// same, but for what is below /api/VERSION and /apis/GROUP/VERSION: all that is
// for a resource, which no such entry is compared with.
func (v Version) ServesPath(entry string) bool {
	if ofResources(entry) {
		return false
	}
	for _, p := range v.Paths() {
		if pathsMeet(p.Path, entry) {
			return true
		}
	}
	return false
}

// ofResources says whether all paths of an entry are for resources. Source:
// NewRequestInfo in pkg/endpoints/request/requestinfo.go of k8s.io/apiserver
// v0.37.1, which counts the parts of a path between its slashes.
func ofResources(entry string) bool {
	parts := strings.Split(strings.Trim(strings.TrimRight(entry, "*"), "/"), "/")
	return parts[0] == "api" && len(parts) > 2 || parts[0] == "apis" && len(parts) > 3
}

// pathsMeet says whether two entries have a path in common.
func pathsMeet(a, b string) bool {
	// upstream takes off every star at the end, however many there are
	beginA, beginB := strings.TrimRight(a, "*"), strings.TrimRight(b, "*")
	switch {
	case beginA != a && beginB != b:
		return strings.HasPrefix(beginA, beginB) || strings.HasPrefix(beginB, beginA)
	case beginA != a:
		return strings.HasPrefix(b, beginA)
	case beginB != b:
		return strings.HasPrefix(a, beginB)
	}
	return a == b
}
