// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	genericwebhook "k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/apiserver/plugin/pkg/audit/buffered"
	upstreamwebhook "k8s.io/apiserver/plugin/pkg/audit/webhook"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/auditsetup/auditsetup/tuning"
)

// quiet keeps klog from printing every lost event, which is what upstream does
// with them.
func quiet(t *testing.T) {
	t.Helper()
	fs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(fs)
	for name, value := range map[string]string{"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL"} {
		if err := fs.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	klog.SetOutput(io.Discard)
}

// window is a time since the start of a run, the end left out.
type window struct{ from, to time.Duration }

func (w window) has(at time.Duration) bool { return at >= w.from && at < w.to }

// receiver is the delegate of a buffered backend. It stands still in the
// windows of stalls, and takes everything in the end.
type receiver struct {
	start  time.Time
	stalls []window

	// Events that were made after from are timed.
	from time.Duration

	mu     sync.Mutex
	events int
	timed  int
	late   time.Duration // the sum of what each event took
	latest time.Duration
}

func (r *receiver) ProcessEvents(events ...*auditinternal.Event) bool {
	r.mu.Lock()
	for _, e := range events {
		if made := e.RequestReceivedTimestamp.Sub(r.start); made >= r.from {
			late := time.Since(r.start) - made
			r.timed++
			r.late += late
			r.latest = max(r.latest, late)
		}
	}
	r.mu.Unlock()
	now := time.Since(r.start)
	for _, s := range r.stalls {
		if s.has(now) {
			time.Sleep(s.to - now)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events += len(events)
	return true
}

func (r *receiver) Run(<-chan struct{}) error { return nil }
func (r *receiver) Shutdown()                 {}
func (r *receiver) String() string            { return "receiver" }

// configOf is what kube-apiserver makes of the flags of a plan: see
// pkg/server/options/audit.go, where a backend of its own kind sets the last.
func configOf(s tuning.BatchSettings) buffered.BatchConfig {
	return buffered.BatchConfig{
		BufferSize: s.BufferSize.Value, MaxBatchSize: s.MaxSize.Value, MaxBatchWait: s.MaxWait.Value,
		ThrottleEnable: s.ThrottleEnable.Value, ThrottleQPS: float32(s.ThrottleQPS.Value), ThrottleBurst: s.ThrottleBurst.Value,
		AsyncDelegate: s.Backend == tuning.Webhook,
	}
}

// half has half the throughput and half the buffer, rounded up.
func half(c buffered.BatchConfig) buffered.BatchConfig {
	c.BufferSize, c.ThrottleQPS, c.ThrottleBurst = (c.BufferSize+1)/2, c.ThrottleQPS/2, (c.ThrottleBurst+1)/2
	return c
}

// play sends arrivals, sorted times since its start, through a backend of
// upstream's and waits until all of them have come out or been lost.
func play(t *testing.T, config buffered.BatchConfig, delegate audit.Backend, arrivals []time.Duration) {
	t.Helper()
	backend := buffered.NewBackend(delegate, config)
	stop := make(chan struct{})
	if err := backend.Run(stop); err != nil {
		t.Error(err)
	}
	start := time.Now()
	event := &auditinternal.Event{Level: auditinternal.LevelMetadata, Stage: auditinternal.StageResponseComplete, Verb: "get"}
	for _, at := range arrivals {
		if ahead := at - time.Since(start); ahead > 0 {
			time.Sleep(ahead)
		}
		event.RequestReceivedTimestamp = metav1.NewMicroTime(time.Now())
		backend.ProcessEvents(event)
	}
	close(stop)
	backend.Shutdown()
}

// transport is a receiver as the webhook's own HTTP client sees it, without a
// network, so that a fake clock can run it: there or, within the outage, away.
type transport struct {
	start   time.Time
	outage  window
	hangs   bool
	onTry   func(at time.Duration, body []byte)
	mu      sync.Mutex
	events  int
	largest int
}

func (r *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	at := time.Since(r.start)
	if r.onTry != nil {
		r.onTry(at, body)
	}
	if r.outage.has(at) {
		if !r.hangs {
			return nil, errors.New("connection refused")
		}
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.largest = max(r.largest, len(body))
	r.events += strings.Count(string(body), `"auditID"`)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// webhookTo is upstream's webhook, its retries, and client-go with the 30 s
// that LoadKubeconfig of pkg/util/webhook gives a request, in front of r.
func webhookTo(t *testing.T, r http.RoundTripper, initial time.Duration) audit.Backend {
	t.Helper()
	backoff := genericwebhook.DefaultRetryBackoffWithInitialDelay(initial)
	config := &rest.Config{Host: "http://receiver", Transport: r, Timeout: 30 * time.Second, QPS: -1}
	w, err := genericwebhook.NewGenericWebhook(audit.Scheme, audit.Codecs, config, []schema.GroupVersion{auditv1.SchemeGroupVersion}, backoff)
	if err != nil {
		t.Fatal(err)
	}
	return upstreamwebhook.NewDynamicBackend(w.RestClient, backoff)
}

// even spaces events evenly from one time to another, each moved at random
// within its own place: never more than the rate, over no length of time.
func even(random *rand.Rand, perSecond float64, w window) []time.Duration {
	n := int(perSecond * (w.to - w.from).Seconds())
	at := make([]time.Duration, n)
	for i := range at {
		place := (float64(i) + 0.45 + 0.1*random.Float64()) / perSecond
		at[i] = w.from + time.Duration(place*float64(time.Second))
	}
	return at
}

// gusts has the events of each second all come at once in it.
func gusts(perSecond float64, w window) []time.Duration {
	at := even(rand.New(rand.NewPCG(0, 0)), perSecond, w)
	for i := range at {
		at[i] = w.from + (at[i] - w.from).Truncate(time.Second)
	}
	return at
}

// poisson has events come independently of each other.
func poisson(random *rand.Rand, perSecond float64, w window) []time.Duration {
	var at []time.Duration
	for now := w.from.Seconds(); now < w.to.Seconds(); now += random.ExpFloat64() / perSecond {
		at = append(at, time.Duration(now*float64(time.Second)))
	}
	slices.Sort(at)
	return at
}

// inFlight counts the events that are in the hands of the backend behind it.
type inFlight struct {
	audit.Backend
	mu        sync.Mutex
	now, most int64
}

func (f *inFlight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now += int64(n)
	f.most = max(f.most, f.now)
}

func (f *inFlight) ProcessEvents(events ...*auditinternal.Event) bool {
	f.add(len(events))
	defer f.add(-len(events))
	return f.Backend.ProcessEvents(events...)
}
