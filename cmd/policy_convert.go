// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type convertOptions struct {
	io Streams

	to      string
	inPlace bool
}

func newPolicyConvert(io Streams) *cobra.Command {
	o := &convertOptions{io: io}
	c := &cobra.Command{
		Use:   "convert FILE",
		Short: "Bring a policy of v1beta1 or v1alpha1 to v1, with its comments",
		Long: help.LongDesc(`
			Bring an audit policy of audit.k8s.io/v1beta1 or v1alpha1 to v1, which every
			kube-apiserver since 1.12 reads, and the only one since 1.24. Comments, order,
			quotes and line ends stay, byte for byte. A policy of v1 is printed as it is.

			The policy is read strictly first, and nothing is written of one that
			kube-apiserver would refuse or would read as something else than it says.

			FILE may be - for standard input. The result goes to standard output.`),
		Example: help.Examples(`
			# Look at the result
			auditsetup policy convert old-policy.yaml

			# Write another file, or the same one
			auditsetup policy convert old-policy.yaml -o policy.yaml
			auditsetup policy convert policy.yaml --in-place`),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("see "+c.CommandPath()+" --help", "%s takes one file, but got %d", c.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	c.Flags().StringVarP(&o.to, "output", "o", "", "write the result to this new `FILE`")
	c.Flags().BoolVar(&o.inPlace, "in-place", false, "write the result into the file itself")
	return c
}

func (o *convertOptions) run(name string) error {
	switch {
	case o.inPlace && o.to != "":
		return usagef("leave one of them out", "--in-place and --output exclude each other")
	case o.inPlace && name == "-":
		return usagef("leave --in-place out, or give a file", "--in-place cannot write to standard input")
	}
	in, shown := inputs{stdin: o.io.In}, shownName(name)
	data, err := in.read("policy convert", name)
	if err != nil {
		return err
	}
	p, err := policy.Read(shown, data, apiserver.Version{})
	if err != nil {
		return err
	}
	if err := o.write(name, data, p.Bytes()); err != nil {
		return err
	}
	say(o.io.Err, "note", converted(shown, p.Notes))
	return nil
}

// write puts the result where it is wanted.
func (o *convertOptions) write(name string, data, result []byte) error {
	switch {
	case o.inPlace && bytes.Equal(data, result):
		return nil
	case o.inPlace:
		if err := replace(name, data, result); err != nil {
			return document.Problem{File: name, What: "cannot be written: " + cause(err), Hint: "nothing was changed in it"}
		}
		return nil
	case o.to != "":
		return writeNew(o.to, result)
	}
	_, err := o.io.Out.Write(result)
	return err
}

// writeNew writes a file that must not be there yet, and leaves none behind when
// it cannot.
func writeNew(name string, data []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return document.Problem{File: name, What: "is there already", Hint: "choose another name for --output, or convert the file itself with --in-place"}
	}
	if err == nil {
		_, err = file.Write(data)
		if err = errors.Join(err, file.Close()); err != nil {
			_ = os.Remove(name)
		}
	}
	if err != nil {
		return document.Problem{File: name, What: "cannot be written: " + cause(err), Hint: "check the path given with --output"}
	}
	return nil
}

// converted says what was changed, and what that means. Up to 1.23 the server
// turned each version into the same internal form, field by field without
// defaults: pkg/apis/audit/v1alpha1 and v1beta1 beside v1, zz_generated.conversion.go,
// of k8s.io/apiserver v0.23.17. What v1alpha1 had different are events only.
func converted(file string, notes []document.Problem) document.Problems {
	if len(notes) == 0 {
		return document.Problems{{File: file, What: "is a policy of v1 already: nothing to convert"}}
	}
	all := document.Problems(notes)
	what := "the fields of a policy are the same in both versions, and kube-apiserver up to 1.23 made the same of them: every rule decides what it decided"
	if strings.Contains(all[0].What, "v1alpha1") {
		what += "; what is different in v1alpha1 are events, so whoever reads the log has to know those of v1 (--audit-log-version)"
	}
	return append(all, document.Problem{File: file, What: what})
}
