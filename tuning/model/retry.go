// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math"
	"math/bits"
	"time"
)

// Retry is how the webhook tries a batch again: pkg/util/webhook with the
// backoff of DefaultRetryBackoffWithInitialDelay, which
// plugin/pkg/audit/webhook has retry on any error. The batch is lost when its
// last try fails.
type Retry struct {
	// Initial is the wait after the first try, the flag
	// audit-webhook-initial-backoff; above 0.
	Initial time.Duration
}

const (
	// Tries of a batch, with one wait less between them.
	Tries = 5
	// Timeout of one try, from the first byte sent to the last received.
	Timeout = 30 * time.Second
	// DefaultInitial is upstream's audit-webhook-initial-backoff.
	DefaultInitial = 10 * time.Second

	factor = 1.5
	jitter = 0.2
)

// Failure is how a receiver is away. Any other lies between these two: one that
// is busy and says when to come again, too, is only heeded within a try.
type Failure bool

const (
	// Refused fails every try at once, as a port that nobody listens on.
	Refused Failure = false
	// TimedOut has every try run into Timeout, as a host that is gone or hangs.
	TimedOut Failure = true
)

// Waits are the four waits between the tries, each before jitter, which makes
// it up to a fifth longer.
func (r Retry) Waits() []time.Duration {
	waits := make([]time.Duration, Tries-1)
	next := r.Initial
	for i := range waits {
		waits[i] = next
		next = time.Duration(float64(next) * factor)
	}
	return waits
}

// WaitsSeconds are all waits together: at the least, on average, at the most.
func (r Retry) WaitsSeconds() (least, mean, most float64) {
	for _, w := range r.Waits() {
		least += w.Seconds()
	}
	return least, least * (1 + jitter/2), least * (1 + jitter)
}

// trying is what the first tries of a batch that is lost take; the last one is
// left out.
func trying(f Failure) float64 {
	if f == Refused {
		return 0
	}
	return (Tries - 1) * Timeout.Seconds()
}

// LosslessSeconds is the longest outage that no batch is lost in: the last try
// of one that was first sent as the outage began comes no earlier.
func (r Retry) LosslessSeconds(f Failure) float64 {
	least, _, _ := r.WaitsSeconds()
	return least + trying(f)
}

// HeldSeconds is the longest that a batch stays in memory before it is lost.
func (r Retry) HeldSeconds(f Failure) float64 {
	_, _, most := r.WaitsSeconds()
	if f == Refused {
		return most
	}
	return most + Tries*Timeout.Seconds()
}

// LostSeconds is how long batches are sent in vain, on average over the
// jitter, in an outage of outageSeconds: the events of as many seconds are
// lost. A batch is lost when its last try still falls into the outage, so it is
// the mean of what the outage is longer than first and last try lie apart.
//
// The waits are sums of numbers drawn evenly from four ranges, and the mean of
// what exceeds such a sum is a sum over the corners of the box that the ranges
// span.
func (r Retry) LostSeconds(outageSeconds float64, f Failure) float64 {
	waits := r.Waits()
	x := outageSeconds - r.LosslessSeconds(f)
	if x <= 0 {
		return 0
	}
	if _, mean, most := r.WaitsSeconds(); outageSeconds >= most+trying(f) {
		return outageSeconds - mean - trying(f)
	}
	sum, volume := 0.0, 1.0
	for corner := range uint(1) << len(waits) {
		rest, sign := x, 1.0
		for i, w := range waits {
			if corner>>i&1 == 1 {
				rest -= w.Seconds() * jitter
			}
		}
		if bits.OnesCount(corner)%2 == 1 {
			sign = -1
		}
		sum += sign * math.Pow(max(rest, 0), Tries)
	}
	for i, w := range waits {
		volume *= w.Seconds() * jitter * float64(i+1)
	}
	return sum / (volume * Tries)
}
