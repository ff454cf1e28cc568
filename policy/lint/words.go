// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

const requestSource = "k8s.io/apiserver pkg/endpoints/request/requestinfo.go"

var wordChecks = []Check{
	{
		ID: "literal-wildcard", Family: "words", Severity: Warning,
		Title:  "a wildcard where none is known",
		Why:    "users, userGroups, verbs, namespaces and resourceNames are compared letter by letter: \"*\" in them is the name of nobody and nothing. A condition that is to hold for all is left out",
		Remedy: "remove the list to mean all, or name them one by one; for a kind of users there are groups, such as system:nodes and system:serviceaccounts",
		Source: "kubernetes/kubernetes#53496; zalando-incubator/kubernetes-on-aws#3066; " + checkerSource,
		find:   literalWildcards,
	},
	{
		ID: "unknown-verb", Family: "words", Severity: Warning,
		Title:  "a verb that no request has",
		Why:    "a request for a resource has one of get, list, watch, create, update, patch, delete, deletecollection: PUT is update, POST is create, HEAD is get, exec is create or get. A request for another path has its HTTP method in lower case. Verbs are compared by case",
		Remedy: "write the verb that is meant",
		Source: requestSource,
		find:   unknownVerbs,
	},
	{
		ID: "group-as-user", Family: "words", Severity: Warning,
		Title:  "the name of a group among users",
		Why:    "users are compared with the name of the caller only, so that this matches nobody",
		Remedy: "write it under userGroups",
		Source: "k8s.io/apiserver pkg/authentication/user/user.go; " + checkerSource,
		find:   groupsAsUsers,
	},
	{
		ID: "user-as-group", Family: "words", Severity: Warning,
		Title:  "the name of a user among userGroups",
		Why:    "userGroups are compared with the groups of the caller only, so that this matches nobody",
		Remedy: "write it under users",
		Source: "k8s.io/apiserver pkg/authentication/serviceaccount/util.go; " + checkerSource,
		find:   usersAsGroups,
	},
	{
		ID: "service-account-name", Family: "words", Severity: Warning,
		Title:  "a service account that is not written as the user that it is",
		Why:    "the user name of a service account is system:serviceaccount:NAMESPACE:NAME, and anything else matches nobody",
		Remedy: "write system:serviceaccount:NAMESPACE:NAME",
		Source: "k8s.io/apiserver pkg/authentication/serviceaccount/util.go",
		find:   serviceAccounts,
	},
	{
		ID: "legacy-user", Family: "words", Severity: Info,
		Title:  "a user that clusters of today do not have",
		Why:    "system:unsecured came in over the port without authentication, which is gone since 1.20, and kubelet is the name that all kubelets shared before each had its own. Rules for them match nobody, unless somebody is given such a certificate, who then goes unseen",
		Remedy: "remove it; kubelets are the group system:nodes",
		Source: "kubernetes/kubernetes cluster/gce/gci/configure-helper.sh, which has both; CHANGELOG-1.20",
		find:   legacyUsers,
	},
	{
		ID: "empty-list", Family: "words", Severity: Warning,
		Title:  "a list with nothing in it",
		Why:    "it reads as none, and means all: kube-apiserver takes an empty list for a condition that is not there. In an entry of resources that is how the API has it, and is info",
		Remedy: "remove the line to mean all, or fill the list",
		Source: checkerSource,
		find:   emptyLists,
	},
	{
		ID: "empty-word", Family: "words", Severity: Warning,
		Title:  "an empty string in a list",
		Why:    "no caller, verb or resource is called that, so that it matches nothing. In resourceNames it stands for requests without a name, such as lists and creations, which is info",
		Remedy: "remove it",
		Source: checkerSource,
		find:   emptyWords,
	},
	{
		ID: "duplicate-entry", Family: "words", Severity: Info,
		Title:  "the same entry twice in a list",
		Why:    "it changes nothing, and is mostly the trace of a slip: another word was meant",
		Remedy: "remove one; --fix does, where it is a word",
		Source: checkerSource,
		find:   duplicateEntries,
	},
}

func literalWildcards(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("users", "userGroups", "verbs", "namespaces", "resourceNames") {
		for n, word := range l.words {
			if !strings.Contains(word, "*") {
				continue
			}
			found = append(found, s.at(l.item(n), fmt.Sprintf("%q in %s is compared letter by letter, and matches nothing", word, l.name), wildcardHint(l.name, word)))
		}
	}
	return found
}

// wildcardHint knows the groups that are meant by some beginnings.
func wildcardHint(name, word string) string {
	switch {
	case word == "*":
		return "remove " + name + " to mean all"
	case strings.HasPrefix(word, "system:node:"):
		return "write userGroups: [system:nodes]"
	case strings.HasPrefix(word, "system:serviceaccount:"):
		namespace, _, _ := strings.Cut(strings.TrimPrefix(word, "system:serviceaccount:"), ":")
		if strings.Contains(namespace, "*") {
			return "write userGroups: [system:serviceaccounts]"
		}
		return "write userGroups: [system:serviceaccounts:" + namespace + "]"
	}
	return ""
}

var (
	resourceVerbs = every
	pathVerbs     = []string{"get", "head", "post", "put", "patch", "delete", "options"}
	// meant are verbs that people write for others.
	meant = map[string]string{
		"put": "update", "post": "create", "head": "get", "edit": "update, patch", "write": "create, update, patch", "read": "get, list, watch",
		"add": "create", "remove": "delete", "exec": "create, get", "connect": "create, get", "apply": "patch", "deleteCollection": "deletecollection",
		"modify": "update, patch", "change": "update, patch", "view": "get, list, watch", "proxy": "create, get",
	}
	meantOfPaths = map[string]string{"list": "get", "watch": "get", "create": "post", "update": "put", "deletecollection": "delete"}
)

func unknownVerbs(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("verbs") {
		r := s.v1.Rules[l.rule]
		known, other, what := append(slices.Clone(resourceVerbs), pathVerbs...), meant, "no request has"
		switch {
		case len(r.Resources) > 0 || len(r.Namespaces) > 0:
			known, what = resourceVerbs, "no request for a resource has"
		case len(r.NonResourceURLs) > 0:
			known, other, what = pathVerbs, meantOfPaths, "no request for a path outside of resources has"
		}
		for n, verb := range l.words {
			if slices.Contains(known, verb) || strings.Contains(verb, "*") || verb == "" {
				continue
			}
			hint := document.Suggest(verb, known)
			if to, ok := other[strings.ToLower(verb)]; ok && !slices.Contains(known, strings.ToLower(verb)) {
				hint = "write " + to
			}
			found = append(found, s.at(l.item(n), fmt.Sprintf("%s the verb %q", what, verb), hint))
		}
	}
	return found
}

// knownGroups are groups of users that every cluster has.
var knownGroups = []string{
	"system:masters", "system:nodes", "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:monitoring",
	"system:bootstrappers", "kubeadm:cluster-admins",
}

func groupsAsUsers(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("users") {
		for n, name := range l.words {
			if !slices.Contains(knownGroups, name) && !isAccountGroup(name) {
				continue
			}
			found = append(found, s.at(l.item(n), fmt.Sprintf("%q is a group, and no user", name), ""))
		}
	}
	return found
}

// isAccountGroup is true of the group of the service accounts of a namespace.
func isAccountGroup(name string) bool {
	namespace, is := strings.CutPrefix(name, "system:serviceaccounts:")
	return is && namespace != "" && !strings.ContainsAny(namespace, ":*")
}

func usersAsGroups(s *subject) []Finding {
	components := []string{"system:anonymous", "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy", "kubernetes-admin"}
	var found []Finding
	for _, l := range s.lists("userGroups") {
		for n, name := range l.words {
			one := strings.HasPrefix(name, "system:serviceaccount:") || strings.HasPrefix(name, "system:node:")
			if (one || slices.Contains(components, name)) && !strings.Contains(name, "*") {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%q is a user, and no group", name), ""))
			}
		}
	}
	return found
}

func serviceAccounts(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("users") {
		for n, name := range l.words {
			if right := accountMeant(name); right != "" {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%q is not how the user of a service account is called", name), "write "+right))
			}
		}
	}
	return found
}

// accountMeant is the user name of a service account that is written wrongly;
// empty when it may be the name of anybody else.
func accountMeant(name string) string {
	parts := strings.Split(name, ":")
	namespaces := []string{"kube-system", "kube-public", "kube-node-lease", "default"}
	switch {
	case strings.Contains(name, "*"):
	case strings.HasPrefix(name, "system:serviceaccount:"):
		if len(parts) != 4 || parts[2] == "" || parts[3] == "" {
			return "system:serviceaccount:NAMESPACE:NAME"
		}
	case strings.HasPrefix(name, "system:serviceaccounts:") && len(parts) == 4:
		return "system:serviceaccount:" + parts[2] + ":" + parts[3]
	case len(parts) == 3 && slices.Contains([]string{"serviceaccount", "serviceaccounts", "sa"}, parts[0]):
		return "system:serviceaccount:" + parts[1] + ":" + parts[2]
	case len(parts) == 2 && slices.Contains(namespaces, parts[0]) && parts[1] != "":
		return "system:serviceaccount:" + name
	}
	return ""
}

func legacyUsers(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("users") {
		for n, name := range l.words {
			if name == "kubelet" || name == "system:unsecured" && s.version.AtLeast(20) {
				found = append(found, s.at(l.item(n), fmt.Sprintf("clusters of today have no user %q", name), ""))
			}
		}
	}
	return found
}
