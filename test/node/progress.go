// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"io"
	"time"
)

// progress prints what is going on, with the time since it began. The zero
// value prints nothing.
type progress struct {
	out     io.Writer
	version string
	began   time.Time
}

func newProgress(out io.Writer, version string, began time.Time) progress {
	return progress{out: out, version: version, began: began}
}

func (p progress) say(format string, args ...any) {
	if p.out == nil {
		return
	}
	fmt.Fprintf(p.out, "e2e %s %5.1fs: %s\n", p.version, time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}
