// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/tuning"
)

// TestClockIsReal plays a handful of loads in real time, with the settings that
// were recommended for them and with settings by hand that are far too small,
// to confirm what the fake clock says of them: nothing lost with the first,
// and about as much with the others.
func TestClockIsReal(t *testing.T) {
	quiet(t)
	hand := func(rate, qps float64, size, buffer int) tuning.Load {
		l := tuning.Defaults()
		l.RequestsPerSecond, l.BatchSize, l.Stall = rate, size, 3*time.Second
		l.ThrottleQPS, l.ThrottleBurst, l.BufferSize, l.LogBufferSize = qps, 1, buffer, buffer
		return l
	}
	tests := map[string]struct {
		load   tuning.Load
		to     tuning.Backend
		stalls []window
		loses  bool
	}{
		"steady":                  {load: hand(200, 0, 0, 0), to: tuning.Webhook},
		"steady, small batches":   {load: hand(400, 0, 10, 0), to: tuning.Webhook},
		"stall of the log":        {load: hand(300, 0, 0, 0), to: tuning.Log, stalls: []window{{time.Second, 2 * time.Second}}},
		"throttle too low":        {load: hand(400, 5, 20, 200), to: tuning.Webhook, loses: true},
		"throttle far too low":    {load: hand(300, 1, 50, 100), to: tuning.Webhook, loses: true},
		"stall, buffer too small": {load: hand(300, 0, 0, 100), to: tuning.Log, stalls: []window{{time.Second, 3 * time.Second}}, loses: true},
	}
	var wg sync.WaitGroup
	for name, tt := range tests {
		b, err := tuning.Batch(tt.load, tt.to)
		if err != nil {
			t.Fatal(err)
		}
		config := configOf(b)
		s := scenario{to: tt.to, load: tt.load, stalls: tt.stalls}
		s.arrivals = even(rand.New(rand.NewPCG(51, 52)), tt.load.RequestsPerSecond, window{0, 5 * time.Second})
		fake := s.lost(t, config)
		wg.Go(func() {
			r := &receiver{start: time.Now(), stalls: tt.stalls}
			play(t, config, r, s.arrivals)
			lost := len(s.arrivals) - r.events
			t.Logf("%s: %d events, %d lost in real time, %d by the fake clock", name, len(s.arrivals), lost, fake)
			if (lost > 0) != tt.loses || (fake > 0) != tt.loses {
				t.Errorf("%s: lost %d in real time, %d by the fake clock", name, lost, fake)
			}
			if tt.loses && factor(float64(max(lost, 1)), float64(max(fake, 1))) > 1.5 {
				t.Errorf("%s: lost %d in real time, and %d by the fake clock", name, lost, fake)
			}
		})
	}
	wg.Wait()
}
