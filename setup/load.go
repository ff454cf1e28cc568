// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"strings"
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
	"--mean-rate":          "load.meanRequestsPerSecond",
	"--servers":            "load.servers",
	"--outage":             "load.outage",
	"--memory-budget":      "load.memoryBudget",
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
// from a guess, which may be the zero one, or from tuning.Defaults. The
// texts say what was assumed. The problems are in words and sizes that cannot
// be read; whether the numbers make sense is for tuning to say.
func (s Spec) Tuning(from Guess, o Origins) (tuning.Load, []string, document.Problems) {
	w := weighing{spec: s, from: o, load: tuning.Defaults()}
	w.rates()
	if s.strict() {
		from = from.strictly()
	}
	w.estimate(&w.load.EventsPerRequest, s.Load.EventsPerRequest, from.EventsPerRequest, from, "events per request")
	w.estimate(&w.load.BytesPerEvent, s.Load.BytesPerEvent, from.BytesPerEvent, from, "bytes per event")
	if s.Load.Headroom != nil {
		w.load.Headroom = *s.Load.Headroom
	}
	if s.Load.BatchSize != nil {
		w.load.BatchSize = *s.Load.BatchSize
		if w.load.BatchSize < 1 {
			w.add("load.batchSize", fmt.Sprintf("must be at least 1, not %d", w.load.BatchSize), "leave it out to have it chosen")
		}
	}
	w.span(&w.load.Stall, s.Load.Stall, "load.stall", tuning.ParseRetention)
	w.span(&w.load.Outage, s.Load.Outage, "load.outage", tuning.ParseRetention)
	w.span(&w.load.MaxWait, s.Load.MaxWait, "load.maxWait", parseWait)
	w.backoff()
	w.span(&w.load.Retention, s.Log.Retention, "log.retention", tuning.ParseRetention)
	w.sizes()
	w.load.Compress = s.Log.Compress
	w.byHand()
	return w.load, w.assumed, w.problems
}

// weighing is a Spec on its way to be a load.
type weighing struct {
	spec     Spec
	from     Origins
	load     tuning.Load
	assumed  []string
	problems document.Problems
}

func (w *weighing) add(path, what, hint string) {
	w.problems = append(w.problems, w.from.Problem(path, what, hint))
}

func (w *weighing) estimate(into *float64, given *float64, guess profiles.Estimate, from Guess, what string) {
	switch {
	case given != nil:
		*into = *given
	case guess.Value > 0:
		*into = guess.Value
		w.assumed = append(w.assumed, fmt.Sprintf("%g %s, as %s: %s", guess.Value, what, from.Of, guess.Reason))
	default:
		w.assumed = append(w.assumed, fmt.Sprintf("%g %s, since nothing was said", *into, what))
	}
}

// span reads a length of time.
func (w *weighing) span(into *time.Duration, text, path string, parse func(string) (time.Duration, error)) {
	if text == "" {
		return
	}
	d, err := parse(text)
	if err != nil {
		w.add(path, err.Error(), "")
		return
	}
	*into = d
}

// backoff reads the wait before a failed request is tried again. To tuning 0
// means upstream's own.
func (w *weighing) backoff() {
	text := w.spec.Webhook.InitialBackoff
	if text == "" {
		return
	}
	d, err := parseWait(text)
	if err != nil {
		w.add("webhook.initialBackoff", err.Error(), "")
		return
	}
	w.tries(d, "webhook.initialBackoff", "")
}

// tries puts that wait into the load. Without one all tries are over at once, and
// nothing that is told of an outage holds.
func (w *weighing) tries(wait time.Duration, path, about string) {
	if wait < time.Millisecond || wait > 10*time.Minute {
		w.add(path, fmt.Sprintf("%smust be 1ms to 10m, not %s", about, wait), "10s is upstream's own default")
		return
	}
	w.load.InitialBackoff = wait
}

// sizes puts the sizes that are given into the load, and those that a receiver
// is known by.
func (w *weighing) sizes() {
	s, l := w.spec, &w.load
	for _, f := range []struct {
		into       *int64
		text, path string
	}{
		{&l.DiskBudget, s.Log.DiskBudget, "log.diskBudget"}, {&l.MemoryBudget, s.Load.MemoryBudget, "load.memoryBudget"},
		{&l.MaxEventBytes, s.Webhook.MaxEventSize, "webhook.maxEventSize"}, {&l.MaxBodyBytes, s.Webhook.MaxBody, "webhook.maxBody"},
	} {
		if n, err := tuning.ParseBytes(f.text); f.text != "" && err != nil {
			w.add(f.path, err.Error(), "")
		} else if err == nil {
			*f.into = n
		}
	}
	if !s.Uses(WebhookBackend) {
		return
	}
	known, _ := tuning.LookupReceiver(s.Receiver)
	if s.Webhook.MaxEventSize == "" {
		l.MaxEventBytes = known.MaxEventBytes
	}
	switch {
	case s.Webhook.MaxBody != "":
	case known.MaxBodyBytes > 0:
		l.MaxBodyBytes = known.MaxBodyBytes
		w.assumed = append(w.assumed, fmt.Sprintf("a receiver that takes %s as one request, which is %s by its own defaults: %s",
			tuning.FormatBytes(known.MaxBodyBytes), known.Name, known.Source))
	case s.Load.BatchSize == nil:
		l.MaxBodyBytes = defaultMaxBody
		w.assumed = append(w.assumed, "a receiver that takes "+tuning.FormatBytes(defaultMaxBody)+" as one request, since --max-body was not said")
	}
}

// defaultMaxBody is what a receiver is taken to accept: more than the defaults
// of fluent-bit (4 MiB) and nginx (1 MiB), less than those of Falco (12 MiB),
// fluentd and Logstash.
const defaultMaxBody = 10 << 20

// handFlags are the flags by which the same may be set by hand.
var handFlags = map[string][]string{
	"--batch-size":              {"audit-webhook-batch-max-size", "audit-log-batch-max-size"},
	"--max-wait":                {"audit-webhook-batch-max-wait", "audit-log-batch-max-wait"},
	"--max-event-size":          {"audit-webhook-truncate-max-event-size"},
	"--webhook-initial-backoff": {"audit-webhook-initial-backoff"},
}

// Place moves problems that tuning reports under a flag to the place at which
// the value was given, be it that flag, a line of a file, or an audit flag that
// was set by hand, which is then named.
func (o Origins) Place(ps document.Problems) document.Problems {
	moved := make(document.Problems, len(ps))
	for i, p := range ps {
		at, known := o[flagPaths[p.File]]
		hands := handFlags[p.File]
		if flag, byHand := strings.CutPrefix(p.File, "--set "); byHand {
			hands = []string{flag}
		}
		for _, flag := range hands {
			if known {
				break
			}
			if at, known = o["flags."+flag]; known {
				p.What = "--" + flag + ": " + p.What
				p.Hint = strings.Replace(p.Hint, p.File+" ", "--set "+flag+"=", 1)
			}
		}
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
