// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"strings"
	"testing"
	"time"
)

func TestRotation(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	type want struct {
		size, count, age int
		disk             int64
		kept             int64 // seconds
	}
	tests := []struct {
		name string
		load func(*Load)
		want want
		// warned is what the warnings are about, in order.
		warned string
	}{
		// 120000 B/s. 100 MiB are 104857600 bytes.
		{"defaults: 102 files of 100 MiB in 10 GiB, one in use", func(*Load) {}, want{100, 101, 30, 102 * 100 * mib, 88255}, "--retention"},
		{"20 GiB hold 204", func(l *Load) { l.DiskBudget = 20 * gib }, want{100, 203, 30, 204 * 100 * mib, 177384}, "--retention"},
		{"a day: 10368000000 bytes are 98.9 files", func(l *Load) { l.Retention = day }, want{100, 99, 30, 100 * 100 * mib, 86507}, ""},
		{"an hour needs 5 files, CIS 10", func(l *Load) { l.Retention = time.Hour }, want{100, 10, 30, 1100 * mib, 8738}, ""},
		{"CIS just fits", func(l *Load) { l.Retention, l.DiskBudget = time.Hour, 1100*mib }, want{100, 10, 30, 1100 * mib, 8738}, ""},
		{"a byte less: 1099 MiB in 11", func(l *Load) { l.Retention, l.DiskBudget = time.Hour, 1100*mib-1 }, want{99, 10, 30, 1089 * mib, 8650}, "--disk-budget"},
		{"50 MiB in 5, since 11 would be of 4 MiB", func(l *Load) { l.Retention, l.DiskBudget = time.Minute, 50*mib }, want{10, 4, 30, 50 * mib, 349}, "--disk-budget"},
		{"2 MiB", func(l *Load) { l.Retention, l.DiskBudget = time.Minute, 2*mib }, want{1, 1, 30, 2 * mib, 8}, "--retention --disk-budget --disk-budget"},
		{"2 MiB with truncation", func(l *Load) { l.Retention, l.DiskBudget, l.MaxEventBytes = time.Minute, 2*mib, 102_400 }, want{1, 1, 30, 2 * mib, 8}, "--retention --disk-budget"},
		{"events of 3 MiB: files of 4", func(l *Load) { l.Retention, l.DiskBudget, l.MaxEventBytes = time.Minute, 9*mib, 3*mib }, want{4, 1, 30, 8 * mib, 34}, "--retention --disk-budget"},
		{"events of 150 MiB: files of 151", func(l *Load) { l.Retention, l.MaxEventBytes = time.Hour, 150*mib }, want{151, 10, 30, 11 * 151 * mib, 13194}, ""},
		// 120000 B/s × 30 d = 311040000000 B; of 1000 MiB 297 files, of 2000 149.
		{"30 days", func(l *Load) { l.DiskBudget = 400 * gib }, want{2000, 149, 30, 150 * 2000 * mib, 2592000}, ""},
		{"45.5 days wanted: age is 46", func(l *Load) { l.Retention, l.DiskBudget = 45*day+12*time.Hour, 1<<40 }, want{2000, 225, 46, 226 * 2000 * mib, 3932160}, ""},
		{"0.001 requests/s: age ends it", func(l *Load) { l.RequestsPerSecond = 0.001 }, want{100, 10, 30, 1100 * mib, 2592000}, ""},
		// 2 files whole, the rest 2.5 times smaller: (102.4 − 2) × 2.5 = 251.
		{"compressed: (51.2 − 2) × 2.5 of 200 MiB", func(l *Load) { l.Compress = true }, want{200, 123, 30, 10737418240, 214958}, "--retention"},
		{"compressed, 500 MiB: 500 ÷ (2 + 10 ÷ 2.5)", func(l *Load) { l.Retention, l.Compress, l.DiskBudget = time.Hour, true, 500*mib }, want{83, 10, 30, 498 * mib, 7252}, "--disk-budget"},
		{"compressed, 600 MiB make CIS", func(l *Load) { l.Retention, l.Compress, l.DiskBudget = time.Hour, true, 600*mib }, want{100, 10, 30, 600 * mib, 8738}, ""},
		{"compressed to nothing: files stay smaller than the budget", func(l *Load) {
			l.RequestsPerSecond, l.Compress, l.CompressRatio, l.DiskBudget = 100_000, true, 100, 100*gib
		}, want{5000, 1848, 30, 100 * gib, 80740}, "--retention"},
		{"compressed, to the byte: 1640 MiB are 2 + 36 ÷ 2.5 files", func(l *Load) { l.Compress, l.DiskBudget = true, 1640*mib }, want{100, 36, 30, 1640 * mib, 31457}, "--retention"},
		{"a byte less than 200 files", func(l *Load) { l.RequestsPerSecond, l.DiskBudget = 1000, 200*2000*mib-1 }, want{2000, 198, 30, 199 * 2000 * mib, 346030}, "--retention"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			tt.load(&l)
			r, err := Rotation(l)
			if err != nil {
				t.Fatal(err)
			}
			got := want{r.MaxSizeMiB.Value, r.MaxBackup.Value, r.MaxAgeDays.Value, r.DiskMaxBytes.Value, r.RetentionSeconds.Value}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			var warned []string
			for _, w := range r.warnings {
				warned = append(warned, w.About)
			}
			if s := strings.Join(warned, " "); s != tt.warned {
				t.Errorf("warned of %q, want %q", s, tt.warned)
			}
		})
	}
}

// TestRotationHints has the choices that a warning names do what it says.
func TestRotationHints(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.DiskBudget = 20 << 30
	r, err := Rotation(l)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.warnings) != 1 {
		t.Fatalf("got %+v", r.warnings)
	}
	w := r.warnings[0]
	if want := "30d of log do not fit 20 GiB: at 117 KiB/s it reaches back 2d1h"; w.What != want {
		t.Errorf("got %q, want %q", w.What, want)
	}
	if want := "--disk-budget 293Gi holds 30d, and --retention 2d1h fits the budget as it is; or ship the log elsewhere, or audit less"; w.Hint != want {
		t.Errorf("got %q, want %q", w.Hint, want)
	}
	l.DiskBudget = 293 << 30
	if r, err = Rotation(l); err != nil || len(r.warnings) != 0 {
		t.Errorf("the budget of the hint: %v, %v", r.warnings, err)
	}
	if r.DiskNeededBytes.Value != r.DiskMaxBytes.Value {
		t.Errorf("needs %d where %d do", r.DiskNeededBytes.Value, r.DiskMaxBytes.Value)
	}
	l.DiskBudget, l.Retention = 20<<30, 49*time.Hour
	if r, err = Rotation(l); err != nil || len(r.warnings) != 0 {
		t.Errorf("the retention of the hint: %v, %v", r.warnings, err)
	}
}

// TestRotationHintBeyondReach names no budget that would be refused, and no
// retention either.
func TestRotationHintBeyondReach(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.RequestsPerSecond, l.BytesPerEvent, l.Retention = 1e6, 16*mib, 36500*day
	r, err := Rotation(l)
	if err != nil {
		t.Fatal(err)
	}
	if hint := r.warnings[0].Hint; !strings.HasPrefix(hint, "8 EiB would hold 36500d; ") {
		t.Errorf("got %q", hint)
	}
}
