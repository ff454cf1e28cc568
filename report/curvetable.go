// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/auditsetup/auditsetup/tuning"
)

// curveTable is a curve in numbers: a row per place on the x axis, a column per
// line, and the limits.
type curveTable struct {
	X      string
	Lines  []string
	Rows   []curveRow
	Limits []Fact
}

type curveRow struct {
	X string
	Y []string
}

// mostRows keeps a table short. Curves of more points are read off at ticks.
const mostRows = 12

func tableOf(c tuning.Curve) curveTable {
	t := curveTable{X: withUnit(c.X.Label, c.X.Unit)}
	for _, l := range c.Lines {
		t.Lines = append(t.Lines, withUnit(l.Label, c.Y.Unit))
	}
	for _, x := range places(c) {
		r := curveRow{X: bare(x, c.X.Unit)}
		for _, l := range c.Lines {
			y, ok := at(l.Points, x)
			text := "–"
			if ok {
				text = bare(y, c.Y.Unit)
			}
			r.Y = append(r.Y, text)
		}
		t.Rows = append(t.Rows, r)
	}
	for _, l := range c.Limits {
		unit := c.Y.Unit
		if l.Vertical {
			unit = c.X.Unit
		}
		t.Limits = append(t.Limits, Fact{l.Label, quantity(l.At, unit)})
	}
	return t
}

// ownUnits have the unit that fits each number beside it; others stand once,
// above.
var ownUnits = []string{"bytes", "bytes/s", "s", "days"}

func withUnit(label, unit string) string {
	if slices.Contains(ownUnits, unit) || unit == "" {
		return label
	}
	return label + " (" + unit + ")"
}

func bare(x float64, unit string) string {
	if slices.Contains(ownUnits, unit) {
		return quantity(x, unit)
	}
	return quantity(x, "")
}

// places are where a curve bends, or the ticks where there are too many.
func places(c tuning.Curve) []float64 {
	var xs []float64
	for _, l := range c.Lines {
		for _, p := range l.Points {
			xs = append(xs, p.X)
		}
	}
	sort.Float64s(xs)
	if xs = slices.Compact(xs); len(xs) <= mostRows {
		return xs
	}
	return axisScale(c.X, mostRows-1, false).ticks()
}

// at reads a line off at x; after the jump where there is one. It fails outside
// of what the line covers.
func at(points []tuning.Point, x float64) (float64, bool) {
	i := sort.Search(len(points), func(i int) bool { return points[i].X > x })
	if i == 0 {
		return 0, false
	}
	a := points[i-1]
	if a.X == x {
		return a.Y, true
	}
	if i == len(points) {
		return 0, false
	}
	b := points[i]
	return a.Y + (x-a.X)/(b.X-a.X)*(b.Y-a.Y), true
}

// describe says what a picture shows, for those who cannot see it.
func describe(c tuning.Curve) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Across: %s, up to %s. Up: %s, up to %s.", c.X.Label, quantity(c.X.Max, c.X.Unit), c.Y.Label, quantity(c.Y.Max, c.Y.Unit))
	for _, l := range c.Lines {
		if len(l.Points) == 0 {
			continue
		}
		first, last, top := l.Points[0], l.Points[len(l.Points)-1], l.Points[0]
		for _, p := range l.Points {
			if p.Y > top.Y {
				top = p
			}
		}
		fmt.Fprintf(&b, " Line, %s: from %s at %s to %s at %s", l.Label,
			quantity(first.Y, c.Y.Unit), quantity(first.X, c.X.Unit), quantity(last.Y, c.Y.Unit), quantity(last.X, c.X.Unit))
		if top.Y > max(first.Y, last.Y) {
			fmt.Fprintf(&b, ", highest %s at %s", quantity(top.Y, c.Y.Unit), quantity(top.X, c.X.Unit))
		}
		b.WriteString(".")
	}
	for _, l := range tableOf(c).Limits {
		fmt.Fprintf(&b, " Limit, %s: %s.", l.Name, l.Value)
	}
	return b.String()
}
