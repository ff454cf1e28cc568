// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"fmt"

	"github.com/auditsetup/auditsetup/document"
	"github.com/spf13/pflag"
)

// consent is how a command that changes a host comes to do it: after --yes, or
// after a person saw the change and agreed; with --dry-run, never.
type consent struct {
	io          Streams
	prompt      prompter
	dryRun, yes bool
	// show has the change shown even with --yes.
	show bool
}

func (c *consent) add(f *pflag.FlagSet) {
	f.BoolVar(&c.dryRun, "dry-run", false, "show the diff of every file and write nothing")
	f.BoolVar(&c.yes, "yes", false, "do not ask before writing")
}

// possible refuses, before any work is done, what could not be agreed to later.
func (c *consent) possible(h *hostFlags) error {
	if err := h.check(); err != nil {
		return err
	}
	if c.dryRun {
		return nil
	}
	if !c.yes && !c.io.Interactive {
		return usagef("add --dry-run to see what would be done, or --yes to do it", "there is no terminal to ask on")
	}
	return nil
}

// given shows the change where it is to be seen, and tells whether to make it.
// Not to make it is no error in a dry run only.
func (c *consent) given(p *planned) (bool, error) {
	ask := !c.yes && !c.dryRun
	var text bytes.Buffer // written at once: a reader at a pipe is woken for each write
	if ask || c.dryRun || c.show {
		p.showDiff(&text)
		if p.desired != nil {
			writeReasons(&text, p.desired)
		}
	}
	if c.dryRun {
		fmt.Fprintln(&text, "\ndry run: nothing was written")
	}
	if _, err := text.WriteTo(c.io.Out); err != nil || c.dryRun {
		return false, err
	}
	if !ask {
		return true, nil
	}
	yes, err := c.prompt.Confirm("Write these changes?")
	switch {
	case err != nil:
		return false, document.Problem{What: "interrupted, and nothing was written"}
	case !yes:
		return false, declinedError{}
	}
	return true, nil
}
