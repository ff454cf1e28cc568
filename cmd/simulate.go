// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/simulate"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

// simulateMemory is what the garbage collector tries to stay below, in bytes.
const simulateMemory = 28 << 20

type simulateOptions struct {
	io Streams

	policies, profiles []string
	version            string
	merge              bool
	out                string
	output             enum
}

func newSimulate(io Streams) *cobra.Command {
	o := &simulateOptions{io: io, output: enum{"text", []string{"text", "json", "html"}}}
	c := &cobra.Command{
		Use:   "simulate [--policy FILE]... [--profile NAME]... LOG...",
		Short: "Say what policies would log, from real audit logs",
		Long: help.LongDesc(`
			Read audit logs and say what each policy would have logged in their place:
			events and bytes by second and day, by level, rule, user, verb and resource,
			the rules that never decide, and what small changes would save. Who decides is
			kube-apiserver's own evaluator; where the log has no trace of what a policy
			would keep, that is said.

			LOG is a file that kube-apiserver wrote, with its rotated copies, a folder of
			such, or - for the standard input; compressed with gzip or zstd or not; also
			bodies of the webhook as receivers store them. A log says most that was
			written at level RequestResponse for everything.

			Logs may be counted where they lie: --out writes what was counted, and --merge
			adds that up.`),
		Example: help.Examples(`
			# What the profile recommended would have logged
			auditsetup simulate /var/log/kubernetes/audit/audit.log

			# A policy of one's own beside two profiles, as a page
			auditsetup simulate --policy policy.yaml --profile cis --profile metadata audit.log -o html > simulation.html

			# On each control plane, and then for all
			auditsetup simulate --profile cis /var/log/kubernetes/audit/audit.log --out $(hostname).json
			auditsetup simulate --merge *.json`),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.policies, "policy", nil, "simulate a policy file; repeatable")
	f.StringArrayVar(&o.profiles, "profile", nil, "simulate the policy of a profile; repeatable (default "+setup.DefaultProfile+")")
	f.StringVar(&o.version, "kube-version", "", "version of the kube-apiserver that the policies are for (default: the newest known)")
	f.BoolVar(&o.merge, "merge", false, "add up what --out wrote; the arguments are those files")
	f.StringVar(&o.out, "out", "", "write what was counted to this file, for --merge, and print nothing; - for the standard output")
	addEnum(c, &o.output, "output", "o", "how to print")
	_ = c.RegisterFlagCompletionFunc("profile", completeProfiles)
	return c
}

func (o *simulateOptions) run(ctx context.Context, args []string) error {
	if err := o.fit(args); err != nil {
		return err
	}
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(simulateMemory)
	part, err := o.counted(ctx, args)
	if err != nil {
		return err
	}
	if o.out != "" {
		return o.writePart(part)
	}
	result, err := part.Result()
	if err != nil {
		return err
	}
	switch o.output.value {
	case "json":
		o.sayRemarks(result)
		return writeJSON(o.io.Out, result)
	case "html":
		o.sayRemarks(result)
		return simulate.HTML(o.io.Out, result, toolVersion())
	}
	return writeSimulation(o.io.Out, result)
}

// fit refuses what does not go together.
func (o *simulateOptions) fit(args []string) error {
	switch {
	case len(args) == 0 && o.merge:
		return usagef("name the files that --out wrote", "--merge needs files to add up")
	case len(args) == 0:
		return usagef("name the log that kube-apiserver writes (--audit-log-path), its folder, or -", "simulate needs a log")
	case o.merge && len(o.policies)+len(o.profiles) > 0:
		return usagef("leave out --policy and --profile", "--merge takes the policies from the files that it adds up")
	}
	return nil
}

// counted reads logs, or what was counted before.
func (o *simulateOptions) counted(ctx context.Context, args []string) (*simulate.Part, error) {
	if o.merge {
		return o.merged(args)
	}
	policies, err := o.read()
	if err != nil {
		return nil, err
	}
	files, err := auditlog.Find(args...)
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var done atomic.Int64
	progress := showProgress(o.io, files, &done)
	defer progress()
	return simulate.Run(ctx, policies, files, o.io.In, simulate.Options{Options: auditlog.Options{Done: &done}, Workers: min(runtime.GOMAXPROCS(0), 8)})
}

// read reads the policies, and tells every problem of all.
func (o *simulateOptions) read() ([]simulate.Policy, error) {
	if len(o.policies)+len(o.profiles) == 0 {
		o.profiles = []string{setup.DefaultProfile}
	}
	v, problems := newestOr(o.version)
	var all []simulate.Policy
	in := inputs{stdin: o.io.In, taken: "the log"}
	for _, name := range o.policies {
		data, err := in.read("--policy", name)
		var p *policy.Policy
		if err == nil {
			p, err = policy.Read(name, data, v)
		}
		if problems = combine(problems, err); err == nil {
			say(o.io.Err, "note", p.Notes)
			all = append(all, simulate.Policy{Name: name, Policy: p})
		}
	}
	for _, name := range o.profiles {
		if _, known := profiles.Lookup(name); !known {
			problems = combine(problems, usageError{document.Problem{File: "--profile", What: fmt.Sprintf("%q is no profile", name), Hint: "the profiles are " + strings.Join(profiles.Names(), ", ")}})
			continue
		}
		p, err := readPolicy(&in, "--profile", name, v)
		if problems = combine(problems, err); err == nil {
			all = append(all, simulate.Policy{Name: "profile " + name, Policy: p})
		}
	}
	return all, problems
}

// merged reads what --out wrote.
func (o *simulateOptions) merged(args []string) (*simulate.Part, error) {
	var problems document.Problems
	var parts []*simulate.Part
	for _, name := range args {
		data, err := os.ReadFile(name)
		if err != nil {
			problems.Add(name, "cannot be read: "+bareReason(err), "name the files that --out wrote")
			continue
		}
		part, err := simulate.ReadPart(data)
		if err != nil {
			problems.Add(name, err.Error(), "name the files that auditsetup simulate --out wrote")
			continue
		}
		if len(parts) > 0 {
			if why := parts[0].Differs(part); why != "" {
				problems.Add(name, "was counted for other policies than "+args[0]+": "+why, "count all logs with the same policies and the same version of auditsetup")
				continue
			}
		}
		parts = append(parts, part)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return simulate.Merge(parts...)
}

// bareReason is an error without the path.
func bareReason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// writePart writes a file that is whole or not there.
func (o *simulateOptions) writePart(part *simulate.Part) error {
	var text bytes.Buffer
	if err := part.Write(&text); err != nil {
		return err
	}
	if o.out == "-" {
		_, err := o.io.Out.Write(text.Bytes())
		return err
	}
	failed := func(err error) error {
		return document.Problem{File: o.out, What: "cannot be written: " + bareReason(err), Hint: "name a file in a folder that you may write to with --out"}
	}
	file, err := os.CreateTemp(filepath.Dir(o.out), "."+filepath.Base(o.out)+".*")
	if err != nil {
		return failed(err)
	}
	_, err = file.Write(text.Bytes())
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(file.Name(), o.out)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return failed(err)
	}
	return nil
}

// sayRemarks tells what was wrong with the files, where that is no part of what
// is printed.
func (o *simulateOptions) sayRemarks(r *simulate.Result) {
	var all document.Problems
	for _, f := range r.Log.Files {
		for _, m := range f.Remarks {
			all = append(all, document.Problem{File: f.Name, Line: m.Line, What: m.What, Hint: m.Hint})
		}
	}
	say(o.io.Err, "warning", all)
}
