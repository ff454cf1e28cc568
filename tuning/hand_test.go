// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func of(n int) *int { return &n }

// TestCheckByHand has what cannot be calculated with reported under the flag
// that it came by.
func TestCheckByHand(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	const qps, throttle = "--set audit-webhook-batch-throttle-qps", "--set audit-webhook-batch-throttle-burst"
	tests := []struct {
		name string
		load func(*Load)
		want []string
	}{
		{"mean", func(l *Load) { l.MeanRequestsPerSecond = 40 }, nil},
		{"mean as high as the peak", func(l *Load) { l.MeanRequestsPerSecond = 100 }, nil},
		{"mean above the peak", func(l *Load) { l.MeanRequestsPerSecond = 101 }, []string{"--mean-rate"}},
		{"mean negative", func(l *Load) { l.MeanRequestsPerSecond = -1 }, []string{"--mean-rate"}},
		{"mean NaN", func(l *Load) { l.MeanRequestsPerSecond = nan }, []string{"--mean-rate"}},
		{"mean infinite", func(l *Load) { l.MeanRequestsPerSecond = inf }, []string{"--mean-rate"}},
		{"mean 1e18", func(l *Load) { l.MeanRequestsPerSecond = 1e18 }, []string{"--mean-rate"}},
		{"servers", func(l *Load) { l.Servers = 5 }, nil},
		{"servers negative", func(l *Load) { l.Servers = -1 }, []string{"--servers"}},
		{"servers without number", func(l *Load) { l.Servers = math.MaxInt }, []string{"--servers"}},
		{"outage negative", func(l *Load) { l.Outage = -1 }, []string{"--outage"}},
		{"outage of a day", func(l *Load) { l.Outage = day }, nil},
		{"outage of more", func(l *Load) { l.Outage = day + 1 }, []string{"--outage"}},
		{"backoff negative", func(l *Load) { l.InitialBackoff = -1 }, []string{"--webhook-initial-backoff"}},
		{"backoff of an hour", func(l *Load) { l.InitialBackoff = time.Hour }, []string{"--webhook-initial-backoff"}},
		{"memory negative", func(l *Load) { l.MemoryBudget = -1 }, []string{"--memory-budget"}},
		{"memory of 1 KiB", func(l *Load) { l.MemoryBudget = 1024 }, []string{"--memory-budget"}},
		{"memory of 1e18", func(l *Load) { l.MemoryBudget = 1e18 }, []string{"--memory-budget"}},
		{"qps and burst negative", func(l *Load) { l.ThrottleQPS, l.ThrottleBurst = -1, -1 }, []string{qps, throttle}},
		{"qps NaN", func(l *Load) { l.ThrottleQPS = nan }, []string{qps}},
		{"qps infinite", func(l *Load) { l.ThrottleQPS = inf }, []string{qps}},
		{"qps 1e18", func(l *Load) { l.ThrottleQPS = 1e18 }, []string{qps}},
		{"burst without number", func(l *Load) { l.ThrottleBurst = math.MaxInt }, []string{throttle}},
		{"buffers negative", func(l *Load) { l.BufferSize, l.LogBufferSize = -1, -1 },
			[]string{"--set audit-webhook-batch-buffer-size", "--set audit-log-batch-buffer-size"}},
		{"a buffer no machine holds", func(l *Load) { l.BufferSize = maxBuffer + 1 }, []string{"--set audit-webhook-batch-buffer-size"}},
		{"buffers by hand, for a stall that none is chosen for", func(l *Load) {
			l.RequestsPerSecond, l.Stall, l.BufferSize, l.LogBufferSize = 10_000, time.Hour, 10_000, 10_000
		}, nil},
		{"no limits", func(l *Load) { l.MaxBackup, l.MaxAgeDays = of(0), of(0) }, nil},
		{"size 0 is two things", func(l *Load) { l.MaxSizeMiB = of(0) }, []string{"--set audit-log-maxsize"}},
		{"rotation negative", func(l *Load) { l.MaxSizeMiB, l.MaxBackup, l.MaxAgeDays = of(-1), of(-1), of(-1) },
			[]string{"--set audit-log-maxsize", "--set audit-log-maxbackup", "--set audit-log-maxage"}},
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
			if _, err := Plan(l, everywhere()); (err != nil) != (len(tt.want) > 0) {
				t.Errorf("Plan gives %v", err)
			}
		})
	}
}

// judgement is a load with settings or wishes that do not go together, what is
// said of them, and how the hint is followed: then nothing must be said.
type judgement struct {
	name   string
	to     Backends
	load   func(*Load)
	about  string
	what   string // part of it
	hint   string // part of it
	follow func(*Load)
}

func judgements() []judgement {
	const qps, buffer, logBuffer = "--set audit-webhook-batch-throttle-qps", "--set audit-webhook-batch-buffer-size", "--set audit-log-batch-buffer-size"
	webhook, log, batch := Backends{Webhook: true}, Backends{Log: true}, Backends{LogBatch: true}
	short := func(l *Load) { l.Retention, l.DiskBudget = time.Hour, 2<<30 }
	return []judgement{
		{"throttle below the peak", webhook, func(l *Load) { l.MeanRequestsPerSecond, l.ThrottleQPS = 10, 0.5 }, qps,
			"50 events/s go out while 100 events/s come in: after 2m2s of peak the buffer is full, and then 50 events/s are lost",
			qps + "=1 is enough for the peak, and 2 has the headroom", func(l *Load) { l.ThrottleQPS = 2 }},
		{"throttle below the mean", webhook, func(l *Load) { l.ThrottleQPS = 0.5 }, qps, "less than the mean, so the buffer is full nearly always", qps + "=1", func(l *Load) { l.ThrottleQPS = 2 }},
		{"throttle without headroom", webhook, func(l *Load) { l.ThrottleQPS = 1 }, qps, "hardly drains", "2 has the headroom", func(l *Load) { l.ThrottleQPS = 2 }},
		{"throttle slower than max-wait", webhook, func(l *Load) { l.RequestsPerSecond, l.ThrottleQPS = 20, 0.1; l.BatchSize = 1000 }, qps,
			"max-wait closes a batch every 5s, and the throttle lets one out every 10 s", qps + "=0.2 is enough", func(l *Load) { l.ThrottleQPS = 0.2 }},
		{"buffer below a second", webhook, func(l *Load) { l.BufferSize = 60 }, buffer, "100 events at peak, and the buffer holds 60: 40 of them are lost",
			buffer + "=100 holds them, and 6000 has the headroom", func(l *Load) { l.BufferSize = 100 }},
		{"buffer below a batch", webhook, func(l *Load) { l.BufferSize, l.BatchSize = 150, 200 }, buffer, "smaller than a batch of 200", buffer + "=200", func(l *Load) { l.BufferSize = 200 }},
		{"buffer of the log below a stall", batch, func(l *Load) { short(l); l.LogBufferSize = 1000 }, logBuffer,
			"the disk may stand still for 30s, which is 3000 events at peak, and the buffer holds 1000: 2000 of them are lost, as from 10 s on",
			logBuffer + "=3000 holds them, and 6000", func(l *Load) { l.LogBufferSize = 3000 }},
		{"outage", webhook, func(l *Load) { l.Outage = 4 * time.Minute }, "--outage",
			"gone for 4m loses about 15063 events, if it refuses at once, and 3063 if every try times out: a batch is given up after 1m21s or 3m21s",
			"--webhook-initial-backoff 30s loses none, and holds up to 197 MiB meanwhile", func(l *Load) { l.InitialBackoff = 30 * time.Second }},
		{"outage beyond any backoff", webhook, func(l *Load) { l.Outage = 3 * time.Hour }, "--outage", "gone for 3h", "keep a log as well", nil},
		{"memory: the outage", webhook, func(l *Load) { l.MemoryBudget = 100 * mib }, "--memory-budget", "204 MiB, and the budget is 100 MiB",
			"--memory-budget 204Mi holds it, and --outage 2m1s fits", func(l *Load) { l.MemoryBudget = 204 * mib }},
		{"memory: the buffer", batch, func(l *Load) { short(l); l.MemoryBudget = 10 * mib }, "--memory-budget", "28 MiB, and the budget is 10 MiB",
			"--memory-budget 29Mi holds it, and --stall 10s fits", func(l *Load) { l.Stall = 10 * time.Second }},
		{"memory: a buffer by hand", webhook, func(l *Load) { l.BufferSize, l.MemoryBudget, l.Outage = 100_000, 100*mib, 0 }, "--memory-budget", "467 MiB",
			buffer + "=21317 fits", func(l *Load) { l.BufferSize = 21317 }},
		{"memory: both", webhook, func(l *Load) { l.MemoryBudget = 20 * mib }, "--memory-budget", "204 MiB", "--stall 1s with --outage 24s fits",
			func(l *Load) { l.Stall, l.Outage = time.Second, 24*time.Second }},
		{"memory: nothing helps", webhook, func(l *Load) { l.MemoryBudget = mib }, "--memory-budget", "budget is 1 MiB", "another profile", nil},
		{"disk by hand", log, func(l *Load) { short(l); l.MaxBackup, l.MaxSizeMiB = of(50), of(100) }, "--set audit-log-maxbackup", "4.98 GiB, and the budget is 2 GiB",
			"--set audit-log-maxbackup=19 fits the budget with files of 100 MiB; --disk-budget 5100Mi holds it", func(l *Load) { l.DiskBudget = 5100 * mib }},
		{"files larger than the disk", log, func(l *Load) { short(l); l.MaxSizeMiB = of(3000) }, "--set audit-log-maxsize", "5.86 GiB, and the budget is 2 GiB", "do not fit the budget", nil},
		{"no limit at all", log, func(l *Load) { short(l); l.MaxBackup, l.MaxAgeDays = of(0), of(0) }, "--set audit-log-maxbackup", "keep every file for ever, until the disk is full",
			"--set audit-log-maxbackup=19", func(l *Load) { l.MaxBackup = of(19) }},
		{"only age is a limit", log, func(l *Load) { short(l); l.MaxBackup = of(0) }, "--set audit-log-maxbackup", "290 GiB, and the budget is 2 GiB",
			"--disk-budget 290Gi holds it", func(l *Load) { l.DiskBudget = 290 << 30 }},
		{"too few files", log, func(l *Load) { l.Retention, l.DiskBudget = day, 20<<30; l.MaxBackup, l.MaxSizeMiB = of(20), of(100) }, "--set audit-log-maxbackup",
			"1d of log are wanted, and at 117 KiB/s it reaches back 4h51m", "--set audit-log-maxbackup=99 holds it, and takes 9.77 GiB", func(l *Load) { l.MaxBackup = of(99) }},
		{"too young", log, func(l *Load) { l.DiskBudget, l.MaxAgeDays = 400<<30, of(7) }, "--set audit-log-maxage",
			"30d of log are wanted, and at 117 KiB/s it reaches back 7d", "--set audit-log-maxage=30", func(l *Load) { l.MaxAgeDays = of(30) }},
		{"too few files of a size that goes by them", log, func(l *Load) { l.Retention, l.DiskBudget, l.MaxBackup = 3*day, 5<<30, of(20) }, "--set audit-log-maxbackup",
			"3d of log are wanted", "--set audit-log-maxbackup=123 with --set audit-log-maxsize=243 holds it",
			func(l *Load) { l.DiskBudget, l.MaxBackup, l.MaxSizeMiB = 30<<30, of(123), of(243) }},
		{"files too small for any number", log, func(l *Load) { l.RequestsPerSecond, l.DiskBudget, l.MaxSizeMiB = 50000, 10<<30, of(1) }, "--set audit-log-maxsize",
			"30d of log are wanted", "files of 1 MiB are too small for that", nil},
		{"fewer files than CIS asks for", log, func(l *Load) { short(l); l.MaxBackup = of(3) }, "--set audit-log-maxbackup", "maxbackup 3",
			"--set audit-log-maxbackup=10 meets it", func(l *Load) { l.MaxBackup = of(10) }},
		{"files too large for as many as CIS asks for", log, func(l *Load) { short(l); l.MaxSizeMiB = of(300) }, "--set audit-log-maxsize", "maxbackup 5",
			"--disk-budget 3300Mi meets it", func(l *Load) { l.DiskBudget = 3300 * mib }},
		{"below CIS", log, func(l *Load) { short(l); l.MaxSizeMiB = of(50) }, "--set audit-log-maxsize", "below the CIS benchmark", "", func(l *Load) { l.MaxSizeMiB = of(100) }},
	}
}

func TestJudgements(t *testing.T) {
	t.Parallel()
	for _, j := range judgements() {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			l := Defaults()
			j.load(&l)
			r, err := Plan(l, j.to)
			if err != nil {
				t.Fatal(err)
			}
			said := false
			for _, w := range r.Warnings {
				said = said || w.About == j.about && strings.Contains(w.What, j.what) && strings.Contains(w.Hint, j.hint)
			}
			if !said {
				t.Errorf("got %+v", r.Warnings)
			}
			if j.follow == nil {
				return
			}
			j.follow(&l)
			if r, err = Plan(l, j.to); err != nil || len(r.Warnings) != 0 {
				t.Errorf("the hint was followed: %+v, %v", r.Warnings, err)
			}
		})
	}
}

// TestDefaultsAreNotJudged has nobody warned of what nobody asked for.
func TestDefaultsAreNotJudged(t *testing.T) {
	t.Parallel()
	r, err := Plan(Defaults(), Backends{Webhook: true})
	if err != nil || len(r.Warnings) != 0 {
		t.Errorf("%+v, %v", r.Warnings, err)
	}
}

// TestByHandReachesTheFlags has a setting by hand stand where it is set, with
// what it replaces in its reason.
func TestByHandReachesTheFlags(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.ThrottleQPS, l.ThrottleBurst, l.BufferSize, l.LogBufferSize = 5.5, 7, 1234, 4321
	l.MaxSizeMiB, l.MaxBackup, l.MaxAgeDays = of(50), of(0), of(0)
	r, err := Plan(l, everywhere())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"audit-webhook-batch-throttle-qps": "5.5", "audit-webhook-batch-throttle-burst": "7",
		"audit-webhook-batch-buffer-size": "1234", "audit-log-batch-buffer-size": "4321",
		"audit-log-maxsize": "50", "audit-log-maxbackup": "0", "audit-log-maxage": "0",
	}
	computed := map[string]string{"audit-webhook-batch-throttle-qps": "computed 2 batches/s", "audit-log-maxbackup": "computed 101 files"}
	for _, f := range r.Flags() {
		if v, ok := want[f.Name]; ok && (f.Value != v || !strings.Contains(f.Reason, "set by hand") || !strings.Contains(f.Reason, computed[f.Name])) {
			t.Errorf("%s=%s: %s", f.Name, f.Value, f.Reason)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
	if r.Rotation.DiskMaxBytes.Value != math.MaxInt64 || r.Rotation.RetentionSeconds.Value != int64(mostKept.Seconds()) {
		t.Errorf("without limits %d bytes, %d s", r.Rotation.DiskMaxBytes.Value, r.Rotation.RetentionSeconds.Value)
	}
}

// TestSizeGoesByNumber has a number of files by hand reach back as far as is
// wanted, if the budget holds it.
func TestSizeGoesByNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		files    int
		budget   int64
		wantSize int
	}{
		{10, 400 << 30, 29664}, {10, 20 << 30, 1861}, {250, 400 << 30, 1187}, {5000, 400 << 30, 81}, {5000, 20 << 30, 4}, {50_000, 20 << 30, 1},
	} {
		l := Defaults()
		l.MaxBackup, l.DiskBudget = of(tt.files), tt.budget
		r, err := Rotation(l)
		if err != nil {
			t.Fatal(err)
		}
		if r.MaxSizeMiB.Value != tt.wantSize || r.MaxBackup.Value != tt.files || !strings.Contains(r.MaxSizeMiB.Formula, strconv.Itoa(tt.wantSize)) {
			t.Errorf("%d files, %d bytes: %d files of %d MiB, %s", tt.files, tt.budget, r.MaxBackup.Value, r.MaxSizeMiB.Value, r.MaxSizeMiB.Formula)
		}
	}
}
