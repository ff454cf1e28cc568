// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"hash/maphash"
	"time"

	"github.com/auditsetup/auditsetup/auditlog"
)

const (
	// manyVerbs bounds the verbs that are told apart: for non-resource requests a
	// client can invent some.
	manyVerbs  = 64
	otherVerbs = "other"
	// manyOpen bounds how many requests are remembered that had no last event yet,
	// twice over, in about 8 MiB.
	manyOpen = 1 << 17
)

// before is older than audit logging, which came with Kubernetes 1.7.
var before = time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)

// Tally counts the events of a log, in memory that does not grow with it. The
// zero Tally is ready.
type Tally struct {
	clock  clock
	all    histogram
	levels map[string]*levelTally
	stages map[[2]string]*amount
	verbs  map[string]*amount
	// open and older are the requests of which more may come.
	seed        maphash.Seed
	open, older map[uint64]struct{}

	requests, longRunning, truncated, timeless int64
}

type levelTally struct {
	requests int64
	sizes    histogram
}

// Add counts an event and keeps nothing of it. It fits auditlog.Read; the error
// is always nil.
func (t *Tally) Add(e *auditlog.Event) error {
	if t.levels == nil {
		t.levels, t.stages, t.verbs = map[string]*levelTally{}, map[[2]string]*amount{}, map[string]*amount{}
		t.open, t.older, t.seed = map[uint64]struct{}{}, map[uint64]struct{}{}, maphash.MakeSeed()
	}
	a := amount{events: 1, bytes: e.Size}
	if t.first(e) {
		a.requests = 1
		if longRunning(e) {
			t.longRunning++
		}
	}
	t.requests += a.requests
	t.all.add(e.Size)
	level := entry(t.levels, e.Level)
	level.requests += a.requests
	level.sizes.add(e.Size)
	entry(t.stages, [2]string{e.Level, e.Stage}).add(a, 1)
	t.verb(e.Verb).add(a, 1)
	if e.Truncated {
		t.truncated++
	}
	if e.At.Before(before) {
		t.timeless++
		return nil
	}
	t.clock.add(e.At, a)
	return nil
}

func entry[K comparable, V any](m map[K]*V, key K) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}

// verb makes no garbage for one that is known.
func (t *Tally) verb(verb []byte) *amount {
	if a := t.verbs[string(verb)]; a != nil {
		return a
	}
	if len(t.verbs) >= manyVerbs {
		return entry(t.verbs, otherVerbs)
	}
	return entry(t.verbs, string(verb))
}

// first says that this is the first event of its request. A request is
// remembered until its last event, or until very many others came.
func (t *Tally) first(e *auditlog.Event) bool {
	id := maphash.Bytes(t.seed, e.AuditID)
	_, known := t.open[id]
	_, old := t.older[id]
	if e.Stage == auditlog.ResponseComplete || e.Stage == auditlog.Panic {
		if known || old {
			delete(t.open, id)
			delete(t.older, id)
		}
		return !known && !old
	}
	if len(t.open) >= manyOpen {
		t.open, t.older = map[uint64]struct{}{}, t.open
	}
	t.open[id] = struct{}{}
	return !known && !old
}

// longRunning knows what kube-apiserver runs without a time limit
// (k8s.io/kubernetes pkg/controlplane/apiserver/config.go).
func longRunning(e *auditlog.Event) bool {
	if string(e.Verb) == "watch" || string(e.Verb) == "proxy" {
		return true
	}
	switch string(e.Object.Subresource) {
	case "attach", "exec", "proxy", "log", "portforward":
		return true
	}
	return false
}
