// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/tuning"
)

// flagPaths leads from the flag under which tuning reports a problem to the
// place in the Spec at which the value was given.
var flagPaths = map[string]string{
	"--rate":               "load.requestsPerSecond",
	"--events-per-request": "load.eventsPerRequest",
	"--bytes-per-event":    "load.bytesPerEvent",
	"--stall":              "load.stall",
	"--headroom":           "load.headroom",
	"--batch-size":         "load.batchSize",
	"--max-wait":           "load.maxWait",
	"--retention":          "log.retention",
	"--disk-budget":        "log.diskBudget",
	"--backend":            "backends",
	"--max-event-size":     "webhook.maxEventSize",
	"--max-body":           "webhook.maxBody",
}

// Tuning gives the load that a Spec describes, with what it leaves out taken
// from the profile, which may be the zero one, or from tuning.Defaults. The
// texts say what was assumed. The problems are in words and sizes that cannot
// be read; whether the numbers make sense is for tuning to say.
func (s Spec) Tuning(from profiles.Profile, o Origins) (tuning.Load, []string, document.Problems) {
	l := tuning.Defaults()
	var assumed []string
	var problems document.Problems
	from.EventsPerRequest = s.strictly(from.EventsPerRequest)
	set := func(into *float64, given *float64, guess profiles.Estimate, what string) {
		switch {
		case given != nil:
			*into = *given
		case guess.Value > 0:
			*into = guess.Value
			assumed = append(assumed, fmt.Sprintf("%g %s, as profile %s was found to make: %s", guess.Value, what, from.Name, guess.Reason))
		default:
			assumed = append(assumed, fmt.Sprintf("%g %s, since nothing was said", *into, what))
		}
	}
	set(&l.RequestsPerSecond, s.Load.RequestsPerSecond, profiles.Estimate{}, "requests/s at peak")
	set(&l.EventsPerRequest, s.Load.EventsPerRequest, from.EventsPerRequest, "events per request")
	set(&l.BytesPerEvent, s.Load.BytesPerEvent, from.BytesPerEvent, "bytes per event")
	if s.Load.Headroom != nil {
		l.Headroom = *s.Load.Headroom
	}
	if s.Load.BatchSize != nil {
		l.BatchSize = *s.Load.BatchSize
		if l.BatchSize < 1 {
			problems = append(problems, o.Problem("load.batchSize", fmt.Sprintf("must be at least 1, not %d", l.BatchSize), "leave it out to have it chosen"))
		}
	}
	read := func(into *time.Duration, text, path string, parse func(string) (time.Duration, error)) {
		if text == "" {
			return
		}
		d, err := parse(text)
		if err != nil {
			problems = append(problems, o.Problem(path, err.Error(), ""))
			return
		}
		*into = d
	}
	read(&l.Stall, s.Load.Stall, "load.stall", tuning.ParseRetention)
	read(&l.MaxWait, s.Load.MaxWait, "load.maxWait", parseWait)
	read(&l.Retention, s.Log.Retention, "log.retention", tuning.ParseRetention)
	problems = append(problems, s.sizes(&l, o)...)
	if s.Webhook.MaxBody == "" && s.Load.BatchSize == nil && s.Uses(WebhookBackend) {
		l.MaxBodyBytes = defaultMaxBody
		assumed = append(assumed, "a receiver that takes "+tuning.FormatBytes(defaultMaxBody)+" as one request, since --max-body was not said")
	}
	l.Compress = s.Log.Compress
	return l, assumed, problems
}

// sizes puts the sizes that are given into the load.
func (s Spec) sizes(l *tuning.Load, o Origins) document.Problems {
	var problems document.Problems
	for _, f := range []struct {
		into       *int64
		text, path string
	}{{&l.DiskBudget, s.Log.DiskBudget, "log.diskBudget"}, {&l.MaxEventBytes, s.Webhook.MaxEventSize, "webhook.maxEventSize"}, {&l.MaxBodyBytes, s.Webhook.MaxBody, "webhook.maxBody"}} {
		if n, err := tuning.ParseBytes(f.text); f.text != "" && err != nil {
			problems = append(problems, o.Problem(f.path, err.Error(), ""))
		} else if err == nil {
			*f.into = n
		}
	}
	return problems
}

// defaultMaxBody is what a receiver is taken to accept: more than the defaults
// of fluent-bit (4 MiB) and nginx (1 MiB), less than those of Falco (12 MiB),
// fluentd and Logstash.
const defaultMaxBody = 10 << 20

// strictly is an estimate of events per request, with RequestReceived in it
// where a mode needs that stage: one event more for each request that is
// recorded.
func (s Spec) strictly(e profiles.Estimate) profiles.Estimate {
	if s.strict() && e.Value > 0 {
		e.Value = min(2*e.Value, 3)
		e.Reason += "; twice that, since mode blocking-strict needs RequestReceived too"
	}
	return e
}

// Place moves problems that tuning reports under a flag to the place at which
// the value was given, be it that flag or a line of a file.
func (o Origins) Place(ps document.Problems) document.Problems {
	moved := make(document.Problems, len(ps))
	for i, p := range ps {
		at, known := o[flagPaths[p.File]]
		if known {
			p.File, p.Line, p.Column = at.File, at.Line, at.Column
		}
		moved[i] = p
	}
	return moved
}

// parseWait reads a wait, which is shorter than what tuning.ParseRetention is
// for.
func parseWait(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a length of time: write a number with ms, s or m, such as 500ms or 1s", s)
	}
	return d, nil
}
