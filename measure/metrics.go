// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

const (
	// collects is how often a Go program collects garbage if nothing else has it
	// do so (runtime/proc.go, forcegcperiod), with some for delays.
	collects = 150 * time.Second
	// slack is for clocks that differ.
	slack = 5 * time.Minute
)

// interval is what a process counted in some seconds.
type interval struct {
	of       string
	from, to time.Time
	seconds  float64
	before   *Scrape // all zero for one that begins with the process
	after    *Scrape
	notes    []string
}

// FromMetrics says what a kube-apiserver counted between two scrapes, or with
// earlier nil from its start to the one. When it started anew in between, what it
// counted since is taken. The error is document.Problems, such as for scrapes that
// are the same, or of two processes.
func FromMetrics(earlier, later *Scrape) (Measured, error) {
	i, err := sinceStart(later)
	if earlier != nil {
		i, err = between(earlier, later)
	}
	if err != nil {
		return Measured{}, err
	}
	return i.measured()
}

func bad(s *Scrape, what, hint string) error {
	return document.Problems{{File: s.Name, What: what, Hint: hint}}
}

// sinceStart is for a single scrape. The time of a file that was copied is later
// than that of the scrape, which the last garbage collection tells within minutes.
func sinceStart(s *Scrape) (interval, error) {
	i := interval{of: "the metrics " + s.Name, before: &Scrape{}, after: s, from: fromUnix(s.started), to: s.At}
	if s.started == 0 {
		return i, bad(s, "has no "+startTime+": over what time it was counted is not known", "give two scrapes of the same kube-apiserver")
	}
	at := "the time of the scrape"
	if s.Saved {
		at = "the time of the file"
	}
	if last := fromUnix(s.collected); s.collected > 0 && (s.At.IsZero() || s.Saved && (s.At.Before(last.Add(-slack)) || s.At.After(last.Add(collects+slack)))) {
		i.to = last
		at = "the time of the last garbage collection, at most minutes before the scrape, as the time of the file does not fit"
	}
	i.seconds = i.to.Sub(i.from).Seconds()
	if i.to.IsZero() || i.seconds <= 0 {
		return i, bad(s, "when it was taken is not known: its process began at "+stamp(i.from)+", and the file is older", "give two scrapes of the same kube-apiserver")
	}
	i.notes = append(i.notes, "one scrape tells the mean from the start of the process ("+stamp(i.from)+") to "+at+" ("+stamp(i.to)+"): a peak is higher")
	return i, nil
}

func between(a, b *Scrape) (interval, error) {
	i := interval{of: "the metrics " + a.Name + " and " + b.Name, before: a, after: b, from: a.At, to: b.At, seconds: b.At.Sub(a.At).Seconds()}
	if a.Name == b.Name {
		i.of = "the metrics " + a.Name
	}
	same := a.started == b.started
	switch {
	case a.equal(b):
		return i, bad(b, "is the same scrape as "+a.Name, "scrape again some 30 s later")
	case same && a.fell(b):
		return i, bad(b, "counts less than "+a.Name+", which should be the earlier one", "give the earlier scrape first, and both of the same kube-apiserver")
	case !same && b.started < a.started:
		return i, bad(b, "is of a process that began before that of "+a.Name, "give the earlier scrape first, and both of the same kube-apiserver")
	case !same && !a.At.IsZero() && fromUnix(b.started).Before(a.At.Add(-time.Second)):
		return i, bad(b, "is of another kube-apiserver than "+a.Name+": both ran at that time", "name one of them by its own address, and not a load balancer's")
	case !same:
		i, err := sinceStart(b)
		i.notes = append(i.notes, "kube-apiserver started anew between the scrapes: what it counted since is taken")
		return i, err
	case a.At.IsZero() || b.At.IsZero():
		return i, bad(b, "how long after "+a.Name+" it was taken is not known", "scrape the URL itself, or keep the times of the files")
	case i.seconds <= 0:
		return i, bad(b, "is not later than "+a.Name+" by the times of the files", "keep the times of the files when they are copied: cp -p")
	}
	if apart := math.Abs(i.seconds - (b.collected - a.collected)); a.Saved && b.Saved && a.collected > 0 && b.collected > 0 && apart > collects.Seconds() {
		return i, bad(b, fmt.Sprintf("by the files it was taken %s after %s, by the process itself %s", lasting(i.seconds), a.Name, lasting(b.collected-a.collected)),
			"keep the times of the files when they are copied: cp -p")
	}
	return i, nil
}

// equal says that nothing was counted in between. Asking for the metrics makes
// audit events and other requests go on all the time, so that is never so.
func (s *Scrape) equal(b *Scrape) bool {
	return s.started == b.started && s.collected == b.collected && s.events == b.events &&
		maps.Equal(s.requests, b.requests) && maps.Equal(s.levels, b.levels)
}

// fell says that a counter is lower in b, which only a new process can do.
func (s *Scrape) fell(b *Scrape) bool {
	for _, pair := range [][2]map[string]float64{{s.requests, b.requests}, {s.levels, b.levels}, {s.lost, b.lost}} {
		for name, value := range pair[0] {
			if pair[1][name] < value {
				return true
			}
		}
	}
	return b.events < s.events
}

func (i interval) measured() (Measured, error) {
	m := Measured{Of: i.of, Seconds: i.seconds, From: i.from, To: i.to, AllRequests: true, Levels: []Level{}, Stages: []Stage{}, Verbs: []Verb{}, Notes: i.notes,
		Unknown: []string{"peaks within that time", "sizes of events"}}
	if m.Notes == nil {
		m.Notes = []string{}
	}
	requests := growth(i.before.requests, i.after.requests)
	counted := total(requests)
	for verb, n := range requests {
		m.Verbs = append(m.Verbs, Verb{Verb: verb, Requests: n})
		if verb == "WATCH" || verb == "WATCHLIST" || verb == "CONNECT" {
			m.LongRunningShare += float64(n) / float64(counted)
		}
	}
	slices.SortFunc(m.Verbs, func(a, b Verb) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Verb, b.Verb))
	})
	i.audited(&m, counted)
	if m.Requests.Count == 0 {
		return m, bad(i.after, "no request was counted in "+lasting(i.seconds), "scrape again some 30 s later")
	}
	m.note(fmt.Sprintf("%s open long-running requests at the end; %s counts one when it ends", three(i.after.open), requestTotal))
	return m, nil
}

// audited takes what is counted by the audit filter, which is exact, and where
// there is no auditing what is counted of finished requests.
func (i interval) audited(m *Measured, counted int64) {
	levels := growth(i.before.levels, i.after.levels)
	passed := total(levels)
	if passed == 0 {
		m.Requests = i.rate(counted)
		m.unknown("events: auditing is off, or nothing passed it")
		m.note(requestTotal + " leaves out failed authentication, aggregated APIs and some paths outside the API such as /version, which are audited all the same")
		return
	}
	m.Requests = i.rate(passed)
	m.Events = i.rate(int64(math.Round(i.after.events - i.before.events)))
	m.EventsPerRequest = float64(m.Events.Count) / float64(passed)
	m.NoneShare = float64(levels["None"]) / float64(passed)
	for level, n := range levels {
		m.Levels = append(m.Levels, Level{Level: level, Requests: n})
	}
	slices.SortFunc(m.Levels, func(a, b Level) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Level, b.Level))
	})
	m.note("requests and events are those that the audit filter counted, under the policy in force then; by verb there is " + requestTotal)
	lost := growth(i.before.lost, i.after.lost)
	maps.DeleteFunc(lost, func(_ string, n int64) bool { return n == 0 })
	if m.Lost = lost; len(lost) > 0 {
		m.note(several(total(lost), "event was", "events were") + " lost in this time: the settings in force are too small for it")
	}
}

func (i interval) rate(count int64) Rate {
	return Rate{Count: count, Mean: float64(count) / i.seconds}
}

func growth(before, after map[string]float64) map[string]int64 {
	all := map[string]int64{}
	for name, value := range after {
		all[name] = int64(math.Round(value - before[name]))
	}
	return all
}

func total(m map[string]int64) int64 {
	var sum int64
	for _, n := range m {
		sum += n
	}
	return sum
}

func fromUnix(seconds float64) time.Time {
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
