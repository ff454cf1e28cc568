// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import "fmt"

// ClusterTotals is what all API servers come to. A request is audited by the
// server that answers it, so nothing counts twice.
type ClusterTotals struct {
	Servers             Value[int]     `json:"servers"`
	EventsPerSecond     Value[float64] `json:"eventsPerSecond"`
	MeanEventsPerSecond Value[float64] `json:"meanEventsPerSecond"`
	BytesPerDay         Value[int64]   `json:"bytesPerDay"`
	// DiskMaxBytes is on all control-plane nodes together; nil without a log.
	DiskMaxBytes *Value[int64] `json:"diskMaxBytes"`
}

// FromCluster turns what a whole cluster is asked into what one of its API
// servers is, both in requests/s. The peak of one is what falls on it while
// another is away, its mean an even share. A mean of 0, not known, has the
// cluster's peak counted as its mean. Fewer than two servers share nothing.
// Rates that make no sense come back as such, for [Load.Check] to refuse.
func FromCluster(rate, mean float64, servers int) (peakOfOne, meanOfOne Value[float64]) {
	n := max(servers, 1)
	of, why := mean, "requests spread evenly over days, while all servers are there"
	if mean == 0 {
		of, why = rate, why+"; no mean was given, so the cluster's peak counts for it: an upper bound"
	}
	peakOfOne = Value[float64]{
		Name: "requestsPerSecond", Unit: "requests/s", Value: clean(rate / float64(max(n-1, 1))),
		Reason: "what falls on one server while one of the others is away, as during an upgrade",
		Source: "arithmetic",
	}
	meanOfOne = Value[float64]{
		Name: "meanRequestsPerSecond", Unit: "requests/s", Value: clean(of / float64(n)),
		Formula: fmt.Sprintf("%s ÷ %d servers = %s", FormatRate(of, "requests"), n, FormatRate(clean(of/float64(n)), "requests")),
		Reason:  why, Source: "arithmetic",
	}
	peakOfOne.Formula = fmt.Sprintf("%s ÷ (%d − 1) servers = %s", FormatRate(rate, "requests"), n, FormatRate(peakOfOne.Value, "requests"))
	if n == 1 {
		peakOfOne.Formula = fmt.Sprintf("%s on 1 server", FormatRate(rate, "requests"))
		peakOfOne.Reason = "there is one server, and it gets everything"
	}
	return peakOfOne, meanOfOne
}

// cluster is nil for one server. The disk may be nil.
func (l Load) cluster(disk *Value[int64]) *ClusterTotals {
	n := l.servers()
	if n == 1 {
		return nil
	}
	sum := func(name string, one float64) Value[float64] {
		all := clean(float64(n) * one)
		return Value[float64]{
			Name: "cluster." + name, Unit: "events/s", Value: all,
			Formula: fmt.Sprintf("%d servers × %s = %s", n, FormatRate(one, "events"), FormatRate(all, "events")),
			Reason:  "all API servers at their mean at once", Source: "arithmetic",
		}
	}
	bytes := func(name string, one int64) Value[int64] {
		all := wholeInt64(float64(n) * float64(one))
		return Value[int64]{
			Name: "cluster." + name, Unit: "bytes", Value: all,
			Formula: fmt.Sprintf("%d servers × %s = %s", n, FormatBytes(one), FormatBytes(all)),
			Reason:  "what a receiver of all of them takes in", Source: "arithmetic",
		}
	}
	c := &ClusterTotals{
		Servers: Value[int]{
			Name: "cluster.servers", Unit: "API servers", Value: n,
			Formula: fmt.Sprintf("--servers = %d", n), Reason: "as asked", Source: sourceAsked,
		},
		EventsPerSecond:     sum("eventsPerSecond", l.eventsPerSecond()),
		MeanEventsPerSecond: sum("meanEventsPerSecond", l.meanEventsPerSecond()),
		BytesPerDay:         bytes("bytesPerDay", l.bytesPerDay()),
	}
	c.EventsPerSecond.Reason = "all API servers at their peak at once: an upper bound, where the peak of one counts what it takes over from another"
	if disk != nil {
		v := bytes("diskMaxBytes", disk.Value)
		v.Reason = "on all control-plane nodes together; each has its own log"
		c.DiskMaxBytes = &v
	}
	return c
}

func (c ClusterTotals) values() []value {
	vs := []value{c.Servers, c.EventsPerSecond, c.MeanEventsPerSecond, c.BytesPerDay}
	if c.DiskMaxBytes != nil {
		vs = append(vs, *c.DiskMaxBytes)
	}
	return vs
}
