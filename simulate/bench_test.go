// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkRun simulates the default profile on real events, from a file that is
// in the page cache, on all cores.
func BenchmarkRun(b *testing.B) {
	for _, load := range []struct{ name, file, level string }{
		{"bodies", "workloads/bodies.log.gz", "RequestResponse"}, {"metadata", "audit.log", "Metadata"},
	} {
		b.Run(load.name, func(b *testing.B) {
			var lines []byte
			for line := range bytes.Lines(unpacked(b, filepath.Join(logs, load.file))) {
				if bytes.Contains(line[:100], []byte(load.level)) {
					lines = append(lines, line...)
				}
			}
			data := bytes.Repeat(lines, 256<<20/len(lines))
			path := filepath.Join(b.TempDir(), "x.log")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				b.Fatal(err)
			}
			policies := allProfiles(b)[:1]
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				ran(b, policies, 2, path)
			}
		})
	}
}

func unpacked(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) != ".gz" {
		return data
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return data
}
