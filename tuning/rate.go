// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import "fmt"

const sourceLog = "k8s.io/apiserver v0.37.1 plugin/pkg/audit/log/backend.go, logEvent"

// eventsPerSecond and bytesPerSecond are at peak.
func (l Load) eventsPerSecond() float64 { return clean(l.RequestsPerSecond * l.EventsPerRequest) }

func (l Load) bytesPerSecond() float64 { return clean(l.eventsPerSecond() * l.BytesPerEvent) }

// meanEventsPerSecond and meanBytesPerSecond are over days.
func (l Load) meanEventsPerSecond() float64 { return clean(l.meanRequests() * l.EventsPerRequest) }

func (l Load) meanBytesPerSecond() float64 { return clean(l.meanEventsPerSecond() * l.BytesPerEvent) }

func (l Load) bytesPerDay() int64 {
	return wholeInt64(ceil(l.meanBytesPerSecond() * day.Seconds()))
}

// meanKnown tells whether the mean is not just the peak.
func (l Load) meanKnown() bool { return l.MeanRequestsPerSecond > 0 }

func (l Load) eventsValue() Value[float64] {
	return Value[float64]{
		Name: "eventsPerSecond", Unit: "events/s", Value: l.eventsPerSecond(),
		Formula: l.eventsFormula(l.RequestsPerSecond, l.eventsPerSecond()),
		Reason:  "every request makes an event per stage that the policy keeps",
		Source:  sourceDocs,
	}
}

func (l Load) eventsFormula(requests, events float64) string {
	return fmt.Sprintf("%s × %s events/request = %s", FormatRate(requests, "requests"), num(l.EventsPerRequest), FormatRate(events, "events"))
}

func (l Load) bytesValue() Value[float64] {
	return Value[float64]{
		Name: "bytesPerSecond", Unit: "bytes/s", Value: l.bytesPerSecond(),
		Formula: l.bytesFormula(l.eventsPerSecond(), l.bytesPerSecond()),
		Reason:  "what the log grows by, or the receiver takes in, at peak",
		Source:  sourceLog,
	}
}

func (l Load) bytesFormula(events, bytes float64) string {
	return fmt.Sprintf("%s × %s bytes/event = %s bytes/s", FormatRate(events, "events"), num(l.BytesPerEvent), num(bytes))
}

func (l Load) meanEventsValue() Value[float64] {
	v := Value[float64]{
		Name: "meanEventsPerSecond", Unit: "events/s", Value: l.meanEventsPerSecond(),
		Formula: l.eventsFormula(l.meanRequests(), l.meanEventsPerSecond()),
		Reason:  "over days, which is what disk and retention go by; the buffer goes by the peak",
		Source:  sourceDocs,
	}
	if !l.meanKnown() {
		v.Reason = "no mean was given, so the peak counts as the mean: an upper bound"
	}
	return v
}

func (l Load) meanBytesValue() Value[float64] {
	return Value[float64]{
		Name: "meanBytesPerSecond", Unit: "bytes/s", Value: l.meanBytesPerSecond(),
		Formula: l.bytesFormula(l.meanEventsPerSecond(), l.meanBytesPerSecond()),
		Reason:  "what the log grows by, or the receiver takes in, over days",
		Source:  sourceLog,
	}
}

func (l Load) bytesPerDayValue() Value[int64] {
	v := Value[int64]{
		Name: "bytesPerDay", Unit: "bytes", Value: l.bytesPerDay(),
		Formula: fmt.Sprintf("%s bytes/s × 86400 s = %s", num(l.meanBytesPerSecond()), FormatBytes(l.bytesPerDay())),
		Reason:  "a day at the mean rate",
		Source:  "arithmetic",
	}
	if !l.meanKnown() {
		v.Reason = "a day at peak from end to end, so an upper bound"
	}
	return v
}

// compressedValue is nil where nothing is compressed.
func (l Load) compressedValue() *Value[int64] {
	if !l.Compress {
		return nil
	}
	n := wholeInt64(ceil(float64(l.bytesPerDay()) / l.CompressRatio))
	return &Value[int64]{
		Name: "compressedBytesPerDay", Unit: "bytes", Value: n,
		Formula: fmt.Sprintf("%s ÷ %s = %s", FormatBytes(l.bytesPerDay()), num(l.CompressRatio), FormatBytes(n)),
		Reason:  "what a day takes once its files were rotated and compressed, if they shrink as much as is assumed",
		Source:  "gzip of sample logs: 2.6 to 3.8 at level RequestResponse, 11 at Metadata",
	}
}
