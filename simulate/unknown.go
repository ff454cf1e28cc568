// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/auditlog"
)

// receivedLess is what an event of RequestReceived lacks of one at a later stage,
// in bytes, where a log does not show it: the status, and why the request was
// allowed. Measured for package mix, mean of 2587 requests of kube-apiserver
// v1.37.1.
const receivedLess = 290

// Unknown is what a policy would have logged and the log does not show, so that
// the numbers of the Outcome are the least that it would be. Estimates are such.
type Unknown struct {
	// Events are at stages that the log leaves out, and EventBytes an estimate of
	// their size.
	Events     int64 `json:"events"`
	EventBytes int64 `json:"eventBytes"`
	// Bodies is how many bodies of requests and answers would be logged that the
	// log does not have. BodyBytes is an estimate of the size of those of which
	// the log has others alike, of the same verb and resource; Unsized are the
	// others, about which nothing is known.
	Bodies    int64 `json:"bodies"`
	BodyBytes int64 `json:"bodyBytes"`
	Unsized   int64 `json:"unsized"`
	// EstimatedBytesPerDay is BytesPerDay with the two estimates.
	EstimatedBytesPerDay int64 `json:"estimatedBytesPerDay"`
	// Why has a sentence on each. Lower case, no full stop.
	Why []string `json:"why"`
}

// means are the mean sizes of bodies by what they are about.
type means map[string]*mean

type mean struct{ requests, request, responses, response, requestManaged, responseManaged int64 }

func (p *Part) means() means {
	m := means{}
	for _, k := range p.Kinds {
		about := k.what()
		if m[about] == nil {
			m[about] = &mean{}
		}
		for _, c := range k.Cells {
			m[about].requests += c.Requests
			m[about].request += c.Request
			m[about].responses += c.Responses
			m[about].response += c.Response
			m[about].requestManaged += c.RequestManaged
			m[about].responseManaged += c.ResponseManaged
		}
	}
	return m
}

func (p *Part) unknown(all []written, l Log) Unknown {
	u := Unknown{Why: []string{}}
	means, less, ends := p.means(), p.receivedLess(), p.hasStage(auditlog.ResponseComplete)
	stages := map[string]int64{}
	var truncated int64
	for _, w := range all {
		if w.level == audit.LevelNone {
			continue
		}
		for stage, n := range w.unlogged(ends) {
			size := w.headLike()
			if stage == auditlog.RequestReceived {
				size -= less
			}
			u.Events += n
			u.EventBytes += n * max(size, 0)
			stages[stage] += n
		}
		u.bodies(w, means)
		if w.level != audit.LevelMetadata {
			for _, c := range w.Cells {
				truncated += c.Truncated
			}
		}
	}
	for _, stage := range []string{auditlog.RequestReceived, auditlog.ResponseStarted, auditlog.ResponseComplete} {
		if n := stages[stage]; n > 0 {
			u.why("%s at the stage %s, which the log leaves out: their size is estimated from the other stages", several(n, "event", "events"), stage)
		}
	}
	if n := u.Bodies - u.Unsized; n > 0 {
		u.why("%s that were logged without: their size is estimated from others of the same verb and resource", several(n, "body", "bodies"))
	}
	if u.Unsized > 0 {
		u.why("%s that were logged without, and nothing like them is in the log: their size is not known", several(u.Unsized, "body", "bodies"))
	}
	if truncated > 0 {
		u.why("%s whose bodies were taken out as too large before they were written", several(truncated, "event", "events"))
	}
	u.EstimatedBytesPerDay = perDay(sumOf(all)+u.EventBytes+u.BodyBytes, l.Seconds)
	return u
}

func (u *Unknown) why(format string, args ...any) {
	u.Why = append(u.Why, fmt.Sprintf(format, args...))
}

func sumOf(all []written) (sum int64) {
	for _, w := range all {
		sum += w.bytes
	}
	return sum
}

// unlogged are the events that the policy keeps and the log leaves out. A stage of
// which there is nothing was left out, and RequestReceived also where it is of a
// part of the requests, as when the policy of the log changed. The end of a request
// may simply not have come yet: it was left out if the log has none at all.
func (w written) unlogged(ends bool) map[string]int64 {
	found := map[string]int64{}
	requests := w.requests()
	seen := map[string]int64{}
	for _, c := range w.Cells {
		stage := c.Stage
		if stage == auditlog.Panic {
			stage = auditlog.ResponseComplete
		}
		seen[stage] += c.Events
	}
	failedLogin := w.NoUser && len(seen) == 1 && seen[auditlog.ResponseStarted] > 0
	if failedLogin {
		return found
	}
	stages := []string{auditlog.RequestReceived, auditlog.ResponseComplete}
	if w.longRunning() {
		stages = []string{auditlog.RequestReceived, auditlog.ResponseStarted, auditlog.ResponseComplete}
	}
	if ends {
		stages = stages[:len(stages)-1]
	}
	for _, stage := range stages {
		n := seen[stage]
		some := stage == auditlog.RequestReceived && n*10 < requests*9
		if w.keeps(stage) && (n == 0 || some) {
			found[stage] = requests - n
		}
	}
	return found
}

func (p *Part) hasStage(stage string) bool {
	for _, k := range p.Kinds {
		if slices.ContainsFunc(k.Cells, func(c *Cell) bool { return c.Stage == stage }) {
			return true
		}
	}
	return false
}

// headLike is the mean size of the kind's events without bodies.
func (w written) headLike() int64 {
	var events, bytes int64
	for _, c := range w.Cells {
		if c.Stage != auditlog.RequestReceived || len(w.Cells) == 1 {
			events += c.Events
			bytes += c.Head + c.Events*int64(len(w.level)-len(c.Level))
		}
	}
	if events == 0 {
		return 0
	}
	return bytes / events
}

// receivedLess is measured over the kinds that have both stages.
func (p *Part) receivedLess() int64 {
	var received, done, receivedBytes, doneBytes int64
	for _, k := range p.Kinds {
		var r, d, rb, db int64
		for _, c := range k.Cells {
			switch c.Stage {
			case auditlog.RequestReceived:
				r, rb = r+c.Events, rb+c.Head
			case auditlog.ResponseComplete:
				d, db = d+c.Events, db+c.Head
			}
		}
		if r == d {
			received, done, receivedBytes, doneBytes = received+r, done+d, receivedBytes+rb, doneBytes+db
		}
	}
	if received < 100 {
		return receivedLess
	}
	return doneBytes/done - receivedBytes/received
}

// bodies counts those that the policy keeps and the log lacks.
func (u *Unknown) bodies(w written, means means) {
	m := means[w.what()]
	for _, c := range w.Cells {
		if c.Stage == auditlog.RequestReceived || !w.keeps(c.Stage) || w.level == audit.LevelMetadata {
			continue
		}
		if c.Level == auditlog.Metadata && w.hasRequest() {
			n := c.Events
			u.Bodies += n
			u.add(n, m.requests, m.request-w.without(m.requestManaged))
		}
		if c.Level != auditlog.RequestResponse && w.level == audit.LevelRequestResponse && w.hasResponse() {
			n := c.Events
			u.Bodies += n
			u.add(n, m.responses, m.response-w.without(m.responseManaged))
		}
	}
}

func (u *Unknown) add(n, known, bytes int64) {
	if known == 0 {
		u.Unsized += n
		return
	}
	u.BodyBytes += int64(float64(n) * float64(bytes) / float64(known))
}

func (d *decided) without(managed int64) int64 {
	if d.managed {
		return managed
	}
	return 0
}

// hasRequest says that kube-apiserver records a body of such requests
// (k8s.io/apiserver pkg/endpoints/handlers).
func (k *Kind) hasRequest() bool {
	return k.hasResponse() && slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, k.Verb)
}

// hasResponse is the same for answers: none of watches and of what is passed
// through, to a pod or to an aggregated API, of which the usual ones are known.
func (k *Kind) hasResponse() bool {
	return k.Resource != "" && !k.longRunning() && !strings.HasSuffix(k.Group, "metrics.k8s.io")
}

// longRunning knows what kube-apiserver runs without a time limit
// (k8s.io/kubernetes pkg/controlplane/apiserver/config.go).
func (k *Kind) longRunning() bool {
	return k.Verb == "watch" || k.Verb == "proxy" || slices.Contains([]string{"attach", "exec", "proxy", "log", "portforward"}, k.Subresource)
}

// notes are on all policies.
func (p *Part) notes(l Log) []string {
	notes := []string{"requests at level None of the policy that wrote the log have left no trace in it: what the policies here would make of them is not known"}
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	_, gaps := p.Times.covered()
	switch {
	case l.Seconds == 0:
		add("the events have no times that differ, so there are no rates")
	case l.Seconds < 60:
		add("the log covers no more than %.3g s: its rates are hardly those of a day", l.Seconds)
	case l.Seconds < (24 * time.Hour).Seconds():
		add("the log covers %s: a day may be different", time.Duration(l.Seconds*float64(time.Second)).Round(time.Second))
	}
	if gaps {
		add("the log has gaps of more than an hour, which do not count as time")
	}
	if n := p.Times.Timeless; n > 0 {
		add("%s without a time count in sizes, and not in peaks", several(n, "event", "events"))
	}
	if l.Strays > 0 {
		add("%s of the log that are no events are left out", several(l.Strays, "line", "lines"))
	}
	for step, what := range []string{"users that are nodes", "users that are service accounts", "paths", "all users", "all resources"} {
		if p.Blur > step {
			add("there are too many kinds of requests to tell all apart: %s are counted together", what)
		}
	}
	return notes
}

func several(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
