// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import "time"

const (
	// unsettled is for how many seconds an event that comes late is still put where
	// it belongs. Events of a webhook can be as late as its retries, up to 231 s.
	unsettled = 512
	// steady is how many late events in a row make another log, which covers the
	// same time: that of another API server.
	steady = 16
	// ten and minute are windows, in seconds.
	ten    = 10
	minute = 60
)

// amount is what happened in some time.
type amount struct{ requests, events, bytes int64 }

func (a *amount) add(b amount, times int64) {
	a.requests += times * b.requests
	a.events += times * b.events
	a.bytes += times * b.bytes
}

func (a *amount) raise(b amount) {
	a.requests, a.events, a.bytes = max(a.requests, b.requests), max(a.events, b.events), max(a.bytes, b.bytes)
}

// clock finds the time that events cover and the busiest windows in it, in memory
// that does not grow. Events come nearly in order of time.
type clock struct {
	began    bool
	from, to time.Time // of all
	// first and last are of the log that is being read, past is how long the logs
	// before it were.
	first, last time.Time
	past        time.Duration
	// newest is the newest second; ring has it and those before that can change.
	newest int64
	ring   [unsettled]amount
	// recent has the last minute that is settled, up to the second before settled.
	recent       [minute]amount
	settled      int64
	lastTen      amount
	lastMinute   amount
	best1        amount
	best10       amount
	best60       amount
	late, inLine int64
	lateFirst    time.Time
}

func (c *clock) add(at time.Time, a amount) {
	second := at.Unix()
	switch {
	case !c.began:
		c.began = true
		c.from, c.to = at, at
		c.start(at)
	case second <= c.newest-unsettled:
		if c.inLine++; c.inLine == 1 {
			c.lateFirst = at
		}
		if c.inLine < steady {
			c.late++
			return
		}
		c.past += c.last.Sub(c.first)
		c.settle(c.newest + 1)
		c.start(at)
		c.late -= steady - 1 // they are of this log
		if c.lateFirst.Before(c.first) {
			c.first = c.lateFirst
		}
	case second > c.newest:
		c.settle(second - unsettled + 1)
		c.newest = second
	}
	c.inLine = 0
	c.ring[second%unsettled].add(a, 1)
	c.first, c.last = earlier(c.first, at), later(c.last, at)
	c.from, c.to = earlier(c.from, c.first), later(c.to, at)
}

// start begins a log.
func (c *clock) start(at time.Time) {
	c.first, c.last = at, at
	c.newest = at.Unix()
	c.settled = c.newest - unsettled + 1
	c.ring, c.recent, c.lastTen, c.lastMinute = [unsettled]amount{}, [minute]amount{}, amount{}, amount{}
}

// settle puts the seconds before end into the windows. Where there is nothing for
// more than a minute beyond the ring, that much is passed over.
func (c *clock) settle(end int64) {
	for c.settled < end {
		if c.settled > c.newest+minute {
			c.settled = end
			return
		}
		var now amount
		if slot := &c.ring[c.settled%unsettled]; c.settled <= c.newest {
			now, *slot = *slot, amount{}
		}
		c.lastTen.add(now, 1)
		c.lastMinute.add(now, 1)
		c.lastTen.add(c.recent[(c.settled-ten+minute)%minute], -1)
		c.lastMinute.add(c.recent[c.settled%minute], -1)
		c.recent[c.settled%minute] = now
		c.best1.raise(now)
		c.best10.raise(c.lastTen)
		c.best60.raise(c.lastMinute)
		c.settled++
	}
}

// covered is how long the logs are, in seconds.
func (c *clock) covered() float64 { return (c.past + c.last.Sub(c.first)).Seconds() }

// rates are the peaks, with of picking what is counted. Less time than a window
// has is all of the window.
func (c *clock) rates(of func(amount) int64) Rate {
	done := *c
	done.settle(done.newest + 1)
	per := func(best amount, length float64) float64 {
		return float64(of(best)) / max(1, min(length, c.covered()))
	}
	return Rate{Peak1s: per(done.best1, 1), Peak: per(done.best10, ten), Peak60s: per(done.best60, minute)}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
