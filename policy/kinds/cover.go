// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"math/bits"
	"slices"
)

// Cover finds few and large boxes that hold all of on and nothing of off. They
// may overlap each other, and hold requests that are in neither. Boxes that come
// early in on are served first.
//
// With broad, callers are as many as off allows, said in the fewest words; without,
// only those in on are meant.
//
// It is the heuristic of two-level logic minimization: take what is not covered
// yet, let it grow until it touches off on every side, repeat, and in the end take
// back what need not be.
func (s *Space) Cover(on, off []Box, broad bool) []Box {
	var found []Box
	left := on
	for len(left) > 0 {
		best, bestLeft := Box(nil), []Box(nil)
		for _, order := range s.orders {
			grown := s.grow(left[0], off, order)
			if best != nil && slices.Equal(best, grown) {
				continue
			}
			rest := s.subtract(left, grown)
			if best == nil || len(rest) < len(bestLeft) || len(rest) == len(bestLeft) && s.narrow(grown) < s.narrow(best) {
				best, bestLeft = grown, rest
			}
		}
		found, left = append(found, best), bestLeft
	}
	return s.needed(found, on, broad)
}

// grow widens a box in one dimension after the other as far as off allows.
func (s *Space) grow(b Box, off []Box, order []int) Box {
	b = slices.Clone(b)
	// how often each box of off is apart from b, and where if it is once
	apart := make([]int, len(off))
	for i, o := range off {
		for _, d := range s.dims {
			if !d.meets(b, o) {
				apart[i]++
			}
		}
	}
	for _, n := range order {
		d := s.dims[n]
		wide := slices.Clone(s.full[d.from:d.to])
		for i, o := range off {
			if apart[i] == 1 && !d.meets(b, o) {
				for w := d.from; w < d.to; w++ {
					wide[w-d.from] &^= o[w]
				}
			}
		}
		before := slices.Clone(b)
		copy(b[d.from:d.to], wide)
		for i, o := range off {
			if !d.meets(before, o) && d.meets(b, o) {
				apart[i]--
			}
		}
	}
	return b
}

// narrow counts the values by which a box is set apart, as a measure of how long
// it takes to say what it is: those that are meant, or those that are not when
// values without a name are.
func (s *Space) narrow(b Box) int {
	sum := 0
	for n, d := range s.dims {
		set := 0
		for w := d.from; w < d.to; w++ {
			set += bits.OnesCount64(b[w])
		}
		if set == d.size || n != verbDim && d.has(b, 0) {
			set = d.size - set
		}
		sum += set
	}
	return sum
}

// needed leaves out boxes whose part of on is in the others, late ones first, and
// takes back from the rest what they grew over without need: all that is not in
// on, and what others hold as well when that makes them simpler.
func (s *Space) needed(found, on []Box, broad bool) []Box {
	for i := len(found) - 1; i >= 0; i-- {
		var part []Box
		for _, b := range on {
			if both, some := s.Meet(b, found[i]); some {
				part = append(part, both)
			}
		}
		others := slices.Delete(slices.Clone(found), i, i+1)
		left := s.Subtract(part, others)
		if len(left) == 0 {
			found = others
			continue
		}
		grown := found[i]
		found[i] = s.shrunk(grown, part, broad)
		if less := s.shrunk(grown, left, broad); s.narrow(less) < s.narrow(found[i]) {
			found[i] = less
		}
	}
	return found
}

// shrunk is the smallest box around parts of a box. A broad one keeps its callers,
// but for users by name that are in no part.
func (s *Space) shrunk(b Box, parts []Box, broad bool) Box {
	small := make(Box, len(b))
	for _, p := range parts {
		for w := range small {
			small[w] |= p[w]
		}
	}
	if !broad {
		return small
	}
	users := s.dims[userDim]
	from := users.from
	if !users.has(b, 0) {
		from = users.to
	}
	copy(small[from:], b[from:])
	return small
}
