// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/auditlog"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// line is an event as kube-apiserver writes it, in short.
func line(id, level, stage, verb string, at time.Time) string {
	return fmt.Sprintf(`{"kind":"Event","level":%q,"auditID":%q,"stage":%q,"verb":%q,"stageTimestamp":%q}`+"\n", level, id, stage, verb, at.Format("2006-01-02T15:04:05.000000Z07:00"))
}

func measured(t *testing.T, logs ...string) Measured {
	t.Helper()
	var tally Tally
	var all auditlog.Report
	for i, log := range logs {
		one, err := auditlog.Scan(t.Context(), fmt.Sprint(i), strings.NewReader(log), tally.Add)
		if err != nil {
			t.Fatal(err)
		}
		all.Files = append(all.Files, one)
		all.Strays += one.Strays
	}
	m, err := FromLog(&tally, all)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// busiest is the mean of the busiest window, found by trying every one.
func busiest(length int64, of map[int64]int64, covered float64) float64 {
	best := int64(0)
	for second := range of {
		for first := second - length + 1; first <= second; first++ {
			sum := int64(0)
			for s := first; s < first+length; s++ {
				sum += of[s]
			}
			best = max(best, sum)
		}
	}
	return float64(best) / max(1, min(float64(length), covered))
}

// TestRealLog compares with upstream's own types and plain arithmetic.
func TestRealLog(t *testing.T) {
	t.Parallel()
	files, err := auditlog.Find("../testdata/logs")
	if err != nil {
		t.Fatal(err)
	}
	var tally Tally
	report, err := auditlog.Read(t.Context(), files, nil, tally.Add)
	if err != nil {
		t.Fatal(err)
	}
	m, err := FromLog(&tally, report)
	if err != nil {
		t.Fatal(err)
	}
	events, lines := upstream(t, files)
	requests, perLevel, perSecond, sizes := map[string]bool{}, map[string]int64{}, map[int64]int64{}, []int64{}
	first, last := events[0].StageTimestamp.Time, events[0].StageTimestamp.Time
	for i, e := range events {
		requests[string(e.AuditID)] = true
		perLevel[string(e.Level)] += int64(len(lines[i]))
		perSecond[e.StageTimestamp.Unix()]++
		sizes = append(sizes, int64(len(lines[i])))
		first, last = earlier(first, e.StageTimestamp.Time), later(last, e.StageTimestamp.Time)
	}
	slices.Sort(sizes)
	seconds := last.Sub(first).Seconds()
	if m.Seconds != seconds || m.Events.Count != int64(len(events)) || m.Requests.Count != int64(len(requests)) {
		t.Errorf("%v s, %d events, %d requests; want %v, %d, %d", m.Seconds, m.Events.Count, m.Requests.Count, seconds, len(events), len(requests))
	}
	for _, l := range m.Levels {
		if perLevel[l.Level] != l.Bytes || l.Sizes.Mean != float64(l.Bytes)/float64(l.Events) {
			t.Errorf("%+v, want %d bytes", l, perLevel[l.Level])
		}
	}
	if len(m.Levels) != 3 || len(m.Stages) < 5 || m.Levels[0].Events < m.Levels[2].Events || m.LongRunningShare == 0 || m.CompressRatio < 5 {
		t.Errorf("%+v", m)
	}
	if want := max(busiest(1, perSecond, seconds), busiest(10, perSecond, seconds)); m.Events.Peak1s != want {
		t.Errorf("peak %v, want %v", m.Events.Peak1s, want)
	}
	b := m.BytesPerEvent
	for q, got := range map[float64]int64{0.5: b.P50, 0.9: b.P90, 0.99: b.P99, 1: b.Max} {
		want := sizes[int(math.Ceil(q*float64(len(sizes))))-1]
		if got < want || float64(got) > float64(want)*1.01 {
			t.Errorf("%v of the events have up to %d bytes, want %d", q, got, want)
		}
	}
}

func upstream(t *testing.T, files []auditlog.File) (events []auditv1.Event, lines [][]byte) {
	t.Helper()
	for _, text := range contents(t, files) {
		for line := range bytes.Lines(text) {
			var e auditv1.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			events, lines = append(events, e), append(lines, line)
		}
	}
	return events, lines
}

// TestRequests counts requests by their first events.
func TestRequests(t *testing.T) {
	t.Parallel()
	at := func(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }
	m := measured(t,
		line("short", "Metadata", "RequestReceived", "get", at(0))+line("short", "Metadata", "ResponseComplete", "get", at(0))+
			line("ended", "Metadata", "ResponseComplete", "watch", at(1))+
			line("open", "Metadata", "RequestReceived", "watch", at(2))+line("open", "Metadata", "ResponseStarted", "watch", at(2))+
			line("401", "Metadata", "ResponseStarted", "get", at(3))+
			line("panic", "Request", "RequestReceived", "create", at(4))+line("panic", "Request", "Panic", "create", at(4))+
			strings.Replace(line("exec", "Metadata", "ResponseComplete", "create", at(4)), "{", `{"objectRef":{"resource":"pods","subresource":"exec"},`, 1)+
			line("twice", "Request", "ResponseComplete", "update", at(5))+line("twice", "Request", "ResponseComplete", "update", at(10)))
	if m.Requests.Count != 8 || m.Events.Count != 11 || m.Seconds != 10 || m.Requests.Mean != 0.8 || m.LongRunningShare != 3.0/8 || m.AllRequests {
		t.Errorf("%+v", m)
	}
	if m.Levels[0].Requests != 5 || m.Levels[1].Requests != 3 || len(m.Verbs) != 4 || m.Verbs[0].Events != 3 {
		t.Errorf("%+v", m)
	}
}

// TestOpenRequests bounds what is remembered.
func TestOpenRequests(t *testing.T) {
	t.Parallel()
	var tally Tally
	for i := range 3 * manyOpen {
		e := auditlog.Event{AuditID: fmt.Append(nil, i), Level: auditlog.Metadata, Stage: auditlog.RequestReceived}
		if err := tally.Add(&e); err != nil {
			t.Fatal(err)
		}
	}
	last := auditlog.Event{AuditID: fmt.Append(nil, 2*manyOpen-1), Level: auditlog.Metadata, Stage: auditlog.ResponseComplete}
	_ = tally.Add(&last)
	if tally.requests != 3*manyOpen || len(tally.open)+len(tally.older) > 2*manyOpen {
		t.Errorf("%d requests, %d remembered", tally.requests, len(tally.open)+len(tally.older))
	}
}

// TestNotes says what is to be borne in mind.
func TestNotes(t *testing.T) {
	t.Parallel()
	long := ""
	for i := range 100 {
		long += line(fmt.Sprint(i), "Metadata", "ResponseComplete", "get", noon.Add(time.Duration(i)*time.Hour))
	}
	for name, c := range map[string]struct {
		logs     []string
		note     string
		unwanted string
	}{
		"short":        {[]string{line("a", "Metadata", "ResponseComplete", "get", noon) + line("b", "Metadata", "ResponseComplete", "get", noon.Add(3*time.Second))}, "covers no more than 3 s", "overlap"},
		"an hour":      {[]string{strings.Join(strings.SplitAfter(long, "\n")[:2], "")}, "covers 60 min: a day", "no more than"},
		"long":         {[]string{long}, "sizes and events per request are those under the policy", "the log covers"},
		"one moment":   {[]string{line("a", "Metadata", "ResponseComplete", "get", noon)}, "how long the log took", "covers"},
		"no times":     {[]string{strings.ReplaceAll(line("a", "Metadata", "ResponseComplete", "get", noon), "2026", "x")}, "1 event without a time", "covers"},
		"two servers":  {[]string{long, long}, "the logs overlap", "late"},
		"a late event": {[]string{long + line("late", "Metadata", "ResponseComplete", "get", noon)}, "1 event that came much too late", "overlap"},
		"no event":     {[]string{long + "foo\nbar\n"}, "2 lines of the log that are no events", "late"},
		"truncated":    {[]string{strings.Replace(long, `"verb"`, `"annotations":{"audit.k8s.io/truncated":"true"},"verb"`, 2)}, "the bodies of 2 events were taken out", "late"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := measured(t, c.logs...)
			text := strings.Join(append(m.Unknown, m.Notes...), "\n")
			if !strings.Contains(text, c.note) || strings.Contains(text, c.unwanted) || !strings.Contains(text, "level None") {
				t.Errorf("%s", text)
			}
		})
	}
	if _, err := FromLog(&Tally{}, auditlog.Report{}); err == nil {
		t.Error("no error for a log with no event")
	}
}

// TestTwoServers has the rates of one of two servers whose logs are read one after
// the other, and the peaks of the busier.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	server := func(name string, perSecond int) string {
		var b strings.Builder
		for s := range 1001 {
			for i := range perSecond {
				b.WriteString(line(fmt.Sprint(name, s, i), "Metadata", "ResponseComplete", "get", noon.Add(time.Duration(s)*time.Second)))
			}
		}
		return b.String()
	}
	m := measured(t, server("a", 2), server("b", 4))
	if m.Seconds != 2000 || m.Events.Count != 6006 || m.Events.Mean != 3.003 || m.Events.Peak != 4 || m.Events.Peak60s != 4 {
		t.Errorf("%+v", m.Events)
	}
}

// FuzzClock compares with trying every window. Times go forth, and back a little.
func FuzzClock(f *testing.F) {
	f.Add([]byte{0, 10, 20, 30})
	f.Add([]byte{0, 10, 20, 255, 1, 1, 1, 128, 3, 200})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) == 0 || len(steps) > 300 {
			return
		}
		var c clock
		perSecond := map[int64]int64{}
		at, first, last := noon, noon, noon
		for i, step := range steps {
			switch {
			case i == 0:
			case step > 250:
				at = at.Add(time.Duration(step) * 10 * time.Second)
			case step > 200:
				at = last.Add(-time.Duration(step) * time.Second)
			default:
				at = at.Add(time.Duration(step) * 50 * time.Millisecond)
			}
			c.add(at, amount{events: 1})
			perSecond[at.Unix()]++
			first, last = earlier(first, at), later(last, at)
		}
		covered := last.Sub(first).Seconds()
		if c.covered() != covered || c.late != 0 {
			t.Fatalf("%v s and %d late, want %v", c.covered(), c.late, covered)
		}
		r := c.rates(func(a amount) int64 { return a.events })
		for length, got := range map[int64]float64{1: r.Peak1s, 10: r.Peak, 60: r.Peak60s} {
			if want := busiest(length, perSecond, covered); got != want {
				t.Errorf("%d s: %v, want %v", length, got, want)
			}
		}
	})
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	for size := int64(0); size < 1<<40; size += 1 + size/50 {
		at := step(size)
		low := int64(0)
		if at > 0 {
			low = edge(at-1) + 1
		}
		if size < low || size > edge(at) || float64(edge(at)-low) > 0.01*float64(size) {
			t.Fatalf("%d is in step %d, from %d to %d", size, at, low, edge(at))
		}
	}
	var h histogram
	for _, size := range []int64{1, 2, 1000} {
		h.add(size)
	}
	if got := h.sizes(); got != (Sizes{Mean: 1003.0 / 3, P50: 2, P90: 1000, P99: 1000, Max: 1000}) {
		t.Errorf("%+v", got)
	}
}

// TestPeaks are never below the mean, although the windows keep to the clock.
func TestPeaks(t *testing.T) {
	t.Parallel()
	for apart, want := range map[int]Rate{
		6:  {Count: 3, Mean: 0.25, Peak: 0.25, Peak1s: 1, Peak60s: 0.25},
		40: {Count: 3, Mean: 0.0375, Peak: 0.1, Peak1s: 1, Peak60s: 0.0375},
	} {
		log := ""
		for i := range 3 {
			log += line(fmt.Sprint(i), "Metadata", "ResponseComplete", "get", noon.Add(time.Duration(apart*i)*time.Second))
		}
		if r := measured(t, log).Events; r != want {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
}

// TestInputs has events and bytes per second come out as measured.
func TestInputs(t *testing.T) {
	t.Parallel()
	log := ""
	for i := range 200 {
		at := noon.Add(time.Duration(i) * 100 * time.Millisecond)
		if i >= 100 {
			at = noon.Add(10*time.Second + time.Duration(i)*time.Second)
		}
		log += line(fmt.Sprint(i), "Metadata", "RequestReceived", "get", at) + line(fmt.Sprint(i), "Request", "ResponseComplete", "get", at)
	}
	m := measured(t, log)
	in := m.Inputs(0)
	near(t, in.EventsPerRequest, 2)
	near(t, in.RequestsPerSecond, 10)
	near(t, in.RequestsPerSecond*in.EventsPerRequest, m.Events.Peak)
	near(t, in.MeanRequestsPerSecond*in.EventsPerRequest*in.BytesPerEvent, m.Bytes.Mean)
	if len(in.Sources) != 3 || in.MaxEventBytes != m.BytesPerEvent.Max || !strings.Contains(in.Sources[0].Text, "20 events/s in the busiest 10 s") {
		t.Errorf("%+v", in)
	}
	given := m.Inputs(500)
	near(t, given.RequestsPerSecond, 500)
	near(t, given.MeanRequestsPerSecond/given.RequestsPerSecond, in.MeanRequestsPerSecond/in.RequestsPerSecond)
	if given.EventsPerRequest != 2 || given.Sources[0] != (Source{"--rate", "500 requests/s, as given"}) || !strings.Contains(given.Notes[0], "which are taken for audited requests") {
		t.Errorf("%+v", given)
	}
	// five events of one request are more than there can be
	twice := measured(t, strings.Repeat(line("a", "Metadata", "ResponseStarted", "get", noon), 4)+line("a", "Metadata", "ResponseComplete", "get", noon.Add(2*time.Second)))
	in = twice.Inputs(0)
	near(t, in.EventsPerRequest, 3)
	near(t, in.MeanRequestsPerSecond, 2.5/3)
	if len(in.Notes) != 1 {
		t.Errorf("%q", in.Notes)
	}
	// of no length there is no rate
	in = measured(t, line("a", "Metadata", "ResponseComplete", "get", noon)).Inputs(0)
	if in.RequestsPerSecond != 0 || in.EventsPerRequest != 1 || len(in.Sources) != 2 {
		t.Errorf("%+v", in)
	}
}

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// contents are the texts of files, uncompressed.
func contents(t *testing.T, files []auditlog.File) [][]byte {
	t.Helper()
	var all [][]byte
	for _, f := range files {
		all = append(all, content(t, f.Path))
	}
	return all
}

func TestThree(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{0: "0", 0.012345: "0.0123", 1.005: "1", 12.345: "12.3", 99.96: "100", 123.456: "123", 1234567.8: "1234568", 1e-12: "0"} {
		if got := three(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]string{0.5: "0.5 s", 119: "119 s", 3000: "50 min", 9000: "2.5 h", 864000: "10 days"} {
		if got := lasting(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
}
