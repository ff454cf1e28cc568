// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	help "k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"
)

type planOptions struct {
	io Streams

	selection
	output enum
}

func newPlan(io Streams) *cobra.Command {
	o := &planOptions{io: io, output: enum{"table", []string{"table", "json", "yaml", "flags"}}}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Compute batch, buffer, QPS, rotation and disk from a request rate",
		Long: help.LongDesc(`
			Compute what a request rate asks of the kube-apiserver's audit settings
			and of the disk, each number with its formula and its source. Nothing is
			read or written.`),
		Example: help.Examples(`
			# The example of the Kubernetes documentation: 200 events/s, 2 QPS, a buffer of 1000
			auditsetup plan --rate 100 --events-per-request 2 --batch-size 100 --stall 5s --headroom 1 --backend webhook

			# What a log of 20 GiB holds at 300 requests/s with the profile recommended
			auditsetup plan --rate 300 --retention 30d --disk-budget 20Gi`),
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Flags()) },
	}
	f := c.Flags()
	f.StringVarP(&o.file, "filename", "f", "", "read the load from a spec file; flags lie over it")
	f.StringVar(&o.spec.Policy.Profile, "profile", "", "estimate events as name of a profile makes them (default "+setup.DefaultProfile+")")
	o.addModes(f)
	o.addLoad(f)
	addEnum(c, &o.output, "output", "o", "how to print")
	return c
}

func (o *planOptions) run(flags *pflag.FlagSet) error {
	in, inErr := o.input(flags, &inputs{stdin: o.io.In})
	profile, problems := profileOf(in)
	to, badBackends := backendsOf(in)
	load, assumed, badLoad := in.Spec.Tuning(profile, in.Origins)
	result, err := tuning.Plan(load, to)
	problems = slices.Concat(problems, badBackends, badLoad, in.Origins.Place(document.ProblemsOf(err)))
	if err := combine(inErr, problems.Err()); err != nil {
		return err
	}
	return o.print(result, assumed)
}

// profileOf is the profile whose estimates hold; the zero one for a policy of
// the administrator's own.
func profileOf(in setup.Input) (profiles.Profile, document.Problems) {
	name := in.Spec.Policy.Profile
	if in.Spec.Policy.File != "" {
		return profiles.Profile{}, nil
	}
	if name == "" {
		name = setup.DefaultProfile
	}
	p, ok := profiles.Lookup(name)
	if !ok {
		return p, document.Problems{in.Origins.Problem("policy.profile", fmt.Sprintf("%q is no profile", name), "auditsetup profiles list shows them")}
	}
	return p, nil
}

func backendsOf(in setup.Input) (to tuning.Backends, problems document.Problems) {
	s := in.Spec
	for _, b := range s.Backends {
		if b != setup.LogBackend && b != setup.WebhookBackend {
			problems = append(problems, in.Origins.Problem("backends", fmt.Sprintf("%q is no backend", b), "the backends are log and webhook"))
		}
	}
	for _, b := range []setup.Backend{setup.LogBackend, setup.WebhookBackend} {
		if mode := s.ModeOf(b); !slices.Contains(setup.Modes(), mode) {
			problems = append(problems, in.Origins.Problem(string(b)+".mode", fmt.Sprintf("%q is no mode for the %s", mode, b), "the modes are "+strings.Join(setup.Modes(), ", ")))
		}
	}
	return s.Tuned(), problems
}

func (o *planOptions) print(r tuning.Result, assumed []string) error {
	switch o.output.value {
	case "json":
		enc := json.NewEncoder(o.io.Out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	case "yaml":
		text, err := yaml.Marshal(r)
		if err == nil {
			_, err = o.io.Out.Write(text)
		}
		return err
	case "flags":
		for _, f := range r.Flags() {
			fmt.Fprintf(o.io.Out, "--%s=%s\n", f.Name, f.Value)
		}
		return nil
	}
	return printPlan(o.io.Out, r, assumed)
}

func printPlan(w io.Writer, r tuning.Result, assumed []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, v := range r.Reasons {
		name := v.Name
		if v.Flag != "" {
			name = "--" + v.Flag
		}
		fmt.Fprintf(table, "%s\t%v %s\t%s\n", name, v.Value, v.Unit, v.Formula)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "\nwarning: %s: %s\n  %s\n", warning.About, warning.What, warning.Hint)
	}
	if len(assumed) > 0 {
		fmt.Fprintln(w, "\nassumed:")
	}
	for _, a := range assumed {
		fmt.Fprintf(w, "  %s\n", a)
	}
	return nil
}
