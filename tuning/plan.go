// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"

	"github.com/auditsetup/auditsetup/document"
)

// formatVersion is raised when a key of a Result's JSON goes or changes its
// meaning; a key more does not raise it.
const formatVersion = 1

// Backends says where events go. At least one of them must be set.
type Backends struct {
	// Log is the log file, in mode blocking unless LogBatch is set, which
	// implies it.
	Log, LogBatch bool
	// Webhook is the webhook, in mode batch unless WebhookBlocking is set, which
	// implies it.
	Webhook, WebhookBlocking bool
}

// Result is everything that follows from a load. Its JSON is what
// "plan -o json" prints.
type Result struct {
	FormatVersion   int            `json:"formatVersion"`
	EventsPerSecond Value[float64] `json:"eventsPerSecond"`
	BytesPerSecond  Value[float64] `json:"bytesPerSecond"`
	BytesPerDay     Value[int64]   `json:"bytesPerDay"`
	// Truncate is the webhook's; nil without one.
	Truncate *TruncateSettings `json:"truncate"`
	// Batch is the webhook's, LogBatch the log's. Nil where there is none.
	Batch    *BatchSettings `json:"batch"`
	LogBatch *BatchSettings `json:"logBatch"`
	// Rotation is nil without a log.
	Rotation *RotationSettings `json:"rotation"`
	// Reasons has every number above, in that order. Never nil, nor is
	// Warnings.
	Reasons  []Reason  `json:"reasons"`
	Warnings []Warning `json:"warnings"`
}

// Plan calculates everything at once. The error is document.Problems with all
// that is wrong with the load, as far as the backends have use for it.
func Plan(l Load, to Backends) (Result, error) {
	to.Log, to.Webhook = to.Log || to.LogBatch, to.Webhook || to.WebhookBlocking
	if err := l.checkFor(to).Err(); err != nil {
		return Result{}, err
	}
	r := Result{
		FormatVersion:   formatVersion,
		EventsPerSecond: l.eventsValue(),
		BytesPerSecond:  l.bytesValue(),
		BytesPerDay:     l.bytesPerDayValue(),
		Reasons:         []Reason{},
		Warnings:        []Warning{},
	}
	if to.Webhook {
		s := l.truncate()
		r.Truncate = &s
	}
	if to.Webhook && !to.WebhookBlocking {
		s := l.batch(Webhook)
		r.Batch = &s
		r.Warnings = append(r.Warnings, s.warnings...)
	}
	if to.LogBatch {
		s := l.batch(Log)
		r.LogBatch = &s
		r.Warnings = append(r.Warnings, s.warnings...)
	}
	if to.Log {
		s := l.rotation()
		r.Rotation = &s
		r.Warnings = append(r.Warnings, s.warnings...)
	}
	for _, v := range r.values() {
		r.Reasons = append(r.Reasons, v.reason())
	}
	return r, nil
}

func (l Load) checkFor(to Backends) document.Problems {
	ps := l.checkRate()
	if !to.Log && !to.Webhook {
		ps.Add("--backend", "no backend", "give --backend log, webhook, or log,webhook")
	}
	if to.Webhook && !to.WebhookBlocking || to.LogBatch {
		ps = append(ps, l.checkBatch()...)
	} else if to.Webhook {
		ps = append(ps, l.checkBody()...)
	}
	if to.Log {
		ps = append(ps, l.checkRotation()...)
	}
	return ps
}

// Flags returns the flags to set, those of the webhook first, truncation before
// batches, then those of the log in mode batch, then rotation. Modes, paths and the policy are not
// among them. audit-log-compress is there only when it is on, as versions
// before 1.20 do not know it.
func (r Result) Flags() []Flag {
	flags := []Flag{}
	for _, v := range r.values() {
		f := v.flag()
		if f.Name == "" || f.Name == "audit-log-compress" && f.Value == "false" {
			continue
		}
		flags = append(flags, f)
	}
	return flags
}

func (r Result) values() []value {
	vs := []value{r.EventsPerSecond, r.BytesPerSecond, r.BytesPerDay}
	if r.Truncate != nil {
		vs = append(vs, r.Truncate.values()...)
	}
	if r.Batch != nil {
		vs = append(vs, r.Batch.values()...)
	}
	if r.LogBatch != nil {
		vs = append(vs, r.LogBatch.values()...)
	}
	if r.Rotation != nil {
		vs = append(vs, r.Rotation.values()...)
	}
	return vs
}

// eventsPerSecond and bytesPerSecond are at peak.
func (l Load) eventsPerSecond() float64 { return clean(l.RequestsPerSecond * l.EventsPerRequest) }

func (l Load) bytesPerSecond() float64 { return clean(l.eventsPerSecond() * l.BytesPerEvent) }

func (l Load) eventsValue() Value[float64] {
	e := l.eventsPerSecond()
	return Value[float64]{
		Name: "eventsPerSecond", Unit: "events/s", Value: e,
		Formula: fmt.Sprintf("%s × %s events/request = %s", FormatRate(l.RequestsPerSecond, "requests"), num(l.EventsPerRequest), FormatRate(e, "events")),
		Reason:  "every request makes an event per stage that the policy keeps",
		Source:  sourceDocs,
	}
}

func (l Load) bytesValue() Value[float64] {
	b := l.bytesPerSecond()
	return Value[float64]{
		Name: "bytesPerSecond", Unit: "bytes/s", Value: b,
		Formula: fmt.Sprintf("%s × %s bytes/event = %s bytes/s", FormatRate(l.eventsPerSecond(), "events"), num(l.BytesPerEvent), num(b)),
		Reason:  "what the log grows by, or the receiver takes in, at peak",
		Source:  "k8s.io/apiserver v0.37.1 plugin/pkg/audit/log/backend.go, logEvent",
	}
}

func (l Load) bytesPerDayValue() Value[int64] {
	n := wholeInt64(ceil(l.bytesPerSecond() * day.Seconds()))
	return Value[int64]{
		Name: "bytesPerDay", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("%s bytes/s × 86400 s = %s", num(l.bytesPerSecond()), FormatBytes(n)),
		Reason:  "a day at peak from end to end, so an upper bound",
		Source:  "arithmetic",
	}
}
