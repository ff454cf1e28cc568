// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import "math"

// mostStages is how many events a request can make, and what tuning.Load takes.
const mostStages = 3

// Inputs is what was measured as tuning.Load takes it. A number is 0 when it is
// not known from this; then whatever else there is holds, such as a profile.
type Inputs struct {
	// RequestsPerSecond is the peak where there is one, and else the mean.
	// Multiplied with EventsPerRequest it gives the events per second that were
	// seen, and those with BytesPerEvent the bytes.
	RequestsPerSecond     float64
	MeanRequestsPerSecond float64
	EventsPerRequest      float64
	BytesPerEvent         float64
	// MaxEventBytes is the largest event that was seen, and no limit.
	MaxEventBytes int64
	// CompressRatio is that of the rotated files.
	CompressRatio float64
	// Sources say where each number that is known comes from, in that order.
	Sources []Source
	// Notes are what to bear in mind, beside those of the Measured.
	Notes []string
}

// Source is where a number comes from.
type Source struct {
	// Flag is the one that would set the number by hand, such as "--rate".
	Flag string
	// Text is lower case, without a full stop.
	Text string
}

// Inputs gives what was measured to calculate with. A rate above 0 is in requests
// per second and takes the place of the one that was measured, as the peak: the
// mix stays, and so does the peak's relation to the mean.
func (m Measured) Inputs(rate float64) Inputs {
	in := Inputs{
		EventsPerRequest: math.Min(m.EventsPerRequest, mostStages),
		BytesPerEvent:    m.BytesPerEvent.Mean, MaxEventBytes: m.BytesPerEvent.Max, CompressRatio: m.CompressRatio,
		Sources: []Source{}, Notes: []string{},
	}
	in.rates(m)
	if rate > 0 {
		in.scale(m, rate)
	}
	in.mix(m)
	return in
}

func (in *Inputs) add(flag, text string) { in.Sources = append(in.Sources, Source{flag, text}) }

// rates are such that the events per second come out as measured, where there are
// events.
func (in *Inputs) rates(m Measured) {
	per, mean, peak, counted := 1.0, m.Requests.Mean, m.Requests.Peak, "requests"
	if m.EventsPerRequest > 0 {
		per, mean, peak, counted = in.EventsPerRequest, m.Events.Mean, m.Events.Peak, "events"
	}
	in.MeanRequestsPerSecond, in.RequestsPerSecond = mean/per, peak/per
	over := " over " + lasting(m.Seconds) + " of " + m.Of
	switch {
	case mean == 0:
		return
	case peak == 0:
		in.RequestsPerSecond = in.MeanRequestsPerSecond
		in.add("--rate", three(in.RequestsPerSecond)+" requests/s, the mean"+over)
		in.Notes = append(in.Notes, "no peak was measured: measure when it is busiest, or give the peak with --rate or more --headroom")
	case counted == "events":
		in.add("--rate", three(peak)+" events/s in the busiest 10 s, "+three(mean)+" events/s"+over+", at "+three(per)+" events per request")
	default:
		in.add("--rate", three(peak)+" requests/s in the busiest 10 s, "+three(mean)+over)
	}
}

// scale sets the peak.
func (in *Inputs) scale(m Measured, rate float64) {
	share := 1.0
	if in.RequestsPerSecond > 0 {
		share = in.MeanRequestsPerSecond / in.RequestsPerSecond
	}
	in.RequestsPerSecond, in.MeanRequestsPerSecond = rate, rate*share
	in.Sources, in.Notes = []Source{{"--rate", three(rate) + " requests/s, as given"}}, []string{}
	what := "all requests"
	if !m.AllRequests {
		what = "audited requests, since a log has no others: requests that the policy leaves out are not to be in --rate"
	}
	in.Notes = append(in.Notes, "the mix of "+m.kind()+" is scaled to "+three(rate)+" requests/s, which are taken for "+what)
}

// kind is Of without the names.
func (m Measured) kind() string {
	if m.AllRequests {
		return "the metrics"
	}
	return "the log"
}

func (in *Inputs) mix(m Measured) {
	if in.EventsPerRequest > 0 {
		what := "audited request"
		if m.AllRequests {
			what = "request, with " + three(100*m.NoneShare) + " % of them at level None"
		}
		in.add("--events-per-request", three(in.EventsPerRequest)+" events per "+what+", from "+m.kind())
		if m.EventsPerRequest > mostStages {
			in.Notes = append(in.Notes, "there are more events than three for a request, as when a webhook sent some twice: the rate is raised accordingly")
		}
	}
	if in.BytesPerEvent > 0 {
		in.add("--bytes-per-event", three(in.BytesPerEvent)+" bytes on average, half of the events up to "+three(float64(m.BytesPerEvent.P50))+
			", 99 % up to "+three(float64(m.BytesPerEvent.P99))+", the largest "+three(float64(in.MaxEventBytes))+", from "+m.kind())
	}
	if in.CompressRatio > 0 {
		in.add("--compress-ratio", three(in.CompressRatio)+", of the compressed files of "+m.kind())
	}
}
