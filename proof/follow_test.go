// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, old := filepath.Join(dir, "audit.log"), filepath.Join(dir, "audit-1.log")
	add := func(file, text string) {
		t.Helper()
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add(log, "before\n")
	f, err := Follow(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := func(lines ...string) {
		t.Helper()
		var got []string
		if err := f.Read(func(line []byte) bool { got = append(got, string(line)); return false }); err != nil || !slices.Equal(got, lines) {
			t.Errorf("%q, %v; want %q", got, err, lines)
		}
	}
	want()
	add(log, "one\ntwo\nhal")
	want("one", "two")
	add(log, "f\n")
	want("half")
	// the file is full: renamed, and a new one begun
	add(log, "last\n")
	if err := os.Rename(log, old); err != nil {
		t.Fatal(err)
	}
	want("last")
	add(old, "the very last\n")
	add(log, "first\n")
	want("the very last", "first")
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	want()
	add(log, strings.Repeat("x", 3*chunk)+"\nend\n")
	want(strings.Repeat("x", 3*chunk), "end")
	if f.Lines != 8 {
		t.Errorf("%d lines", f.Lines)
	}
}

// TestFollowNothing begins with a file that is not there yet, and stops where it
// is told.
func TestFollowNothing(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "audit.log")
	f, err := Follow(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	none := func([]byte) bool { t.Error("a line"); return false }
	if err := f.Read(none); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		got := ""
		if err := f.Read(func(line []byte) bool { got = string(line); return true }); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		log   string
		found bool
		code  int
	}{
		"json": {`{"auditID":"x","stage":"ResponseComplete","requestURI":"/a"}
{"auditID":"mine","level":"Metadata","stage":"ResponseComplete","verb":"get","requestURI":"/b","user":{"username":"u"},"responseStatus":{"code":404}}
`, true, 404},
		"only in a path": {`{"auditID":"x","requestURI":"/mine"}` + "\n", false, 0},
		"legacy":         {`2026-11-22T05:51:41Z AUDIT: id="mine" stage="ResponseComplete"` + "\n", true, 0},
		"not there":      {`{"auditID":"x"}` + "\n", false, 0},
		"half":           {`{"auditID":"mine"`, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "audit.log")
			f, err := Follow(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := os.WriteFile(file, []byte(test.log), 0o600); err != nil {
				t.Fatal(err)
			}
			event, err := find(f, "mine")
			if err != nil || (event != nil) != test.found {
				t.Fatalf("%v, %v", event, err)
			}
			if test.code > 0 && (event.ResponseStatus == nil || event.ResponseStatus.Code != test.code || event.User.Username != "u") {
				t.Errorf("%+v", event)
			}
		})
	}
}

const metrics = `# HELP apiserver_audit_event_total [ALPHA] Counter of audit events generated and sent to the audit backend.
# TYPE apiserver_audit_event_total counter
apiserver_audit_event_total 42
apiserver_audit_error_total{plugin="webhook"} 3
apiserver_audit_error_total{plugin="log"} 1
rest_client_requests_total{code="200",host="collector:9443",method="POST"} 7
rest_client_requests_total{code="204",host="collector:9443",method="POST"} 1
rest_client_requests_total{code="500",host="collector:9443",method="POST"} 2
rest_client_requests_total{code="<error>",host="collector:9443",method="POST"} 1e+01
rest_client_requests_total{code="200",host="other:9443",method="POST"} 100
rest_client_requests_total{code="200",host="collector:9443",method="GET"} 100
rest_client_requests_total{code="2\"0,0",host="a=b",method="POST"} 100
rest_client_requests_total{code="200
rest_client_requests_total{code="200",host="collector:9443",method="POST"} many
`

func TestParseCounters(t *testing.T) {
	t.Parallel()
	c := parseCounters(metrics, "collector:9443")
	if c.events != 42 || c.lost["webhook"] != 3 || c.lost["log"] != 1 || c.delivered() != 8 {
		t.Errorf("%+v", c)
	}
	if got := c.refusals(); got != "2 times 500, 10 times no answer" {
		t.Errorf("%q", got)
	}
	if c := parseCounters(metrics, "a=b"); c.sent[`2"0,0`] != 100 {
		t.Errorf("%+v", c)
	}
}

func FuzzParseCounters(f *testing.F) {
	f.Add(metrics)
	f.Fuzz(func(_ *testing.T, text string) { parseCounters(text, "x") })
}
