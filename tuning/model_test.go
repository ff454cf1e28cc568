// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// backend models upstream's plugin/pkg/audit/buffered as discrete events: a
// channel, one goroutine that collects batches, a token bucket before each
// batch, and a delegate that hands the batch on. It is pessimistic in two
// ways. The delegate keeps the goroutine for as long as a stall lasts, which
// upstream's does for the log only. And events of the same instant all go
// through the channel, as if the goroutine had slept.
type backend struct {
	buffer, size int
	wait         time.Duration
	qps          float64 // 0 is no throttle
	burst        int
	// oldTimers leaves a timer that expired while a batch was being handed on
	// in its channel, where it may close the next batch at any event: Go
	// before 1.23, which Kubernetes 1.24 and 1.30 are built as.
	oldTimers bool
}

func backendOf(s BatchSettings) backend {
	return backend{
		buffer: s.BufferSize.Value, size: s.MaxSize.Value, wait: s.MaxWait.Value,
		qps: s.ThrottleQPS.Value, burst: s.ThrottleBurst.Value,
	}
}

// quarter has a quarter of the throughput and of the buffer.
func (b backend) quarter() backend {
	b.buffer, b.qps, b.burst = max(b.buffer/4, 1), b.qps/4, max(b.burst/4, 1)
	return b
}

type stall struct{ from, to time.Duration }

// run is the state of a backend while it works.
type run struct {
	backend
	arrivals []time.Duration
	stalls   []stall
	random   *rand.Rand

	now, refilled time.Duration
	tokens        float64
	queue         int
	next          int // index into arrivals
	stale         bool
	lost          int
}

// lose gives the number of events that find the buffer full.
func (b backend) lose(arrivals []time.Duration, stalls ...stall) int {
	r := &run{backend: b, arrivals: arrivals, stalls: stalls, tokens: float64(b.burst), random: rand.New(rand.NewPCG(1, 2))}
	for r.queue > 0 || r.next < len(arrivals) {
		began := r.now
		n, expired := r.collect()
		if n == 0 {
			continue
		}
		r.throttle()
		for _, s := range r.stalls {
			if r.now >= s.from && r.now < s.to {
				r.advance(s.to)
			}
		}
		if b.oldTimers && b.size > 1 && !expired && r.now >= began+b.wait {
			r.stale = true
		}
	}
	return r.lost
}

// advance lets time pass while nobody reads the channel.
func (r *run) advance(to time.Duration) {
	r.now = to
	for r.next < len(r.arrivals) && r.arrivals[r.next] <= to {
		if r.queue < r.buffer {
			r.queue++
		} else {
			r.lost++
		}
		r.next++
	}
}

// collect reads the channel until the batch is full or the timer expires.
func (r *run) collect() (n int, expired bool) {
	deadline := r.now + r.wait
	for n < r.size {
		if r.stale && (r.queue == 0 || r.random.IntN(2) == 0) {
			// What expired is the last batch's timer; this one's still runs.
			r.stale = false
			return n, false
		}
		if r.queue > 0 {
			r.queue--
			n++
			continue
		}
		if r.next == len(r.arrivals) {
			return n, true
		}
		at := r.arrivals[r.next]
		if r.size > 1 && at > deadline {
			r.now = deadline
			return n, true
		}
		r.advance(at)
	}
	return n, false
}

// throttle takes a token, waiting for it if need be.
func (r *run) throttle() {
	if r.qps == 0 {
		return
	}
	r.tokens = min(r.tokens+(r.now-r.refilled).Seconds()*r.qps, float64(r.burst)) - 1
	r.refilled = r.now
	if r.tokens < 0 {
		r.advance(r.now + time.Duration(math.Ceil(-r.tokens/r.qps*float64(time.Second))))
	}
}

// steady spaces events evenly.
func steady(perSecond float64, length time.Duration) []time.Duration {
	n := int(perSecond * length.Seconds())
	at := make([]time.Duration, n)
	for i := range at {
		at[i] = time.Duration(float64(i+1) / perSecond * float64(time.Second))
	}
	return at
}

// gusts has all events of a second arrive at once.
func gusts(perSecond float64, length time.Duration) []time.Duration {
	at := steady(perSecond, length)
	for i := range at {
		at[i] = at[i].Truncate(time.Second)
	}
	return at
}

// poisson has events arrive independently of each other.
func poisson(perSecond float64, length time.Duration) []time.Duration {
	random := rand.New(rand.NewPCG(3, 4))
	var at []time.Duration
	for now := 0.0; now < length.Seconds(); now += random.ExpFloat64() / perSecond {
		at = append(at, time.Duration(now*float64(time.Second)))
	}
	return at
}

// TestModel holds the model to what is known of the real thing, so that what
// it says of the recommendations means something.
func TestModel(t *testing.T) {
	t.Parallel()
	// Seen with upstream's code: 12 events into a buffer of 5 that nobody
	// reads leave 5.
	b := backend{buffer: 5, size: 1}
	r := &run{backend: b, arrivals: make([]time.Duration, 12)}
	if r.advance(0); r.lost != 7 {
		t.Errorf("12 events into a buffer of 5: lost %d, want 7", r.lost)
	}
	// 200 events/s for 100 s through a throttle of 1 batch of 100 a second:
	// 20000 come, 100 batches and the one of the first token leave, 1000 stay.
	b = backend{buffer: 1000, size: 100, wait: time.Second, qps: 1, burst: 1}
	if lost := b.lose(steady(200, 100*time.Second)); lost < 8800 || lost > 9000 {
		t.Errorf("overload: lost %d, want about 8900", lost)
	}
	// The same load with twice the throttle loses nothing.
	b.qps = 2
	if lost := b.lose(steady(200, 100*time.Second)); lost != 0 {
		t.Errorf("throttle at the rate of events: lost %d", lost)
	}
	// A throttle slower than max-wait, a backlog, and old timers: about every
	// second batch is all but empty, and 1.5 times the capacity needed is too
	// little. Seen with upstream's code and GODEBUG=asynctimerchan=1: 913 of
	// 3000 events in 6 s, in place of 1800.
	b = backend{buffer: 2000, size: 100, wait: 100 * time.Millisecond, qps: 3, burst: 1}
	shut := stall{time.Second, 6 * time.Second}
	if lost := b.lose(steady(200, 60*time.Second), shut); lost != 0 {
		t.Errorf("new timers: lost %d", lost)
	}
	b.oldTimers = true
	if lost := b.lose(steady(200, 60*time.Second), shut); lost == 0 {
		t.Error("old timers: lost nothing, though the throttle is slower than max-wait")
	}
}

// TestDocumentationExampleHolds has the documentation's numbers take the
// documentation's load, and a quarter of them not.
func TestDocumentationExampleHolds(t *testing.T) {
	t.Parallel()
	s, err := Batch(documentation(), Webhook)
	if err != nil {
		t.Fatal(err)
	}
	load := steady(200, time.Minute)
	for phase := range 20 {
		shut := stall{10*time.Second + time.Duration(phase)*50*time.Millisecond, 0}
		shut.to = shut.from + 5*time.Second
		if lost := backendOf(s).lose(load, shut); lost != 0 {
			t.Errorf("stall at %s: lost %d", shut.from, lost)
		}
		if lost := backendOf(s).quarter().lose(load, shut); lost == 0 {
			t.Errorf("stall at %s, a quarter of the settings: lost nothing", shut.from)
		}
	}
}

// TestRecommendationsHold has recommendations take the peak that they were
// made for, for minutes and through stalls, and a quarter of them lose events.
func TestRecommendationsHold(t *testing.T) {
	t.Parallel()
	shapes := map[string]func(float64, time.Duration) []time.Duration{"steady": steady, "gusts": gusts, "poisson": poisson}
	for _, rate := range []float64{0.2, 3, 17, 50, 99, 100, 101, 333, 1500, 4000} {
		for _, length := range []time.Duration{0, time.Second, 7 * time.Second, 30 * time.Second} {
			for _, body := range []int64{0, 4 << 20} {
				for _, to := range []Backend{Webhook, Log} {
					l := Defaults()
					l.RequestsPerSecond, l.Stall, l.MaxBodyBytes = rate, length, body
					s, err := Batch(l, to)
					if err != nil {
						t.Fatal(err)
					}
					for name, shape := range shapes {
						holds(t, l, s, name, shape)
					}
				}
			}
		}
	}
}

func holds(t *testing.T, l Load, s BatchSettings, name string, shape func(float64, time.Duration) []time.Duration) {
	t.Helper()
	arrivals := shape(l.RequestsPerSecond, 3*l.Stall+20*time.Second)
	// The second stall comes when headroom 2 has worked off the first.
	first := stall{5*time.Second + 30*time.Millisecond, 5*time.Second + 30*time.Millisecond + l.Stall}
	second := stall{first.to + l.Stall + 5*time.Second, first.to + 2*l.Stall + 5*time.Second}
	b := backendOf(s)
	for _, b.oldTimers = range []bool{false, true} {
		if lost := b.lose(arrivals, first, second); lost != 0 {
			t.Errorf("%s, %s events/s %s, stall %s, body %d, old timers %t: lost %d of %d with %+v",
				s.Backend, num(l.RequestsPerSecond), name, l.Stall, l.MaxBodyBytes, b.oldTimers, lost, len(arrivals), b)
		}
	}
	// Where one batch or one second is more than the stall takes, less would
	// do too, and a quarter proves nothing.
	if l.Stall > time.Second && l.RequestsPerSecond*l.Stall.Seconds() > float64(max(s.MaxSize.Value, 10)) {
		b = b.quarter()
		if lost := b.lose(arrivals, first, second); lost == 0 {
			t.Errorf("%s, %s events/s %s, stall %s: a quarter lost nothing with %+v", s.Backend, num(l.RequestsPerSecond), name, l.Stall, b)
		}
	}
}

// TestGusts makes sure that the gusts of the model are what they say.
func TestGusts(t *testing.T) {
	t.Parallel()
	got := gusts(2, 2*time.Second)
	want := []time.Duration{0, time.Second, time.Second, 2 * time.Second}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
