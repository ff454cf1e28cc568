// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/policy/kinds"
)

// Comparison is where two policies differ.
type Comparison struct {
	// Differences are those about anyone, then those about members of groups and
	// about users by name, and in the end those that are unlikely. Nil when the
	// policies write the same of every request.
	Differences []Difference
	// Alike are what likely callers do that is in Except of some Difference since
	// the policies do not differ there. May be nil.
	Alike []kinds.Kind
}

// Difference is a kind of request that two policies treat differently.
type Difference struct {
	// Kind is the requests, without those of a kind in Except. Those are by more
	// particular callers, and either have a Difference of their own or are
	// treated alike.
	Kind   kinds.Kind
	Except []kinds.Kind
	// A and B are what each policy writes. They differ.
	A, B Effect
	// Unlikely is set when the callers are such as none of kube-apiserver's
	// authenticators makes, but a certificate could name: a node that is a service
	// account, for instance.
	Unlikely bool
}

// Compare finds every kind of request that two policies treat differently. It
// is exact: a request is covered by a Difference with the effects of the two
// policies if these differ, and by none if they do not. It may be covered by
// more than one with the same effects.
//
// The requests are those that package kinds knows.
func Compare(a, b *Policy) Comparison {
	var found Comparison
	for _, space := range []*kinds.Space{kinds.Resources(&a.V1, &b.V1), kinds.Paths(&a.V1, &b.V1)} {
		c := comparison{space: space}
		c.partition(a, b)
		c.compare(&found)
	}
	slices.SortStableFunc(found.Differences, func(x, y Difference) int { return x.Rank() - y.Rank() })
	return found
}

// Rank is the lower the more callers it is about: 0 for anyone, 1 for members of
// groups, 2 for users by name, 3 when it is unlikely.
func (d Difference) Rank() int {
	named := func(c kinds.Caller) bool { return !c.Users.Except && len(c.In) == 0 }
	switch {
	case d.Unlikely:
		return 3
	case slices.ContainsFunc(d.Kind.Callers, named):
		return 2
	case len(d.Kind.Callers) > 0:
		return 1
	}
	return 0
}

// effects is what each of the two policies writes. Where they write the same it
// is the zero value.
type effects struct{ a, b Effect }

type piece struct {
	kinds.Box
	effects
	// said is set when other pieces with these effects hold all of the box.
	said bool
}

// comparison is a space in disjoint pieces. Differences are looked for in three
// layers, each of which goes before the one above: those of an ordinary caller,
// which are then said of anyone; where likely callers depart from that; and
// where others depart from both. That way the most that there is to say is said
// once, and the oddities do not spoil it.
type comparison struct {
	space  *kinds.Space
	every  []effects
	pieces []piece
}

func (c *comparison) partition(a, b *Policy) {
	for _, p := range c.space.Partition() {
		attrs := c.space.Example(p.Box)
		e := effects{a.Evaluate(attrs).Effect(), b.Evaluate(attrs).Effect()}
		if e.a == e.b {
			e = effects{}
		}
		if !slices.Contains(c.every, e) {
			c.every = append(c.every, e)
		}
		c.pieces = append(c.pieces, piece{Box: p.Box, effects: e})
	}
}

func (c *comparison) compare(found *Comparison) {
	ordinary := c.within(c.pieces, c.space.Ordinary())
	likely := c.within(c.pieces, c.space.Likely()...)
	var general, special, odd []piece
	for _, e := range c.every {
		if e == (effects{}) {
			continue
		}
		on, off := sides(ordinary, e)
		general = append(general, c.anyone(c.cover(on, off, e, true))...)
	}
	for _, e := range c.every {
		own, off := sides(likely, e)
		_, elsewhere := sides(c.anyone(ordinary), e)
		var on []kinds.Box
		for _, box := range own {
			on = append(on, c.inAny(box, elsewhere)...)
		}
		special = append(special, c.cover(on, off, e, true)...)
	}
	for _, e := range c.every {
		_, off := sides(c.pieces, e)
		unsaid, contested := c.oddities(e, general, special)
		odd = append(odd, c.cover(unsaid, off, e, false)...)
		for _, p := range c.cover(contested, off, e, false) {
			p.said = true
			odd = append(odd, p)
		}
	}
	c.describe(found, general, special, odd)
}

func (c *comparison) cover(on, off []kinds.Box, e effects, broad bool) []piece {
	var found []piece
	for _, box := range c.space.Cover(on, off, broad) {
		found = append(found, piece{Box: box, effects: e})
	}
	return found
}

// oddities are where the policies have these effects, and the differences found
// so far say something else. It is unsaid what they are, or contested.
func (c *comparison) oddities(e effects, general, special []piece) (unsaid, contested []kinds.Box) {
	all, _ := sides(c.pieces, e)
	said, others := sides(special, e)
	outside := c.space.Subtract(all, said)
	for _, box := range all {
		for _, inside := range c.inAny(box, said) {
			contested = append(contested, c.inAny(inside, others)...)
		}
	}
	for _, box := range outside {
		unsaid = append(unsaid, c.inAny(box, others)...)
	}
	same, other := sides(general, e)
	if e != (effects{}) {
		return c.disjoint(append(unsaid, c.space.Subtract(outside, same)...)), c.disjoint(contested)
	}
	for _, box := range outside {
		unsaid = append(unsaid, c.inAny(box, other)...)
	}
	return c.disjoint(unsaid), c.disjoint(contested)
}

func (c *comparison) disjoint(boxes []kinds.Box) []kinds.Box {
	var all []kinds.Box
	for _, box := range boxes {
		all = append(all, c.space.Subtract([]kinds.Box{box}, all)...)
	}
	return all
}

// anyone says of all callers what is said of some.
func (c *comparison) anyone(pieces []piece) []piece {
	all := make([]piece, len(pieces))
	for i, p := range pieces {
		all[i] = piece{Box: c.space.ByAnyone(p.Box), effects: p.effects}
	}
	return all
}

// within gives the parts of pieces that are in any of some boxes, disjoint ones.
func (c *comparison) within(pieces []piece, boxes ...kinds.Box) []piece {
	var parts []piece
	for _, p := range pieces {
		for _, part := range c.disjoint(c.inAny(p.Box, boxes)) {
			parts = append(parts, piece{Box: part, effects: p.effects})
		}
	}
	return parts
}

func (c *comparison) inAny(box kinds.Box, boxes []kinds.Box) []kinds.Box {
	var parts []kinds.Box
	for _, b := range boxes {
		if part, some := c.space.Meet(box, b); some {
			parts = append(parts, part)
		}
	}
	return parts
}

func sides(pieces []piece, e effects) (on, off []kinds.Box) {
	for _, p := range pieces {
		if p.effects == e {
			on = append(on, p.Box)
		} else {
			off = append(off, p.Box)
		}
	}
	return on, off
}

func differing(pieces []piece, e effects) []piece {
	return slices.DeleteFunc(slices.Clone(pieces), func(p piece) bool { return p.effects == e })
}

func (c *comparison) describe(found *Comparison, layers ...[]piece) {
	for n, layer := range layers {
		over := slices.Concat(layers[n+1:]...)
		for len(layer) > 0 {
			first, boxes := layer[0], []kinds.Box{}
			same := func(p piece) bool {
				return p.effects == first.effects && p.said == first.said && c.space.SameRequest(p.Box, first.Box)
			}
			for _, p := range layer {
				if same(p) {
					boxes = append(boxes, p.Box)
				}
			}
			layer = slices.DeleteFunc(slices.Clone(layer), same)
			kind := c.space.Describe(boxes...)
			if first.effects != (effects{}) && !first.said {
				found.Differences = append(found.Differences, Difference{
					Kind: kind, Except: c.except(boxes, differing(over, first.effects)), A: first.a, B: first.b, Unlikely: n == 2,
				})
			} else if n == 1 {
				found.Alike = append(found.Alike, kind)
			}
		}
	}
}

// except describes the pieces that have something in common with some boxes.
func (c *comparison) except(boxes []kinds.Box, over []piece) []kinds.Kind {
	all := []kinds.Kind{}
	for _, o := range over {
		if len(c.inAny(o.Box, boxes)) > 0 {
			all = append(all, c.space.Describe(o.Box))
		}
	}
	return all
}

// Covers says whether a request is of this kind and none that is excepted. attrs
// must not be nil; its user may be.
func (d Difference) Covers(attrs authorizer.Attributes) bool {
	return d.Kind.Matches(attrs) && !slices.ContainsFunc(d.Except, func(k kinds.Kind) bool { return k.Matches(attrs) })
}
