// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"strings"
	"testing"
	"time"
)

// found gives a number of a plan as it is shown.
func found(t *testing.T, r Result, name string) Reason {
	t.Helper()
	for _, reason := range r.Reasons {
		if reason.Name == name {
			return reason
		}
	}
	t.Fatalf("no %s", name)
	return Reason{}
}

// everywhere has every part of a Result.
func everywhere() Backends { return Backends{Log: true, LogBatch: true, Webhook: true} }

// wants are numbers by name, worked out by hand, and how each is written.
type wants map[string]struct {
	value   any
	formula string
}

func (want wants) hold(t *testing.T, l Load) {
	t.Helper()
	r, err := Plan(l, everywhere())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range want {
		if got := found(t, r, name); got.Value != want.value || got.Formula != want.formula {
			t.Errorf("%s:\ngot  %v (%T), %s\nwant %v (%T), %s", name, got.Value, got.Value, got.Formula, want.value, want.value, want.formula)
		}
	}
}

// TestConsequences has a row per formula, for the defaults: 100 events/s in
// batches of 100, a wait of 1s, 2 QPS, a burst of 3, a buffer of 6000.
func TestConsequences(t *testing.T) {
	t.Parallel()
	wants{
		"meanEventsPerSecond":              {100.0, "100 requests/s × 1 events/request = 100 events/s"},
		"meanBytesPerSecond":               {120000.0, "100 events/s × 1200 bytes/event = 120000 bytes/s"},
		"bytesPerDay":                      {int64(10368000000), "120000 bytes/s × 86400 s = 9.66 GiB"},
		"delivery.capacityEventsPerSecond": {200.0, "2 batches/s × 100 events/batch = 200 events/s"},
		"delivery.lostEventsPerSecond":     {0.0, "max(0, 100 events/s − 200 events/s) = 0 events/s"},
		"delivery.postMeanBytes":           {int64(120077), "100 events × 1200 bytes + 77 bytes = 117 KiB"},
		"delivery.postMaxBytes":            {int64(10240077), "100 events × 102400 bytes + 77 bytes = 9.77 MiB"},
		"delivery.latencyPeakSeconds":      {0.5, "min(100 events ÷ 100 events/s, 1s) ÷ 2 = 0.5 s"},
		"delivery.latencyPeakMostSeconds":  {1.5, "1s of max-wait + 0.5 s for the throttle = 1.5 s"},
		"delivery.stallSurvivedSeconds":    {60.0, "6000 events ÷ 100 events/s = 60 s"},
		"delivery.memorySteadyBytes":       {int64(1446000), "(100 events being collected × 2440 bytes + 100 events/s × 1 s to answer × 4310 bytes + 6000 places × 8 bytes) × 2 for the garbage collector = 1.38 MiB"},
		"delivery.memoryFullBytes":         {int64(29864000), "((6000 + 100) events × 2440 bytes + 6000 places × 8 bytes) × 2 for the garbage collector = 28.5 MiB"},
		"outage.waitsSeconds":              {81.25, "10 + 15 + 22.5 + 33.75 s = 81.25 s"},
		"outage.waitsMostSeconds":          {97.5, "81.25 s × 1.2 = 97.5 s"},
		"outage.refused.losslessSeconds":   {81.25, "81.25 s of waits = 81.25 s"},
		"outage.refused.heldSeconds":       {97.5, "97.5 s of waits = 97.5 s"},
		"outage.refused.heldEvents":        {int64(9750), "100 events/s × min(300 s, 97.5 s) = 9750 events"},
		"outage.refused.memoryBytes":       {int64(58401000), "(9750 events × 2990 bytes + 6000 places × 8 bytes) × 2 for the garbage collector = 55.7 MiB"},
		"outage.refused.lostEvents":        {int64(21063), "100 events/s × 210.625 s = 21063 events"},
		"outage.timedOut.losslessSeconds":  {201.25, "81.25 s of waits + 4 tries × 30s = 201.25 s"},
		"outage.timedOut.heldSeconds":      {247.5, "97.5 s of waits + 5 tries × 30s = 247.5 s"},
		"outage.timedOut.heldEvents":       {int64(24750), "100 events/s × min(300 s, 247.5 s) = 24750 events"},
		"outage.timedOut.memoryBytes":      {int64(213441000), "(24750 events × 4310 bytes + 6000 places × 8 bytes) × 2 for the garbage collector = 204 MiB"},
		"outage.timedOut.lostEvents":       {int64(9063), "100 events/s × 90.625 s = 9063 events"},
		"logDelivery.latencyPeakSeconds":   {0.0, "a batch of one event waits for no other = 0 s"},
		"logDelivery.stallSurvivedSeconds": {60.0, "6000 events ÷ 100 events/s = 60 s"},
		"logDelivery.memoryFullBytes":      {int64(29380880), "((6000 + 1) events × 2440 bytes + 6000 places × 8 bytes) × 2 for the garbage collector = 28 MiB"},
		"memory.perEventBytes":             {int64(2440), "1000 bytes + 1.2 × 1200 bytes of JSON = 2440 bytes"},
		"memory.mostBytes":                 {int64(213441000 + 29380880), "204 MiB for the webhook in an outage + 28 MiB for the log with a full buffer = 232 MiB"},
	}.hold(t, Defaults())
}

// TestConsequencesElsewhere has the formulas that other loads lead to.
func TestConsequencesElsewhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		load func(*Load)
		want wants
	}{
		{"mean, compressed, three servers", func(l *Load) { l.MeanRequestsPerSecond, l.Compress, l.Servers = 40, true, 3 }, wants{
			"eventsPerSecond":             {100.0, "100 requests/s × 1 events/request = 100 events/s"},
			"meanEventsPerSecond":         {40.0, "40 requests/s × 1 events/request = 40 events/s"},
			"bytesPerDay":                 {int64(4147200000), "48000 bytes/s × 86400 s = 3.86 GiB"},
			"compressedBytesPerDay":       {int64(1658880000), "3.86 GiB ÷ 2.5 = 1.54 GiB"},
			"delivery.latencyMeanSeconds": {0.5, "min(100 events ÷ 40 events/s, 1s) ÷ 2 = 0.5 s"},
			"cluster.servers":             {3, "--servers = 3"},
			"cluster.eventsPerSecond":     {300.0, "3 servers × 100 events/s = 300 events/s"},
			"cluster.meanEventsPerSecond": {120.0, "3 servers × 40 events/s = 120 events/s"},
			"cluster.bytesPerDay":         {int64(12441600000), "3 servers × 3.86 GiB = 11.6 GiB"},
		}},
		{"a throttle by hand that is too low", func(l *Load) { l.ThrottleQPS = 0.5 }, wants{
			"batch.throttleQPS":                {0.5, "--set audit-webhook-batch-throttle-qps=0.5"},
			"batch.throttleBurst":              {1, "0.5 batches/s × 1.5 s = 0.75, rounded up to 1 batches"},
			"delivery.capacityEventsPerSecond": {50.0, "0.5 batches/s × 100 events/batch = 50 events/s"},
			"delivery.lostEventsPerSecond":     {50.0, "max(0, 100 events/s − 50 events/s) = 50 events/s"},
			"delivery.fullAfterSeconds":        {122.0, "1 batches ÷ (1 batch ÷ 1 s − 0.5 batches/s) + 6000 events ÷ (100 events/s − 50 events/s) = 122 s"},
			"delivery.latencyPeakSeconds":      {121.5, "(6000 events + 100 events × (1 − 50 ÷ (2 × 100))) ÷ 50 events/s = 121.5 s"},
			"delivery.latencyPeakMostSeconds":  {124.0, "(6000 + 100) events ÷ 50 events/s + 2 s for the throttle = 124 s"},
			"outage.refused.heldEvents":        {int64(4875), "50 events/s × min(300 s, 97.5 s) = 4875 events"},
			"outage.refused.memoryBytes":       {int64(58528500), "(4875 events × 2990 bytes + 6000 events in the buffer × 2440 bytes + 6000 places × 8 bytes) × 2 for the garbage collector = 55.8 MiB"},
			// 300 s - 122 s at 50 too many a second, and half of the rest.
			"outage.refused.lostEvents": {int64(19432), "50 events/s × 210.625 s + 8900 events for which there is no place = 19432 events"},
		}},
		{"a throttle by hand that is slower than max-wait", func(l *Load) { l.RequestsPerSecond, l.ThrottleQPS, l.MaxWait = 20, 0.5, time.Second }, wants{
			"delivery.latencyPeakSeconds":     {2.0, "1.5 × 2 s per batch − 1 s to collect it = 2 s"},
			"delivery.latencyPeakMostSeconds": {4.0, "max(1s + 2 s, 2 × 2 s per batch) = 4 s"},
			"delivery.postMeanBytes":          {int64(40*1200 + 77), "40 events × 1200 bytes + 77 bytes = 47 KiB"},
		}},
		{"a short outage", func(l *Load) { l.Outage = time.Minute }, wants{
			"outage.refused.heldEvents": {int64(6000), "100 events/s × min(60 s, 97.5 s) = 6000 events"},
			"outage.refused.lostEvents": {int64(0), "100 events/s × 0 s = 0 events"},
		}},
		{"no outage", func(l *Load) { l.Outage = 0 }, wants{
			"outage.timedOut.heldEvents": {int64(0), "100 events/s × min(0 s, 247.5 s) = 0 events"},
		}},
		{"a longer backoff", func(l *Load) { l.InitialBackoff = 37 * time.Second }, wants{
			"outage.waitsSeconds":       {300.625, "37 + 55.5 + 83.25 + 124.875 s = 300.625 s"},
			"outage.refused.lostEvents": {int64(0), "100 events/s × 0 s = 0 events"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			tt.load(&l)
			tt.want.hold(t, l)
		})
	}
}

// TestNamesAreWhereNumbersStand has every reason name the place in the JSON.
func TestNamesAreWhereNumbersStand(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.Servers, l.Compress, l.ThrottleQPS = 3, true, 0.5
	r, err := Plan(l, everywhere())
	if err != nil {
		t.Fatal(err)
	}
	document := decoded(t, l, everywhere())
	seen := map[string]bool{}
	for _, reason := range r.Reasons {
		if seen[reason.Name] {
			t.Errorf("%s is there twice", reason.Name)
		}
		seen[reason.Name] = true
		var at any = document
		for _, key := range strings.Split(reason.Name, ".") {
			fields, _ := at.(map[string]any)
			at = fields[key]
		}
		if at == nil {
			t.Errorf("nothing stands at %s", reason.Name)
		}
	}
	if n := numbers(document); n != len(seen) {
		t.Errorf("%d numbers in the JSON, %d reasons", n, len(seen))
	}
}

// numbers counts the leaves that are a setting or a result.
func numbers(at map[string]any) int {
	n := 0
	for key, v := range at {
		switch v := v.(type) {
		case map[string]any:
			n += numbers(v)
		case []any, nil:
		default:
			// Of a throttle that is off QPS and burst say nothing.
			if key != "formatVersion" && key != "backend" && (v != 0.0 || !strings.HasPrefix(key, "throttle")) {
				n++
			}
		}
	}
	return n
}

func TestFromCluster(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rate, mean      float64
		servers         int
		wantPeak        float64
		wantMean        float64
		formula, reason string
	}{
		{300, 120, 3, 150, 40, "300 requests/s ÷ (3 − 1) servers = 150 requests/s", "while one of the others is away"},
		{300, 0, 3, 150, 100, "300 requests/s ÷ (3 − 1) servers = 150 requests/s", "while one of the others is away"},
		{300, 120, 2, 300, 60, "300 requests/s ÷ (2 − 1) servers = 300 requests/s", "while one of the others is away"},
		{300, 120, 1, 300, 120, "300 requests/s on 1 server", "gets everything"},
		{300, 120, 0, 300, 120, "300 requests/s on 1 server", "gets everything"},
		{300, 120, -5, 300, 120, "300 requests/s on 1 server", "gets everything"},
	}
	for _, tt := range tests {
		peak, mean := FromCluster(tt.rate, tt.mean, tt.servers)
		if peak.Value != tt.wantPeak || mean.Value != tt.wantMean || peak.Formula != tt.formula || !strings.Contains(peak.Reason, tt.reason) {
			t.Errorf("%v of %d: got %v and %v, %s (%s)", tt.rate, tt.servers, peak.Value, mean.Value, peak.Formula, peak.Reason)
		}
		if unknown := strings.Contains(mean.Reason, "upper bound"); unknown != (tt.mean == 0) {
			t.Errorf("%v of %d: mean: %s", tt.rate, tt.servers, mean.Reason)
		}
	}
}

// TestMeanDecidesTheDisk has retention and disk go by the mean, and the buffer
// by the peak.
func TestMeanDecidesTheDisk(t *testing.T) {
	t.Parallel()
	peak, mean := Defaults(), Defaults()
	mean.MeanRequestsPerSecond = 10
	a, errA := Plan(peak, everywhere())
	b, errB := Plan(mean, everywhere())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.Batch.BufferSize.Value != b.Batch.BufferSize.Value || a.Outage.Refused.HeldEvents.Value != b.Outage.Refused.HeldEvents.Value {
		t.Error("the buffer goes by the mean")
	}
	if got := float64(b.Rotation.RetentionSeconds.Value) / float64(a.Rotation.RetentionSeconds.Value); got < 9.9 || got > 10.1 {
		t.Errorf("a tenth of the rate reaches back %v times as far", got)
	}
	if !strings.Contains(b.Rotation.RetentionSeconds.Reason, "mean rate") || !strings.Contains(a.MeanEventsPerSecond.Reason, "upper bound") {
		t.Errorf("%s; %s", b.Rotation.RetentionSeconds.Reason, a.MeanEventsPerSecond.Reason)
	}
}
