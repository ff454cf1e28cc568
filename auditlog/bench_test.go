// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// sample is real events of the levels wanted, over and over.
func sample(b *testing.B, least int, levels ...string) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "logs", "audit.log"))
	if err != nil {
		b.Fatal(err)
	}
	var some []byte
	for line := range bytes.Lines(data) {
		for _, level := range levels {
			if bytes.Contains(line, []byte(`"level":"`+level+`"`)) {
				some = append(some, line...)
			}
		}
	}
	if len(some) == 0 {
		b.Fatal("no such events")
	}
	return bytes.Repeat(some, least/len(some)+1)
}

// BenchmarkScan reads from memory, on one core.
func BenchmarkScan(b *testing.B) {
	for _, level := range []string{Metadata, RequestResponse} {
		b.Run(level, func(b *testing.B) {
			data := sample(b, 16<<20, level)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				report, err := Scan(b.Context(), "f", io.Reader(bytes.NewReader(data)), func(*Event) error { return nil })
				if err != nil || report.Events == 0 || report.Strays != 0 {
					b.Fatal(report, err)
				}
			}
		})
	}
}
