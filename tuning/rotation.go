// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"time"
)

// RotationSettings is how the log file should be rotated, and what comes of
// it. All three rotation flags are always set: what they default to and what 0
// means in them changed with 1.36.
type RotationSettings struct {
	// MaxSizeMiB is in units of 1024 × 1024 bytes, as the rotation library
	// counts; the flag's help says megabytes.
	MaxSizeMiB Value[int] `json:"maxSizeMiB"`
	// MaxBackup counts rotated files, without the one in use.
	MaxBackup  Value[int]  `json:"maxBackup"`
	MaxAgeDays Value[int]  `json:"maxAgeDays"`
	Compress   Value[bool] `json:"compress"`
	// DiskMaxBytes is the most the files can take together. With Compress it
	// rests on the ratio that was assumed. Where the rotation was set by hand
	// and nothing limits it, it is the largest int64.
	DiskMaxBytes Value[int64] `json:"diskMaxBytes"`
	// DiskNeededBytes is what the wanted retention takes: DiskMaxBytes if it
	// is met, and more than the budget if not.
	DiskNeededBytes Value[int64] `json:"diskNeededBytes"`
	// RetentionSeconds is how far back the log reaches at the least, that is
	// at the mean rate, just after a rotation; at most 100 years.
	RetentionSeconds       Value[int64] `json:"retentionSeconds"`
	RetentionWantedSeconds Value[int64] `json:"retentionWantedSeconds"`

	warnings []Warning
}

const (
	sourceRotate = "gopkg.in/natefinch/lumberjack.v2 v2.2.1 lumberjack.go"
	sourceCIS    = "CIS Kubernetes Benchmark v1.9 1.2.17 to 1.2.19, as kube-bench checks them in cfg/cis-1.9/master.yaml"
)

const (
	// What the CIS benchmark asks for.
	cisAgeDays, cisBackups, cisSizeMiB = 30, 10, 100
	// Collectors watch every file that matches audit*.log. Beyond this many,
	// files grow instead, as long as those that take their whole size take
	// only this share of the budget: well compressed files may be more.
	mostBackups = 250
	// More files than this are not calculated with.
	mostFiles = 1e6
	mostWhole = 0.1
	// An event larger than maxsize is not written at all, and multi-megabyte
	// events have been seen at level RequestResponse.
	roomyMiB = 10
)

// Rotation calculates size, number and age of rotated files. The error is
// document.Problems with everything that is wrong with the load; the part
// about batches is not looked at.
func Rotation(l Load) (RotationSettings, error) {
	ps := append(l.checkRate(), l.checkRotation()...)
	if err := ps.Err(); err != nil {
		return RotationSettings{}, err
	}
	return l.rotation(), nil
}

// rotation is Rotation for a load that was checked.
func (l Load) rotation() RotationSettings {
	space := l.space()
	size := space.size(float64(l.DiskBudget))
	count := space.backups(size, float64(l.DiskBudget))
	age := max(int(math.Ceil(l.Retention.Hours()/24)), cisAgeDays)
	r := RotationSettings{
		MaxSizeMiB: l.maxSizeValue(space, size),
		MaxBackup:  l.maxBackupValue(space, size, count),
		MaxAgeDays: l.maxAgeValue(age),
		Compress:   l.compressValue(),
	}
	l.rotateByHand(&r, space)
	r.DiskMaxBytes = l.diskValue(space, r)
	r.RetentionSeconds = l.retentionValue(r)
	r.RetentionWantedSeconds = Value[int64]{
		Name: "rotation.retentionWantedSeconds", Unit: "s", Value: int64(l.Retention / time.Second),
		Formula: "--retention " + FormatRetention(l.Retention), Reason: "as asked", Source: sourceAsked,
	}
	r.DiskNeededBytes = l.neededValue(space, r)
	r.warnings = l.rotationWarnings(r)
	return r
}

// rotateByHand puts what was set by hand in its place, and has the one of size
// and number that was not go by the other.
func (l Load) rotateByHand(r *RotationSettings, s space) {
	budget := float64(l.DiskBudget)
	switch {
	case l.MaxSizeMiB != nil:
		r.MaxSizeMiB = overruled(r.MaxSizeMiB, *l.MaxSizeMiB)
		size := float64(*l.MaxSizeMiB)
		if l.MaxBackup == nil {
			r.MaxBackup = l.maxBackupValue(s, size, s.backups(size, budget))
		}
	case l.MaxBackup != nil && *l.MaxBackup > 0:
		count := float64(*l.MaxBackup)
		size := max(min(max(ceil(s.need/count/mib), cisSizeMiB), math.Floor(budget/mib/(s.full+s.per*count))), s.leastMiB)
		r.MaxSizeMiB.Value = int(size)
		r.MaxSizeMiB.Formula = fmt.Sprintf("%s to keep ÷ %d files, kept between %d MiB and what %s hold = %d MiB a file",
			formatBytes(s.need), *l.MaxBackup, cisSizeMiB, FormatBytes(l.DiskBudget), r.MaxSizeMiB.Value)
		r.MaxSizeMiB.Reason = "as large as it takes for so many files to reach back as far as is wanted"
		r.MaxSizeMiB.Source = sourceRotate
	}
	if l.MaxBackup != nil {
		r.MaxBackup = overruled(r.MaxBackup, *l.MaxBackup)
	}
	if l.MaxAgeDays != nil {
		r.MaxAgeDays = overruled(r.MaxAgeDays, *l.MaxAgeDays)
	}
}

// files is how many rotated files there can be, which may be infinite.
func (l Load) files(r RotationSettings) float64 {
	count, age := float64(r.MaxBackup.Value), float64(r.MaxAgeDays.Value)
	switch {
	case count > 0:
		return count
	case age > 0:
		return ceil(l.meanBytesPerSecond()*age*day.Seconds()/(float64(r.MaxSizeMiB.Value)*mib)) + 1
	}
	return math.Inf(1)
}

// mostKept stands for a log that nothing ends.
const mostKept = 36500 * day

// kept is how far back the log reaches at the mean rate, in seconds.
func (l Load) kept(r RotationSettings) float64 {
	kept := mostKept.Seconds()
	if n := r.MaxBackup.Value; n > 0 {
		kept = min(kept, float64(n)*float64(r.MaxSizeMiB.Value)*mib/l.meanBytesPerSecond())
	}
	if n := r.MaxAgeDays.Value; n > 0 {
		kept = min(kept, float64(n)*day.Seconds())
	}
	return kept
}

func (r RotationSettings) values() []value {
	vs := []value{r.MaxSizeMiB, r.MaxBackup, r.MaxAgeDays, r.Compress}
	return append(vs, r.DiskMaxBytes, r.DiskNeededBytes, r.RetentionSeconds, r.RetentionWantedSeconds)
}

func rateOfBytes(perSecond float64) string { return formatBytes(perSecond) + "/s" }

// seconds turns a length that may exceed what a Duration holds into one.
func seconds(s float64) time.Duration {
	return time.Duration(wholeInt64(clean(s) * float64(time.Second)))
}
