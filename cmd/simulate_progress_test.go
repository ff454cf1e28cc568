// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/auditlog"
)

func TestProgressLine(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		width       int
		total, done int64
		took        time.Duration
	}{
		"[===============               ]  50 %  1 GiB of 2 GiB, 512 MiB/s, 2s left": {100, 2 << 30, 1 << 30, 2 * time.Second},
		" 50 %  1 GiB of 2 GiB, 512 MiB/s, 2s left":                                  {45, 2 << 30, 1 << 30, 2 * time.Second},
		" 50 %  1 GiB of 2 ":                      {20, 2 << 30, 1 << 30, 2 * time.Second},
		"100 %  10 bytes of 10 bytes, 24 bytes/s": {0, 10, 12, time.Second / 2},
		"reading, 3s":                             {80, 0, 0, 3 * time.Second},
	} {
		p := progress{width: c.width, total: c.total}
		if got := p.line(c.done, c.took); strings.TrimLeft(got, " ") != strings.TrimLeft(want, " ") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestProgressShown draws on a terminal, takes the bar away, and is silent elsewhere.
func TestProgressShown(t *testing.T) {
	t.Parallel()
	files := []auditlog.File{{Path: "x", Size: 100}}
	var done atomic.Int64
	for _, live := range []bool{true, false} {
		var b bytes.Buffer
		over := showProgress(Streams{Err: &b, Live: live, Width: 80}, files, &done)
		time.Sleep(2 * turn)
		over()
		if got := b.String(); strings.Contains(got, "of 100 bytes") != live || live && !strings.HasSuffix(got, "\r\x1b[K") || !live && got != "" {
			t.Errorf("live %t: %q", live, got)
		}
	}
}
