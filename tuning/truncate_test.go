// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"testing"
)

// TestTruncate holds batch, event and body against each other, as a receiver
// will: Falco's two limits among them.
func TestTruncate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event, body        int64
		rate               float64
		wantEvent, wantAll int64
		wantSize           int
	}{
		"nothing known":  {0, 0, 1000, 102400, 10 << 20, 400},
		"ten MiB":        {0, 10 << 20, 1000, 102400, 9961472, 96},
		"Falco":          {262144, 12582912, 1000, 262144, 11953766, 45},
		"Falco, default": {102400, 12582912, 1000, 102400, 11953766, 115},
		"fluent-bit":     {0, 4 << 20, 1000, 102400, 3984588, 38},
		"just one":       {1 << 20, 1<<20 + 1<<17, 1000, 1 << 20, 1120665, 1},
		"a quiet one":    {0, 100 << 20, 3, 102400, 99614720, 100},
		"large events":   {20 << 20, 0, 3, 20 << 20, 20 << 20, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			l.RequestsPerSecond, l.MaxEventBytes, l.MaxBodyBytes = c.rate, c.event, c.body
			r, err := Plan(l, Backends{Webhook: true})
			if err != nil {
				t.Fatal(err)
			}
			got := r.Truncate
			if !got.Enabled.Value || got.MaxEventSize.Value != c.wantEvent || got.MaxBatchSize.Value != c.wantAll || r.Batch.MaxSize.Value != c.wantSize {
				t.Errorf("event %d, batch %d, %d events", got.MaxEventSize.Value, got.MaxBatchSize.Value, r.Batch.MaxSize.Value)
			}
			if c.body > 0 && int64(r.Batch.MaxSize.Value)*got.MaxEventSize.Value > c.body {
				t.Error("a batch of the largest events does not fit the body")
			}
			if got.MaxBatchSize.Value < got.MaxEventSize.Value {
				t.Error("kube-apiserver would not start")
			}
		})
	}
}

// TestBodyHoldsAnEvent in the modes without batches too.
func TestBodyHoldsAnEvent(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.MaxBodyBytes = 100000
	for _, to := range []Backends{{Webhook: true}, {WebhookBlocking: true}} {
		if _, err := Plan(l, to); err == nil {
			t.Errorf("%+v: a body of 100000 bytes holds an event of 102400", to)
		}
	}
	if _, err := Plan(l, Backends{Log: true}); err != nil {
		t.Errorf("the log has no body: %v", err)
	}
}
