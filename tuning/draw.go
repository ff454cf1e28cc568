// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"slices"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// Curves draws what follows from a load: of a webhook in mode batch its rate
// against what can leave, its buffer in a stall and its memory in an outage, of
// a log in mode batch its buffer, of any log the disk. The slice is empty where
// there is nothing to draw. The error is that of [Plan].
func Curves(l Load, to Backends) ([]Curve, error) {
	r, err := Plan(l, to)
	if err != nil {
		return nil, err
	}
	curves := []Curve{}
	if r.Batch != nil {
		curves = append(curves, l.rateCurve(*r.Batch), l.stallCurve(*r.Batch), l.outageCurve(*r.Batch, *r.Outage))
	}
	if r.LogBatch != nil {
		curves = append(curves, l.stallCurve(*r.LogBatch))
	}
	if r.Rotation != nil {
		curves = append(curves, l.diskCurve(*r.Rotation))
	}
	for i := range curves {
		curves[i].fit()
	}
	return curves, nil
}

// fit makes the axes as long as what is to be seen, with some room above.
func (c *Curve) fit() {
	x, y := c.X.Max, 0.0
	for _, line := range c.Lines {
		for _, p := range line.Points {
			x, y = max(x, p.X), max(y, p.Y)
		}
	}
	for _, limit := range c.Limits {
		if limit.Vertical {
			x = max(x, limit.At)
		} else {
			y = max(y, limit.At)
		}
	}
	c.X.Max, c.Y.Max = x, max(y*1.05, 1e-9)
}

func (l Load) rateCurve(s BatchSettings) Curve {
	out, most := clean(s.queue().Capacity(l.eventsPerSecond())), 3*l.RequestsPerSecond
	full := out / l.EventsPerRequest
	lost := []Point{{0, 0}, {min(full, most), 0}}
	if full < most {
		lost = append(lost, Point{most, most*l.EventsPerRequest - out})
	}
	c := Curve{
		Name: "webhook.rate", Title: "Event rate against what the webhook can send",
		Note: "Where demand crosses capacity the buffer fills, and once it is full the difference is lost.",
		X:    Axis{Label: "requests at one API server", Unit: "requests/s", Max: most},
		Y:    Axis{Label: "events", Unit: "events/s"},
		Lines: []Line{
			{"demand", "events that arrive", []Point{{0, 0}, {most, most * l.EventsPerRequest}}},
			{"capacity", "what the throttle lets through", []Point{{0, out}, {most, out}}},
			{"lost", "lost with a full buffer", lost},
		},
		Limits: []Limit{{"peak", "peak, " + FormatRate(l.RequestsPerSecond, "requests"), l.RequestsPerSecond, true}},
	}
	if l.meanKnown() {
		c.Limits = append(c.Limits, Limit{"mean", "mean, " + FormatRate(l.meanRequests(), "requests"), l.meanRequests(), true})
	}
	return c
}

func (l Load) stallCurve(s BatchSettings) Curve {
	e, places := l.eventsPerSecond(), float64(s.BufferSize.Value)
	full, wanted := s.queue().StallSeconds(e), l.stall().Seconds()
	end := 1.5 * max(full, wanted)
	c := Curve{
		Name: string(s.Backend) + ".stall", Title: "The buffer of the " + string(s.Backend) + " in a stall",
		Note: "Nothing leaves the buffer, as when the disk stands still. What finds no place is lost.",
		X:    Axis{Label: "length of the stall", Unit: "s", Max: end},
		Y:    Axis{Label: "events", Unit: "events"},
		Lines: []Line{
			{"waiting", "waiting in the buffer, at peak", []Point{{0, 0}, {full, places}, {end, places}}},
			{"lost", "lost, at peak", []Point{{0, 0}, {full, 0}, {end, e * (end - full)}}},
		},
		Limits: []Limit{
			{"buffer", fmt.Sprintf("buffer-size, %d events", s.BufferSize.Value), places, false},
			{"stall", "stall to survive, " + FormatRetention(l.stall()), wanted, true},
		},
	}
	if s.Backend == Webhook {
		c.Note = "Nothing leaves the buffer, the worst there can be: of a receiver that stands still the buffer feels nothing, that takes memory, as in an outage."
	}
	if l.meanKnown() {
		mean := l.meanEventsPerSecond()
		at := min(places/mean, end)
		points := []Point{{0, 0}, {at, at * mean}}
		if at < end {
			points = append(points, Point{end, places})
		}
		c.Lines = append(c.Lines, Line{"waitingMean", "waiting in the buffer, at the mean rate", points})
	}
	return c
}

func (l Load) outageCurve(s BatchSettings, o Outage) Curve {
	end := 1.2 * max(o.TimedOut.HeldSeconds.Value, l.Outage.Seconds())
	c := Curve{
		Name: "webhook.outage", Title: "Memory while the receiver is gone",
		Note:  "Batches leave the buffer and are tried again; once the first are given up, as many are lost as arrive, and memory grows no further.",
		X:     Axis{Label: "length of the outage", Unit: "s", Max: end},
		Y:     Axis{Label: "memory of the API server", Unit: "bytes"},
		Lines: []Line{},
		Limits: []Limit{
			{"losslessRefused", "events are lost from here on, if tries are refused", o.Refused.LosslessSeconds.Value, true},
			{"losslessTimedOut", "and from here on, if tries time out", o.TimedOut.LosslessSeconds.Value, true},
		},
	}
	if l.Outage > 0 {
		c.Limits = append(c.Limits, Limit{"outage", "outage planned for, " + FormatRetention(l.Outage), l.Outage.Seconds(), true})
	}
	if l.MemoryBudget > 0 {
		c.Limits = append(c.Limits, Limit{"budget", "memory budget, " + FormatBytes(l.MemoryBudget), float64(l.MemoryBudget), false})
	}
	for _, of := range []struct {
		name, label string
		failure     model.Failure
		held        float64
	}{
		{"refused", "every try is refused at once", model.Refused, o.Refused.HeldSeconds.Value},
		{"timedOut", "every try times out", model.TimedOut, o.TimedOut.HeldSeconds.Value},
	} {
		bends := []float64{0, of.held, end}
		if over := l.excess(s); over > 0 {
			if full := float64(s.BufferSize.Value) / over; full < end {
				bends = append(bends, full)
			}
		}
		slices.Sort(bends)
		line := Line{Name: of.name, Label: of.label}
		for _, x := range bends {
			at := l
			at.Outage = seconds(x)
			held := at.heldEvents(s, "", of.held).Value
			line.Points = append(line.Points, Point{x, float64(at.memoryOutage(s, "", of.failure, held).Value)})
		}
		c.Lines = append(c.Lines, line)
	}
	return c
}

func (l Load) diskCurve(r RotationSettings) Curve {
	kept, wanted := l.kept(r)/day.Seconds(), l.Retention.Hours()/24
	end := min(1.25*max(min(kept, 4*wanted), wanted), 1.25*mostKept.Hours()/24)
	c := Curve{
		Name: "disk", Title: "What the log takes of the disk",
		Note: "Rotation throws the oldest file away, and the log grows no further.",
		X:    Axis{Label: "days since the log was begun", Unit: "days", Max: end},
		Y:    Axis{Label: "disk of one control-plane node", Unit: "bytes"},
		Lines: []Line{
			{"disk", "the log, at the mean rate", l.diskPoints(r, l.meanBytesPerSecond(), end)},
		},
		Limits: []Limit{
			{"budget", "disk budget, " + FormatBytes(l.DiskBudget), float64(l.DiskBudget), false},
			{"retention", "retention wanted, " + FormatRetention(l.Retention), wanted, true},
		},
	}
	if kept <= end {
		c.Limits = append(c.Limits, Limit{"kept", "as far as it reaches back, " + FormatRetention(seconds(l.kept(r))), kept, true})
	}
	if l.meanKnown() {
		c.Lines = append(c.Lines, Line{"diskPeak", "the log, at peak all the time", l.diskPoints(r, l.bytesPerSecond(), end)})
	} else {
		c.Lines[0].Label = "the log, at peak all the time"
	}
	return c
}

// diskPoints is how the log grows at a rate: first by what comes in, then, with
// compression, by what is left of it, until the oldest file goes by number or
// by age.
func (l Load) diskPoints(r RotationSettings, perSecond, end float64) []Point {
	s, size := l.space(), float64(r.MaxSizeMiB.Value)*mib
	count := l.files(r)
	if n := r.MaxAgeDays.Value; n > 0 {
		count = min(count, math.Ceil(perSecond*float64(n)*day.Seconds()/size))
	}
	whole := s.full * size / perSecond / day.Seconds()
	at := func(days float64) float64 {
		if days <= whole {
			return days * day.Seconds() * perSecond
		}
		return min(s.full*size+(days-whole)*day.Seconds()*perSecond*s.per, s.full*size+s.per*size*count)
	}
	bends := []float64{0, whole, whole + count*size/perSecond/day.Seconds(), end}
	points := []Point{}
	slices.Sort(bends)
	for _, x := range bends {
		if x <= end && (len(points) == 0 || x > points[len(points)-1].X) {
			points = append(points, Point{x, at(x)})
		}
	}
	return points
}
