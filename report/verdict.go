// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/tuning"
)

// verdict is what the page says first.
type verdict struct {
	// Good is that there is no warning. Headline is one line in plain words.
	Good     bool
	Headline string
	// Holds are the wishes that are met, a sentence each.
	Holds    []string
	Warnings []tuning.Warning
}

func (p Page) verdict() verdict {
	v := verdict{}
	for _, w := range append(slices.Clone(p.Result.Warnings), p.Warnings...) {
		if !slices.Contains(v.Warnings, w) {
			v.Warnings = append(v.Warnings, w)
		}
	}
	v.Good = len(v.Warnings) == 0
	v.Holds = holds(p.Result)
	v.Headline = sentence(v.headline(p.Result))
	return v
}

func (v verdict) headline(r tuning.Result) string {
	switch n := len(v.Warnings); {
	case v.Good && len(v.Holds) > 0:
		return "It fits: " + strings.Join(v.Holds, "; ")
	case v.Good:
		return "It fits"
	case reachesShort(r):
		return fmt.Sprintf("It does not fit as asked: the log reaches back %s, not %s",
			seconds(r.Rotation.RetentionSeconds), seconds(r.Rotation.RetentionWantedSeconds))
	case n == 1:
		return "It works, with one thing to decide"
	default:
		return fmt.Sprintf("It works, with %d things to decide", n)
	}
}

// reachesShort is that the log does not reach back as far as was asked. Whether
// a second less matters is the planner's to say.
func reachesShort(r tuning.Result) bool {
	s := r.Rotation
	return s != nil && s.RetentionSeconds.Value < s.RetentionWantedSeconds.Value &&
		slices.ContainsFunc(r.Warnings, func(w tuning.Warning) bool { return w.About == aboutRetention })
}

// aboutRetention is how package tuning names the wish for a retention.
const aboutRetention = "--retention"

// holds says in words what the plan holds to.
func holds(r tuning.Result) []string {
	var met []string
	if s := r.Rotation; s != nil && !reachesShort(r) {
		met = append(met, fmt.Sprintf("%s of log in %s of disk", seconds(s.RetentionWantedSeconds), amount(s.DiskMaxBytes)))
	}
	if o := r.Outage; o != nil && keepsUp(r.Delivery) {
		lossless := min(o.Refused.LosslessSeconds.Value, o.TimedOut.LosslessSeconds.Value)
		met = append(met, fmt.Sprintf("the receiver may be gone for %s without an event lost", quantity(lossless, "s")))
	}
	if d := r.LogDelivery; d != nil {
		met = append(met, fmt.Sprintf("the disk may stand still for %s without an event lost", quantity(d.StallSurvivedSeconds.Value, "s")))
	}
	return met
}

// keepsUp is that at peak as much leaves as arrives.
func keepsUp(d *tuning.Delivery) bool {
	return d != nil && (d.LostEventsPerSecond == nil || d.LostEventsPerSecond.Value == 0)
}

func seconds(v tuning.Value[int64]) string { return numberOf(v.Name, v.Value, "s").Text }

func amount(v tuning.Value[int64]) string { return numberOf(v.Name, v.Value, "bytes").Text }
