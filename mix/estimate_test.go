// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package mix_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/mix"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

// newest is a version with every feature of a policy.
var newest = apiserver.Version{Minor: 37}

func read(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy", []byte(text), newest)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rules is a policy of these rules, with more before them.
func rules(more, text string) string {
	return "apiVersion: audit.k8s.io/v1\nkind: Policy\n" + more + "rules:\n" + text
}

// TestOf has policies so small that the numbers can be had from the table.
func TestOf(t *testing.T) {
	t.Parallel()
	long := share(func(c mix.Class) bool { return c.Kind == mix.LongRunning })
	failed := share(func(c mix.Class) bool { return c.Kind == mix.FailedLogin })
	lease := func(c mix.Class) bool { return c.Resource == "leases" }
	leases := share(lease)
	nodeLease := mix.Classes()[0]
	b := nodeLease.Bytes
	one := "\n  users: [" + nodeLease.User + "]\n  verbs: [update]\n  resources: [{group: coordination.k8s.io, resources: [leases]}]\n"
	for name, c := range map[string]struct {
		policy        string
		events, bytes float64 // 0 for bytes that are not looked at
		share         float64
	}{
		"nothing":                   {rules("", "- level: None\n"), 0, 0, 0},
		"no rule matches":           {rules("", "- level: Metadata\n  users: [nobody]\n"), 0, 0, 0},
		"all stages":                {rules("", "- level: Metadata\n"), 2*(1-long-failed) + 3*long + failed, 0, 1},
		"all but received":          {rules("omitStages: [RequestReceived]\n", "- level: Metadata\n"), 1 + long, 0, 1},
		"only complete":             {rules("omitStages: [RequestReceived, ResponseStarted]\n", "- level: Metadata\n"), 1 - failed, 0, 1 - failed},
		"only received":             {rules("omitStages: [ResponseComplete, ResponseStarted]\n", "- level: Request\n"), 1 - failed, 0, 1 - failed},
		"no stage":                  {rules("omitStages: [RequestReceived, ResponseComplete, ResponseStarted, Panic]\n", "- level: Request\n"), 0, 0, 0},
		"a resource":                {rules("omitStages: [RequestReceived]\n", "- level: Metadata\n  resources: [{group: coordination.k8s.io, resources: [leases]}]\n"), leases, 0, leases},
		"a class at Metadata":       {rules("omitStages: [RequestReceived]\n", "- level: Metadata"+one), nodeLease.Share, float64(b.Metadata), nodeLease.Share},
		"at Request":                {rules("omitStages: [RequestReceived]\n", "- level: Request"+one), nodeLease.Share, float64(b.Metadata + b.Request), nodeLease.Share},
		"at RequestResponse":        {rules("omitStages: [RequestReceived]\n", "- level: RequestResponse"+one), nodeLease.Share, float64(b.Metadata + b.Request + b.Response), nodeLease.Share},
		"without managed fields":    {rules("omitStages: [RequestReceived]\nomitManagedFields: true\n", "- level: RequestResponse"+one), nodeLease.Share, float64(b.Metadata + b.Request + b.Response - b.RequestManaged - b.ResponseManaged), nodeLease.Share},
		"managed fields of no body": {rules("omitStages: [RequestReceived]\nomitManagedFields: true\n", "- level: Metadata"+one), nodeLease.Share, float64(b.Metadata), nodeLease.Share},
		"a body once":               {rules("", "- level: Request"+one), 2 * nodeLease.Share, float64(b.Metadata-290+b.Metadata+b.Request) / 2, nodeLease.Share},
		"received has no body":      {rules("omitStages: [ResponseComplete]\n", "- level: Request"+one), nodeLease.Share, float64(b.Metadata - 290), nodeLease.Share},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := mix.Of(read(t, c.policy))
			near(t, "events per request", e.EventsPerRequest, c.events, 0.005*c.events)
			near(t, "audited", 1-e.None, c.share, 1e-9)
			if c.bytes > 0 {
				near(t, "bytes per event", e.BytesPerEvent, c.bytes, 5)
			}
			if c.events == 0 && (e.BytesPerEvent != 0 || e.MaxEventBytes != 0) {
				t.Errorf("no events, yet %g and %d bytes", e.BytesPerEvent, e.MaxEventBytes)
			}
			sane(t, e)
		})
	}
}

// sane is what holds for every estimate.
func sane(t *testing.T, e mix.Estimate) {
	t.Helper()
	near(t, "all levels", e.None+e.Metadata+e.Request+e.RequestResponse, 1, 1e-9)
	if e.EventsPerRequest < 0 || e.EventsPerRequest > 3 || math.IsNaN(e.BytesPerEvent) || e.BytesPerEvent < 0 {
		t.Errorf("%g events of %g bytes", e.EventsPerRequest, e.BytesPerEvent)
	}
	if float64(e.MaxEventBytes)+5 < e.BytesPerEvent || e.Reason == "" || len(e.Lines) != len(mix.Classes()) {
		t.Errorf("largest %d of mean %g, %d lines, reason %q", e.MaxEventBytes, e.BytesPerEvent, len(e.Lines), e.Reason)
	}
	var events float64
	for i, l := range e.Lines {
		events += l.Class.Share * l.Events
		if l.Class.Name != mix.Classes()[i].Name || (l.Level == audit.LevelNone) != (l.Events == 0) || (l.Events == 0) != (l.Bytes == 0) {
			t.Errorf("line %d: %+v", i, l)
		}
	}
	near(t, "events of the lines", events, e.EventsPerRequest, 0.005*events)
}

// TestProfilesAgree holds the estimates of the profiles, made by hand, to the
// mix. A table of profiles that says something else is wrong, or the mix is.
func TestProfilesAgree(t *testing.T) {
	t.Parallel()
	const factor = 1.3
	for _, p := range profiles.All() {
		text, err := p.Policy(newest)
		if err != nil {
			t.Fatal(err)
		}
		e := mix.Of(read(t, string(text)))
		sane(t, e)
		for what, r := range map[string]float64{
			"events per request": p.EventsPerRequest.Value / e.EventsPerRequest,
			"bytes per request":  p.EventsPerRequest.Value * p.BytesPerEvent.Value / (e.EventsPerRequest * e.BytesPerEvent),
		} {
			if r > factor || r < 1/factor {
				t.Errorf("%s: %s: the profile says %.2f times what the mix says (%g events of %g bytes)", p.Name, what, r, e.EventsPerRequest, e.BytesPerEvent)
			}
		}
	}
}

// TestEveryVersion: a profile that leaves managed fields in, before 1.23, does
// not write less.
func TestEveryVersion(t *testing.T) {
	t.Parallel()
	for _, p := range profiles.All() {
		written := func(minor int) float64 {
			v := apiserver.Version{Minor: minor}
			text, err := p.Policy(v)
			if err != nil {
				t.Fatal(err)
			}
			read, err := policy.Read(p.Name, text, v)
			if err != nil {
				t.Fatal(err)
			}
			e := mix.Of(read)
			return e.EventsPerRequest * e.BytesPerEvent
		}
		if before, after := written(22), written(23); before < 0.99*after {
			t.Errorf("%s: %.0f bytes for a request in 1.22, %.0f in 1.23", p.Name, before, after)
		}
	}
}

// TestStrict compares with the policy that a profile becomes for mode
// blocking-strict.
func TestStrict(t *testing.T) {
	t.Parallel()
	for _, p := range profiles.All() {
		text, err := p.Policy(newest)
		if err != nil {
			t.Fatal(err)
		}
		kept := strings.NewReplacer(
			"omitStages:\n  - RequestReceived\n", "",
			`omitStages: ["RequestReceived"]`, "omitStages: []",
			`omitStages: ["RequestReceived", `, "omitStages: [",
		).Replace(string(text))
		if kept == string(text) {
			t.Fatalf("%s omits RequestReceived in a way that this test does not know", p.Name)
		}
		plain, want := mix.Of(read(t, string(text))), mix.Of(read(t, kept))
		got := plain.Strict()
		if got.EventsPerRequest != want.EventsPerRequest || got.BytesPerEvent != want.BytesPerEvent || got.Reason != want.Reason {
			t.Errorf("%s: %g events of %g bytes, want %g of %g", p.Name, got.EventsPerRequest, got.BytesPerEvent, want.EventsPerRequest, want.BytesPerEvent)
		}
		if again := got.Strict(); !reflect.DeepEqual(again, got) {
			t.Errorf("%s: strict twice is something else", p.Name)
		}
		// setup says twice as many, since it knows no long-running requests.
		near(t, p.Name, got.EventsPerRequest, 2*plain.EventsPerRequest, 0.1*2*plain.EventsPerRequest)
	}
}

func TestSameNumbersAlways(t *testing.T) {
	t.Parallel()
	p := read(t, rules("", "- level: Request\n  verbs: [get]\n- level: RequestResponse\n"))
	if a, b := mix.Of(p), mix.Of(p); !reflect.DeepEqual(a, b) {
		t.Error("two estimates for one policy")
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"- level: None\n": "nothing that a typical cluster asks all day is audited",
		"- level: Metadata\n  verbs: [patch]\n": "4.4 % of a typical cluster's requests are audited: 4.4 % at Metadata; " +
			"most bytes from node status reported, deployment changed by a tool, pod status reported",
		"- level: Request\n  verbs: [delete]\n- level: Metadata\n  nonResourceURLs: [\"*\"]\n": "29 % of a typical cluster's requests are audited: " +
			"29 % at Metadata, 0.3 % at Request; most bytes from readiness probe, readiness asked by a load balancer, health asked the old way",
	} {
		e := mix.Of(read(t, rules("omitStages: [RequestReceived]\n", text)))
		if e.Reason != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, e.Reason, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, p := range profiles.All() {
		text, err := p.Policy(newest)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(rules("omitStages: [ResponseComplete]\n", "- level: RequestResponse\n"))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Read("policy", []byte(text), newest)
		if err != nil {
			return
		}
		e := mix.Of(p)
		sane(t, e)
		strict := e.Strict()
		sane(t, strict)
		if strict.EventsPerRequest < e.EventsPerRequest {
			t.Errorf("%g events when strict, %g else", strict.EventsPerRequest, e.EventsPerRequest)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	p, _ := profiles.Lookup("recommended")
	text, err := p.Policy(newest)
	if err != nil {
		b.Fatal(err)
	}
	parsed := read(b, string(text))
	for b.Loop() {
		mix.Of(parsed)
	}
}
