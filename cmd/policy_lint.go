// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy/lint"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type lintOptions struct {
	io Streams

	version           string
	served            servedFlags
	output, failOn    enum
	benchmarks        []string
	fix, dryRun, list bool
	explain           string
}

func newPolicyLint(io Streams) *cobra.Command {
	o := &lintOptions{io: io, output: enum{"text", []string{"text", "json", "sarif"}}, failOn: enum{"warning", []string{"error", "warning", "info"}}}
	c := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Find what an audit policy says and does not mean, with file, line and column",
		Long: help.LongDesc(`
			Find what in audit policies does not mean what it says: misspelt keys, rules
			that can never decide, words that are compared literally, resources that do
			not exist, credentials that get into the log, doings that leave no trace.

			FILE may be - for standard input. What rules match is computed from all of
			them together, in their order, by kube-apiserver's own evaluator.

			The exit code is 3 with findings of --fail-on and above, 0 without, and 1 when
			a file cannot be read at all.`),
		Example: help.Examples(`
			# A policy for the version it is to run on
			auditsetup policy lint policy.yaml --kube-version 1.31

			# With all that a cluster serves: ask it, or save it where it can be asked
			auditsetup policy lint policy.yaml --discovery kubeconfig
			{ kubectl get --raw /api/v1; for g in $(kubectl api-versions | grep /); do kubectl get --raw /apis/$g; done; } > served.json
			auditsetup policy lint policy.yaml --discovery served.json

			# Mend what is safe to mend: first look, then do
			auditsetup policy lint policy.yaml --fix --dry-run
			auditsetup policy lint policy.yaml --fix

			# What a finding means
			auditsetup policy lint --explain unreachable-rule`),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.add(c)
	return c
}

// add defines the flags.
func (o *lintOptions) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.version, "kube-version", "", "version of the kube-apiserver to lint for (default: the newest known)")
	o.served.add(f)
	f.StringSliceVar(&o.benchmarks, "benchmark", nil, "hold the policy against cis or stig as well")
	f.BoolVar(&o.fix, "fix", false, "mend what is safe to mend, in the files themselves")
	f.BoolVar(&o.dryRun, "dry-run", false, "with --fix: show the changes as a diff, and write nothing")
	f.BoolVar(&o.list, "list", false, "list all checks")
	f.StringVar(&o.explain, "explain", "", "explain the check of this `ID`")
	addEnum(c, &o.output, "output", "o", "how to print the findings")
	addEnum(c, &o.failOn, "fail-on", "", "the least severity for exit code 3")
	// the flag exists, so that registering cannot fail
	_ = c.RegisterFlagCompletionFunc("explain", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, check := range lint.Checks() {
			ids = append(ids, check.ID+"\t"+check.Title)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
}

// usage finds what is wrong with the command line.
func (o *lintOptions) usage(c *cobra.Command, args []string) error {
	var problems document.Problems
	add := func(file, what, hint string) {
		problems = append(problems, document.Problem{File: file, What: what, Hint: hint})
	}
	about := o.list || o.explain != ""
	see := "see " + c.CommandPath() + " --help"
	switch {
	case o.list && o.explain != "":
		add("", "--list and --explain exclude each other", "leave one of them out")
	case about && len(args) > 0:
		add("", "--list and --explain take no file", "leave the file out")
	case !about && len(args) == 0:
		add("", c.CommandPath()+" takes one file or several", see)
	}
	if _, known := lint.Lookup(o.explain); o.explain != "" && !known {
		add("--explain", fmt.Sprintf("%q is no check", o.explain), "see auditsetup policy lint --list")
	}
	if o.dryRun && !o.fix {
		add("", "--dry-run is for --fix", "leave it out: without --fix nothing is written")
	}
	if o.fix && slices.Contains(args, "-") && !o.dryRun {
		add("", "--fix cannot write to standard input", "give a file, or add --dry-run")
	}
	for _, b := range o.benchmarks {
		if !slices.Contains(lint.Benchmarks(), b) {
			add("--benchmark", fmt.Sprintf("%q is none of %s", b, strings.Join(lint.Benchmarks(), ", ")), "")
		}
	}
	if len(problems) > 0 {
		return usageError{problems[0]}
	}
	return nil
}

func (o *lintOptions) run(c *cobra.Command, args []string) error {
	v, versionErr := newestOr(o.version)
	if err := errors.Join(o.usage(c, args), o.served.idle(c.Flags()), versionErr); err != nil {
		return err
	}
	if o.list || o.explain != "" {
		return o.describe()
	}
	in := inputs{stdin: o.io.In}
	against := lint.Options{Version: v, Benchmarks: o.benchmarks}
	missing, err := o.served.read(c.Context(), &in, &against)
	if err != nil {
		return err
	}
	say(o.io.Err, "warning", missing)
	var files []lintedFile
	var failed error
	for _, name := range args {
		data, err := in.read("policy lint", name)
		shown := name
		if name == "-" {
			shown = stdinName
		}
		if err == nil && o.fix {
			data, err = o.mend(shown, name, data)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		files = append(files, lintedFile{shown, lint.Run(shown, data, against)})
	}
	if err := errors.Join(o.print(files, v), failed); err != nil {
		return err
	}
	for _, f := range files {
		if slices.ContainsFunc(f.found, func(f lint.Finding) bool { return f.Severity.AtLeast(lint.Severity(o.failOn.value)) }) {
			return pendingError{}
		}
	}
	return nil
}

// describe prints checks: one in full, or all as a list.
func (o *lintOptions) describe() error {
	if check, ok := lint.Lookup(o.explain); ok {
		_, err := io.WriteString(o.io.Out, check.Text())
		return err
	}
	table := tabwriter.NewWriter(o.io.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tFAMILY\tSEVERITY\tWHAT IT FINDS")
	for _, c := range lint.Checks() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.ID, c.Family, c.Severity, c.Title)
	}
	return table.Flush()
}
