// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package mix

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/policy"
)

// Estimate is what a policy makes of the mix.
type Estimate struct {
	// EventsPerRequest is the mean number of events over all requests, with
	// three digits. Zero when no class is recorded.
	EventsPerRequest float64
	// BytesPerEvent is the mean size of an event, to ten bytes; zero without
	// events.
	BytesPerEvent float64
	// MaxEventBytes is the largest event that the mix is likely to make, zero
	// without events. Nothing keeps a cluster from making larger ones.
	MaxEventBytes int64
	// None, Metadata, Request and RequestResponse are the parts of all requests
	// at each level, which add up to 1. A request all of whose stages are omitted
	// is at None.
	None, Metadata, Request, RequestResponse float64
	// Reason is how this comes about, in one sentence.
	Reason string
	// Lines are what became of each class, in the order of [Classes].
	Lines []Line
}

// Line is what a policy makes of one class.
type Line struct {
	Class Class
	// Level is None also when every stage of the class is omitted.
	Level audit.Level
	// Rule is the index of the rule that decided, -1 if there is none.
	Rule int
	// Events and Bytes are for one request of the class: how many, and how many
	// bytes all of them have.
	Events, Bytes float64

	decision policy.Decision
}

// receivedLess is what an event of RequestReceived lacks of one at a later
// stage: the answer's status and the reason of the authorization. Measured,
// mean of 2587 requests.
const receivedLess = 290

// Of says what a policy makes of the mix: the policy as it is written, with the
// stages that it omits. A policy that could not be read must not be given. The
// same policy always gives the same numbers.
func Of(p *policy.Policy) Estimate {
	lines := make([]Line, len(table))
	for i, c := range table {
		lines[i] = c.decided(p.Evaluate(c.Attributes()))
	}
	return sum(lines)
}

// Strict is the estimate for the same policy with RequestReceived omitted
// nowhere, which is how a policy is written for mode blocking-strict.
func (e Estimate) Strict() Estimate {
	lines := make([]Line, len(e.Lines))
	for i, l := range e.Lines {
		d := l.decision
		d.OmitStages = slices.DeleteFunc(slices.Clone(d.OmitStages), func(s audit.Stage) bool { return s == audit.StageRequestReceived })
		lines[i] = l.Class.decided(d)
	}
	return sum(lines)
}

// decided is what a decision makes of a request of the class.
func (c Class) decided(d policy.Decision) Line {
	l := Line{Class: c, Level: d.Level, Rule: d.Rule, decision: d}
	if d.Level == audit.LevelNone {
		return l
	}
	for _, stage := range c.kind().stages() {
		if slices.Contains(d.OmitStages, stage) {
			continue
		}
		l.Events++
		l.Bytes += c.at(stage, d)
	}
	if l.Events == 0 {
		l.Level = audit.LevelNone
	}
	return l
}

// at is the size of the event at a stage. Bodies come with the last one, which
// for a failed login is its only one.
func (c Class) at(stage audit.Stage, d policy.Decision) float64 {
	size := c.Bytes.Metadata
	if stage == audit.StageRequestReceived {
		return float64(size - receivedLess)
	}
	stages := c.kind().stages()
	if stage != stages[len(stages)-1] {
		return float64(size)
	}
	switch d.Level {
	case audit.LevelRequest:
		size += c.Bytes.Request - managed(d, c.Bytes.RequestManaged)
	case audit.LevelRequestResponse:
		size += c.Bytes.Request - managed(d, c.Bytes.RequestManaged) + c.Bytes.Response - managed(d, c.Bytes.ResponseManaged)
	}
	return float64(size)
}

// managed is what goes if managed fields are omitted.
func managed(d policy.Decision, bytes int) int {
	if d.OmitManagedFields {
		return bytes
	}
	return 0
}

// sum adds up the lines.
func sum(lines []Line) Estimate {
	e := Estimate{Lines: lines}
	var bytes float64
	for _, l := range lines {
		switch l.Level {
		case audit.LevelMetadata:
			e.Metadata += l.Class.Share
		case audit.LevelRequest:
			e.Request += l.Class.Share
		case audit.LevelRequestResponse:
			e.RequestResponse += l.Class.Share
		default:
			e.None += l.Class.Share
			continue
		}
		e.EventsPerRequest += l.Class.Share * l.Events
		bytes += l.Class.Share * l.Bytes
		e.MaxEventBytes = max(e.MaxEventBytes, l.largest())
	}
	if e.EventsPerRequest > 0 {
		e.BytesPerEvent = math.Round(bytes/e.EventsPerRequest/10) * 10
	}
	e.EventsPerRequest = digits(e.EventsPerRequest)
	e.Reason = e.reason()
	return e
}

// largest is the largest event of a line.
func (l Line) largest() int64 {
	size := l.Class.Bytes.Metadata
	if l.Level != audit.LevelMetadata {
		size += l.Class.Bytes.Request
	}
	if l.Level == audit.LevelRequestResponse {
		size += max(l.Class.Bytes.Response, l.Class.Bytes.Largest)
	}
	return int64(size)
}

// digits rounds to three of them.
func digits(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return x // FormatFloat writes what ParseFloat reads
	}
	return rounded
}

// reason is the sentence on how the numbers come about.
func (e Estimate) reason() string {
	audited := e.Metadata + e.Request + e.RequestResponse
	if audited == 0 {
		return "nothing that a typical cluster asks all day is audited"
	}
	var levels []string
	for _, l := range []struct {
		share float64
		level audit.Level
	}{{e.Metadata, audit.LevelMetadata}, {e.Request, audit.LevelRequest}, {e.RequestResponse, audit.LevelRequestResponse}} {
		if l.share > 0 {
			levels = append(levels, fmt.Sprintf("%s at %s", percent(l.share), l.level))
		}
	}
	text := fmt.Sprintf("%s of a typical cluster's requests are audited: %s", percent(audited), strings.Join(levels, ", "))
	if most := e.Most(3); len(most) > 0 {
		names := make([]string, len(most))
		for i, l := range most {
			names[i] = l.Class.Name
		}
		text += "; most bytes from " + strings.Join(names, ", ")
	}
	return text
}

// Most gives the lines that write most bytes, at most n, the largest first.
// Lines that write nothing are left out.
func (e Estimate) Most(n int) []Line {
	lines := slices.DeleteFunc(slices.Clone(e.Lines), func(l Line) bool { return l.Bytes == 0 })
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Compare(b.Class.Share*b.Bytes, a.Class.Share*a.Bytes)
	})
	return lines[:min(n, len(lines))]
}

// percent is a share for people: whole percents, and below ten one digit more.
func percent(share float64) string {
	p := share * 100
	if p < 0.1 {
		return "less than 0.1 %"
	}
	if p < 9.95 {
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}
