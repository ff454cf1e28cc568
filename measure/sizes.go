// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"math"
	"math/bits"
)

// The sizes of events are counted in steps that grow with them: each byte below
// exactSizes has a step of its own, and each doubling above has stepsOfDoubling,
// so that a step is less than a hundredth of the size, and memory is a few
// thousand steps whatever the sizes.
const (
	exactSizes      = 256
	stepsOfDoubling = exactSizes / 2
)

type histogram struct {
	count, sum, max int64
	steps           []int64
}

func (h *histogram) add(size int64) {
	size = max(size, 0)
	h.count++
	h.sum += size
	h.max = max(h.max, size)
	at := step(size)
	if at >= len(h.steps) {
		h.steps = append(h.steps, make([]int64, at+1-len(h.steps))...)
	}
	h.steps[at]++
}

func step(size int64) int {
	shift := max(0, bits.Len64(uint64(size))-8)
	if shift == 0 {
		return int(size)
	}
	return exactSizes + (shift-1)*stepsOfDoubling + int(size>>shift) - stepsOfDoubling
}

// edge is the largest size of a step.
func edge(at int) int64 {
	if at < exactSizes {
		return int64(at)
	}
	at -= exactSizes
	shift := at/stepsOfDoubling + 1
	return int64(at%stepsOfDoubling+stepsOfDoubling+1)<<shift - 1
}

// part is the size that a share q of the events does not exceed.
func (h *histogram) part(q float64) int64 {
	rank := int64(math.Ceil(q * float64(h.count)))
	for at, n := range h.steps {
		if rank -= n; rank <= 0 {
			return min(edge(at), h.max)
		}
	}
	return h.max
}

func (h *histogram) sizes() Sizes {
	if h.count == 0 {
		return Sizes{}
	}
	return Sizes{Mean: float64(h.sum) / float64(h.count), P50: h.part(0.5), P90: h.part(0.9), P99: h.part(0.99), Max: h.max}
}
