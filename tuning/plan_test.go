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

func TestPlanJSON(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.Retention, l.EventsPerRequest = day, 1
	raw := planJSON(t, l, Backends{Log: true})
	var got map[string]any
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"formatVersion":1,"eventsPerSecond":100,"bytesPerSecond":120000,"bytesPerDay":10368000000,"truncate":null,"batch":null,"logBatch":null,`,
		`"rotation":{"maxSizeMiB":100,"maxBackup":99,"maxAgeDays":30,"compress":false,"diskMaxBytes":10485760000,"diskNeededBytes":10485760000,"retentionSeconds":86507,"retentionWantedSeconds":86400}`,
		`{"name":"eventsPerSecond","flag":"","value":100,"unit":"events/s","formula":"100 requests/s × 1 events/request = 100 events/s",`,
		`"warnings":[]`,
	} {
		if !strings.Contains(raw, want) {
			t.Errorf("lacks %s\nin %s", want, raw)
		}
	}
	raw = planJSON(t, l, Backends{Webhook: true, LogBatch: true})
	for _, want := range []string{
		`"batch":{"backend":"webhook","maxSize":100,"maxWait":"1s","throttleEnable":true,"throttleQPS":2,"throttleBurst":3,"bufferSize":6000}`,
		`"logBatch":{"backend":"log","maxSize":1,"maxWait":"1s","throttleEnable":false,"throttleQPS":0,"throttleBurst":0,"bufferSize":6000}`,
		`"rotation":{`,
	} {
		if !strings.Contains(raw, want) {
			t.Errorf("lacks %s\nin %s", want, raw)
		}
	}
	if raw = planJSON(t, l, Backends{Webhook: true}); !strings.Contains(raw, `"rotation":null`) {
		t.Errorf("rotation without a log in %s", raw)
	}
}

func planJSON(t *testing.T, l Load, to Backends) string {
	t.Helper()
	r, err := Plan(l, to)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestFlags(t *testing.T) {
	t.Parallel()
	cut := "audit-webhook-truncate-enabled=true audit-webhook-truncate-max-event-size=102400 audit-webhook-truncate-max-batch-size=10485760 "
	all := cut + "audit-webhook-batch-max-size=100 audit-webhook-batch-max-wait=1s audit-webhook-batch-throttle-enable=true " +
		"audit-webhook-batch-throttle-qps=2 audit-webhook-batch-throttle-burst=3 audit-webhook-batch-buffer-size=6000 "
	batch := "audit-log-batch-max-size=1 audit-log-batch-max-wait=1s audit-log-batch-throttle-enable=false audit-log-batch-buffer-size=6000 "
	rotate := "audit-log-maxsize=100 audit-log-maxbackup=10 audit-log-maxage=30"
	tests := []struct {
		name     string
		to       Backends
		compress bool
		want     string
	}{
		{"everything", Backends{Log: true, LogBatch: true, Webhook: true}, false, all + batch + rotate},
		{"mode batch is a log too", Backends{LogBatch: true}, false, batch + rotate},
		{"log", Backends{Log: true}, false, rotate},
		{"compressed", Backends{Log: true}, true, rotate + " audit-log-compress=true"},
		{"webhook", Backends{Webhook: true}, false, strings.TrimSpace(all)},
		{"webhook without batches", Backends{WebhookBlocking: true}, false, strings.TrimSpace(cut)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			l.Retention, l.Compress = time.Hour, tt.compress
			r, err := Plan(l, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Flags() {
				got = append(got, f.Name+"="+f.Value)
				if len(f.Reason) < 10 || strings.ContainsAny(f.Reason, "\n") {
					t.Errorf("%s has the reason %q", f.Name, f.Reason)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func TestFormulasHaveFigures(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.RequestsPerSecond, l.EventsPerRequest, l.DiskBudget, l.MaxBodyBytes = 71, 1.5, 20<<30, 4<<20
	r, err := Plan(l, Backends{Log: true, Webhook: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"eventsPerSecond":           "71 requests/s × 1.5 events/request = 106.5 events/s",
		"bytesPerSecond":            "106.5 events/s × 1200 bytes/event = 127800 bytes/s",
		"bytesPerDay":               "127800 bytes/s × 86400 s = 10.3 GiB",
		"batch.maxSize":             "107 events in 1 s at peak, kept between 100 and 400 = 107 events, cut to the 38 events of up to 102400 bytes that fill 95 % of a body of 4194304 bytes",
		"batch.maxWait":             "38 events ÷ 106.5 events/s = 0.356808 s to fill a batch, kept between 1s and 5s = 1s",
		"batch.throttleQPS":         "max(1 batch ÷ 1s, 106.5 events/s ÷ 38 events/batch) × headroom 2 = 5.60526, rounded up to 5.7 batches/s",
		"batch.throttleBurst":       "5.7 batches/s × 1.5 s = 8.55, rounded up to 9 batches",
		"batch.bufferSize":          "106.5 events/s × 30s × headroom 2 = 6390 events",
		"rotation.maxBackup":        "125 KiB/s × 30d = 309 GiB ÷ 100 MiB = 3160 files, cut to the 203 that 20 GiB hold",
		"rotation.maxAgeDays":       "max(30d in whole days, rounded up, 30 days of the CIS benchmark) = 30 days",
		"rotation.diskMaxBytes":     "100 MiB × (203 + 1) = 19.9 GiB",
		"rotation.diskNeededBytes":  "125 KiB/s × 30d = 309 GiB in 158 files of 2000 MiB, and what is in use = 311 GiB",
		"rotation.retentionSeconds": "min(203 files × 100 MiB ÷ 125 KiB/s, 30 days) = 1d22h",
	}
	for _, reason := range r.Reasons {
		if w, ok := want[reason.Name]; ok && reason.Formula != w {
			t.Errorf("%s: got  %s\nwant %s", reason.Name, reason.Formula, w)
		}
		delete(want, reason.Name)
	}
	if len(want) != 0 {
		t.Errorf("not there: %v", want)
	}
}

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
			rate, events, size, maxEvent, body, time.Duration(stall), headroom,
			batch, time.Duration(wait), time.Duration(retention), disk, compress, ratio,
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
		}
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
