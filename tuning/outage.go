// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"time"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// Outage is what becomes of a webhook in mode batch while its receiver is
// gone. Batches go on leaving the buffer, each is tried again for minutes, and
// meanwhile all of them are in memory.
type Outage struct {
	// WaitsSeconds are the four waits between the tries together, at the least;
	// WaitsMostSeconds with all the jitter there may be.
	WaitsSeconds     Value[float64] `json:"waitsSeconds"`
	WaitsMostSeconds Value[float64] `json:"waitsMostSeconds"`
	// Refused is a receiver that turns every try down at once, TimedOut one that
	// never answers.
	Refused  OutageCase `json:"refused"`
	TimedOut OutageCase `json:"timedOut"`

	warnings []Warning
}

// OutageCase is an outage of the length asked for, at peak.
type OutageCase struct {
	// LosslessSeconds is the longest outage in which nothing is lost.
	LosslessSeconds Value[float64] `json:"losslessSeconds"`
	// HeldSeconds is the longest that a batch is kept.
	HeldSeconds Value[float64] `json:"heldSeconds"`
	// HeldEvents and MemoryBytes are the most at once.
	HeldEvents  Value[int64] `json:"heldEvents"`
	MemoryBytes Value[int64] `json:"memoryBytes"`
	// LostEvents is on average over the jitter.
	LostEvents Value[int64] `json:"lostEvents"`
}

const sourceRetry = "k8s.io/apiserver v0.37.1 pkg/util/webhook/webhook.go, DefaultRetryBackoffWithInitialDelay; plugin/pkg/audit/webhook/webhook.go, retryOnError"

func (l Load) retry() model.Retry { return model.Retry{Initial: l.initialBackoff()} }

func (l Load) outage(s BatchSettings) Outage {
	least, _, most := l.retry().WaitsSeconds()
	waits := l.retry().Waits()
	text := ""
	for i, w := range waits {
		if i > 0 {
			text += " + "
		}
		text += num(w.Seconds())
	}
	o := Outage{
		WaitsSeconds: Value[float64]{
			Name: "outage.waitsSeconds", Unit: "s", Value: clean(least),
			Formula: fmt.Sprintf("%s s = %s s", text, num(clean(least))),
			Reason:  fmt.Sprintf("a batch is tried %d times, whatever the error, and lost after the last; each wait is half as long again as the one before", model.Tries),
			Source:  sourceRetry,
		},
		WaitsMostSeconds: Value[float64]{
			Name: "outage.waitsMostSeconds", Unit: "s", Value: clean(most),
			Formula: fmt.Sprintf("%s s × 1.2 = %s s", num(clean(least)), num(clean(most))),
			Reason:  "each wait is drawn at random up to a fifth longer",
			Source:  sourceRetry,
		},
		Refused:  l.outageCase(s, model.Refused),
		TimedOut: l.outageCase(s, model.TimedOut),
	}
	o.warnings = l.outageWarnings(s, o)
	return o
}

// leaving is how many events/s leave the buffer at peak.
func (l Load) leaving(s BatchSettings) float64 {
	return min(l.eventsPerSecond(), clean(s.queue().Capacity(l.eventsPerSecond())))
}

func (l Load) outageCase(s BatchSettings, f model.Failure) OutageCase {
	family, how := "outage.refused.", "refused at once"
	tries := ""
	if f == model.TimedOut {
		family, how, tries = "outage.timedOut.", "timed out", fmt.Sprintf(" + %d tries × %s", model.Tries, model.Timeout)
	}
	lossless, held := clean(l.retry().LosslessSeconds(f)), clean(l.retry().HeldSeconds(f))
	least, _, most := l.retry().WaitsSeconds()
	c := OutageCase{
		LosslessSeconds: Value[float64]{
			Name: family + "losslessSeconds", Unit: "s", Value: lossless,
			Formula: fmt.Sprintf("%s s of waits = %s s", num(clean(least)), num(lossless)),
			Reason:  "tries " + how + ": from first to last try of a batch; in a longer outage events are lost",
			Source:  sourceRetry,
		},
		HeldSeconds: Value[float64]{
			Name: family + "heldSeconds", Unit: "s", Value: held,
			Formula: fmt.Sprintf("%s s of waits%s = %s s", num(clean(most)), tries, num(held)),
			Reason:  "tries " + how + ": how long a batch stays in memory before it is given up",
			Source:  sourceRetry + "; pkg/util/webhook/webhook.go, defaultRequestTimeout",
		},
	}
	if f == model.TimedOut {
		c.LosslessSeconds.Formula = fmt.Sprintf("%s s of waits + %d tries × %s = %s s", num(clean(least)), model.Tries-1, model.Timeout, num(lossless))
	}
	c.HeldEvents = l.heldEvents(s, family, held)
	c.MemoryBytes = l.memoryOutage(s, family, f, c.HeldEvents.Value)
	c.LostEvents = l.lostEvents(s, family, f)
	return c
}

func (l Load) heldEvents(s BatchSettings, family string, held float64) Value[int64] {
	span := min(l.Outage.Seconds(), held)
	n := wholeInt64(ceil(l.leaving(s) * span))
	return Value[int64]{
		Name: family + "heldEvents", Unit: "events", Value: n,
		Formula: fmt.Sprintf("%s × min(%s s, %s s) = %d events", FormatRate(l.leaving(s), "events"), num(l.Outage.Seconds()), num(held), n),
		Reason:  "what leaves the buffer while the receiver is gone, until the first batches are given up; nothing limits how many there are",
		Source:  sourceBuffered + ", processEvents",
	}
}

func (l Load) lostEvents(s BatchSettings, family string, f model.Failure) Value[int64] {
	q, e := s.queue(), l.eventsPerSecond()
	vain := l.retry().LostSeconds(l.Outage.Seconds(), f)
	given, dropped := l.leaving(s)*vain, q.LostEvents(e, l.Outage.Seconds())
	n := wholeInt64(ceil(given + dropped))
	v := Value[int64]{
		Name: family + "lostEvents", Unit: "events", Value: n,
		Formula: fmt.Sprintf("%s × %s s = %d events", FormatRate(l.leaving(s), "events"), num(clean(vain)), n),
		Reason: fmt.Sprintf("batches first sent in the first %s s of an outage of %s s have their last try in it, on average over the jitter",
			num(clean(vain)), num(l.Outage.Seconds())),
		Source: sourceRetry,
	}
	if vain == 0 {
		v.Reason = fmt.Sprintf("every batch has a try after an outage of %s s", num(l.Outage.Seconds()))
	}
	if dropped > 0 {
		v.Formula = fmt.Sprintf("%s × %s s + %s events for which there is no place = %d events", FormatRate(l.leaving(s), "events"), num(clean(vain)), num(clean(dropped)), n)
	}
	return v
}

// outageWarnings is silent of the outage that nobody asked for.
func (l Load) outageWarnings(s BatchSettings, o Outage) []Warning {
	lossless := o.Refused.LosslessSeconds.Value
	if l.Outage.Seconds() <= lossless || l.Outage == defaultOutage {
		return nil
	}
	hint := "keep a log as well: --backend log,webhook"
	// The waits grow with the first of them, and so does what is held.
	needed := math.Ceil(l.Outage.Seconds()/lossless*l.initialBackoff().Seconds() - noise)
	if longer := l; needed <= (10 * time.Minute).Seconds() {
		longer.InitialBackoff = seconds(needed)
		memory := longer.outageCase(s, model.TimedOut).MemoryBytes.Value
		hint = fmt.Sprintf("--webhook-initial-backoff %s loses none, and holds up to %s meanwhile; or %s", longer.InitialBackoff, FormatBytes(memory), hint)
	}
	return []Warning{{
		About: "--outage",
		What: fmt.Sprintf("a receiver that is gone for %s loses about %d events, if it refuses at once, and %d if every try times out: a batch is given up after %s or %s",
			FormatRetention(l.Outage), o.Refused.LostEvents.Value, o.TimedOut.LostEvents.Value,
			FormatRetention(seconds(lossless)), FormatRetention(seconds(o.TimedOut.LosslessSeconds.Value))),
		Hint: hint,
	}}
}

func (o Outage) values() []value {
	vs := []value{o.WaitsSeconds, o.WaitsMostSeconds}
	for _, c := range []OutageCase{o.Refused, o.TimedOut} {
		vs = append(vs, c.LosslessSeconds, c.HeldSeconds, c.HeldEvents, c.MemoryBytes, c.LostEvents)
	}
	return vs
}
