// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/load"
)

// everything is the policy whose log the others are simulated on.
const everything = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: RequestResponse
`

// The requests that are sent under each policy. All shares of the mix are
// multiples of a two-thousandth, so that is whole rounds of it.
const (
	simulatedRate = 100
	simulatedFor  = 20 * time.Second
	// simulatedWithin is how far bytes may be off in all, and partWithin for a user
	// or a rule. Events may not be at all. The parts have more leave, as two
	// bindings let the replica set controller and administrators do the same, and
	// the API server gives as the reason why it let them whichever of the two its
	// cache names first, which changes with each start: up to 61 bytes an event.
	simulatedWithin, partWithin = 0.02, 0.05
	// noUser is what simulate calls who did not log in.
	noUser = "(not authenticated)"
)

// amount is a part of a log.
type amount struct {
	Name          string
	Events, Bytes int64
}

// simulated is what the test looks at of simulate -o json.
type simulated struct {
	Log      struct{ Requests, Events, Bytes, Strays int64 }
	Policies []simulatedPolicy
}

type simulatedPolicy struct {
	Policy string
	amount
	Users []amount
	Rules []struct {
		Index int
		amount
	}
	Unknown struct{ Events, Bodies int64 }
}

// recording is what the log got of a load, and of nothing else.
type recording struct {
	load.Outcome
	all   amount
	users map[string]amount
	// requests are those of which there is an event, received the events at the
	// stage RequestReceived.
	requests, received int64
	// file has the lines.
	file string
}

// TestSimulate has a real node record everything, simulates on that log what two
// profiles would have made of it, enables one of them, sends the same requests
// once more, and wants as many events of each user and by each rule as were
// predicted, and in all the bytes within two percent. What others ask meanwhile
// is not the same each time and is left out, by audit ID.
func TestSimulate(t *testing.T) {
	u := newUnderLoad(t)
	policy := filepath.Join(t.TempDir(), "everything.yaml")
	if err := os.WriteFile(policy, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, u.node.Auditsetup(u.ctx, "enable", "--yes", "--policy="+policy), 0)
	before := u.recorded("simulated-all")
	s := u.simulate(before, "recommended", "metadata")
	predicted, metadata := s.Policies[0], s.Policies[1]
	if before.requests != int64(before.Requests) || s.Log.Requests != before.requests {
		t.Errorf("%d requests were sent, %d are in the log, simulate counts %d", before.Requests, before.requests, s.Log.Requests)
	}
	// This profile leaves nothing out but one stage.
	if kept := before.all.Events - before.received; metadata.Events != kept {
		t.Errorf("%s: %d events, and the log has %d after RequestReceived", metadata.Policy, metadata.Events, kept)
	}
	say("%s: %d events of %d bytes predicted, and none logged to compare", metadata.Policy, metadata.Events, metadata.Bytes)

	tool(t, u.node.Auditsetup(u.ctx, "enable", "--yes", "--profile=recommended"), 0)
	after := u.recorded("simulated-rec")
	if !slices.Equal(after.Classes, before.Classes) {
		t.Fatalf("not the same requests were sent: %v, and before %v", after.Classes, before.Classes)
	}
	u.asLogged(predicted, after)
	u.byRule(predicted, u.simulate(after, "recommended").Policies[0], after)
	u.table.print()
}

// recorded sends the requests, and reads what the log got of them. Where the
// machine is too busy for all of them to go out and be answered as they should,
// or fast enough for events to have their usual size, they are sent again.
func (u *underLoad) recorded(name string) recording {
	u.Helper()
	for try := 1; ; try++ {
		if err := u.world.Warm(u.ctx); err != nil {
			u.Fatal(err)
		}
		o, err := u.world.Run(u.ctx, load.Plan{Name: fmt.Sprintf("%s%d", name, try), PerSecond: simulatedRate, For: simulatedFor})
		if err != nil {
			u.Fatal(err)
		}
		say("%s: %d requests of the mix, answered in %s on average; %s", o.Name, o.Requests, o.Mean.Round(100*time.Microsecond), loadAverage())
		if o.Unsent == 0 && len(o.Unexpected) == 0 && o.Mean <= heldMean {
			return u.read(o)
		}
		if try == heldTries {
			u.Fatalf("of %d requests %d were not sent, and these not answered as they should: %v", o.Requests, o.Unsent, o.Unexpected)
		}
	}
}

// read waits until the log gets no more of a load.
func (u *underLoad) read(o load.Outcome) recording {
	u.Helper()
	var r recording
	for last := int64(-1); r.all.Events != last; time.Sleep(time.Second) {
		last = r.all.Events
		r = u.readNow(o)
	}
	if lost := countersOf(u.ctx, u.T, u.node).lost; sum(lost) > 0 {
		u.Errorf("the API server lost events: %v", lost)
	}
	return r
}

func (u *underLoad) readNow(o load.Outcome) recording {
	u.Helper()
	r := recording{Outcome: o, users: map[string]amount{}, file: filepath.Join(u.TempDir(), "audit.log")}
	var text bytes.Buffer
	requests := map[string]bool{}
	for _, e := range eventsOf(u.T) {
		if !strings.HasPrefix(e.AuditID, o.Prefix()) {
			continue
		}
		text.Write(e.line)
		name := e.User.Username
		if name == "" {
			name = noUser
		}
		of := r.users[name]
		r.users[name] = amount{name, of.Events + 1, of.Bytes + int64(e.size)}
		r.all = amount{"", r.all.Events + 1, r.all.Bytes + int64(e.size)}
		if requests[e.AuditID] = true; e.Stage == "RequestReceived" {
			r.received++
		}
	}
	r.requests = int64(len(requests))
	if err := os.WriteFile(r.file, text.Bytes(), 0o600); err != nil {
		u.Fatal(err)
	}
	return r
}

// simulate asks the tool what profiles would have made of a log.
func (u *underLoad) simulate(of recording, profiles ...string) simulated {
	u.Helper()
	args := []string{"simulate", "-o=json", "--kube-version=" + u.node.Version}
	for _, p := range profiles {
		args = append(args, "--profile="+p)
	}
	cmd := u.node.Auditsetup(u.ctx, append(args, of.file)...)
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	var s simulated
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	if err != nil {
		u.Fatalf("auditsetup simulate: %v\n%s%s", err, told.Bytes(), out)
	}
	if s.Log.Events != of.all.Events || s.Log.Bytes != of.all.Bytes || s.Log.Strays > 0 || len(s.Policies) != len(profiles) {
		u.Fatalf("the log has %d events of %d bytes, simulate tells of %+v, for %d policies", of.all.Events, of.all.Bytes, s.Log, len(s.Policies))
	}
	return s
}

// asLogged compares a prediction with what was logged.
func (u *underLoad) asLogged(p simulatedPolicy, r recording) {
	u.Helper()
	if p.Unknown.Events > 0 || p.Unknown.Bodies > 0 {
		u.Errorf("%s: a log of everything is to leave nothing open: %+v", p.Policy, p.Unknown)
	}
	u.alike(p.Policy+", all", p.amount, r.all, simulatedWithin)
	users := map[string]amount{}
	for _, of := range p.Users {
		users[of.Name] = of
		u.alike(of.Name, of, r.users[of.Name], partWithin)
	}
	for _, name := range slices.Sorted(maps.Keys(r.users)) {
		if _, predicted := users[name]; !predicted {
			u.alike(name, amount{}, r.users[name], partWithin)
		}
	}
}

// byRule compares a prediction with the simulation on what was logged, which is to
// give just that.
func (u *underLoad) byRule(predicted, own simulatedPolicy, r recording) {
	u.Helper()
	if own.Events != r.all.Events || own.Bytes != r.all.Bytes {
		u.Errorf("%s on its own log: %d events of %d bytes, and the log has %d of %d", own.Policy, own.Events, own.Bytes, r.all.Events, r.all.Bytes)
	}
	if len(predicted.Rules) != len(own.Rules) {
		u.Fatalf("%d rules, and then %d", len(predicted.Rules), len(own.Rules))
	}
	for i, rule := range predicted.Rules {
		if rule.Events > 0 || own.Rules[i].Events > 0 {
			u.alike(fmt.Sprintf("rule %d", rule.Index), rule.amount, own.Rules[i].amount, partWithin)
		}
	}
}

// alike wants as many events, and bytes that are off by no more than a part.
func (u *underLoad) alike(about string, predicted, logged amount, part float64) {
	u.Helper()
	u.table.add(about, "events", float64(predicted.Events), float64(logged.Events))
	if predicted.Events != logged.Events {
		u.Errorf("%s: %d events predicted, %d logged", about, predicted.Events, logged.Events)
	}
	u.within(about, "bytes", float64(predicted.Bytes), float64(logged.Bytes), part)
}
