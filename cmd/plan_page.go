// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/report"
	"github.com/auditsetup/auditsetup/tuning"
)

// writePage writes the plan as a page that stands alone.
func (p plan) writePage(w io.Writer) error {
	rows, err := p.comparison()
	if err != nil {
		return err
	}
	curves, err := tuning.Curves(p.Load, p.Backends)
	if err != nil {
		return err
	}
	page := report.Page{
		Load: p.facts(), Result: p.Result, Curves: curves, Assumed: p.Assumed, Measured: append(p.lines(), p.notes...),
		Generated: time.Now(), Version: toolVersion(),
	}
	for _, f := range p.tuned() {
		page.Flags = append(page.Flags, "--"+f.Name+"="+f.Value)
	}
	for _, warning := range p.apart() {
		page.Warnings = append(page.Warnings, tuning.Warning{About: warning.File, What: warning.What, Hint: warning.Hint})
	}
	for _, r := range rows {
		page.Compare = append(page.Compare, r.row())
	}
	return report.HTML(w, page)
}

// facts are what was planned for.
func (p plan) facts() []report.Fact {
	l := p.Load
	facts := []report.Fact{{Name: "Peak", Value: tuning.FormatRate(l.RequestsPerSecond, "requests") + " at one API server"}}
	add := func(name, value string) { facts = append(facts, report.Fact{Name: name, Value: value}) }
	if l.MeanRequestsPerSecond > 0 {
		add("Mean", tuning.FormatRate(l.MeanRequestsPerSecond, "requests"))
	}
	if l.Servers > 1 {
		add("API servers", strconv.Itoa(l.Servers))
	}
	add("Policy", policyName(p.Spec.Policy))
	backends := make([]string, len(p.Spec.Backends))
	for i, b := range p.Spec.Backends {
		backends[i] = string(b) + " in mode " + p.Spec.ModeOf(b)
	}
	add("Backends", strings.Join(backends, ", "))
	if p.Spec.Receiver != "" {
		add("Receiver", p.Spec.Receiver)
	}
	if p.Backends.Log {
		add("Wanted", tuning.FormatRetention(l.Retention)+" of log within "+tuning.FormatBytes(l.DiskBudget))
	}
	if l.MemoryBudget > 0 {
		add("Memory budget", tuning.FormatBytes(l.MemoryBudget))
	}
	return facts
}

// row is a compared profile as the page has it.
func (c compared) row() report.Row {
	r := report.Row{
		Profile: c.Name, Title: c.Title, Current: c.Current, EventsPerSecond: c.EventsPerSecond, BytesPerSecond: c.BytesPerSecond,
		BytesPerDay: c.BytesPerDay, RetentionSeconds: c.RetentionSeconds, DiskNeededBytes: c.DiskNeededBytes,
	}
	for _, d := range c.Records {
		r.Records = append(r.Records, report.Record{What: d.What, Level: d.Level})
	}
	return r
}
