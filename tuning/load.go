// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// Load is what one kube-apiserver has to cope with, and what the administrator
// wants of it. Start from [Defaults]: the zero Load is refused.
type Load struct {
	// RequestsPerSecond is the peak of one API server, 0.001 to a million.
	RequestsPerSecond float64
	// EventsPerRequest is how many events reach the backend per request, on
	// average, after the policy's None rules and omitted stages: 1 when all
	// requests are audited and RequestReceived is omitted, 2 with it. More
	// than 3 cannot be, since no request has more stages. Above 0.
	EventsPerRequest float64
	// BytesPerEvent is the mean size of a serialized event, 1 byte to 16 MiB.
	BytesPerEvent float64
	// MaxEventBytes is the largest event that may pass: what the receiver
	// takes, or what truncation is set to. 0 when not known.
	MaxEventBytes int64
	// MaxBodyBytes is the largest POST that the webhook's receiver takes. 0
	// when not known.
	MaxBodyBytes int64
	// Stall is how long the receiver or the disk may stand still, at peak,
	// before an event is lost: up to an hour. Less than a second, 0 too,
	// counts as a second: a rate says nothing of how requests fall within it.
	Stall time.Duration
	// Headroom is by what factor throttle and buffer exceed what the peak
	// needs, 1 to 100.
	Headroom float64
	// BatchSize, up to 100000 events, and MaxWait, a millisecond to ten
	// minutes, set the batch by hand; 0 has them chosen.
	BatchSize int
	MaxWait   time.Duration
	// Retention is how far back the log file should reach: a minute to 100 years.
	Retention time.Duration
	// DiskBudget is the most that the log file and its rotated copies may take
	// of the disk, in bytes, up to 1 PiB.
	DiskBudget int64
	// Compress has rotated files compressed, which kube-apiserver knows from
	// 1.20 on.
	Compress bool
	// CompressRatio is raw size over compressed size, 1 to 100. It is looked
	// at only with Compress.
	CompressRatio float64
}

// Defaults is the load that is assumed for what nobody said.
//
//   - 100 requests/s: the documentation's example, and above what small
//     clusters were seen to have (3 to 95 events/s).
//   - One event per request of 1200 bytes: RequestReceived omitted, level
//     Metadata (samples of current versions lie between 985 and 1618).
//   - A stall of 30 s: as long as kube-apiserver waits for one POST. Headroom
//     2, since a peak is rarely known better than that.
//   - 30 days: the CIS benchmark's number. 10 GiB: what kube-apiserver takes of
//     the disk by its own defaults from 1.36 on, 101 files of 100 MiB.
//   - Compression off; the ratio is the lowest that was measured (2.6, level
//     RequestResponse) and a little less. Metadata alone gave 11.
func Defaults() Load {
	return Load{
		RequestsPerSecond: 100,
		EventsPerRequest:  1,
		BytesPerEvent:     1200,
		Stall:             30 * time.Second,
		Headroom:          2,
		Retention:         30 * day,
		DiskBudget:        10 << 30,
		CompressRatio:     2.5,
	}
}

const (
	day = 24 * time.Hour
	mib = 1 << 20
	// maxBuffer keeps a recommendation from exhausting memory: the channel is
	// made in full when kube-apiserver starts, 8 bytes a place, and this many
	// waiting events are 10 GB and more.
	maxBuffer = 10_000_000
	// leastRetention and mostDisk, in bytes, are what Check takes.
	leastRetention = time.Minute
	mostDisk       = 1 << 50
	// defaultMaxEvent is upstream's default for truncate-max-event-size.
	defaultMaxEvent = 102400
)

// Check reports everything in the load that cannot be calculated with, each
// under the name of its flag. A nil result is a load that every function of
// this package accepts.
func (l Load) Check() document.Problems {
	ps := l.checkRate()
	ps = append(ps, l.checkBatch()...)
	return append(ps, l.checkRotation()...)
}

func (l Load) checkRate() document.Problems {
	var ps document.Problems
	within(&ps, "--rate", l.RequestsPerSecond, 0.001, 1e6,
		"requests/s", "give the peak of one API server, such as --rate 100")
	within(&ps, "--events-per-request", l.EventsPerRequest, 0.0001, 3,
		"events", "a request has at most three stages; 2 is every request with both stages, 1 without RequestReceived")
	within(&ps, "--bytes-per-event", l.BytesPerEvent, 1, 16*mib,
		"bytes", "give the mean size of one line of the log, such as --bytes-per-event 1200")
	bytesWithin(&ps, "--max-event-size", l.MaxEventBytes, 0, 1<<30,
		"give what the receiver takes as one event, such as 256Ki, or 0 when not known")
	if len(ps) == 0 && l.MaxEventBytes > 0 && l.BytesPerEvent > float64(l.MaxEventBytes) {
		ps.Add("--bytes-per-event",
			fmt.Sprintf("the mean event of %s bytes is larger than the largest of %d", num(l.BytesPerEvent), l.MaxEventBytes),
			"raise --max-event-size or lower --bytes-per-event")
	}
	return ps
}

func (l Load) checkBatch() document.Problems {
	ps := l.checkBody()
	within(&ps, "--headroom", l.Headroom, 1, 100,
		"", "1 is exactly the peak, 2 twice that")
	within(&ps, "--batch-size", float64(l.BatchSize), 0, 100_000,
		"events", "leave it out, or give 0, to have it chosen")
	span(&ps, "--stall", l.Stall, 0, time.Hour, "give how long the receiver or the disk may stand still, such as --stall 30s")
	if l.MaxWait != 0 {
		span(&ps, "--max-wait", l.MaxWait, time.Millisecond, 10*time.Minute, "leave it out, or give 0, to have it chosen")
	}
	// A rate that is refused has been reported already.
	if n := l.bufferNeed(); len(ps) == 0 && len(l.checkRate()) == 0 && n > maxBuffer {
		ps.Add("--stall",
			fmt.Sprintf("%s at this rate needs a buffer of %s events, and an API server should not hold more than %d", l.stall(), num(n), maxBuffer),
			"lower --stall, --headroom or --rate")
	}
	return ps
}

// checkBody looks at what the receiver takes as one POST, which is to hold at
// least one event.
func (l Load) checkBody() document.Problems {
	var ps document.Problems
	bytesWithin(&ps, "--max-body", l.MaxBodyBytes, 0, 1<<40,
		"give what the receiver takes as one POST, such as 12Mi, or 0 when not known")
	if len(ps) == 0 && l.MaxBodyBytes > 0 && l.MaxEventBytes >= 0 && l.batchThatFitsBody() < 1 {
		ps.Add("--max-body",
			fmt.Sprintf("%d bytes are too few for one event of up to %d", l.MaxBodyBytes, l.largestEvent()),
			"raise the receiver's limit, or lower --max-event-size")
	}
	return ps
}

func (l Load) checkRotation() document.Problems {
	var ps document.Problems
	span(&ps, "--retention", l.Retention, leastRetention, 36500*day, "give how far back the log should reach, such as --retention 30d")
	if l.Compress {
		within(&ps, "--compress-ratio", l.CompressRatio, 1, 100,
			"", "2.5 is safe for bodies, 10 usual for Metadata")
	}
	bytesWithin(&ps, "--disk-budget", l.DiskBudget, 2*mib, mostDisk,
		"give what the log may take of the disk, such as --disk-budget 20Gi")
	if least := l.leastBudget(); len(ps) == 0 && l.DiskBudget < least {
		ps.Add("--disk-budget",
			fmt.Sprintf("%s is not enough for one file in use and one rotated", FormatBytes(l.DiskBudget)),
			"the least for these settings is --disk-budget "+budget(float64(least)))
	}
	return ps
}

// within adds a problem unless low <= v <= high. A NaN is never within.
func within(ps *document.Problems, flag string, v, low, high float64, unit, hint string) {
	if v >= low && v <= high {
		return
	}
	if unit != "" {
		unit = " " + unit
	}
	ps.Add(flag, fmt.Sprintf("must be %s to %s%s, not %s", num(low), num(high), unit, num(v)), hint)
}

// bytesWithin is within for sizes.
func bytesWithin(ps *document.Problems, flag string, n, low, high int64, hint string) {
	if n < low || n > high {
		ps.Add(flag, fmt.Sprintf("must be %s to %s, not %s", FormatBytes(low), FormatBytes(high), FormatBytes(n)), hint)
	}
}

// span is within for durations.
func span(ps *document.Problems, flag string, d, low, high time.Duration, hint string) {
	if d >= low && d <= high {
		return
	}
	ps.Add(flag, fmt.Sprintf("must be %s to %s, not %s", FormatRetention(low), FormatRetention(high), d), hint)
}
