// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"math"
	"time"
)

const (
	// tooSmallFor is how long the load lasts that is too much for the settings,
	// and fullAfter when they should begin to lose events, in seconds.
	tooSmallFor = 30 * time.Second
	fullAfter   = 6
)

// tooSmall sets the webhook to a quarter of the throughput that is recommended
// for a load, which with the headroom is half of its events, and wants as many
// lost as the planner says, from when on it says.
func (u *underLoad) tooSmall() {
	u.Helper()
	const profile = "metadata"
	plain := []string{"--backend=log,webhook", "--profile=" + profile}
	p := planOf(u.ctx, u.T, u.node, append(plain, fmt.Sprintf("--rate=%d", busy))...)
	if p.Batch == nil {
		u.Fatal("no settings of batches are recommended")
	}
	quarter := p.Batch.ThrottleQPS / 4
	over := p.EventsPerSecond - quarter*float64(p.Batch.MaxSize)
	set := append(plain, fmt.Sprintf("--set=audit-webhook-batch-max-size=%d", p.Batch.MaxSize), "--set=audit-webhook-batch-max-wait="+p.Batch.MaxWait,
		fmt.Sprintf("--set=audit-webhook-batch-throttle-qps=%g", quarter), "--set=audit-webhook-batch-throttle-burst=1",
		fmt.Sprintf("--set=audit-webhook-batch-buffer-size=%.0f", math.Ceil(over*fullAfter)))
	begun := time.Now()
	tool(u.T, u.node.Auditsetup(u.ctx, sending(u.to, append(set, fmt.Sprintf("--rate=%d", busy))...)...), 0)
	say("enabled with settings that are too small in %.1f s: %v", time.Since(begun).Seconds(), set[2:])

	var samples []counters
	l := u.load(profile, "small", busy, tooSmallFor, func() {
		for end := time.Now().Add(tooSmallFor); time.Now().Before(end); time.Sleep(time.Second) {
			samples = append(samples, countersOf(u.ctx, u.T, u.node))
		}
	})
	u.fromRate(l)
	u.losses(l, planOf(u.ctx, u.T, u.node, append(set, fmt.Sprintf("--rate=%g", l.all))...), samples)
	u.accounted(l)
}

// losses compares the rate at which events are lost, and when that begins.
func (u *underLoad) losses(l loaded, p planned, samples []counters) {
	u.Helper()
	if p.Delivery == nil || p.Delivery.LostEventsPerSecond == nil || p.Delivery.FullAfterSeconds == nil {
		u.Fatalf("the plan tells of no loss: %+v", p.Delivery)
	}
	var first, last counters
	for _, s := range samples {
		if first.at.IsZero() && s.lost["buffered"] > 0 {
			first = s
		}
		last = s
	}
	if first.at.IsZero() || !last.at.After(first.at) {
		u.Fatalf("at %.1f requests/s no events were lost: %+v", l.all, last)
	}
	const about = "webhook at a quarter"
	u.timesOff(about, "events/s lost", *p.Delivery.LostEventsPerSecond, (last.lost["buffered"]-first.lost["buffered"])/last.at.Sub(first.at).Seconds())
	u.timesOff(about, "s until the buffer is full", *p.Delivery.FullAfterSeconds, first.at.Sub(l.From).Seconds())
	u.timesOff(about, "events lost in all", *p.Delivery.LostEventsPerSecond*(l.For.Seconds()-*p.Delivery.FullAfterSeconds), last.lost["buffered"])
}

// accounted wants each event of the load either at the receiver or counted as
// lost.
func (u *underLoad) accounted(l loaded) {
	u.Helper()
	var all []logged
	for _, e := range eventsOf(u.T) {
		if !e.StageTimestamp.Before(l.From) {
			all = append(all, e)
		}
	}
	var missing, lost float64
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		missing, lost = float64(u.missing(all)), sum(countersOf(u.ctx, u.T, u.node).lost)
		if missing == lost || time.Now().After(deadline) {
			break
		}
	}
	u.table.add("webhook at a quarter", "events not at the receiver", lost, missing)
	if missing != lost {
		u.Errorf("%g of %d events of the log are not at the receiver, and %g were counted as lost", missing, len(all), lost)
	}
}
