// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup_test

import (
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

const (
	everything = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"
	received   = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
	hardly     = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, users: [nobody-at-all]}, {level: None}]\n"
)

func of[T any](x T) *T { return &x }

func calculate(t *testing.T, with func(*setup.Input)) setup.Calculation {
	t.Helper()
	in := setup.Input{Origins: setup.Origins{}}
	with(&in)
	c, err := setup.Calculate(in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func own(text string) func(*setup.Input) {
	return func(in *setup.Input) { in.Spec.Policy.File, in.PolicyData = "own.yaml", []byte(text) }
}

// TestOwnPolicyEvents has a policy of the administrator's own held against the
// requests of a typical cluster.
func TestOwnPolicyEvents(t *testing.T) {
	t.Parallel()
	once := calculate(t, own(everything)).Load.EventsPerRequest
	twice := calculate(t, own(received)).Load.EventsPerRequest
	if once < 1 || once > 1.2 || twice < once+0.9 {
		t.Errorf("%g events per request, and %g with RequestReceived", once, twice)
	}
	if got := calculate(t, own(hardly)); got.Load.EventsPerRequest != 0.001 || !strings.Contains(strings.Join(got.Assumed, "\n"), "one request in a thousand") {
		t.Errorf("%g events per request of a policy that records next to nothing: %q", got.Load.EventsPerRequest, got.Assumed)
	}
	strict := calculate(t, func(in *setup.Input) { own(received)(in); in.Spec.Log.Mode = "blocking-strict" }).Load.EventsPerRequest
	if strict != twice {
		t.Errorf("mode blocking-strict makes %g events of the %g that are recorded anyway", strict, twice)
	}
	profile := calculate(t, func(*setup.Input) {}).Load.EventsPerRequest
	extended := calculate(t, func(in *setup.Input) {
		in.Spec.Policy.ExtraRules = []setup.ExtraRule{{PolicyRule: auditv1.PolicyRule{Level: auditv1.LevelMetadata, UserGroups: []string{"system:authenticated"}}}}
	}).Load.EventsPerRequest
	if extended < 2*profile || profile > 0.5 {
		t.Errorf("%g events per request of the profile, %g with a rule in front that records all", profile, extended)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		load       setup.Load
		peak, mean float64
		problem    string
	}{
		{"nothing", setup.Load{}, 100, 0, ""},
		{"peak", setup.Load{RequestsPerSecond: of(300.0)}, 300, 0, ""},
		{"peak and mean", setup.Load{RequestsPerSecond: of(300.0), MeanRequestsPerSecond: of(50.0)}, 300, 50, ""},
		{"peak factor", setup.Load{RequestsPerSecond: of(300.0), PeakFactor: of(4.0)}, 300, 75, ""},
		{"cluster", setup.Load{ClusterRequestsPerSecond: of(600.0), Servers: of(3)}, 300, 200, ""},
		{"cluster and factor", setup.Load{ClusterRequestsPerSecond: of(600.0), Servers: of(3), PeakFactor: of(2.0)}, 300, 100, ""},
		{"one server", setup.Load{ClusterRequestsPerSecond: of(600.0), Servers: of(1)}, 600, 600, ""},
		{"both rates", setup.Load{ClusterRequestsPerSecond: of(600.0), RequestsPerSecond: of(1.0), Servers: of(3)}, 0, 0, "beside the rate of one"},
		{"no servers", setup.Load{ClusterRequestsPerSecond: of(600.0)}, 0, 0, "cannot be shared out"},
		{"servers", setup.Load{Servers: of(0)}, 0, 0, "1 to 1000 API servers"},
		{"mean of 0", setup.Load{MeanRequestsPerSecond: of(0.0)}, 0, 0, "above 0"},
		{"factor below 1", setup.Load{PeakFactor: of(0.5)}, 0, 0, "must be 1 to 10000"},
		{"mean and factor", setup.Load{PeakFactor: of(2.0), MeanRequestsPerSecond: of(1.0)}, 0, 0, "says the same"},
		{"endless cluster", setup.Load{ClusterRequestsPerSecond: of(1e18), Servers: of(3)}, 0, 0, "must be 0.001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := setup.Calculate(setup.Input{Spec: setup.Spec{Load: c.load}, Origins: setup.Origins{}})
			if c.problem != "" {
				if problems := document.ProblemsOf(err); len(problems) != 1 || !strings.Contains(problems[0].What, c.problem) {
					t.Errorf("%v, want one problem: %s", err, c.problem)
				}
				return
			}
			if err != nil || got.Load.RequestsPerSecond != c.peak || got.Load.MeanRequestsPerSecond != c.mean {
				t.Errorf("%g at peak and %g over days, %v; want %g and %g", got.Load.RequestsPerSecond, got.Load.MeanRequestsPerSecond, err, c.peak, c.mean)
			}
		})
	}
}

func TestReceiverByName(t *testing.T) {
	t.Parallel()
	with := func(name string, sinks ...setup.Backend) func(*setup.Input) {
		return func(in *setup.Input) {
			in.Spec.Receiver, in.Spec.Backends, in.Spec.Policy.Profile = name, sinks, "stig"
		}
	}
	falco := calculate(t, with("falco", setup.WebhookBackend))
	if falco.Load.MaxEventBytes != 262144 || falco.Load.MaxBodyBytes != 12582912 || len(falco.Warnings) != 0 {
		t.Errorf("falco takes %d and %d bytes; %v", falco.Load.MaxEventBytes, falco.Load.MaxBodyBytes, falco.Warnings)
	}
	said := calculate(t, func(in *setup.Input) {
		with("falco", setup.WebhookBackend)(in)
		in.Spec.Webhook.MaxBody, in.Spec.Webhook.MaxEventSize = "1Mi", "50Ki"
	})
	if said.Load.MaxEventBytes != 50<<10 || said.Load.MaxBodyBytes != 1<<20 {
		t.Errorf("what was said does not win: %d and %d bytes", said.Load.MaxEventBytes, said.Load.MaxBodyBytes)
	}
	for _, c := range []struct {
		what string
		with func(*setup.Input)
		want string
	}{
		{"posts that it does not take", with("loki", setup.WebhookBackend), "cannot make events"},
		{"long lines", with("fluent-bit", setup.LogBackend), "a line of the log above 32 KiB"},
		{"long lines that are cut", func(in *setup.Input) {
			with("fluent-bit", setup.LogBackend)(in)
			in.Spec.Flags = map[string]string{"audit-log-truncate-enabled": "true", "audit-log-truncate-max-event-size": "31000"}
		}, ""},
		{"no long lines", func(in *setup.Input) { with("fluent-bit", setup.LogBackend)(in); in.Spec.Policy.Profile = "metadata" }, ""},
	} {
		got := calculate(t, c.with)
		found := false
		for _, w := range got.Warnings {
			found = found || c.want != "" && strings.Contains(w.What, c.want)
			if c.want == "" && strings.Contains(w.What, "a line of the log") {
				t.Errorf("%s: %v", c.what, w)
			}
		}
		if c.want != "" && !found {
			t.Errorf("%s: %v, want %q", c.what, got.Warnings, c.want)
		}
	}
}

// TestJudgedByHand has what is set by hand in the load, so that its consequences
// are told.
func TestJudgedByHand(t *testing.T) {
	t.Parallel()
	c := calculate(t, func(in *setup.Input) {
		in.Spec.Backends = []setup.Backend{setup.LogBackend, setup.WebhookBackend}
		in.Spec.Flags = map[string]string{
			"audit-webhook-batch-throttle-qps": "0.5", "audit-webhook-batch-throttle-burst": "2", "audit-webhook-batch-buffer-size": "70",
			"audit-webhook-batch-max-size": "7", "audit-webhook-batch-max-wait": "3s", "audit-webhook-initial-backoff": "1s",
			"audit-webhook-truncate-max-event-size": "50000", "audit-log-maxsize": "50", "audit-log-maxbackup": "0", "audit-log-maxage": "9",
		}
	})
	l := c.Load
	if l.ThrottleQPS != 0.5 || l.ThrottleBurst != 2 || l.BufferSize != 70 || l.BatchSize != 7 || l.MaxWait.Seconds() != 3 || l.InitialBackoff.Seconds() != 1 ||
		l.MaxEventBytes != 50000 || *l.MaxSizeMiB != 50 || *l.MaxBackup != 0 || *l.MaxAgeDays != 9 {
		t.Errorf("%+v", l)
	}
	if lost := c.Result.Delivery.LostEventsPerSecond; lost == nil || lost.Value <= 0 {
		t.Error("a throttle that lets out a tenth of what comes in loses nothing")
	}
}
