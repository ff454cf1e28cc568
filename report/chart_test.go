// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/tuning"
)

func TestTicks(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	for _, c := range []struct {
		unit   string
		max    float64
		steps  int
		label  string
		titles string
	}{
		{"events/s", 270, 5, "0 100 200", "x (events/s)"},
		{"events/s", 270, 7, "0 50 100 150 200 250", "x (events/s)"},
		{"events/s", 0.3, 5, "0 0.1 0.2 0.3", "x (events/s)"},
		{"events", 12000, 5, "0 5k 10k", "x (events)"},
		{"events", 9000, 5, "0 2000 4000 6000 8000", "x (events)"},
		{"requests/s", 3e6, 5, "0 1M 2M 3M", "x (requests/s)"},
		{"events", 4e9, 5, "0 1G 2G 3G 4G", "x (events)"},
		{"bytes", 11 * gib, 5, "0 5 10", "x (GiB)"},
		{"bytes", 1.5 * gib, 5, "0 500 1000 1500", "x (MiB)"},
		{"bytes", 900, 5, "0 200 400 600 800", "x (bytes)"},
		{"s", 231, 5, "0 1 2 3", "x (min)"},
		{"s", 90, 7, "0 15 30 45 60 75 90", "x (s)"},
		{"s", 0.5, 5, "0 0.1 0.2 0.3 0.4 0.5", "x (s)"},
		{"s", 7200, 5, "0 30 60 90 120", "x (min)"},
		{"days", 30, 6, "0 5 10 15 20 25 30", "x (days)"},
		{"days", 30, 7, "0 5 10 15 20 25 30", "x (days)"},
		{"days", 0.85, 5, "0 6 12 18", "x (h)"},
		{"days", 36500, 5, "0 10000 20000 30000", "x (days)"},
		{"events/s", 0, 5, "0 0.2 0.4 0.6 0.8 1", "x (events/s)"},
		{"events/s", math.Inf(1), 5, "0 0.2 0.4 0.6 0.8 1", "x (events/s)"},
	} {
		s := axisScale(tuning.Axis{Label: "x", Unit: c.unit, Max: c.max}, c.steps, false)
		var got []string
		for _, at := range s.ticks() {
			got = append(got, s.text(at))
		}
		if text := strings.Join(got, " "); text != c.label || s.label != c.titles {
			t.Errorf("%g %s in %d: %q, %q, not %q, %q", c.max, c.unit, c.steps, text, s.label, c.label, c.titles)
		}
	}
}

// TestWholeScale has the upper end on a tick.
func TestWholeScale(t *testing.T) {
	t.Parallel()
	for max, want := range map[float64]float64{270: 300, 300: 300, 300.1: 400, 0.7: 0.8, 1e-9: 1e-9, 11: 15} {
		if got := axisScale(tuning.Axis{Unit: "events", Max: max}, 5, true).max; math.Abs(got/want-1) > 1e-9 {
			t.Errorf("up to %g: %g, not %g", max, got, want)
		}
	}
}

func FuzzTicks(f *testing.F) {
	for _, max := range []float64{270, 0, -1, 1e-300, 1e300, math.Inf(1), math.NaN()} {
		for _, unit := range []string{"bytes", "s", "days", "events"} {
			f.Add(max, unit, uint8(5))
		}
	}
	f.Fuzz(func(t *testing.T, max float64, unit string, steps uint8) {
		most := int(steps%10) + 2
		s := axisScale(tuning.Axis{Unit: unit, Max: max}, most, true)
		ticks := s.ticks()
		if len(ticks) < 2 || len(ticks) > most+1 {
			t.Fatalf("%d ticks to %g in %q: step %g to %g", len(ticks), max, unit, s.step, s.max)
		}
		texts := map[string]bool{}
		for _, at := range ticks {
			texts[s.text(at)] = true
		}
		if len(texts) != len(ticks) {
			t.Fatalf("ticks to %g in %q read %v", max, unit, texts)
		}
	})
}

// anyCurve is a curve as tuning may draw it, and worse.
func anyCurve(r *rand.Rand) tuning.Curve {
	units := []string{"requests/s", "events/s", "events", "bytes", "s", "days"}
	axis := func() tuning.Axis {
		return tuning.Axis{Label: "some words on it", Unit: units[r.IntN(len(units))], Max: math.Pow(10, r.Float64()*18-6)}
	}
	c := tuning.Curve{Title: "a curve", X: axis(), Y: axis()}
	for i := range 1 + r.IntN(4) {
		l := tuning.Line{Label: strings.Repeat("word ", 1+r.IntN(8))}
		for range 2 + r.IntN(20) {
			l.Points = append(l.Points, tuning.Point{X: r.Float64() * c.X.Max, Y: r.Float64() * c.Y.Max * 1.2})
		}
		slices.SortFunc(l.Points, func(a, b tuning.Point) int { return int(math.Copysign(1, a.X-b.X)) })
		l.Name = fmt.Sprint(i)
		c.Lines = append(c.Lines, l)
	}
	for range r.IntN(4) {
		limit := tuning.Limit{Label: strings.Repeat("limit ", 1+r.IntN(6)), Vertical: r.IntN(2) == 0}
		limit.At = r.Float64() * map[bool]float64{true: c.X.Max, false: c.Y.Max}[limit.Vertical]
		c.Limits = append(c.Limits, limit)
	}
	return c
}

// TestLabelsApart draws hundreds of curves: no label lies on another or leaves
// the picture, and every line has its name.
func TestLabelsApart(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	unplaced := 0
	for range 300 {
		c := anyCurve(r)
		for _, d := range chartOf(0, c).Drawings {
			var boxes []box
			for _, l := range d.Labels {
				boxes = append(boxes, extent(l))
			}
			for i, a := range boxes {
				if !(box{0, 0, float64(d.Width), float64(d.Height)}).holds(a) {
					t.Errorf("%+v leaves the picture", d.Labels[i])
				}
				for j, b := range boxes[:i] {
					if a.overlaps(b) {
						t.Errorf("%+v lies on %+v", d.Labels[i], d.Labels[j])
					}
				}
			}
			if names := len(d.Labels) - 2 + len(d.Unplaced); names != len(c.Lines)+len(c.Limits) {
				t.Errorf("%d names for %d lines and %d limits", names, len(c.Lines), len(c.Limits))
			}
			unplaced += len(d.Unplaced)
		}
	}
	if unplaced > 30 {
		t.Errorf("%d labels have no place", unplaced)
	}
}

// extent is the box of a label.
func extent(l label) box {
	w := 0.0
	for _, r := range l.Rows {
		w = max(w, textWidth(r.Text))
	}
	left := float64(l.X) - w*map[string]float64{"start": 0, "middle": 0.5, "end": 1}[l.Anchor]
	top := float64(l.Rows[0].Y) - fontSize
	return box{left, top, left + w, top + float64(len(l.Rows))*rowHeight}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	b := box{10, 10, 20, 20}
	for _, c := range []struct {
		from, to xy
		want     float64
	}{
		{xy{0, 0}, xy{30, 30}, 0},
		{xy{12, 12}, xy{13, 13}, 0},
		{xy{0, 15}, xy{30, 15}, 0},
		{xy{15, 0}, xy{15, 30}, 0},
		{xy{0, 5}, xy{30, 5}, 5},
		{xy{0, 25}, xy{30, 25}, 5},
		{xy{5, 0}, xy{5, 30}, 5},
		{xy{25, 0}, xy{25, 30}, 5},
		{xy{23, 24}, xy{30, 24}, 5},
		{xy{7, 6}, xy{7, 6}, 5},
		{xy{0, 10}, xy{10, 0}, math.Sqrt(50)},
	} {
		if got := b.distance(c.from, c.to); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("from %v to %v: %g, not %g", c.from, c.to, got, c.want)
		}
		if got := b.distance(c.to, c.from); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("from %v to %v: %g, not %g", c.to, c.from, got, c.want)
		}
	}
}

func TestWrapped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width float64
		want  string
	}{
		{"", 100, ""},
		{"one two three", 1000, "one two three"},
		{"one two three", 60, "one two|three"},
		{"onetwothree", 50, "onetwo|three"},
		{"a b", 1, "a|b"},
		{"äöü", 1, "ä|ö|ü"},
	} {
		if got := strings.Join(wrapped(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %g: %q, not %q", c.text, c.width, got, c.want)
		}
	}
	if got := strings.Join(clipped([]string{"one", "two", "three"}, 2), "|"); got != "one|…" && got != "one|t…" {
		t.Errorf("clipped to %q", got)
	}
}

func TestCurveTable(t *testing.T) {
	t.Parallel()
	c := tuning.Curve{
		X: tuning.Axis{Label: "time", Unit: "s", Max: 60}, Y: tuning.Axis{Unit: "events", Max: 100},
		Lines: []tuning.Line{
			{Label: "up", Points: []tuning.Point{{X: 0, Y: 0}, {X: 60, Y: 60}}},
			{Label: "jump", Points: []tuning.Point{{X: 10, Y: 1}, {X: 20, Y: 1}, {X: 20, Y: 5}, {X: 30, Y: 5}}},
		},
		Limits: []tuning.Limit{{Label: "end", At: 45, Vertical: true}, {Label: "budget", At: 12345}},
	}
	got := fmt.Sprint(tableOf(c))
	want := "{time [up (events) jump (events)] [{0s [0 –]} {10s [10 1]} {20s [20 5]} {30s [30 5]} {1m [60 –]}] [{end 45s} {budget 12\u202f345 events}]}"
	if got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	c.Lines = c.Lines[:1]
	for i := range 100 {
		c.Lines[0].Points = append(c.Lines[0].Points, tuning.Point{X: 60 + float64(i)/1000, Y: 60})
	}
	if n := len(tableOf(c).Rows); n != 7 {
		t.Errorf("%d rows for a curve of a hundred points", n)
	}
	want = "Across: time, up to 1m. Up: , up to 100 events. Line, up: from 0 events at 0s to 60 events at 1m. Limit, end: 45s. Limit, budget: 12\u202f345 events."
	if got := describe(c); got != want {
		t.Errorf("%q\nnot\n%q", got, want)
	}
}
