// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestManifestChange renames a changed manifest into place, with nothing of
// ours involved: this is what any change costs.
func TestManifestChange(t *testing.T) {
	ctx, n := fresh(t)
	before := running(ctx, t, n)
	changed := with(t, n.Original, "--profiling=false")
	w := watch(t, n)
	replaced := time.Now()
	if err := Replace(Manifest, changed); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, changed); err != nil {
		t.Fatal(err)
	}
	took := time.Since(replaced)
	mirrored(ctx, t, n)
	say("the mirror pod is the new one %.1f s after that", (time.Since(replaced) - took).Seconds())
	time.Sleep(relist - min(relist, time.Since(replaced)-took))
	report := w.Stop()
	if len(report.Started) != 1 {
		t.Errorf("%d API servers were started, want one: %v", len(report.Started), report.Started)
	}
	if len(report.Outages) == 0 {
		t.Error("the API server was never away, so nothing was watched")
	} else {
		say("a changed manifest: away after %.1f s, for %.1f s; in force after %.1f s",
			report.Outages[0].From.Sub(replaced).Seconds(), report.Away().Seconds(), took.Seconds())
	}
	if after := running(ctx, t, n); after.PodUID == before.PodUID {
		t.Errorf("the pod has the UID %s as before", after.PodUID)
	}
}

// TestStrayManifest holds the kubelet to what auditsetup's care with names is
// built on: a copy beside the manifest is a pod, unless its name has a dot.
func TestStrayManifest(t *testing.T) {
	ctx, n := fresh(t)
	changed := with(t, n.Original, "--profiling=false")
	before := running(ctx, t, n)
	unseen := filepath.Join(manifestsDir, "backup", "kube-apiserver.yaml")
	if err := os.Mkdir(filepath.Dir(unseen), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{unseen, filepath.Join(manifestsDir, ".kube-apiserver.yaml.bak")} {
		if err := Replace(file, changed); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(relist)
	if after := running(ctx, t, n); after.ID != before.ID {
		t.Error("a copy with a dot, or in a folder, restarted the API server")
	}

	w := watch(t, n)
	stray := Manifest + ".bak"
	if err := os.WriteFile(stray, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, changed); err != nil {
		t.Fatalf("the kubelet did not take up the copy: %v", err)
	}
	say("a copy with the name %s: it runs, away for %.1f s", filepath.Base(stray), w.Stop().Away().Seconds())

	w = watch(t, n)
	if err := os.Remove(stray); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, n.Original); err != nil {
		t.Fatal(err)
	}
	say("the copy taken away: the manifest runs again, away for %.1f s", w.Stop().Away().Seconds())
}

// TestKubeletRestart: the API server outlives its kubelet.
func TestKubeletRestart(t *testing.T) {
	ctx, n := fresh(t)
	before := running(ctx, t, n)
	w := watch(t, n)
	if err := n.RestartKubelet(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	if report := w.Stop(); len(report.Outages) > 0 || len(report.Started) > 0 {
		t.Errorf("a restart of the kubelet disturbed the API server: %+v", report)
	}
	if after := running(ctx, t, n); after.ID != before.ID {
		t.Error("a restart of the kubelet restarted the API server")
	}
}

// TestReboot cuts the power: the manifest that was there comes up.
func TestReboot(t *testing.T) {
	ctx, n := fresh(t)
	changed := with(t, n.Original, "--profiling=false")
	if err := Replace(Manifest, changed); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := n.Reboot(ctx); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, changed); err != nil {
		t.Fatal(err)
	}
	say("in force %.1f s after a power cut", time.Since(start).Seconds())
	mirrored(ctx, t, n)
}

// TestBrokenBoot boots with a manifest that the API server refuses, and puts the
// manifest right while the node is up. That alone does nothing: a kubelet that
// has never reached an API server removes no pod, "because sources aren't ready
// yet" (kubernetes pkg/kubelet/kubelet.go, deletePod), and the new pod waits for
// the old one to be gone. A restart of the kubelet helps.
func TestBrokenBoot(t *testing.T) {
	ctx, n := fresh(t)
	if err := Replace(Manifest, with(t, n.Original, "--no-such-flag")); err != nil {
		t.Fatal(err)
	}
	if err := n.Reboot(ctx); err != nil {
		t.Fatal(err)
	}
	awaitFailed(ctx, t, n)
	if err := Replace(Manifest, n.Original); err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(ctx, 2*relist)
	defer cancel()
	if err := n.AwaitInForce(patience, n.Original); err == nil {
		t.Error("the kubelet starts an API server without having been restarted: see what auditsetup need no longer do")
	}
	start := time.Now()
	if err := n.RestartKubelet(ctx); err != nil {
		t.Fatal(err)
	}
	if err := n.AwaitInForce(ctx, n.Original); err != nil {
		t.Fatal(err)
	}
	say("a manifest put right after a boot: not started in %.0f s; in force %.1f s after a restart of the kubelet",
		(2 * relist).Seconds(), time.Since(start).Seconds())
	mirrored(ctx, t, n)
}

// awaitFailed waits until an API server has ended with an error.
func awaitFailed(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	for {
		all, err := n.Containers(ctx, "kube-apiserver")
		if err == nil && len(all) > 0 && all[0].ExitCode == 1 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no API server failed: %v, %v", all, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
