// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"io"
	"os"

	"k8s.io/kubectl/pkg/util/term"
)

// Streams is what a run of the program reads and writes, and what it may know
// of its surroundings. Nothing in this package touches os.Stdin and the like
// but [System], and the prompt on a terminal.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Interactive is set when a person can see what is asked and answer it: all
	// three are terminals.
	Interactive bool
	// Live is set when Err is a terminal on which a line can be written over, and
	// Width is how many columns it has, 0 when that is not known.
	Live  bool
	Width int
	// TempDir is where scratch folders go; empty means the system's own place.
	TempDir string
}

// System is the process's own streams.
func System() Streams {
	tty := term.TTY{In: os.Stdin, Out: os.Stdout}
	asked := term.TTY{Out: os.Stderr}
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Interactive: tty.IsTerminalIn() && tty.IsTerminalOut() && asked.IsTerminalOut()}
	s.Live = asked.IsTerminalOut() && os.Getenv("TERM") != "dumb"
	if size := asked.GetSize(); s.Live && size != nil {
		s.Width = int(size.Width)
	}
	return s
}
