// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import "github.com/auditsetup/auditsetup/document"

// formatVersion is raised when a key of a Result's JSON goes or changes its
// meaning; a key more does not raise it.
const formatVersion = 1

// Backends says where events go. At least one of them must be set.
type Backends struct {
	// Log is the log file, in mode blocking unless LogBatch is set, which
	// implies it.
	Log, LogBatch bool
	// Webhook is the webhook, in mode batch unless WebhookBlocking is set, which
	// implies it.
	Webhook, WebhookBlocking bool
}

// batches are the backends in mode batch, the webhook first.
func (to Backends) batches() []Backend {
	var all []Backend
	if to.Webhook && !to.WebhookBlocking {
		all = append(all, Webhook)
	}
	if to.LogBatch {
		all = append(all, Log)
	}
	return all
}

// Result is everything that follows from a load. Its JSON is what
// "plan -o json" prints.
type Result struct {
	FormatVersion   int            `json:"formatVersion"`
	EventsPerSecond Value[float64] `json:"eventsPerSecond"`
	BytesPerSecond  Value[float64] `json:"bytesPerSecond"`
	// The mean is the peak where no mean is known; a day is one at the mean.
	MeanEventsPerSecond Value[float64] `json:"meanEventsPerSecond"`
	MeanBytesPerSecond  Value[float64] `json:"meanBytesPerSecond"`
	BytesPerDay         Value[int64]   `json:"bytesPerDay"`
	// CompressedBytesPerDay is nil where rotated files are not compressed.
	CompressedBytesPerDay *Value[int64] `json:"compressedBytesPerDay"`
	// Truncate is the webhook's; nil without one.
	Truncate *TruncateSettings `json:"truncate"`
	// Batch is the webhook's, LogBatch the log's. Nil where there is none.
	Batch    *BatchSettings `json:"batch"`
	LogBatch *BatchSettings `json:"logBatch"`
	// Delivery and Outage are what comes of Batch, LogDelivery of LogBatch; nil
	// like those.
	Delivery    *Delivery `json:"delivery"`
	Outage      *Outage   `json:"outage"`
	LogDelivery *Delivery `json:"logDelivery"`
	// Memory is nil where no backend is in mode batch.
	Memory *Memory `json:"memory"`
	// Rotation is nil without a log.
	Rotation *RotationSettings `json:"rotation"`
	// Cluster is nil where there is one API server.
	Cluster *ClusterTotals `json:"cluster"`
	// Reasons has every number above, in that order. Never nil, nor is
	// Warnings.
	Reasons  []Reason  `json:"reasons"`
	Warnings []Warning `json:"warnings"`
}

// Plan calculates everything at once. The error is document.Problems with all
// that is wrong with the load, as far as the backends have use for it.
func Plan(l Load, to Backends) (Result, error) {
	to.Log, to.Webhook = to.Log || to.LogBatch, to.Webhook || to.WebhookBlocking
	if err := l.checkFor(to).Err(); err != nil {
		return Result{}, err
	}
	r := Result{
		FormatVersion:       formatVersion,
		EventsPerSecond:     l.eventsValue(),
		BytesPerSecond:      l.bytesValue(),
		MeanEventsPerSecond: l.meanEventsValue(),
		MeanBytesPerSecond:  l.meanBytesValue(),
		BytesPerDay:         l.bytesPerDayValue(),
		Reasons:             []Reason{},
		Warnings:            []Warning{},
	}
	if to.Log {
		r.CompressedBytesPerDay = l.compressedValue()
	}
	l.planBatches(&r, to)
	var disk *Value[int64]
	if to.Log {
		s := l.rotation()
		r.Rotation, disk = &s, &s.DiskMaxBytes
		r.Warnings = append(r.Warnings, s.warnings...)
	}
	r.Cluster = l.cluster(disk)
	for _, v := range r.values() {
		r.Reasons = append(r.Reasons, v.reason())
	}
	return r, nil
}

// planBatches adds the webhook, and the log as far as it has a buffer.
func (l Load) planBatches(r *Result, to Backends) {
	if to.Webhook {
		s := l.truncate()
		r.Truncate = &s
	}
	for _, b := range to.batches() {
		s := l.batch(b)
		d := l.delivery(s)
		r.Warnings = append(r.Warnings, s.warnings...)
		if b == Log {
			r.LogBatch, r.LogDelivery = &s, &d
			continue
		}
		o := l.outage(s)
		r.Batch, r.Delivery, r.Outage = &s, &d, &o
		r.Warnings = append(r.Warnings, o.warnings...)
	}
	if r.Memory = l.memory(to); r.Memory != nil {
		r.Warnings = append(r.Warnings, r.Memory.warnings...)
	}
}

func (l Load) checkFor(to Backends) document.Problems {
	ps := l.checkRate()
	if !to.Log && !to.Webhook {
		ps.Add("--backend", "no backend", "give --backend log, webhook, or log,webhook")
	}
	if to.Webhook && !to.WebhookBlocking || to.LogBatch {
		ps = append(ps, l.checkBatch()...)
	} else if to.Webhook {
		ps = append(ps, l.checkBody()...)
	}
	if to.Webhook {
		ps = append(ps, l.checkReceiver()...)
	}
	if to.Log {
		ps = append(ps, l.checkRotation()...)
	}
	return ps
}

// Flags returns the flags to set, those of the webhook first, truncation before
// batches, then those of the log in mode batch, then rotation. Modes, paths and the policy are not
// among them. audit-log-compress is there only when it is on, as versions
// before 1.20 do not know it.
func (r Result) Flags() []Flag {
	flags := []Flag{}
	for _, v := range r.values() {
		f := v.flag()
		if f.Name == "" || f.Name == "audit-log-compress" && f.Value == "false" {
			continue
		}
		flags = append(flags, f)
	}
	return flags
}

func (r Result) values() []value {
	vs := []value{r.EventsPerSecond, r.BytesPerSecond, r.MeanEventsPerSecond, r.MeanBytesPerSecond, r.BytesPerDay}
	if r.CompressedBytesPerDay != nil {
		vs = append(vs, *r.CompressedBytesPerDay)
	}
	if r.Truncate != nil {
		vs = append(vs, r.Truncate.values()...)
	}
	if r.Batch != nil {
		vs = append(vs, r.Batch.values()...)
		vs = append(vs, r.Delivery.values()...)
		vs = append(vs, r.Outage.values()...)
	}
	if r.LogBatch != nil {
		vs = append(vs, r.LogBatch.values()...)
		vs = append(vs, r.LogDelivery.values()...)
	}
	if r.Memory != nil {
		vs = append(vs, r.Memory.values()...)
	}
	if r.Rotation != nil {
		vs = append(vs, r.Rotation.values()...)
	}
	if r.Cluster != nil {
		vs = append(vs, r.Cluster.values()...)
	}
	return vs
}
