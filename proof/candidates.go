// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/policy"
)

// Candidate is a harmless request that a policy has recorded. It reads what is
// public to administrators, asks about itself, or is about an object that does
// not exist; what would write is a dry run besides. Events are made before the
// request is authorized and carried out, so whether it is refused or finds
// nothing does not matter (k8s.io/apiserver pkg/server/config.go,
// DefaultBuildHandlerChain).
type Candidate struct {
	// Identity is the index of whom to send it as.
	Identity int
	Request  live.Request
	// Level is at which it is recorded.
	Level audit.Level
}

// attempt is a request and how kube-apiserver sees it.
type attempt struct {
	request live.Request
	seen    authorizer.AttributesRecord
}

// Choose finds a request that the policy has recorded when one of the
// identities sends it. nobody is a name that no object has. It says false when
// the policy records nothing that could be caused without harm.
func Choose(p *policy.Policy, identities []live.Identity, nobody string) (Candidate, bool) {
	for _, a := range append(plain(nobody), fromRules(p.V1.Rules, nobody)...) {
		for i, id := range identities {
			a.seen.User = &user.DefaultInfo{Name: id.User, Groups: id.Groups}
			if d := p.Evaluate(a.seen); d.Level != audit.LevelNone && visible(d) {
				return Candidate{Identity: i, Request: a.request, Level: d.Level}, true
			}
		}
	}
	return Candidate{}, false
}

// visible says whether a stage that every short request goes through is kept.
func visible(d policy.Decision) bool {
	omitted := map[audit.Stage]bool{}
	for _, s := range d.OmitStages {
		omitted[s] = true
	}
	return !omitted[audit.StageRequestReceived] || !omitted[audit.StageResponseComplete]
}

// plain are requests that most policies record some of, the most natural first.
func plain(nobody string) []attempt {
	const namespace = "kube-system"
	all := []attempt{
		resource("get", "", "namespaces", "", namespace, namespace),
		resource("create", "authorization.k8s.io", "selfsubjectaccessreviews", "", "", ""),
		resource("get", "", "configmaps", "", namespace, nobody),
	}
	for _, verb := range []string{"create", "update", "patch", "delete"} {
		all = append(all, resource(verb, "", "configmaps", "", namespace, nobody))
	}
	return append(all, resource("get", "", "secrets", "", namespace, nobody), path("get", "/version"), path("get", "/"+nobody))
}

// fromRules are requests made to fit the rules that record something.
func fromRules(rules []auditv1.PolicyRule, nobody string) []attempt {
	var all []attempt
	for _, rule := range rules {
		if rule.Level == auditv1.LevelNone {
			continue
		}
		verbs := rule.Verbs
		if len(verbs) == 0 {
			verbs = []string{"get", "create"}
		}
		for _, verb := range verbs {
			if methods[verb] == "" {
				continue
			}
			for _, url := range rule.NonResourceURLs {
				all = append(all, path("get", strings.Replace(url, "*", nobody, 1)))
			}
			all = append(all, ofResources(rule, verb, nobody)...)
		}
	}
	return all
}

func ofResources(rule auditv1.PolicyRule, verb, nobody string) []attempt {
	groups, namespaces := rule.Resources, rule.Namespaces
	if len(rule.NonResourceURLs) > 0 {
		return nil
	}
	if len(groups) == 0 {
		groups = []auditv1.GroupResources{{Resources: []string{"configmaps"}}}
	}
	if len(namespaces) == 0 {
		namespaces = []string{"kube-system", ""}
	}
	var all []attempt
	for _, g := range groups {
		names := g.Resources
		if len(names) == 0 {
			names = []string{"configmaps"}
		}
		name := nobody
		if len(g.ResourceNames) > 0 && verb == "get" {
			name = g.ResourceNames[0]
		}
		for _, r := range names {
			of, sub, _ := strings.Cut(r, "/")
			for _, namespace := range namespaces {
				all = append(all, resource(verb, strings.Replace(g.Group, "*", "apps", 1), strings.Replace(of, "*", "configmaps", 1),
					strings.Replace(sub, "*", "status", 1), namespace, name))
			}
		}
	}
	return all
}

// methods are those of the verbs that can be caused without harm.
var methods = map[string]string{"get": http.MethodGet, "list": http.MethodGet, "create": http.MethodPost,
	"update": http.MethodPut, "patch": http.MethodPatch, "delete": http.MethodDelete}

// resource makes a request for an object of a kind, as kube-apiserver takes its
// path apart (k8s.io/apiserver pkg/endpoints/request/requestinfo.go). The
// version in the path is of no account to a policy.
func resource(verb, group, of, sub, namespace, name string) attempt {
	url := "/api/v1"
	if group != "" {
		url = "/apis/" + group + "/v1"
	}
	seen := authorizer.AttributesRecord{Verb: verb, APIGroup: group, APIVersion: "v1", Resource: of, Subresource: sub, Namespace: namespace, ResourceRequest: true}
	if namespace != "" && of != "namespaces" {
		url += "/namespaces/" + namespace
	}
	url += "/" + of
	if sub != "" || verb != "create" && verb != "list" {
		url += "/" + name
		seen.Name = name
	}
	if sub != "" {
		url += "/" + sub
	}
	r := live.Request{Method: methods[verb], Path: url}
	switch verb {
	case "get":
	case "list":
		r.Path += "?limit=1"
	case "create":
		r.Body = fmt.Appendf(nil, `{"apiVersion":"%s","kind":"%s","spec":{"nonResourceAttributes":{"path":"/version","verb":"get"}}}`,
			strings.TrimPrefix(group+"/v1", "/"), "SelfSubjectAccessReview")
		r.Path += "?dryRun=All"
	default:
		r.Body = []byte("{}")
		r.Path += "?dryRun=All"
	}
	seen.Path, _, _ = strings.Cut(r.Path, "?")
	return attempt{r, seen}
}

// path makes a request for what is no resource.
func path(verb, url string) attempt {
	return attempt{live.Request{Method: methods[verb], Path: url}, authorizer.AttributesRecord{Verb: verb, Path: url}}
}
