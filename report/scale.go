// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"strconv"

	"github.com/auditsetup/auditsetup/tuning"
)

// scale is an axis that runs from 0 to max, in the unit of the curve, with a
// tick each step. Labels are in the unit that the reader is shown.
type scale struct {
	max, step float64
	// label is the axis in words with its unit.
	label string
	// shown is the shown unit in those of the curve, such as 3600 for hours;
	// suffix follows a tick's number, such as "k".
	shown  float64
	suffix string
}

// timeSteps are the steps of an axis of time up to a day, in seconds; days go
// on by 1, 2, 5.
var timeSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 86400}

// axisScale makes the scale of an axis with at most so many steps, at least 2.
// With whole, it runs on to the next tick.
func axisScale(a tuning.Axis, most int, whole bool) scale {
	if !(a.Max > 0) || math.IsInf(a.Max, 0) {
		a.Max = 1
	}
	s := scale{max: a.Max, shown: 1}
	unit := a.Unit
	switch a.Unit {
	case "bytes", "bytes/s":
		unit, s.shown = byteUnit(a.Max)
		if a.Unit == "bytes/s" {
			unit += "/s"
		}
		s.step = nice(a.Max/s.shown/float64(most)) * s.shown
	case "s", "days":
		inSeconds := 1.0
		if a.Unit == "days" {
			inSeconds = 86400
		}
		step := timeStep(a.Max * inSeconds / float64(most))
		var length float64
		unit, length = timeUnit(step)
		s.step, s.shown = step/inSeconds, length/inSeconds
	default:
		s.suffix, s.shown = prefix(a.Max)
		s.step = nice(a.Max / float64(most))
	}
	s.label = a.Label + " (" + unit + ")"
	if whole {
		s.max = s.step * math.Ceil(a.Max/s.step-1e-9)
	}
	return s
}

// ticks are the places of the ticks, 0 and, if it is one, max among them.
func (s scale) ticks() []float64 {
	var at []float64
	for i := 0; float64(i)*s.step <= s.max*(1+1e-9); i++ {
		at = append(at, float64(i)*s.step)
	}
	return at
}

// text is the label of a tick.
func (s scale) text(at float64) string {
	if at == 0 {
		return "0"
	}
	return six(at/s.shown) + s.suffix
}

// nice is the smallest of 1, 2, 5, 10, and so on up and down, that is not below x.
func nice(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if x <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

func timeStep(least float64) float64 {
	if least <= 1 {
		return nice(least)
	}
	for _, s := range timeSteps {
		if least <= s*(1+1e-9) {
			return s
		}
	}
	return nice(least/86400) * 86400
}

func timeUnit(step float64) (string, float64) {
	switch {
	case step >= 86400:
		return "days", 86400
	case step >= 3600:
		return "h", 3600
	case step >= 60:
		return "min", 60
	}
	return "s", 1
}

// byteUnit is the largest unit that max is at least two of.
func byteUnit(max float64) (string, float64) {
	size := 1.0
	name := "bytes"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"} {
		if max < 2*size*1024 {
			break
		}
		name, size = next, size*1024
	}
	return name, size
}

// prefix shortens counts from ten thousand on.
func prefix(max float64) (string, float64) {
	switch {
	case max >= 2e9:
		return "G", 1e9
	case max >= 2e6:
		return "M", 1e6
	case max >= 1e4:
		return "k", 1e3
	}
	return "", 1
}

// six keeps six digits of a number, to be rid of float noise, and three of one
// that nobody can count to.
func six(x float64) string {
	if a := math.Abs(x); a >= 1e15 || a > 0 && a < 1e-6 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil {
		y = x
	}
	return strconv.FormatFloat(y, 'f', -1, 64)
}
