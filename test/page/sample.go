// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"time"

	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/report"
	"github.com/auditsetup/auditsetup/tuning"
)

// sample is a page as the planner makes it for a load.
func sample(l tuning.Load, to tuning.Backends, profile string) (report.Page, error) {
	result, err := tuning.Plan(l, to)
	if err != nil {
		return report.Page{}, err
	}
	curves, err := tuning.Curves(l, to)
	if err != nil {
		return report.Page{}, err
	}
	p := report.Page{
		Load: []report.Fact{
			{Name: "Requests", Value: fmt.Sprintf("%g/s at one API server, at peak", l.RequestsPerSecond)},
			{Name: "Policy", Value: "profile " + profile},
			{Name: "Backends", Value: backends(to)},
			{Name: "Retention", Value: tuning.FormatRetention(l.Retention)},
			{Name: "Disk budget", Value: tuning.FormatBytes(l.DiskBudget)},
			{Name: "Stall to survive", Value: l.Stall.String()},
			{Name: "Headroom", Value: fmt.Sprintf("%g times the peak", l.Headroom)},
		},
		Result: result, Curves: curves,
		Assumed: []string{
			"1600 bytes per event, as profile recommended was found to make: 1 in 4 events a change with a body of 2750 bytes, the others 1200 bytes",
			"a receiver that takes 10 MiB as one request, since --max-body was not said",
		},
		Generated: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC),
		Version:   "v0.5.0",
	}
	for _, f := range result.Flags() {
		p.Flags = append(p.Flags, "--"+f.Name+"="+f.Value)
	}
	p.Compare, err = rows(l, to, profile)
	return p, err
}

func backends(to tuning.Backends) string {
	switch {
	case to.Log && to.Webhook:
		return "log file and webhook"
	case to.Webhook:
		return "webhook"
	}
	return "log file"
}

func rows(l tuning.Load, to tuning.Backends, current string) ([]report.Row, error) {
	var rows []report.Row
	for _, p := range profiles.All() {
		l.EventsPerRequest, l.BytesPerEvent = p.EventsPerRequest.Value, p.BytesPerEvent.Value
		r, err := tuning.Plan(l, to)
		if err != nil {
			return nil, err
		}
		row := report.Row{
			Profile: p.Name, Title: p.Title, Current: p.Name == current,
			EventsPerSecond: r.EventsPerSecond.Value, BytesPerSecond: r.BytesPerSecond.Value, BytesPerDay: r.BytesPerDay.Value,
			Caught: []string{p.Purpose}, Missed: p.Blind, Records: records(p.Cost),
		}
		if r.Rotation != nil {
			row.RetentionSeconds, row.DiskNeededBytes = r.Rotation.RetentionSeconds.Value, r.Rotation.DiskNeededBytes.Value
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// records are kinds of requests and, by what a profile costs, a level for each.
func records(cost profiles.Cost) []report.Record {
	levels := map[profiles.Cost][]string{
		profiles.Low: {"Metadata", "None", "Request"}, profiles.Medium: {"Metadata", "Request"}, profiles.High: {"RequestResponse", "Request", "Metadata", "None"},
	}[cost]
	var found []report.Record
	for i, what := range []string{"exec into a pod", "secret read", "secret written", "rights changed", "workload changed", "pod deleted", "custom resource changed", "pods listed", "anonymous request", "node's lease renewed"} {
		found = append(found, report.Record{What: what, Level: levels[i%len(levels)]})
	}
	return found
}
