// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import "fmt"

// TruncateSettings is what truncation of the webhook's events should be set to.
// It is always on: one event that is larger than what the receiver takes would
// have its whole batch refused, tried five times and lost.
type TruncateSettings struct {
	Enabled Value[bool] `json:"enabled"`
	// MaxEventSize and MaxBatchSize are in bytes.
	MaxEventSize Value[int64] `json:"maxEventSize"`
	MaxBatchSize Value[int64] `json:"maxBatchSize"`
}

// defaultTruncateBatch is upstream's default for truncate-max-batch-size.
const defaultTruncateBatch = 10 << 20

// truncate calculates it for a load that was checked.
func (l Load) truncate() TruncateSettings {
	event := Value[int64]{
		Flag: "audit-webhook-truncate-max-event-size", Name: "truncate.maxEventSize", Unit: "bytes", Value: l.largestEvent(),
		Formula: fmt.Sprintf("--max-event-size = %d bytes", l.largestEvent()),
		Reason:  "what the receiver takes as one event; a larger one loses its bodies, and is dropped if still too large",
		Source:  sourceTruncate,
	}
	if l.MaxEventBytes == 0 {
		event.Formula = fmt.Sprintf("%d bytes, upstream's own default", event.Value)
		event.Source = sourceOptions + ", NewAuditTruncateOptions"
	}
	return TruncateSettings{
		Enabled: Value[bool]{
			Flag: "audit-webhook-truncate-enabled", Name: "truncate.enabled", Value: true,
			Formula: "on for the webhook",
			Reason:  "one event that the receiver does not take would have its whole batch refused and lost",
			Source:  sourceTruncate,
		},
		MaxEventSize: event,
		MaxBatchSize: l.truncateBatch(event.Value),
	}
}

// truncateBatch is a number that does nothing and must be good all the same.
func (l Load) truncateBatch(event int64) Value[int64] {
	v := Value[int64]{
		Flag: "audit-webhook-truncate-max-batch-size", Name: "truncate.maxBatchSize", Unit: "bytes",
		Reason: "events are cut one by one before they are batched, so this limits nothing; below max-event-size the kube-apiserver would not start",
		Source: sourceTruncate + "; " + sourceOptions + ", AuditTruncateOptions.Validate",
	}
	limit := int64(defaultTruncateBatch)
	v.Formula = fmt.Sprintf("%d bytes, upstream's own default", limit)
	if l.MaxBodyBytes > 0 {
		limit = int64(bodyShare * float64(l.MaxBodyBytes))
		v.Formula = fmt.Sprintf("%s %% of a body of %d bytes = %d bytes", num(100*bodyShare), l.MaxBodyBytes, limit)
	}
	v.Value = max(limit, event)
	if v.Value > limit {
		v.Formula += fmt.Sprintf(", raised to one event = %d bytes", v.Value)
	}
	return v
}

func (s TruncateSettings) values() []value {
	return []value{s.Enabled, s.MaxEventSize, s.MaxBatchSize}
}
