// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"time"
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
	s := l.settings(to)
	s.warnings = l.batchWarnings(s)
	return s
}

// settings is batch without warnings.
func (l Load) settings(to Backend) BatchSettings {
	s := BatchSettings{Backend: to}
	s.MaxSize = l.batchSize(to)
	s.MaxWait = l.maxWait(to, s.MaxSize.Value)
	s.ThrottleEnable = throttleEnable(to)
	if s.ThrottleEnable.Value {
		s.ThrottleQPS = l.qps(s.MaxSize.Value, s.MaxWait.Value)
		s.ThrottleBurst = l.burst(s.ThrottleQPS.Value)
	}
	s.BufferSize = l.buffer(to, s.MaxSize.Value)
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
