// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name string
		load func(*Load)
		want []string
	}{
		{"defaults", func(*Load) {}, nil},
		{"the zero load, all at once", func(l *Load) { *l = Load{} },
			[]string{"--rate", "--events-per-request", "--bytes-per-event", "--headroom", "--retention", "--disk-budget"}},
		{"rate 0", func(l *Load) { l.RequestsPerSecond = 0 }, []string{"--rate"}},
		{"rate negative", func(l *Load) { l.RequestsPerSecond = -1 }, []string{"--rate"}},
		{"rate NaN", func(l *Load) { l.RequestsPerSecond = nan }, []string{"--rate"}},
		{"rate infinite", func(l *Load) { l.RequestsPerSecond = inf }, []string{"--rate"}},
		{"rate 1e18", func(l *Load) { l.RequestsPerSecond = 1e18 }, []string{"--rate"}},
		{"rate that never happens", func(l *Load) { l.RequestsPerSecond = 1e-300 }, []string{"--rate"}},
		{"more events than stages", func(l *Load) { l.EventsPerRequest = 3.5 }, []string{"--events-per-request"}},
		{"three events", func(l *Load) { l.EventsPerRequest = 3 }, nil},
		{"bytes NaN", func(l *Load) { l.BytesPerEvent = nan }, []string{"--bytes-per-event"}},
		{"mean above the largest", func(l *Load) { l.BytesPerEvent, l.MaxEventBytes = 1200, 1000 }, []string{"--bytes-per-event"}},
		{"sizes negative", func(l *Load) { l.MaxEventBytes, l.MaxBodyBytes, l.DiskBudget = -1, -1, -1 },
			[]string{"--max-event-size", "--max-body", "--disk-budget"}},
		{"body below one event", func(l *Load) { l.MaxBodyBytes = 102_400 }, []string{"--max-body"}},
		{"headroom below 1", func(l *Load) { l.Headroom = 0.99 }, []string{"--headroom"}},
		{"headroom infinite", func(l *Load) { l.Headroom = inf }, []string{"--headroom"}},
		{"batch negative", func(l *Load) { l.BatchSize = -1 }, []string{"--batch-size"}},
		{"wait negative", func(l *Load) { l.MaxWait = -time.Second }, []string{"--max-wait"}},
		{"wait too short", func(l *Load) { l.MaxWait = time.Microsecond }, []string{"--max-wait"}},
		{"stall negative", func(l *Load) { l.Stall = -1 }, []string{"--stall"}},
		{"stall of a day", func(l *Load) { l.Stall = day }, []string{"--stall"}},
		{"a buffer no machine holds", func(l *Load) { l.RequestsPerSecond, l.Stall = 10_000, time.Hour }, []string{"--stall"}},
		{"retention of seconds", func(l *Load) { l.Retention = 59 * time.Second }, []string{"--retention"}},
		{"budget of 1 MiB", func(l *Load) { l.DiskBudget = mib }, []string{"--disk-budget"}},
		{"budget of 2 MiB", func(l *Load) { l.DiskBudget = 2 * mib }, nil},
		{"budget of 2 MiB, compressed", func(l *Load) { l.DiskBudget, l.Compress = 2*mib, true }, []string{"--disk-budget"}},
		{"budget of 3 MiB, compressed", func(l *Load) { l.DiskBudget, l.Compress = 3*mib, true }, nil},
		{"budget below two of the largest events", func(l *Load) { l.DiskBudget, l.MaxEventBytes = 16*mib, 8*mib }, []string{"--disk-budget"}},
		{"budget of 1e18", func(l *Load) { l.DiskBudget = 1e18 }, []string{"--disk-budget"}},
		{"ratio, which nobody looks at", func(l *Load) { l.CompressRatio = nan }, nil},
		{"ratio NaN", func(l *Load) { l.Compress, l.CompressRatio = true, nan }, []string{"--compress-ratio"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			tt.load(&l)
			var got []string
			for _, p := range l.Check() {
				got = append(got, p.File)
				if p.What == "" || p.Hint == "" {
					t.Errorf("%+v says too little", p)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if _, err := Plan(l, Backends{LogBatch: true, Webhook: true}); (err != nil) != (len(tt.want) > 0) {
				t.Errorf("Plan gives %v", err)
			}
		})
	}
}

func TestCheckWords(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.RequestsPerSecond, l.DiskBudget = math.NaN(), mib
	err := l.Check().Err()
	want := "--rate: must be 0.001 to 1000000 requests/s, not NaN\n--disk-budget: must be 2 MiB to 1 PiB, not 1 MiB"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestOnlyWhatIsUsed has a function look only at its own part of a load.
func TestOnlyWhatIsUsed(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.Retention, l.DiskBudget = 0, 0
	if _, err := Batch(l, Webhook); err != nil {
		t.Errorf("Batch looks at rotation: %v", err)
	}
	if _, err := Plan(l, Backends{Webhook: true}); err != nil {
		t.Errorf("Plan looks at rotation without a log: %v", err)
	}
	if _, err := Rotation(l); err == nil {
		t.Error("Rotation does not look at its part")
	}
	l = Defaults()
	l.Stall, l.Headroom = -1, 0
	if _, err := Rotation(l); err != nil {
		t.Errorf("Rotation looks at batches: %v", err)
	}
	if _, err := Plan(l, Backends{Log: true}); err != nil {
		t.Errorf("Plan looks at batches of a log that has none: %v", err)
	}
	if _, err := Batch(l, Webhook); err == nil {
		t.Error("Batch does not look at its part")
	}
}

func TestErrorsAreProblems(t *testing.T) {
	t.Parallel()
	_, batch := Batch(Load{}, Webhook)
	_, rotation := Rotation(Load{})
	_, plan := Plan(Load{}, Backends{})
	for _, err := range []error{batch, rotation, plan} {
		if ps := (document.Problems)(nil); !errors.As(err, &ps) || len(ps) < 4 {
			t.Errorf("got %v", err)
		}
	}
}
