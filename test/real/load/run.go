// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/auditsetup/auditsetup/mix"
)

// What a run may be at the most. Watches stay open for a second each, so there
// have to be more workers than requests take.
const (
	mostPerSecond = 2000
	longest       = 2 * time.Minute
	workers       = 400
	idLength      = 36 // of the IDs that kube-apiserver gives out
)

// Plan is a load to make.
type Plan struct {
	// Name begins the audit IDs of its requests, so that no two runs may have the
	// same; up to 16 letters, digits and dashes.
	Name string
	// PerSecond is the rate, in requests, up to 2000; For how long, up to two
	// minutes.
	PerSecond float64
	For       time.Duration
}

// Outcome is what became of a load.
type Outcome struct {
	Plan
	// Requests were sent and answered; Classes has them by class, in the order of
	// [mix.Classes].
	Requests int
	Classes  []int
	// Unsent were due, but the server, or this machine, was too slow for them to
	// go out before the time was over.
	Unsent int
	// From is when the first request was due, To after the last answer.
	From, To time.Time
	// Latest is the most by which a request went out too late.
	Latest time.Duration
	// Mean is how long an answer took on average, watches not counted.
	Mean time.Duration
	// Unexpected counts answers of another status than the class is to get, by
	// class and status.
	Unexpected map[string]int
}

// Achieved is the rate that was reached, in requests per second.
func (o Outcome) Achieved() float64 { return float64(o.Requests) / o.For.Seconds() }

// Prefix is what the audit IDs of a run's requests begin with.
func (p Plan) Prefix() string { return p.Name + "-" }

func (p Plan) check() error {
	if !(p.PerSecond > 0 && p.PerSecond <= mostPerSecond) || p.For <= 0 || p.For > longest || p.Name == "" || len(p.Name) > 16 {
		return fmt.Errorf("%+v is no load for a test", p)
	}
	return nil
}

// run is a load being made.
type run struct {
	Plan
	kinds []kind
	// tokens are the requests that are due. It holds all of the run, so that
	// handing one out never waits for an answer.
	tokens chan token

	mu      sync.Mutex
	outcome Outcome
	waited  time.Duration
	short   int
	failure error
}

// token is leave to send a request.
type token struct {
	number, class, ofClass int
	due                    time.Time
}

// Run makes a load and returns when all is answered. Requests are sent at their
// times, however long the answers to others take. The error is that of a request
// that got no answer at all, or of ctx.
func (w *World) Run(ctx context.Context, p Plan) (Outcome, error) {
	return start(ctx, p, w.kinds)
}

func start(ctx context.Context, p Plan, kinds []kind) (Outcome, error) {
	if err := p.check(); err != nil {
		return Outcome{}, err
	}
	count := int(math.Round(p.PerSecond * p.For.Seconds()))
	r := &run{Plan: p, kinds: kinds, tokens: make(chan token, count)}
	r.outcome = Outcome{Plan: p, Classes: make([]int, len(kinds)), Unexpected: map[string]int{}, From: time.Now()}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for range min(workers, count) {
		all.Go(func() {
			for t := range r.tokens {
				r.send(ctx, t, cancel)
			}
		})
	}
	r.deal(ctx, count)
	all.Wait()
	return r.done(ctx, count)
}

// deal hands out the tokens, each when it is due.
func (r *run) deal(ctx context.Context, count int) {
	defer close(r.tokens)
	shares := make([]float64, len(r.kinds))
	for i, k := range r.kinds {
		shares[i] = k.share
	}
	o := newOrder(shares)
	dealt := make([]int, len(r.kinds))
	for i := range count {
		due := r.outcome.From.Add(time.Duration(float64(i) / r.PerSecond * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		class := o.next()
		r.tokens <- token{i, class, dealt[class], due}
		dealt[class]++
	}
}

func (r *run) send(ctx context.Context, t token, cancel func()) {
	if ctx.Err() != nil {
		return
	}
	k := r.kinds[t.class]
	begun := time.Now()
	if begun.After(r.outcome.From.Add(r.For)) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.outcome.Unsent++
		return
	}
	status, err := k.send(ctx, t.ofClass, r.id(t.number))
	took := time.Since(begun)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		if r.failure == nil && ctx.Err() == nil {
			r.failure = fmt.Errorf("%s: %w", k.name, err)
			cancel()
		}
		return
	}
	r.outcome.Requests++
	r.outcome.Classes[t.class]++
	r.outcome.Latest = max(r.outcome.Latest, begun.Sub(t.due))
	if k.long {
		return
	}
	r.waited += took
	r.short++
	if !k.expects(status) {
		r.outcome.Unexpected[fmt.Sprintf("%s: %d", k.name, status)]++
	}
}

// id is as long as an ID that kube-apiserver makes up, for sizes to be as usual.
func (r *run) id(number int) string {
	return r.Prefix() + fmt.Sprintf("%0*d", idLength-len(r.Prefix()), number)
}

func (r *run) done(ctx context.Context, count int) (Outcome, error) {
	o := r.outcome
	o.To = time.Now()
	if r.short > 0 {
		o.Mean = r.waited / time.Duration(r.short)
	}
	err := r.failure
	if err == nil && o.Requests+o.Unsent < count {
		err = ctx.Err()
	}
	return o, err
}

// kind is a class as it is sent.
type kind struct {
	name  string
	share float64
	// long is a request that stays open.
	long bool
	// send sends the so-many-th request of the class under an audit ID and gives
	// the status of the answer, which it has read to its end.
	send func(ctx context.Context, number int, id string) (int, error)
	want func(status int) bool
}

// expects tells whether an answer is what the class is to get.
func (k kind) expects(status int) bool {
	if k.want != nil {
		return k.want(status)
	}
	return status == http.StatusOK || status == http.StatusCreated
}

// wanted is nil for what is to succeed. The node has no metrics server, and no
// kubelet that would have a log.
func wanted(c mix.Class) func(int) bool {
	switch {
	case c.Kind == mix.FailedLogin:
		return func(status int) bool { return status == http.StatusUnauthorized }
	case c.Group == "metrics.k8s.io", c.Subresource == "log":
		return func(status int) bool { return status >= 400 }
	}
	return nil
}
