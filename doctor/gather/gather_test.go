// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/restart"
)

func TestRulesOfLogrotate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"one", "/var/log/a.log {\n  weekly\n}\n", []string{"/var/log/a.log"}},
		{"several in a line", "/a/*.log /b/c.log {\n}\n", []string{"/a/*.log", "/b/c.log"}},
		{"one a line", "/a.log\n/b.log\n{\n daily\n}\n/c.log {}\n/d.log {\n}", []string{"/a.log", "/b.log", "/c.log", "/d.log"}},
		{"quoted", `"/with space/*.log" '/b.log' {` + "\n}\n", []string{"/with space/*.log", "/b.log"}},
		{"directives", "weekly\nrotate 4\ninclude /etc/logrotate.d\ntabooext + .bak\n", nil},
		{"comments", "# /var/log/a.log {\n/b.log { # /c.log\n}\n", []string{"/b.log"}},
		{"scripts", "/a.log {\n postrotate\n  /bin/kill -HUP x }\n /etc/init {\n endscript\n}\n/b.log {\n}\n", []string{"/a.log", "/b.log"}},
		{"within braces", "/a.log {\n/b.log\n}\n", []string{"/a.log"}},
		{"nothing", "", nil},
		{"an open quote", "\"/a.log {", []string{"/a.log {"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range rules(c.text) {
				got = append(got, r.Pattern)
			}
			if c.name == "an open quote" {
				return // it is enough that it ends
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzRules(f *testing.F) {
	f.Add("/a.log {\n postrotate\n }\n endscript\n}\n\"/b")
	f.Add("'' \"\" {")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range rules(text) {
			if !strings.HasPrefix(r.Pattern, "/") || r.Line < 1 || r.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%+v of %q", r, text)
			}
		}
	})
}

func TestTimeOfRotation(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 22, 6, 1, 2, int(345*time.Millisecond), time.UTC)
	for name, ok := range map[string]bool{
		"audit-2026-11-22T06-01-02.345.log": true, "audit-2026-11-22T06-01-02.345.log.gz": true,
		"audit.log": false, "audit-.log": false, "audit-x.log": false, "audit-2026-11-22T06-01-02.345.txt": false,
		"other-2026-11-22T06-01-02.345.log": false, "audit-2026-11-22T06-01-02.345": false, "audit-2026-13-22T06-01-02.345.log": false,
	} {
		got, found := timeOf(name, "audit.log")
		if found != ok || ok && !got.Equal(want) {
			t.Errorf("%s: %s, %t", name, got, found)
		}
	}
}

const metrics = `# HELP apiserver_audit_event_total [ALPHA] Counter of audit events generated and sent to the audit backend.
# TYPE apiserver_audit_event_total counter
apiserver_audit_event_total 1.234567e+06
apiserver_audit_requests_rejected_total 3
apiserver_audit_error_total{plugin="buffered"} 5
apiserver_audit_error_total{plugin="webhook"} 400
apiserver_audit_level_total{level="Metadata"} 70
apiserver_audit_level_total{level="None"} 30
apiserver_audit_nonsense{a="b",c="d"} 1
apiserver_request_total{code="200"} 9
rest_client_requests_total{code="200",host="10.0.0.5:9443",method="POST"} 4
rest_client_requests_total{code="<error>",host="10.0.0.5:9443",method="POST"} 1.2e+01
rest_client_requests_total{code="200",host="10.0.0.5:9443",method="GET"} 7
rest_client_requests_total{code="201",host="[::1]:6443",method="POST"} 1
rest_client_requests_total{code="201",host="h",method="POST"} 1e
`

func TestParseMetrics(t *testing.T) {
	t.Parallel()
	want := &doctor.Metrics{Requests: 100, Events: 1234567, Rejected: 3, Lost: map[string]float64{"buffered": 5, "webhook": 400},
		Posts: map[string]map[string]float64{"10.0.0.5:9443": {"200": 4, "<error>": 12}, "[::1]:6443": {"201": 1}}}
	if got := parseMetrics(metrics); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := parseMetrics("apiserver_request_total 4\n"); got != nil {
		t.Errorf("counters where there are none: %+v", got)
	}
}

func TestParseKubeadm(t *testing.T) {
	t.Parallel()
	config := func(text string) []byte {
		return []byte(`{"data":{"ClusterConfiguration":` + strings.ReplaceAll(`"`+strings.ReplaceAll(text, `"`, `\"`)+`"`, "\n", `\n`) + `}}`)
	}
	const volumes = "\n  extraVolumes:\n  - {name: a, hostPath: /h, mountPath: /m/}\n"
	want := &doctor.Kubeadm{Flags: map[string]string{"audit-log-maxage": "30"}, Volumes: map[string]string{"/m": "/h"}}
	for name, text := range map[string]string{
		"list":    "apiServer:\n  extraArgs:\n  - {name: audit-log-maxage, value: \"30\"}\n  - {name: oidc-client-secret, value: planted}" + volumes,
		"mapping": "apiServer:\n  extraArgs: {audit_log_maxage: \"30\", token: planted}" + volumes,
	} {
		if got := parseKubeadm(config(text)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	if got := parseKubeadm(config("kind: ClusterConfiguration")); got == nil || len(got.Flags) > 0 {
		t.Errorf("without apiServer: %+v", got)
	}
	for _, bad := range []string{"", "{}", `{"data":{}}`, string(config("apiServer:\n  extraArgs: 5"))} {
		if got := parseKubeadm([]byte(bad)); got != nil {
			t.Errorf("%q gives %+v", bad, got)
		}
	}
}

func TestLastTime(t *testing.T) {
	t.Parallel()
	const one, two = `{"stageTimestamp":"2026-11-22T06:00:01Z"}`, `{"stageTimestamp":"2026-11-22T06:00:02Z"}`
	for _, c := range []struct {
		name, text string
		whole      bool
		want       string
	}{
		{"two lines", one + "\n" + two + "\n", true, "06:00:02"},
		{"cut at its end", one + "\n" + two[:20], true, "06:00:01"},
		{"cut at its begin", one[3:] + "\n" + two + "\n", false, "06:00:02"},
		{"the first may be cut", one + "\n", false, "00:00:00"},
		{"one whole", one + "\n", true, "06:00:01"},
		{"other lines", one + "\nrubbish\n{}\n", true, "06:00:01"},
		{"nothing", "", true, "00:00:00"},
		{"empty lines", "\n\n\n", true, "00:00:00"},
	} {
		if got := lastTime([]byte(c.text), c.whole).Format(time.TimeOnly); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestTail wants the last event of a log whose events are larger than what is
// read at first.
func TestTail(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	body := strings.Repeat("x", 3*firstLook)
	text := `{"stageTimestamp":"2026-11-22T06:00:01Z"}` + "\n" + `{"requestObject":"` + body + `","stageTimestamp":"2026-11-22T06:00:02Z"}` + "\n" + `{"requestObject":"` + body
	if err := os.WriteFile(filepath.Join(root, "audit.log"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	zipped, err := os.Create(filepath.Join(root, "audit-2026-11-21T06-00-00.000.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(zipped)
	if _, err := w.Write([]byte(strings.ReplaceAll(text, "-22T", "-20T"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	g := &gathering{place: Place{Host: &node.Host{Root: root}}, Facts: &doctor.Facts{}}
	g.log("/audit.log")
	if g.Log == nil || g.Log.First.Format(time.DateTime) != "2026-11-20 06:00:01" || g.Log.Last.Format(time.DateTime) != "2026-11-22 06:00:02" || len(g.Log.Rotated) != 1 {
		t.Errorf("%+v", g.Log)
	}
}

func TestPatches(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	folder := filepath.Join(root, patchFolder, "below")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"kube-apiserver+json.yaml": "- {op: add, path: /spec/containers/0/command/-, value: --audit-log-maxage=30}\n- op: add\n  value: \"--audit-log-path=/a/b.log\"\n",
		"kube-apiserver0.json":     `[{"op":"add","value":"--audit-log-maxsize=100"}]`,
		"etcd.yaml":                "--audit-log-maxbackup=1", "kube-apiserver.yaml.bak": "--audit-log-maxbackup=2",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := &gathering{place: Place{Host: &node.Host{Root: root}}, Facts: &doctor.Facts{}}
	g.patches()
	want := map[string]string{"audit-log-maxage": "30", "audit-log-path": "/a/b.log", "audit-log-maxsize": "100"}
	if g.Patches == nil || !reflect.DeepEqual(g.Patches.Flags, want) {
		t.Errorf("%+v", g.Patches)
	}
	g = &gathering{place: Place{Host: &node.Host{Root: t.TempDir()}}, Facts: &doctor.Facts{}}
	if g.patches(); g.Patches != nil {
		t.Errorf("patches of no folder: %+v", g.Patches)
	}
}

// TestStarted looks at this very process.
func TestStarted(t *testing.T) {
	t.Parallel()
	at := started(restart.Machine{}, os.Getpid())
	if ago := time.Since(at); ago < -2*time.Second || ago > time.Hour {
		t.Errorf("started %s ago", ago)
	}
	if at := started(restart.Machine{Proc: t.TempDir()}, 1); !at.IsZero() {
		t.Errorf("a process of nowhere started at %s", at)
	}
}

// TestNobodyAnswers looks at a machine on which nothing runs: files are judged,
// and the rest is named.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "kube-apiserver.yaml")
	text, err := os.ReadFile("../../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
	if err != nil {
		t.Fatal(err)
	}
	local := strings.ReplaceAll(strings.ReplaceAll(string(text), "192.0.2.10", "127.77.1.1"), "/etc/kubernetes/pki", filepath.Join(dir, "pki"))
	if err := os.WriteFile(path, []byte(local), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Facts(context.Background(), Place{Host: &node.Host{StateDir: filepath.Join(dir, "state")}, Manifest: path})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Live || f.Process != nil || f.Metrics != nil || f.Kubeadm != nil || len(f.Unseen) < 2 {
		t.Errorf("%+v", f)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
}
