// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"math"
	"strings"
	"time"
)

func (l Load) retentionMissed(r RotationSettings) bool {
	if n := r.MaxAgeDays.Value; n > 0 && time.Duration(n)*day < l.Retention {
		return true
	}
	bytes := l.files(r) * float64(r.MaxSizeMiB.Value) * mib
	return bytes < l.meanBytesPerSecond()*l.Retention.Seconds()*(1-noise)
}

func (l Load) rotationWarnings(r RotationSettings) []Warning {
	var ws []Warning
	ws = append(ws, l.diskWarnings(r)...)
	if l.retentionMissed(r) {
		ws = append(ws, l.retentionWarning(r))
	}
	if count := r.MaxBackup.Value; r.MaxSizeMiB.Value < cisSizeMiB || count > 0 && count < cisBackups {
		about := "--disk-budget"
		if l.MaxBackup != nil && count > 0 && count < cisBackups {
			about = setBy(r.MaxBackup.Flag)
		} else if l.MaxSizeMiB != nil {
			about = setBy(r.MaxSizeMiB.Flag)
		}
		ws = append(ws, Warning{
			About: about,
			What: fmt.Sprintf("maxbackup %d and maxsize %d are below the CIS benchmark's minimum of %d and %d",
				r.MaxBackup.Value, r.MaxSizeMiB.Value, cisBackups, cisSizeMiB),
			Hint: l.cisHint(r),
		})
	}
	if r.MaxSizeMiB.Value < roomyMiB && l.MaxEventBytes == 0 || int64(r.MaxSizeMiB.Value)*mib <= l.MaxEventBytes {
		ws = append(ws, Warning{
			About: "--disk-budget",
			What:  fmt.Sprintf("an event larger than a file, here %d MiB, is not written but lost", r.MaxSizeMiB.Value),
			Hint:  "give more disk, or turn on truncation for the log and say so with --max-event-size",
		})
	}
	return ws
}

// cisHint leaves alone what is set by hand, unless that is what is too little.
func (l Load) cisHint(r RotationSettings) string {
	size := max(cisSizeMiB, l.space().leastMiB)
	var words []string
	if l.MaxSizeMiB != nil {
		if size = max(size, float64(*l.MaxSizeMiB)); *l.MaxSizeMiB < cisSizeMiB {
			words = append(words, fmt.Sprintf("%s=%s", setBy(r.MaxSizeMiB.Flag), num(size)))
		}
	}
	if l.MaxBackup != nil && r.MaxBackup.Value < cisBackups && r.MaxBackup.Value > 0 {
		words = append(words, fmt.Sprintf("%s=%d", setBy(r.MaxBackup.Flag), cisBackups))
	}
	if need := l.space().disk(size, cisBackups); len(words) == 0 || need > float64(l.DiskBudget) {
		words = append(words, "--disk-budget "+budget(need))
	}
	return strings.Join(words, " with ") + " meets it"
}

// diskWarnings judge what was set by hand; else the budget was seen to.
func (l Load) diskWarnings(r RotationSettings) []Warning {
	if !l.rotatedByHand() || r.DiskMaxBytes.Value <= l.DiskBudget {
		return nil
	}
	chosen := l
	chosen.MaxSizeMiB, chosen.MaxBackup = nil, nil
	about := r.MaxSizeMiB.Flag
	if l.MaxBackup != nil {
		about = r.MaxBackup.Flag
	}
	count := l.space().fit(float64(r.MaxSizeMiB.Value), float64(l.DiskBudget))
	hint := fmt.Sprintf("files of %d MiB do not fit the budget; left out, both are chosen to fit", r.MaxSizeMiB.Value)
	if count >= 1 {
		hint = fmt.Sprintf("%s=%s fits the budget with files of %d MiB", setBy(r.MaxBackup.Flag), num(count), r.MaxSizeMiB.Value)
	}
	w := Warning{
		About: setBy(about),
		What:  fmt.Sprintf("the log may come to take %s, and the budget is %s", FormatBytes(r.DiskMaxBytes.Value), FormatBytes(l.DiskBudget)),
		Hint:  hint,
	}
	switch {
	case r.DiskMaxBytes.Value == math.MaxInt64:
		w.What = fmt.Sprintf("maxbackup 0 and maxage 0 keep every file for ever, until the disk is full; the budget is %s", FormatBytes(l.DiskBudget))
	case r.DiskMaxBytes.Value <= mostDisk:
		w.Hint += fmt.Sprintf("; --disk-budget %s holds it", budget(float64(r.DiskMaxBytes.Value)))
	}
	return []Warning{w}
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
	if l.rotatedByHand() || l.MaxAgeDays != nil {
		return l.handRetention(r)
	}
	return Warning{
		About: "--retention",
		What: fmt.Sprintf("%s of log do not fit %s: at %s it reaches back %s",
			wanted, FormatBytes(l.DiskBudget), rateOfBytes(l.meanBytesPerSecond()), FormatRetention(kept)),
		Hint: hint + "; or ship the log elsewhere, or audit less",
	}
}

// handRetention is for a rotation that was set by hand and reaches back less
// far than is wanted, for which the budget may have room.
func (l Load) handRetention(r RotationSettings) Warning {
	wanted := FormatRetention(l.Retention)
	w := Warning{
		About: setBy(r.MaxBackup.Flag),
		What: fmt.Sprintf("%s of log are wanted, and at %s it reaches back %s",
			wanted, rateOfBytes(l.meanBytesPerSecond()), FormatRetention(time.Duration(r.RetentionSeconds.Value)*time.Second)),
	}
	size := float64(r.MaxSizeMiB.Value)
	switch needed := math.Ceil(l.space().need / (size * mib)); {
	case time.Duration(r.MaxAgeDays.Value)*day < l.Retention && r.MaxAgeDays.Value > 0:
		w.About = setBy(r.MaxAgeDays.Flag)
		w.Hint = fmt.Sprintf("%s=%s does not end it earlier", setBy(r.MaxAgeDays.Flag), num(math.Ceil(l.Retention.Hours()/24)))
	case l.MaxBackup == nil:
		w.About = setBy(r.MaxSizeMiB.Flag)
		fallthrough
	default:
		count := fmt.Sprintf("%s=%s", setBy(r.MaxBackup.Flag), num(needed))
		if l.MaxSizeMiB == nil { // another number of files would be given another size
			count += fmt.Sprintf(" with %s=%s", setBy(r.MaxSizeMiB.Flag), num(size))
		}
		w.Hint = fmt.Sprintf("%s holds it, and takes %s of the disk", count, formatBytes(l.space().disk(size, needed)))
		if needed > mostFiles {
			w.Hint = fmt.Sprintf("files of %s MiB are too small for that: leave %s out to have it chosen", num(size), setBy(r.MaxSizeMiB.Flag))
		}
	}
	return w
}
