// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

const servedSource = "package apiserver, resources.txt, from api/openapi-spec and api/discovery of k8s.io/kubernetes"

var resourceChecks = []Check{
	{
		ID: "unknown-group", Family: "resources", Severity: Info,
		Title:  "an API group that kube-apiserver does not serve itself",
		Why:    "it may be that of custom resources or of an aggregated server, such as metrics.k8s.io; then all is well. It is a warning when it is spelled almost like one that is served, when it has no dot, as only groups of Kubernetes itself are called, and when --discovery does not have it either",
		Remedy: "check the spelling; give --discovery with what the cluster serves, to be sure",
		Source: servedSource,
		find:   unknownGroups,
	},
	{
		ID: "other-minor", Family: "resources", Severity: Info,
		Title:  "a group or resource that other minors serve",
		Why:    "it is gone, or not there yet, so that the entry matches nothing that exists on this version. In a policy for several versions it has its place",
		Remedy: "nothing, or remove it",
		Source: servedSource,
		find:   otherMinors,
	},
	{
		ID: "unknown-resource", Family: "resources", Severity: Warning,
		Title:  "a resource that does not exist in its group",
		Why:    "resources are compared by their plural in lower case, as in the path of a request, and within the group of the entry: Pod, pod and po match nothing, and neither do deployments in the core group. It is info when the rule has what was meant as well",
		Remedy: "write the plural, in the group that serves it: see kubectl api-resources",
		Source: "falcosecurity/plugins plugins/k8saudit/configs/audit-policy.yaml, which has deployments in the core group; " + servedSource,
		find:   unknownResources,
	},
	{
		ID: "unknown-subresource", Family: "resources", Severity: Warning,
		Title:  "a subresource that does not exist",
		Why:    "no request is for it, so that the entry matches nothing",
		Remedy: "check the spelling",
		Source: servedSource,
		find:   unknownSubresources,
	},
	{
		ID: "resource-wildcard", Family: "resources", Severity: Warning,
		Title:  "a wildcard in resources that is none",
		Why:    "\"*\", \"*/SUB\" and \"RESOURCE/*\" are known, and nothing else: \"*/*\", \"pod*\" and \"*s\" match nothing",
		Remedy: "write \"*\" for all resources and subresources of the group, or leave the list out",
		Source: checkerSource,
		find:   resourceWildcards,
	},
	{
		ID: "star-takes-parent", Family: "resources", Severity: Info,
		Title:  "RESOURCE/* matches the resource itself, too",
		Why:    "the API's comment has it that \"pods/*\" means the subresources of pods, but the evaluator matches pods as well",
		Remedy: "name the subresources if only those are meant, or write the resource beside it to show that it is",
		Source: checkerSource,
		find:   starTakesParent,
	},
	{
		ID: "names-of-creations", Family: "resources", Severity: Warning,
		Title:  "resourceNames with verbs whose requests have no name",
		Why:    "the name comes from the URL, and a create or a deletecollection has none there, so that the entry never matches those. It is info when the rule has other verbs as well",
		Remedy: "leave out resourceNames, or the verb",
		Source: requestSource,
		find:   namesOfCreations,
	},
	{
		ID: "namespaces-of-cluster", Family: "resources", Severity: Warning,
		Title:  "a rule for namespaces with a resource that is in none",
		Why:    "requests for nodes and the like have no namespace, so that the entry never matches. The exception is namespaces, whose objects count as within themselves",
		Remedy: "move it to a rule without namespaces, or add \"\" to them",
		Source: checkerSource + "; " + requestSource,
		find:   namespacesOfCluster,
	},
	{
		ID: "empty-namespace", Family: "resources", Severity: Info,
		Title:  "\"\" in namespaces takes lists across all namespaces, too",
		Why:    "it stands for requests without a namespace: those for resources that have none, and those across all, such as kubectl get pods -A",
		Remedy: "name the resources as well, if only those without a namespace are meant",
		Source: checkerSource,
		find:   emptyNamespaces,
	},
}

// within says whether a group is one whose resources are known to the last.
func (s *subject) within(group string) bool {
	return group != "*" && slices.Contains(s.served.Groups(), group)
}

// sinceUntil says when resources are there: those of a group, or one of them.
func sinceUntil(all apiserver.Resources) string {
	since, until := all[0].Since, all[0].Until
	for _, r := range all {
		since = min(since, r.Since)
		if until != 0 && (r.Until == 0 || r.Until > until) {
			until = r.Until
		}
	}
	switch {
	case since > 0 && until > 0:
		return fmt.Sprintf("from 1.%d to 1.%d", since, until)
	case until > 0:
		return fmt.Sprintf("until 1.%d", until)
	}
	return fmt.Sprintf("from 1.%d on", since)
}

// selected are the resources for which something holds.
func selected(all apiserver.Resources, holds func(apiserver.Resource) bool) apiserver.Resources {
	return slices.DeleteFunc(slices.Clone(all), func(r apiserver.Resource) bool { return !holds(r) })
}

// metricGroups are served by what most clusters have installed beside
// (k8s.io/metrics).
var metricGroups = []string{"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"}

func unknownGroups(s *subject) []Finding {
	var found []Finding
	seen := map[string]bool{"*": true}
	for _, group := range metricGroups {
		seen[group] = !s.options.Complete
	}
	s.groups(func(path string, _ int, g auditv1.GroupResources) {
		if seen[g.Group] || s.within(g.Group) || slices.Contains(s.ever.Groups(), g.Group) {
			return
		}
		seen[g.Group] = true
		f := s.at(path+".group", fmt.Sprintf("kube-apiserver %s does not serve the group %q itself", s.version, g.Group), "")
		switch hint := s.groupMeant(g.Group); {
		case hint != "":
			f.Severity, f.Hint = Warning, hint
		case s.options.Complete:
			f.Severity, f.Hint = Warning, "check the spelling"
			f.What = fmt.Sprintf("neither kube-apiserver %s nor the cluster serves the group %q", s.version, g.Group)
		}
		found = append(found, f)
	})
	return found
}

// groupMeant is a hint for a group that cannot be that of custom resources, whose
// groups have a dot (ValidateCustomResourceDefinition of
// k8s.io/apiextensions-apiserver), or is spelled almost like another. Groups
// below x-k8s.io are projects of their own.
func (s *subject) groupMeant(group string) string {
	if slices.Contains([]string{"core", "v1", "api", "k8s.io"}, group) {
		return `write "" for the core group`
	}
	for _, known := range s.served.Groups() {
		d := document.Distance(group, known)
		near := d == 1 || d == 2 && len(group) > 8
		if strings.HasPrefix(known, group+".") || near && !strings.Contains(group, "x-k8s.io") {
			return fmt.Sprintf("did you mean %q?", known)
		}
	}
	if !strings.Contains(group, ".") {
		return "write the group as in apiVersion, such as apps or rbac.authorization.k8s.io"
	}
	return ""
}

func otherMinors(s *subject) []Finding {
	var found []Finding
	seen := map[string]bool{}
	add := func(path, what string, all apiserver.Resources) {
		if len(all) == 0 || seen[what] {
			return
		}
		seen[what] = true
		found = append(found, s.at(path, fmt.Sprintf("%s served %s, and not by kube-apiserver %s", what, sinceUntil(all), s.version), ""))
	}
	s.groups(func(path string, _ int, g auditv1.GroupResources) {
		if !s.within(g.Group) {
			add(path+".group", fmt.Sprintf("the group %q is", g.Group), selected(s.ever, func(r apiserver.Resource) bool { return r.Group == g.Group }))
			return
		}
		for n, entry := range g.Resources {
			if s.matchesServed(g.Group, entry) {
				continue
			}
			all := selected(s.ever, func(r apiserver.Resource) bool { return r.Group == g.Group && entryMatches(entry, r) })
			add(fmt.Sprintf("%s.resources[%d]", path, n), entry+" in "+groupName(g.Group)+" is", all)
		}
	})
	return found
}

// entryMatches is how kube-apiserver compares an entry (ruleMatchesResource in
// pkg/audit/policy/checker.go of k8s.io/apiserver v0.37.1); a test holds it to that.
func entryMatches(entry string, r apiserver.Resource) bool {
	parent, isStar := strings.CutSuffix(entry, "/*")
	return entry == "*" || entry == r.Path() ||
		r.Subresource != "" && entry == "*/"+r.Subresource || isStar && parent == r.Name
}

func (s *subject) matchesServed(group, entry string) bool {
	return slices.ContainsFunc(s.served, func(r apiserver.Resource) bool { return r.Group == group && entryMatches(entry, r) })
}

// groupName is how a group is called in a sentence.
func groupName(group string) string {
	if group == "" {
		return "the core group"
	}
	return group
}

// strange calls f with each entry of a known group that matches nothing, now or
// in any other minor, and is no failed wildcard.
func (s *subject) strange(f func(path string, rule int, group, resource, sub string)) {
	s.groups(func(path string, rule int, g auditv1.GroupResources) {
		if !s.within(g.Group) {
			return
		}
		for n, entry := range g.Resources {
			known := func(r apiserver.Resource) bool { return r.Group == g.Group && entryMatches(entry, r) }
			if entry == "" || badWildcard(entry) || s.matchesServed(g.Group, entry) || slices.ContainsFunc(s.ever, known) {
				continue
			}
			resource, sub, _ := strings.Cut(entry, "/")
			f(fmt.Sprintf("%s.resources[%d]", path, n), rule, g.Group, resource, sub)
		}
	})
}

func unknownResources(s *subject) []Finding {
	var found []Finding
	s.strange(func(path string, rule int, group, resource, sub string) {
		if resource == "*" || s.hasResource(group, resource) {
			return // its subresource is what is unknown
		}
		f := s.at(path, fmt.Sprintf("kube-apiserver %s serves no %s in %s", s.version, resource, groupName(group)), "")
		meant := s.served.Called(resource)
		var words []string
		covered := false
		for _, m := range meant {
			m.Subresource = sub
			words = append(words, m.Path()+" in "+groupName(m.Group))
			covered = covered || s.ruleHas(rule, m)
		}
		if len(words) > 0 {
			f.Hint = "write " + strings.Join(words, ", or ")
		}
		if resource == "tokenrequests" {
			f.Hint = "tokens are asked for by serviceaccounts/token in the core group"
			covered = s.ruleHas(rule, apiserver.Resource{Name: "serviceaccounts", Subresource: "token"})
		}
		if covered {
			f.Severity = Info
		}
		found = append(found, f)
	})
	return found
}

// hasResource says whether any version serves a resource, subresources aside.
func (s *subject) hasResource(group, name string) bool {
	is := func(r apiserver.Resource) bool { return r.Group == group && r.Name == name }
	return slices.ContainsFunc(s.served, is) || slices.ContainsFunc(s.ever, is)
}

// ruleHas says whether a rule has an entry for the resource.
func (s *subject) ruleHas(rule int, r apiserver.Resource) bool {
	return slices.ContainsFunc(s.v1.Rules[rule].Resources, func(g auditv1.GroupResources) bool {
		return (g.Group == r.Group || g.Group == "*") && (len(g.Resources) == 0 ||
			slices.ContainsFunc(g.Resources, func(entry string) bool { return entryMatches(entry, r) }))
	})
}

func unknownSubresources(s *subject) []Finding {
	var found []Finding
	s.strange(func(path string, _ int, group, resource, sub string) {
		if resource != "*" && !s.hasResource(group, resource) {
			return
		}
		var subs []string
		for _, r := range s.served {
			if r.Group == group && (resource == "*" || r.Name == resource) && r.Subresource != "" && !slices.Contains(subs, r.Subresource) {
				subs = append(subs, r.Subresource)
			}
		}
		what := resource
		if what == "*" {
			what = "any resource"
		}
		found = append(found, s.at(path, fmt.Sprintf("kube-apiserver %s serves no subresource %q of %s in %s", s.version, sub, what, groupName(group)), document.Suggest(sub, subs)))
	})
	return found
}
