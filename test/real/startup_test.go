// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/templates"
)

// BenchmarkHelp sets the start of auditsetup beside that of kubeadm, whole
// commands in turn. It reports the median of the ratios: the project wants at
// most 0.7.
func BenchmarkHelp(b *testing.B) {
	bins, err := cache(b).Kubernetes(b.Context(), "v1.37.1")
	if err != nil {
		b.Fatal(err)
	}
	besides(b, []string{build(b), "--help"}, []string{bins.Kubeadm, "version", "-o", "short"})
}

// BenchmarkDryRun sets the main job beside doing nothing. The project wants at
// most 1.5.
func BenchmarkDryRun(b *testing.B) {
	program, root := build(b), b.TempDir()
	manifest := filepath.Join(root, "etc/kubernetes/manifests/kube-apiserver.yaml")
	if err := os.MkdirAll(filepath.Dir(manifest), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(manifest, templates.SampleManifest, 0o600); err != nil {
		b.Fatal(err)
	}
	besides(b, []string{program, "enable", "--dry-run", "--root", root}, []string{program, "--help"})
}

// besides runs two commands in turn and reports the median ratio of their wall
// times, so that a machine whose speed drifts does not matter.
func besides(b *testing.B, command, peer []string) {
	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, float64(took(b, command))/float64(took(b, peer)))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

func took(b *testing.B, command []string) time.Duration {
	cmd := exec.CommandContext(b.Context(), command[0], command[1:]...)
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%v: %v", command, err)
	}
	return time.Since(start)
}
