// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// asking begins the audit IDs of what the test itself asks.
const asking = "test-of-load-"

// logged is a line of the audit log, read without any of our code.
type logged struct {
	AuditID, Stage, RequestURI string
	StageTimestamp             time.Time
	RequestReceivedTimestamp   time.Time
	User                       struct{ Username string }

	line []byte
	size int
}

// ours tells whether a load or the test asked for it.
func (e logged) ours() bool {
	for _, prefix := range []string{asking, "quiet", "at", "small"} {
		if strings.HasPrefix(e.AuditID, prefix) {
			return true
		}
	}
	return false
}

// eventsOf reads the whole log, what was rotated included.
func eventsOf(t *testing.T) []logged {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(APILog), "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	var all []logged
	for _, name := range names {
		for line := range bytes.Lines(readFile(t, name)) {
			e := logged{line: line, size: len(line)}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, line)
			}
			all = append(all, e)
		}
	}
	return all
}

// save writes the part of the log that is of a load.
func (l loaded) save(t *testing.T) string {
	t.Helper()
	var text []byte
	for _, e := range l.events {
		text = append(text, e.line...)
	}
	file := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// counters are what the API server counts.
type counters struct {
	at time.Time
	// requests are those that passed the audit filter, lost the events by what
	// lost them.
	requests float64
	lost     map[string]float64
}

func countersOf(ctx context.Context, t *testing.T, n *Node) counters {
	t.Helper()
	status, body, err := n.Get(ctx, "/metrics", fmt.Sprint(asking, time.Now().UnixNano()))
	if err != nil || status != http.StatusOK {
		t.Fatalf("/metrics: %d, %v", status, err)
	}
	c := counters{at: time.Now(), lost: map[string]float64{}}
	for scanner := bufio.NewScanner(bytes.NewReader(body)); scanner.Scan(); {
		series, text, _ := strings.Cut(scanner.Text(), " ")
		name, label, _ := strings.Cut(series, "{")
		if name != "apiserver_audit_level_total" && name != "apiserver_audit_error_total" {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%q: %v", scanner.Text(), err)
		}
		if name == "apiserver_audit_level_total" {
			c.requests += value
		} else if value > 0 {
			c.lost[strings.Trim(strings.TrimPrefix(label, "plugin="), `"}`)] += value
		}
	}
	return c
}

func sum(m map[string]float64) float64 {
	total := 0.0
	for _, v := range m {
		total += v
	}
	return total
}

// work is how much processor time was used, in seconds, by whom.
type work map[string]float64

// ticks are in a second of /proc/PID/stat, on every machine that Linux runs on by
// now.
const ticks = 100

func workDone(t *testing.T) work {
	t.Helper()
	w := work{}
	for name, ids := range map[string][]int{"kube-apiserver": idsOf(t, "kube-apiserver"), "etcd": idsOf(t, "etcd"), "the test": {os.Getpid()}} {
		for _, id := range ids {
			// After the name, which is in brackets, comes the third field.
			_, after, _ := bytes.Cut(readFile(t, fmt.Sprintf("/proc/%d/stat", id)), []byte(") "))
			fields := strings.Fields(string(after))
			for _, field := range fields[11:13] {
				n, err := strconv.ParseFloat(field, 64)
				if err != nil {
					t.Fatal(err)
				}
				w[name] += n / ticks
			}
		}
	}
	return w
}

func idsOf(t *testing.T, program string) []int {
	t.Helper()
	running, err := Processes(program)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, p := range running {
		ids = append(ids, p.ID)
	}
	return ids
}

func (w work) since(before work, requests int) string {
	var parts []string
	for _, name := range []string{"kube-apiserver", "etcd", "the test"} {
		parts = append(parts, fmt.Sprintf("%.2f ms of %s", 1000*(w[name]-before[name])/float64(requests), name))
	}
	return strings.Join(parts, ", ")
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err.Error()
	}
	return "load average " + strings.Join(strings.Fields(string(text))[:3], " ")
}

// planned is what the test looks at of plan -o json.
type planned struct {
	EventsPerSecond, BytesPerSecond float64
	Batch                           *struct {
		MaxSize     int
		MaxWait     string
		ThrottleQPS float64
	}
	Delivery *struct{ CapacityEventsPerSecond, LostEventsPerSecond, FullAfterSeconds *float64 }
}

// planOf asks the tool. It may be called beside the test's own goroutine.
func planOf(ctx context.Context, t *testing.T, n *Node, args ...string) planned {
	t.Helper()
	cmd := n.Auditsetup(ctx, append([]string{"plan", "-o=json"}, args...)...)
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	var p planned
	if err == nil {
		err = json.Unmarshal(out, &p)
	}
	if err != nil {
		t.Errorf("auditsetup plan %s: %v\n%s%s", strings.Join(args, " "), err, told.Bytes(), out)
	}
	return p
}

// table has what was predicted and what came.
type table struct{ rows []row }

type row struct {
	about, what         string
	predicted, measured float64
}

func (t *table) add(about, what string, predicted, measured float64) {
	t.rows = append(t.rows, row{about, what, predicted, measured})
}

func (t *table) print() {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PREDICTION\tOF\tPREDICTED\tMEASURED\tOFF BY")
	for _, r := range t.rows {
		off := ""
		if r.measured != 0 {
			off = fmt.Sprintf("%+.1f %%", 100*(r.predicted/r.measured-1))
		}
		fmt.Fprintf(w, "%s\t%s\t%.6g\t%.6g\t%s\n", r.about, r.what, r.predicted, r.measured, off)
	}
	w.Flush()
	for line := range strings.Lines(text.String()) {
		say("%s", strings.TrimRight(line, "\n"))
	}
}

// within wants a prediction that is off by no more than a part of what came.
func (u *underLoad) within(about, what string, predicted, measured, part float64) {
	u.Helper()
	u.table.add(about, what, predicted, measured)
	if !(predicted >= measured*(1-part) && predicted <= measured*(1+part)) {
		u.Errorf("%s: %.6g %s predicted, %.6g measured: more than %g %% off", about, predicted, what, measured, 100*part)
	}
}

// timesOff wants a prediction within a factor.
func (u *underLoad) timesOff(about, what string, predicted, measured float64) {
	u.Helper()
	u.table.add(about, what, predicted, measured)
	if !(predicted*factor >= measured && predicted <= measured*factor) {
		u.Errorf("%s: %.6g %s predicted, %.6g measured: more than a factor of %g apart", about, predicted, what, measured, factor)
	}
}
