// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// content is a file, uncompressed.
func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return data
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return data
}

// started and taken are of the real scrapes in testdata.
var (
	started = time.Unix(1795335809, 820000000)
	taken   = time.Date(2026, 11, 22, 8, 23, 32, 0, time.UTC)
)

func real(t testing.TB, which string, at time.Time) *Scrape {
	t.Helper()
	s, err := ParseScrape(which, at, bytes.NewReader(content(t, "../testdata/metrics/"+which+".txt")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRealScrapes knows what a real kube-apiserver counted while it got 60 each of
// a create, a list and a GET of /version, and one GET of /metrics.
func TestRealScrapes(t *testing.T) {
	t.Parallel()
	m, err := FromMetrics(real(t, "earlier", taken), real(t, "later", taken.Add(2*time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Seconds != 2 || m.Requests.Count != 181 || m.Requests.Mean != 90.5 || m.Requests.Peak != 0 || m.Events.Count != 362 || m.EventsPerRequest != 2 || !m.AllRequests || m.NoneShare != 0 || len(m.Lost) != 0 {
		t.Errorf("%+v", m)
	}
	if len(m.Verbs) < 2 || m.Verbs[0] != (Verb{Verb: "LIST", Requests: 60}) || m.Verbs[1] != (Verb{Verb: "POST", Requests: 60}) {
		t.Errorf("%+v", m.Verbs)
	}
	in := m.Inputs(0)
	if in.RequestsPerSecond != 90.5 || in.EventsPerRequest != 2 || in.BytesPerEvent != 0 || len(in.Notes) != 1 || len(in.Sources) != 2 {
		t.Errorf("%+v", in)
	}
	if in = m.Inputs(1000); in.RequestsPerSecond != 1000 || len(in.Notes) != 1 || !strings.Contains(in.Notes[0], "the mix of the metrics is scaled to 1000 requests/s, which are taken for all requests") {
		t.Errorf("%+v", in)
	}
}

// TestOneScrape is the mean since the process began.
func TestOneScrape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at    time.Time
		saved bool
		want  float64
		note  string
	}{
		"of a server":        {started.Add(10 * time.Second), false, 10, "to the time of the scrape"},
		"of a file":          {started.Add(10 * time.Second), true, 10, "to the time of the file"},
		"of a copy":          {started.Add(48 * time.Hour), true, 2.176918745, "the time of the last garbage collection"},
		"of an odd copy":     {started.Add(-48 * time.Hour), true, 2.176918745, "the time of the last garbage collection"},
		"of no known time":   {time.Time{}, true, 2.176918745, "the time of the last garbage collection"},
		"with another clock": {started.Add(time.Hour), false, 3600, "to the time of the scrape"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := real(t, "later", c.at)
			s.Saved = c.saved
			m, err := FromMetrics(nil, s)
			if err != nil || math.Abs(m.Seconds-c.want) > 1e-6 || m.Requests.Count != 655 || m.Events.Count != 1006 || !strings.Contains(m.Notes[0], c.note) {
				t.Errorf("%v, %+v", err, m)
			}
		})
	}
}

const small = `# HELP apiserver_request_total [STABLE] Counter
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",verb="GET"} %d
apiserver_request_total{code="200",verb="WATCH"} %d
apiserver_longrunning_requests{verb="WATCH"} 7
apiserver_audit_event_total 0
process_start_time_seconds %d
`

func scrapeOf(t *testing.T, name, text string, at time.Time) *Scrape {
	t.Helper()
	s, err := ParseScrape(name, at, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNoAudit has what is known where auditing is off.
func TestNoAudit(t *testing.T) {
	t.Parallel()
	a, b := scrapeOf(t, "a", fmt.Sprintf(small, 100, 10, 1000), time.Unix(2000, 0)), scrapeOf(t, "b", strings.ReplaceAll(fmt.Sprintf(small, 175, 35, 1000), "\n", "\r\n"), time.Unix(2010, 0))
	m, err := FromMetrics(a, b)
	if err != nil || m.Requests.Count != 100 || m.Requests.Mean != 10 || m.EventsPerRequest != 0 || m.LongRunningShare != 0.25 || !strings.Contains(strings.Join(m.Unknown, "\n"), "auditing is off") {
		t.Errorf("%v, %+v", err, m)
	}
	if in := m.Inputs(0); in.RequestsPerSecond != 10 || in.EventsPerRequest != 0 || len(in.Sources) != 1 {
		t.Errorf("%+v", in)
	}
}

// TestRestart takes what was counted since.
func TestRestart(t *testing.T) {
	t.Parallel()
	a, b := scrapeOf(t, "a", fmt.Sprintf(small, 100, 10, 1000), time.Unix(2000, 0)), scrapeOf(t, "b", fmt.Sprintf(small, 40, 0, 2010), time.Unix(2030, 0))
	m, err := FromMetrics(a, b)
	if err != nil || m.Requests.Count != 40 || m.Seconds != 20 || !strings.Contains(strings.Join(m.Notes, "\n"), "started anew") {
		t.Errorf("%v, %+v", err, m)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	const audit = "apiserver_audit_level_total{level=\"None\"} %d\napiserver_audit_level_total{level=\"Metadata\"} %d\napiserver_audit_error_total{plugin=\"buffered\"} %d\n"
	a := scrapeOf(t, "a", fmt.Sprintf(small, 100, 10, 1000)+fmt.Sprintf(audit, 10, 20, 5), time.Unix(2000, 0))
	b := scrapeOf(t, "b", strings.Replace(fmt.Sprintf(small, 200, 10, 1000), "event_total 0", "event_total 60", 1)+fmt.Sprintf(audit, 20, 50, 9), time.Unix(2010, 0))
	m, err := FromMetrics(a, b)
	if err != nil || m.Lost["buffered"] != 4 || m.NoneShare != 0.25 || m.EventsPerRequest != 1.5 || m.Requests.Count != 40 || !strings.Contains(strings.Join(m.Notes, "\n"), "4 events were lost") {
		t.Errorf("%v, %+v", err, m)
	}
}

func TestBadPairs(t *testing.T) {
	t.Parallel()
	of := func(name string, gets, start, at int) *Scrape {
		s := scrapeOf(t, name, fmt.Sprintf(small, gets, 0, start), time.Unix(int64(at), 0))
		s.Saved = true
		return s
	}
	unknown, collected, later := of("b", 200, 1000, 2030), of("a", 100, 1000, 2000), of("b", 200, 1000, 9000)
	unknown.At = time.Time{}
	collected.collected, later.collected = 1990, 2020
	noStart := of("b", 1, 0, 2000)
	for name, c := range map[string]struct {
		a, b *Scrape
		want string
	}{
		"same":           {of("a", 100, 1000, 2000), of("b", 100, 1000, 2030), "b: is the same scrape as a"},
		"swapped":        {of("a", 200, 1000, 2030), of("b", 100, 1000, 2000), "b: counts less than a, which should be the earlier one"},
		"swapped, anew":  {of("a", 20, 2010, 2030), of("b", 100, 1000, 2000), "b: is of a process that began before that of a"},
		"two servers":    {of("a", 100, 1000, 2000), of("b", 200, 1500, 2030), "b: is of another kube-apiserver than a: both ran at that time"},
		"no times":       {of("a", 100, 1000, 2000), unknown, "b: how long after a it was taken is not known"},
		"same time":      {of("a", 100, 1000, 2000), of("b", 200, 1000, 2000), "b: is not later than a by the times of the files"},
		"copied":         {collected, later, "b: by the files it was taken 117 min after a, by the process itself 30 s"},
		"alone, no time": {nil, noStart, "b: has no process_start_time_seconds: over what time it was counted is not known"},
		"alone, too old": {nil, of("b", 1, 3000, 2000), "b: when it was taken is not known: its process began at 1970-01-01 00:50:00 UTC, and the file is older"},
		"nothing":        {nil, of("b", 0, 1000, 2000), "b: no request was counted in 16.7 min"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := FromMetrics(c.a, c.b); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestBadScrapes(t *testing.T) {
	t.Parallel()
	good := fmt.Sprintf(small, 1, 2, 3)
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "f: is empty"},
		"blank":         {" \n\n", "f: is empty"},
		"web page":      {"<!DOCTYPE html><html><title>Login</title></html>", "f: is a web page, and not metrics"},
		"status":        {`{"kind":"Status","code":403}`, "f: is JSON, such as an error of the API server, and not metrics"},
		"binary":        {"\x7fELF\x00\x00", "f: is binary, and not metrics in text"},
		"compressed":    {"\x1f\x8b\x08\x00", "f: is compressed"},
		"of a kubelet":  {"kubelet_running_pods 3\nprocess_start_time_seconds 1\n", "f: has no apiserver_request_total: it is cut off, or of something else than a kube-apiserver of 1.14 or later"},
		"cut off":       {good[:strings.Index(good, "} 2")], "f:4: is cut off: the scrape has no end"},
		"cut elsewhere": {good[:strings.Index(good, "audit_event")], "f:6: is cut off: the scrape has no end"},
		"cut number":    {"apiserver_request_total{verb=\"GET\"} 12", "f:1: is cut off: the scrape has no end"},
		"not a number":  {strings.Replace(good, "} 2", "} two", 1), "f:4: is no line of metrics: expected float as value, got \"two\""},
		"broken label":  {strings.Replace(good, `verb="WATCH"`, `verb=WATCH`, 1), "f:4: is no line of metrics: expected '\"' at start of label value, found 'W'"},
		"NaN":           {strings.Replace(good, "} 2", "} NaN", 1), "f: apiserver_request_total is NaN, which no kube-apiserver counts"},
		"infinite":      {strings.Replace(good, "} 2", "} +Inf", 1), "f: apiserver_request_total is +Inf, which no kube-apiserver counts"},
		"negative":      {strings.Replace(good, "} 2", "} -2", 1), "f: apiserver_request_total is -2, which no kube-apiserver counts"},
		"two in one":    {good + good, "f: has the metrics of more than one process in it"},
		"long line":     {good + "x" + strings.Repeat("y", maxLine) + " 1\n", "f:8: is longer than 65536 bytes, as no line of /metrics is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseScrape("f", taken, strings.NewReader(c.text)); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// TestLargeScrape passes over what does not matter, and parses what does in parts.
func TestLargeScrape(t *testing.T) {
	var b strings.Builder
	for i := range 3*manyLines + 5 {
		fmt.Fprintf(&b, "apiserver_request_total{resource=\"%d\",verb=\"GET\",subresource=\"a \\\"}{ b\"} 2\n", i)
	}
	for i := range 200000 {
		fmt.Fprintf(&b, "apiserver_request_duration_seconds_bucket{resource=\"%d\",verb=\"GET\",le=\"0.005\"} NaN\n", i)
	}
	b.WriteString("process_start_time_seconds 1e3\n")
	text := b.String()
	allocated := testing.AllocsPerRun(1, func() {
		s, err := ParseScrape("f", taken, strings.NewReader(text))
		if err != nil || s.requests["GET"] != 2*(3*manyLines+5) || s.started != 1000 {
			t.Fatalf("%v, %+v", err, s)
		}
	})
	if allocated > 40*3*manyLines {
		t.Errorf("%v allocations", allocated)
	}
}

// FuzzScrape wants an error or sums that make sense, and no more.
func FuzzScrape(f *testing.F) {
	f.Add(fmt.Sprintf(small, 1, 2, 3))
	f.Add(fmt.Sprintf(small, 1, 2, 3) + "apiserver_audit_level_total{level=\"None\"} 3 1795335809820\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScrape("f", taken, strings.NewReader(text))
		if err != nil {
			return
		}
		before := *s
		before.requests = map[string]float64{}
		m, err := FromMetrics(&before, s)
		if err == nil && (m.Requests.Count <= 0 || math.IsNaN(m.EventsPerRequest) || m.Seconds <= 0) {
			t.Errorf("%+v", m)
		}
		m, err = FromMetrics(nil, s)
		if in := m.Inputs(0); err == nil && !(in.RequestsPerSecond > 0) {
			t.Errorf("%+v", in)
		}
	})
}
