// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/measure"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"
)

type planOptions struct {
	io Streams

	selection
	measuring
	output  enum
	compare bool
	explain string
}

func newPlan(io Streams) *cobra.Command {
	o := &planOptions{io: io, output: enum{"table", []string{"table", "json", "yaml", "flags", "html"}}}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Compute batch, buffer, QPS, rotation, memory and disk from a load",
		Long: help.LongDesc(`
			Compute what a load asks of the kube-apiserver's audit settings, of its memory
			and of the disk, and what is lost when the receiver is away: each number with
			its formula, its reason and its source. The load is given, or measured in the
			metrics of an API server or in an audit log. No setting is changed.

			Settings given with --set are judged instead of computed.`),
		Example: help.Examples(`
			# The example of the Kubernetes documentation: 200 events/s, 2 QPS, a buffer of 1000
			auditsetup plan --rate 100 --events-per-request 2 --batch-size 100 --stall 5s --headroom 1 --backend webhook

			# What a log of 20 GiB holds at 300 requests/s with the profile recommended
			auditsetup plan --rate 300 --retention 30d --disk-budget 20Gi

			# From the load that an API server has now, for Falco
			auditsetup plan --from-metrics kubeconfig --backend webhook --receiver falco

			# From an audit log, its rotated copies included, as a page for others
			auditsetup plan --from-log /var/log/kubernetes/audit/audit.log -o html > plan.html

			# Every profile at this load, and what each records
			auditsetup plan --rate 300 --compare

			# Where a number comes from
			auditsetup plan --rate 300 --explain audit-log-maxbackup`),
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	o.add(c)
	return c
}

func (o *planOptions) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.file, "filename", "f", "", "read the load from a spec file; flags lie over it")
	f.StringVar(&o.spec.Policy.Profile, "profile", "", "estimate events as name of a profile makes them (default "+setup.DefaultProfile+")")
	f.StringVar(&o.spec.Policy.File, "policy", "", "estimate events as a policy file of your own makes them in a typical cluster")
	o.addModes(f)
	o.addLoad(f)
	o.addMeasuring(f)
	f.StringArrayVar(&o.set, "set", nil, "judge an audit flag with this value instead of computing it, as flag=value; repeatable")
	f.BoolVar(&o.compare, "compare", false, "print every profile at this load, and what each records")
	f.StringVar(&o.explain, "explain", "", "print where the value of an audit flag, or another number of the plan, comes from")
	addEnum(c, &o.output, "output", "o", "how to print")
}

// plan is a calculation with what was measured for it.
type plan struct {
	setup.Calculation
	measured
}

func (o *planOptions) run(c *cobra.Command) error {
	if o.compare && (o.explain != "" || o.output.value == "flags") {
		return usageError{document.Problem{File: "--compare", What: "shows all profiles, and neither one number nor one setup", Hint: "leave out --compare, or --explain and -o flags"}}
	}
	files := &inputs{stdin: o.io.In}
	if o.explain != "" && c.Flags().Changed("output") {
		return usageError{document.Problem{File: "--output", What: "does nothing beside --explain, which prints text", Hint: "leave one of them out; -o json has every reason"}}
	}
	in, inErr := o.input(c.Flags(), files)
	found, measureErr := o.measure(c, o.io, files, &in)
	calculated, err := setup.Calculate(in)
	if err := combine(inErr, measureErr, err); err != nil {
		return err
	}
	p := plan{calculated, found}
	if o.compare {
		return o.printComparison(p)
	}
	return o.print(p)
}

func (o *planOptions) print(p plan) error {
	switch {
	case o.output.value == "flags" || o.explain != "":
		say(o.io.Err, "note", p.Notes)
		say(o.io.Err, "warning", p.Warnings) // of what is printed none has them
	case o.output.value == "table": // which has the warnings
		say(o.io.Err, "note", p.Notes)
	default:
		p.sayApart(o.io)
	}
	if o.explain != "" {
		return explain(o.io.Out, p.desired(), o.explain)
	}
	switch o.output.value {
	case "json":
		return writeJSON(o.io.Out, p.document())
	case "yaml":
		return writeYAML(o.io.Out, p.document())
	case "flags":
		for _, f := range p.tuned() {
			fmt.Fprintf(o.io.Out, "--%s=%s\n", f.Name, f.Value)
		}
		return nil
	case "html":
		return p.writePage(o.io.Out)
	}
	return p.writeText(o.io.Out)
}

// sayApart tells what is no part of the results.
func (p plan) sayApart(io Streams) {
	say(io.Err, "note", p.Notes)
	say(io.Err, "warning", p.apart())
}

// apart are the warnings that are not in the Result.
func (p plan) apart() document.Problems {
	return slices.DeleteFunc(slices.Clone(p.Warnings), func(w document.Problem) bool {
		return slices.ContainsFunc(p.Result.Warnings, func(r tuning.Warning) bool { return placed(r, w) })
	})
}

// placed tells whether a warning is one of the Result, moved to where the value was
// said.
func placed(r tuning.Warning, w document.Problem) bool { return strings.HasSuffix(w.What, r.What) }

// warnings are all, each once: where a value was said rather than where it counts.
func (p plan) warnings() document.Problems {
	var all document.Problems
	for _, r := range p.Result.Warnings {
		if !slices.ContainsFunc(p.Warnings, func(w document.Problem) bool { return placed(r, w) }) {
			all = append(all, document.Problem{File: r.About, What: r.What, Hint: r.Hint})
		}
	}
	return append(all, p.Warnings...)
}

// desired is the plan as explain takes it.
func (p plan) desired() *setup.Desired {
	return &setup.Desired{Version: p.Version, Spec: p.Spec, Flags: p.Flags, Numbers: p.Result, Estimates: p.grounds()}
}

// grounds are the lines on what the numbers rest on: measured, and assumed.
func (p plan) grounds() []string { return append(p.lines(), p.Assumed...) }

// tuned are the flags that the plan is about, with what was set by hand. Paths
// and modes are not.
func (p plan) tuned() []setup.Flag {
	var flags []setup.Flag
	computed := map[string]bool{}
	for _, f := range p.Result.Flags() {
		computed[f.Name] = true
	}
	for _, f := range p.Flags {
		if _, byHand := p.Spec.Flags[f.Name]; byHand || computed[f.Name] {
			flags = append(flags, f)
		}
	}
	return flags
}

// planDocument is a plan as JSON and YAML have it. A key more does not change
// formatVersion, which is the Result's.
type planDocument struct {
	tuning.Result
	Assumed []string `json:"assumed"`
	// Measured are the numbers of the load that were, and Measurements all that
	// was found, the metrics first.
	Measured     []foundInput       `json:"measured"`
	Measurements []measure.Measured `json:"measurements"`
	Notes        []string           `json:"notes"`
}

func (p plan) document() planDocument {
	return planDocument{Result: p.Result, Assumed: orEmpty(p.Assumed), Measured: p.inputs(), Measurements: append([]measure.Measured{}, p.all...), Notes: orEmpty(p.notes)}
}

func writeYAML(w io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
