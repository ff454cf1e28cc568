// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/tuning"
)

// chart is a curve for the template: drawn twice, since text that is readable
// on a desk is not when the same picture is shrunk to a phone, and as a table.
type chart struct {
	ID, Title, Note string
	Drawings        []drawing
	Table           curveTable
}

// drawing is one SVG, with all numbers in units of its view box.
type drawing struct {
	// ID is unique in the page, Class is "wide" or "narrow".
	ID, Class   string
	Title, Desc string
	// Width and Height are the view box, Left to Bottom the plot in it, ClipTop
	// to ClipHeight the plot and half of a line more.
	Width, Height, Left, Right, Bottom       pixels
	ClipLeft, ClipTop, ClipWidth, ClipHeight pixels
	X, Y                                     []tick
	// Strokes are the limits, then the lines, Area is below the first line.
	Strokes []stroke
	Area    string
	Labels  []label
	// Unplaced are labels for which there was no room: shown below the picture.
	Unplaced []label
}

// pixels prints with one digit, so that the same page has the same bytes on
// every machine.
type pixels float64

func (p pixels) String() string {
	return strconv.FormatFloat(math.Round(float64(p)*10)/10, 'f', -1, 64)
}

type tick struct {
	At, Low pixels
	Text    string
}

// stroke has a class of the style sheet: line0 to line4, or limit0 to limit2.
type stroke struct{ Class, Path string }

// label has a class as strokes have, or that of an axis.
type label struct {
	Class, Anchor string
	X             pixels
	Rows          []row
}

type row struct {
	Y    pixels
	Text string
}

// kinds of strokes that the style sheet knows; more lines than that begin again.
const lineKinds, limitKinds = 5, 3

// A label is rather put on a limit, which is thin and straight, than on a line.
const lineWeight, limitWeight = 40, 15

func chartOf(index int, c tuning.Curve) chart {
	ch := chart{ID: fmt.Sprintf("curve%d", index), Title: c.Title, Note: c.Note}
	ch.Drawings = []drawing{draw(c, 560, 300, 7), draw(c, 320, 260, 5)}
	for i, class := range []string{"wide", "narrow"} {
		d := &ch.Drawings[i]
		d.ID, d.Class, d.Title, d.Desc = ch.ID+"-"+class, class, heading(c.Title), describe(c)
	}
	ch.Table = tableOf(c)
	return ch
}

// canvas maps a curve's units to places.
type canvas struct {
	plot box
	x, y scale
}

func (c canvas) place(p tuning.Point) xy {
	return xy{c.plot.x0 + p.X/c.x.max*(c.plot.x1-c.plot.x0), c.plot.y1 - p.Y/c.y.max*(c.plot.y1-c.plot.y0)}
}

func (c canvas) line(points []tuning.Point) []xy {
	var line []xy
	for _, p := range points {
		line = append(line, c.place(p))
	}
	return line
}

func draw(c tuning.Curve, width, height float64, steps int) drawing {
	cv := canvas{x: axisScale(c.X, steps, false), y: axisScale(c.Y, 5, true)}
	d := drawing{Width: pixels(width), Height: pixels(height)}
	left, right := 0.0, 18.0
	for _, at := range cv.y.ticks() {
		left = max(left, textWidth(cv.y.text(at)))
	}
	for _, at := range cv.x.ticks() {
		right = max(right, textWidth(cv.x.text(at))/2+2)
	}
	above, below := clipped(wrapped(cv.y.label, width-10), 2), clipped(wrapped(cv.x.label, width-left-20), 2)
	cv.plot = box{left + 12, float64(len(above))*rowHeight + 14, width - right, height - float64(len(below))*rowHeight - 26}
	d.Left, d.Right, d.Bottom = pixels(cv.plot.x0), pixels(cv.plot.x1), pixels(cv.plot.y1)
	clip := cv.plot.grown(2)
	d.ClipLeft, d.ClipTop, d.ClipWidth, d.ClipHeight = pixels(clip.x0), pixels(clip.y0), pixels(clip.x1-clip.x0), pixels(clip.y1-clip.y0)
	d.Labels = append(d.Labels, text("axis", "start", 2, fontSize, above), text("axis", "end", cv.plot.x1, cv.plot.y1+20+rowHeight, below))
	for _, at := range cv.x.ticks() {
		p := cv.place(tuning.Point{X: at})
		d.X = append(d.X, tick{pixels(p.x), pixels(p.y + 18), cv.x.text(at)})
	}
	for _, at := range cv.y.ticks() {
		p := cv.place(tuning.Point{Y: at})
		d.Y = append(d.Y, tick{pixels(p.y), pixels(p.y + 4), cv.y.text(at)})
	}
	d.strokes(c, cv)
	return d
}

// strokes adds the limits and lines of the curve with their labels.
func (d *drawing) strokes(c tuning.Curve, cv canvas) {
	p := placer{bounds: box{cv.plot.x0 + 2, cv.plot.y0 - 2, cv.plot.x1 + 12, cv.plot.y1 - 2}}
	var names []label
	add := func(class, words string, weight float64, points []tuning.Point) {
		line := cv.line(points)
		d.Strokes = append(d.Strokes, stroke{class, path(line)})
		p.lines = append(p.lines, obstacle{visible(line, cv.plot), weight})
		names = append(names, label{Class: class, Rows: []row{{Text: words}}})
	}
	for i, l := range c.Limits {
		from, to := tuning.Point{Y: l.At}, tuning.Point{X: cv.x.max, Y: l.At}
		if l.Vertical {
			from, to = tuning.Point{X: l.At}, tuning.Point{X: l.At, Y: cv.y.max}
		}
		if to.X <= cv.x.max*(1+1e-9) && to.Y <= cv.y.max*(1+1e-9) {
			add(fmt.Sprintf("limit%d", i%limitKinds), l.Label, limitWeight, []tuning.Point{from, to})
		}
	}
	for i, l := range c.Lines {
		add(fmt.Sprintf("line%d", i%lineKinds), l.Label, lineWeight, l.Points)
	}
	if len(c.Lines) > 0 {
		d.Area = area(cv.line(c.Lines[0].Points), cv.plot.y1)
	}
	for i, l := range names {
		s, ok := p.place(spots(l.Rows[0].Text, p.lines[i].line, cv.plot.x1-cv.plot.x0), i)
		if !ok {
			d.Unplaced = append(d.Unplaced, l)
			continue
		}
		d.Labels = append(d.Labels, text(l.Class, "middle", (s.x0+s.x1)/2, s.y0+fontSize, s.rows))
	}
}

// text is a label of several rows, the first one's base line at y.
func text(class, anchor string, x, y float64, rows []string) label {
	l := label{Class: class, Anchor: anchor, X: pixels(x)}
	for i, r := range rows {
		l.Rows = append(l.Rows, row{pixels(y + float64(i)*rowHeight), r})
	}
	return l
}

func path(line []xy) string {
	var b strings.Builder
	for i, p := range line {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0])
		b.WriteString(pixels(p.x).String() + " " + pixels(p.y).String())
	}
	return b.String()
}

// area closes the line along the axis.
func area(line []xy, base float64) string {
	if len(line) == 0 {
		return ""
	}
	return path(append(slices.Clone(line), xy{line[len(line)-1].x, base}, xy{line[0].x, base})) + "Z"
}

// visible keeps of a line what lies in the plot, so that its label is put where
// it can be seen. A line that leaves and comes back is cut at the first exit.
func visible(line []xy, plot box) []xy {
	var kept []xy
	for _, p := range line {
		inside := plot.grown(0.5).holds(box{p.x, p.y, p.x, p.y})
		if inside || len(kept) == 0 {
			kept = append(kept, p)
			continue
		}
		a := kept[len(kept)-1]
		t := 1.0
		if p.y < plot.y0 {
			t = min(t, (plot.y0-a.y)/(p.y-a.y))
		}
		if p.x > plot.x1 {
			t = min(t, (plot.x1-a.x)/(p.x-a.x))
		}
		return append(kept, xy{a.x + t*(p.x-a.x), a.y + t*(p.y-a.y)})
	}
	return kept
}
