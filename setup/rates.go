// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/auditsetup/auditsetup/tuning"
)

// rates puts peak and mean of one API server into the load. What does not fit
// together is reported where it was said, and the default stands for it.
func (w *weighing) rates() {
	l, said := &w.load, w.spec.Load
	l.Servers = w.servers()
	peak := said.RequestsPerSecond
	switch cluster := said.ClusterRequestsPerSecond; {
	case cluster == nil:
	case peak != nil:
		w.add("load.clusterRequestsPerSecond", "is given beside the rate of one API server", "leave one of --rate and --cluster-rate out")
	case said.Servers == nil:
		w.add("load.clusterRequestsPerSecond", "cannot be shared out, since nobody said among how many API servers", "add --servers, such as --servers 3")
	case !(*cluster >= 0.001 && *cluster <= 1e9):
		w.add("load.clusterRequestsPerSecond", fmt.Sprintf("must be 0.001 to 1000000000 requests/s, not %g", *cluster), "give the peak of all API servers together, such as --cluster-rate 600")
	default:
		peak = cluster
	}
	if peak == nil {
		w.assumed = append(w.assumed, fmt.Sprintf("%g requests/s at peak, since nothing was said", l.RequestsPerSecond))
		peak = &l.RequestsPerSecond
	}
	l.RequestsPerSecond, l.MeanRequestsPerSecond = *peak, w.mean(*peak)
	if said.ClusterRequestsPerSecond == peak {
		if l.MeanRequestsPerSecond > *peak { // shared out, it might be below the peak of one
			w.add("load.meanRequestsPerSecond", fmt.Sprintf("a mean of %g requests/s is above the peak of %g of all API servers", l.MeanRequestsPerSecond, *peak), "raise --cluster-rate or lower --mean-rate")
			l.MeanRequestsPerSecond = 0
		}
		of, mean := tuning.FromCluster(*peak, l.MeanRequestsPerSecond, l.Servers)
		l.RequestsPerSecond, l.MeanRequestsPerSecond = of.Value, mean.Value
		w.assumed = append(w.assumed, "at peak "+of.Formula+": "+of.Reason, "over days "+mean.Formula+": "+mean.Reason)
	}
}

// servers is 0 where nothing was said, or nothing that makes sense.
func (w *weighing) servers() int {
	n := w.spec.Load.Servers
	if n == nil {
		return 0
	}
	if *n < 1 || *n > 1000 {
		w.add("load.servers", fmt.Sprintf("must be 1 to 1000 API servers, not %d", *n), "give how many API servers the cluster has, such as --servers 3")
		return 0
	}
	return *n
}

// mean is 0 where it is not known.
func (w *weighing) mean(peak float64) float64 {
	mean, factor := w.spec.Load.MeanRequestsPerSecond, w.spec.Load.PeakFactor
	switch {
	case factor == nil && mean == nil:
		return 0
	case factor == nil:
		if *mean == 0 || math.IsNaN(*mean) { // 0 would mean that it is not known
			w.add("load.meanRequestsPerSecond", fmt.Sprintf("must be above 0, not %g", *mean), "leave it out to have the peak count as the mean")
			return 0
		}
		return *mean
	case mean != nil:
		w.add("load.peakFactor", "is given beside the mean, which says the same", "leave one of --mean-rate and --peak-factor out")
	case !(*factor >= 1 && *factor <= 10000):
		w.add("load.peakFactor", fmt.Sprintf("must be 1 to 10000, not %g", *factor), "give peak over mean, such as --peak-factor 4")
	default:
		return peak / *factor
	}
	return 0
}

// byHand has the flags that were set by hand judged with the rest. Values that
// are none are reported where all flags are checked.
func (w *weighing) byHand() {
	l, given := &w.load, w.spec.Flags
	whole := func(name string, into func(int)) {
		if n, err := strconv.ParseInt(given[name], 0, 32); err == nil && n >= 0 {
			into(int(n))
		}
	}
	if x, err := strconv.ParseFloat(given["audit-webhook-batch-throttle-qps"], 32); err == nil && !(x < 0) { // not a number is for tuning to refuse
		l.ThrottleQPS = x
	}
	whole("audit-webhook-batch-throttle-burst", func(n int) { l.ThrottleBurst = n })
	whole("audit-webhook-batch-buffer-size", func(n int) { l.BufferSize = n })
	whole("audit-log-batch-buffer-size", func(n int) { l.LogBufferSize = n })
	whole("audit-log-maxsize", func(n int) {
		if n > 0 { // 0 means one thing up to 1.35, and another after that
			l.MaxSizeMiB = &n
		}
	})
	whole("audit-log-maxbackup", func(n int) { l.MaxBackup = &n })
	whole("audit-log-maxage", func(n int) { l.MaxAgeDays = &n })
	if on, err := strconv.ParseBool(given["audit-log-compress"]); err == nil {
		l.Compress = on
	}
	whole("audit-webhook-truncate-max-event-size", func(n int) { l.MaxEventBytes = int64(n) })
	if d, err := time.ParseDuration(given["audit-webhook-initial-backoff"]); err == nil {
		w.tries(d, "flags.audit-webhook-initial-backoff", "--audit-webhook-initial-backoff: ")
	}
	// A batch has one size and one wait in a load, which are the log's too where
	// that is written in batches.
	if w.spec.Tuned().LogBatch && w.spec.Uses(WebhookBackend) {
		return
	}
	of := "audit-webhook-batch-"
	if w.spec.Tuned().LogBatch {
		of = "audit-log-batch-"
	}
	whole(of+"max-size", func(n int) { l.BatchSize = max(n, 0) })
	if d, err := time.ParseDuration(given[of+"max-wait"]); err == nil && d > 0 {
		l.MaxWait = d
	}
}
