// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// line is an event as kube-apiserver writes it, with what is to be said of it.
func line(level, stage, user, verb, resource, name, bodies string, second int) string {
	path := "/api/v1/namespaces/n/" + resource
	if name != "" && verb != "create" {
		path += "/" + name
	}
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":%q,"auditID":"a","stage":%q,"requestURI":%q,"verb":%q,"user":{"username":%q,"groups":["g"]},"objectRef":{"resource":%q,"namespace":"n","name":%q,"apiVersion":"v1"}%s,"requestReceivedTimestamp":"2026-11-22T00:%02d:%02d.000000Z","stageTimestamp":"2026-11-22T00:%02d:%02d.000000Z"}`+"\n",
		level, stage, path, verb, user, resource, name, bodies, second/60, second%60, second/60, second%60)
}

func simulated(t *testing.T, text string, policies ...Policy) *Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return outcomes(t, ran(t, policies, 2, path))
}

const (
	head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
	body = `,"requestObject":{"a":1}`
	both = body + `,"responseObject":{"metadata":{"managedFields":[{"manager":"m"}]}}`
)

// TestUnknown says what a policy would have logged that the log does not have.
func TestUnknown(t *testing.T) {
	t.Parallel()
	all := read(t, "all", head+"rules:\n- level: RequestResponse\n")
	log := line("Metadata", "ResponseComplete", "u", "create", "pods", "p", "", 0) + // lacks both bodies, of which the next has some
		line("RequestResponse", "ResponseComplete", "v", "create", "pods", "p", both, 1) +
		line("Request", "ResponseComplete", "u", "update", "pods", "p", body, 2) + // lacks an answer of which there is none alike
		line("Metadata", "ResponseComplete", "u", "get", "pods", "p", "", 3) +
		line("Metadata", "ResponseStarted", "u", "watch", "pods", "", "", 4)
	u := simulated(t, log, all).Policies[0].Unknown
	if u.Events != 5 || u.EventBytes <= 0 {
		t.Errorf("%d events of %d bytes, want one of the stage RequestReceived for each of the 5 requests", u.Events, u.EventBytes)
	}
	if size := int64(len(both)); u.Bodies != 4 || u.Unsized != 2 || u.BodyBytes != size {
		t.Errorf("%d bodies, %d of %d bytes and %d of no known size; want 4, of %d bytes, and 2", u.Bodies, u.Bodies-u.Unsized, u.BodyBytes, u.Unsized, size)
	}
	if len(u.Why) != 3 || u.EstimatedBytesPerDay <= simulated(t, log, all).Policies[0].BytesPerDay {
		t.Errorf("%+v", u)
	}
	mixed := strings.Repeat(line("Metadata", "ResponseComplete", "u", "get", "pods", "p", "", 3), 10) + strings.Repeat(line("Metadata", "RequestReceived", "u", "get", "pods", "p", "", 3), 2)
	if u := simulated(t, mixed, all).Policies[0].Unknown; u.Events != 8 {
		t.Errorf("%d events, want those of the 8 requests without", u.Events)
	}
	known := read(t, "known", head+"omitStages: [RequestReceived]\nrules:\n- level: Metadata\n")
	if u := simulated(t, log, known).Policies[0].Unknown; u.Events != 0 || u.Bodies != 0 || len(u.Why) != 0 {
		t.Errorf("%+v, but the log has it all", u)
	}
}

// TestNames decides about the name that a request came with, which a create has
// not, though its later events have.
func TestNames(t *testing.T) {
	t.Parallel()
	named := read(t, "named", head+"rules:\n- level: None\n  resources: [{resources: [pods, pods/binding], resourceNames: [p]}]\n- level: Metadata\n")
	bind := strings.Replace(line("Metadata", "ResponseComplete", "u", "create", "pods", "p", "", 0), "/pods", "/pods/p/binding", 1)
	bind = strings.Replace(bind, `"apiVersion":"v1"}`, `"apiVersion":"v1","subresource":"binding"}`, 1)
	for name, c := range map[string]struct {
		log  string
		want int64
	}{
		"create":            {line("Metadata", "ResponseComplete", "u", "create", "pods", "p", "", 0), 1},
		"get":               {line("Metadata", "ResponseComplete", "u", "get", "pods", "p", "", 0), 0},
		"another":           {line("Metadata", "ResponseComplete", "u", "get", "pods", "q", "", 0), 1},
		"create on its own": {bind, 0},
	} {
		if got := simulated(t, c.log, named).Policies[0].Events; got != c.want {
			t.Errorf("%s: %d events, want %d", name, got, c.want)
		}
	}
}

// TestRates has events of an hour, a gap, and some minutes more.
func TestRates(t *testing.T) {
	t.Parallel()
	all := read(t, "all", head+"rules:\n- level: Metadata\n")
	var log strings.Builder
	for s := range 3600 {
		n := 1
		if s/10 == 100 {
			n = 50 // the busiest ten seconds
		}
		for range n {
			log.WriteString(line("Metadata", "ResponseComplete", "u", "get", "pods", "p", "", s))
		}
	}
	later := strings.ReplaceAll(line("Metadata", "ResponseComplete", "u", "get", "pods", "p", "", 0), "2026-11-22T00", "2026-11-22T09")
	log.WriteString(later)
	r := simulated(t, log.String(), all)
	o := r.Policies[0]
	if r.Log.Seconds < 3590 || r.Log.Seconds > 3620 || o.Events != 3600+490+1 || o.PeakEventsPerSecond != 50 || o.PeakSeconds != 10 {
		t.Errorf("%v s, %d events, %v at peak of %v s", r.Log.Seconds, o.Events, o.PeakEventsPerSecond, o.PeakSeconds)
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "gaps of more than an hour") {
		t.Errorf("%q", r.Notes)
	}
	if want := int64(float64(o.Bytes) / r.Log.Seconds * 86400); o.BytesPerDay != want {
		t.Errorf("%d bytes a day, want %d", o.BytesPerDay, want)
	}
}

// TestSavings proposes what it says: with a proposed rule in front, that much less
// is logged.
func TestSavings(t *testing.T) {
	t.Parallel()
	const rules = "- level: None\n  users: [quiet]\n- level: RequestResponse\n"
	log := strings.Repeat(line("RequestResponse", "RequestReceived", "u", "create", "pods", "", "", 0)+line("RequestResponse", "ResponseComplete", "u", "create", "pods", "p", both, 1), 5) +
		strings.Repeat(line("RequestResponse", "ResponseComplete", "system:x", "get", "leases", "p", both, 2), 9) +
		line("RequestResponse", "ResponseComplete", "quiet", "get", "leases", "p", both, 2) +
		strings.Repeat(line("RequestResponse", "ResponseComplete", "u", "get", "secrets", "p", both, 2), 9)
	was := simulated(t, log, read(t, "p", head+"rules:\n"+rules)).Policies[0]
	if len(was.Savings) < 4 {
		t.Fatalf("%+v", was.Savings)
	}
	for _, s := range was.Savings {
		text := head + "rules:\n" + s.YAML + rules
		if !strings.HasPrefix(s.YAML, "-") {
			text = head + s.YAML + "rules:\n" + rules
		}
		now := simulated(t, log, read(t, "p", text)).Policies[0]
		if was.Bytes-now.Bytes != s.Bytes || was.Events-now.Events != s.Events {
			t.Errorf("%s: saves %d bytes in %d events, not %d in %d\n%s", s.What, was.Bytes-now.Bytes, was.Events-now.Events, s.Bytes, s.Events, s.YAML)
		}
		if strings.Contains(s.YAML, "secrets") && strings.Contains(s.YAML, "None") {
			t.Errorf("reading secrets is to be left out")
		}
	}
}

// TestDead names the rules that decide nothing, and what no rule matches.
func TestDead(t *testing.T) {
	t.Parallel()
	p := read(t, "p", head+"rules:\n- level: Metadata\n  verbs: [list]\n- level: None\n  verbs: [get]\n")
	o := simulated(t, line("Metadata", "ResponseComplete", "u", "get", "pods", "p", "", 0)+line("Metadata", "ResponseComplete", "u", "create", "pods", "p", "", 0), p).Policies[0]
	if r := o.Rules; len(r) != 3 || !r[0].Dead || r[0].Line != 4 || r[1].Dead || r[1].Decided != 1 || r[2].Index != -1 || r[2].Decided != 1 || o.Events != 0 {
		t.Errorf("%+v", r)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	r := simulated(t, strings.Repeat(line("RequestResponse", "ResponseComplete", "<script>u", "create", "pods", "p", both, 1), 3)+"<b>\n", append(allProfiles(t), read(t, "all", head+"rules:\n- level: RequestResponse\n"))...)
	var b strings.Builder
	if err := HTML(&b, r, "v1"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"&lt;script&gt;u", "no event: not JSON", "100 %", "never decided"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	for _, bad := range []string{"<script>u", "ZgotmplZ", "no value", "http:", "https:"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q is there", bad)
		}
	}
}

// TestManaged takes managed fields out of all bodies but patches.
func TestManaged(t *testing.T) {
	t.Parallel()
	const object = `{"metadata":{"name":"p","managedFields":[{"manager":"m"}]}}`
	const without = `{"metadata":{"name":"p"}}`
	for verb, c := range map[string]struct{ bodies, want string }{
		"update": {`,"requestObject":` + object + `,"responseObject":` + object, `,"requestObject":` + without + `,"responseObject":` + without},
		"patch":  {`,"requestObject":` + object + `,"responseObject":` + object, `,"requestObject":` + object + `,"responseObject":` + without},
		"get":    {`,"responseObject":` + object, `,"responseObject":` + without},
	} {
		policy := read(t, "p", head+"omitManagedFields: true\nrules:\n- level: RequestResponse\n")
		want := int64(len(line("RequestResponse", "ResponseComplete", "u", verb, "pods", "p", c.want, 0)))
		if got := simulated(t, line("RequestResponse", "ResponseComplete", "u", verb, "pods", "p", c.bodies, 0), policy).Policies[0].Bytes; got != want {
			t.Errorf("%s: %d bytes, want %d", verb, got, want)
		}
	}
}
