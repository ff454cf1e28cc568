// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"maps"
	"slices"
	"time"
)

const (
	// finest is how long a window is at least, in seconds.
	finest = 10
	// manyBuckets bounds how many windows are kept: windows of ten seconds of
	// nearly four days of log, or of 80 s of a month.
	manyBuckets = 1 << 15
	// hole is how long nothing may be logged, in seconds, before it counts as a gap
	// between logs.
	hole = 3600
	// earliest is the year 2017, in which audit logging came with Kubernetes 1.7,
	// and latest the year 2200, in Unix microseconds.
	earliest = 1483228800e6
	latest   = 7258118400e6
)

// Times counts, for each policy, what it would have logged in windows of time. They
// get twice as long whenever there are too many, which depends on nothing but the
// times that there are, so that parts add up to the same as the whole.
type Times struct {
	// Width is how long a window is, in seconds, and From and To are the first and
	// last time, in Unix microseconds; 0 when there is none.
	Width int64 `json:"width"`
	From  int64 `json:"from"`
	To    int64 `json:"to"`
	// Timeless is how many events have no time.
	Timeless int64 `json:"timeless"`
	// Buckets are the windows with events in the log, by the number of the window
	// since 1970: events and bytes in turn, for each policy.
	Buckets map[int64][]int64 `json:"buckets"`

	policies int
	// last is the window that was used last.
	lastAt int64
	last   []int64
}

func newTimes(policies int) *Times {
	return &Times{Width: finest, Buckets: map[int64][]int64{}, policies: policies}
}

// at gives the window of a time, to be added to at once; nil for none.
func (t *Times) at(when time.Time) []int64 {
	micro := when.UnixMicro()
	if micro < earliest || micro > latest {
		t.Timeless++
		return nil
	}
	if t.From == 0 || micro < t.From {
		t.From = micro
	}
	t.To = max(t.To, micro)
	window := micro / 1e6 / t.Width
	if t.last != nil && window == t.lastAt {
		return t.last
	}
	b := t.bucket(window)
	if len(t.Buckets) > manyBuckets {
		t.coarsen()
		window = micro / 1e6 / t.Width
		b = t.bucket(window)
	}
	t.lastAt, t.last = window, b
	return b
}

func (t *Times) bucket(window int64) []int64 {
	b := t.Buckets[window]
	if b == nil {
		b = make([]int64, 2*t.policies)
		t.Buckets[window] = b
	}
	return b
}

// coarsen doubles the windows until they are few enough.
func (t *Times) coarsen() {
	for len(t.Buckets) > manyBuckets {
		t.widen(2 * t.Width)
	}
}

// widen takes windows together, up to a width that is a multiple.
func (t *Times) widen(width int64) {
	if width == t.Width {
		return
	}
	old, times := t.Buckets, width/t.Width
	t.Buckets, t.Width, t.last = map[int64][]int64{}, width, nil
	for at, b := range old {
		addTo(t.bucket(at/times), b)
	}
}

func addTo(to, from []int64) {
	for i, n := range from {
		to[i] += n
	}
}

// absorb adds other times.
func (t *Times) absorb(o *Times) {
	width := max(t.Width, o.Width)
	t.widen(width)
	times := width / o.Width
	for at, b := range o.Buckets {
		addTo(t.bucket(at/times), b)
	}
	t.coarsen()
	if o.From != 0 && (t.From == 0 || o.From < t.From) {
		t.From = o.From
	}
	t.To = max(t.To, o.To)
	t.Timeless += o.Timeless
}

// covered is how long the logs are together, in seconds, without gaps of more than
// an hour between them, and whether there are such.
func (t *Times) covered() (seconds float64, gaps bool) {
	seconds = float64(t.To-t.From) / 1e6
	windows := slices.Sorted(maps.Keys(t.Buckets))
	for i := 1; i < len(windows); i++ {
		if gap := (windows[i] - windows[i-1] - 1) * t.Width; gap > hole {
			seconds -= float64(gap)
			gaps = true
		}
	}
	return seconds, gaps
}

// peaks are the most events and bytes in a window for a policy.
func (t *Times) peaks(policy int) (events, bytes int64) {
	for _, b := range t.Buckets {
		events = max(events, b[2*policy])
		bytes = max(bytes, b[2*policy+1])
	}
	return events, bytes
}
