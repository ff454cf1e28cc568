// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"fmt"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// Check reports everything in the load that cannot be calculated with, each
// under the name of its flag. A nil result is a load that every function of
// this package accepts.
func (l Load) Check() document.Problems {
	ps := l.checkRate()
	ps = append(ps, l.checkBatch()...)
	ps = append(ps, l.checkReceiver()...)
	return append(ps, l.checkRotation()...)
}

func (l Load) checkRate() document.Problems {
	var ps document.Problems
	within(&ps, "--rate", l.RequestsPerSecond, 0.001, 1e6,
		"requests/s", "give the peak of one API server, such as --rate 100")
	if l.MeanRequestsPerSecond != 0 {
		within(&ps, "--mean-rate", l.MeanRequestsPerSecond, 0.001, 1e6,
			"requests/s", "give the mean of one API server over days, such as --mean-rate 40, or leave it out")
	}
	if len(ps) == 0 && l.MeanRequestsPerSecond > l.RequestsPerSecond {
		ps.Add("--mean-rate",
			fmt.Sprintf("a mean of %s requests/s is above the peak of %s", num(l.MeanRequestsPerSecond), num(l.RequestsPerSecond)),
			"raise --rate or lower --mean-rate")
	}
	within(&ps, "--servers", float64(l.Servers), 0, 1000,
		"API servers", "give how many API servers the cluster has, such as --servers 3")
	within(&ps, "--events-per-request", l.EventsPerRequest, 0.0001, 3,
		"events", "a request has at most three stages; 2 is every request with both stages, 1 without RequestReceived")
	within(&ps, "--bytes-per-event", l.BytesPerEvent, 1, 16*mib,
		"bytes", "give the mean size of one line of the log, such as --bytes-per-event 1200")
	bytesWithin(&ps, "--max-event-size", l.MaxEventBytes, 0, 1<<30,
		"give what the receiver takes as one event, such as 256Ki, or 0 when not known")
	if l.BytesPerEvent > 0 && l.BytesPerEvent <= 16*mib && l.MaxEventBytes > 0 && l.MaxEventBytes <= 1<<30 && l.BytesPerEvent > float64(l.MaxEventBytes) {
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
		"events", "leave it out to have it chosen")
	span(&ps, "--stall", l.Stall, 0, time.Hour, "give how long the receiver or the disk may stand still, such as --stall 30s")
	if l.MaxWait != 0 {
		span(&ps, "--max-wait", l.MaxWait, time.Millisecond, 10*time.Minute, "leave it out to have it chosen")
	}
	ps = append(ps, l.checkHand()...)
	bytesWithin(&ps, "--memory-budget", l.MemoryBudget, 0, mostDisk,
		"give what audit events may take of the memory, such as --memory-budget 512Mi, or leave it out")
	if l.MemoryBudget > 0 && l.MemoryBudget < mib {
		ps.Add("--memory-budget", fmt.Sprintf("%s are too few for any buffer", FormatBytes(l.MemoryBudget)),
			"give at least --memory-budget 1Mi, or leave it out")
	}
	chosen := l.BufferSize == 0 || l.LogBufferSize == 0
	// A rate that is refused has been reported already.
	if n := l.bufferNeed(); chosen && len(ps) == 0 && len(l.checkRate()) == 0 && n > maxBuffer {
		ps.Add("--stall",
			fmt.Sprintf("%s at this rate needs a buffer of %s events, and an API server should not hold more than %d", FormatRetention(l.stall()), num(n), maxBuffer),
			"lower --stall, --headroom or --rate")
	}
	return ps
}

// checkHand looks at what is set by hand. What kube-apiserver takes is never
// refused here but where it cannot be calculated with.
func (l Load) checkHand() document.Problems {
	var ps document.Problems
	if l.ThrottleQPS != 0 {
		within(&ps, setBy("audit-webhook-batch-throttle-qps"), l.ThrottleQPS, 0.0001, 1e6, "batches/s", "leave it out to have it computed; kube-apiserver does not start at 0 or below")
	}
	for _, n := range []struct {
		flag  string
		value int
		most  float64
		unit  string
	}{
		{"audit-webhook-batch-throttle-burst", l.ThrottleBurst, 1e6, "batches"},
		{flagOf(Webhook, "buffer-size"), l.BufferSize, maxBuffer, "events"},
		{flagOf(Log, "buffer-size"), l.LogBufferSize, maxBuffer, "events"},
	} {
		if n.value != 0 {
			within(&ps, setBy(n.flag), float64(n.value), 1, n.most, n.unit, "kube-apiserver does not start below 1, and an API server should not hold more")
		}
	}
	return ps
}

// checkReceiver looks at what the webhook's receiver may do to its sender.
func (l Load) checkReceiver() document.Problems {
	var ps document.Problems
	span(&ps, "--outage", l.Outage, 0, 24*time.Hour, "give how long the receiver may be gone, such as --outage 5m")
	if l.InitialBackoff != 0 {
		span(&ps, "--webhook-initial-backoff", l.InitialBackoff, time.Millisecond, 10*time.Minute,
			"leave it out for upstream's 10s")
	}
	return ps
}

// setBy is the File of a problem with a flag that was set by hand.
func setBy(flag string) string { return "--set " + flag }

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
	for _, n := range []struct {
		flag        string
		value       *int
		least, most float64
		unit, hint  string
	}{
		{"audit-log-maxsize", l.MaxSizeMiB, 1, 1 << 30, "MiB", "0 is 100 MiB up to Kubernetes 1.35 and a file that grows for ever from 1.36 on; say which, such as audit-log-maxsize=100"},
		{"audit-log-maxbackup", l.MaxBackup, 0, mostFiles, "files", "0 keeps all of them"},
		{"audit-log-maxage", l.MaxAgeDays, 0, 36500, "days", "0 keeps them at any age"},
	} {
		if n.value != nil {
			within(&ps, setBy(n.flag), float64(*n.value), n.least, n.most, n.unit, n.hint)
		}
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
	text := func(d time.Duration) string {
		if d < time.Second { // such as 1ms, or below 0
			return d.String()
		}
		return FormatRetention(d)
	}
	ps.Add(flag, fmt.Sprintf("must be %s to %s, not %s", text(low), text(high), text(d)), hint)
}
