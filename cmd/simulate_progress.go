// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/tuning"
)

// showProgress draws a bar on a terminal as files are read, and nothing elsewhere.
// The function that it gives takes the bar away.
func showProgress(io Streams, files []auditlog.File, done *atomic.Int64) (over func()) {
	if !io.Live {
		return func() {}
	}
	p := progress{w: io.Err, width: io.Width, begun: time.Now()}
	for _, f := range files {
		p.total += f.Size
	}
	stop := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() {
		ticker := time.NewTicker(turn)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				fmt.Fprint(p.w, "\r\x1b[K")
				return
			case <-ticker.C:
				fmt.Fprint(p.w, "\r\x1b[K"+p.line(done.Load(), time.Since(p.begun)))
			}
		}
	})
	return func() {
		close(stop)
		drawing.Wait()
	}
}

// progress is how far the reading of files is.
type progress struct {
	w     io.Writer
	width int
	total int64
	begun time.Time
}

// line has a bar where the end is known, the rate, and the time that is left.
func (p progress) line(done int64, took time.Duration) string {
	rate := float64(done) / max(took.Seconds(), 0.001)
	if p.total == 0 {
		return p.fit(fmt.Sprintf("reading, %s", took.Round(time.Second)))
	}
	done = min(done, p.total)
	text := fmt.Sprintf(" %3d %%  %s of %s, %s/s", done*100/p.total, tuning.FormatBytes(done), tuning.FormatBytes(p.total), tuning.FormatBytes(int64(rate)))
	if done > 0 && took > time.Second {
		left := time.Duration(float64(p.total-done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	const most = 30
	if cells := min(most, p.width-len(text)-3); cells >= 10 {
		full := int(done * int64(cells) / p.total)
		text = "[" + strings.Repeat("=", full) + strings.Repeat(" ", cells-full) + "]" + text
	}
	return p.fit(text)
}

// fit keeps the line from going over the edge.
func (p progress) fit(line string) string {
	if p.width > 1 && len(line) >= p.width {
		return line[:p.width-1]
	}
	return line
}
