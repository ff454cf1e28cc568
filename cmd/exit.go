// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/spf13/cobra"
)

// The exit codes. They are part of the interface: scripts go by them.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 3
	exitUndone   = 4
)

// exitCodes is the one table of what the codes mean.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done, or nothing to do"},
	{exitFailed, "failed or declined, nothing changed"},
	{exitUsage, "wrong usage: a flag, an argument, or the value of one"},
	{exitFindings, "findings, or changes pending (patch --check)"},
	{exitUndone, "applied, did not become healthy, and put back"},
}

// usageError is a mistake in the command line.
type usageError struct{ document.Problem }

// Unwrap keeps the hint for whoever looks for problems.
func (u usageError) Unwrap() error { return u.Problem }

func usagef(hint, format string, args ...any) error {
	return usageError{document.Problem{What: fmt.Sprintf(format, args...), Hint: hint}}
}

// declinedError says that a person was asked and did not agree.
type declinedError struct {
	// but names what was written all the same, as " but FILE"; mostly empty.
	but string
}

func (d declinedError) Error() string {
	return "nothing was written" + d.but + ", as the answer was no"
}

// pendingError says that a check found something to do. It has been reported
// already.
type pendingError struct{}

func (pendingError) Error() string { return "changes are pending" }

// exitCode maps an error to the table. A problem with the value of a flag is
// wrong usage, one with a file or a host is a failure.
func exitCode(err error) int {
	var usage usageError
	var undone *node.UndoneError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &undone):
		return exitUndone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &pendingError{}):
		return exitFindings
	}
	for _, p := range document.ProblemsOf(err) {
		if strings.HasPrefix(p.File, "--") {
			return exitUsage
		}
	}
	return exitFailed
}

// reportError prints an error by the rules of output:
//
//   - results go to stdout, everything else to stderr
//   - an error is "auditsetup: error: FILE:LINE: what is wrong", then
//     "auditsetup: hint: what to do next"; a hint that several errors in a row
//     share is printed once, behind the last of them
//   - every problem at once, lower case, no full stop, no stack
//   - a run that goes well is short
func reportError(w io.Writer, err error) {
	switch {
	case errors.As(err, &pendingError{}):
		return
	case errors.As(err, &declinedError{}):
		fmt.Fprintf(w, "auditsetup: %s\n", err)
		return
	}
	say(w, "error", document.ProblemsOf(err))
}

// say prints problems as errors, warnings or notes.
func say(w io.Writer, kind string, problems document.Problems) {
	for i, p := range problems {
		fmt.Fprintf(w, "auditsetup: %s: %s\n", kind, p.Error())
		if p.Hint != "" && (i+1 == len(problems) || problems[i+1].Hint != p.Hint) {
			fmt.Fprintf(w, "auditsetup: hint: %s\n", p.Hint)
		}
	}
}

func newExitCodesTopic() *cobra.Command {
	var text strings.Builder
	text.WriteString("auditsetup exits with\n\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&text, "  %d  %s\n", c.code, c.meaning)
	}
	c := &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: text.String()}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { c.Print(c.Long) })
	return c
}
