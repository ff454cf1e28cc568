// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package model

// What an event takes of the heap, as test/oracle measures it with events of
// levels Metadata and RequestResponse from 1.3 to 50 KB. The bodies are held as
// JSON and rounded up to the sizes that Go hands out, the rest are strings and
// structs whose number does not grow with the body. The figures are the least
// round ones that are enough for all of them.
const (
	// StructBytes and JSONFactor give an event that waits: so much, and so
	// much per byte of JSON.
	StructBytes = 1000
	JSONFactor  = 1.2
	// RetryBytes are added once its batch was handed to the webhook, which
	// copies the structs into a list.
	RetryBytes = 550
	// BodyFactor is added, per byte of JSON, while a try is under way: the
	// request's body.
	BodyFactor = 1.1
	// PlaceBytes is what a place in the channel takes, used or not.
	PlaceBytes = 8
	// CollectorFactor is by how much a process grows with what it holds: Go
	// collects garbage when the heap has doubled (GOGC=100), so events held take
	// up to twice their size.
	CollectorFactor = 2
	// ListBytes is what a POST has around its events. Those are a little smaller
	// in it than in the log, where each has its kind and version.
	ListBytes = 77
)

// WaitingBytes is what an event of jsonBytes takes in the buffer.
func WaitingBytes(jsonBytes float64) float64 { return StructBytes + JSONFactor*jsonBytes }

// RetriedBytes is what it takes between two tries.
func RetriedBytes(jsonBytes float64) float64 { return WaitingBytes(jsonBytes) + RetryBytes }

// TriedBytes is what it takes during a try.
func TriedBytes(jsonBytes float64) float64 { return RetriedBytes(jsonBytes) + BodyFactor*jsonBytes }
