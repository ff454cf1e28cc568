// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSignals ends the wizard from outside, at a line, in a list and at a page: no
// shell but the interactive ones mends a terminal that was left raw.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		for _, c := range []struct {
			name string
			seat seat
			at   int
		}{{"line", seat{}, 0}, {"list", seat{}, 1}, {"page", seat{}, 6}, {"mute", seat{mute: true}, 0}, {"dumb", seat{term: "dumb"}, 1}} {
			t.Run(fmt.Sprint(s, " ", c.name), func(t *testing.T) {
				t.Parallel()
				c.seat.dir = machine(t)
				before := tree(t, c.seat.dir)
				p := c.seat.run(t, "enable", "--root", "root")
				modes := terminalModes(t, p)
				answers := purposes[0].answers
				for _, a := range answers[:c.at] {
					p.answers(a.sees, a.types)
				}
				if c.at < len(answers) {
					p.sees(strings.TrimSuffix(answers[c.at].sees, "\n>"))
				} else {
					p.sees(more)
				}
				if err := p.cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				shown := p.ends(1)
				if !strings.Contains(shown, "interrupted, and nothing was written") {
					t.Errorf("not said that nothing was written\n%s", shown)
				}
				if after := terminalModes(t, p); after != modes {
					t.Errorf("the terminal is left in %+v, and was in %+v", after, modes)
				}
				if on, off := strings.Count(shown, "\x1b[?2004h"), strings.Count(shown, "\x1b[?2004l"); on != off {
					t.Errorf("marks of pastes were asked for %d times, and given up %d times", on, off)
				}
				if after := tree(t, c.seat.dir); !maps.Equal(before, after) {
					t.Errorf("%s is not as before", filepath.Join(c.seat.dir, "root"))
				}
			})
		}
	}
}

// terminalModes are those that stty shows, of the terminal and not of its driver.
func terminalModes(t *testing.T, p *person) unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(p.ctrl.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}
