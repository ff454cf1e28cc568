// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/report"
	"github.com/auditsetup/auditsetup/tuning"
)

// attack is what a file may be called: it leaves every kind of context, if it
// is let.
const attack = `"></title></style></script></svg></textarea>--></clipPath><script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">` +
	`'onload='alert(4)' {{.Load}} ${alert(5)} url(http://192.0.2.1/x) ` + "\u202e\u2028 \\u003cscript\\u003e"

// long has no place to be broken at.
var long = strings.Repeat("policy-of-the-department-", 12) + strings.Repeat("x", 200) + ".yaml"

// hostile is a page with an attack or something long in every field, and curves
// whose names are long and whose limits lie close together.
func hostile() report.Page {
	p := report.Page{
		Load:      []report.Fact{{Name: attack, Value: attack}, {Name: "Policy", Value: "/etc/" + long}, {Name: long, Value: "x"}},
		Flags:     []string{"--audit-policy-file=/etc/" + long, "--audit-log-path=" + attack},
		Warnings:  []tuning.Warning{{About: attack, What: attack, Hint: attack}, {About: long, What: long, Hint: long}},
		Assumed:   []string{attack, long},
		Measured:  []string{attack, long},
		Generated: time.Date(2026, 11, 22, 9, 30, 0, 0, time.FixedZone("<b>", 3600)),
		Version:   attack,
		Compare: []report.Row{
			{Profile: attack, Title: attack, Caught: []string{attack}, Missed: []string{attack, long}, EventsPerSecond: 1e300, BytesPerDay: 1, RetentionSeconds: 1,
				Records: []report.Record{{What: attack, Level: attack}, {What: long, Level: "Request"}}},
			{Profile: long, Title: long, Current: true, Caught: []string{long}, Records: []report.Record{{What: long, Level: long}, {What: "else", Level: "RequestResponse"}}, BytesPerSecond: 1e-300, BytesPerDay: 1 << 62},
		},
		Curves: crowded(),
	}
	p.Result.Reasons = []tuning.Reason{
		{Name: attack, Flag: attack, Value: attack, Unit: attack, Formula: attack, Reason: attack, Source: attack},
		{Name: long, Value: 1e300, Unit: long, Formula: long, Reason: long, Source: "https://example.com/" + long},
	}
	return p
}

// crowded are curves that leave little room for names.
func crowded() []tuning.Curve {
	words := "what is kept of the log by the budget that was given for it"
	near := tuning.Curve{
		Name: attack, Title: attack, Note: attack,
		X: tuning.Axis{Label: attack, Unit: "days", Max: 30}, Y: tuning.Axis{Label: attack, Unit: "bytes", Max: 11 << 30},
		Lines: []tuning.Line{
			{Name: "a", Label: words, Points: []tuning.Point{{X: 0, Y: 0}, {X: 10, Y: 10 << 30}, {X: 30, Y: 10 << 30}}},
			{Name: "b", Label: words, Points: []tuning.Point{{X: 0, Y: 0}, {X: 30, Y: 30 << 30}}},
			{Name: "c", Label: attack, Points: []tuning.Point{{X: 0, Y: 0}, {X: 5, Y: 5 << 30}, {X: 5, Y: 0}, {X: 30, Y: 1 << 30}}},
			{Name: "d", Label: "nothing", Points: []tuning.Point{{X: 0, Y: 0}, {X: 30, Y: 0}}},
			{Name: "e", Label: "more than the picture has", Points: []tuning.Point{{X: 0, Y: 20 << 30}, {X: 30, Y: 30 << 30}}},
		},
		Limits: []tuning.Limit{
			{Name: "a", Label: "budget", At: 10 << 30}, {Name: "b", Label: "budget less a file", At: 9.9 * (1 << 30)},
			{Name: "c", Label: "what was wished for", At: 30, Vertical: true}, {Name: "d", Label: "beyond", At: 100 << 30},
		},
	}
	empty := tuning.Curve{Title: long, X: tuning.Axis{Label: long, Unit: "s"}, Y: tuning.Axis{Label: long, Unit: "events/s", Max: 1e-9},
		Lines: []tuning.Line{{Name: "a", Label: long, Points: []tuning.Point{{X: 0, Y: 0}, {X: 1, Y: 1e-9}}}}}
	return []tuning.Curve{near, empty}
}

func TestNothingOfTheUsersIsRun(t *testing.T) {
	t.Parallel()
	tb := open(t, hostile(), look{390, "light", "screen"})
	for expression, want := range map[string]int{
		`document.scripts.length`: 1,
		`document.querySelectorAll("style, title:not(svg title)").length`:                                                                     2,
		`document.querySelectorAll("img, a, iframe, base, object, textarea").length`:                                                          0,
		`Array.from(document.querySelectorAll("*")).filter(e => e.getAttributeNames().some(n => n.startsWith("on") || n === "style")).length`: 0,
		`document.querySelectorAll("figure").length`:                                                                                          2,
	} {
		if got := eval[int](tb, expression); got != want {
			t.Errorf("%s is %d, not %d", expression, got, want)
		}
	}
	if got := eval[string](tb, `document.querySelector("pre").textContent`); got != strings.Join(hostile().Flags, "\n") {
		t.Errorf("the flags to copy are %q", got)
	}
	if got := eval[string](tb, `document.querySelector(".load dt").textContent`); got != attack {
		t.Errorf("a name became %q", got)
	}
}
