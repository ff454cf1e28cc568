// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	r := Retry{Initial: DefaultInitial}
	want := []time.Duration{10 * time.Second, 15 * time.Second, 22500 * time.Millisecond, 33750 * time.Millisecond}
	if got := r.Waits(); !slices.Equal(got, want) {
		t.Errorf("waits %v", got)
	}
	least, mean, most := r.WaitsSeconds()
	if !near(least, 81.25) || !near(mean, 89.375) || !near(most, 97.5) {
		t.Errorf("waits of %v, %v, %v s", least, mean, most)
	}
	for _, tt := range []struct {
		failure        Failure
		lossless, held float64
	}{{Refused, 81.25, 97.5}, {TimedOut, 201.25, 247.5}} {
		if got := r.LosslessSeconds(tt.failure); !near(got, tt.lossless) {
			t.Errorf("times out %t: nothing lost for %v s", tt.failure, got)
		}
		if got := r.HeldSeconds(tt.failure); !near(got, tt.held) {
			t.Errorf("times out %t: held for %v s", tt.failure, got)
		}
	}
	if least, _, _ := (Retry{Initial: time.Minute}).WaitsSeconds(); !near(least, 6*81.25) {
		t.Errorf("a minute: %v s", least)
	}
}

// TestLostSeconds compares the closed form with waits that are drawn.
func TestLostSeconds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, initial := range []time.Duration{time.Second, DefaultInitial, 10 * time.Minute} {
		r := Retry{Initial: initial}
		least, mean, most := r.WaitsSeconds()
		for _, f := range []Failure{Refused, TimedOut} {
			for _, share := range []float64{-1, 0, 0.1, 0.3, 0.5, 0.8, 0.99, 1, 1.5, 20} {
				outage := r.LosslessSeconds(f) + share*(most-least)
				const draws = 100_000
				sum := 0.0
				for range draws {
					waited := 0.0
					for _, w := range r.Waits() {
						waited += w.Seconds() * (1 + jitter*random.Float64())
					}
					sum += max(outage-trying(f)-waited, 0)
				}
				drawn, got := sum/draws, r.LostSeconds(outage, f)
				if math.Abs(got-drawn) > (most-least)/200 {
					t.Errorf("%s, outage %v, times out %t: %v s, drawn %v", initial, outage, f, got, drawn)
				}
				if share >= 1 && !near(got, outage-trying(f)-mean) {
					t.Errorf("%s, outage %v: %v s", initial, outage, got)
				}
			}
		}
	}
}

func TestEventBytes(t *testing.T) {
	t.Parallel()
	if w, r, d := WaitingBytes(1200), RetriedBytes(1200), TriedBytes(1200); !near(w, 2440) || !near(r, 2990) || !near(d, 4310) {
		t.Errorf("%v waiting, %v between tries, %v in a try", w, r, d)
	}
}
