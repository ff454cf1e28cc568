// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/mix"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/test/real/load"
	"github.com/auditsetup/auditsetup/test/real/receiver"
)

// The loads, in requests of the reference mix per second. The mix is learned at
// the first, and peak is what the webhook's settings are asked for.
const (
	quiet, busy, peak = 50, 200, 800
	// inMetrics is between the two scrapes of --from-metrics.
	inMetrics = 10 * time.Second
)

const (
	// heldShare is which part of a rate has to be reached for it to count as held,
	// and heldMean how long answers may take then on average. Where they take
	// longer the machine is busy with other things, and with half a second
	// kube-apiserver begins to write down in each event what took how long
	// (k8s.io/apiserver pkg/endpoints/filters/audit.go), which makes it larger.
	heldShare = 0.98
	heldMean  = 200 * time.Millisecond
	// heldTries are made, from the third on with a lower rate.
	heldTries = 4
)

// lengths are how long each load lasts. The webhook's losses have to last long
// enough for a rate.
var lengths = map[float64]time.Duration{quiet: 30 * time.Second, busy: 15 * time.Second, peak: 15 * time.Second}

// How far a prediction may be off.
const (
	eventsWithin, bytesWithin = 0.05, 0.15
	factor                    = 2.0
)

// loadLimit bounds the test, which takes below five minutes on a quiet machine.
const loadLimit = 12 * time.Minute

// underLoad is a node with a world to load it with, and a receiver.
type underLoad struct {
	*testing.T
	ctx   context.Context
	node  *Node
	world *load.World
	to    *receiver.Receiver
	table table
}

func newUnderLoad(t *testing.T) *underLoad {
	t.Helper()
	_, n := fresh(t)
	ctx, cancel := context.WithTimeout(t.Context(), loadLimit)
	t.Cleanup(cancel)
	world, err := load.New(ctx, URL, filepath.Join(kubernetesDir, "pki/ca.crt"), filepath.Join(kubernetesDir, "pki/ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		late, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := world.Remove(late); err != nil {
			t.Error(err)
		}
		for _, path := range []string{"/api/v1/namespaces/shop", "/api/v1/nodes/n0", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/load"} {
			if status, _, err := n.Get(late, path, ""); err != nil || status != http.StatusNotFound {
				t.Errorf("%s is left behind: %d, %v", path, status, err)
			}
		}
	})
	return &underLoad{T: t, ctx: ctx, node: n, world: world, to: listening(t)}
}

// loaded is what a load made.
type loaded struct {
	load.Outcome
	profile string
	events  []logged
	// all and audited are requests per second, those of others included.
	all, audited float64
	// perSecond and bytes are what the log got, per second.
	perSecond, bytes float64
}

// held makes a load that the machine holds: that rate, tried twice, or else as
// much of it as others leave. meanwhile is done at the same time and may be nil.
func (u *underLoad) held(profile, name string, wanted float64, meanwhile func()) loaded {
	u.Helper()
	perSecond, most := wanted, 0.0
	for try := 1; ; try++ {
		l := u.load(profile, fmt.Sprintf("%s%d", name, try), perSecond, lengths[wanted], meanwhile)
		held := l.Achieved() >= heldShare*perSecond && l.Mean <= heldMean
		if held || try == heldTries {
			u.table.add("load wanted, and held, "+profile, "requests/s", wanted, l.Achieved())
			unexpected(u.T, l.Outcome)
			return l
		}
		most = max(most, l.Achieved())
		if try > 1 {
			perSecond = 0.8 * min(most, perSecond)
		}
		say("the machine does not hold that now: once more with %.0f requests/s", perSecond)
	}
}

// load makes a load, and reads what the log got of it.
func (u *underLoad) load(profile, name string, perSecond float64, length time.Duration, meanwhile func()) loaded {
	u.Helper()
	if err := u.world.Warm(u.ctx); err != nil {
		u.Fatal(err)
	}
	before, begun, work := countersOf(u.ctx, u.T, u.node), time.Now(), workDone(u.T)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if meanwhile != nil {
			meanwhile()
		}
	}()
	o, err := u.world.Run(u.ctx, load.Plan{Name: name, PerSecond: perSecond, For: length})
	<-done
	if err != nil {
		u.Fatal(err)
	}
	worked := workDone(u.T).since(work, o.Requests)
	time.Sleep(time.Second) // for the last events to be written
	l := loaded{Outcome: o, profile: profile}
	for _, e := range eventsOf(u.T) {
		if strings.HasPrefix(e.AuditID, o.Prefix()) || !e.ours() && !e.StageTimestamp.Before(o.From) && e.StageTimestamp.Before(o.From.Add(o.For)) {
			l.events = append(l.events, e)
			l.perSecond += 1 / o.For.Seconds()
			l.bytes += float64(e.size) / o.For.Seconds()
		}
	}
	others := countersOf(u.ctx, u.T, u.node).requests - before.requests - float64(o.Requests)
	l.all = o.Achieved() + others/time.Since(begun).Seconds()
	l.audited = auditedOf(u.T, u.node, o, profile)
	say("%s: %.1f of %.0f requests/s of the mix for %s, the latest %s too late, answered in %s on average, and %.1f/s of others; a request took %s; %s",
		profile, o.Achieved(), perSecond, o.For, o.Latest.Round(time.Millisecond), o.Mean.Round(100*time.Microsecond), l.all-o.Achieved(), worked, loadAverage())
	return l
}

// unexpected allows for what a machine that is busy with other things makes fail.
func unexpected(t *testing.T, o load.Outcome) {
	t.Helper()
	sum := 0
	for _, n := range o.Unexpected {
		sum += n
	}
	if sum > o.Requests/50 {
		t.Errorf("%d of %d requests got another answer than they should: %v", sum, o.Requests, o.Unexpected)
	}
}

// auditedOf is how many requests per second of a load are of classes that a
// profile records, which is not looked up in any log.
func auditedOf(t *testing.T, n *Node, o load.Outcome, profile string) float64 {
	t.Helper()
	p, ok := profiles.Lookup(profile)
	if !ok {
		t.Fatalf("no profile %s", profile)
	}
	v := apiserver.Version{Minor: n.minor}
	text, err := p.Policy(v)
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.Read(profile, text, v)
	if err != nil {
		t.Fatal(err)
	}
	audited := 0
	for i, line := range mix.Of(read).Lines {
		if line.Events > 0 {
			audited += o.Classes[i]
		}
	}
	return float64(audited) / o.For.Seconds()
}

// othersAudited is how many requests per second were in the log that are not of
// the mix.
func (l loaded) othersAudited() float64 {
	seen := map[string]bool{}
	for _, e := range l.events {
		if !e.ours() {
			seen[e.AuditID] = true
		}
	}
	return float64(len(seen)) / l.For.Seconds()
}

// TestLoad has the planner predict what a real API server does under load, and
// the webhook's settings keep what they promise: three loads of the reference mix
// with the profile recommended, and one with settings that are too small.
func TestLoad(t *testing.T) {
	u := newUnderLoad(t)
	begun := time.Now()
	tool(t, u.node.Auditsetup(u.ctx, sending(u.to, "--backend=log,webhook", "--profile=recommended", fmt.Sprintf("--rate=%d", peak))...), 0)
	say("enabled in %.1f s", time.Since(begun).Seconds())
	learned := u.held("recommended", "quiet", quiet, nil)
	log := learned.save(t)
	var metrics planned
	others := learned.othersAudited()
	u.fromLog(learned, log, others)
	u.fromRate(learned)
	for _, rate := range []float64{busy, peak} {
		var meanwhile func()
		if rate == busy {
			meanwhile = func() {
				time.Sleep(time.Second)
				metrics = planOf(u.ctx, t, u.node, "--from-metrics=kubeconfig", "--kubeconfig="+u.node.Kubeconfig(), "--interval="+inMetrics.String())
			}
		}
		l := u.held("recommended", fmt.Sprintf("at%g-", rate), rate, meanwhile)
		u.fromLog(l, log, others)
		u.fromRate(l)
		if rate == busy {
			u.fromMetrics(l, metrics)
		}
	}
	u.delivered()
	u.tooSmall()
	u.table.print()
}

// fromLog predicts a load from the log of another. A log has audited requests
// only, so the rate is of those.
func (u *underLoad) fromLog(l loaded, log string, others float64) {
	p := planOf(u.ctx, u.T, u.node, "--from-log="+log, fmt.Sprintf("--rate=%g", l.audited+others))
	about := fmt.Sprintf("--from-log at %d/s, for %.1f audited/s", quiet, l.audited+others)
	u.within(about, "events/s", p.EventsPerSecond, l.perSecond, eventsWithin)
	u.within(about, "bytes/s", p.BytesPerSecond, l.bytes, bytesWithin)
}

// fromRate predicts a load from nothing but its rate.
func (u *underLoad) fromRate(l loaded) {
	p := planOf(u.ctx, u.T, u.node, fmt.Sprintf("--rate=%g", l.all), "--profile="+l.profile)
	about := fmt.Sprintf("--rate %.1f --profile %s", l.all, l.profile)
	u.timesOff(about, "events/s", p.EventsPerSecond, l.perSecond)
	u.timesOff(about, "bytes/s", p.BytesPerSecond, l.bytes)
}

// fromMetrics compares with the log between the two scrapes, which are in it: the
// profile records who is no service account. When in a scrape the counters were
// read is not known, which on a machine that is busy leaves a range.
func (u *underLoad) fromMetrics(l loaded, p planned) {
	u.Helper()
	all := eventsOf(u.T) // since the second may be after the load
	var scrapes []logged
	for _, e := range all {
		if e.RequestURI == "/metrics" && !e.ours() && !strings.HasPrefix(e.User.Username, "system:") && e.StageTimestamp.After(l.From) {
			scrapes = append(scrapes, e)
		}
	}
	if len(scrapes) != 2 {
		u.Fatalf("%d scrapes by the tool are in the log, want 2: %v", len(scrapes), scrapes)
	}
	between := func(from, to time.Time) (count, seconds float64) {
		for _, e := range all {
			if e.StageTimestamp.After(from) && !e.StageTimestamp.After(to) {
				count++
			}
		}
		return count, to.Sub(from).Seconds()
	}
	least, shortest := between(scrapes[0].StageTimestamp, scrapes[1].RequestReceivedTimestamp)
	most, longest := between(scrapes[0].RequestReceivedTimestamp, scrapes[1].StageTimestamp)
	about := fmt.Sprintf("--from-metrics over %.2f to %.2f s", shortest, longest)
	u.table.add(about, "events/s", p.EventsPerSecond, (least+most)/(shortest+longest))
	if !(p.EventsPerSecond >= (1-eventsWithin)*least/longest && p.EventsPerSecond <= (1+eventsWithin)*most/shortest) {
		u.Errorf("%s: %.6g events/s predicted, %.6g to %.6g measured: more than %g %% off", about, p.EventsPerSecond, least/longest, most/shortest, 100*eventsWithin)
	}
}

// delivered wants no loss with the settings that are recommended for the peak,
// and every event of the log at the receiver.
func (u *underLoad) delivered() {
	u.Helper()
	all := eventsOf(u.T)
	var missing int
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if missing = u.missing(all); missing == 0 || time.Now().After(deadline) {
			break
		}
	}
	lost := countersOf(u.ctx, u.T, u.node).lost
	posts, largest := u.to.Posts()
	u.table.add(fmt.Sprintf("webhook, set for %d/s", peak), "events lost", 0, sum(lost))
	u.table.add(fmt.Sprintf("webhook, set for %d/s", peak), "events at the receiver", float64(len(all)), float64(len(all)-missing))
	say("the receiver got %d of %d events in %d posts, the largest of %d bytes; lost by the API server's own count: %v", len(all)-missing, len(all), posts, largest, lost)
	if missing > 0 || sum(lost) > 0 {
		u.Errorf("with the settings for %d requests/s %d of %d events are not at the receiver, and %v were lost", peak, missing, len(all), lost)
	}
	if err := u.to.Err(); err != nil {
		u.Error(err)
	}
}

// missing is how many events are not at the receiver.
func (u *underLoad) missing(of []logged) int {
	missing := 0
	for _, e := range of {
		found := false
		for _, got := range u.to.Events(e.AuditID) {
			found = found || string(got.Stage) == e.Stage
		}
		if !found {
			missing++
		}
	}
	return missing
}
