// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apiserver/plugin/pkg/audit/buffered"

	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/tuning/model"
)

// lost runs a scenario through upstream's code under a fake clock and counts
// the events that did not arrive.
func (s scenario) lost(t *testing.T, config buffered.BatchConfig) (lost int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if s.outage.to > 0 {
			r := &transport{start: time.Now(), outage: s.outage, hangs: s.hangs}
			play(t, config, webhookTo(t, r, model.DefaultInitial), s.arrivals)
			lost = len(s.arrivals) - r.events
			return
		}
		r := &receiver{start: time.Now(), stalls: s.stalls}
		play(t, config, r, s.arrivals)
		lost = len(s.arrivals) - r.events
	})
	return lost
}

// TestRecommendationsHold has upstream's own buffered backend, and behind it
// its webhook where the receiver is away, take generated loads with the
// settings that the planner recommends for them: no event may be lost. Where
// the recommendation is used to its limit, half of it must lose some, in nine
// of ten loads: what is recommended is safe, and not wasteful.
func TestRecommendationsHold(t *testing.T) {
	quiet(t)
	const loads = 350
	near, nearLost, anyLost, events := 0, 0, 0, 0
	kinds, nearKinds := map[string]int{}, map[string]int{}
	for _, s := range scenarios(loads, 7) {
		r, err := tuning.Batch(s.load, s.to)
		if err != nil {
			t.Fatal(err)
		}
		kinds[s.name]++
		events += len(s.arrivals)
		config := configOf(r)
		if lost := s.lost(t, config); lost > 0 {
			anyLost++
			t.Errorf("%s: lost %d of %d with %+v", s, lost, len(s.arrivals), config)
		}
		if !s.nearLimit(r) {
			continue
		}
		near++
		nearKinds[s.name]++
		if s.lost(t, half(config)) > 0 {
			nearLost++
		} else {
			t.Logf("%s: half of %+v loses nothing", s, config)
		}
	}
	t.Logf("%d loads %v of %d events: %d lost events with what was recommended; of %d near their limit %v %d lost events with half",
		loads, kinds, events, anyLost, near, nearKinds, nearLost)
	if near < 100 || 10*nearLost < 9*near {
		t.Errorf("half of the recommendation loses events in %d of %d loads near their limit", nearLost, near)
	}
}
