// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auditsetup/auditsetup/tuning"
)

// writeText prints a plan as a person reads it: first what it comes to, then what
// does not fit, and then every number with its formula and reason.
func (p plan) writeText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, line := range p.summary() {
		fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, warning := range p.warnings() {
		fmt.Fprintf(w, "\nwarning: %s\n  %s\n", warning.Error(), warning.Hint)
	}
	family := ""
	for _, r := range p.Result.Reasons {
		if of := familyOf(r.Name); of != family {
			family = of
			fmt.Fprintf(w, "\n%s\n", family)
		}
		name := r.Name
		if r.Flag != "" {
			name = "--" + r.Flag
			r = p.asSet(r)
		}
		fmt.Fprintf(w, "  %s   %s\n      %s\n      %s\n", name, valueText(r), r.Formula, r.Reason)
	}
	writeList(w, "measured", p.lines())
	writeList(w, "to bear in mind", p.notes)
	writeList(w, "assumed", p.Assumed)
	return nil
}

// asSet is a number as it is when the flag was set to another, which not every
// number that depends on it takes into account: warnings say so.
func (p plan) asSet(r tuning.Reason) tuning.Reason {
	if value, byHand := p.Spec.Flags[r.Flag]; byHand && value != fmt.Sprint(r.Value) {
		if d, err := time.ParseDuration(value); r.Unit == "duration" && err == nil && d.String() == fmt.Sprint(r.Value) {
			return r
		}
		r.Formula, r.Reason, r.Value = "--set "+r.Flag+"="+value, fmt.Sprintf("set by hand, in place of the computed %v", r.Value), value
	}
	return r
}

func writeList(w io.Writer, head string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", head)
	}
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

// families name the groups of a plan's numbers, by what their names begin with.
var families = map[string]string{
	"truncate": "webhook: the size of events", "batch": "webhook: batches", "delivery": "webhook: what comes of it",
	"logBatch": "log: batches", "logDelivery": "log: what comes of it", "outage": "webhook: while the receiver is gone",
	"memory": "memory of the API server", "rotation": "log: files", "cluster": "all API servers",
}

func familyOf(name string) string {
	family, _, of := strings.Cut(name, ".")
	switch {
	case !of:
		return "load of one API server"
	case families[family] == "":
		return family
	}
	return families[family]
}

// valueText is a number for reading, and for a flag as the flag takes it too.
func valueText(r tuning.Reason) string {
	plain := strings.TrimSpace(fmt.Sprint(r.Value) + " " + r.Unit)
	n, ok := asFloat(r.Value)
	switch {
	case r.Unit == "duration":
		return fmt.Sprint(r.Value)
	case r.Flag != "" || !ok:
		return plain
	case r.Unit == "bytes":
		return tuning.FormatBytes(int64(n))
	case r.Unit == "bytes/s":
		return tuning.FormatBytes(int64(n)) + "/s"
	case r.Unit == "s" && n >= 1:
		return tuning.FormatRetention(lasting(n))
	}
	if _, whole := r.Value.(float64); whole && r.Unit != "" {
		return strings.TrimSuffix(tuning.FormatRate(n, r.Unit), "/s")
	}
	return plain
}

func asFloat(v any) (float64, bool) {
	switch x := v.(type) {
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

func lasting(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// summary is what the plan comes to, by what it is about.
func (p plan) summary() [][2]string {
	r, l := p.Result, p.Load
	mix := policyName(p.Spec.Policy)
	for _, f := range p.found {
		if f.Flag == "--events-per-request" {
			mix = "the mix as measured"
		}
	}
	lines := [][2]string{
		{"load", rate(l.RequestsPerSecond, "requests") + " at peak of one API server, " + mix},
		{"events", fmt.Sprintf("%s at peak, %s; %s a day", rate(r.EventsPerSecond.Value, "events"),
			tuning.FormatBytes(int64(r.BytesPerSecond.Value))+"/s", tuning.FormatBytes(r.BytesPerDay.Value))},
	}
	if l.MeanRequestsPerSecond > 0 {
		lines[0][1] += ", " + rate(l.MeanRequestsPerSecond, "requests") + " over days"
	}
	add := func(about, text string) { lines = append(lines, [2]string{about, text}) }
	if f := r.Rotation; f != nil {
		most := "at most " + tuning.FormatBytes(f.DiskMaxBytes.Value) + " on disk"
		if p.Spec.Flags["audit-log-maxsize"] == "0" && p.Version.AtLeast(36) || f.DiskMaxBytes.Value > 1<<62 {
			most = "without limit on disk, until that is full"
		}
		add("log", fmt.Sprintf("%s, reaching back %s of the %s wanted", most,
			tuning.FormatRetention(lasting(float64(f.RetentionSeconds.Value))), tuning.FormatRetention(lasting(float64(f.RetentionWantedSeconds.Value)))))
	}
	if d := r.Delivery; d != nil {
		add("webhook", fmt.Sprintf("%d events a request at most, up to %s; sent %s after the fact at peak", r.Batch.MaxSize.Value,
			tuning.FormatBytes(d.PostMaxBytes.Value), brief(d.LatencyPeakMostSeconds.Value)))
		add("loss", lossText(d))
	} else if d := r.LogDelivery; d != nil {
		add("loss", lossText(d))
	}
	if o := r.Outage; o != nil {
		add("outage", fmt.Sprintf("of the receiver: nothing is lost in %s; in %s it is %s, and up to %s of memory when it hangs",
			brief(o.Refused.LosslessSeconds.Value), brief(l.Outage.Seconds()), several(o.Refused.LostEvents.Value, "event", "events"), tuning.FormatBytes(o.TimedOut.MemoryBytes.Value)))
	}
	if c := r.Cluster; c != nil {
		text := fmt.Sprintf("%d API servers: %s at peak, %s a day", c.Servers.Value, rate(c.EventsPerSecond.Value, "events"), tuning.FormatBytes(c.BytesPerDay.Value))
		if c.DiskMaxBytes != nil {
			text += ", " + tuning.FormatBytes(c.DiskMaxBytes.Value) + " of disk"
		}
		add("cluster", text)
	}
	return lines
}

// lossText says whether settings keep up with the peak.
func lossText(d *tuning.Delivery) string {
	if lost := d.LostEventsPerSecond; lost != nil && lost.Value > 0 {
		text := fmt.Sprintf("%s at peak are lost, since only %s can leave", rate(lost.Value, "events"), rate(d.CapacityEventsPerSecond.Value, "events"))
		if d.FullAfterSeconds != nil {
			text += ": from " + brief(d.FullAfterSeconds.Value) + " of peak on"
		}
		return text
	}
	return "none at peak; the buffer holds what comes in " + brief(d.StallSurvivedSeconds.Value)
}

// brief writes seconds for reading.
func brief(s float64) string {
	if s < 10 {
		return fmt.Sprintf("%.1fs", s)
	}
	return tuning.FormatRetention(lasting(s).Round(time.Second))
}

// rate is a rate with three digits, or all that are before the point.
func rate(perSecond float64, unit string) string {
	digits := 0
	switch {
	case perSecond < 10:
		digits = 2
	case perSecond < 100:
		digits = 1
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(perSecond, 'f', digits, 64), 64)
	if err != nil || perSecond < 0.01 {
		short = perSecond
	}
	return tuning.FormatRate(short, unit)
}
