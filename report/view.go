// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"html/template"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/tuning"
)

// view is what the templates show.
type view struct {
	Style  template.CSS
	Script template.JS
	// Policy is the content security policy.
	Policy string

	Title, Version   string
	Date, DateForAll string // as people read it, and as machines do
	Load             []Fact
	Verdict          verdict
	Tiles            []tile
	Flags            string
	Charts           []chart
	Compare          []compared
	// HasLog and HasShare are whether any profile has these columns, HasLists
	// whether any has a list.
	HasLog, HasShare, HasLists bool
	Matrix                     matrix
	Reasons                    []family
	// Count is of all reasons.
	Count    int
	Assumed  []string
	Measured []string
}

// tile is a number that matters most, with a line on it. Short is that it is
// less than what was asked for.
type tile struct {
	Title string
	number
	// Figure and Unit are its Text in two parts.
	Figure, Unit string
	Note         string
	Short        bool
}

// reasoned is a line of the table of formulas.
type reasoned struct {
	number
	Flag, Formula, Reason, Source string
}

// family are the reasons that stand in one part of a plan's JSON.
type family struct {
	Title   string
	Reasons []reasoned
}

// familyTitles are for the parts of a plan's JSON; another part is called by its name.
var familyTitles = map[string]string{
	"":            "The load",
	"truncate":    "Webhook: what is cut off large events",
	"batch":       "Webhook: batches, throttle, buffer",
	"delivery":    "Webhook: what comes of that",
	"outage":      "Webhook: when the receiver is gone",
	"logBatch":    "Log file: batches and buffer",
	"logDelivery": "Log file: what comes of that",
	"memory":      "Memory of the API server",
	"rotation":    "Log file: rotation and disk",
	"cluster":     "All API servers together",
}

// families groups reasons and keeps their order.
func families(reasons []tuning.Reason) []family {
	var found []family
	for _, r := range reasons {
		part, _, nested := strings.Cut(r.Name, ".")
		if !nested {
			part = ""
		}
		title := familyTitles[part]
		if title == "" {
			title = part
		}
		i := slices.IndexFunc(found, func(f family) bool { return f.Title == title })
		if i < 0 {
			i, found = len(found), append(found, family{Title: title})
		}
		found[i].Reasons = append(found[i].Reasons, reasoned{numberOf(r.Name, r.Value, r.Unit), r.Flag, r.Formula, r.Reason, r.Source})
	}
	return found
}

func (p Page) view() view {
	v := view{
		Title: "Audit logging: capacity plan", Version: p.Version,
		Load: p.Load, Verdict: p.verdict(), Tiles: tilesOf(p.Result), Flags: strings.Join(p.Flags, "\n"),
		Compare: compare(p.Compare), Assumed: p.Assumed, Measured: p.Measured,
	}
	has := func(what func(Row) bool) bool { return slices.ContainsFunc(p.Compare, what) }
	v.HasLog = has(func(r Row) bool { return r.RetentionSeconds > 0 || r.DiskNeededBytes > 0 })
	v.HasShare = has(func(r Row) bool { return len(r.Records) > 0 })
	v.HasLists = has(func(r Row) bool { return len(r.Caught)+len(r.Missed) > 0 })
	v.Matrix = matrixOf(p.Compare)
	if !p.Generated.IsZero() {
		v.Date, v.DateForAll = p.Generated.Format("2 January 2006, 15:04 MST"), p.Generated.Format("2006-01-02T15:04:05Z07:00")
	}
	for i, c := range p.Curves {
		v.Charts = append(v.Charts, chartOf(i, c))
	}
	v.Reasons, v.Count = families(p.Result.Reasons), len(p.Result.Reasons)
	return v
}

// tiles are the numbers to be shown large, if the plan has them, by their names
// in its JSON.
var tiles = []struct{ name, title, note string }{
	{"eventsPerSecond", "Events", "at one API server, at peak"},
	{"bytesPerDay", "Volume a day", "at one API server, uncompressed"},
	{"rotation.retentionSeconds", "Log reaches back", "at the least"},
	{"rotation.diskMaxBytes", "Disk", "at most, per control-plane node"},
	{"outage.refused.losslessSeconds", "Outage without loss", "of a receiver that refuses"},
	{"delivery.latencyPeakMostSeconds", "Event is sent within", "at the latest, at peak"},
	{"memory.mostBytes", "Memory", "at most, in a stall or an outage"},
	{"batch.bufferSize", "Buffer of the webhook", "that may wait to be sent"},
	{"logBatch.bufferSize", "Buffer of the log", "that may wait to be written"},
}

func tilesOf(r tuning.Result) []tile {
	var found []tile
	for _, t := range tiles {
		i := slices.IndexFunc(r.Reasons, func(r tuning.Reason) bool { return r.Name == t.name })
		if i < 0 {
			continue
		}
		n := numberOf(t.name, r.Reasons[i].Value, r.Reasons[i].Unit)
		figure, unit, _ := strings.Cut(n.Text, " ")
		found = append(found, withWish(tile{Title: t.title, number: n, Figure: figure, Unit: unit, Note: t.note}, r))
	}
	return found
}

// withWish says on a tile what was asked for, where that is not met.
func withWish(t tile, r tuning.Result) tile {
	if !reachesShort(r) {
		return t
	}
	switch t.Name {
	case r.Rotation.RetentionSeconds.Name:
		t.Short, t.Note = true, "asked for: "+seconds(r.Rotation.RetentionWantedSeconds)
	case r.Rotation.DiskMaxBytes.Name:
		t.Note += "; all that was asked for takes " + amount(r.Rotation.DiskNeededBytes)
	}
	return t
}
