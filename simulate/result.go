// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
)

// Result is what the policies would have made of the logs. Its JSON is an
// interface: a field more does not change FormatVersion, all else does. Lists are
// never nil, shares are parts of 1, bytes are those of lines of an uncompressed
// log, and rates are those of all logs together.
type Result struct {
	FormatVersion int `json:"formatVersion"`
	Log           Log `json:"log"`
	// Policies are in the order that they were given in.
	Policies []Outcome `json:"policies"`
	// Notes are what is to be borne in mind. Lower case, no full stop.
	Notes []string `json:"notes"`
}

// Log is what was read.
type Log struct {
	// From and To are the first and last event's time, zero when not known, and
	// Seconds how long that is without gaps of more than an hour.
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Seconds float64   `json:"seconds"`
	// Requests, Events and Bytes are those that were logged; Bytes are of events.
	Requests       int64   `json:"requests"`
	Events         int64   `json:"events"`
	Bytes          int64   `json:"bytes"`
	EventsPerSec   float64 `json:"eventsPerSecond"`
	BytesPerSecond float64 `json:"bytesPerSecond"`
	BytesPerDay    int64   `json:"bytesPerDay"`
	// Levels are those at which events were logged.
	Levels []Share `json:"levels"`
	// Strays are lines, or items of lists, that are no events.
	Strays int64  `json:"strays"`
	Files  []File `json:"files"`
}

// Outcome is what one policy would have logged. What it would have logged besides,
// and the log does not show, is in Unknown and in no other number.
type Outcome struct {
	Policy string `json:"policy"`
	SHA256 string `json:"sha256"`
	// Requests are those of which there would be an event.
	Requests int64 `json:"requests"`
	Events   int64 `json:"events"`
	Bytes    int64 `json:"bytes"`
	// The peaks are the means of the busiest window of PeakSeconds.
	EventsPerSecond     float64 `json:"eventsPerSecond"`
	PeakEventsPerSecond float64 `json:"peakEventsPerSecond"`
	BytesPerSecond      float64 `json:"bytesPerSecond"`
	PeakBytesPerSecond  float64 `json:"peakBytesPerSecond"`
	PeakSeconds         float64 `json:"peakSeconds"`
	BytesPerDay         int64   `json:"bytesPerDay"`
	BytesPerEvent       float64 `json:"bytesPerEvent"`
	// OfLog is Bytes in relation to those of the log.
	OfLog float64 `json:"ofLog"`
	// Levels has all four, None with what would not be logged.
	Levels []Share `json:"levels"`
	// Rules are all rules in their order, and last what no rule matches.
	Rules []Rule `json:"rules"`
	// Users, and Kinds by verb and resource, are sorted, most bytes first, and
	// Sources are the ten kinds of one user with most.
	Users   []Share  `json:"users"`
	Kinds   []Share  `json:"kinds"`
	Sources []Share  `json:"sources"`
	Savings []Saving `json:"savings"`
	Unknown Unknown  `json:"unknown"`
}

// Share is a part of what would be logged.
type Share struct {
	Name     string `json:"name"`
	Requests int64  `json:"requests"`
	Events   int64  `json:"events"`
	Bytes    int64  `json:"bytes"`
	// OfEvents and OfBytes relate to the policy's.
	OfEvents float64 `json:"ofEvents"`
	OfBytes  float64 `json:"ofBytes"`
}

// Rule is what one rule of a policy decides.
type Rule struct {
	// Index counts from 0 and is -1 for what no rule matches; Line is that of the
	// policy, 0 with the former.
	Index int    `json:"index"`
	Line  int    `json:"line"`
	Level string `json:"level"`
	// Decided are the requests that it decides, also those at None.
	Decided int64 `json:"decided"`
	// Dead says that it decides none.
	Dead     bool    `json:"dead"`
	Events   int64   `json:"events"`
	Bytes    int64   `json:"bytes"`
	OfEvents float64 `json:"ofEvents"`
	OfBytes  float64 `json:"ofBytes"`
}

// Result makes of a part what people want to know.
func (p *Part) Result() (*Result, error) {
	policies, err := p.policies()
	if err != nil {
		return nil, err
	}
	r := &Result{FormatVersion: 1, Log: p.log(), Policies: []Outcome{}, Notes: []string{}}
	for i, read := range policies {
		o, err := p.outcome(i, read, r.Log)
		if err != nil {
			return nil, err
		}
		r.Policies = append(r.Policies, o)
	}
	r.Notes = p.notes(r.Log)
	return r, nil
}

// log sums up what was read.
func (p *Part) log() Log {
	l := Log{Files: slices.Clone(p.Files), Levels: []Share{}}
	if l.Files == nil {
		l.Files = []File{}
	}
	for _, f := range p.Files {
		l.Strays += f.Strays
	}
	l.Seconds, _ = p.Times.covered()
	if p.Times.From != 0 {
		l.From, l.To = time.UnixMicro(p.Times.From).UTC(), time.UnixMicro(p.Times.To).UTC()
	}
	levels := map[string]*Share{}
	for _, k := range p.Kinds {
		l.Requests += k.requests()
		for _, c := range k.Cells {
			l.Events += c.Events
			l.Bytes += c.Head + c.Bodies
			at(levels, c.Level).add(0, c.Events, c.Head+c.Bodies)
		}
	}
	l.Levels = ranked(levels, l.Events, l.Bytes)
	l.EventsPerSec, l.BytesPerSecond, l.BytesPerDay = perSecond(l.Events, l.Seconds), perSecond(l.Bytes, l.Seconds), perDay(l.Bytes, l.Seconds)
	return l
}

// perSecond is 0 where there is hardly any time.
func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / max(1, seconds)
}

func perDay(n int64, seconds float64) int64 { return int64(perSecond(n, seconds) * 86400) }

// outcome is what one policy would have logged.
func (p *Part) outcome(i int, read *policy.Policy, l Log) (Outcome, error) {
	lines, err := ruleLines(read)
	if err != nil {
		return Outcome{}, err
	}
	rules := decisions(read)
	o := Outcome{Policy: p.Policies[i].Name, SHA256: p.Policies[i].SHA256, Savings: []Saving{}}
	var all []written
	for _, key := range p.keys() {
		k := p.Kinds[key]
		rule := k.Rules[i]
		if rule < 0 {
			rule = len(rules) - 1
		}
		w := k.written(rule, rules[rule])
		all = append(all, w)
		o.Events += w.events
		o.Bytes += w.bytes
		if w.events > 0 {
			o.Requests += k.requests()
		}
	}
	o.EventsPerSecond, o.BytesPerSecond, o.BytesPerDay = perSecond(o.Events, l.Seconds), perSecond(o.Bytes, l.Seconds), perDay(o.Bytes, l.Seconds)
	events, bytes := p.Times.peaks(i)
	o.PeakSeconds = max(1, min(float64(p.Times.Width), l.Seconds))
	if l.Seconds > 0 {
		o.PeakEventsPerSecond = max(o.EventsPerSecond, float64(events)/o.PeakSeconds)
		o.PeakBytesPerSecond = max(o.BytesPerSecond, float64(bytes)/o.PeakSeconds)
	}
	o.BytesPerEvent, o.OfLog = ratio(o.Bytes, o.Events), ratio(o.Bytes, l.Bytes)
	o.Rules = byRule(all, rules, lines, o)
	o.shares(all)
	o.Unknown = p.unknown(all, l)
	o.Savings = savings(all, o)
	return o, nil
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// ruleLines are the lines of the rules.
func ruleLines(read *policy.Policy) ([]int, error) {
	root, err := document.Parse("policy", read.Bytes())
	if err != nil {
		return nil, err
	}
	lines := make([]int, len(read.V1.Rules))
	for i := range lines {
		if node, whole := document.Find(root, fmt.Sprintf("rules[%d]", i)); whole {
			lines[i] = node.Line
		}
	}
	return lines, nil
}

func byRule(all []written, rules []decided, lines []int, o Outcome) []Rule {
	found := make([]Rule, len(rules))
	for i, d := range rules {
		found[i] = Rule{Index: i, Level: string(d.level)}
		if i < len(lines) {
			found[i].Line = lines[i]
		}
	}
	found[len(rules)-1].Index = -1
	for _, w := range all {
		r := &found[w.rule]
		r.Decided += w.requests()
		r.Events += w.events
		r.Bytes += w.bytes
	}
	for i := range found {
		r := &found[i]
		r.Dead = r.Decided == 0
		r.OfEvents, r.OfBytes = ratio(r.Events, o.Events), ratio(r.Bytes, o.Bytes)
	}
	return found
}
