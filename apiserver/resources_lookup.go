// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

// verbsOfObjects are those of an ordinary resource, and verbsOfParts those of
// the subresources status and scale.
var (
	verbsOfObjects = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	verbsOfParts   = []string{"get", "patch", "update"}
)

// With returns the resources of both sets. One that is in both has the verbs of
// both, and is otherwise as in the first.
func (rs Resources) With(more Resources) Resources {
	all := slices.Concat(rs, more)
	slices.SortStableFunc(all, Resource.compare)
	var merged Resources
	for _, r := range all {
		last := len(merged) - 1
		if last < 0 || merged[last].compare(r) != 0 {
			merged = append(merged, r)
			continue
		}
		verbs := slices.Concat(merged[last].Verbs, r.Verbs)
		slices.Sort(verbs)
		merged[last].Verbs = slices.Compact(verbs)
		merged[last].Namespaced = merged[last].Namespaced || r.Namespaced
		merged[last].ByDefault = merged[last].ByDefault || r.ByDefault
	}
	return merged
}

// Called returns the resources, without subresources, that somebody may mean who
// writes word: in any group, by the plural, the singular, the kind, a short name,
// or by PLURAL.GROUP and PLURAL.VERSION.GROUP as kubectl takes them, whatever
// the case. So "Deployment", "deploy" and "deployments.apps" give deployments
// of apps, and "events" gives those of two groups. For a word that none has, it
// is what is spelled almost like it, and mostly nothing.
func (rs Resources) Called(word string) Resources {
	word = strings.ToLower(word)
	if found := rs.named(word); found != nil {
		return found
	}
	// two letters changed over count 2, and a short word is no slip for another
	best, bestDistance := "", 1+(len(word)+1)/3
	for _, r := range rs {
		for _, name := range []string{r.Name, r.Singular} {
			if d := document.Distance(word, name); name != "" && d < bestDistance {
				best, bestDistance = name, d
			}
		}
	}
	return rs.named(best)
}

// named is Called for a word in lower case that is spelled right.
func (rs Resources) named(word string) Resources {
	var found Resources
	for _, r := range rs {
		if r.Subresource == "" && r.isCalled(word) {
			found = append(found, r)
		}
	}
	return found
}

func (r Resource) isCalled(word string) bool {
	if word == "" {
		return false
	}
	if word == r.Name || word == r.Singular || word == strings.ToLower(r.Kind) || slices.Contains(r.ShortNames, word) {
		return true
	}
	name, rest, dotted := strings.Cut(word, ".")
	if !dotted || name != r.Name && name != r.Singular && !slices.Contains(r.ShortNames, name) {
		return false
	}
	version, group, _ := strings.Cut(rest, ".")
	return rest == r.Group || group == r.Group && strings.HasPrefix(version, "v")
}
