// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/measure"
	"github.com/auditsetup/auditsetup/measure/scrape"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// measuredPolicy records what the test asks for, each kind in its own way, and
// nothing else: not what kube-apiserver asks of itself, nor what waits for it.
const measuredPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: RequestResponse
  verbs: [create]
  namespaces: [measured]
  resources: [{resources: [configmaps]}]
- level: Request
  omitStages: [RequestReceived]
  verbs: [delete]
  namespaces: [measured]
- level: Metadata
  namespaces: [measured]
- level: Metadata
  nonResourceURLs: [/version]
- level: None
`

// The load: rounds of one request of each kind, so many a second.
const (
	rounds         = 100
	roundsASecond  = 10
	kindsOfRequest = 6 // of which one is at level None
)

// measuredServer is an API server that keeps events of its log in a rotated set,
// and sends them to a receiver that stores what comes as it comes.
type measuredServer struct {
	*controlplane.APIServer
	plane  *controlplane.ControlPlane
	logs   string
	bodies *storing
}

// storing is a receiver that appends each body to the last.
type storing struct {
	sync.Mutex
	text []byte
}

func (s *storing) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.Lock()
	defer s.Unlock()
	if err == nil {
		s.text = append(append(s.text, body...), '\n')
	}
}

func newMeasuredServer(t *testing.T, bins release.Binaries) *measuredServer {
	t.Helper()
	plane := newControlPlane(t, bins)
	command, err := controlplane.Command(plane.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	m := &measuredServer{plane: plane, logs: filepath.Join(plane.Dir, "log"), bodies: &storing{}}
	receiver := httptest.NewServer(m.bodies)
	t.Cleanup(receiver.Close)
	policyFile, config := filepath.Join(plane.Dir, "policy.yaml"), filepath.Join(plane.Dir, "webhook.yaml")
	write(t, policyFile, []byte(measuredPolicy))
	write(t, config, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c"}}],"clusters":[{"name":"c","cluster":{"server":%q}}]}`, receiver.URL))
	m.APIServer = plane.StartAPIServer(t, append(command, "--audit-policy-file="+policyFile, "--audit-log-path="+filepath.Join(m.logs, "audit.log"),
		"--audit-log-maxsize=1", "--audit-log-compress", "--audit-webhook-config-file="+config, "--audit-webhook-batch-max-wait=1s"))
	m.mustDo(t, http.MethodPost, "/api/v1/namespaces", `{"metadata":{"name":"measured"}}`, http.StatusCreated)
	return m
}

func (m *measuredServer) mustDo(t *testing.T, method, path, body string, want int) []byte {
	t.Helper()
	var data []byte
	if body != "" {
		data = []byte(body)
	}
	status, answer, err := m.Do(t.Context(), method, path, "", data)
	if err != nil || status != want {
		t.Errorf("%s %s: %d, %v, %s", method, path, status, err, answer)
	}
	return answer
}

// load sends the rounds at their rate, and returns when all are answered.
func (m *measuredServer) load(t *testing.T) {
	t.Helper()
	const maps = "/api/v1/namespaces/measured/configmaps"
	ticker := time.NewTicker(time.Second / roundsASecond)
	defer ticker.Stop()
	for i := range rounds {
		name := fmt.Sprintf("/c%03d", i)
		body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q},"data":{"text":%q}}`, name[1:], strings.Repeat("<\"é\" &>\n", 20*i))
		m.mustDo(t, http.MethodPost, maps, body, http.StatusCreated)
		m.mustDo(t, http.MethodGet, maps+name, "", http.StatusOK)
		m.mustDo(t, http.MethodGet, maps+"?limit=1&labelSelector=a%3Db", "", http.StatusOK)
		m.mustDo(t, http.MethodDelete, maps+name, "", http.StatusOK)
		m.mustDo(t, http.MethodGet, "/version", "", http.StatusOK)
		m.mustDo(t, http.MethodGet, "/livez/ping", "", http.StatusOK)
		<-ticker.C
	}
}

// TestMeasured drives a known load, and wants it told exactly by the metrics, by
// saved metrics, by the log and by what a webhook's receiver stored.
func TestMeasured(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		m := newMeasuredServer(t, bins)
		saved := []string{m.save(t, "1.txt"), ""}
		loaded := false
		began := time.Now()
		got, err := scrape.Measure(t.Context(), []string{scrape.Kubeconfig}, scrape.Options{Kubeconfig: m.plane.Kubeconfig(), Wait: time.Second, Waiting: func(time.Duration) {
			if !loaded {
				loaded = true
				m.load(t)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		saved[1] = m.save(t, "2.txt")
		if took := time.Since(began).Seconds(); got.Seconds < (rounds-1)/roundsASecond || got.Seconds > took {
			t.Errorf("%v s, in %v", got.Seconds, took)
		}
		countsOfLoad(t, got)
		of, err := scrape.Measure(t.Context(), saved, scrape.Options{})
		if err != nil {
			t.Fatal(err)
		}
		countsOfLoad(t, of)
		sameVerbs(t, got, of)
		m.checkLog(t)
		m.checkRights(t)
	})
}

// save keeps a scrape in a file.
func (m *measuredServer) save(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(m.plane.Dir, name)
	write(t, file, m.mustDo(t, http.MethodGet, "/metrics", "", http.StatusOK))
	return file
}

// countsOfLoad wants the requests of the load by level, and their events. At level
// None there is also what the server asks of itself.
func countsOfLoad(t *testing.T, m measure.Measured) {
	t.Helper()
	sum := int64(0)
	for _, l := range m.Levels {
		want := map[string]int64{"RequestResponse": rounds, "Request": rounds, "Metadata": 3 * rounds, "None": l.Requests}[l.Level]
		if l.Requests != want || l.Level == "None" && l.Requests < rounds {
			t.Errorf("%d requests at level %s, want %d", l.Requests, l.Level, want)
		}
		sum += l.Requests
	}
	events := int64(rounds * (2 + 1 + 3*2))
	if len(m.Levels) != 4 || m.Requests.Count != sum || m.Requests.Mean != float64(sum)/m.Seconds || m.Events.Count != events || m.EventsPerRequest != float64(events)/float64(sum) {
		t.Errorf("%+v", m)
	}
}

// sameVerbs wants each verb of the load counted once for each round, and no less
// in what was saved around it.
func sameVerbs(t *testing.T, m, around measure.Measured) {
	t.Helper()
	of := func(m measure.Measured, verb string) int64 {
		for _, v := range m.Verbs {
			if v.Verb == verb {
				return v.Requests
			}
		}
		return 0
	}
	for _, verb := range []string{"POST", "GET", "LIST", "DELETE"} {
		if n := of(m, verb); n < rounds || n > of(around, verb) {
			t.Errorf("%s: %d, and %d around it", verb, n, of(around, verb))
		}
	}
}

// checkLog compares with upstream's own types, read without any of our code.
func (m *measuredServer) checkLog(t *testing.T) {
	t.Helper()
	files, err := auditlog.Find(m.logs)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var tally measure.Tally
	report, err := auditlog.Read(t.Context(), files, nil, tally.Add)
	if err != nil || report.Strays != 0 || report.Remarks() != nil {
		t.Fatalf("%+v, %v", report, err)
	}
	got, err := measure.FromLog(&tally, report)
	if err != nil {
		t.Fatal(err)
	}
	events, sizes := m.logged(t)
	first, last := events[0].StageTimestamp.Time, events[0].StageTimestamp.Time
	perSecond, sum := map[int64]int64{}, 0
	for i, e := range events {
		if e.StageTimestamp.Time.Before(first) {
			first = e.StageTimestamp.Time
		}
		if e.StageTimestamp.Time.After(last) {
			last = e.StageTimestamp.Time
		}
		perSecond[e.StageTimestamp.Unix()]++
		sum += sizes[i]
	}
	seconds := last.Sub(first).Seconds()
	if got.Seconds != seconds || got.Requests.Count != 5*rounds || got.Events.Count != 9*rounds || got.Events.Mean != 9*rounds/seconds || got.EventsPerRequest != 1.8 {
		t.Errorf("%+v, want %v s", got, seconds)
	}
	if got.Bytes.Count != int64(sum) || got.BytesPerEvent.Mean != float64(sum)/float64(9*rounds) || got.BytesPerEvent.Max != int64(slices.Max(sizes)) {
		t.Errorf("%+v, want %d bytes, at most %d", got.BytesPerEvent, sum, slices.Max(sizes))
	}
	busiest := float64(0)
	for _, n := range perSecond {
		busiest = max(busiest, float64(n))
	}
	if got.Events.Peak1s != max(busiest, got.Events.Peak) || got.Events.Peak < got.Events.Mean {
		t.Errorf("%+v, want a peak of %v", got.Events, busiest)
	}
	in := got.Inputs(0)
	if bytes := in.MeanRequestsPerSecond * in.EventsPerRequest * in.BytesPerEvent * seconds; bytes < float64(sum)*0.999999 || bytes > float64(sum)*1.000001 {
		t.Errorf("%+v give %v bytes, want %d", in, bytes, sum)
	}
	m.checkBodies(t, files)
}

// checkBodies wants of the stored bodies the events of the log, of the same size
// but for what says that each is an event.
func (m *measuredServer) checkBodies(t *testing.T, files []auditlog.File) {
	t.Helper()
	const kind = len(`"kind":"Event","apiVersion":"audit.k8s.io/v1",`)
	inLog := map[string]int64{}
	if _, err := auditlog.Read(t.Context(), files, nil, func(e *auditlog.Event) error {
		inLog[string(e.AuditID)+e.Stage] = e.Size - int64(kind)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var sent map[string]int64
	for deadline := time.Now().Add(time.Minute); len(sent) < len(inLog) && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		sent = map[string]int64{}
		m.bodies.Lock()
		text := bytes.Clone(m.bodies.text)
		m.bodies.Unlock()
		_, err := auditlog.Scan(t.Context(), "bodies", bytes.NewReader(text), func(e *auditlog.Event) error {
			sent[string(e.AuditID)+e.Stage] = e.Size
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for id, size := range inLog {
		if sent[id] != size {
			t.Errorf("%s has %d bytes in the log and %d in the body", id, size, sent[id])
			return
		}
	}
}

// logged are the events of all files of the log and the sizes of their lines.
func (m *measuredServer) logged(t *testing.T) (events []auditv1.Event, sizes []int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(m.logs, "audit*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text := readFile(t, name)
		if plain, packed := strings.CutSuffix(name, ".gz"); packed && slices.Contains(names, plain) {
			continue // being made
		} else if packed {
			r, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		for line := range bytes.Lines(text) {
			var e auditv1.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			events, sizes = append(events, e), append(sizes, len(line))
		}
	}
	return events, sizes
}
