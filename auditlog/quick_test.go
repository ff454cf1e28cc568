// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// written are lines as kube-apiserver writes them, with all that makes trouble in
// their bodies.
func written() []string {
	const head = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/n/configmaps?a=1\u0026b=2","verb":"create","user":{"username":"jane","uid":"u","groups":["a","b"],"extra":{"groups":["x\"}{"]}},"impersonatedUser":{"username":"joe"},"authenticationMetadata":{"impersonationConstraint":"x"},"sourceIPs":["1.2.3.4","::1"],"userAgent":"k\"ubectl","objectRef":{"resource":"configmaps","namespace":"n","name":"p","uid":"1","apiGroup":"g","apiVersion":"v1","resourceVersion":"7","subresource":"exec"}`
	const times = `,"requestReceivedTimestamp":"2026-11-22T08:23:33.320694Z","stageTimestamp":"2026-11-22T08:23:33.320830Z"`
	const reasons = `,"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by \"x\" of {","audit.k8s.io/truncated":"true"}`
	managed := `{"kind":"ConfigMap","metadata":{"name":"p","managedFields":[{"manager":"m","fieldsV1":{"f:data":{".":{},"k:{\"type\":\"]}\"}":{}}}}]},"data":{"a":"b"}}`
	list := `{"kind":"List","items":[` + managed + `,{"metadata":{"managedFields":[]}},{"metadata":{"managedFields":[{"a\\\\":"]","b":"\\\\"}]}},{"metadata":{"managedFields":[{"a":[1,"]"]},{}],"name":"x"}}]}`
	within := `{"data":{"event":"` + strings.ReplaceAll(times+`}`, `"`, `\"`) + `","requestObject":{},"responseObject":{"stageTimestamp":"x"}` + times + `}}`
	config, _ := json.Marshal(map[string]string{"log": `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","requestURI":"/x"` + times + `}`})
	var all []string
	for _, status := range []string{"", `,"responseStatus":{"metadata":{},"code":201}`, `,"responseStatus":{"metadata":{},"status":"Failure","message":"no \"code\":5}","reason":"NotFound","details":{"code":1},"code":404}`} {
		for _, bodies := range []string{"", requestKey + managed, responseKey + list, requestKey + managed + responseKey + list, requestKey + within + responseKey + string(config), requestKey + `{"requestURI":"/"}`, requestKey + `[{"op":"add","value":{}}]` + responseKey + within} {
			for _, tail := range []string{"", reasons} {
				all = append(all, head+status+bodies+times+tail+"}")
			}
		}
	}
	return all
}

// fully reads a line the long way.
func fully(line []byte) []string {
	all := []string{}
	s := newScanner(func(e *Event) error { all = append(all, describe(e)); return nil })
	s.full = true
	var report FileReport
	if err := s.scan(context.Background(), &report, &counted{r: bytes.NewReader(line)}); err != nil {
		panic(err)
	}
	for range report.Strays {
		all = append(all, "stray")
	}
	if report.CutOff {
		all = append(all, "cut")
	}
	return all
}

// agree wants a line read the short way to be what it is the long way. It says
// whether the short way took it.
func agree(t *testing.T, r *quickReader, line []byte) bool {
	t.Helper()
	var e Event
	if !r.read(line, &e) {
		return false
	}
	short := describe(&e)
	if long := fully(line); len(long) != 1 || long[0] != short {
		t.Fatalf("%s\nthe short way: %s\nthe long way:  %q", line, short, long)
	}
	return true
}

func TestQuick(t *testing.T) {
	t.Parallel()
	var r quickReader
	for _, line := range written() {
		if !json.Valid([]byte(line)) {
			t.Fatalf("no JSON: %s", line)
		}
		bodies := line[strings.Index(line, `"objectRef"`):]
		if took := agree(t, &r, []byte(line)); took == strings.Contains(bodies, quickURI) && !strings.Contains(bodies, `requestURI\"`) {
			t.Errorf("%v: %s", took, line)
		}
		agree(t, &r, []byte(line+"\r"))
	}
}

// TestQuickGlued puts lines together as writers do that are stopped anywhere, or
// write at once, and changes the order of fields: nothing is taken for an event
// that is none.
func TestQuickGlued(t *testing.T) {
	t.Parallel()
	lines := written()
	random := rand.New(rand.NewPCG(1, 2))
	took := 0
	var r quickReader
	for range 50000 {
		var line []byte
		for range random.IntN(3) {
			other := lines[random.IntN(len(lines))]
			line = append(line, other[:random.IntN(len(other)+1)]...)
		}
		last := lines[random.IntN(len(lines))]
		if random.IntN(4) == 0 {
			last = last[:random.IntN(len(last)+1)]
		}
		if agree(t, &r, append(line, last...)) {
			took++
		}
	}
	if took < 1000 {
		t.Errorf("only %d were read the short way", took)
	}
}

// TestQuickOrder changes the order of fields, and adds some: whoever writes so
// does it in every event.
func TestQuickOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		line := written()[random.IntN(len(written()))]
		fields := pairs(json.RawMessage(line))
		if random.IntN(2) == 0 {
			fields = append(fields, pair{key: "cluster", value: json.RawMessage(`{"name":"x"}`)})
		}
		moved, to := random.IntN(len(fields)), random.IntN(len(fields))
		fields[moved], fields[to] = fields[to], fields[moved]
		var b bytes.Buffer
		for i, f := range fields {
			fmt.Fprintf(&b, "%c%q:%s", "{,"[min(i, 1)], f.key, f.value)
		}
		var r quickReader
		agree(t, &r, append(b.Bytes(), '}'))
	}
}

// FuzzQuick holds the short way against the long one, wherever the line is JSON
// without blanks between tokens.
func FuzzQuick(f *testing.F) {
	for _, line := range written() {
		f.Add([]byte(line))
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var tight bytes.Buffer
		if bytes.IndexByte(line, '\n') >= 0 || json.Compact(&tight, line) != nil || tight.Len() != len(line) {
			return
		}
		var r quickReader
		agree(t, &r, line)
		agree(t, &r, line)
	})
}

// BenchmarkQuick is the short way alone.
func BenchmarkQuick(b *testing.B) {
	for _, level := range []string{Metadata, RequestResponse} {
		b.Run(level, func(b *testing.B) {
			data := sample(b, 1<<20, level)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				n := 0
				var e Event
				var r quickReader
				for rest := data; len(rest) > 0; n++ {
					i := bytes.IndexByte(rest, '\n')
					if !r.read(rest[:i], &e) {
						b.Fatal(string(rest[:i]))
					}
					rest = rest[i+1:]
				}
			}
		})
	}
}
