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
	// rests on the ratio that was assumed.
	DiskMaxBytes Value[int64] `json:"diskMaxBytes"`
	// DiskNeededBytes is what the wanted retention takes: DiskMaxBytes if it
	// is met, and more than the budget if not.
	DiskNeededBytes Value[int64] `json:"diskNeededBytes"`
	// RetentionSeconds is how far back the log reaches at the least, that is
	// at peak load all day, just after a rotation.
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
	mostWhole   = 0.1
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
	kept := min(count*size*mib/l.bytesPerSecond(), float64(age)*day.Seconds())

	r := RotationSettings{
		MaxSizeMiB: l.maxSizeValue(space, size),
		MaxBackup:  l.maxBackupValue(space, size, count),
		MaxAgeDays: l.maxAgeValue(age),
		Compress:   l.compressValue(),
	}
	r.DiskMaxBytes = l.diskValue(space, size, count)
	r.RetentionSeconds = l.retentionValue(size, count, age, kept)
	r.RetentionWantedSeconds = Value[int64]{
		Name: "rotation.retentionWantedSeconds", Unit: "s", Value: int64(l.Retention / time.Second),
		Formula: "--retention " + FormatRetention(l.Retention), Reason: "as asked", Source: sourceAsked,
	}
	r.DiskNeededBytes = l.neededValue(space, r)
	r.warnings = l.rotationWarnings(r)
	return r
}

// space is how many bytes of events are to be kept, and what rotated files
// take. At the worst moment there is one file in use and, with compression, a
// second one on its way to be compressed, both at full size.
type space struct {
	need     float64 // bytes of events to keep in rotated files
	full     float64 // files that take their whole size
	per      float64 // what each rotated file adds, as a share of its size
	leastMiB float64 // the largest event has to fit a file
}

func (l Load) space() space {
	s := space{need: l.bytesPerSecond() * l.Retention.Seconds(), full: 1, per: 1}
	if l.Compress {
		s.full, s.per = 2, 1/l.CompressRatio
	}
	// The line ends with a newline, so an event of a whole number of MiB needs
	// a file of one more.
	s.leastMiB = float64(l.MaxEventBytes/mib + 1)
	return s
}

// leastBudget is the disk for one file in use and one rotated, in bytes.
func (l Load) leastBudget() int64 {
	s := l.space()
	return wholeInt64(math.Ceil(s.disk(s.leastMiB, 1)))
}

// disk is what count rotated files of size MiB and those in use take.
func (s space) disk(size, count float64) float64 {
	return size * mib * (s.full + s.per*count)
}

// fit is how many rotated files of size MiB a budget holds; below 1 when there
// is no room for one. A share such as 1/2.5 is no binary fraction: what fits
// to the byte must not be turned away for it, nor a byte too much let in.
func (s space) fit(size, budget float64) float64 {
	n := math.Floor((budget/(size*mib)-s.full)/s.per + 1e-9)
	if s.disk(size, n) > budget*(1+4e-16) {
		n--
	}
	return n
}

// wanted is how many rotated files of size MiB the retention takes.
func (s space) wanted(size float64) float64 {
	return max(ceil(s.need/(size*mib)), cisBackups)
}

// backups is how many rotated files there will be, at least one.
func (s space) backups(size, budget float64) float64 {
	return max(min(s.wanted(size), s.fit(size, budget)), 1)
}

// size chooses the size of a file in MiB: 100, or 200, 500, 1000 and so on
// where there would be too many of them. A budget too small for ten files of
// 100 is cut so that it holds ten, though only four where that leaves less
// than 10 MiB a file.
func (s space) size(budget float64) float64 {
	least := max(s.leastMiB, cisSizeMiB)
	if s.fit(least, budget) < cisBackups {
		whole := budget / mib
		ten := math.Floor(whole / (s.full + s.per*cisBackups))
		four := math.Floor(whole / (s.full + s.per*4))
		return max(ten, min(four, roomyMiB), s.leastMiB)
	}
	size := least
	for i := 0; min(s.wanted(size), s.fit(size, budget)) > mostBackups; i++ {
		next := size * steps125[i%len(steps125)]
		if s.disk(next, 0) > budget*mostWhole {
			break
		}
		size = next
	}
	return size
}

// steps125 leads from 1 to 2 to 5 to 10.
var steps125 = [3]float64{2, 2.5, 2}

func (l Load) maxSizeValue(s space, size float64) Value[int] {
	v := Value[int]{
		Name: "rotation.maxSizeMiB", Flag: "audit-log-maxsize", Unit: "MiB", Value: int(size),
		Formula: fmt.Sprintf("%s MiB a file", num(size)),
		Reason:  "upstream's own default from 1.36, and what the CIS benchmark asks for",
		Source:  sourceCIS,
	}
	switch {
	case size < cisSizeMiB:
		v.Formula = fmt.Sprintf("%s cut into files of %s MiB", FormatBytes(l.DiskBudget), num(size))
		v.Reason = "small enough for the budget to hold several files, since rotation throws a whole file away"
		v.Source = sourceRotate
	case size > cisSizeMiB:
		v.Formula = fmt.Sprintf("%s to keep ÷ %d files of 100 MiB, made larger by 2, 5, 10 and so on = %s MiB a file",
			formatBytes(min(s.need, float64(l.DiskBudget))), mostBackups, num(size))
		v.Reason = "fewer and larger files where there would be hundreds for a collector to watch, and none too small for the largest event"
		v.Source = sourceRotate
	}
	return v
}

func (l Load) maxBackupValue(s space, size, count float64) Value[int] {
	v := Value[int]{
		Name: "rotation.maxBackup", Flag: "audit-log-maxbackup", Unit: "files", Value: int(count),
		Formula: fmt.Sprintf("%s × %s = %s ÷ %s MiB = %s files", rateOfBytes(l.bytesPerSecond()), FormatRetention(l.Retention),
			formatBytes(s.need), num(size), num(ceil(s.need/(size*mib)))),
		Reason: "as many rotated files as the retention takes, and never 0, which would keep them all",
		Source: sourceRotate + ", millRunOnce",
	}
	if wanted := s.wanted(size); wanted > ceil(s.need/(size*mib)) {
		v.Formula += fmt.Sprintf(", raised to the %d of the CIS benchmark", cisBackups)
	}
	if count < s.wanted(size) {
		v.Formula += fmt.Sprintf(", cut to the %s that %s hold", num(count), FormatBytes(l.DiskBudget))
		v.Reason = "as many rotated files as the disk budget holds, and never 0, which would keep them all"
	}
	return v
}

func (l Load) maxAgeValue(age int) Value[int] {
	return Value[int]{
		Name: "rotation.maxAgeDays", Flag: "audit-log-maxage", Unit: "days", Value: age,
		Formula: fmt.Sprintf("max(%s in whole days, rounded up, %d days of the CIS benchmark) = %d days",
			FormatRetention(l.Retention), cisAgeDays, age),
		Reason: "age removes rotated files only, counted from their rotation, and must not be what ends the retention",
		Source: sourceCIS,
	}
}

func (l Load) compressValue() Value[bool] {
	v := Value[bool]{
		Name: "rotation.compress", Flag: "audit-log-compress", Value: l.Compress,
		Formula: "off", Reason: "not asked for, and plain files are what most collectors can read", Source: sourceRotate,
	}
	if l.Compress {
		v.Formula = fmt.Sprintf("on, and taken to make files %s times smaller", num(l.CompressRatio))
		v.Reason = "as asked"
		v.Source = sourceAsked
	}
	return v
}

func (l Load) diskValue(s space, size, count float64) Value[int64] {
	v := Value[int64]{
		Name: "rotation.diskMaxBytes", Unit: "bytes", Value: min(wholeInt64(math.Ceil(s.disk(size, count))), l.DiskBudget),
		Formula: fmt.Sprintf("%s MiB × (%s + 1) = %s", num(size), num(count), formatBytes(s.disk(size, count))),
		Reason:  "the rotated files and the one in use",
		Source:  sourceRotate,
	}
	if l.Compress {
		v.Formula = fmt.Sprintf("%s MiB × (2 + %s ÷ %s) = %s", num(size), num(count), num(l.CompressRatio), formatBytes(s.disk(size, count)))
		v.Reason = "the rotated files, the one in use, and the one that is being compressed, if files shrink as much as was assumed"
	}
	return v
}

func (l Load) retentionValue(size, count float64, age int, kept float64) Value[int64] {
	return Value[int64]{
		Name: "rotation.retentionSeconds", Unit: "s", Value: wholeInt64(clean(kept)),
		Formula: fmt.Sprintf("min(%s files × %s MiB ÷ %s, %d days) = %s",
			num(count), num(size), rateOfBytes(l.bytesPerSecond()), age, FormatRetention(seconds(kept))),
		Reason: "at peak all day, and just after a rotation, when the file in use is empty; at a lower load it reaches further back",
		Source: sourceRotate,
	}
}

func (l Load) neededValue(s space, r RotationSettings) Value[int64] {
	v := r.DiskMaxBytes
	v.Name = "rotation.diskNeededBytes"
	if !l.retentionMissed(r) {
		v.Reason = "the retention wanted fits the budget: " + v.Reason
		return v
	}
	size := s.size(math.Inf(1))
	count := s.wanted(size)
	v.Value = wholeInt64(math.Ceil(s.disk(size, count)))
	v.Formula = fmt.Sprintf("%s × %s = %s in %s files of %s MiB, and what is in use = %s",
		rateOfBytes(l.bytesPerSecond()), FormatRetention(l.Retention), formatBytes(s.need), num(count), num(size), formatBytes(s.disk(size, count)))
	v.Reason = "what the retention wanted would take"
	return v
}

func (l Load) retentionMissed(r RotationSettings) bool {
	bytes := float64(r.MaxBackup.Value) * float64(r.MaxSizeMiB.Value) * mib
	return bytes < l.bytesPerSecond()*l.Retention.Seconds()*(1-noise)
}

func (l Load) rotationWarnings(r RotationSettings) []Warning {
	var ws []Warning
	if l.retentionMissed(r) {
		ws = append(ws, l.retentionWarning(r))
	}
	if r.MaxSizeMiB.Value < cisSizeMiB || r.MaxBackup.Value < cisBackups {
		ws = append(ws, Warning{
			About: "--disk-budget",
			What: fmt.Sprintf("maxbackup %d and maxsize %d are below the CIS benchmark's minimum of %d and %d",
				r.MaxBackup.Value, r.MaxSizeMiB.Value, cisBackups, cisSizeMiB),
			Hint: fmt.Sprintf("--disk-budget %s meets it", budget(l.space().disk(max(cisSizeMiB, l.space().leastMiB), cisBackups))),
		})
	}
	if r.MaxSizeMiB.Value < roomyMiB && l.MaxEventBytes == 0 {
		ws = append(ws, Warning{
			About: "--disk-budget",
			What:  fmt.Sprintf("an event larger than a file, here %d MiB, is not written but lost", r.MaxSizeMiB.Value),
			Hint:  "give more disk, or turn on truncation for the log and say so with --max-event-size",
		})
	}
	return ws
}

// retentionWarning names the two nearest choices that hold: the retention that
// this budget gives, and the budget that this retention takes.
func (l Load) retentionWarning(r RotationSettings) Warning {
	kept := time.Duration(r.RetentionSeconds.Value) * time.Second
	wanted := FormatRetention(l.Retention)
	hint := fmt.Sprintf("%s would hold %s", formatBytes(float64(r.DiskNeededBytes.Value)), wanted)
	if r.DiskNeededBytes.Value <= mostDisk {
		hint = fmt.Sprintf("--disk-budget %s holds %s", budget(float64(r.DiskNeededBytes.Value)), wanted)
	}
	if kept >= leastRetention {
		hint += fmt.Sprintf(", and --retention %s fits the budget as it is", FormatRetention(kept))
	}
	return Warning{
		About: "--retention",
		What: fmt.Sprintf("%s of log do not fit %s: at %s it reaches back %s",
			wanted, FormatBytes(l.DiskBudget), rateOfBytes(l.bytesPerSecond()), FormatRetention(kept)),
		Hint: hint + "; or ship the log elsewhere, or audit less",
	}
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
