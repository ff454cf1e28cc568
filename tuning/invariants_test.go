// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzPlan has what must hold of every load that is accepted hold.
func FuzzPlan(f *testing.F) {
	add := func(l Load) {
		f.Add(l.RequestsPerSecond, l.EventsPerRequest, l.BytesPerEvent, l.MaxEventBytes, l.MaxBodyBytes, int64(l.Stall), l.Headroom,
			l.BatchSize, int64(l.MaxWait), int64(l.Retention), l.DiskBudget, l.Compress, l.CompressRatio)
	}
	add(Defaults())
	add(documentation())
	for _, rate := range []float64{0.001, 1e6, math.NaN(), math.Inf(1), -1} {
		l := Defaults()
		l.RequestsPerSecond, l.Stall, l.Headroom, l.Compress = rate, 0, 1, true
		add(l)
		l.DiskBudget, l.Retention, l.MaxBodyBytes, l.MaxEventBytes = 3*mib, 36500*day, 12<<20, 256<<10
		add(l)
	}
	f.Fuzz(func(t *testing.T, rate, events, size float64, maxEvent, body, stall int64, headroom float64,
		batch int, wait, retention, disk int64, compress bool, ratio float64,
	) {
		l := Load{
			RequestsPerSecond: rate, EventsPerRequest: events, BytesPerEvent: size, MaxEventBytes: maxEvent, MaxBodyBytes: body,
			Stall: time.Duration(stall), Outage: time.Duration(stall), Headroom: headroom, BatchSize: batch, MaxWait: time.Duration(wait),
			Retention: time.Duration(retention), DiskBudget: disk, Compress: compress, CompressRatio: ratio, MemoryBudget: disk,
		}
		r, err := Plan(l, Backends{Log: true, LogBatch: true, Webhook: true})
		if err != nil {
			if l.Check() == nil {
				t.Fatalf("refused without a problem: %v", err)
			}
			return
		}
		invariants(t, l, r)
	})
}

// TestInvariants asks the same of loads drawn from all that is accepted, which
// fuzzing finds only a corner of.
func TestInvariants(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	// Any order of magnitude between low and high is as likely as any other.
	draw := func(low, high float64) float64 {
		return low * math.Pow(high/low, random.Float64())
	}
	some := func(low, high float64) float64 { return draw(low, high) * float64(random.IntN(2)) }
	accepted := 0
	for range 10_000 {
		l := Load{
			RequestsPerSecond: draw(0.001, 1e6), EventsPerRequest: draw(0.0001, 3), BytesPerEvent: draw(1, 16*mib),
			MaxEventBytes: int64(some(1, 1<<30)), MaxBodyBytes: int64(some(1, 1<<40)),
			Stall: time.Duration(some(1, float64(time.Hour))), Headroom: draw(1, 100),
			BatchSize: int(some(1, 100_000)), MaxWait: time.Duration(some(float64(time.Millisecond), float64(10*time.Minute))),
			Retention: time.Duration(draw(float64(time.Minute), float64(36500*day))), DiskBudget: int64(draw(2*mib, mostDisk)),
			Compress: random.IntN(2) == 0, CompressRatio: draw(1, 100),
			Outage: time.Duration(some(1, float64(day))), MemoryBudget: int64(some(mib, mostDisk)),
		}
		l.MeanRequestsPerSecond = l.RequestsPerSecond * random.Float64() * float64(random.IntN(2))
		r, err := Plan(l, Backends{Log: true, LogBatch: true, Webhook: true})
		if err != nil {
			continue
		}
		accepted++
		if invariants(t, l, r); t.Failed() {
			t.Fatalf("%+v", l)
		}
	}
	if accepted < 2500 {
		t.Errorf("only %d loads were accepted", accepted)
	}
}

func invariants(t *testing.T, l Load, r Result) {
	t.Helper()
	batchInvariants(t, l, *r.Batch)
	batchInvariants(t, l, *r.LogBatch)
	rotationInvariants(t, l, *r.Rotation)
	reasonInvariants(t, r)
}

// reasonInvariants holds of every plan, whatever was set by hand.
func reasonInvariants(t *testing.T, r Result) {
	t.Helper()
	if _, err := json.Marshal(r); err != nil {
		t.Errorf("no JSON: %v", err)
	}
	for _, reason := range r.Reasons {
		if reason.Name == "" || reason.Formula == "" || reason.Reason == "" || reason.Source == "" || reason.Value == nil {
			t.Errorf("a number without a reason: %+v", reason)
		}
		if s := reason.Formula; strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, "%!") {
			t.Errorf("formula %q", s)
		}
	}
	for _, w := range r.Warnings {
		if w.About == "" || w.What == "" || w.Hint == "" {
			t.Errorf("a warning says too little: %+v", w)
		}
	}
}

// TestInvariantsByHand asks less of loads with anything set by hand: that each
// number is one and has its reason, and that all of it can be drawn.
func TestInvariantsByHand(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	some := func(low, high float64) float64 {
		return low * math.Pow(high/low, random.Float64()) * float64(random.IntN(2))
	}
	file := func(low, high float64) *int {
		if random.IntN(2) == 0 {
			return nil
		}
		n := int(low + (high-low)*math.Pow(random.Float64(), 8))
		return &n
	}
	accepted := 0
	for range 1500 {
		l := Defaults()
		l.RequestsPerSecond, l.EventsPerRequest, l.BytesPerEvent = 0.001+some(0.001, 1e5), 0.0001+some(0.001, 2.9), 1+some(1, 1e6)
		l.MeanRequestsPerSecond, l.Servers = l.RequestsPerSecond*random.Float64(), random.IntN(10)
		l.Outage, l.InitialBackoff = time.Duration(some(1, float64(day))), time.Duration(some(1e6, 6e11))
		l.MemoryBudget, l.Compress = int64(some(mib, 1e12)), random.IntN(2) == 0
		l.BatchSize, l.MaxWait = int(some(1, 1000)), time.Duration(some(1e6, 6e11))
		l.ThrottleQPS, l.ThrottleBurst = some(0.0001, 1e4), int(some(1, 1e4))
		l.BufferSize, l.LogBufferSize = int(some(1, maxBuffer)), int(some(1, maxBuffer))
		l.MaxSizeMiB, l.MaxBackup, l.MaxAgeDays = file(1, 1e5), file(0, 1e5), file(0, 36500)
		r, err := Plan(l, everywhere())
		if err != nil {
			continue
		}
		accepted++
		reasonInvariants(t, r)
		curveInvariants(t, l, everywhere())
		if t.Failed() {
			t.Fatalf("%+v", l)
		}
	}
	if accepted < 500 {
		t.Errorf("only %d loads were accepted", accepted)
	}
}

func batchInvariants(t *testing.T, l Load, s BatchSettings) {
	t.Helper()
	if ps := s.Check(); len(ps) != 0 {
		t.Errorf("own settings refused: %v", ps)
	}
	e := l.RequestsPerSecond * l.EventsPerRequest
	if need := e * max(l.Stall.Seconds(), 1) * l.Headroom; float64(s.BufferSize.Value) < need*(1-1e-9)-noiseMost {
		t.Errorf("a buffer of %d for %v events", s.BufferSize.Value, need)
	}
	if s.MaxWait.Value <= 0 {
		t.Errorf("a wait of %s", s.MaxWait.Value)
	}
	if !s.ThrottleEnable.Value {
		return
	}
	// The flag is a float32; that is what has to be enough.
	qps, err := strconv.ParseFloat(s.ThrottleQPS.text(), 32)
	if err != nil {
		t.Fatal(err)
	}
	if out := qps * float64(s.MaxSize.Value); out < e*l.Headroom*(1-2*noise) {
		t.Errorf("%v events/s go out, %v come in", out, e)
	}
	if s.MaxSize.Value > 1 && qps*s.MaxWait.Value.Seconds() < 1-2*noise {
		t.Errorf("a throttle of %v is slower than a wait of %s", qps, s.MaxWait.Value)
	}
	if l.MaxBodyBytes > 0 && l.BatchSize == 0 && int64(s.MaxSize.Value)*l.largestEvent() > l.MaxBodyBytes {
		t.Errorf("%d events of %d do not fit %d", s.MaxSize.Value, l.largestEvent(), l.MaxBodyBytes)
	}
}

func rotationInvariants(t *testing.T, l Load, r RotationSettings) {
	t.Helper()
	size, count, age := r.MaxSizeMiB.Value, r.MaxBackup.Value, r.MaxAgeDays.Value
	if size < 1 || count < 1 || age < cisAgeDays || time.Duration(age)*day < l.Retention {
		t.Errorf("maxsize %d, maxbackup %d, maxage %d", size, count, age)
	}
	if count > mostBackups && !l.Compress {
		t.Errorf("%d files", count)
	}
	disk := float64(size) * mib * float64(count+1)
	if l.Compress {
		disk = float64(size) * mib * (2 + float64(count)/l.CompressRatio)
	}
	if disk > float64(l.DiskBudget)*(1+1e-12) || r.DiskMaxBytes.Value > l.DiskBudget || float64(r.DiskMaxBytes.Value) < disk*(1-1e-12) {
		t.Errorf("takes %v, says %d, of %d", disk, r.DiskMaxBytes.Value, l.DiskBudget)
	}
	if int64(size)*mib <= l.MaxEventBytes {
		t.Errorf("an event of %d in a file of %d MiB", l.MaxEventBytes, size)
	}
	if r.RetentionSeconds.Value < 0 || r.DiskNeededBytes.Value < r.DiskMaxBytes.Value {
		t.Errorf("retention %d, disk needed %d", r.RetentionSeconds.Value, r.DiskNeededBytes.Value)
	}
	missed := len(r.warnings) > 0 && r.warnings[0].About == "--retention"
	if missed != (r.RetentionSeconds.Value < r.RetentionWantedSeconds.Value-1) && l.Retention > time.Hour && r.RetentionSeconds.Value > 3600 {
		// Within a second, or a millionth, either is right.
		if d := float64(r.RetentionSeconds.Value) / l.Retention.Seconds(); d < 1-3*noise-1/l.Retention.Seconds() || d > 1 {
			t.Errorf("warned %t: keeps %d s of %d", missed, r.RetentionSeconds.Value, r.RetentionWantedSeconds.Value)
		}
	}
	if !missed {
		return
	}
	if n := budget(float64(r.DiskNeededBytes.Value)); r.DiskNeededBytes.Value <= mostDisk {
		l := l
		l.DiskBudget, _ = ParseBytes(n)
		l.DiskBudget = min(l.DiskBudget, mostDisk)
		if again := l.rotation(); l.retentionMissed(again) {
			t.Errorf("not even %s hold %s", n, l.Retention)
		}
	}
	if kept := time.Duration(r.RetentionSeconds.Value) * time.Second; kept >= leastRetention {
		l := l
		l.Retention, _ = ParseRetention(FormatRetention(kept))
		if again := l.rotation(); l.retentionMissed(again) {
			t.Errorf("not even %s fit %d", l.Retention, l.DiskBudget)
		}
	}
}
