// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package model says in plain numbers what kube-apiserver's audit code does
// with given settings: how a buffer fills, how late an event leaves, how long a
// failed batch is tried again, what an event takes in memory. It chooses
// nothing; that is for package tuning, which gives the numbers their reasons.
//
// The numbers come from reading k8s.io/apiserver v0.37.1 and from measuring it:
// test/oracle/buffered*_test.go run the same settings through upstream's own
// code and compare.
package model

import (
	"math"
	"time"
)

// Queue is plugin/pkg/audit/buffered with its settings: a channel, one
// goroutine that collects batches from it, and a token bucket that each batch
// has to pass. Batches are then sent by goroutines of their own, so that a
// receiver that stands still does not hold up the queue.
type Queue struct {
	// BufferEvents is the size of the channel, BatchEvents the most in a batch;
	// both above 0.
	BufferEvents, BatchEvents int
	// MaxWait closes a batch that is not full. It is not looked at where
	// BatchEvents is 1.
	MaxWait time.Duration
	// BatchesPerSecond is the throttle; 0 is none.
	BatchesPerSecond float64
	// Burst is how many batches may leave at once after a quiet time. It is
	// not looked at without a throttle.
	Burst int
}

// Capacity is how many events/s can leave while there is a backlog and
// eventsPerSecond arrive. Every batch is full then, unless the channel is
// smaller than one and MaxWait is over before the rest has come. It is infinite
// without a throttle.
func (q Queue) Capacity(eventsPerSecond float64) float64 {
	if q.BatchesPerSecond <= 0 {
		return math.Inf(1)
	}
	batch := float64(q.BatchEvents)
	if q.BatchEvents > 1 {
		batch = min(batch, float64(q.BufferEvents)+eventsPerSecond*q.MaxWait.Seconds())
	}
	return q.BatchesPerSecond * batch
}

// BurstSeconds is how long eventsPerSecond, which are more than Capacity, leave
// without delay after a quiet time, by the tokens that were saved in it.
func (q Queue) BurstSeconds(eventsPerSecond float64) float64 {
	return float64(q.Burst) / (1/q.FillSeconds(eventsPerSecond) - q.BatchesPerSecond)
}

// FullAfterSeconds is how long the queue can take eventsPerSecond after a quiet
// time before the channel is full, and infinite when it can for ever. What
// arrives first leaves with the tokens that were saved, then the channel fills.
// Batches come whole: the first event may be lost a batch earlier or later.
func (q Queue) FullAfterSeconds(eventsPerSecond float64) float64 {
	over := eventsPerSecond - q.Capacity(eventsPerSecond)
	if over <= 0 {
		return math.Inf(1)
	}
	return q.BurstSeconds(eventsPerSecond) + float64(q.BufferEvents)/over
}

// LostEvents is how many events are lost when eventsPerSecond arrive for
// lengthSeconds after a quiet time.
func (q Queue) LostEvents(eventsPerSecond, lengthSeconds float64) float64 {
	over := lengthSeconds - q.FullAfterSeconds(eventsPerSecond)
	if math.IsInf(over, -1) || over <= 0 {
		return 0
	}
	return over * (eventsPerSecond - q.Capacity(eventsPerSecond))
}

// StallSeconds is how long eventsPerSecond can arrive while nothing leaves the
// channel at all.
func (q Queue) StallSeconds(eventsPerSecond float64) float64 {
	return float64(q.BufferEvents) / eventsPerSecond
}

// FillSeconds is the time between two batches at eventsPerSecond as far as the
// collecting goes: until one is full, or MaxWait has passed.
func (q Queue) FillSeconds(eventsPerSecond float64) float64 {
	full := float64(q.BatchEvents) / eventsPerSecond
	if q.BatchEvents == 1 {
		return full
	}
	return min(full, q.MaxWait.Seconds())
}

// token is how long the throttle takes for a batch, in seconds.
func (q Queue) token() float64 {
	if q.BatchesPerSecond <= 0 {
		return 0
	}
	return 1 / q.BatchesPerSecond
}

// BatchMean is how many events a batch holds on average at eventsPerSecond, at
// least 1.
func (q Queue) BatchMean(eventsPerSecond float64) float64 {
	period := max(q.FillSeconds(eventsPerSecond), q.token())
	return max(min(float64(q.BatchEvents), eventsPerSecond*period), 1)
}

// LatencySeconds is how long an event takes from the end of its request until
// its batch is sent, when eventsPerSecond arrive evenly: on average, and at the
// most. A queue that gets more than its capacity is taken to be full.
func (q Queue) LatencySeconds(eventsPerSecond float64) (mean, most float64) {
	if out := q.Capacity(eventsPerSecond); eventsPerSecond > out {
		// While the batch in hand is being collected it is half full on average.
		buffer, batch := float64(q.BufferEvents), out/q.BatchesPerSecond
		return (buffer + batch*(1-out/(2*eventsPerSecond))) / out, (buffer+batch)/out + q.token()
	}
	if q.BatchEvents == 1 {
		return 0, q.token()
	}
	fill, token := q.FillSeconds(eventsPerSecond), q.token()
	most = q.MaxWait.Seconds() + token
	if token <= fill {
		return fill / 2, most
	}
	// The batch that MaxWait closed waits for its token, and what arrives
	// meanwhile goes with the next one.
	return 1.5*token - fill, max(most, 2*token)
}
