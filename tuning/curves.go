// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

// Curve is a picture of what a load does over time, or with the rate: one x
// axis, some lines over it, and limits across it. It says what is to be drawn
// and never how.
type Curve struct {
	// Name tells pictures apart and never changes its meaning: "webhook.rate",
	// "webhook.stall", "webhook.outage", "log.stall" or "disk".
	Name string `json:"name"`
	// Title is one line in words, Note a sentence or two on how to read it.
	Title string `json:"title"`
	Note  string `json:"note"`
	// X and Y are the axes.
	X Axis `json:"x"`
	Y Axis `json:"y"`
	// Lines all share both axes. Never empty.
	Lines []Line `json:"lines"`
	// Limits are straight lines across the picture. May be empty.
	Limits []Limit `json:"limits"`
}

// Axis is what one axis counts. It runs from 0 to Max, in steps that are the
// drawer's to choose.
type Axis struct {
	// Label is in words, such as "requests at one API server".
	Label string `json:"label"`
	// Unit is "requests/s", "events/s", "events", "bytes", "s" or "days".
	// Bytes are plain bytes and seconds plain seconds; see [FormatBytes].
	Unit string `json:"unit"`
	// Max is above 0, finite, and no smaller than any point or limit that
	// should be seen.
	Max float64 `json:"max"`
}

// Line is one line of a [Curve]: straight from point to point.
type Line struct {
	// Name tells lines of a curve apart, such as "demand", "capacity" or
	// "lost"; Label is for the legend, in words.
	Name  string `json:"name"`
	Label string `json:"label"`
	// Points are sorted by X, all finite and not negative; two of the same X
	// are a jump. Never fewer than two.
	Points []Point `json:"points"`
}

// Point is in the units of the axes.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Limit is a straight line across a [Curve], such as a budget.
type Limit struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	// At is where it crosses the axis: of X, a vertical line, where Vertical
	// is set, else of Y.
	At       float64 `json:"at"`
	Vertical bool    `json:"vertical"`
}
