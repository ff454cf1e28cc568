// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
)

// compared is a profile beside the others.
type compared struct {
	Row
	Events, Bytes, Day, Retention, Disk number
	// Bar is the length of its bar in percent of the longest.
	Bar pixels
	// Share is how much is caught, such as "14 of 15"; empty where nobody said.
	Share string
}

func compare(rows []Row) []compared {
	most := 0.0
	for _, r := range rows {
		most = max(most, float64(r.BytesPerDay))
	}
	var found []compared
	for _, r := range rows {
		c := compared{
			Row:       r,
			Events:    numberOf("", r.EventsPerSecond, ""),
			Bytes:     numberOf("", r.BytesPerSecond, "bytes/s"),
			Day:       numberOf("", r.BytesPerDay, "bytes"),
			Retention: numberOf("", r.RetentionSeconds, "s"),
			Disk:      numberOf("", r.DiskNeededBytes, "bytes"),
		}
		if len(r.Records) > 0 {
			c.Share = share(r.Records)
		}
		if most > 0 {
			c.Bar = pixels(max(100*float64(r.BytesPerDay)/most, 1))
		}
		found = append(found, c)
	}
	return found
}

// share says how many of some kinds of requests are recorded.
func share(records []Record) string {
	n := 0
	for _, r := range records {
		if levelOf(r.Level).Class != missed.Class {
			n++
		}
	}
	return fmt.Sprintf("%d of %d", n, len(records))
}

// matrix is which kind of request each profile records, and how.
type matrix struct {
	Profiles []Row
	Kinds    []kind
	Levels   []level
}

// kind is a row of it, a cell for each profile.
type kind struct {
	What  string
	Cells []cell
}

type cell struct {
	level
	Current bool
}

// level is an audit level as a cell shows it. Class is one of the style sheet.
type level struct{ Name, Short, Class, Meaning string }

// levels are those of audit.k8s.io/v1, missed the one that records nothing.
var (
	missed = level{"None", "–", "none", "nothing"}
	levels = []level{
		missed,
		{"Metadata", "M", "some", "who did what to which object, and when"},
		{"Request", "R", "more", "and what was sent"},
		{"RequestResponse", "RR", "most", "and what came back"},
	}
)

func levelOf(name string) level {
	i := slices.IndexFunc(levels, func(l level) bool { return l.Name == name })
	if i < 0 {
		return missed
	}
	return levels[i]
}

// matrixOf has no kinds where no profile says any.
func matrixOf(rows []Row) matrix {
	m := matrix{Levels: levels}
	for _, r := range rows {
		if len(r.Records) > 0 {
			m.Profiles = append(m.Profiles, r)
		}
		for _, record := range r.Records {
			if !slices.ContainsFunc(m.Kinds, func(k kind) bool { return k.What == record.What }) {
				m.Kinds = append(m.Kinds, kind{What: record.What})
			}
		}
	}
	for i := range m.Kinds {
		k := &m.Kinds[i]
		for _, p := range m.Profiles {
			c := cell{Current: p.Current}
			if at := slices.IndexFunc(p.Records, func(r Record) bool { return r.What == k.What }); at >= 0 {
				c.level = levelOf(p.Records[at].Level)
			}
			k.Cells = append(k.Cells, c)
		}
	}
	return m
}
