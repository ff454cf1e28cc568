// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"strings"
	"unicode"
)

const (
	// fontSize is that of all text in a chart, in units of its view box, which
	// is shown at about one pixel each; rowHeight is from line to line.
	fontSize, rowHeight = 12.0, 15.0
	mostRowsOfLabel     = 3
)

// box is a rectangle, y downwards.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) overlaps(o box) bool { return b.x0 < o.x1 && o.x0 < b.x1 && b.y0 < o.y1 && o.y0 < b.y1 }

func (b box) holds(o box) bool {
	return o.x0 >= b.x0 && o.x1 <= b.x1 && o.y0 >= b.y0 && o.y1 <= b.y1
}

func (b box) grown(by float64) box { return box{b.x0 - by, b.y0 - by, b.x1 + by, b.y1 + by} }

// xy is a place in a chart.
type xy struct{ x, y float64 }

// distance is from the box to the segment, 0 where they touch.
func (b box) distance(from, to xy) float64 {
	if b.crossedBy(from, to) {
		return 0
	}
	// apart, either an end of the segment or a corner of the box is nearest
	least := min(b.away(from), b.away(to))
	for _, corner := range []xy{{b.x0, b.y0}, {b.x1, b.y0}, {b.x0, b.y1}, {b.x1, b.y1}} {
		least = min(least, corner.away(from, to))
	}
	return least
}

// crossedBy cuts the segment to what is between the sides of the box, and asks
// whether anything is left.
func (b box) crossedBy(from, to xy) bool {
	first, last := 0.0, 1.0
	for _, side := range [][3]float64{{from.x, to.x - from.x, b.x0}, {-from.x, from.x - to.x, -b.x1}, {from.y, to.y - from.y, b.y0}, {-from.y, from.y - to.y, -b.y1}} {
		start, step, limit := side[0], side[1], side[2]
		switch at := (limit - start) / step; {
		case step > 0:
			first = max(first, at)
		case step < 0:
			last = min(last, at)
		case start < limit:
			return false
		}
	}
	return first <= last
}

func (b box) away(p xy) float64 {
	return math.Hypot(max(b.x0-p.x, 0, p.x-b.x1), max(b.y0-p.y, 0, p.y-b.y1))
}

// away is how far the point is from the segment.
func (p xy) away(from, to xy) float64 {
	dx, dy := to.x-from.x, to.y-from.y
	t := 0.0
	if square := dx*dx + dy*dy; square > 0 {
		t = min(max(((p.x-from.x)*dx+(p.y-from.y)*dy)/square, 0), 1)
	}
	return math.Hypot(p.x-from.x-t*dx, p.y-from.y-t*dy)
}

// distanceTo is the least distance to a line of several points.
func (b box) distanceTo(line []xy) float64 {
	least := math.Inf(1)
	for i := 1; i < len(line); i++ {
		least = min(least, b.distance(line[i-1], line[i]))
	}
	return least
}

// textWidth guesses, rather too wide than too narrow: the reader's font is not
// known. The figures are those of DejaVu Sans, one of the widest in use.
func textWidth(s string) float64 {
	em := 0.0
	for _, r := range s {
		switch {
		case strings.ContainsRune("ijl.,:;'|!ftr()[] ", r):
			em += 0.40
		case strings.ContainsRune("mwMW%@", r):
			em += 0.98
		case unicode.IsUpper(r):
			em += 0.74
		case r > 0x2e80:
			em++
		default:
			em += 0.64
		}
	}
	return em * fontSize
}

// wrapped breaks text into rows no wider than that, where it has spaces, and
// words where one alone is wider.
func wrapped(s string, width float64) []string {
	var rows []string
	for _, word := range words(s, width) {
		if n := len(rows); n > 0 && textWidth(rows[n-1]+" "+word) <= width {
			rows[n-1] += " " + word
			continue
		}
		rows = append(rows, word)
	}
	return rows
}

// clipped keeps so many rows; all of a text that is longer is in the table.
func clipped(rows []string, most int) []string {
	if len(rows) <= most {
		return rows
	}
	last := []rune(rows[most-1])
	return append(rows[:most-1:most-1], string(last[:max(len(last)-2, 0)])+"…")
}

// words are the words of a text, cut where one is wider than that.
func words(s string, width float64) []string {
	var found []string
	for _, word := range strings.Fields(s) {
		part := ""
		for _, r := range word {
			if part != "" && textWidth(part+string(r)) > width {
				found, part = append(found, part), ""
			}
			part += string(r)
		}
		found = append(found, part)
	}
	return found
}

// placer puts labels where none lies on another, and on lines only where there
// is no other place.
type placer struct {
	bounds box
	taken  []box
	lines  []obstacle
}

// obstacle is a line that a label should not lie on, the less the heavier.
type obstacle struct {
	line   []xy
	weight float64
}

// spot is a place for a label, broken into these rows.
type spot struct {
	box
	rows []string
}

// place takes the best of some spots, of which earlier ones are better, for a
// label of the line with that index. It fails where each of them would lie on
// another label or outside.
func (p *placer) place(candidates []spot, own int) (spot, bool) {
	best, least := spot{}, math.Inf(1)
	for i, c := range candidates {
		if cost := p.cost(c.box, own) + 0.02*float64(i); cost < least {
			best, least = c, cost
		}
	}
	if math.IsInf(least, 1) {
		return spot{}, false
	}
	p.taken = append(p.taken, best.grown(3))
	return best, true
}

// cost is infinite where a label cannot be. To lie on a line is bad; to be
// nearer to another line than to its own is misleading, which is as bad.
func (p *placer) cost(c box, own int) float64 {
	if !p.bounds.holds(c) {
		return math.Inf(1)
	}
	for _, t := range p.taken {
		if t.overlaps(c) {
			return math.Inf(1)
		}
	}
	cost, mine := 0.0, c.distanceTo(p.lines[own].line)
	for i, other := range p.lines {
		d := c.distanceTo(other.line)
		if d < 1.5 || i != own && d <= mine {
			cost += other.weight
		}
	}
	return cost + max(mine-4, 0)
}

// spots are the places for a label beside a line: in as few rows as its length
// takes, and in more, narrower ones.
func spots(text string, line []xy, width float64) []spot {
	var found []spot
	seen := 0
	for _, share := range []float64{0.62, 0.42, 0.28} {
		rows := wrapped(text, width*share)
		cut := len(words(text, width*share)) > len(strings.Fields(text))
		if len(rows) == seen || seen > 0 && (cut || len(rows) > mostRowsOfLabel) {
			continue
		}
		seen = len(rows)
		rows = clipped(rows, mostRowsOfLabel)
		w := 0.0
		for _, r := range rows {
			w = max(w, textWidth(r))
		}
		for _, b := range around(line, w, float64(len(rows))*rowHeight) {
			found = append(found, spot{b, rows})
		}
	}
	return found
}

// around are the places for a label of that size beside a line: right above,
// below and next to it, from its end to its beginning.
func around(line []xy, w, h float64) []box {
	const gap = 4
	var found []box
	for i := range 41 {
		at, ok := along(line, 1-float64(i)/40)
		if !ok {
			continue
		}
		for _, x := range []float64{at.x - w, at.x - w/2, at.x} {
			found = append(found, box{x, at.y - gap - h, x + w, at.y - gap}, box{x, at.y + gap, x + w, at.y + gap + h})
		}
		for _, x := range []float64{at.x + 2*gap, at.x - 2*gap - w} {
			found = append(found, box{x, at.y - h/2, x + w, at.y + h/2})
		}
	}
	return found
}

// along is the place at that share of the line's length.
func along(line []xy, share float64) (xy, bool) {
	length := 0.0
	for i := 1; i < len(line); i++ {
		length += math.Hypot(line[i].x-line[i-1].x, line[i].y-line[i-1].y)
	}
	left := share * length
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		d := math.Hypot(b.x-a.x, b.y-a.y)
		if left <= d && d > 0 {
			t := left / d
			return xy{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)}, true
		}
		left -= d
	}
	if len(line) == 0 {
		return xy{}, false
	}
	return line[len(line)-1], true
}
