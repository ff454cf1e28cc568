// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"fmt"
	"slices"

	"github.com/auditsetup/auditsetup/apiserver"
)

// Among says the same of the resources of k in the fewest words, by what a
// kube-apiserver serves: of its own groups, which then have no other resources,
// it is said what is meant, or what is not if that is shorter, and never of
// anything that is not there. For all that is known and for all other groups, the
// result matches what k matches. A kind that is about nothing known is given back
// as it is.
func (k Kind) Among(known apiserver.Resources) Kind {
	if len(k.Resources) == 0 || len(known) == 0 {
		return k
	}
	a := among{known: known, groups: known.Groups(), kind: k}
	var found []ResourceSet
	for _, group := range a.groups {
		if !a.spread(group) {
			found = append(found, a.describe(group)...)
		}
	}
	found = append(merged(found), a.rest()...)
	// what is broadest is said first
	slices.SortStableFunc(found, func(x, y ResourceSet) int {
		rank := map[bool]int{true: 0, false: 1}
		return rank[x.Groups.Except] - rank[y.Groups.Except]
	})
	if len(found) > 0 {
		k.Resources = found
	}
	return k
}

// among is one call of Among.
type among struct {
	known  apiserver.Resources
	groups []string
	kind   Kind
}

// few is how many of the known groups can be left out by name.
func (a *among) few() int { return len(a.groups) / 3 }

// spread says whether a group is covered by a set of all groups but a few, which
// is best left as it is.
func (a *among) spread(group string) bool {
	return slices.ContainsFunc(a.kind.Resources, func(r ResourceSet) bool {
		return r.Groups.Except && !a.mostlyLeftOut(r) && r.Groups.Has(group)
	})
}

// mostlyLeftOut says whether all groups but many known ones are meant.
func (a *among) mostlyLeftOut(r ResourceSet) bool {
	left := 0
	for _, g := range a.groups {
		if !r.Groups.Has(g) {
			left++
		}
	}
	return r.Groups.Except && left > a.few()
}

// rest is what is meant of groups that are not known, and of those that are
// spread.
func (a *among) rest() []ResourceSet {
	var found []ResourceSet
	for _, r := range a.kind.Resources {
		switch {
		case a.mostlyLeftOut(r):
			others := slices.DeleteFunc(slices.Clone(r.Groups.Words), func(g string) bool { return slices.Contains(a.groups, g) })
			r.Groups = Set{Except: true, Words: sortedSet(slices.Concat(r.Groups.Words, a.groups))}
			r.foreign = &Set{Except: true, Words: others}
		case !r.Groups.Except:
			r.Groups.Words = slices.DeleteFunc(slices.Clone(r.Groups.Words), func(g string) bool {
				// no custom resource can be in a group without a dot
				if slices.Contains(a.groups, g) {
					return !a.spread(g) // it is described
				}
				return !slices.Contains([]byte(g), '.')
			})
			if len(r.Groups.Words) == 0 {
				continue
			}
		}
		r.Except = slices.Clone(r.Except)
		for i := range r.Except {
			r.Except[i].Groups = r.Groups
		}
		found = append(found, r)
	}
	return found
}

// describe says what is meant of a known group.
func (a *among) describe(group string) []ResourceSet {
	var in, out apiserver.Resources
	for _, r := range a.known {
		if r.Group != group {
			continue
		}
		if a.has(r.Group, r.Name, r.Subresource) {
			in = append(in, r)
		} else {
			out = append(out, r)
		}
	}
	groups := Set{Words: []string{group}}
	// what the kind says of resources that may come is said in the same way
	other := unlike(nil)
	open := a.has(group, other, "")
	meant := named(groups, in, out, func(sub string) bool { return a.has(group, other, sub) })
	not := named(groups, out, in, func(sub string) bool { return open && !a.has(group, other, sub) })
	more, most := length(not)+1, fewNames
	if open {
		more, most = length(not), 0
		if !slices.ContainsFunc(not, func(r ResourceSet) bool { return !r.Resources.Except }) {
			more-- // which groups have in common
		}
	}
	switch {
	case len(in) == 0:
		return nil
	case len(out) == 0 && length(meant) > most || len(out) > 0 && more < length(meant):
		all := Set{Except: true, Words: []string{}}
		return []ResourceSet{{Groups: groups, Resources: all, Subresources: all, Except: not}}
	}
	return meant
}

// has says whether the kind is about a resource.
func (a *among) has(group, resource, sub string) bool {
	return slices.ContainsFunc(a.kind.Resources, func(r ResourceSet) bool { return r.has(group, resource, sub) })
}

// fewNames is how many resources are named rather than put together.
const fewNames = 3

// families are the resources of a group by how they are to be named: with all
// subresources; alone; by a subresource that is meant of all which have it; by
// others.
type families struct {
	whole, alone, columns []string
	parts                 []ResourceSet
}

// named lists resources of a group. column says which subresources are meant
// whatever the resource.
func named(groups Set, in, out apiserver.Resources, column func(sub string) bool) []ResourceSet {
	every := Set{Except: true, Words: []string{}}
	f := familiesOf(in, out, column)
	var found []ResourceSet
	add := func(resources, subs Set) {
		if resources.Except || len(resources.Words) > 0 {
			found = append(found, ResourceSet{Groups: groups, Resources: resources, Subresources: subs, Except: []ResourceSet{}})
		}
	}
	if len(f.columns) > 0 {
		add(every, Set{Words: f.columns})
	}
	add(Set{Words: f.alone}, Set{Words: []string{""}})
	for _, p := range f.parts {
		add(p.Resources, p.Subresources)
	}
	add(Set{Words: f.whole}, every)
	return found
}

func familiesOf(in, out apiserver.Resources, column func(sub string) bool) families {
	var f families
	count := func(rs apiserver.Resources, same func(apiserver.Resource) bool) int {
		n := 0
		for _, r := range rs {
			if same(r) {
				n++
			}
		}
		return n
	}
	for _, r := range in {
		sameName := func(o apiserver.Resource) bool { return o.Name == r.Name }
		sameSub := func(o apiserver.Resource) bool { return o.Subresource == r.Subresource }
		switch {
		case count(out, sameName) == 0 && count(in, sameName) > 1:
			if !slices.Contains(f.whole, r.Name) {
				f.whole = append(f.whole, r.Name)
			}
		case r.Subresource == "":
			f.alone = append(f.alone, r.Name)
		case count(out, sameSub) == 0 && (column(r.Subresource) || count(in, sameSub) > fewNames):
			if !slices.Contains(f.columns, r.Subresource) {
				f.columns = append(f.columns, r.Subresource)
			}
		default:
			last := len(f.parts) - 1
			if last < 0 || f.parts[last].Resources.Words[0] != r.Name {
				f.parts = append(f.parts, ResourceSet{Resources: Set{Words: []string{r.Name}}})
				last++
			}
			f.parts[last].Subresources.Words = append(f.parts[last].Subresources.Words, r.Subresource)
		}
	}
	return f
}

// length counts the names that it takes.
func length(all []ResourceSet) int {
	n := 0
	for _, r := range all {
		n += max(1, len(r.Resources.Words)) * max(1, len(r.Subresources.Words))
	}
	return n
}

// merged puts groups together of which the same is said in one set.
func merged(all []ResourceSet) []ResourceSet {
	var found []ResourceSet
	at := map[string]int{}
	for _, r := range all {
		except := slices.Clone(r.Except)
		for i := range except {
			except[i].Groups = Set{}
		}
		key := fmt.Sprintf("%#v %#v %#v", r.Resources, r.Subresources, except)
		if i, is := at[key]; is && !listed(r) {
			found[i].Groups.Words = append(slices.Clone(found[i].Groups.Words), r.Groups.Words...)
			for j := range found[i].Except {
				found[i].Except[j].Groups = found[i].Groups
			}
			continue
		}
		at[key] = len(found)
		found = append(found, r)
	}
	return found
}
