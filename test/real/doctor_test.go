// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/receiver"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// diagnosed is a control plane that doctor and status look at. They find it by
// the path of its manifest: where it listens, its certificates and its process
// follow from that.
type diagnosed struct {
	*enabled
	server *controlplane.APIServer
}

// diagnose runs enable on a manifest, and a kube-apiserver with it.
func diagnose(t *testing.T, program string, plane *controlplane.ControlPlane, args ...string) *diagnosed {
	t.Helper()
	e := newEnabled(t, program, plane, append(args, "--disk-budget=1200Mi")...)
	if err := os.Chmod(e.manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	return &diagnosed{e, plane.StartAPIServer(t, e.command)}
}

// output is what a command prints as JSON.
func (d *diagnosed) output(t *testing.T, command string, exit int, into any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), d.program, slices.Concat([]string{command, "-o", "json"}, d.host[:2])...)
	out, _ := runs(t, cmd, exit)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatal(err)
	}
}

// doctor wants exactly these checks to find something, each as often as it is
// named, and gives the text of what they say.
func (d *diagnosed) doctor(t *testing.T, want ...string) string {
	t.Helper()
	var got struct {
		Findings []struct{ ID, File, What, Remedy string }
	}
	exit := 3
	if len(want) == 0 {
		exit = 0
	}
	d.output(t, "doctor", exit, &got)
	ids, text := []string{}, ""
	for _, f := range got.Findings {
		ids = append(ids, f.ID)
		text += f.File + ": " + f.What + "\n" + f.Remedy + "\n"
	}
	if !slices.Equal(ids, want) && len(want) > 0 {
		t.Errorf("found %v, want %v\n%s", ids, want, text)
	}
	return text
}

// has wants a part in a text.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// situation is what status says, as far as it is looked at here.
type situation struct {
	On, ByAuditsetup bool
	Profile          string
	Process          struct {
		Started           time.Time
		AsManifest, Ready bool
	}
	Log struct {
		Files       int
		First, Last time.Time
	}
	Events struct {
		Events, Requests float64
		Lost             []struct {
			Part   string
			Events float64
		}
	}
	Drift []struct{ Between, Name, Manifest, Other string }
}

func (d *diagnosed) status(t *testing.T) situation {
	t.Helper()
	var s situation
	d.output(t, "status", 0, &s)
	return s
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	program := build(t)
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		plane := newControlPlane(t, bins)
		d := diagnose(t, program, plane, "--profile=metadata")
		allWell(t, d)
		otherFlags(t, d)
		otherPolicy(t, d)
		upgrade(t, d)
		logGone(t, d)
		d.server.Stop()
		has(t, d.doctor(t, "server-not-ready"), "not ready")
		silent(t, program, plane)
		lost(t, program, plane)
	})
}

// allWell wants nothing found, events counted, and the time of a request within
// that of the log.
func allWell(t *testing.T, d *diagnosed) {
	t.Helper()
	before := time.Now().Add(-time.Minute)
	event := marked(t, d.server, d.log, http.MethodGet, secrets, "", http.StatusOK)
	d.doctor(t)
	s := d.status(t)
	if !s.On || !s.ByAuditsetup || s.Profile != "metadata" || !s.Process.AsManifest || !s.Process.Ready || len(s.Drift) > 0 {
		t.Errorf("status %+v", s)
	}
	if at := event.StageTimestamp.Time; s.Log.First.After(at) || s.Log.Last.Before(at) || s.Log.First.Before(before.Add(-time.Hour)) || s.Log.Files != 1 {
		t.Errorf("the log is said to go from %s to %s; there was an event at %s", s.Log.First, s.Log.Last, at)
	}
	if s.Events.Events < 2 || s.Events.Requests < 1 || len(s.Process.Started.String()) == 0 || s.Process.Started.After(event.StageTimestamp.Add(3*time.Second)) {
		t.Errorf("events %+v, started %s", s.Events, s.Process.Started)
	}
}

// otherFlags changes the manifest behind the back of the process.
func otherFlags(t *testing.T, d *diagnosed) {
	t.Helper()
	good := readFile(t, d.manifest)
	write(t, d.manifest, []byte(strings.Replace(string(good), "- --audit-log-maxage=30", "- --audit-log-maxage=31", 1)))
	has(t, d.doctor(t, "running-drift", "manifest-drift"), "--audit-log-maxage is 31 in the manifest, and the running kube-apiserver, process", " has 30")
	s := d.status(t)
	if s.Process.AsManifest || len(s.Drift) != 2 || s.Drift[0].Between != "running" || s.Drift[0].Manifest != "31" || s.Drift[0].Other != "30" {
		t.Errorf("status %+v", s)
	}
	write(t, d.manifest, good)
	d.doctor(t)
}

// otherPolicy changes the policy, and puts it back.
func otherPolicy(t *testing.T, d *diagnosed) {
	t.Helper()
	good, later := readFile(t, d.policy), time.Now().Add(time.Minute)
	write(t, d.policy, append([]byte("# another\n"), good...))
	if err := os.Chtimes(d.policy, later, later); err != nil {
		t.Fatal(err)
	}
	has(t, d.doctor(t, "policy-changed-since-start"), "was changed on", "has what was there before")
	write(t, d.policy, good)
	if err := os.Chtimes(d.policy, later, later); err != nil {
		t.Fatal(err)
	}
	d.doctor(t)
}

// upgrade gives the cluster a kubeadm-config without audit, and one with all of it.
func upgrade(t *testing.T, d *diagnosed) {
	t.Helper()
	const object = "/api/v1/namespaces/kube-system/configmaps"
	put := func(method, path, config string) {
		body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": "kubeadm-config"},
			"data": map[string]string{"ClusterConfiguration": config}})
		if err != nil {
			t.Fatal(err)
		}
		if status, answer, err := d.server.Do(t.Context(), method, path, "", body); err != nil || status >= 300 {
			t.Fatalf("%d %s %v", status, answer, err)
		}
	}
	put(http.MethodPost, object, "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer:\n  extraArgs:\n  - {name: bind-address, value: planted}\n")
	has(t, d.doctor(t, "upgrade-drift"), "without audit: --audit-log-maxage")
	var list, mapping strings.Builder
	for _, arg := range d.command {
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if strings.HasPrefix(name, "audit-") {
			fmt.Fprintf(&list, "  - {name: %s, value: %q}\n", name, value)
			fmt.Fprintf(&mapping, "    %s: %q\n", name, value)
		}
	}
	volumes := "  extraVolumes:\n"
	for _, dir := range []string{filepath.Dir(d.policy), filepath.Dir(d.log)} {
		volumes += fmt.Sprintf("  - {name: x, hostPath: %s, mountPath: %s}\n", dir, dir)
	}
	for _, args := range []string{list.String(), mapping.String()} {
		put(http.MethodPut, object+"/kubeadm-config", "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer:\n  extraArgs:\n"+args+volumes)
		d.doctor(t)
	}
	if status, answer, err := d.server.Do(t.Context(), http.MethodDelete, object+"/kubeadm-config", "", nil); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, answer, err)
	}
}

// logGone removes the log under the server.
func logGone(t *testing.T, d *diagnosed) {
	t.Helper()
	if err := os.Rename(d.log, d.log+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	d.doctor(t, "log-missing")
	if err := os.Rename(d.log+".elsewhere", d.log); err != nil {
		t.Fatal(err)
	}
	d.doctor(t)
}

// silent has a policy of which no request is one.
func silent(t *testing.T, program string, plane *controlplane.ControlPlane) {
	t.Helper()
	file := filepath.Join(plane.Dir, "silent.yaml")
	write(t, file, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  users: [nobody-at-all]\n"))
	d := diagnose(t, program, plane, "--policy="+file)
	for range 250 {
		if status, _, err := d.server.Get(t.Context(), "/version", ""); err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	has(t, d.doctor(t, "policy-none", "zero-events", "cis-3.2.2"), "requests was recorded since")
	if s := d.status(t); s.Events.Events != 0 || s.Events.Requests < 250 {
		t.Errorf("events %+v", s.Events)
	}
	d.server.Stop()
}

// lost has a receiver that goes away.
func lost(t *testing.T, program string, plane *controlplane.ControlPlane) {
	t.Helper()
	to := receiver.Start(t, filepath.Join(plane.Dir, "receiver"), plane.Address())
	d := diagnose(t, program, plane, append(webhookFlags(to), "--profile=metadata", "--backend=log,webhook", "--webhook-initial-backoff=10ms", "--set=audit-webhook-batch-max-wait=1s")...)
	received(t, d.server, to, "auditsetup-doctor")
	// the receiver's certificates are made for a day
	d.doctor(t, "webhook-config", "webhook-config", "webhook-certificate")
	to.Down()
	has(t, d.doctor(t, "webhook-config", "webhook-config", "webhook-unreachable"), "connection refused")
	deadline := time.Now().Add(2 * time.Minute)
	for {
		if s := d.status(t); len(s.Events.Lost) > 0 && s.Events.Lost[0].Events > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no event is counted as lost")
		}
		time.Sleep(500 * time.Millisecond)
	}
	has(t, d.doctor(t, "events-lost", "webhook-config", "webhook-config", "webhook-unreachable"), "events were lost by webhook")
	to.Up(t)
	d.doctor(t, "events-lost", "webhook-config", "webhook-config", "webhook-certificate")
	d.server.Stop()
}
