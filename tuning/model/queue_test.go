// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math"
	"testing"
	"time"
)

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*max(1, math.Abs(b))
}

// hundred is a queue of 100 events/s in batches of 50.
func hundred() Queue {
	return Queue{BufferEvents: 1000, BatchEvents: 50, MaxWait: time.Second, BatchesPerSecond: 2, Burst: 3}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	tests := []struct {
		name                          string
		queue                         func(*Queue)
		rate                          float64
		capacity, full, stall, batch  float64
		lostInMinute, latency, latest float64
	}{
		{"within capacity", func(*Queue) {}, 80, 100, inf, 12.5, 50, 0, 0.3125, 1.5},
		{"at capacity", func(*Queue) {}, 100, 100, inf, 10, 50, 0, 0.25, 1.5},
		// Four batches form in a second, so 3 tokens last 3/(4-2) s; then 1000 places at 100/s.
		{"twice capacity", func(*Queue) {}, 200, 100, 11.5, 5, 50, 4850, 10.375, 11},
		{"no throttle", func(q *Queue) { q.BatchesPerSecond = 0 }, 1000, inf, inf, 1, 50, 0, 0.025, 1},
		{"one by one", func(q *Queue) { q.BatchEvents, q.BatchesPerSecond = 1, 200 }, 100, 200, inf, 10, 1, 0, 0, 0.005},
		{"quiet: max-wait closes batches of 10", func(*Queue) {}, 10, 100, inf, 100, 10, 0, 0.5, 1.5},
		{"next to nothing", func(*Queue) {}, 0.1, 100, inf, 10000, 1, 0, 0.5, 1.5},
		// A batch every 2 s for 20 events that a second closes.
		{"throttle slower than max-wait", func(q *Queue) { q.BatchesPerSecond = 0.5 }, 20, 25, inf, 50, 40, 0, 2, 4},
		// 20 in the channel and what comes in a second, 20 more, are a batch.
		{"buffer smaller than a batch", func(q *Queue) { q.BufferEvents, q.BatchesPerSecond = 20, 0.25 }, 20, 10, 6, 1, 50, 540, 5, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := hundred()
			tt.queue(&q)
			mean, most := q.LatencySeconds(tt.rate)
			for what, v := range map[string][2]float64{
				"capacity": {q.Capacity(tt.rate), tt.capacity}, "full after": {q.FullAfterSeconds(tt.rate), tt.full},
				"stall": {q.StallSeconds(tt.rate), tt.stall}, "batch": {q.BatchMean(tt.rate), tt.batch},
				"lost": {q.LostEvents(tt.rate, 60), tt.lostInMinute}, "latency": {mean, tt.latency}, "latest": {most, tt.latest},
			} {
				if !near(v[0], v[1]) {
					t.Errorf("%s: %v, want %v", what, v[0], v[1])
				}
			}
		})
	}
}
