// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Kind is a kind of request as an administrator would describe it. A request is
// of that kind when every field holds.
type Kind struct {
	// Callers are those who make the request, any of them; empty means anyone.
	Callers []Caller `json:"callers"`
	Verbs   Set      `json:"verbs"`
	// Resources are what the request is for, any of them, if it is for a
	// resource; then Paths is empty, and the other way round.
	Resources []ResourceSet `json:"resources"`
	Paths     []PathSet     `json:"paths"`
	// Namespaces has "" for requests without: for resources that have none, and
	// across all namespaces. Of no meaning for paths, as is Names.
	Namespaces Set `json:"namespaces"`
	// Names has "" for requests without a name, such as lists and creations.
	Names Set `json:"names"`
}

// Set is some words, or all but some.
type Set struct {
	// Except turns the meaning around: all words but Words.
	Except bool     `json:"except"`
	Words  []string `json:"words"`
}

// All says whether every word is in the set.
func (s Set) All() bool { return s.Except && len(s.Words) == 0 }

// Has says whether a word is in the set.
func (s Set) Has(word string) bool { return slices.Contains(s.Words, word) != s.Except }

// Caller is who makes a request. One whose authentication failed has no name and
// no groups.
type Caller struct {
	Users Set `json:"users"`
	// In are groups that the caller is in, each of them, and NotIn groups that
	// the caller is in none of.
	In    []string `json:"in"`
	NotIn []string `json:"notIn"`
}

// ResourceSet is resources with or without subresource.
type ResourceSet struct {
	// Groups has "" for the core group.
	Groups    Set `json:"groups"`
	Resources Set `json:"resources"`
	// Subresources has "" for the resource itself.
	Subresources Set `json:"subresources"`
	// Except are resources of these groups that are not meant.
	Except []ResourceSet `json:"except"`

	// foreign is set when Groups are all but the server's own, and has those of
	// the others that are not meant.
	foreign *Set
}

// PathSet is one path, or all that begin with the same text.
type PathSet struct {
	// Path ends in * when it is the beginning only.
	Path string `json:"path"`
	// Except are paths, some ending in *, that begin with it and are not meant.
	Except []string `json:"except"`
}

// Matches says whether a request is of this kind. attrs must not be nil; its
// user may be.
func (k *Kind) Matches(attrs authorizer.Attributes) bool {
	if !k.Verbs.Has(attrs.GetVerb()) {
		return false
	}
	if len(k.Callers) > 0 && !slices.ContainsFunc(k.Callers, func(c Caller) bool { return c.matches(attrs.GetUser()) }) {
		return false
	}
	if !attrs.IsResourceRequest() {
		return slices.ContainsFunc(k.Paths, func(p PathSet) bool { return p.matches(attrs.GetPath()) })
	}
	return k.Namespaces.Has(attrs.GetNamespace()) && k.Names.Has(attrs.GetName()) &&
		slices.ContainsFunc(k.Resources, func(r ResourceSet) bool { return r.matches(attrs) })
}

func (r *ResourceSet) matches(a authorizer.Attributes) bool {
	return r.has(a.GetAPIGroup(), a.GetResource(), a.GetSubresource())
}

func (r *ResourceSet) has(group, resource, subresource string) bool {
	return r.Groups.Has(group) && r.Resources.Has(resource) && r.Subresources.Has(subresource) &&
		!slices.ContainsFunc(r.Except, func(e ResourceSet) bool { return e.has(group, resource, subresource) })
}

func (c Caller) matches(u user.Info) bool {
	if u == nil {
		return c.Users.Except && len(c.In) == 0
	}
	in := func(group string) bool { return slices.Contains(u.GetGroups(), group) }
	out := func(group string) bool { return !in(group) }
	return c.Users.Has(u.GetName()) && !slices.ContainsFunc(c.In, out) && !slices.ContainsFunc(c.NotIn, in)
}

func (p PathSet) matches(path string) bool {
	return pathMatches(p.Path, path) && !slices.ContainsFunc(p.Except, func(e string) bool { return pathMatches(e, path) })
}

func pathMatches(pattern, path string) bool {
	begin, wildcard := strings.CutSuffix(pattern, "*")
	return pattern == path || wildcard && strings.HasPrefix(path, begin)
}

// Describe says what the requests of some boxes are, which must not differ but
// in their callers.
func (s *Space) Describe(boxes ...Box) Kind {
	b := boxes[0]
	k := Kind{
		Callers: []Caller{}, Resources: []ResourceSet{}, Paths: []PathSet{},
		Verbs: s.verbs(b), Namespaces: s.set(namespaceDim, b), Names: s.set(nameDim, b),
	}
	for _, b := range boxes {
		c := Caller{Users: s.set(userDim, b), In: []string{}, NotIn: []string{}}
		for i, group := range s.groups {
			switch b[s.dims[groupDims+i].from] {
			case 0b01:
				c.NotIn = append(c.NotIn, group)
			case 0b10:
				c.In = append(c.In, group)
			}
		}
		k.Callers = append(k.Callers, c)
		if c.Users.All() && len(c.In)+len(c.NotIn) == 0 {
			k.Callers = []Caller{}
			break
		}
	}
	if s.things != nil {
		k.Resources = s.resources(b)
	} else {
		k.Paths = s.pathsIn(b)
	}
	return k
}

// set is a box's values in one of the plain dimensions.
func (s *Space) set(n int, b Box) Set {
	return setOf(len(s.words[n]), func(v int) (word, bool) {
		return word{s.words[n][v], v == 0 && n != verbDim}, s.dims[n].has(b, v)
	})
}

// verbs is a box's verbs, those that are missing if they are few.
func (s *Space) verbs(b Box) Set {
	in := s.set(verbDim, b)
	missing := slices.DeleteFunc(slices.Clone(s.words[verbDim]), in.Has)
	if len(missing) < 3 {
		return Set{true, missing}
	}
	return in
}

// setOf makes a set of values, one of which stands for all that have no name.
func setOf(values int, at func(v int) (value word, in bool)) Set {
	in, out := []string{}, []string{}
	except := false
	all := true
	for v := range values {
		value, has := at(v)
		all = all && has
		switch {
		case value.other:
			except = has
		case has:
			in = append(in, value.text)
		default:
			out = append(out, value.text)
		}
	}
	if except || all {
		return Set{true, out}
	}
	return Set{false, in}
}
