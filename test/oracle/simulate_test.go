// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	kubeaudit "k8s.io/apiserver/pkg/audit"
	auditpolicy "k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/simulate"
)

// capturedLogs are stretches of logs that real servers wrote.
var capturedLogs = []string{
	"audit-2026-11-22T08-23-30.905.log.gz", "audit-2026-11-22T08-23-31.943.log", "audit.log", "workloads/bodies.log.gz",
}

// particular has what the profiles go without: names of objects, of which that of one
// to be created is in the event and was not in the request, and stages that are
// left out by the policy and by its rules.
const particular = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules:
- level: RequestResponse
  omitStages: [Panic]
  resources:
  - resources: [configmaps]
    resourceNames: [c55, c56]
- level: Request
  resources:
  - group: rbac.authorization.k8s.io
    resources: [clusterrolebindings]
    resourceNames: ["system:node", "system:controller:cronjob-controller"]
- level: None
  users: ["system:apiserver"]
  namespaces: [kube-system]
- level: Metadata
  omitStages: [RequestReceived]
  verbs: [create]
- level: RequestResponse
  nonResourceURLs: ["/openapi*"]
- level: Metadata
  userGroups: ["system:masters"]
`

// judge is a policy in the hands of upstream alone.
type judge struct {
	name string
	kubeaudit.PolicyRuleEvaluator
}

// bothSides are all profiles, for the oldest and the newest minor, and particular,
// read by ours and by upstream, in the same order.
func bothSides(t *testing.T) (ours []simulate.Policy, theirs []judge) {
	t.Helper()
	add := func(name string, text []byte, v apiserver.Version) {
		read, err := policy.Read(name, text, v)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := auditpolicy.LoadPolicyFromBytes(text)
		if err != nil {
			t.Fatal(err)
		}
		ours = append(ours, simulate.Policy{Name: name, Policy: read})
		theirs = append(theirs, judge{name, auditpolicy.NewPolicyRuleEvaluator(loaded)})
	}
	for _, minor := range []int{apiserver.OldestSupportedMinor, apiserver.NewestMinor} {
		v := apiserver.Version{Minor: minor, Patch: -1}
		for _, p := range profiles.All() {
			text, err := p.Policy(v)
			if err != nil {
				t.Fatal(err)
			}
			add(fmt.Sprintf("%s, 1.%d", p.Name, minor), text, v)
		}
	}
	add("particular", []byte(particular), apiserver.Version{})
	if len(ours) != 2*12+1 {
		t.Fatalf("%d policies", len(ours))
	}
	return ours, theirs
}

// captured are the lines of a log.
func captured(t *testing.T, name string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../testdata/logs", name))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) == ".gz" {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) < 20 {
		t.Fatalf("%s has %d events", name, len(lines))
	}
	return lines
}

// methods are those by which requests about resources come in.
var methods = map[string]string{
	"get": http.MethodGet, "list": http.MethodGet, "watch": http.MethodGet, "create": http.MethodPost, "update": http.MethodPut,
	"patch": http.MethodPatch, "delete": http.MethodDelete, "deletecollection": http.MethodDelete,
}

// attributesOf makes the request again from which an event comes, and has the server's own
// code make of it what its policy is asked about. Of the event it takes the verb,
// the URI and the user, and not the reference to the object, which ours goes by.
func attributesOf(t *testing.T, e auditv1.Event) authorizer.Attributes {
	t.Helper()
	method := strings.ToUpper(e.Verb)
	if e.ObjectRef != nil {
		method = methods[e.Verb]
	}
	r, err := http.NewRequestWithContext(t.Context(), method, e.RequestURI, nil)
	if err != nil {
		t.Fatal(err)
	}
	resolver := server.NewRequestInfoResolver(&server.Config{LegacyAPIGroupPrefixes: sets.NewString(server.DefaultLegacyAPIPrefix)})
	info, err := resolver.NewRequestInfo(r)
	if err != nil {
		t.Fatal(err)
	}
	ctx := request.WithRequestInfo(t.Context(), info)
	if e.User.Username != "" {
		ctx = request.WithUser(ctx, &user.DefaultInfo{Name: e.User.Username, Groups: e.User.Groups})
	}
	a, err := filters.GetAuthorizerAttributes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a.GetVerb() != e.Verb || a.IsResourceRequest() != (e.ObjectRef != nil) {
		t.Fatalf("%s %s made again is %q, about a resource: %t", e.Verb, e.RequestURI, a.GetVerb(), a.IsResourceRequest())
	}
	return a
}

// allStages are all that there are, in the order of their bits in verdicts.
var allStages = []audit.Stage{audit.StageRequestReceived, audit.StageResponseStarted, audit.StageResponseComplete, audit.StagePanic}

// verdict is what a policy makes of a request: the level, and a bit for each stage
// at which there is an event.
type verdict struct {
	level  string
	stages int64
}

func (v verdict) String() string {
	text := v.level
	for i, s := range allStages {
		if v.stages&(1<<i) != 0 {
			text += " " + string(s)
		}
	}
	return text
}

// says asks upstream.
func (j judge) says(a authorizer.Attributes) verdict {
	config := j.EvaluatePolicyRule(a)
	v := verdict{level: string(config.Level)}
	for i, s := range allStages {
		if config.Level != audit.LevelNone && !slices.Contains(config.OmitStages, s) {
			v.stages |= 1 << i
		}
	}
	return v
}

// atAllStages has an event at each stage, and as many of each as its bit is worth,
// so that the number that is left tells which stages those are.
func atAllStages(t *testing.T, line []byte, e auditv1.Event) []byte {
	t.Helper()
	old := fmt.Appendf(nil, `"stage":%q`, e.Stage)
	if bytes.Count(line, old) != 1 {
		t.Fatalf("%d times %s in %s", bytes.Count(line, old), old, line)
	}
	var all []byte
	for i, s := range allStages {
		one := bytes.Replace(bytes.TrimSuffix(line, []byte("\n")), old, fmt.Appendf(nil, `"stage":%q`, s), 1)
		all = append(all, bytes.Repeat(append(one, '\n'), 1<<i)...)
	}
	return all
}

// simulated runs ours on a log, in one goroutine, so that what it remembers of one
// event is there for the next.
func simulated(t *testing.T, policies []simulate.Policy, log []byte) (*simulate.Part, *simulate.Result) {
	t.Helper()
	files, err := auditlog.Find("-")
	if err != nil {
		t.Fatal(err)
	}
	part, err := simulate.Run(t.Context(), policies, files, bytes.NewReader(log), simulate.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	result, err := part.Result()
	if err != nil {
		t.Fatal(err)
	}
	if result.Log.Strays != 0 {
		t.Fatalf("%d lines are no events for ours", result.Log.Strays)
	}
	return part, result
}

// verdictOf reads it off the outcome of a log from atAllStages, in which there is
// one level only.
func verdictOf(t *testing.T, o simulate.Outcome) verdict {
	t.Helper()
	var found []string
	for _, l := range o.Levels {
		if l.Requests > 0 {
			found = append(found, l.Name)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: levels %q of one request", o.Policy, found)
	}
	return verdict{found[0], o.Events}
}

// TestSimulateEachEvent has simulate and upstream decide on every event of the
// captured logs, under every profile: the level, and each stage. Simulate is asked
// twice over: what it counts in all, and what it counts by time.
func TestSimulateEachEvent(t *testing.T) {
	t.Parallel()
	policies, judges := bothSides(t)
	seen := map[verdict]int{}
	for _, name := range capturedLogs {
		for i, line := range captured(t, name) {
			var e auditv1.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			part, result := simulated(t, policies, atAllStages(t, line, e))
			if len(part.Times.Buckets) != 1 {
				t.Fatalf("%s:%d is at %d times", name, i+1, len(part.Times.Buckets))
			}
			byTime := slices.Collect(maps.Values(part.Times.Buckets))[0]
			a := attributesOf(t, e)
			for k, j := range judges {
				got, want := verdictOf(t, result.Policies[k]), j.says(a)
				seen[want]++
				if got != want {
					t.Errorf("%s:%d, %s %s by %q, %s: %s, and upstream says %s", name, i+1, e.Verb, e.RequestURI, e.User.Username, j.name, got, want)
				}
				if byTime[2*k] != want.stages {
					t.Errorf("%s:%d, %s: by time, %s, and upstream says %s", name, i+1, j.name, verdict{got.level, byTime[2*k]}, want)
				}
			}
		}
	}
	for v, n := range seen {
		t.Logf("%d times %s", n, v)
	}
	if len(seen) < 4 {
		t.Errorf("only %d different verdicts: the logs try too little", len(seen))
	}
}

// TestSimulateWholeLogs wants the same of whole logs, where simulate remembers what
// it decided about requests alike: as many events at each level, of each user and
// with each verb, as upstream would have written of them.
func TestSimulateWholeLogs(t *testing.T) {
	t.Parallel()
	policies, judges := bothSides(t)
	for _, name := range capturedLogs {
		lines := captured(t, name)
		_, result := simulated(t, policies, append(bytes.Join(lines, nil), '\n'))
		for k, j := range judges {
			want := map[string]int64{}
			for _, line := range lines {
				var e auditv1.Event
				if err := json.Unmarshal(line, &e); err != nil {
					t.Fatal(err)
				}
				v := j.says(attributesOf(t, e))
				if v.stages&(1<<slices.Index(allStages, audit.Stage(e.Stage))) != 0 {
					want["level "+v.level]++
					want["user "+e.User.Username]++
					want["verb "+e.Verb]++
				}
			}
			if got := counts(result.Policies[k]); !maps.Equal(got, want) {
				t.Errorf("%s, %s: %v, and upstream would write %v", name, j.name, got, want)
			}
		}
	}
}

// counts are the events of an outcome, without what there are none of.
func counts(o simulate.Outcome) map[string]int64 {
	all := map[string]int64{}
	add := func(name string, s simulate.Share) {
		if s.Events > 0 {
			all[name] += s.Events
		}
	}
	for _, s := range o.Levels {
		add("level "+s.Name, s)
	}
	for _, s := range o.Users {
		if s.Name == "(not authenticated)" {
			s.Name = ""
		}
		add("user "+s.Name, s)
	}
	for _, s := range o.Kinds {
		verb, _, _ := strings.Cut(s.Name, " ")
		add("verb "+verb, s)
	}
	return all
}
