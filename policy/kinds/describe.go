// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"fmt"
	"slices"
	"strings"
)

// resources says what a box's resources are: for each group what is meant of it
// or, when that is shorter, what is not; and groups together that have the same.
func (s *Space) resources(b Box) []ResourceSet {
	var found table[ResourceSet]
	for from := 0; from < len(s.things); {
		group, to := s.things[from].group, from
		for to < len(s.things) && s.things[to].group == group {
			to++
		}
		found.keys = append(found.keys, group)
		things, has := s.things[from:to], func(v int) bool { return s.dims[targetDim].has(b, from+v) }
		in, out := shortest(things, has), shortest(things, func(v int) bool { return !has(v) })
		if len(in) > 0 && size(out) < size(in) && !slices.ContainsFunc(out, negated) {
			all := Set{Except: true, Words: []string{}}
			in = []ResourceSet{{Resources: all, Subresources: all, Except: out}}
		}
		for _, r := range in {
			found.add(group, r)
		}
		from = to
	}
	all := []ResourceSet{}
	for i, r := range found.values {
		r.Groups = found.having(i)
		for j := range r.Except {
			r.Except[j].Groups = r.Groups
		}
		all = append(all, r)
	}
	return all
}

// negated says whether a set leaves resources out, which nobody understands
// where it is left out itself.
func negated(r ResourceSet) bool { return r.Resources.Except && len(r.Resources.Words) > 0 }

// shortest describes those things of a group that are meant: either resource by
// resource, or first the subresources that all resources have in common.
func shortest(things []thing, meant func(v int) bool) []ResourceSet {
	width := 0 // each resource has the same subresources
	for width < len(things) && things[width].resource == things[0].resource {
		width++
	}
	common := make([]bool, width)
	for sub := range common {
		common[sub] = true
		for v := sub; v < len(things); v += width {
			common[sub] = common[sub] && meant(v)
		}
	}
	found := byResource(things, width, meant)
	columns := setOf(width, func(sub int) (word, bool) { return things[sub].sub, common[sub] })
	if !columns.Except && len(columns.Words) == 0 {
		return found
	}
	all := ResourceSet{Resources: Set{Except: true, Words: []string{}}, Subresources: columns, Except: []ResourceSet{}}
	rest := byResource(things, width, func(v int) bool { return meant(v) && !common[v%width] })
	if other := append([]ResourceSet{all}, rest...); size(other) < size(found) {
		return other
	}
	return found
}

// byResource puts resources together that go with the same subresources.
func byResource(things []thing, width int, meant func(v int) bool) []ResourceSet {
	var rows table[Set]
	for first := 0; first < len(things); first += width {
		row := things[first].resource
		rows.keys = append(rows.keys, row)
		rows.add(row, setOf(width, func(v int) (word, bool) { return things[v].sub, meant(first + v) }))
	}
	found := []ResourceSet{}
	for i, subs := range rows.values {
		if subs.Except || len(subs.Words) > 0 {
			found = append(found, ResourceSet{Resources: rows.having(i), Subresources: subs, Except: []ResourceSet{}})
		}
	}
	return found
}

// size is a measure of how long it takes to say what is meant.
func size(all []ResourceSet) int {
	sum := 0
	for _, r := range all {
		switch resources, subs := len(r.Resources.Words), len(r.Subresources.Words); {
		case r.Subresources.Except:
			sum += 1 + resources + 2*subs
		case r.Resources.Except:
			sum += 1 + resources + subs
		default:
			sum += 1 + resources*subs
		}
	}
	return sum
}

// table turns a relation of words and values around: which words have a value.
type table[V any] struct {
	keys   []word
	values []V
	has    []map[word]bool
}

func (t *table[V]) add(key word, value V) {
	same := func(v V) bool { return fmt.Sprintf("%#v", v) == fmt.Sprintf("%#v", value) }
	i := slices.IndexFunc(t.values, same)
	if i < 0 {
		i = len(t.values)
		t.values, t.has = append(t.values, value), append(t.has, map[word]bool{})
	}
	t.has[i][key] = true
}

func (t *table[V]) having(value int) Set {
	return setOf(len(t.keys), func(i int) (word, bool) { return t.keys[i], t.has[value][t.keys[i]] })
}

// pathsIn gives the paths of a box: each that is not within another, and which
// of those below it are not meant.
func (s *Space) pathsIn(b Box) []PathSet {
	in := func(v int) bool { return s.dims[targetDim].has(b, v) }
	all := []PathSet{}
	at := map[int]int{} // where the beginning that a path is within has its entry
	for v, p := range s.paths {
		above := s.above(v)
		entry, within := at[above]
		switch {
		case in(v) && within && in(above):
			at[v] = entry
		case in(v):
			at[v] = len(all)
			all = append(all, PathSet{Path: p.pattern(), Except: []string{}})
		case within && in(above):
			all[entry].Except = append(all[entry].Except, p.pattern())
		}
	}
	return all
}

// above is the longest beginning that a path is below, -1 for none. It comes
// earlier, as the paths are sorted.
func (s *Space) above(v int) int {
	longest := -1
	for i, p := range s.paths[:v] {
		if p.begin && strings.HasPrefix(s.paths[v].text, p.text) {
			longest = i
		}
	}
	return longest
}

func (p path) pattern() string {
	if p.begin {
		return p.text + "*"
	}
	return p.text
}
