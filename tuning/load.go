// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"time"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// Load is what one kube-apiserver has to cope with, and what the administrator
// wants of it. Start from [Defaults]: the zero Load is refused.
type Load struct {
	// RequestsPerSecond is the peak of one API server, 0.001 to a million.
	RequestsPerSecond float64
	// MeanRequestsPerSecond is its mean over days, at most the peak. 0 is not
	// known, and then the peak counts as the mean.
	MeanRequestsPerSecond float64
	// Servers is how many API servers the cluster has, all with this load:
	// what is asked for cluster totals is a sum over them. 0 is one; up to 1000.
	// See [FromCluster].
	Servers int
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
	// Outage is how long the webhook's receiver may be gone altogether, up to
	// 24 h; 0 is not at all. It chooses no setting: what it costs is told, and
	// warned of where it is not the default.
	Outage time.Duration
	// InitialBackoff is audit-webhook-initial-backoff, the wait after the first
	// failed try of a batch, up to ten minutes. 0 is upstream's 10 s.
	InitialBackoff time.Duration
	// MemoryBudget is the most that events may take of the API server's memory,
	// in bytes, 1 MiB to 1 PiB. 0 is none.
	MemoryBudget int64
	// Headroom is by what factor throttle and buffer exceed what the peak
	// needs, 1 to 100.
	Headroom float64
	// BatchSize, up to 100000 events, and MaxWait, a millisecond to ten
	// minutes, set the batch by hand; 0 has them chosen.
	BatchSize int
	MaxWait   time.Duration
	// ThrottleQPS in batches/s, ThrottleBurst in batches and BufferSize in
	// events are the webhook's, set by hand, as is LogBufferSize, which is the
	// log's; 0 has each chosen. What they do is judged, never corrected.
	ThrottleQPS   float64
	ThrottleBurst int
	BufferSize    int
	LogBufferSize int
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
	// MaxSizeMiB, MaxBackup and MaxAgeDays set the rotation by hand; nil has
	// each chosen. 0 is a setting: of MaxBackup and MaxAgeDays no limit, in
	// every version; of MaxSizeMiB 100 MiB up to 1.35 and from 1.36 on a file
	// that grows for ever, which is why it is refused.
	MaxSizeMiB, MaxBackup, MaxAgeDays *int
}

// Defaults is the load that is assumed for what nobody said.
//
//   - 100 requests/s: the documentation's example, and above what small
//     clusters were seen to have (3 to 95 events/s).
//   - One event per request of 1200 bytes: RequestReceived omitted, level
//     Metadata (samples of current versions lie between 985 and 1618).
//   - A stall of 30 s: as long as kube-apiserver waits for one POST. Headroom
//     2, since a peak is rarely known better than that.
//   - An outage of 5 minutes: a receiver that is restarted, or moved to another
//     node.
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
		Outage:            defaultOutage,
		Headroom:          2,
		Retention:         30 * day,
		DiskBudget:        10 << 30,
		CompressRatio:     2.5,
	}
}

const (
	day = 24 * time.Hour
	// defaultOutage is a proposal that nobody made their own: that events are
	// lost in it is told, and not warned of.
	defaultOutage = 5 * time.Minute
	mib           = 1 << 20
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

// initialBackoff is never 0.
func (l Load) initialBackoff() time.Duration {
	if l.InitialBackoff == 0 {
		return model.DefaultInitial
	}
	return l.InitialBackoff
}

func (l Load) servers() int { return max(l.Servers, 1) }

// meanRequests is the mean rate of one API server, the peak where it is not known.
func (l Load) meanRequests() float64 {
	if l.MeanRequestsPerSecond == 0 {
		return l.RequestsPerSecond
	}
	return l.MeanRequestsPerSecond
}
