// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// recommended is the load without what was set by hand for the buffer.
func (l Load) recommended() Load {
	l.ThrottleQPS, l.ThrottleBurst, l.BufferSize, l.LogBufferSize = 0, 0, 0, 0
	return l
}

// bufferByHand is 0 when it was chosen.
func (l Load) bufferByHand(to Backend) int {
	if to == Log {
		return l.LogBufferSize
	}
	return l.BufferSize
}

// batchWarnings judges settings, each with the nearest choice that holds.
func (l Load) batchWarnings(s BatchSettings) []Warning {
	var ws []Warning
	if fits := l.batchThatFitsBody(); s.Backend == Webhook && s.MaxSize.Value > fits {
		ws = append(ws, Warning{
			About: "--batch-size",
			What: fmt.Sprintf("%d events of up to %d bytes do not fit a body of %d bytes; such a batch is refused, tried five times and lost",
				s.MaxSize.Value, l.largestEvent(), l.MaxBodyBytes),
			Hint: fmt.Sprintf("--batch-size %d fits", fits),
		})
	}
	if s.ThrottleEnable.Value {
		ws = append(ws, l.throttleWarnings(s)...)
	}
	if l.bufferByHand(s.Backend) > 0 {
		ws = append(ws, l.bufferWarnings(s)...)
	}
	return ws
}

func (l Load) throttleWarnings(s BatchSettings) []Warning {
	e, out := l.eventsPerSecond(), s.queue().Capacity(l.eventsPerSecond())
	flag := setBy(s.ThrottleQPS.Flag)
	enough := l.recommended()
	better := enough.settings(Webhook).ThrottleQPS.Value
	enough.Headroom = 1
	least := enough.settings(Webhook).ThrottleQPS.Value
	nearest := fmt.Sprintf("%s=%s is enough for the peak, and %s has the headroom", flag, num(least), num(better))
	switch {
	case l.ThrottleQPS > 0 && out < e*(1-noise):
		often := "after " + FormatRetention(seconds(s.queue().FullAfterSeconds(e))) + " of peak the buffer is full, and then "
		if out < l.meanEventsPerSecond()*(1-noise) {
			often = "that is less than the mean, so the buffer is full nearly always, and "
		}
		return []Warning{{
			About: flag,
			What: fmt.Sprintf("%s go out while %s come in: %s%s are lost",
				FormatRate(clean(out), "events"), FormatRate(e, "events"), often, FormatRate(clean(e-out), "events")),
			Hint: nearest,
		}}
	case l.ThrottleQPS > 0 && s.MaxSize.Value > 1 && s.ThrottleQPS.Value*s.MaxWait.Value.Seconds() < 1-noise:
		return []Warning{{
			About: flag,
			What: fmt.Sprintf("max-wait closes a batch every %s, and the throttle lets one out every %s s: events are late, and older kube-apiservers (Go before 1.23: 1.24 and 1.30 among them) send every second batch all but empty, which halves what goes out",
				s.MaxWait.Value, num(round3(1/s.ThrottleQPS.Value))),
			Hint: nearest,
		}}
	case out < 1.1*e:
		w := Warning{
			About: "--headroom",
			What: fmt.Sprintf("%s go out while %s come in, so what a stall leaves in the buffer hardly drains while the peak lasts, and a second stall loses events",
				FormatRate(clean(out), "events"), FormatRate(e, "events")),
			Hint: "--headroom 2 drains it in the time of the stall",
		}
		if l.ThrottleQPS > 0 {
			w.About, w.Hint = flag, nearest
		}
		return []Warning{w}
	}
	return nil
}

// bufferWarnings judges a buffer that was set by hand. To the log it has to
// hold a stall of the disk; of a stall of its receiver the webhook's feels
// nothing, but a rate says nothing of how requests fall within a second.
func (l Load) bufferWarnings(s BatchSettings) []Warning {
	e, n := l.eventsPerSecond(), s.BufferSize.Value
	flag := setBy(s.BufferSize.Flag)
	better := l.recommended().settings(s.Backend).BufferSize.Value
	stall := time.Second
	what := "the events of a second may come all at once"
	if s.Backend == Log {
		stall = l.stall()
		what = "the disk may stand still for " + stall.String()
	}
	need := int64(ceil(e * stall.Seconds()))
	switch {
	case int64(n) < need:
		return []Warning{{
			About: flag,
			What: fmt.Sprintf("%s, which is %d events at peak, and the buffer holds %d: %d of them are lost, as from %s s on",
				what, need, n, need-int64(n), num(round3(s.queue().StallSeconds(e)))),
			Hint: fmt.Sprintf("%s=%d holds them, and %d has the headroom", flag, max(need, int64(s.MaxSize.Value)), better),
		}}
	case n < s.MaxSize.Value:
		return []Warning{{
			About: flag,
			What:  fmt.Sprintf("a buffer of %d events is smaller than a batch of %d", n, s.MaxSize.Value),
			Hint:  fmt.Sprintf("%s=%d holds one batch, and %d a stall with its headroom", flag, s.MaxSize.Value, better),
		}}
	}
	return nil
}

// memoryWarnings names the budget that the wishes take, and the wishes that
// the budget holds.
func (l Load) memoryWarnings(to Backends, most int64) []Warning {
	if l.MemoryBudget == 0 || most <= l.MemoryBudget {
		return nil
	}
	hint := l.withinMemory(to)
	if most <= mostDisk {
		hint = fmt.Sprintf("--memory-budget %s holds it, and %s", budget(float64(most)), hint)
	}
	return []Warning{{
		About: "--memory-budget",
		What:  fmt.Sprintf("events may come to take %s, and the budget is %s", FormatBytes(most), FormatBytes(l.MemoryBudget)),
		Hint:  hint,
	}}
}

// withinMemory is the nearest choice of other wishes that the budget holds.
func (l Load) withinMemory(to Backends) string {
	fits := func(c Load) bool { return c.memoryMost(to).Value <= l.MemoryBudget }
	outage := func(c Load, n int) Load { c.Outage = time.Duration(n) * time.Second; return c }
	stall := func(c Load, n int) Load { c.Stall = time.Duration(n+1) * time.Second; return c }
	stalls := int(max(l.stall().Seconds()-1, 0))
	if n, ok := largest(int(l.Outage.Seconds()), func(n int) bool { return fits(outage(l, n)) }); ok && to.Webhook {
		return "--outage " + FormatRetention(time.Duration(n)*time.Second) + " fits the budget as it is"
	}
	if l.BufferSize > 0 {
		if n, ok := largest(l.BufferSize-1, func(n int) bool { c := l; c.BufferSize = n + 1; return fits(c) }); ok {
			return fmt.Sprintf("%s=%d fits the budget as it is", setBy(flagOf(Webhook, "buffer-size")), n+1)
		}
	}
	if n, ok := largest(stalls, func(n int) bool { return fits(stall(l, n)) }); ok {
		return "--stall " + FormatRetention(time.Duration(n+1)*time.Second) + " fits the budget as it is"
	}
	if n, ok := largest(int(l.Outage.Seconds()), func(n int) bool { return fits(outage(stall(l, 0), n)) }); ok {
		return "--stall 1s with --outage " + FormatRetention(time.Duration(n)*time.Second) + " fits the budget as it is"
	}
	return "no stall and no outage are short enough for the budget: record fewer or smaller events, with another profile"
}

// largest finds the largest n up to most for which ok holds, if it holds for 0
// and, once it does not, never again.
func largest(most int, ok func(int) bool) (int, bool) {
	if !ok(0) {
		return 0, false
	}
	low, high := 0, most+1
	for low+1 < high {
		if n := low + (high-low)/2; ok(n) {
			low = n
		} else {
			high = n
		}
	}
	return low, true
}

// Check reports settings that kube-apiserver refuses, or that it takes and
// which then lose events or keep a core busy: to be asked again after a
// setting was changed by hand. The File of a problem is the flag.
func (s BatchSettings) Check() document.Problems {
	var ps document.Problems
	refuse := func(wrong bool, name, what, hint string) {
		if wrong {
			ps.Add("--"+flagOf(s.Backend, name), what, hint)
		}
	}
	size := s.MaxSize.Value
	refuse(size < 1, "max-size", "must be above 0", "kube-apiserver does not start otherwise")
	refuse(s.BufferSize.Value < max(size, 1), "buffer-size", "is smaller than one batch", "set it to what arrives in the longest stall")
	refuse(size > 1 && s.MaxWait.Value <= 0, "max-wait", "must be above 0s where batches are larger than 1", "a wait of 0s keeps a core busy; 1s is short enough")
	if s.ThrottleEnable.Value {
		refuse(!(s.ThrottleQPS.Value > 0) || math.IsInf(s.ThrottleQPS.Value, 0), "throttle-qps",
			"must be above 0 where the throttle is on", "set it to events/s over max-size, times the headroom")
		refuse(s.ThrottleBurst.Value < 1, "throttle-burst",
			"must be above 0 where the throttle is on", "set it to one and a half times the QPS")
	}
	return ps
}
