// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package real holds auditsetup to the real thing: kube-apiserver and kubeadm
// of several releases, built from their source. It is a module of its own, so
// that none of this weighs on the tool's go.mod. It needs neither root nor a
// network beyond the Go module proxy, which is asked once; run `go run ./build`
// first, since building takes longer than `go test` allows by default.
package real

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// forEachRelease runs a test with the programs of every release, in parallel.
func forEachRelease(t *testing.T, test func(t *testing.T, bins release.Binaries)) {
	t.Helper()
	for _, version := range release.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			bins, err := cache(t).Kubernetes(t.Context(), version)
			if err != nil {
				t.Fatal(err)
			}
			test(t, bins)
		})
	}
}

// forLiveReleases runs a test of changes that are watched as they happen with
// the programs of the newest release, or of all with AUDITSETUP_LIVE=all, as
// make live does: such tests wait for minutes, and test/node has the real kubelet
// for them.
func forLiveReleases(t *testing.T, test func(t *testing.T, bins release.Binaries)) {
	t.Helper()
	if os.Getenv("AUDITSETUP_LIVE") == "all" {
		forEachRelease(t, test)
		return
	}
	bins, err := cache(t).Kubernetes(t.Context(), release.Versions()[0])
	if err != nil {
		t.Fatal(err)
	}
	test(t, bins)
}

// newControlPlane returns a control plane of a release with etcd running. It
// serves any number of API servers, one after the other.
func newControlPlane(t *testing.T, bins release.Binaries) *controlplane.ControlPlane {
	t.Helper()
	etcd, err := cache(t).Etcd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return controlplane.New(t, bins, etcd, scratch(t))
}

// scratch makes a folder beside the cache that goes with t. The system's own
// folder for such things will not do: auditsetup refuses to put a policy or a
// log below /tmp. What a killed run left there goes after a day.
func scratch(t *testing.T) string {
	t.Helper()
	parent := filepath.Join(filepath.Dir(cache(t).Dir), "run")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(filepath.Join(parent, entry.Name()))
		}
	}
	dir, err := os.MkdirTemp(parent, "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// cache is where the programs are.
func cache(t testing.TB) release.Cache {
	t.Helper()
	c, err := release.Default()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
