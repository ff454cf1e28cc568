// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
)

// word is a value that is named, or any that is not.
type word struct {
	text  string
	other bool
}

// thing is a resource with a subresource, whose text is "" when there is none.
type thing struct{ group, resource, sub word }

// thingsOf gives every resource that entries of rules name, and for each group
// the others: other resources, other subresources, and other groups. That a
// resource is really called "*", or has a slash in it, is not considered.
func thingsOf(entries []audit.GroupResources) []thing {
	type named struct{ resources, subs []string }
	groups := map[string]*named{"*": {}}
	for _, e := range entries {
		if groups[e.Group] == nil {
			groups[e.Group] = &named{}
		}
		in := groups[e.Group]
		for _, entry := range e.Resources {
			resource, sub, _ := strings.Cut(entry, "/")
			in.resources, in.subs = append(in.resources, resource), append(in.subs, sub)
		}
	}
	everywhere := groups["*"]
	var things []thing
	for _, group := range words(true, slices.Collect(maps.Keys(groups))) {
		own := groups[group.text]
		if group.other {
			own = everywhere
		}
		for _, resource := range words(false, own.resources, everywhere.resources) {
			for _, sub := range append([]word{{}}, words(false, own.subs, everywhere.subs)...) {
				things = append(things, thing{group, resource, sub})
			}
		}
	}
	return things
}

// words are those of some lists but for the wildcard, behind one that stands for
// all others. The empty word may be one of them.
func words(empty bool, lists ...[]string) []word {
	named := slices.DeleteFunc(sortedSet(slices.Concat(lists...)), func(s string) bool { return s == "" && !empty || s == "*" })
	all := []word{{unlike(named), true}}
	for _, name := range named {
		all = append(all, word{text: name})
	}
	return all
}

func (t thing) fill(r *request) {
	r.attrs.APIGroup, r.attrs.Resource, r.attrs.Subresource = t.group.text, t.resource.text, t.sub.text
}

// path is one that is named, or those that begin with a text and are not below
// a longer one nor named.
type path struct {
	text  string
	begin bool
	// example is such a path.
	example string
}

// pathsOf gives every path that rules name and every beginning, a beginning before
// what is below it, and first the paths that have none.
func pathsOf(specs []string) []path {
	fresh := 'x'
	for strings.ContainsRune(strings.Join(specs, ""), fresh) {
		fresh++
	}
	rest := path{begin: true, example: "/" + string(fresh)}
	var paths []path
	for _, spec := range sortedSet(specs) {
		begin := strings.TrimRight(spec, "*")
		switch {
		case begin == spec:
			paths = append(paths, path{text: spec, example: spec})
		case begin != "":
			paths = append(paths, path{text: begin, begin: true, example: begin + string(fresh)})
		}
		if begin == "/" && begin != spec {
			rest.example = string(fresh)
		}
	}
	slices.SortFunc(paths, func(a, b path) int {
		if a.text == b.text && a.begin != b.begin {
			return map[bool]int{true: -1, false: 1}[a.begin]
		}
		return strings.Compare(a.text, b.text)
	})
	return append([]path{rest}, slices.Compact(paths)...)
}
