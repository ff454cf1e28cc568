// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"math"
	"slices"
	"testing"
	"time"
)

func curvesOf(t *testing.T, l Load, to Backends) []Curve {
	t.Helper()
	curves, err := Curves(l, to)
	if err != nil {
		t.Fatal(err)
	}
	return curves
}

func names(curves []Curve) []string {
	all := []string{}
	for _, c := range curves {
		all = append(all, c.Name)
	}
	return all
}

func TestCurvesThatThereAre(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		to   Backends
		want []string
	}{
		{everywhere(), []string{"webhook.rate", "webhook.stall", "webhook.outage", "log.stall", "disk"}},
		{Backends{Webhook: true}, []string{"webhook.rate", "webhook.stall", "webhook.outage"}},
		{Backends{Log: true}, []string{"disk"}},
		{Backends{LogBatch: true}, []string{"log.stall", "disk"}},
		{Backends{WebhookBlocking: true}, []string{}},
	} {
		if got := names(curvesOf(t, Defaults(), tt.to)); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.to, got, tt.want)
		}
	}
	if _, err := Curves(Load{}, everywhere()); err == nil {
		t.Error("the zero load is drawn")
	}
}

// points gives a line of a curve.
func points(t *testing.T, c Curve, line string) []Point {
	t.Helper()
	for _, l := range c.Lines {
		if l.Name == line {
			return l.Points
		}
	}
	t.Fatalf("%s has no line %s", c.Name, line)
	return nil
}

// TestCurves has the points of a load with a throttle by hand, half of what it
// needs: 50 of 100 events/s, a buffer of 6000.
func TestCurves(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.MeanRequestsPerSecond, l.ThrottleQPS, l.MemoryBudget = 40, 0.5, 64*mib
	l.Retention, l.DiskBudget = day, 20<<30
	curves := curvesOf(t, l, everywhere())
	rate, stall, outage, disk := curves[0], curves[1], curves[2], curves[4]
	for _, tt := range []struct {
		curve Curve
		line  string
		want  []Point
	}{
		{rate, "demand", []Point{{0, 0}, {300, 300}}},
		{rate, "capacity", []Point{{0, 50}, {300, 50}}},
		{rate, "lost", []Point{{0, 0}, {50, 0}, {300, 250}}},
		{stall, "waiting", []Point{{0, 0}, {60, 6000}, {90, 6000}}},
		{stall, "lost", []Point{{0, 0}, {60, 0}, {90, 3000}}},
		{stall, "waitingMean", []Point{{0, 0}, {90, 3600}}},
		{outage, "refused", []Point{{0, 96000}, {97.5, 53038500}, {120, 58528500}, {360, 58528500}}},
	} {
		got := points(t, tt.curve, tt.line)
		if !slices.EqualFunc(got, tt.want, func(a, b Point) bool { return math.Abs(a.X-b.X) < 1e-9 && math.Abs(a.Y-b.Y) < 1 }) {
			t.Errorf("%s of %s: %v, want %v", tt.line, tt.curve.Name, got, tt.want)
		}
	}
	// 40 files are enough at the mean; the log ends at 41 of them, at peak sooner.
	for line, perDay := range map[string]float64{"disk": 4147.2e6, "diskPeak": 10368e6} {
		got := points(t, disk, line)
		if most := 41 * float64(100*mib); got[len(got)-1].Y != most || math.Abs(got[len(got)-2].X-most/perDay) > 1e-9 {
			t.Errorf("%s: %v, want an end at %v after %v days", line, got, most, most/perDay)
		}
	}
	for _, limit := range []Limit{
		{"peak", "peak, 100 requests/s", 100, true}, {"mean", "mean, 40 requests/s", 40, true}, {"stall", "stall to survive, 30s", 30, true},
		{"buffer", "buffer-size, 6000 events", 6000, false}, {"outage", "outage planned for, 5m", 300, true}, {"budget", "memory budget, 64 MiB", 64 * mib, false},
		{"losslessRefused", "events are lost from here on, if tries are refused", 81.25, true}, {"retention", "retention wanted, 1d", 1, true},
		{"budget", "disk budget, 20 GiB", 20 << 30, false},
	} {
		if !slices.ContainsFunc(curves, func(c Curve) bool { return slices.Contains(c.Limits, limit) }) {
			t.Errorf("no limit %+v", limit)
		}
	}
}

// curveInvariants are what a drawer may rely on.
func curveInvariants(t *testing.T, l Load, to Backends) {
	t.Helper()
	for _, c := range curvesOf(t, l, to) {
		if c.Name == "" || c.Title == "" || c.Note == "" || c.X.Label == "" || c.Y.Label == "" || c.X.Unit == "" || c.Y.Unit == "" || len(c.Lines) == 0 {
			t.Errorf("%+v says too little", c)
		}
		if !(c.X.Max > 0 && c.Y.Max > 0) || math.IsInf(c.X.Max, 0) || math.IsInf(c.Y.Max, 0) {
			t.Errorf("%s: axes to %v and %v", c.Name, c.X.Max, c.Y.Max)
		}
		for _, line := range c.Lines {
			if len(line.Points) < 2 || line.Name == "" || line.Label == "" {
				t.Errorf("%s: %+v", c.Name, line)
			}
			before := 0.0
			for _, p := range line.Points {
				if !(p.X >= before && p.X <= c.X.Max && p.Y >= 0 && p.Y <= c.Y.Max) {
					t.Errorf("%s, %s: %+v after %v, to %v and %v", c.Name, line.Name, p, before, c.X.Max, c.Y.Max)
				}
				before = p.X
			}
		}
		for _, limit := range c.Limits {
			if most := map[bool]float64{true: c.X.Max, false: c.Y.Max}[limit.Vertical]; !(limit.At >= 0 && limit.At <= most) || limit.Name == "" || limit.Label == "" {
				t.Errorf("%s: %+v to %v", c.Name, limit, most)
			}
		}
	}
}

// TestCurvesOfOddLoads draws what has no end, no beginning and no size.
func TestCurvesOfOddLoads(t *testing.T) {
	t.Parallel()
	for _, odd := range []func(*Load){
		func(l *Load) { l.RequestsPerSecond = 0.001 },
		func(l *Load) { l.RequestsPerSecond, l.Stall = 1e6, 0 },
		func(l *Load) { l.Outage = 0 },
		func(l *Load) { l.Outage, l.InitialBackoff = day, time.Millisecond },
		func(l *Load) { l.MaxBackup, l.MaxAgeDays = of(0), of(0) },
		func(l *Load) { l.MaxBackup, l.MaxAgeDays, l.Compress = of(0), of(1), true },
		func(l *Load) { l.MeanRequestsPerSecond = 0.001 },
		func(l *Load) { l.BytesPerEvent, l.DiskBudget = 1, mostDisk },
		func(l *Load) { l.BufferSize, l.ThrottleQPS = 1, 0.0001 },
		func(l *Load) { l.Retention = 36500 * day },
	} {
		l := Defaults()
		odd(&l)
		curveInvariants(t, l, everywhere())
	}
}
