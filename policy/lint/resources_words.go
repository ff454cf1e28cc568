// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// badWildcard is true of an entry with a star that is compared letter by letter.
func badWildcard(entry string) bool {
	if entry == "*" || !strings.Contains(entry, "*") {
		return false
	}
	resource, sub, _ := strings.Cut(entry, "/")
	starOfSubs := sub == "*" && resource != "" && !strings.Contains(resource, "*")
	starOfResources := resource == "*" && sub != "" && !strings.Contains(sub, "*")
	return !starOfSubs && !starOfResources
}

func resourceWildcards(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("resources") {
		for n, entry := range l.words {
			if badWildcard(entry) {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%q in resources is compared letter by letter, and matches nothing", entry), ""))
			}
		}
	}
	return found
}

func starTakesParent(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("resources") {
		for n, entry := range l.words {
			parent, is := strings.CutSuffix(entry, "/*")
			if is && !badWildcard(entry) && !slices.Contains(l.words, parent) && !slices.Contains(l.words, "*") {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%q matches %s itself as well as its subresources", entry, parent), ""))
			}
		}
	}
	return found
}

func namesOfCreations(s *subject) []Finding {
	nameless := []string{"create", "deletecollection"}
	var found []Finding
	s.groups(func(path string, rule int, g auditv1.GroupResources) {
		verbs := s.v1.Rules[rule].Verbs
		named := slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return slices.Contains(nameless, v) })
		// a subresource has its object's name in the URL
		part := func(entry string) bool { return entry == "*" || strings.Contains(entry, "/") }
		if len(g.ResourceNames) == 0 || len(named) == len(verbs) || slices.ContainsFunc(g.Resources, part) || slices.Contains(g.ResourceNames, "") {
			return
		}
		lost := slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return slices.Contains(named, v) })
		f := s.atKey(path, "resourceNames", fmt.Sprintf("requests to %s have no name in their URL, and never match resourceNames", and(lost)))
		if len(named) > 0 {
			f.Severity = Info
		}
		found = append(found, f)
	})
	return found
}

func namespacesOfCluster(s *subject) []Finding {
	var found []Finding
	s.groups(func(path string, rule int, g auditv1.GroupResources) {
		namespaces := s.v1.Rules[rule].Namespaces
		if len(namespaces) == 0 || slices.Contains(namespaces, "") {
			return
		}
		for n, entry := range g.Resources {
			name, sub, _ := strings.Cut(entry, "/")
			r, known := s.served.Find(g.Group, name, "")
			// a component may be asked for a part that no table has
			if !known || r.Namespaced || name == "namespaces" || badWildcard(entry) || sub != "" && sub != "*" && !s.matchesServed(g.Group, entry) {
				continue
			}
			found = append(found, s.at(fmt.Sprintf("%s.resources[%d]", path, n), fmt.Sprintf("%s are in no namespace, and %s is for %s only", name, ruleNumber(rule), and(namespaces)), ""))
		}
	})
	return found
}

// emptyNamespaces passes over rules that only have resources without a namespace
// in them, or such as nobody knows.
func emptyNamespaces(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("namespaces") {
		n := slices.Index(l.words, "")
		if n < 0 || !s.mayBeNamespaced(l.rule) {
			continue
		}
		found = append(found, s.at(l.item(n), `"" in namespaces takes lists across all namespaces, besides what is in no namespace`, ""))
	}
	return found
}

func (s *subject) mayBeNamespaced(rule int) bool {
	r := s.v1.Rules[rule]
	if len(r.Verbs) > 0 && !slices.Contains(r.Verbs, "list") && !slices.Contains(r.Verbs, "watch") {
		return false
	}
	if len(r.Resources) == 0 {
		return true
	}
	for _, known := range s.served {
		if known.Namespaced && known.Subresource == "" && s.ruleHas(rule, known) {
			return true
		}
	}
	return false
}
