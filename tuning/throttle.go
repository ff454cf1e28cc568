// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"time"
)

func throttleEnable(to Backend) Value[bool] {
	v := Value[bool]{Flag: flagOf(to, "throttle-enable"), Name: nameOf(to, "throttleEnable")}
	if to == Log {
		v.Formula = "off for the log"
		v.Reason = "the log has one writer and holds itself back; a throttle could only fill the buffer"
		v.Source = sourceOptions + ", defaultLogBatchConfig"
		return v
	}
	v.Value = true
	v.Formula = "on for the webhook"
	v.Reason = "each batch is sent by a goroutine of its own and tried for minutes; nothing else limits how many there are when the receiver is gone"
	v.Source = sourceBuffered + ", processEvents"
	return v
}

// qps has two floors. Batches must carry off what comes in. And a batch that
// max-wait closed must not find the throttle still shut: it would only be late
// with current kube-apiservers, but those built with Go timers of before 1.23
// (the go.mod of 1.24 and 1.30 has them, that of 1.34 not) then keep an expired
// timer, which closes the next batch after an event or two, and so halves what
// goes out just when there is a backlog. Seen with upstream's code under
// GODEBUG=asynctimerchan=1.
func (l Load) qps(size int, wait time.Duration) Value[float64] {
	e := l.eventsPerSecond()
	need := e / float64(size)
	formula := fmt.Sprintf("%s ÷ %d events/batch", FormatRate(e, "events"), size)
	if size > 1 {
		formula = fmt.Sprintf("max(1 batch ÷ %s, %s)", wait, formula)
		need = max(1/wait.Seconds(), need)
	}
	exact := need * l.Headroom
	v := Value[float64]{
		Flag: flagOf(Webhook, "throttle-qps"), Name: nameOf(Webhook, "throttleQPS"), Unit: "batches/s",
		Value:  ceilTenth(exact),
		Reason: "batches must leave as fast as events arrive: a throttle that is too low does not slow requests down, it drops events",
		Source: sourceDocs,
	}
	v.Formula = fmt.Sprintf("%s × headroom %s = %s", formula, num(l.Headroom), rounded(exact, v.Value, "batches/s"))
	return byHand(v, l.ThrottleQPS)
}

func (l Load) burst(qps float64) Value[int] {
	exact := qps * burstPerQPS
	n := max(ceil(exact), 1)
	v := Value[int]{
		Flag: flagOf(Webhook, "throttle-burst"), Name: nameOf(Webhook, "throttleBurst"), Unit: "batches",
		Value:   int(n),
		Formula: fmt.Sprintf("%s batches/s × %s s = %s", num(qps), num(burstPerQPS), rounded(exact, n, "batches")),
		Reason:  "what may go out at once after a quiet time, in upstream's own proportion of 15 to 10",
		Source:  sourceOptions + ", defaultBatchThrottleBurst",
	}
	return byHand(v, l.ThrottleBurst)
}

// bufferNeed is in events, not rounded.
func (l Load) bufferNeed() float64 {
	return l.eventsPerSecond() * l.stall().Seconds() * l.Headroom
}

func (l Load) stall() time.Duration { return max(l.Stall, time.Second) }

// buffer takes the documentation's view, that nothing leaves the buffer during
// a stall. For the log that is so. For the webhook it is more than needed: its
// batches leave for memory, as far as the throttle lets them.
func (l Load) buffer(to Backend, size int) Value[int] {
	exact := l.bufferNeed()
	n := ceil(exact)
	v := Value[int]{
		Flag: flagOf(to, "buffer-size"), Name: nameOf(to, "bufferSize"), Unit: "events",
		Value: int(max(n, float64(size))),
		Formula: fmt.Sprintf("%s × %s × headroom %s = %s",
			FormatRate(l.eventsPerSecond(), "events"), l.stall(), num(l.Headroom), rounded(exact, n, "events")),
		Reason: "what arrives while the receiver or the disk stands still has to wait here; a full buffer drops events",
		Source: sourceDocs,
	}
	if v.Value > int(n) {
		v.Formula += fmt.Sprintf(", raised to one batch = %d events", v.Value)
	}
	if to == Log {
		return byHand(v, l.LogBufferSize)
	}
	return byHand(v, l.BufferSize)
}
