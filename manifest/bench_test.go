// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
)

// What enable and disable spend on the manifest: reading included, since no
// command does the one without the other.
func BenchmarkApply(b *testing.B) {
	benchmark(b, false, func(m *manifest.Manifest) error {
		_, err := manifest.Apply(m, want())
		return err
	})
}

func BenchmarkApplyAgain(b *testing.B) {
	benchmark(b, true, func(m *manifest.Manifest) error {
		_, err := manifest.Apply(m, want())
		return err
	})
}

func BenchmarkUndo(b *testing.B) {
	benchmark(b, true, func(m *manifest.Manifest) error {
		_, err := manifest.Undo(m)
		return err
	})
}

func BenchmarkRead(b *testing.B) {
	benchmark(b, false, func(*manifest.Manifest) error { return nil })
}

func benchmark(b *testing.B, applied bool, do func(m *manifest.Manifest) error) {
	b.Helper()
	data, err := os.ReadFile(kubeadmDir + "/v1.37.1/kube-apiserver.yaml")
	if err != nil {
		b.Fatal(err)
	}
	read := func() *manifest.Manifest {
		m, err := manifest.Read("m.yaml", data)
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	if applied {
		r, err := manifest.Apply(read(), want())
		if err != nil {
			b.Fatal(err)
		}
		data = r.After
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := do(read()); err != nil {
			b.Fatal(err)
		}
	}
}
