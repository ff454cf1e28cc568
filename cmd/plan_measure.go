// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/measure"
	"github.com/auditsetup/auditsetup/measure/scrape"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// measuring is the flags that say where a load can be measured.
type measuring struct {
	logs, metrics       []string
	kubeconfig, context string
	interval            time.Duration
}

func (m *measuring) addMeasuring(f *pflag.FlagSet) {
	f.StringArrayVar(&m.logs, "from-log", nil, "measure the load in an audit log: a file with its rotated copies, a folder, or - ; repeatable")
	f.StringArrayVar(&m.metrics, "from-metrics", nil, "measure the load in the metrics of an API server: a URL, kubeconfig, or a saved scrape; two of those are taken as earlier and later")
	f.StringVar(&m.kubeconfig, "kubeconfig", "", "credentials for --from-metrics (default: as kubectl)")
	f.StringVar(&m.context, "context", "", "context of the kubeconfig for --from-metrics")
	f.DurationVar(&m.interval, "interval", scrape.DefaultWait, "how long to wait between two scrapes of --from-metrics")
}

// measured is what was found in metrics and logs.
type measured struct {
	found []foundInput
	notes []string
	// all is everything that was found, the metrics first.
	all []measure.Measured
}

// foundInput is a number of the load that was measured.
type foundInput struct {
	Flag string `json:"flag"`
	Text string `json:"text"`
}

func (m measured) inputs() []foundInput { return append([]foundInput{}, m.found...) }

// lines are for reading.
func (m measured) lines() []string {
	lines := make([]string, len(m.found))
	for i, f := range m.found {
		lines[i] = fmt.Sprintf("%s: %s", f.Flag, f.Text)
	}
	for _, one := range m.all {
		lines = append(lines, details(one)...)
	}
	return lines
}

// details are what was found beside the numbers that the plan takes: by level, by
// verb, and how uneven it was.
func details(m measure.Measured) []string {
	var lines []string
	part := func(of, all int64) string { return fmt.Sprintf("%.3g %%", 100*float64(of)/float64(max(all, 1))) }
	list := func(what string, parts []string) {
		if len(parts) > 0 {
			lines = append(lines, what+" of "+m.Of+": "+strings.Join(parts, ", "))
		}
	}
	var levels, verbs []string
	for _, l := range m.Levels {
		if l.Requests == 0 {
			continue
		}
		text := l.Level + " " + part(l.Requests, m.Requests.Count) + " of requests"
		if l.Sizes.Max > 0 {
			text += fmt.Sprintf(" at %.0f bytes an event, 99 %% up to %d", l.Sizes.Mean, l.Sizes.P99)
		}
		levels = append(levels, text)
	}
	for _, v := range m.Verbs[:min(len(m.Verbs), 6)] {
		if v.Requests > 0 {
			verbs = append(verbs, v.Verb+" "+part(v.Requests, m.Requests.Count))
		}
	}
	list("levels", levels)
	list("verbs", verbs)
	if m.LongRunningShare > 0 {
		lines = append(lines, fmt.Sprintf("long-running requests of %s: %.3g %%", m.Of, 100*m.LongRunningShare))
	}
	if r := m.Events; r.Peak1s > 0 {
		lines = append(lines, fmt.Sprintf("events/s of %s: %.3g over all, %.3g in the busiest minute, %.3g in the busiest 10 s, %.3g in the busiest second", m.Of, r.Mean, r.Peak60s, r.Peak, r.Peak1s))
	}
	return lines
}

// measure lays what is measured over the spec file, and below the flags. Of
// both, metrics know all requests and so the rate, and a log knows the sizes.
func (m *measuring) measure(c *cobra.Command, io Streams, files *inputs, in *setup.Input) (measured, error) {
	if !m.asked() {
		return measured{}, m.idle(c.Flags())
	}
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var all []measure.Measured
	var problems error
	for _, from := range []struct {
		flag  string
		names []string
		read  func(context.Context, Streams) (measure.Measured, error)
	}{{"--from-metrics", m.metrics, m.fromMetrics}, {"--from-log", m.logs, m.fromLogs}} {
		if len(from.names) == 0 {
			continue
		}
		if slices.Contains(from.names, "-") {
			if err := files.take(from.flag); err != nil {
				problems = combine(problems, err)
				continue
			}
		}
		one, err := whileWanted(ctx, func() (measure.Measured, error) { return from.read(ctx, io) })
		if ctx.Err() != nil {
			return measured{}, document.Problem{What: "interrupted: nothing is planned"}
		}
		if problems = combine(problems, err); err == nil {
			all = append(all, one)
		}
	}
	if problems != nil {
		return measured{}, problems
	}
	return m.lay(c.Flags(), in, all), nil
}

// whileWanted gives up on what does not end with ctx, such as opening a pipe into
// which nobody writes: no signal gets a read out of that. What does end gets a
// second to leave the terminal as it was.
func whileWanted(ctx context.Context, read func() (measure.Measured, error)) (measure.Measured, error) {
	var found measure.Measured
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		found, err = read()
	}()
	select {
	case <-done:
		return found, err
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	return measure.Measured{}, ctx.Err()
}

func (m *measuring) asked() bool { return len(m.logs)+len(m.metrics) > 0 }

// idle refuses flags that would do nothing.
func (m *measuring) idle(flags *pflag.FlagSet) error {
	var problems document.Problems
	for _, name := range []string{"kubeconfig", "context", "interval"} {
		if flags.Changed(name) {
			problems.Add("--"+name, "does nothing without --from-metrics", "add --from-metrics kubeconfig, or leave it out")
		}
	}
	return problems.Err()
}

func (m *measuring) fromMetrics(ctx context.Context, io Streams) (measure.Measured, error) {
	if m.interval < time.Second || m.interval > time.Hour {
		return measure.Measured{}, usageError{document.Problem{File: "--interval", What: fmt.Sprintf("must be 1s to 1h, not %s", m.interval), Hint: "30s is long enough for a mean"}}
	}
	d := newDisplay(io)
	found, err := scrape.Measure(ctx, m.metrics, scrape.Options{
		Kubeconfig: m.kubeconfig, Context: m.context, Wait: m.interval, Stdin: io.In,
		Waiting: func(left time.Duration) {
			d.doing(fmt.Sprintf("waiting %s for the second scrape", left.Round(time.Second)))
		},
	})
	d.close(err == nil)
	return found, err
}

func (m *measuring) fromLogs(ctx context.Context, io Streams) (measure.Measured, error) {
	files, err := auditlog.Find(m.logs...)
	if err != nil {
		return measure.Measured{}, err
	}
	var t measure.Tally
	report, err := auditlog.Read(ctx, files, io.In, t.Add)
	if err != nil {
		return measure.Measured{}, err
	}
	say(io.Err, "warning", report.Remarks())
	return measure.FromLog(&t, report)
}

// lay puts the numbers into the load. Metrics come first, so that a log fills in
// the sizes.
func (m *measuring) lay(flags *pflag.FlagSet, in *setup.Input, all []measure.Measured) measured {
	rate := 0.0
	if flags.Changed("rate") && in.Spec.Load.RequestsPerSecond != nil {
		rate = *in.Spec.Load.RequestsPerSecond
	}
	found := measured{all: all}
	taken := map[string]bool{}
	for i, one := range all {
		by := "--from-log"
		if i == 0 && len(m.metrics) > 0 {
			by = "--from-metrics"
		}
		inputs := one.Inputs(rate)
		l := &in.Spec.Load
		for _, f := range []struct {
			over  []string
			value float64
			path  string
			into  **float64
			// instead is what a spec file may say in other words.
			instead func()
		}{
			{[]string{"rate", "cluster-rate"}, inputs.RequestsPerSecond, "load.requestsPerSecond", &l.RequestsPerSecond, func() { l.ClusterRequestsPerSecond = nil }},
			{[]string{"mean-rate", "peak-factor", "cluster-rate"}, inputs.MeanRequestsPerSecond, "load.meanRequestsPerSecond", &l.MeanRequestsPerSecond, func() { l.PeakFactor = nil }},
			{[]string{"events-per-request"}, inputs.EventsPerRequest, "load.eventsPerRequest", &l.EventsPerRequest, func() {}},
			{[]string{"bytes-per-event"}, inputs.BytesPerEvent, "load.bytesPerEvent", &l.BytesPerEvent, func() {}},
		} {
			if f.value > 0 && !taken[f.path] && !slices.ContainsFunc(f.over, flags.Changed) {
				taken[f.path] = true
				value := f.value
				*f.into = &value
				in.Origins.Flag(f.path, by)
				f.instead()
			}
		}
		found.tell(inputs, one, taken)
	}
	return found
}

// tell keeps the sources of the numbers that were taken, and the notes.
func (m *measured) tell(inputs measure.Inputs, from measure.Measured, taken map[string]bool) {
	path := map[string]string{"--rate": "load.requestsPerSecond", "--events-per-request": "load.eventsPerRequest", "--bytes-per-event": "load.bytesPerEvent"}
	for _, s := range inputs.Sources {
		told := false
		for _, f := range m.found {
			told = told || f.Flag == s.Flag
		}
		if taken[path[s.Flag]] && !told {
			m.found = append(m.found, foundInput{s.Flag, s.Text})
		}
	}
	m.notes = append(append(m.notes, from.Notes...), inputs.Notes...)
	for _, what := range from.Unknown {
		m.notes = append(m.notes, "not to be known from "+from.Of+": "+what)
	}
}
