// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// status is what matters here of auditsetup status -o json.
type status struct {
	On, ByAuditsetup bool
	KubeVersion      string
	Profile          string
	Process          *struct{ AsManifest, On, Ready bool }
	Flags            []struct {
		Name                       string
		Manifest, Running, Kubeadm *string
	}
	Log     *struct{ Bytes int64 }
	Webhook struct{ Failed float64 }
	Events  *struct {
		Events float64
		Lost   []struct {
			Part   string
			Events float64
		}
	}
	Drift            []struct{ Between string }
	Errors, Warnings int
}

// lost is how many events a part has lost.
func (s status) lost(part string) float64 {
	sum := 0.0
	if s.Events == nil {
		return sum
	}
	for _, l := range s.Events.Lost {
		if l.Part == part {
			sum += l.Events
		}
	}
	return sum
}

// statusOf asks, and shows nothing.
func statusOf(ctx context.Context, t *testing.T, n *Node) status {
	t.Helper()
	out, err := n.Auditsetup(ctx, "status", "-o=json").Output()
	var s status
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return s
}

// awaitStatus asks until the status is good.
func awaitStatus(ctx context.Context, t *testing.T, n *Node, what string, good func(status) bool) {
	t.Helper()
	begun := time.Now()
	for !good(statusOf(ctx, t, n)) {
		select {
		case <-ctx.Done():
			t.Fatalf("no status tells of %s", what)
		case <-time.After(250 * time.Millisecond):
		}
	}
	say("the status tells of %s after %.1f s", what, time.Since(begun).Seconds())
}

// diagnosed wants findings of doctor with these IDs, in any order and any
// number, and no others, and a status that knows of them. It gives doctor's
// text.
func diagnosed(ctx context.Context, t *testing.T, n *Node, want ...string) string {
	t.Helper()
	code := 0
	if len(want) > 0 {
		code = 3
	}
	out, _ := tool(t, n.Auditsetup(ctx, "doctor"), code)
	got := map[string]bool{}
	count := 0
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 1 && (fields[0] == "error" || fields[0] == "warning") {
			got[strings.TrimSuffix(fields[1], ":")] = true
			count++
		}
	}
	for _, id := range want {
		if !got[id] {
			t.Errorf("doctor has not found %s", id)
		}
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("doctor has found %v", got)
	}
	if s := statusOf(ctx, t, n); s.Errors+s.Warnings != count {
		t.Errorf("the status has %d errors and %d warnings, doctor %d in all", s.Errors, s.Warnings, count)
	}
	return out
}

// TestDoctor asks doctor and status through the life of a setup. What they say
// has to be true of the node, and nothing has to be wrong with a plain enable.
func TestDoctor(t *testing.T) {
	ctx, n := fresh(t)
	holds(t, diagnosed(ctx, t, n, "audit-off"), "remedy: auditsetup enable\n", "1 error; ")
	out, _ := tool(t, n.Auditsetup(ctx, "status"), 0)
	holds(t, out, "audit logging is off for kube-apiserver "+n.Version+"\n", "with the flags of the manifest", "findings  1 error: ")
	s := statusOf(ctx, t, n)
	if s.On || s.ByAuditsetup || s.KubeVersion != n.Version || s.Process == nil || s.Process.On || !s.Process.AsManifest || !s.Process.Ready || len(s.Flags) != 0 || s.Log != nil {
		t.Errorf("of kubeadm's node: %+v", s)
	}

	tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	holds(t, diagnosed(ctx, t, n), "no findings by ", "not looked at: the ConfigMap kube-system/kubeadm-config, because: there is none")
	out, _ = tool(t, n.Auditsetup(ctx, "status"), 0)
	holds(t, out, "audit logging is on for kube-apiserver "+n.Version+", by auditsetup enable of ", "profile recommended", APILog+", ", ", at most ", ", none lost")
	s = statusOf(ctx, t, n)
	if !s.On || !s.ByAuditsetup || s.Profile != "recommended" || !s.Process.On || !s.Process.AsManifest || s.Log == nil || s.Log.Bytes == 0 || s.Events.Events == 0 || len(s.Drift) != 0 {
		t.Errorf("with audit on: %+v", s)
	}
	for _, f := range s.Flags {
		if f.Manifest == nil || f.Running == nil || *f.Manifest != *f.Running || f.Kubeadm != nil {
			t.Errorf("%s: %+v", f.Name, f)
		}
	}
	keptOrNot(ctx, t, n)

	tool(t, n.Auditsetup(ctx, "disable", "--yes"), 0)
	diagnosed(ctx, t, n, "audit-off")
	if s := statusOf(ctx, t, n); s.On || s.ByAuditsetup || s.Process.On || len(s.Flags) != 0 || len(s.Drift) != 0 {
		t.Errorf("with audit off again: %+v", s)
	}
	asBefore(ctx, t, n)
}

// keptOrNot puts kubeadm's configuration into the cluster, of which an upgrade
// would write a manifest without audit, and has that mended in both ways.
func keptOrNot(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	t.Cleanup(func() {
		if err := os.RemoveAll("/etc/kubernetes/patches"); err != nil {
			t.Error(err)
		}
	})
	uploaded(ctx, t, n)
	holds(t, diagnosed(ctx, t, n, "upgrade-drift"), "kubeadm upgrade would write the manifest without audit")
	if s := statusOf(ctx, t, n); len(s.Drift) == 0 || s.Drift[0].Between != "kubeadm-config" {
		t.Errorf("drift %+v", s.Drift)
	}
	for _, where := range []string{"kubeadm-config", "kubeadm-patches"} {
		tool(t, n.Auditsetup(ctx, "enable", "--yes", "--persist="+where), 0)
		diagnosed(ctx, t, n)
	}
}

// TestDoctorBackup has a copy of the manifest as it was beside the one with
// audit, which the kubelet runs: what is in force is what the process has.
func TestDoctorBackup(t *testing.T) {
	ctx, n := fresh(t)
	tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	changed := readFile(t, Manifest)
	backup := Manifest + ".bak"
	if err := os.WriteFile(backup, n.Original, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, n.Original); err != nil {
		t.Fatal(err)
	}
	holds(t, diagnosed(ctx, t, n, "stray-manifest", "running-drift"), backup+": defines the same pod", "mv "+backup+" /root/",
		"the running kube-apiserver, process ", " records nothing: ", "move the file away that runs instead")
	out, _ := tool(t, n.Auditsetup(ctx, "status"), 0)
	holds(t, out, "--audit-policy-file=/etc/kubernetes/audit/policy.yaml is in the manifest, and the running kube-apiserver, process ",
		"audit logging is off for the kube-apiserver "+n.Version+" that runs, although its manifest has it on\n", "with other flags than the manifest")
	s := statusOf(ctx, t, n)
	if !s.On || s.Process.On || s.Process.AsManifest || len(s.Flags) == 0 {
		t.Errorf("%+v", s)
	}
	for _, f := range s.Flags {
		if f.Manifest == nil || f.Running != nil {
			t.Errorf("%s: %+v", f.Name, f)
		}
	}

	before, container := listing(t), running(ctx, t, n).ID
	for _, args := range [][]string{{"enable", "--profile=metadata"}, {"disable"}, {"rollback"}} {
		_, text := tool(t, n.Auditsetup(ctx, append(args, "--yes")...), 1)
		holds(t, text, backup+": defines the same pod, kube-system/kube-apiserver", "hint: move it away, ")
	}
	if after := listing(t); !slices.Equal(after, before) || string(readFile(t, Manifest)) != string(changed) {
		t.Errorf("files:\n%q\nbefore:\n%q", after, before)
	}
	if now := running(ctx, t, n).ID; now != container {
		t.Error("the API server was restarted")
	}
	if err := os.Remove(backup); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, changed); err != nil {
		t.Fatal(err)
	}
	diagnosed(ctx, t, n)
}

// listing names the files that auditsetup may touch, with size and time.
func listing(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{"/var/lib/auditsetup", manifestsDir, "/etc/kubernetes/audit"} {
		err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				all = append(all, fmt.Sprint(dir, " ", path, " ", info.Size(), " ", info.ModTime()))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
