// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import "slices"

// Box is a set of requests that is a product: in each dimension of its [Space] a
// set of values, as bits. Requests that no rule tells apart share a bit, so the
// algebra is exact and finite. Only a Space makes boxes; they are not modified.
type Box []uint64

// dim is the words of a Box that belong to one dimension, and what its bits
// stand for.
type dim struct {
	from, to int
	// class gives the bit of each value. Value 0 is any that no rule names, but for
	// verbs, which are all known.
	class []int
	size  int
	// fill makes a request have a value.
	fill func(value int, r *request)
}

func (d *dim) has(b Box, value int) bool {
	c := d.class[value]
	return b[d.from+c/64]&(1<<(c%64)) != 0
}

func (d *dim) meets(a, b Box) bool {
	for w := d.from; w < d.to; w++ {
		if a[w]&b[w] != 0 {
			return true
		}
	}
	return false
}

// within says whether a's values are all among b's.
func (d *dim) within(a, b Box) bool {
	for w := d.from; w < d.to; w++ {
		if a[w]&^b[w] != 0 {
			return false
		}
	}
	return true
}

// cut splits a box in two along one dimension: with the values of by, without.
func (d *dim) cut(b, by Box) (in, out Box) {
	in, out = slices.Clone(b), slices.Clone(b)
	for w := d.from; w < d.to; w++ {
		in[w] &= by[w]
		out[w] &^= by[w]
	}
	return in, out
}

// Meet gives the requests that are in both boxes, and whether there are any.
func (s *Space) Meet(a, b Box) (Box, bool) {
	if !s.meets(a, b) {
		return nil, false
	}
	both := slices.Clone(a)
	for w := range both {
		both[w] &= b[w]
	}
	return both, true
}

func (s *Space) meets(a, b Box) bool {
	for _, d := range s.dims {
		if !d.meets(a, b) {
			return false
		}
	}
	return true
}

// Subtract gives what is left of boxes without others, in disjoint boxes if they
// were.
func (s *Space) Subtract(boxes, without []Box) []Box {
	for _, w := range without {
		boxes = s.subtract(boxes, w)
	}
	return boxes
}

// subtract gives what is left of boxes without another, in disjoint boxes if
// they were.
func (s *Space) subtract(boxes []Box, without Box) []Box {
	var left []Box
	for _, b := range boxes {
		if !s.meets(b, without) {
			left = append(left, b)
			continue
		}
		for _, d := range s.dims {
			if !d.within(b, without) {
				in, out := d.cut(b, without)
				left, b = append(left, out), in
			}
		}
	}
	return left
}

// Piece is a box within which the same rule of each policy decides.
type Piece struct {
	Box
	// Rules has the index of the rule for each policy, -1 for none.
	Rules []int
}

// Partition splits all requests into disjoint pieces.
func (s *Space) Partition() []Piece {
	var pieces []Piece
	s.split(s.full, make([]int, len(s.rules)), &pieces)
	return pieces
}

// split cuts a box along the first rule that holds for a part of it only. Next
// is the rule box of each policy to look at.
func (s *Space) split(b Box, next []int, pieces *[]Piece) {
	next = slices.Clone(next)
	rules := make([]int, len(next))
	for p, of := range s.rules {
		for next[p] < len(of) && !s.meets(b, of[next[p]].Box) {
			next[p]++
		}
		rules[p] = -1
		if next[p] == len(of) {
			continue
		}
		rule := of[next[p]]
		rules[p] = rule.index
		for _, d := range s.dims {
			if !d.within(b, rule.Box) {
				in, out := d.cut(b, rule.Box)
				s.split(in, next, pieces)
				s.split(out, next, pieces)
				return
			}
		}
	}
	*pieces = append(*pieces, Piece{b, rules})
}
