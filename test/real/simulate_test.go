// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/auditlog"
	auditpolicy "github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/simulate"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// everythingBodies is the policy whose log the others are simulated on.
const everythingBodies = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: RequestResponse
`

// manyKinds is a policy of which each rule cuts another part of an event.
const manyKinds = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules:
- level: None
  resources: [{resources: [configmaps], resourceNames: [c1]}]
- level: RequestResponse
  omitManagedFields: true
  omitStages: [RequestReceived]
  resources: [{group: apps}]
- level: Request
  omitManagedFields: true
  verbs: [create, update, patch]
- level: Request
  verbs: [delete, deletecollection]
- level: RequestResponse
  resources: [{resources: [configmaps]}]
- level: Metadata
  userGroups: [system:authenticated]
  omitStages: [RequestReceived]
`

// sentRequest is one request of the load.
type sentRequest struct{ method, path, kind, accept, body string }

// simulatedLoad has every kind of body, and answers that have none.
func simulatedLoad() []sentRequest {
	const (
		maps   = "/api/v1/namespaces/sim/configmaps"
		deploy = "/apis/apps/v1/namespaces/sim/deployments"
		table  = "application/json;as=Table;v=v1;g=meta.k8s.io"
	)
	load := []sentRequest{{method: "POST", path: "/api/v1/namespaces", body: `{"metadata":{"name":"sim"}}`}}
	add := func(method, path, kind, accept, body string) {
		load = append(load, sentRequest{method, path, kind, accept, body})
	}
	for i := range 40 {
		add("POST", maps, "", "", fmt.Sprintf(`{"metadata":{"name":"c%d","labels":{"a":"b"}},"data":{"text":%q,"event":"{\"kind\":\"Event\",\"stageTimestamp\":\"x\"}"}}`, i, strings.Repeat("<\"é\" &>\n", i)))
		add("POST", deploy, "", "", fmt.Sprintf(`{"metadata":{"name":"d%d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"registry.example/image:v1","env":[{"name":"A","value":"]}\"{"}]}]}}}}`, i))
	}
	for i := range 6 {
		one := fmt.Sprintf("%s/c%d", maps, i)
		add("GET", one, "", "", "")
		add("PUT", one, "", "", fmt.Sprintf(`{"metadata":{"name":"c%d"},"data":{"b":"c"}}`, i))
		add("PATCH", one, "application/merge-patch+json", "", `{"data":{"d": "e"}}`)
		add("PATCH", one, "application/json-patch+json", "", `[{"op":"add","path":"/data/f","value":"g"}]`)
		add("PATCH", one+"?fieldManager=m&force=true", "application/apply-patch+yaml", "", "apiVersion: v1\nkind: ConfigMap\ndata: {h: i}\n")
		add("PUT", one, "", "", `{"metadata":{"name":"other"}}`)
		add("POST", maps, "", "", fmt.Sprintf(`{"metadata":{"name":"c%d"}}`, i))
		add("GET", deploy+"?labelSelector=a%3Db&limit=500", "", "", "")
		add("GET", deploy, "", "", "")
		add("GET", deploy, "", table, "")
		add("GET", maps+"?fieldSelector=metadata.name%3Dc1", "", "", "")
		add("GET", "/api/v1/configmaps", "", "", "")
		add("GET", "/version", "", "", "")
		add("GET", "/no/such/path", "", "", "")
		add("GET", maps+"/none", "", "", "")
		add("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", "", `{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}`)
		add("POST", "/api/v1/namespaces/sim/secrets", "", "", `{"metadata":{"generateName":"s"},"data":{"a":"c2VjcmV0"}}`)
		add("GET", maps+"?watch=1&timeoutSeconds=1", "", "", "")
		add("GET", maps, "fail", "", "")
	}
	add("DELETE", maps+"/c1", "", "", "")
	add("DELETE", maps+"/c2", "", "", `{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}`)
	add("DELETE", maps, "", "", "")
	add("DELETE", deploy, "", "", "")
	add("DELETE", "/api/v1/namespaces/sim/secrets", "", "", "")
	return load
}

// logOf has an API server audit the load by a policy, and gives the events of the
// load alone.
func logOf(t *testing.T, plane *controlplane.ControlPlane, name, text string) []byte {
	t.Helper()
	command, err := controlplane.Command(plane.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	file, log := filepath.Join(plane.Dir, name+".yaml"), filepath.Join(plane.Dir, "log", name+".log")
	write(t, file, []byte(text))
	server := plane.StartAPIServer(t, append(command, "--audit-policy-file="+file, "--audit-log-path="+log))
	client, err := controlplane.ClientFor(plane.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // the test's own server
	for i, a := range simulatedLoad() {
		send(t, client, stranger, plane.URL(), fmt.Sprintf("simulated-%04d", i), a)
	}
	server.Stop()
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var some []byte
	for line := range bytes.Lines(data) {
		if bytes.Contains(line[:min(200, len(line))], []byte(`"auditID":"simulated-`)) {
			some = append(some, line...)
		}
	}
	return some
}

// send sends a request, of the kind "fail" without credentials.
func send(t *testing.T, client, stranger *http.Client, server, id string, a sentRequest) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), a.method, server+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Audit-ID", id)
	r.Header.Set("Content-Type", "application/json")
	switch {
	case a.kind == "fail":
		client = stranger
		r.Header.Set("Authorization", "Bearer wrong")
	case a.kind != "":
		r.Header.Set("Content-Type", a.kind)
	}
	if a.accept != "" {
		r.Header.Set("Accept", a.accept)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
}

// TestSimulate has a real kube-apiserver write down the same requests under a
// policy that records everything and under others, and wants what is simulated on
// the first log to be what the others are: as many events, and bytes within two
// percent.
func TestSimulate(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		v, err := apiserver.ParseVersion(bins.Version)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{"manykinds": manyKinds}
		for _, name := range []string{"recommended", "openshift-write-bodies"} {
			p, _ := profiles.Lookup(name)
			text, err := p.Policy(v)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
		plane := newControlPlane(t, bins)
		all := filepath.Join(plane.Dir, "simulated.log")
		write(t, all, logOf(t, plane, "everything", everythingBodies))
		if keep := os.Getenv("AUDITSETUP_SAMPLE"); keep != "" {
			data, _ := os.ReadFile(all)
			write(t, keep, data)
		}
		for name, text := range texts {
			got := simulated(t, v, name, text, all)
			sameAsLogged(t, v, name, got, logOf(t, plane, name, text), text)
		}
	})
}

func simulated(t *testing.T, v apiserver.Version, name, text, log string) simulate.Outcome {
	t.Helper()
	p, err := auditpolicy.Read(name, []byte(text), v)
	if err != nil {
		t.Fatal(err)
	}
	files, err := auditlog.Find(log)
	if err != nil {
		t.Fatal(err)
	}
	part, err := simulate.Run(t.Context(), []simulate.Policy{{Name: name, Policy: p}}, files, nil, simulate.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	result, err := part.Result()
	if err != nil {
		t.Fatal(err)
	}
	return result.Policies[0]
}

// sameAsLogged compares with what the server wrote, rule by rule: simulating the
// policy on its own log gives that log.
func sameAsLogged(t *testing.T, v apiserver.Version, name string, got simulate.Outcome, logged []byte, text string) {
	t.Helper()
	log := filepath.Join(scratch(t), name+".log")
	write(t, log, logged)
	want := simulated(t, v, name, text, log)
	lines := int64(bytes.Count(logged, []byte("\n")))
	if got.Events != lines || want.Events != lines || want.Bytes != int64(len(logged)) {
		t.Errorf("%s: %d events, and on its own log %d of %d bytes; the log has %d of %d", name, got.Events, want.Events, want.Bytes, lines, len(logged))
	}
	off := float64(got.Bytes)/float64(len(logged)) - 1
	t.Logf("%s: %d events, %d bytes simulated, %d logged: %+.3f %%", name, got.Events, got.Bytes, len(logged), off*100)
	if math.Abs(off) > 0.02 {
		t.Errorf("%s: %d bytes, and the log has %d", name, got.Bytes, len(logged))
	}
	for i, r := range got.Rules {
		w := want.Rules[i]
		if r.Events != w.Events || math.Abs(float64(r.Bytes-w.Bytes)) > 0.02*float64(w.Bytes) {
			t.Errorf("%s, rule %d: %d events of %d bytes, logged were %d of %d", name, r.Index, r.Events, r.Bytes, w.Events, w.Bytes)
		}
	}
}
