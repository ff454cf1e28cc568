// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// documentation is the load of the example in the Kubernetes documentation,
// "Parameter tuning".
func documentation() Load {
	l := Defaults()
	l.RequestsPerSecond, l.EventsPerRequest = 100, 2
	l.BatchSize, l.Stall, l.Headroom = 100, 5*time.Second, 1
	return l
}

func TestDocumentationExample(t *testing.T) {
	t.Parallel()
	r, err := Plan(documentation(), Backends{Webhook: true})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		FormatVersion   int     `json:"formatVersion"`
		EventsPerSecond float64 `json:"eventsPerSecond"`
		Batch           struct {
			MaxSize, BufferSize, ThrottleBurst int
			MaxWait                            string
			ThrottleEnable                     bool
			ThrottleQPS                        float64
		} `json:"batch"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	b := got.Batch
	if got.FormatVersion != 1 || got.EventsPerSecond != 200 || b.ThrottleQPS != 2 || b.BufferSize != 1000 || b.MaxSize != 100 {
		t.Errorf("got %s", raw)
	}
	if b.MaxWait != "1s" || !b.ThrottleEnable || b.ThrottleBurst != 3 {
		t.Errorf("got %s", raw)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	type want struct {
		size   int
		wait   time.Duration
		qps    float64
		burst  int
		buffer int
	}
	tests := []struct {
		name string
		to   Backend
		load func(*Load)
		want want
	}{
		{"defaults: 100 events/s, stall 30 s, twice", Webhook, func(*Load) {}, want{100, time.Second, 2, 3, 6000}},
		{"upstream's ceiling: 4000 events/s in batches of 400", Webhook, func(l *Load) { l.RequestsPerSecond, l.Headroom = 4000, 1 }, want{400, time.Second, 10, 15, 120_000}},
		{"333 a second: one batch of them", Webhook, func(l *Load) { l.RequestsPerSecond = 333 }, want{333, time.Second, 2, 3, 19_980}},
		{"50: 2 s to fill 100; 1/2 a second, twice", Webhook, func(l *Load) { l.RequestsPerSecond = 50 }, want{100, 2 * time.Second, 1, 2, 3000}},
		{"70: 1.43 s to fill, up to 1.5; 0.7, twice", Webhook, func(l *Load) { l.RequestsPerSecond = 70 }, want{100, 1500 * time.Millisecond, 1.4, 3, 4200}},
		{"3: 5 s at most; 1/5, twice", Webhook, func(l *Load) { l.RequestsPerSecond = 3 }, want{100, 5 * time.Second, 0.4, 1, 180}},
		{"a stall of 0 is one second, and a buffer holds a batch", Webhook, func(l *Load) { l.RequestsPerSecond, l.Stall = 3, 0 }, want{100, 5 * time.Second, 0.4, 1, 100}},
		{"a stall of 0 at 300: a second of events, twice", Webhook, func(l *Load) { l.RequestsPerSecond, l.Stall = 300, 0 }, want{300, time.Second, 2, 3, 600}},
		{"falco, 256 KiB of 12 MiB: 48, less 5 %", Webhook, func(l *Load) { l.MaxEventBytes, l.MaxBodyBytes = 262_144, 12_582_912 }, want{45, time.Second, 4.5, 7, 6000}},
		{"falco, 100 KiB: 122, less 5 %", Webhook, func(l *Load) { l.RequestsPerSecond, l.MaxBodyBytes = 200, 12_582_912 }, want{115, time.Second, 3.5, 6, 12_000}},
		{"fluent-bit, 4 MiB: 40, less 5 %", Webhook, func(l *Load) { l.MaxBodyBytes = 4 << 20 }, want{38, time.Second, 5.3, 8, 6000}},
		{"one event fills the body", Webhook, func(l *Load) { l.MaxBodyBytes = 110_000 }, want{1, time.Second, 200, 300, 6000}},
		{"wait asked for: 10 a second, twice", Webhook, func(l *Load) { l.MaxWait = 100 * time.Millisecond }, want{100, 100 * time.Millisecond, 20, 30, 6000}},
		{"long wait asked for: events decide", Webhook, func(l *Load) { l.MaxWait = 30 * time.Second }, want{100, 30 * time.Second, 2, 3, 6000}},
		{"batches of one need no wait", Webhook, func(l *Load) { l.BatchSize, l.Headroom = 1, 1.1 }, want{1, time.Second, 110, 165, 3300}},
		{"batch larger than buffer", Webhook, func(l *Load) { l.BatchSize, l.Stall = 5000, 0 }, want{5000, 5 * time.Second, 0.4, 1, 5000}},
		{"noise must not bump: 200.00002 events/s", Webhook, func(l *Load) {
			*l = documentation()
			l.RequestsPerSecond *= 1.0000001
		}, want{100, time.Second, 2, 3, 1000}},
		{"but a real bit more must: 201 events/s", Webhook, func(l *Load) {
			*l = documentation()
			l.RequestsPerSecond = 100.5
		}, want{100, time.Second, 2.1, 4, 1005}},
		{"0.1 × 3 is 0.3", Webhook, func(l *Load) {
			l.RequestsPerSecond, l.EventsPerRequest, l.BatchSize, l.Headroom, l.Stall = 0.1, 3, 1, 1, 10*time.Second
		}, want{1, 3500 * time.Millisecond, 0.3, 1, 3}},
		{"batches of one are not held to the wait", Webhook, func(l *Load) { l.RequestsPerSecond, l.BatchSize, l.Headroom = 0.1, 1, 1 }, want{1, 5 * time.Second, 0.1, 1, 3}},
		{"the log writes one by one", Log, func(*Load) {}, want{1, time.Second, 0, 0, 6000}},
		{"the log in batches always has a wait", Log, func(l *Load) { l.BatchSize = 400 }, want{400, 4 * time.Second, 0, 0, 6000}},
		{"the log has no body", Log, func(l *Load) { l.MaxBodyBytes = 4 << 20 }, want{1, time.Second, 0, 0, 6000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			tt.load(&l)
			s, err := Batch(l, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			got := want{s.MaxSize.Value, s.MaxWait.Value, s.ThrottleQPS.Value, s.ThrottleBurst.Value, s.BufferSize.Value}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if s.ThrottleEnable.Value != (tt.to == Webhook) {
				t.Errorf("throttle is %t for the %s", s.ThrottleEnable.Value, tt.to)
			}
			if ps := s.Check(); len(ps) != 0 {
				t.Errorf("own settings refused: %v", ps)
			}
		})
	}
}

func TestBatchSettingsCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(*BatchSettings)
		want  []string
	}{
		{"throttle without qps and burst", func(s *BatchSettings) { s.ThrottleQPS.Value, s.ThrottleBurst.Value = 0, 0 },
			[]string{"--audit-webhook-batch-throttle-qps", "--audit-webhook-batch-throttle-burst"}},
		{"throttle off needs neither", func(s *BatchSettings) {
			s.ThrottleEnable.Value, s.ThrottleQPS.Value, s.ThrottleBurst.Value = false, 0, 0
		}, nil},
		{"no wait", func(s *BatchSettings) { s.MaxWait.Value = 0 }, []string{"--audit-webhook-batch-max-wait"}},
		{"no wait in batches of one", func(s *BatchSettings) { s.MaxWait.Value, s.MaxSize.Value = 0, 1 }, nil},
		{"no size, no buffer", func(s *BatchSettings) { s.MaxSize.Value, s.BufferSize.Value = 0, 0 },
			[]string{"--audit-webhook-batch-max-size", "--audit-webhook-batch-buffer-size"}},
		{"buffer below a batch", func(s *BatchSettings) { s.BufferSize.Value = 99 }, []string{"--audit-webhook-batch-buffer-size"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := Batch(documentation(), Webhook)
			if err != nil {
				t.Fatal(err)
			}
			tt.spoil(&s)
			var got []string
			for _, p := range s.Check() {
				got = append(got, p.File)
				if p.What == "" || p.Hint == "" {
					t.Errorf("%+v says too little", p)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestBatchWarnings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		load func(*Load)
		want []string
		hint string
	}{
		{"defaults", func(*Load) {}, nil, ""},
		{"no headroom", func(l *Load) { *l = documentation() }, []string{"--headroom"}, "--headroom 2"},
		{"batch beyond the body", func(l *Load) { l.BatchSize, l.MaxBodyBytes = 400, 12_582_912 }, []string{"--batch-size"}, "--batch-size 115 fits"},
		{"batch that just fits the body", func(l *Load) { l.BatchSize, l.MaxBodyBytes = 115, 12_582_912 }, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			tt.load(&l)
			r, err := Plan(l, Backends{Webhook: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range r.Warnings {
				got = append(got, w.About)
				if !strings.Contains(w.Hint, tt.hint) {
					t.Errorf("hint %q lacks %q", w.Hint, tt.hint)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestBatchRefusesUnknownBackend(t *testing.T) {
	t.Parallel()
	if _, err := Batch(Defaults(), "syslog"); err == nil || !strings.Contains(err.Error(), `--backend: "syslog"`) {
		t.Errorf("got %v", err)
	}
}

// TestMaxWaitFormula has the rounding in words where there is one.
func TestMaxWaitFormula(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]string{
		30:  "100 events ÷ 30 events/s = 3.33333 s to fill a batch, rounded up to half seconds and kept between 1s and 5s = 3.5s",
		50:  "100 events ÷ 50 events/s = 2 s to fill a batch, kept between 1s and 5s = 2s",
		200: "200 events ÷ 200 events/s = 1 s to fill a batch, kept between 1s and 5s = 1s",
		10:  "100 events ÷ 10 events/s = 10 s to fill a batch, kept between 1s and 5s = 5s",
	} {
		l := Defaults()
		l.RequestsPerSecond, l.EventsPerRequest = rate, 1
		r, err := Plan(l, Backends{Webhook: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Batch.MaxWait.Formula; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
