// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"strings"
)

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
		Formula: fmt.Sprintf("%s × %s = %s ÷ %s MiB = %s files", rateOfBytes(l.meanBytesPerSecond()), FormatRetention(l.Retention),
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

func (l Load) diskValue(s space, r RotationSettings) Value[int64] {
	size, count := float64(r.MaxSizeMiB.Value), l.files(r)
	v := Value[int64]{
		Name: "rotation.diskMaxBytes", Unit: "bytes", Value: wholeInt64(math.Ceil(s.disk(size, count))),
		Formula: fmt.Sprintf("%s MiB × (%s + 1) = %s", num(size), num(count), formatBytes(s.disk(size, count))),
		Reason:  "the rotated files and the one in use",
		Source:  sourceRotate,
	}
	if !l.rotatedByHand() {
		v.Value = min(v.Value, l.DiskBudget)
	}
	if l.Compress {
		v.Formula = fmt.Sprintf("%s MiB × (2 + %s ÷ %s) = %s", num(size), num(count), num(l.CompressRatio), formatBytes(s.disk(size, count)))
		v.Reason = "the rotated files, the one in use, and the one that is being compressed, if files shrink as much as was assumed"
	}
	switch {
	case math.IsInf(count, 1):
		v.Formula = "maxbackup 0 keeps all files, and maxage 0 at any age: no limit"
		v.Reason = "the disk fills up; the number given is the largest there is"
	case r.MaxBackup.Value == 0:
		v.Reason += fmt.Sprintf("; maxbackup 0 keeps all files, so only their age ends them, and that is %d days at the mean rate", r.MaxAgeDays.Value)
	}
	return v
}

// rotatedByHand tells whether number or size of files were.
func (l Load) rotatedByHand() bool { return l.MaxSizeMiB != nil || l.MaxBackup != nil }

func (l Load) retentionValue(r RotationSettings) Value[int64] {
	kept := l.kept(r)
	var ends []string
	if n := r.MaxBackup.Value; n > 0 {
		ends = append(ends, fmt.Sprintf("%d files × %d MiB ÷ %s", n, r.MaxSizeMiB.Value, rateOfBytes(l.meanBytesPerSecond())))
	}
	if n := r.MaxAgeDays.Value; n > 0 {
		ends = append(ends, fmt.Sprintf("%d days", n))
	}
	if len(ends) == 0 {
		ends = append(ends, "100 years, for no limit at all")
	}
	v := Value[int64]{
		Name: "rotation.retentionSeconds", Unit: "s", Value: wholeInt64(clean(kept)),
		Formula: fmt.Sprintf("min(%s) = %s", strings.Join(ends, ", "), FormatRetention(seconds(kept))),
		Reason:  "at peak all day, and just after a rotation, when the file in use is empty; at a lower load it reaches further back",
		Source:  sourceRotate,
	}
	if l.meanKnown() {
		v.Reason = "at the mean rate, and just after a rotation, when the file in use is empty; at peak all day it would be less"
	}
	return v
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
		rateOfBytes(l.meanBytesPerSecond()), FormatRetention(l.Retention), formatBytes(s.need), num(count), num(size), formatBytes(s.disk(size, count)))
	v.Reason = "what the retention wanted would take"
	return v
}
