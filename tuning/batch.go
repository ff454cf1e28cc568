// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// Backend is one of the two places that kube-apiserver sends events to. It is
// the middle of its flags' names.
type Backend string

// The backends. Log stands for the log in mode batch wherever batches are
// meant; its default mode, blocking, has none.
const (
	Webhook Backend = "webhook"
	Log     Backend = "log"
)

// BatchSettings is what mode batch of one backend should be set to.
type BatchSettings struct {
	Backend Backend `json:"backend"`
	// MaxSize is in events, BufferSize too.
	MaxSize Value[int]           `json:"maxSize"`
	MaxWait Value[time.Duration] `json:"maxWait"`
	// Of a disabled throttle QPS and burst are 0, say nothing, and have no
	// flag. QPS is a multiple of 0.1; the flag is a float32.
	ThrottleEnable Value[bool]    `json:"throttleEnable"`
	ThrottleQPS    Value[float64] `json:"throttleQPS"`
	ThrottleBurst  Value[int]     `json:"throttleBurst"`
	BufferSize     Value[int]     `json:"bufferSize"`

	warnings []Warning
}

const (
	sourceDocs     = "kubernetes/website content/en/docs/tasks/debug/debug-cluster/audit.md, Parameter tuning"
	sourceBuffered = "k8s.io/apiserver v0.37.1 plugin/pkg/audit/buffered/buffered.go"
	sourceOptions  = "k8s.io/apiserver v0.37.1 pkg/server/options/audit.go"
	sourceAsked    = "what was asked for"
	sourceTruncate = "k8s.io/apiserver v0.37.1 plugin/pkg/audit/truncate/truncate.go"
)

const (
	// Places in a batch that stay empty cost nothing, so a quiet server gets
	// the documentation's 100 and can take a gust. 400 is upstream's default.
	leastBatch, mostBatch = 100, 400
	// A batch waits a second at least, so that time alone never causes more
	// than one POST a second, and five at most, which is what a detector at
	// the other end can live with.
	leastWait, mostWait = time.Second, 5 * time.Second
	// Part of a receiver's body limit that events may fill; the rest is for
	// the list around them.
	bodyShare = 0.95
	// Upstream's defaults have 15 to 10.
	burstPerQPS = 1.5
)

// Batch calculates the settings of mode batch for one backend. The error is
// document.Problems with everything that is wrong with the load; the part
// about rotation is not looked at.
func Batch(l Load, to Backend) (BatchSettings, error) {
	ps := append(l.checkRate(), l.checkBatch()...)
	if to != Webhook && to != Log {
		ps.Add("--backend", fmt.Sprintf("%q is no backend", string(to)), "the backends are log and webhook")
	}
	if err := ps.Err(); err != nil {
		return BatchSettings{}, err
	}
	return l.batch(to), nil
}

// batch is Batch for a load that was checked.
func (l Load) batch(to Backend) BatchSettings {
	s := BatchSettings{Backend: to}
	s.MaxSize = l.batchSize(to)
	s.MaxWait = l.maxWait(to, s.MaxSize.Value)
	s.ThrottleEnable = throttleEnable(to)
	if s.ThrottleEnable.Value {
		s.ThrottleQPS = l.qps(s.MaxSize.Value, s.MaxWait.Value)
		s.ThrottleBurst = burst(s.ThrottleQPS.Value)
	}
	s.BufferSize = l.buffer(to, s.MaxSize.Value)
	s.warnings = l.batchWarnings(s)
	return s
}

func (l Load) batchSize(to Backend) Value[int] {
	v := Value[int]{
		Flag: flagOf(to, "max-size"), Name: nameOf(to, "maxSize"), Unit: "events",
		Source: sourceDocs,
	}
	fits := l.batchThatFitsBody()
	switch {
	case l.BatchSize > 0:
		v.Value = l.BatchSize
		v.Formula = fmt.Sprintf("--batch-size = %d events", v.Value)
		v.Reason = "as asked"
		v.Source = sourceAsked
	case to == Log:
		v.Value = 1
		v.Formula = "1 event per batch, upstream's own default"
		v.Reason = "the log writes event by event, so a larger batch saves nothing and only keeps events in memory longer"
		v.Source = sourceOptions + ", defaultLogBatchConfig"
	default:
		perSecond := ceil(l.eventsPerSecond())
		v.Value = int(min(max(perSecond, leastBatch), mostBatch))
		v.Formula = fmt.Sprintf("%s events in 1 s at peak, kept between %d and %d = %d events", num(perSecond), leastBatch, mostBatch, v.Value)
		v.Reason = "a POST per second at peak, and room for a gust on a quiet server"
		if fits < v.Value {
			v.Value = fits
			v.Formula += fmt.Sprintf(", cut to the %d events of up to %d bytes that fill %s %% of a body of %d bytes",
				fits, l.largestEvent(), num(100*bodyShare), l.MaxBodyBytes)
			v.Reason = "the receiver refuses a larger POST; this holds with truncation on, since events are cut one by one before they are batched"
			v.Source = sourceTruncate
		}
	}
	return v
}

func (l Load) maxWait(to Backend, size int) Value[time.Duration] {
	v := Value[time.Duration]{
		Flag: flagOf(to, "max-wait"), Name: nameOf(to, "maxWait"), Unit: "duration",
		Source: sourceBuffered + ", collectEvents",
	}
	if l.MaxWait > 0 {
		v.Value = l.MaxWait
		v.Formula = fmt.Sprintf("--max-wait = %s", v.Value)
		v.Reason = "as asked"
		v.Source = sourceAsked
		return v
	}
	fill := float64(size) / l.eventsPerSecond()
	// Half seconds are fine enough, and 5 s caps what may be out of range.
	steps := ceil(min(fill, mostWait.Seconds()) * 2)
	v.Value = min(max(time.Duration(steps)*time.Second/2, leastWait), mostWait)
	rounding := ""
	if v.Value.Seconds() != fill && v.Value > leastWait && fill < mostWait.Seconds() {
		rounding = " rounded up to half seconds and"
	}
	v.Formula = fmt.Sprintf("%d events ÷ %s = %s s to fill a batch,%s kept between %s and %s = %s",
		size, FormatRate(l.eventsPerSecond(), "events"), num(fill), rounding, leastWait, mostWait, v.Value)
	v.Reason = "long enough for a batch to fill at peak, short enough that the receiver sees an event within seconds"
	if size == 1 {
		v.Reason = "nothing waits in a batch of one; set all the same, since a larger one with a wait of 0s keeps a core busy"
	}
	return v
}

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
	return v
}

func burst(qps float64) Value[int] {
	exact := qps * burstPerQPS
	n := max(ceil(exact), 1)
	return Value[int]{
		Flag: flagOf(Webhook, "throttle-burst"), Name: nameOf(Webhook, "throttleBurst"), Unit: "batches",
		Value:   int(n),
		Formula: fmt.Sprintf("%s batches/s × %s s = %s", num(qps), num(burstPerQPS), rounded(exact, n, "batches")),
		Reason:  "what may go out at once after a quiet time, in upstream's own proportion of 15 to 10",
		Source:  sourceOptions + ", defaultBatchThrottleBurst",
	}
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
	return v
}

// largestEvent is what an event may grow to, in bytes, where a body is to hold
// a batch in the worst case.
func (l Load) largestEvent() int64 {
	if l.MaxEventBytes > 0 {
		return l.MaxEventBytes
	}
	return defaultMaxEvent
}

// batchThatFitsBody is how many of the largest events a POST may carry, and 0
// when not even one fits. Without a limit it is larger than any batch.
func (l Load) batchThatFitsBody() int {
	if l.MaxBodyBytes <= 0 {
		return math.MaxInt32
	}
	hard := l.MaxBodyBytes / l.largestEvent()
	fits := int64(bodyShare * float64(hard))
	if fits == 0 && bodyShare*float64(l.MaxBodyBytes) >= float64(l.largestEvent()) {
		fits = 1
	}
	return int(min(fits, math.MaxInt32))
}

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
	out := s.ThrottleQPS.Value * float64(s.MaxSize.Value)
	if e := l.eventsPerSecond(); s.ThrottleEnable.Value && out < 1.1*e {
		ws = append(ws, Warning{
			About: "--headroom",
			What: fmt.Sprintf("%s go out while %s come in, so what a stall leaves in the buffer hardly drains while the peak lasts, and a second stall loses events",
				FormatRate(out, "events"), FormatRate(e, "events")),
			Hint: "--headroom 2 drains it in the time of the stall",
		})
	}
	return ws
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

func (s BatchSettings) values() []value {
	vs := []value{s.MaxSize, s.MaxWait, s.ThrottleEnable}
	if s.ThrottleEnable.Value {
		vs = append(vs, s.ThrottleQPS, s.ThrottleBurst)
	}
	return append(vs, s.BufferSize)
}

func flagOf(b Backend, name string) string { return "audit-" + string(b) + "-batch-" + name }

// nameOf is where a setting stands in the JSON of a Result.
func nameOf(b Backend, name string) string {
	if b == Log {
		return "logBatch." + name
	}
	return "batch." + name
}

// rounded writes a result, and what it was before rounding where that shows.
func rounded(exact, up float64, unit string) string {
	if num(exact) == num(up) {
		return num(up) + " " + unit
	}
	return num(exact) + ", rounded up to " + num(up) + " " + unit
}
