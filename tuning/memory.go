// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// Memory is what the backends in mode batch take of the API server's memory.
type Memory struct {
	// PerEventBytes is what an event takes of the heap while it waits in the
	// buffer, without what the garbage collector adds.
	PerEventBytes Value[int64] `json:"perEventBytes"`
	// MostBytes is the most that all of it comes to: the worst of a full buffer
	// and of both kinds of outage.
	MostBytes Value[int64] `json:"mostBytes"`

	warnings []Warning
}

const (
	sourceMeasured  = "measured with upstream's own code by test/oracle/buffered_memory_test.go"
	sourceCollector = "go.dev/doc/gc-guide, GOGC: the heap grows to twice what is alive"
)

func (l Load) perEvent() Value[int64] {
	n := wholeInt64(ceil(model.WaitingBytes(l.BytesPerEvent)))
	return Value[int64]{
		Name: "memory.perEventBytes", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("%d bytes + %s × %s bytes of JSON = %d bytes", model.StructBytes, num(model.JSONFactor), num(l.BytesPerEvent), n),
		Reason:  "structs and strings, and the bodies, which are kept as JSON",
		Source:  sourceMeasured,
	}
}

// grown is what the process grows by for so many bytes of the heap, and how
// that is written.
func grown(heap float64) (int64, string) {
	n := wholeInt64(ceil(heap * model.CollectorFactor))
	return n, fmt.Sprintf(" × %d for the garbage collector = %s", model.CollectorFactor, FormatBytes(n))
}

func (l Load) memorySteady(s BatchSettings) Value[int64] {
	q, e := s.queue(), l.eventsPerSecond()
	waiting, tried := model.WaitingBytes(l.BytesPerEvent), 0.0
	collected := ceil(q.BatchMean(e))
	text := fmt.Sprintf("%s events being collected × %s bytes", num(collected), num(clean(waiting)))
	if s.Backend == Webhook {
		tried = l.leaving(s)
		text += fmt.Sprintf(" + %s × 1 s to answer × %s bytes", FormatRate(tried, "events"), num(clean(model.TriedBytes(l.BytesPerEvent))))
	}
	n, factor := grown(collected*waiting + tried*model.TriedBytes(l.BytesPerEvent) + model.PlaceBytes*float64(q.BufferEvents))
	return Value[int64]{
		Name: familyOf(s.Backend) + "memorySteadyBytes", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("(%s + %d places × %d bytes)%s", text, q.BufferEvents, model.PlaceBytes, factor),
		Reason:  "at peak, while everything goes well; the buffer is all but empty, and its places are made when the kube-apiserver starts",
		Source:  sourceMeasured + "; " + sourceCollector,
	}
}

func (l Load) memoryFull(s BatchSettings) Value[int64] {
	q := s.queue()
	waiting := model.WaitingBytes(l.BytesPerEvent)
	n, factor := grown(float64(q.BufferEvents+q.BatchEvents)*waiting + model.PlaceBytes*float64(q.BufferEvents))
	return Value[int64]{
		Name: familyOf(s.Backend) + "memoryFullBytes", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("((%d + %d) events × %s bytes + %d places × %d bytes)%s",
			q.BufferEvents, q.BatchEvents, num(clean(waiting)), q.BufferEvents, model.PlaceBytes, factor),
		Reason: "a full buffer and the batch that was taken from it last",
		Source: sourceMeasured + "; " + sourceCollector,
	}
}

func (l Load) memoryOutage(s BatchSettings, family string, f model.Failure, held int64) Value[int64] {
	q := s.queue()
	per, how := model.RetriedBytes(l.BytesPerEvent), "between two tries"
	if f == model.TimedOut {
		per, how = model.TriedBytes(l.BytesPerEvent), "in a try, with the body of the request"
	}
	heap := float64(held)*per + model.PlaceBytes*float64(q.BufferEvents)
	text := fmt.Sprintf("%d events × %s bytes", held, num(clean(per)))
	if over := min(max(l.eventsPerSecond()-q.Capacity(l.eventsPerSecond()), 0)*l.Outage.Seconds(), float64(q.BufferEvents)); over > 0 {
		heap += over * model.WaitingBytes(l.BytesPerEvent)
		text += fmt.Sprintf(" + %s events in the buffer × %s bytes", num(ceil(over)), num(clean(model.WaitingBytes(l.BytesPerEvent))))
	}
	n, factor := grown(heap)
	return Value[int64]{
		Name: family + "memoryBytes", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("(%s + %d places × %d bytes)%s", text, q.BufferEvents, model.PlaceBytes, factor),
		Reason:  "at the most in an outage of " + num(l.Outage.Seconds()) + " s, each event " + how,
		Source:  sourceMeasured + "; " + sourceCollector,
	}
}

// memory is nil where nothing is buffered.
func (l Load) memory(to Backends) *Memory {
	batches := to.batches()
	if len(batches) == 0 {
		return nil
	}
	m := &Memory{PerEventBytes: l.perEvent(), MostBytes: l.memoryMost(to)}
	m.warnings = l.memoryWarnings(to, m.MostBytes.Value)
	return m
}

// memoryMost adds up the worst of each backend: the log's buffer may be full
// while the webhook's receiver is gone.
func (l Load) memoryMost(to Backends) Value[int64] {
	v := Value[int64]{
		Name: "memory.mostBytes", Unit: "bytes",
		Reason: "the worst case of what buffers and outages take",
		Source: sourceMeasured + "; " + sourceCollector,
	}
	for i, b := range to.batches() {
		s := l.settings(b)
		most, what := l.memoryFull(s).Value, string(b)+" with a full buffer"
		if b == Webhook {
			for _, c := range []model.Failure{model.Refused, model.TimedOut} {
				if n := l.outageCase(s, c).MemoryBytes.Value; n > most {
					most, what = n, "webhook in an outage"
				}
			}
		}
		if i > 0 {
			v.Formula += " + "
		}
		v.Formula += fmt.Sprintf("%s for the %s", FormatBytes(most), what)
		v.Value = wholeInt64(float64(v.Value) + float64(most))
	}
	v.Formula += " = " + FormatBytes(v.Value)
	return v
}

func (m Memory) values() []value { return []value{m.PerEventBytes, m.MostBytes} }
