// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type diffOptions struct {
	io Streams

	version string
	output  enum
	all     bool
}

func newProfilesDiff(io Streams) *cobra.Command {
	o := &diffOptions{io: io, output: enum{"text", []string{"text", "json"}}}
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Say in words for which requests two policies differ, and how",
		Long: help.LongDesc(`
			Say for which requests two audit policies differ, and what each writes of
			them: level, stages, managed fields. A and B are names of profiles, or policy
			files: whatever has a slash in it or ends in .yaml, .yml or .json.

			The answer is complete: it follows from the rules, whatever their order, and is
			not found by trying requests. Requests are meant as Kubernetes knows them, with
			its verbs or the methods of HTTP. Of its own groups, only the resources that the
			version serves are named; -o json has the sets that are exact for all others.

			The exit code is 0 whether they differ or not, as this is for reading.`),
		Example: help.Examples(`
			# What changes with another profile
			auditsetup profiles diff gce recommended

			# A policy of one's own against a profile, in full
			auditsetup profiles diff ./policy.yaml recommended --all`),
		Args:              twoPolicies,
		ValidArgsFunction: completePolicies,
		RunE: func(c *cobra.Command, args []string) error {
			_, asker, _ := strings.Cut(c.CommandPath(), " ")
			return o.run(asker, args[0], args[1])
		},
	}
	c.Flags().StringVar(&o.version, "kube-version", "", "version of the kube-apiserver to compare for (default: the newest known)")
	c.Flags().BoolVar(&o.all, "all", false, "show every difference and every word of it")
	addEnum(c, &o.output, "output", "o", "how to print; json has everything")
	return c
}

func twoPolicies(c *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usagef("see "+c.CommandPath()+" --help", "%s takes two policies, but got %d", c.CommandPath(), len(args))
	}
	return nil
}

// completePolicies offers the profiles, and files where there are none that fit.
func completePolicies(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return profiles.Names(), cobra.ShellCompDirectiveDefault
}

func (o *diffOptions) run(asker, nameA, nameB string) error {
	v, versionErr := newestOr(o.version)
	in := inputs{stdin: o.io.In}
	a, errA := readPolicy(&in, asker, nameA, v)
	b, errB := readPolicy(&in, asker, nameB, v)
	if err := errors.Join(versionErr, errA, errB); err != nil {
		return err
	}
	say(o.io.Err, "note", slices.Concat(a.Notes, b.Notes))
	d := diff{a: shownName(nameA), b: shownName(nameB), version: v, all: o.all, found: policy.Compare(a, b)}
	d.shortestFirst()
	if o.output.value == "json" {
		return d.json(o.io.Out)
	}
	_, err := io.WriteString(o.io.Out, d.text())
	return err
}

// newestOr reads the value of --kube-version. With an error it still gives a
// version, to find what else is wrong.
func newestOr(version string) (apiserver.Version, error) {
	newest := apiserver.Version{Minor: apiserver.NewestMinor, Patch: -1}
	if version == "" {
		return newest, nil
	}
	v, err := apiserver.ParseVersion(version)
	if err == nil {
		err = v.Supported()
	}
	if err != nil {
		bad := document.ProblemsOf(err)[0]
		return newest, usageError{document.Problem{File: "--kube-version", What: bad.What, Hint: bad.Hint}}
	}
	return v, nil
}

// readPolicy reads the policy of a profile, or a file, or standard input, for a
// command.
func readPolicy(in *inputs, command, name string, v apiserver.Version) (*policy.Policy, error) {
	if name == "-" || isPolicyFile(name) {
		data, err := in.read(command, name)
		if err != nil {
			return nil, err
		}
		return policy.Read(shownName(name), data, v)
	}
	p, known := profiles.Lookup(name)
	if !known {
		hint := document.Suggest(name, profiles.Names())
		if !strings.HasPrefix(hint, "did you mean") {
			hint = "the profiles are " + strings.Join(profiles.Names(), ", ") + "; a file is given as ./" + name
		}
		return nil, usagef(hint, "%q is no profile", name)
	}
	text, err := p.Policy(v)
	if err != nil {
		return nil, err
	}
	return policy.Read("profile "+name, text, v)
}

// shownName is what a file is called in messages.
func shownName(name string) string {
	if name == "-" {
		return stdinName
	}
	return name
}

func isPolicyFile(name string) bool {
	return strings.Contains(name, "/") ||
		slices.ContainsFunc([]string{".yaml", ".yml", ".json"}, func(end string) bool { return strings.HasSuffix(name, end) })
}
