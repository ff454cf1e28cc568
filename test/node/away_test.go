// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
)

// pairsVariable names the environment variable with the number of pairs of
// changes that TestAwayTime compares, to begin with.
const pairsVariable = "AUDITSETUP_E2E_PAIRS"

// slower is how much longer than after a bare rename the API server may be away.
const slower = 1.1

// settledAge is how old the API server is when it is changed. One that has just
// started ends at once, since nobody watches anything yet; later the kubelet's
// watches keep it until it is killed, after 30 s.
const settledAge = 25 * time.Second

// outage is one change as the watch saw it, in three parts.
type outage struct {
	// away is the time without an answer: until the old server had ended, until
	// the kubelet started the new one, and until that was ready.
	away, ending, pause, starting time.Duration
	// age is that of the old server at the change.
	age time.Duration
}

// ours is what a change can make longer: all but the kubelet's pause, of up to
// 15 s, which it draws itself. A worker that finds its static pod's predecessor
// still there comes back after 10 to 15 s (kubernetes pkg/kubelet/pod_workers.go,
// allowPodStart), again and again, until the predecessor happens to be gone.
func (o outage) ours() time.Duration { return o.away - o.pause }

func (o outage) String() string {
	return fmt.Sprintf("away %.1f s = %.1f s for the old server to end + %.1f s of the kubelet's pause + %.1f s for the new one to be ready (the old one was %.0f s old)",
		o.away.Seconds(), o.ending.Seconds(), o.pause.Seconds(), o.starting.Seconds(), o.age.Seconds())
}

// TestAwayTime is the price of enable: one restart, during which the API server
// is away no longer than with nothing but the rename of the same bytes. The two
// take turns on the same node. The kubelet's pause is chance, of many seconds;
// while that alone has the medians too far apart there are more pairs, up to
// three times as many.
func TestAwayTime(t *testing.T) {
	pairs := number(t, pairsVariable, 3)
	var bare, enabled []outage
	var written content
	for i := 0; i < pairs || i < 3*pairs && byChance(bare, enabled); i++ {
		one := func(t *testing.T) { enabled = append(enabled, awayWithEnable(t, &written)) }
		other := func(t *testing.T) { bare = append(bare, awayWithRename(t, written)) }
		// ABBA: what changes over time changes for both.
		order := []struct {
			name string
			run  func(*testing.T)
		}{{"enable", one}, {"rename", other}}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, o := range order {
			if !t.Run(fmt.Sprintf("%s-%d", o.name, i+1), o.run) {
				t.FailNow()
			}
		}
	}
	for i := range bare {
		say("pair %d: rename %s", i+1, bare[i])
		say("pair %d: enable %s", i+1, enabled[i])
	}
	for _, part := range []struct {
		name string
		of   func(outage) time.Duration
	}{{"away", outage.total}, {"away but for the kubelet's pause", outage.ours}} {
		a, b := median(bare, part.of), median(enabled, part.of)
		say("%s, median of %d: rename %.2f s, enable %.2f s, ratio %.3f", part.name, len(bare), a.Seconds(), b.Seconds(), b.Seconds()/a.Seconds())
		if tooSlow(bare, enabled, part.of) {
			t.Errorf("%s: %.2f s with enable is more than %.1f x the %.2f s with a rename", part.name, b.Seconds(), slower, a.Seconds())
		}
	}
}

func (o outage) total() time.Duration { return o.away }

func median(all []outage, of func(outage) time.Duration) time.Duration {
	var values []time.Duration
	for _, o := range all {
		values = append(values, of(o))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func tooSlow(bare, enabled []outage, of func(outage) time.Duration) bool {
	return float64(median(enabled, of)) > slower*float64(median(bare, of))
}

// byChance says whether only the kubelet's pauses make enable the slower one.
func byChance(bare, enabled []outage) bool {
	return tooSlow(bare, enabled, outage.total) && !tooSlow(bare, enabled, outage.ours)
}

// anew gives the node as kubeadm made it, whose API server has just started, and
// waits until that is of age.
func anew(t *testing.T) (context.Context, *Node) {
	t.Helper()
	// A reset restarts nothing where everything is as it was.
	if err := os.WriteFile(filepath.Join(manifestsDir, ".anew"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, n := fresh(t)
	time.Sleep(settledAge - time.Since(running(ctx, t, n).Started))
	return ctx, n
}

// content is what enable writes.
type content struct{ manifest, policy []byte }

// awayWithEnable changes the node with enable, which is to write the same each
// time.
func awayWithEnable(t *testing.T, written *content) outage {
	ctx, n := anew(t)
	m := measure(ctx, t, n)
	out, _ := tool(t, n.Auditsetup(ctx, "enable", "--yes", "--profile", "recommended", "--rate", "100"), 0)
	now := content{readFile(t, Manifest), readFile(t, policyFile)}
	if written.manifest == nil {
		*written = now
	}
	if !bytes.Equal(written.manifest, now.manifest) || !bytes.Equal(written.policy, now.policy) {
		t.Errorf("enable does not write the same as before:\n%s\n%s", now.manifest, now.policy)
	}
	holds(t, out, "audit logging is set up", " was read back: ")
	_, after, _ := strings.Cut(out, "event ")
	id, _, _ := strings.Cut(after, " ")
	if events, err := controlplane.Events(APILog, id); err != nil || len(events) == 0 {
		t.Errorf("the event %q is not in the log: %v", id, err)
	}
	return m.end(ctx, t, now.manifest)
}

// awayWithRename changes the node by a rename of the same bytes. The policy and
// the folders are there before, and nothing but the watch asks the API server.
func awayWithRename(t *testing.T, written content) outage {
	ctx, n := anew(t)
	for _, file := range []string{policyFile, APILog} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(policyFile, written.policy, 0o600); err != nil {
		t.Fatal(err)
	}
	m := measure(ctx, t, n)
	if err := Replace(Manifest, written.manifest); err != nil {
		t.Fatal(err)
	}
	for report := m.watch.Report(); len(report.Outages) == 0 || report.Outages[0].To.IsZero(); report = m.watch.Report() {
		select {
		case <-ctx.Done():
			t.Fatalf("the API server does not come back: %+v", report)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return m.end(ctx, t, written.manifest)
}

// measurement watches one change.
type measurement struct {
	n     *Node
	old   Container
	watch *Watch
	// ended is when the old server was seen to be gone, begun when the new one
	// was seen. They are valid after the end.
	ended, begun time.Time
	done         sync.WaitGroup
}

func measure(ctx context.Context, t *testing.T, n *Node) *measurement {
	t.Helper()
	m := &measurement{n: n, old: running(ctx, t, n), watch: watch(t, n)}
	before, err := Processes("kube-apiserver")
	if err != nil || len(before) != 1 {
		t.Fatalf("%v, %v", before, err)
	}
	m.done.Go(func() {
		for m.begun.IsZero() && ctx.Err() == nil {
			now, err := Processes("kube-apiserver")
			if err == nil && m.ended.IsZero() && !slices.ContainsFunc(now, func(p Process) bool { return p.ID == before[0].ID }) {
				m.ended = time.Now()
			}
			if err == nil && slices.ContainsFunc(now, func(p Process) bool { return p.ID != before[0].ID }) {
				m.begun = time.Now()
			}
			time.Sleep(pollInterval)
		}
	})
	return m
}

// end wants one restart, and the API server that the manifest asks for, and says
// how long it was away.
func (m *measurement) end(ctx context.Context, t *testing.T, manifest []byte) outage {
	t.Helper()
	if err := m.n.AwaitInForce(ctx, manifest); err != nil {
		t.Fatal(err)
	}
	m.done.Wait()
	report := m.watch.Stop()
	if len(report.Started) != 1 || len(report.Outages) == 0 || report.Outages[len(report.Outages)-1].To.IsZero() {
		t.Fatalf("want one restart, and an end of the outage: %+v", report)
	}
	from := report.Outages[0].From
	o := outage{
		away: report.Away(), ending: m.ended.Sub(from), pause: m.begun.Sub(m.ended), age: from.Sub(m.old.Started),
	}
	o.starting = o.away - o.ending - o.pause
	say("%s: %s", t.Name(), o)
	return o
}
