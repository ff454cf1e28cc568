// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/tuning/model"
)

// TestRetrySchedule has upstream's webhook send batches to a receiver that
// never takes one, and holds the times of its tries against the model: how
// many, how far apart, how long until a batch is given up.
func TestRetrySchedule(t *testing.T) {
	quiet(t)
	for _, initial := range []time.Duration{model.DefaultInitial, time.Second, time.Minute} {
		for _, failure := range []model.Failure{model.Refused, model.TimedOut} {
			triesOf(t, initial, failure)
		}
	}
}

func triesOf(t *testing.T, initial time.Duration, failure model.Failure) {
	t.Helper()
	const batches = 200
	r := model.Retry{Initial: initial}
	least, mean, most := r.WaitsSeconds()
	trying := 0.0
	if failure == model.TimedOut {
		trying = model.Timeout.Seconds()
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		tries, held, sum := 0, make([]float64, batches), 0.0
		shortest, longest := math.Inf(1), 0.0
		away := &transport{start: time.Now(), outage: window{0, 1000 * time.Hour}, hangs: failure == model.TimedOut, onTry: func(time.Duration, []byte) {
			mu.Lock()
			defer mu.Unlock()
			tries++
		}}
		backend := webhookTo(t, away, initial)
		var wg sync.WaitGroup
		for i := range batches {
			wg.Go(func() {
				began := time.Now()
				backend.ProcessEvents(&auditinternal.Event{})
				held[i] = time.Since(began).Seconds()
			})
		}
		wg.Wait()
		for _, h := range held {
			waited := h - model.Tries*trying
			sum, shortest, longest = sum+waited, min(shortest, waited), max(longest, waited)
		}
		if tries != batches*model.Tries {
			t.Errorf("%s: %d tries of %d batches", initial, tries, batches)
		}
		if shortest < least-1e-6 || longest > most+1e-6 || math.Abs(sum/batches-mean) > (most-least)/20 {
			t.Errorf("%s: waits of %.2f to %.2f s, mean %.2f; the model has %.2f to %.2f, mean %.2f", initial, shortest, longest, sum/batches, least, most, mean)
		}
		if shortest > least+(most-least)/4 || longest < most-(most-least)/4 {
			t.Errorf("%s: waits of %.2f to %.2f s do not use the model's %.2f to %.2f", initial, shortest, longest, least, most)
		}
		if worst := longest + model.Tries*trying; worst > r.HeldSeconds(failure)+1e-6 {
			t.Errorf("%s: a batch was held for %.2f s; the model has %.2f", initial, worst, r.HeldSeconds(failure))
		}
		t.Logf("initial backoff %s, times out %t: waits of %.2f to %.2f s, mean %.2f; the model has %.2f to %.2f, mean %.2f",
			initial, failure, shortest, longest, sum/batches, least, most, mean)
	})
}

// TestOutageLosses holds the events that an outage costs against the plan: how
// many are lost, the outage from which on any are, and how many are in memory
// at once. All of it runs through upstream's buffer, webhook and retries.
func TestOutageLosses(t *testing.T) {
	quiet(t)
	random := rand.New(rand.NewPCG(11, 12))
	worst, runs := 1.0, 0
	for range 24 {
		l := tuning.Defaults()
		l.RequestsPerSecond, l.BatchSize = magnitude(random, 5, 40), 1+random.IntN(10)
		failure := model.Failure(random.IntN(2) == 0)
		lossless := model.Retry{Initial: model.DefaultInitial}.LosslessSeconds(failure)
		l.Outage = seconds(lossless * (0.5 + 2.5*random.Float64())).Round(time.Second)
		plan, err := tuning.Plan(l, tuning.Backends{Webhook: true})
		if err != nil {
			t.Fatal(err)
		}
		want := plan.Outage.Refused
		if failure == model.TimedOut {
			want = plan.Outage.TimedOut
		}
		runs++
		lost, held := outageOf(t, l, *plan.Batch, failure)
		if held > want.HeldEvents.Value+int64(2*l.BatchSize) {
			t.Errorf("%s, times out %t: %d events in memory, planned %d", l.Outage, failure, held, want.HeldEvents.Value)
		}
		planned := want.LostEvents.Value
		if planned == 0 {
			if lost != 0 {
				t.Errorf("%s, times out %t: lost %d, planned none", l.Outage, failure, lost)
			}
			continue
		}
		ratio := max(float64(lost)/float64(planned), float64(planned)/float64(max(lost, 1)))
		if few := int64(20 * l.RequestsPerSecond); planned > few {
			worst = max(worst, ratio)
		} else if lost > 2*few {
			t.Errorf("%s, times out %t: lost %d, planned %d", l.Outage, failure, lost, planned)
		}
	}
	t.Logf("%d outages: events lost within a factor of %.3f of the plan", runs, worst)
	if worst > 1.1 {
		t.Errorf("events lost differ from the plan by a factor of %.3f", worst)
	}
}

// outageOf runs a steady load through an outage of l.Outage, and says how many
// events were lost, and how many at most were between their first try and their
// last.
func outageOf(t *testing.T, l tuning.Load, s tuning.BatchSettings, failure model.Failure) (lost, held int64) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(l.Outage)))
	synctest.Test(t, func(t *testing.T) {
		outage := window{from: 10 * time.Second}
		outage.to = outage.from + l.Outage
		arrivals := even(random, l.RequestsPerSecond, window{0, outage.to + 5*time.Second})
		r := &transport{start: time.Now(), outage: outage, hangs: bool(failure)}
		counter := &inFlight{Backend: webhookTo(t, r, model.DefaultInitial)}
		play(t, configOf(s), counter, arrivals)
		lost, held = int64(len(arrivals)-r.events), counter.most
	})
	return lost, held
}

// TestListAround holds what a POST has around its events against the model.
func TestListAround(t *testing.T) {
	quiet(t)
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		r := &transport{start: time.Now(), onTry: func(_ time.Duration, body []byte) { bodies = append(bodies, string(body)) }}
		backend := webhookTo(t, r, model.DefaultInitial)
		event := sampleEvent(t, 1, 0)
		backend.ProcessEvents(event)
		backend.ProcessEvents(event, event, event)
		one, three := len(bodies[0]), len(bodies[1])
		line := len(encode(t, event))
		if around := one - (three-one)/2 + 1; around > model.ListBytes {
			t.Errorf("a list has %d bytes around its events, the model %d: %s", around, model.ListBytes, strings.SplitN(bodies[0], "[", 2)[0])
		}
		if each := (three - one) / 2; each > line {
			t.Errorf("an event takes %d bytes in a list, and %d in the log", each, line)
		}
	})
}
