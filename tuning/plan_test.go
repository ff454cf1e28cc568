// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"encoding/json"
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
		`"formatVersion":1,"eventsPerSecond":100,"bytesPerSecond":120000,"meanEventsPerSecond":100,"meanBytesPerSecond":120000,"bytesPerDay":10368000000,`,
		`"compressedBytesPerDay":null,"truncate":null,"batch":null,"logBatch":null,"delivery":null,"outage":null,"logDelivery":null,"memory":null,`,
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

// decoded is a plan's JSON, read back.
func decoded(t *testing.T, l Load, to Backends) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(planJSON(t, l, to)), &got); err != nil {
		t.Fatal(err)
	}
	return got
}
