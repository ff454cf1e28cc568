// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/tuning/model"
)

// scenario is a load, what was planned for it, and what really happens, which
// never is more than was planned.
type scenario struct {
	name     string
	to       tuning.Backend
	load     tuning.Load
	arrivals []time.Duration
	stalls   []window
	// peak is how long the planned rate lasts without a break.
	peak time.Duration
	// outage is when the receiver is away; it hangs, or refuses at once.
	outage window
	hangs  bool
}

func (s scenario) String() string {
	l := s.load
	return fmt.Sprintf("%s to the %s: %.4g events/s for %s, stall %s, headroom %.3g, body %d, batch %d, %d stalls, outage %s",
		s.name, s.to, l.RequestsPerSecond, s.peak, l.Stall, l.Headroom, l.MaxBodyBytes, l.BatchSize, len(s.stalls), s.outage.to-s.outage.from)
}

// lengths draws evenly over the orders of magnitude between low and high.
func magnitude(random *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, random.Float64())
}

func seconds(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }

// planned draws what somebody may ask the planner for. Half of them leave no
// headroom, so that their settings are at their limit when the peak is there.
func planned(random *rand.Rand) tuning.Load {
	l := tuning.Defaults()
	l.RequestsPerSecond = magnitude(random, 2, 300)
	l.Stall = seconds(magnitude(random, 1, 40)).Round(100 * time.Millisecond)
	l.Headroom = []float64{1, 1, 1, 1.5, 2, 3}[random.IntN(6)]
	l.BatchSize = []int{0, 0, 1, 10, 40, 400}[random.IntN(6)]
	if random.IntN(3) == 0 && l.BatchSize == 0 {
		l.MaxBodyBytes = []int64{1 << 20, 4 << 20, 12 << 20}[random.IntN(3)]
	}
	return l
}

// steady is the peak all along.
func steady(random *rand.Rand) scenario {
	s := scenario{name: "steady", to: tuning.Webhook, load: planned(random)}
	s.peak = 2*s.load.Stall + seconds(10+30*random.Float64())
	s.arrivals = even(random, s.load.RequestsPerSecond, window{0, s.peak})
	return s
}

// bursty is quiet, then at its peak, and quiet again, some times over. Where
// there is headroom, the events of a second come all at once, or each when it
// likes; without, a peak is a peak over a tenth of a second too.
func bursty(random *rand.Rand) scenario {
	s := scenario{name: "bursty", to: tuning.Webhook, load: planned(random)}
	rate := s.load.RequestsPerSecond
	s.peak = s.load.Stall + seconds(5+40*random.Float64()).Truncate(time.Second)
	at := time.Duration(0)
	for range 2 {
		calm := window{at, at + seconds(3+5*random.Float64())}
		high := window{calm.to, calm.to + s.peak}
		s.arrivals = append(s.arrivals, even(random, rate*(0.05+0.3*random.Float64()), calm)...)
		switch shape := random.IntN(3); {
		case s.load.Headroom < 1.5 || shape == 0:
			s.arrivals = append(s.arrivals, even(random, rate, high)...)
		case shape == 1:
			s.arrivals = append(s.arrivals, gusts(rate, high)...)
		default:
			s.arrivals = append(s.arrivals, poisson(random, rate, high)...)
		}
		at = high.to
	}
	return s
}

// stalls has the delegate stand still as long as was planned, at the peak:
// once, or twice where there is headroom.
func stalls(random *rand.Rand) scenario {
	s := scenario{name: "stall", to: tuning.Log, load: planned(random)}
	if random.IntN(4) == 0 {
		s.to = tuning.Webhook
	}
	first := window{from: seconds(2 + 3*random.Float64())}
	first.to = first.from + s.load.Stall
	s.stalls = []window{first}
	end := first.to
	if s.load.Headroom >= 1.5 && random.IntN(2) == 0 {
		again := window{from: end + s.load.Stall + 5*time.Second}
		again.to = again.from + s.load.Stall
		s.stalls = append(s.stalls, again)
		end = again.to
	}
	s.peak = end + seconds(5)
	s.arrivals = even(random, s.load.RequestsPerSecond, window{0, s.peak})
	return s
}

// outages has the receiver of the webhook away for as long as no batch is lost.
func outages(random *rand.Rand) scenario {
	s := scenario{name: "outage", to: tuning.Webhook, load: planned(random)}
	s.load.RequestsPerSecond = magnitude(random, 1, 30)
	s.load.BatchSize = []int{0, 1, 5, 20}[random.IntN(4)]
	s.hangs = random.IntN(2) == 0
	lossless := model.Retry{Initial: model.DefaultInitial}.LosslessSeconds(model.Failure(s.hangs))
	s.outage.from = seconds(5 + 5*random.Float64())
	s.outage.to = s.outage.from + seconds(lossless*(0.3+0.699*random.Float64()))
	s.peak = s.outage.to + 10*time.Second
	s.arrivals = even(random, s.load.RequestsPerSecond, window{0, s.peak})
	return s
}

// scenarios are the same for the same seed.
func scenarios(n int, seed uint64) []scenario {
	random := rand.New(rand.NewPCG(seed, seed))
	kinds := []func(*rand.Rand) scenario{steady, bursty, stalls, steady, bursty, stalls, outages}
	all := make([]scenario, n)
	for i := range all {
		all[i] = kinds[i%len(kinds)](random)
	}
	return all
}

// nearLimit tells whether a scenario uses what was recommended for it. It
// looks at the load and the recommendation alone, never at what came of them.
//
// To the log: the disk stands still while nine tenths or more of the buffer
// arrive. To the webhook: nine tenths or more of what the throttle lets
// through arrive, for so long that one and a half times what the queue takes
// on top have arrived. Elsewhere less would do too, since batches, seconds and
// tenths of a QPS come whole, and a quiet server gets room for a gust.
func (s scenario) nearLimit(r tuning.BatchSettings) bool {
	rate := s.load.RequestsPerSecond
	if s.to == tuning.Log {
		return rate*s.load.Stall.Seconds() >= 0.9*float64(r.BufferSize.Value)
	}
	q := queueOf(r)
	absorbed := float64(q.BufferEvents + (1+q.Burst)*q.BatchEvents)
	return rate >= 0.9*q.Capacity(rate) && s.peak.Seconds() >= 1.5*absorbed/rate
}

func queueOf(s tuning.BatchSettings) model.Queue {
	return model.Queue{
		BufferEvents: s.BufferSize.Value, BatchEvents: s.MaxSize.Value, MaxWait: s.MaxWait.Value,
		BatchesPerSecond: s.ThrottleQPS.Value, Burst: s.ThrottleBurst.Value,
	}
}

// TestArrivals makes sure that what is generated is what it says.
func TestArrivals(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios(300, 1) {
		if !slices.IsSorted(s.arrivals) || len(s.arrivals) < 10 {
			t.Errorf("%s: %d arrivals", s, len(s.arrivals))
		}
		if s.load.Headroom > 1 {
			continue
		}
		// In no second may more arrive than was planned for, but for the one
		// event that a second cannot be cut at.
		for i, at := range s.arrivals {
			until, _ := slices.BinarySearch(s.arrivals, at+time.Second)
			if n := float64(until - i); n > s.load.RequestsPerSecond+1.1 {
				t.Fatalf("%s: %g events in a second at %s", s, n, at)
			}
		}
	}
}
