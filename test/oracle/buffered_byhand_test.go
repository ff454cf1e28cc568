// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apiserver/plugin/pkg/audit/buffered"

	"github.com/auditsetup/auditsetup/tuning"
)

// tooSmall draws a load and settings by hand that cannot carry its peak: a
// throttle that is too low, and a buffer of a tenth of a second up to ten, which
// may be smaller than a batch.
func tooSmall(random *rand.Rand) tuning.Load {
	l := tuning.Defaults()
	l.RequestsPerSecond = magnitude(random, 20, 400)
	l.BatchSize = []int{0, 1, 10, 50, 200}[random.IntN(5)]
	l.MaxWait = []time.Duration{0, 0, 100 * time.Millisecond, 700 * time.Millisecond}[random.IntN(4)]
	l.BufferSize = int(l.RequestsPerSecond*magnitude(random, 0.1, 10)) + 1
	size := float64(l.BatchSize)
	if l.BatchSize == 0 {
		size = max(l.RequestsPerSecond, 100)
	}
	l.ThrottleQPS = math.Round(1000*l.RequestsPerSecond/size*(0.2+0.7*random.Float64())) / 1000
	l.ThrottleBurst = 1 + random.IntN(5)
	return l
}

// factor is by how much two counts differ.
func factor(a, b float64) float64 { return max(a/b, b/a) }

// TestLossesByHand holds the losses that the planner predicts of settings that
// were made too small against those of upstream's code.
func TestLossesByHand(t *testing.T) {
	quiet(t)
	random := rand.New(rand.NewPCG(21, 22))
	worst, counted, few := 1.0, 0, 0
	for range 120 {
		l := tooSmall(random)
		plan, err := tuning.Plan(l, tuning.Backends{Webhook: true})
		if err != nil {
			t.Fatal(err)
		}
		full := plan.Delivery.FullAfterSeconds
		if full == nil {
			t.Fatalf("%+v is not too small", l)
		}
		// Long enough for some batches to be lost.
		over := float64(plan.Batch.MaxSize.Value) * (5 + 45*random.Float64()) / plan.Delivery.LostEventsPerSecond.Value
		peak := seconds(min(full.Value+over, 30000/l.RequestsPerSecond))
		planned := max(peak.Seconds()-full.Value, 0) * plan.Delivery.LostEventsPerSecond.Value
		s := scenario{to: tuning.Webhook, load: l, peak: peak, arrivals: even(random, l.RequestsPerSecond, window{0, peak})}
		lost := float64(s.lost(t, configOf(*plan.Batch)))
		// Batches come whole, and so does what they leave behind.
		if slack := float64(2 * plan.Batch.MaxSize.Value); planned < 5*slack {
			few++
			if math.Abs(lost-planned) > slack {
				t.Errorf("%s: lost %g, planned %g, with %+v", s, lost, planned, configOf(*plan.Batch))
			}
			continue
		}
		counted++
		if f := factor(lost, planned); f > 1.1 {
			t.Errorf("%s: lost %g, planned %g, with %+v", s, lost, planned, configOf(*plan.Batch))
		} else {
			worst = max(worst, f)
		}
	}
	t.Logf("%d throttles too low: events lost within a factor of %.3f of the plan; %d more that lose next to none", counted, worst, few)
	if counted < 50 {
		t.Errorf("only %d of the loads lose enough to compare", counted)
	}
}

// TestStallsByHand is the same for a buffer of the log that is too small for a
// stall of the disk.
func TestStallsByHand(t *testing.T) {
	quiet(t)
	random := rand.New(rand.NewPCG(31, 32))
	worst := 1.0
	for range 60 {
		l := tuning.Defaults()
		l.RequestsPerSecond = magnitude(random, 5, 300)
		l.Stall = seconds(magnitude(random, 5, 60))
		l.LogBufferSize = int(l.RequestsPerSecond*l.Stall.Seconds()*(0.05+0.7*random.Float64())) + 1
		plan, err := tuning.Plan(l, tuning.Backends{LogBatch: true})
		if err != nil {
			t.Fatal(err)
		}
		planned := (l.Stall.Seconds() - plan.LogDelivery.StallSurvivedSeconds.Value) * l.RequestsPerSecond
		stall := window{2 * time.Second, 2*time.Second + l.Stall}
		s := scenario{to: tuning.Log, load: l, peak: stall.to, stalls: []window{stall}, arrivals: even(random, l.RequestsPerSecond, window{0, stall.to + time.Second})}
		lost := float64(s.lost(t, configOf(*plan.LogBatch)))
		if math.Abs(lost-planned) > 3 {
			worst = max(worst, factor(lost, planned))
			if factor(lost, planned) > 1.1 {
				t.Errorf("%s: lost %g, planned %g of a buffer of %d", s, lost, planned, l.LogBufferSize)
			}
		}
	}
	t.Logf("60 buffers too small: events lost within a factor of %.3f of the plan, or within 3", worst)
}

// TestLatency holds the time from request to receiver against the plan, over
// capacity too.
func TestLatency(t *testing.T) {
	quiet(t)
	random := rand.New(rand.NewPCG(41, 42))
	worst := 1.0
	for i := range 120 {
		l := planned(random)
		switch i % 4 {
		case 1: // a throttle that is slower than max-wait, and still fast enough
			l.BatchSize, l.MaxWait = 400, 500*time.Millisecond
			l.ThrottleQPS = math.Round(1000*max(l.RequestsPerSecond/400*1.2, 0.3)) / 1000
		case 2:
			l = tooSmall(random)
		}
		plan, err := tuning.Plan(l, tuning.Backends{Webhook: true})
		if err != nil {
			t.Fatal(err)
		}
		d := *plan.Delivery
		warm := 20 * time.Second
		if d.FullAfterSeconds != nil {
			warm += 2 * seconds(d.FullAfterSeconds.Value)
		}
		mean, most := latencyOf(t, l, configOf(*plan.Batch), min(warm, seconds(20000/l.RequestsPerSecond)))
		want := d.LatencyPeakSeconds.Value
		// An event or two more or less in a batch is what even arrivals cannot help.
		slack := 2/l.RequestsPerSecond + 0.01
		if most > d.LatencyPeakMostSeconds.Value+slack {
			t.Errorf("%s with %+v: %g s at the most, planned %g", scenario{load: l}, configOf(*plan.Batch), most, d.LatencyPeakMostSeconds.Value)
		}
		if math.Abs(mean-want) < slack {
			continue
		}
		worst = max(worst, factor(mean, want))
		if factor(mean, want) > 1.25 {
			t.Errorf("%s with %+v: %g s on average, planned %g", scenario{load: l}, configOf(*plan.Batch), mean, want)
		}
	}
	t.Logf("120 loads: time from request to receiver within a factor of %.3f of the plan", worst)
}

// latencyOf is what events take that come after the first have warmed the queue
// up.
func latencyOf(t *testing.T, l tuning.Load, config buffered.BatchConfig, warm time.Duration) (mean, most float64) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{start: time.Now(), from: warm}
		play(t, config, r, even(random, l.RequestsPerSecond, window{0, warm + 60*time.Second}))
		mean, most = r.late.Seconds()/float64(max(r.timed, 1)), r.latest.Seconds()
	})
	return mean, most
}
