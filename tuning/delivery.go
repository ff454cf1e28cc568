// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// Delivery is what comes of the settings of mode batch of one backend.
type Delivery struct {
	// CapacityEventsPerSecond is what can leave; nil without a throttle, where
	// the disk says how much.
	CapacityEventsPerSecond *Value[float64] `json:"capacityEventsPerSecond"`
	// LostEventsPerSecond at peak, once the buffer is full; nil as above.
	LostEventsPerSecond *Value[float64] `json:"lostEventsPerSecond"`
	// FullAfterSeconds is how long the peak may last before the buffer is full;
	// nil where it may last for ever.
	FullAfterSeconds *Value[float64] `json:"fullAfterSeconds"`
	// PostMeanBytes and PostMaxBytes are the size of one POST, at peak and at
	// the most; nil for the log.
	PostMeanBytes *Value[int64] `json:"postMeanBytes"`
	PostMaxBytes  *Value[int64] `json:"postMaxBytes"`
	// Latency is from the end of a request until its event is sent.
	LatencyPeakSeconds     Value[float64] `json:"latencyPeakSeconds"`
	LatencyPeakMostSeconds Value[float64] `json:"latencyPeakMostSeconds"`
	LatencyMeanSeconds     Value[float64] `json:"latencyMeanSeconds"`
	LatencyMeanMostSeconds Value[float64] `json:"latencyMeanMostSeconds"`
	// StallSurvivedSeconds is how long nothing at all may leave the buffer at peak.
	StallSurvivedSeconds Value[float64] `json:"stallSurvivedSeconds"`
	// MemorySteadyBytes and MemoryFullBytes are what the process grows by, at
	// peak and with a full buffer.
	MemorySteadyBytes Value[int64] `json:"memorySteadyBytes"`
	MemoryFullBytes   Value[int64] `json:"memoryFullBytes"`
}

// queue is what upstream makes of the settings.
func (s BatchSettings) queue() model.Queue {
	return model.Queue{
		BufferEvents: s.BufferSize.Value, BatchEvents: s.MaxSize.Value, MaxWait: s.MaxWait.Value,
		BatchesPerSecond: s.ThrottleQPS.Value, Burst: s.ThrottleBurst.Value,
	}
}

// familyOf is the name that a backend's Delivery has in the JSON of a Result.
func familyOf(to Backend) string {
	if to == Log {
		return "logDelivery."
	}
	return "delivery."
}

func (l Load) delivery(s BatchSettings) Delivery {
	q := s.queue()
	d := Delivery{StallSurvivedSeconds: l.stallSurvived(s)}
	family := familyOf(s.Backend)
	peak, mean := l.eventsPerSecond(), l.meanEventsPerSecond()
	d.LatencyPeakSeconds, d.LatencyPeakMostSeconds = latency(q, peak, family+"latencyPeak", "peak")
	d.LatencyMeanSeconds, d.LatencyMeanMostSeconds = latency(q, mean, family+"latencyMean", "the mean rate")
	d.MemorySteadyBytes, d.MemoryFullBytes = l.memorySteady(s), l.memoryFull(s)
	if s.Backend == Webhook {
		d.PostMeanBytes, d.PostMaxBytes = l.posts(s)
	}
	if s.ThrottleEnable.Value {
		l.throttled(&d, s)
	}
	return d
}

// throttled adds what follows from a throttle.
func (l Load) throttled(d *Delivery, s BatchSettings) {
	q, e := s.queue(), l.eventsPerSecond()
	out := clean(q.Capacity(e))
	d.CapacityEventsPerSecond = &Value[float64]{
		Name: "delivery.capacityEventsPerSecond", Unit: "events/s", Value: out,
		Formula: fmt.Sprintf("%s × %s events/batch = %s", FormatRate(s.ThrottleQPS.Value, "batches"), num(clean(out/q.BatchesPerSecond)), FormatRate(out, "events")),
		Reason:  "what can leave while there is a backlog: every batch is full then, so max-wait does not lower it",
		Source:  sourceBuffered + ", processEvents",
	}
	lost := l.excess(s)
	d.LostEventsPerSecond = &Value[float64]{
		Name: "delivery.lostEventsPerSecond", Unit: "events/s", Value: lost,
		Formula: fmt.Sprintf("max(0, %s − %s) = %s", FormatRate(e, "events"), FormatRate(out, "events"), FormatRate(lost, "events")),
		Reason:  "at peak, once the buffer is full: requests are not slowed down, events are dropped and printed to the kube-apiserver's own log",
		Source:  sourceBuffered + ", ProcessEvents",
	}
	if lost == 0 {
		return
	}
	full := milli(q.FullAfterSeconds(e))
	d.FullAfterSeconds = &Value[float64]{
		Name: "delivery.fullAfterSeconds", Unit: "s", Value: full,
		Formula: fmt.Sprintf("%d batches ÷ (1 batch ÷ %s s − %s) + %d events ÷ (%s − %s) = %s s",
			q.Burst, num(clean(q.FillSeconds(e))), FormatRate(q.BatchesPerSecond, "batches"), q.BufferEvents, FormatRate(e, "events"), FormatRate(out, "events"), num(full)),
		Reason: "how long a peak may last before events are lost: until the burst is used up, and then until the buffer is full",
		Source: sourceBuffered,
	}
}

// excess is by how many events/s the peak exceeds what can leave, passing over
// what rounding to tenths of a batch passed over.
func (l Load) excess(s BatchSettings) float64 {
	e := l.eventsPerSecond()
	if over := clean(e - s.queue().Capacity(e)); over > e*noise {
		return over
	}
	return 0
}

func (l Load) posts(s BatchSettings) (mean, most *Value[int64]) {
	events := s.queue().BatchMean(l.eventsPerSecond())
	n := wholeInt64(ceil(events*l.BytesPerEvent)) + model.ListBytes
	mean = &Value[int64]{
		Name: "delivery.postMeanBytes", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("%s events × %s bytes + %d bytes = %s", num(clean(events)), num(l.BytesPerEvent), model.ListBytes, FormatBytes(n)),
		Reason:  "what arrives between two batches at peak, and the list around it",
		Source:  "k8s.io/apiserver v0.37.1 plugin/pkg/audit/webhook/webhook.go, processEvents",
	}
	n = int64(s.MaxSize.Value)*l.largestEvent() + model.ListBytes
	most = &Value[int64]{
		Name: "delivery.postMaxBytes", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("%d events × %d bytes + %d bytes = %s", s.MaxSize.Value, l.largestEvent(), model.ListBytes, FormatBytes(n)),
		Reason:  "a full batch of the largest events that truncation lets pass; the receiver has 30 s to take it in and answer",
		Source:  sourceTruncate,
	}
	return mean, most
}

func latency(q model.Queue, e float64, name, at string) (mean, most Value[float64]) {
	typical, latest := q.LatencySeconds(e)
	mean = Value[float64]{
		Name: name + "Seconds", Unit: "s", Value: milli(typical),
		Reason: "on average at " + at + ", until the batch is sent; to that comes the way to the receiver",
		Source: sourceBuffered + ", collectEvents",
	}
	most = mean
	most.Name, most.Value = name+"MostSeconds", milli(latest)
	most.Reason = "at the most at " + at + ", while the receiver answers; after a failed try it is minutes"
	token := 0.0
	if q.BatchesPerSecond > 0 {
		token = milli(1 / q.BatchesPerSecond)
	}
	fill := milli(q.FillSeconds(e))
	switch {
	case e > q.Capacity(e):
		out := clean(q.Capacity(e))
		batch := num(clean(out / q.BatchesPerSecond))
		mean.Formula = fmt.Sprintf("(%d events + %s events × (1 − %s ÷ (2 × %s))) ÷ %s = %s s",
			q.BufferEvents, batch, num(out), num(e), FormatRate(out, "events"), num(mean.Value))
		mean.Reason += "; the buffer is full, since less leaves than arrives"
		most.Formula = fmt.Sprintf("(%d + %s) events ÷ %s + %s s for the throttle = %s s", q.BufferEvents, batch, FormatRate(out, "events"), num(token), num(most.Value))
	case q.BatchEvents == 1:
		mean.Formula = "a batch of one event waits for no other = 0 s"
		most.Formula = fmt.Sprintf("the throttle lets one out every %s s", num(most.Value))
		if token == 0 {
			most.Formula = mean.Formula
		}
	case token > fill:
		mean.Formula = fmt.Sprintf("1.5 × %s s per batch − %s s to collect it = %s s", num(token), num(fill), num(mean.Value))
		most.Formula = fmt.Sprintf("max(%s + %s s, 2 × %s s per batch) = %s s", q.MaxWait, num(token), num(token), num(most.Value))
	default:
		mean.Formula = fmt.Sprintf("min(%d events ÷ %s, %s) ÷ 2 = %s s", q.BatchEvents, FormatRate(e, "events"), q.MaxWait, num(mean.Value))
		most.Formula = fmt.Sprintf("%s of max-wait + %s s for the throttle = %s s", q.MaxWait, num(token), num(most.Value))
		if token == 0 {
			most.Formula = fmt.Sprintf("max-wait = %s", q.MaxWait)
		}
	}
	return mean, most
}

func (l Load) stallSurvived(s BatchSettings) Value[float64] {
	e := l.eventsPerSecond()
	v := Value[float64]{
		Name: familyOf(s.Backend) + "stallSurvivedSeconds", Unit: "s", Value: milli(s.queue().StallSeconds(e)),
		Reason: "how long nothing may leave the buffer at peak, as when the disk stands still",
		Source: sourceBuffered + ", ProcessEvents",
	}
	v.Formula = fmt.Sprintf("%d events ÷ %s = %s s", s.BufferSize.Value, FormatRate(e, "events"), num(v.Value))
	if s.Backend == Webhook {
		v.Reason = "how long nothing may leave the buffer at peak; a receiver that stands still is no such case, as each batch leaves for a goroutine of its own: see outage"
	}
	return v
}

func (d Delivery) values() []value {
	var vs []value
	for _, v := range []*Value[float64]{d.CapacityEventsPerSecond, d.LostEventsPerSecond, d.FullAfterSeconds} {
		if v != nil {
			vs = append(vs, *v)
		}
	}
	for _, v := range []*Value[int64]{d.PostMeanBytes, d.PostMaxBytes} {
		if v != nil {
			vs = append(vs, *v)
		}
	}
	return append(vs, d.LatencyPeakSeconds, d.LatencyPeakMostSeconds, d.LatencyMeanSeconds, d.LatencyMeanMostSeconds,
		d.StallSurvivedSeconds, d.MemorySteadyBytes, d.MemoryFullBytes)
}
