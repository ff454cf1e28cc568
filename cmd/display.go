// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/auditsetup/auditsetup/node"
)

const (
	// turn is how often the spinner moves, quiet how long lines off a terminal
	// are apart at least, unless a new step begins.
	turn  = 120 * time.Millisecond
	quiet = 5 * time.Second
)

// display shows how a change goes: on a terminal one line that moves, elsewhere
// plain lines. It is told by one goroutine and drawn by another.
type display struct {
	w     io.Writer
	live  bool
	width int

	mu     sync.Mutex
	now    string    // the step, and what it waits for
	begun  time.Time // the step
	told   time.Time // the last plain line
	frame  int
	closed chan struct{}
	done   sync.WaitGroup
}

func newDisplay(io Streams) *display {
	d := &display{w: io.Err, live: io.Live, width: io.Width, closed: make(chan struct{})}
	if d.live {
		d.done.Go(d.spin)
	}
	return d
}

func (d *display) spin() {
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	for {
		select {
		case <-d.closed:
			return
		case <-ticker.C:
			d.draw()
		}
	}
}

// draw writes over the line.
func (d *display) draw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now == "" {
		return
	}
	line := []rune(fmt.Sprintf("%c %s (%.0f s)", `|/-\`[d.frame%4], d.now, time.Since(d.begun).Seconds()))
	if d.width > 1 && len(line) >= d.width {
		line = line[:d.width-1]
	}
	d.frame++
	fmt.Fprintf(d.w, "\r\x1b[K%s", string(line))
}

// step is for [node.Trial].
func (d *display) step(s node.Step) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now, d.begun = string(s), time.Now()
	d.line(true)
}

// doing says what a step waits for.
func (d *display) doing(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = "wait for " + what
	d.line(false)
}

// line writes a plain line, where there is no other.
func (d *display) line(always bool) {
	if d.live || !always && time.Since(d.told) < quiet {
		return
	}
	if !always {
		d.told = time.Now()
	}
	fmt.Fprintf(d.w, "auditsetup: %s\n", d.now)
}

// close takes the line away. More than one call does no harm.
func (d *display) close() {
	select {
	case <-d.closed:
		return
	default:
	}
	close(d.closed)
	d.done.Wait()
	if d.live && d.now != "" {
		fmt.Fprint(d.w, "\r\x1b[K")
	}
}
