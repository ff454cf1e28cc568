// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
)

const (
	// turn is how often the spinner moves, quiet how long lines off a terminal
	// are apart at least, unless a new step begins.
	turn  = 120 * time.Millisecond
	quiet = 5 * time.Second
)

// display shows how a change goes: on a terminal a line that moves and, of each
// step that is over, one that stays; elsewhere plain lines, as steps begin. It is
// told by one goroutine and drawn by another.
type display struct {
	w     io.Writer
	live  bool
	width int

	mu     sync.Mutex
	name   string    // the step
	now    string    // the same, or what it waits for
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
	d.over(s != node.StepUndo)
	d.name, d.now, d.begun = string(s), string(s), time.Now()
	d.line(true)
}

// over leaves a line of the step that is over, with its time if that is worth a
// word.
func (d *display) over(well bool) {
	if !d.live || d.name == "" {
		return
	}
	word, took := "done  ", ""
	if !well {
		word = "failed"
	}
	if t := time.Since(d.begun); t >= time.Second {
		took = " (" + seconds(t) + ")"
	}
	fmt.Fprintf(d.w, "\r\x1b[K%s  %s%s\n", word, d.name, took)
}

// doing says what a step waits for.
func (d *display) doing(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = "wait for " + what
	d.line(false)
}

// remark writes a note amid a step.
func (d *display) remark(p document.Problem) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live {
		fmt.Fprint(d.w, "\r\x1b[K")
	}
	say(d.w, "note", document.Problems{p})
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

// close ends the last step, well or not.
func (d *display) close(well bool) {
	close(d.closed)
	d.done.Wait()
	d.over(well)
}
