// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseRetention(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in    string
		want  time.Duration
		wrong string // part of the error
	}{
		{"30d", 720 * time.Hour, ""},
		{"12h", 12 * time.Hour, ""},
		{"2w", 336 * time.Hour, ""},
		{"1d12h", 36 * time.Hour, ""},
		{"1.5d", 36 * time.Hour, ""},
		{" 90m ", 90 * time.Minute, ""},
		{"1h30m5s", time.Hour + 30*time.Minute + 5*time.Second, ""},
		{"0d", 0, ""},
		{"", 0, "empty"},
		{"30", 0, "has no unit"},
		{"1d12", 0, "has no unit"},
		{"-1d", 0, "is negative"},
		{"1y", 0, `unknown unit "y"`},
		{"1M", 0, `unknown unit "M"`},
		{"1 d", 0, `unknown unit " d"`},
		{"100ms", 0, `unknown unit "ms"`},
		{"d", 0, "is no duration"},
		{".d", 0, "is no duration"},
		{"1.2.3d", 0, "is no duration"},
		{"1e3d", 0, `unknown unit "e"`},
		{"NaNd", 0, "is no duration"},
		{"Infd", 0, "is no duration"},
		{"0x10d", 0, `unknown unit "x"`},
		{"200000d", 0, "longer than 292 years"},
		{strings.Repeat("9", 400) + "d", 0, "is no duration"},
	}
	for _, tt := range tests {
		got, err := ParseRetention(tt.in)
		if tt.wrong == "" && (err != nil || got != tt.want) {
			t.Errorf("%q: got %s, %v", tt.in, got, err)
		}
		if tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%q: got %s, %v, want %s", tt.in, got, err, tt.wrong)
		}
	}
}

func TestParseBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in    string
		want  int64
		wrong string
	}{
		{"20Gi", 20 << 30, ""},
		{"500M", 500_000_000, ""},
		{"1.5GiB", 3 << 29, ""},
		{"1000000", 1_000_000, ""},
		{"12B", 12, ""},
		{"1k", 1000, ""},
		{"1K", 1000, ""},
		{"1Ki", 1024, ""},
		{"1KB", 1000, ""},
		{"3Ti", 3 << 40, ""},
		{"2P", 2e15, ""},
		{"7Ei", 7 << 60, ""},
		{"9223372036854775807", math.MaxInt64, ""},
		{"0.1k", 100, ""},
		{"1.1", 2, ""},
		{"0", 0, ""},
		{"9223372036854775808", 0, "more than 8 EiB"},
		{"8Ei", 0, "more than 8 EiB"},
		{"", 0, "empty"},
		{"-1Gi", 0, "is negative"},
		{"Gi", 0, "is no size"},
		{"1..5Gi", 0, "is no size"},
		{"20g", 0, `unknown unit "g"`},
		{"20gi", 0, `unknown unit "gi"`},
		{"20i", 0, `unknown unit "i"`},
		{"20kMi", 0, `unknown unit "kMi"`},
		{"20ki", 0, `unknown unit "ki"`},
		{"100m", 0, `unknown unit "m"`},
		{"1e3", 0, "is no size"},
		{"1Gi2", 0, "is no size"},
		{"20 Gi", 0, `unknown unit " Gi"`},
		{"20BB", 0, `unknown unit "BB"`},
		{strings.Repeat("1", 41), 0, "is no size"},
	}
	for _, tt := range tests {
		got, err := ParseBytes(tt.in)
		if tt.wrong == "" && (err != nil || got != tt.want) {
			t.Errorf("%q: got %d, %v", tt.in, got, err)
		}
		if tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%q: got %d, %v, want %s", tt.in, got, err, tt.wrong)
		}
	}
}

// TestParseHelp has every refusal say what is accepted.
func TestParseHelp(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "-1", "x", "1x", "1.1.1", "1x1"} {
		if _, err := ParseBytes(in); err == nil || !strings.Contains(err.Error(), "such as 20Gi") {
			t.Errorf("%q: %v", in, err)
		}
		if _, err := ParseRetention(in); err == nil || !strings.Contains(err.Error(), "such as 30d") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := []struct{ got, want string }{
		{FormatBytes(0), "0 bytes"},
		{FormatBytes(1023), "1023 bytes"},
		{FormatBytes(1024), "1 KiB"},
		{FormatBytes(1100 << 20), "1.07 GiB"},
		{FormatBytes(20 << 30), "20 GiB"},
		{FormatBytes(31_104_000_000), "29 GiB"},
		{FormatBytes(1<<20 - 1), "1 MiB"},
		{FormatBytes(999 << 20), "999 MiB"},
		{FormatBytes(math.MaxInt64), "8 EiB"},
		{FormatRate(200, "events"), "200 events/s"},
		{FormatRate(0.4, "batches"), "0.4 batches/s"},
		{FormatRate(100.0/3, "events"), "33.3333 events/s"},
		{FormatRate(1e6, "requests"), "1000000 requests/s"},
		{FormatRate(1234567.89, "events"), "1234570 events/s"},
		{FormatRate(1e-7, "events"), "1e-07 events/s"},
		{FormatRetention(0), "0s"},
		{FormatRetention(-time.Hour), "0s"},
		{FormatRetention(999 * time.Millisecond), "0s"},
		{FormatRetention(90 * time.Second), "1m30s"},
		{FormatRetention(36 * time.Hour), "1d12h"},
		{FormatRetention(30 * day), "30d"},
		{FormatRetention(day + 59*time.Minute), "1d"},
		{FormatRetention(time.Hour + 59*time.Minute + 59*time.Second), "1h59m"},
		{budget(1100 << 20), "1100Mi"},
		{budget(1100<<20 + 1), "1101Mi"},
		{budget(10<<30 + 1), "11Gi"},
		{num(math.NaN()), "NaN"},
		{num(math.Inf(-1)), "-Inf"},
		{num(1e18), "1e+18"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestRounding(t *testing.T) {
	t.Parallel()
	tenth := 0.1 // a constant would be multiplied exactly
	tests := []struct {
		name      string
		got, want float64
	}{
		{"whole", ceil(1000), 1000},
		{"noise", ceil(1000.0001), 1000},
		{"a bit", ceil(1000.01), 1001},
		{"large numbers lose no more than a hundredth", ceil(1e9 + 0.02), 1e9 + 1},
		{"small ones keep all", ceil(0.3), 1},
		{"tenth", ceilTenth(2), 2},
		{"tenth, noise", ceilTenth(2.0000002), 2},
		{"tenth, a bit", ceilTenth(2.001), 2.1},
		{"tenth of what is no binary fraction", ceilTenth(0.7), 0.7},
		{"clean", clean(tenth * 3), 0.3},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if wholeInt64(1e300) != math.MaxInt64 || wholeInt64(math.NaN()) != 0 || wholeInt64(2.9) != 2 {
		t.Error("wholeInt64 does not hold")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"30d", "1d12h", "20Gi", "1.5GiB", "-1", "1e9", "١d", "0.000000001Ei"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseBytes(s); err == nil && n < 0 {
			t.Errorf("%q: %d bytes", s, n)
		}
		d, err := ParseRetention(s)
		if err != nil {
			return
		}
		if d < 0 {
			t.Errorf("%q: %s", s, d)
		}
		// What is shown reads back as no more than what it was.
		if back, err := ParseRetention(FormatRetention(d)); err != nil || back > d || back < d/2 && d >= time.Second {
			t.Errorf("%q: %s is shown as %s", s, d, FormatRetention(d))
		}
	})
}
