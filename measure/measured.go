// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package measure finds out what load a kube-apiserver really has, from an audit
// log or from its metrics, and puts it so that the calculator of package tuning
// can go on with it: how many requests and events a second, at the mean and at the
// peak, how large, of what kind, and what cannot be known from where one looked.
// It is pure: files and the network are read by others.
package measure

import "time"

// Measured is what was found. A number that could not be is 0 and stands in
// Unknown.
type Measured struct {
	// Of says in a few words what was looked at, such as "the log audit.log".
	Of string `json:"of"`
	// Seconds is how long that was, From and To when; zero when not known. Where
	// the logs of several API servers were read, it is the sum of their times, so
	// that rates are those of one.
	Seconds float64   `json:"seconds"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	// AllRequests says that Requests are all requests, and not the audited alone.
	AllRequests bool `json:"allRequests"`
	// Requests, Events and Bytes are counts and rates of all that was looked at.
	// Bytes are those of the events as lines of a log.
	Requests Rate `json:"requests"`
	Events   Rate `json:"events"`
	Bytes    Rate `json:"bytes"`
	// EventsPerRequest relates to Requests.
	EventsPerRequest float64 `json:"eventsPerRequest"`
	// BytesPerEvent is over all levels.
	BytesPerEvent Sizes `json:"bytesPerEvent"`
	// Levels, Stages and Verbs are sorted, the largest first. Verbs are those of
	// the audit log, or in metrics HTTP methods with LIST, WATCH, APPLY and CONNECT
	// (k8s.io/apiserver pkg/endpoints/metrics/metrics.go). Never nil.
	Levels []Level `json:"levels"`
	Stages []Stage `json:"stages"`
	Verbs  []Verb  `json:"verbs"`
	// LongRunningShare is the share of watches and of requests that pass a
	// connection through, such as exec and log, in Requests.
	LongRunningShare float64 `json:"longRunningShare"`
	// NoneShare is the share of requests at level None, which make no events.
	NoneShare float64 `json:"noneShare"`
	// Lost are the events lost by what lost them: buffered, log, webhook, truncate.
	Lost map[string]int64 `json:"lost,omitempty"`
	// CompressRatio is how many times smaller gzip made the rotated files.
	CompressRatio float64 `json:"compressRatio"`
	// Unknown names what cannot be known from this, Notes what is to be borne in
	// mind. Lower case, no full stop. Never nil.
	Unknown []string `json:"unknown"`
	Notes   []string `json:"notes"`
}

// Rate is how often something happened: Count in all, the others per second.
type Rate struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	// Peak is the mean of the busiest 10 s that begin with a second of the clock;
	// Peak1s and Peak60s are those of the busiest second and minute. 0 when only
	// the mean is known.
	Peak    float64 `json:"peak"`
	Peak1s  float64 `json:"peak1s"`
	Peak60s float64 `json:"peak60s"`
}

// Sizes are of events as lines of a log, in bytes. Mean and Max are exact; the
// others are what that part of the events does not exceed, too large by less
// than one percent.
type Sizes struct {
	Mean float64 `json:"mean"`
	P50  int64   `json:"p50"`
	P90  int64   `json:"p90"`
	P99  int64   `json:"p99"`
	Max  int64   `json:"max"`
}

// Level is what was seen of an audit level.
type Level struct {
	Level string `json:"level"`
	// Requests, Events and Bytes are counts.
	Requests int64 `json:"requests"`
	Events   int64 `json:"events"`
	Bytes    int64 `json:"bytes"`
	// Sizes are zero where only metrics were looked at.
	Sizes Sizes `json:"sizes"`
}

// Stage is what was seen of a level at a stage, in counts.
type Stage struct {
	Level  string `json:"level"`
	Stage  string `json:"stage"`
	Events int64  `json:"events"`
	Bytes  int64  `json:"bytes"`
}

// Verb is what was seen of a verb, in counts. Metrics know the requests only.
type Verb struct {
	Verb     string `json:"verb"`
	Requests int64  `json:"requests"`
	Events   int64  `json:"events"`
	Bytes    int64  `json:"bytes"`
}

func (m *Measured) note(text string)    { m.Notes = append(m.Notes, text) }
func (m *Measured) unknown(text string) { m.Unknown = append(m.Unknown, text) }
