// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Outage is a time without a ready API server.
type Outage struct {
	// From is when the first request that failed was sent; To when the first
	// one was answered again, zero if none was.
	From, To time.Time
}

// Length is how long the outage was, or has been so far.
func (o Outage) Length() time.Duration {
	if o.To.IsZero() {
		return time.Since(o.From)
	}
	return o.To.Sub(o.From)
}

// Report is what a [Watch] saw.
type Report struct {
	Outages []Outage
	// Started are the API servers that started while it watched.
	Started []Process
}

// Away is the sum of all outages.
func (r Report) Away() time.Duration {
	var sum time.Duration
	for _, o := range r.Outages {
		sum += o.Length()
	}
	return sum
}

// Watch asks the API server again and again whether it is ready, and looks at
// the processes, until it is stopped.
type Watch struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	mutex  sync.Mutex
	report Report
}

// pollInterval is how often a Watch asks; a failure is seen this much later, or
// a second if the API server takes connections and says nothing.
const pollInterval = 15 * time.Millisecond

// Watch begins to watch. The caller must stop it.
func (n *Node) Watch() (*Watch, error) {
	known := make(map[int]bool)
	running, err := Processes("kube-apiserver")
	if err != nil {
		return nil, err
	}
	for _, p := range running {
		known[p.ID] = true
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watch{cancel: cancel}
	transport := n.client.Transport.(*http.Transport).Clone()
	client := &http.Client{Transport: transport}
	w.done.Go(func() {
		defer transport.CloseIdleConnections()
		every(ctx, func() { w.ask(ctx, client) })
	})
	w.done.Go(func() { every(ctx, func() { w.look(known) }) })
	return w, nil
}

// every calls f again and again until ctx ends.
func every(ctx context.Context, f func()) {
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollInterval):
		}
	}
}

// ask notes a change between ready and not ready.
func (w *Watch) ask(ctx context.Context, client *http.Client) {
	sent := time.Now()
	err := answersOK(ctx, client, URL+"/readyz")
	if ctx.Err() != nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	last := len(w.report.Outages) - 1
	out := last >= 0 && w.report.Outages[last].To.IsZero()
	switch {
	case err != nil && !out:
		w.report.Outages = append(w.report.Outages, Outage{From: sent})
	case err == nil && out:
		w.report.Outages[last].To = time.Now()
	}
}

// look notes API servers that it does not know.
func (w *Watch) look(known map[int]bool) {
	running, err := Processes("kube-apiserver")
	if err != nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, p := range running {
		if !known[p.ID] {
			known[p.ID] = true
			w.report.Started = append(w.report.Started, p)
		}
	}
}

// Report returns what was seen so far.
func (w *Watch) Report() Report {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return Report{
		Outages: append([]Outage(nil), w.report.Outages...),
		Started: append([]Process(nil), w.report.Started...),
	}
}

// Stop ends the watch and returns all that was seen. More than one call does no
// harm.
func (w *Watch) Stop() Report {
	w.cancel()
	w.done.Wait()
	return w.Report()
}
