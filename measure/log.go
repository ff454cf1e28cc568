// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/document"
)

// shortest is the time, in seconds, below which a rate is hardly one.
const shortest = 60

// FromLog says what the events of a log come to, which were all added to t; r is
// what auditlog.Read reported of them. The error is a document.Problem when there
// was no event at all.
//
// A request counts once, when its first event is seen: events of a request are
// found by its audit ID. Requests that the policy leaves out are not in a log, so
// those that are counted here are the audited ones.
func FromLog(t *Tally, r auditlog.Report) (Measured, error) {
	of := logName(r)
	if t.all.count == 0 {
		return Measured{}, document.Problem{File: of, What: "there is no event in it", Hint: "give a log that kube-apiserver wrote"}
	}
	m := Measured{
		Of: of, Seconds: t.clock.covered(), From: t.clock.from, To: t.clock.to,
		EventsPerRequest: float64(t.all.count) / float64(t.requests),
		BytesPerEvent:    t.all.sizes(),
		LongRunningShare: float64(t.longRunning) / float64(t.requests),
		CompressRatio:    ratio(r),
		Unknown:          []string{"requests at level None, which leave no event: the rate is that of the audited requests"},
		Notes:            []string{},
	}
	m.Requests = t.rate(t.requests, func(a amount) int64 { return a.requests })
	m.Events = t.rate(t.all.count, func(a amount) int64 { return a.events })
	m.Bytes = t.rate(t.all.sum, func(a amount) int64 { return a.bytes })
	m.Levels, m.Stages, m.Verbs = t.shares()
	t.remarks(&m, r)
	return m, nil
}

// logName is short for the files of a report.
func logName(r auditlog.Report) string {
	var last string
	for _, f := range r.Files {
		last = f.Name
	}
	switch {
	case last == "":
		return "the log"
	case len(r.Files) == 1 && last == "-":
		return "the log from the standard input"
	case len(r.Files) == 1:
		return "the log " + last
	}
	return fmt.Sprintf("the log %s and %s before it", last, several(int64(len(r.Files)-1), "file", "files"))
}

// rate has the peaks no lower than the mean: the windows begin with a second of
// the clock, and the log does not.
func (t *Tally) rate(count int64, of func(amount) int64) Rate {
	if t.clock.covered() == 0 {
		return Rate{Count: count}
	}
	r := t.clock.rates(of)
	r.Count = count
	r.Mean = float64(count) / max(1, t.clock.covered())
	r.Peak60s = max(r.Peak60s, r.Mean)
	r.Peak = max(r.Peak, r.Peak60s)
	r.Peak1s = max(r.Peak1s, r.Peak)
	return r
}

func (t *Tally) shares() ([]Level, []Stage, []Verb) {
	levels, stages, verbs := []Level{}, []Stage{}, []Verb{}
	for name, l := range t.levels {
		levels = append(levels, Level{name, l.requests, l.sizes.count, l.sizes.sum, l.sizes.sizes()})
	}
	for name, a := range t.stages {
		stages = append(stages, Stage{name[0], name[1], a.events, a.bytes})
	}
	for name, a := range t.verbs {
		verbs = append(verbs, Verb{name, a.requests, a.events, a.bytes})
	}
	slices.SortFunc(levels, func(a, b Level) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Level, b.Level))
	})
	slices.SortFunc(stages, func(a, b Stage) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Level+a.Stage, b.Level+b.Stage))
	})
	slices.SortFunc(verbs, func(a, b Verb) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Verb, b.Verb))
	})
	return levels, stages, verbs
}

// ratio is over the compressed files; 0 when there is none.
func ratio(r auditlog.Report) float64 {
	var plain, packed int64
	for _, f := range r.Files {
		if f.Compressed > 0 {
			plain += f.Bytes
			packed += f.Compressed
		}
	}
	if packed == 0 {
		return 0
	}
	return float64(plain) / float64(packed)
}

func (t *Tally) remarks(m *Measured, r auditlog.Report) {
	switch {
	case m.Seconds == 0:
		m.unknown("how long the log took, and so every rate: its events have no times that differ")
	case m.Seconds < shortest:
		m.note("the log covers no more than " + lasting(m.Seconds) + ": its rates are hardly those of a day")
	case m.Seconds < 24*time.Hour.Seconds():
		m.note("the log covers " + lasting(m.Seconds) + ": a day or a week may have higher peaks")
	}
	m.note("sizes and events per request are those under the policy that wrote this log")
	if n := r.Strays; n > 0 {
		m.note(several(n, "line", "lines") + " of the log that are no events are left out")
	}
	if t.truncated > 0 {
		m.note("the bodies of " + several(t.truncated, "event", "events") + " were taken out as too large before they were written: without truncation events are larger")
	}
	if t.timeless > 0 {
		m.note(several(t.timeless, "event", "events") + " without a time count in sizes, and not in rates")
	}
	if t.clock.late > 0 {
		m.note(several(t.clock.late, "event", "events") + " that came much too late count in sizes, and not in peaks")
	}
	if t.clock.past > 0 {
		m.note("the logs overlap, as those of several API servers do: rates are those of one, and peaks those of the busiest")
	}
}

func several(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// lasting writes a length of time in the unit that suits it.
func lasting(seconds float64) string {
	switch {
	case seconds < 2*time.Minute.Seconds():
		return three(seconds) + " s"
	case seconds < 2*time.Hour.Seconds():
		return three(seconds/time.Minute.Seconds()) + " min"
	case seconds < 48*time.Hour.Seconds():
		return three(seconds/time.Hour.Seconds()) + " h"
	}
	return three(seconds/(24*time.Hour).Seconds()) + " days"
}

// three writes a number with three digits, or all that are before the point.
func three(x float64) string {
	digits := 0
	if a := math.Abs(x); a > 0 && a < 100 {
		digits = min(9, 2-int(math.Floor(math.Log10(a))))
	}
	scale := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(x*scale)/scale, 'f', -1, 64)
}
