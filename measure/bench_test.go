// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"testing"

	"github.com/auditsetup/auditsetup/auditlog"
)

// BenchmarkLog measures real events from memory, on one core.
func BenchmarkLog(b *testing.B) {
	data := bytes.Repeat(content(b, "../testdata/logs/audit.log"), 200)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var tally Tally
		report, err := auditlog.Scan(b.Context(), "f", bytes.NewReader(data), tally.Add)
		if err != nil || report.Events == 0 {
			b.Fatal(report, err)
		}
	}
}
