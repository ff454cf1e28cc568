// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"fmt"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	help "k8s.io/kubectl/pkg/util/templates"
)

type patchOptions struct {
	io Streams

	selection
	manifest string
	format   enum
	check    bool
	kubeadm  kubeadmFormats
}

func newPatch(io Streams) *cobra.Command {
	o := &patchOptions{io: io, format: enum{"diff", []string{"diff", "manifest", "json6902", "kubeadm-patches", "kubeadm-config"}}}
	c := &cobra.Command{
		Use:   "patch",
		Short: "Print the same change for review, and write nothing",
		Long: help.LongDesc(`
			Print what enable would change, in a form to review or to apply by other
			means. Only the manifest is read, so this works anywhere.

			kubeadm writes the manifest anew on every upgrade, from its configuration and
			the patches that it is given: kubeadm-config and kubeadm-patches have audit
			logging outlast that. Use one of the two. They need no manifest when
			--kube-version, or the file of --into, says the version.`),
		Example: help.Examples(`
			# The change to a manifest, as a unified diff with the policy file
			auditsetup patch --manifest kube-apiserver.yaml --profile recommended

			# The whole new manifest, from one that kubeadm writes
			auditsetup patch --manifest - --format manifest < kube-apiserver.yaml

			# For kubeadm: as patches, and into the configuration of the cluster
			auditsetup patch --format kubeadm-patches --out /etc/kubernetes/patches
			auditsetup patch --format kubeadm-config --into cluster.yaml > new.yaml

			# Fail when the manifest is not as asked
			auditsetup patch --check -f audit.yaml`),
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Flags()) },
	}
	o.addWhat(c)
	o.addLoad(c.Flags())
	c.Flags().StringVar(&o.manifest, "manifest", setup.DefaultManifest, "static pod manifest of the kube-apiserver, or - for standard input")
	addEnum(c, &o.format, "format", "", "what to print")
	o.kubeadm.add(c)
	c.Flags().BoolVar(&o.check, "check", false, "only say what would change, and exit with 3 when anything would")
	return c
}

func (o *patchOptions) run(flags *pflag.FlagSet) error {
	from := &inputs{stdin: o.io.In}
	in, inErr := o.input(flags, from)
	inErr = combine(inErr, o.kubeadm.check(o.format.value, o.check, from))
	var m *manifest.Manifest
	var before []byte
	var readErr error
	if !o.manifestOptional(flags, &in) {
		m, before, readErr = o.read(from)
	}
	desired, err := resolve(in, m, o.name(), before, inErr, readErr)
	if err != nil {
		return err
	}
	if isKubeadm(o.format.value) {
		say(o.io.Err, "note", desired.Notes)
		say(o.io.Err, "warning", desired.Warnings)
		return o.printKubeadm(desired, m)
	}
	result, err := manifest.Apply(m, desired.Want())
	if err != nil {
		return err
	}
	say(o.io.Err, "note", desired.Notes)
	say(o.io.Err, "warning", desired.Warnings)
	reportDrift(o.io.Err, o.name(), result.Drift)
	if o.check {
		return o.checked(result)
	}
	return o.print(desired, result)
}

func (o *patchOptions) checked(result *manifest.Result) error {
	if bytes.Equal(result.Before, result.After) {
		return nil
	}
	for _, c := range result.Changes {
		fmt.Fprintf(o.io.Err, "auditsetup: pending: %s: %s\n", o.name(), describe(c))
	}
	return pendingError{}
}

// describe says a change in words.
func describe(c manifest.Change) string {
	name := c.Kind + " " + c.Name
	if c.Kind == "flag" {
		name = "--" + c.Name
	}
	switch {
	case c.Old == nil:
		return fmt.Sprintf("%s would be added as %s", name, *c.New)
	case c.New == nil:
		return fmt.Sprintf("%s would be removed, and is %s", name, *c.Old)
	}
	return fmt.Sprintf("%s would become %s, and is %s", name, *c.New, *c.Old)
}

func (o *patchOptions) print(d *setup.Desired, result *manifest.Result) error {
	var text []byte
	var err error
	switch o.format.value {
	case "diff":
		for _, f := range d.Files {
			if f.Secret {
				text = fmt.Appendf(text, "# %s holds credentials and is not shown\n", f.Path)
				continue
			}
			text = append(text, render.Diff(f.Path, nil, f.Content)...)
		}
		name := o.manifest
		if name == "-" {
			name = setup.DefaultManifest
		}
		text = append(text, render.Diff(name, result.Before, result.After)...)
	case "manifest":
		text = result.After
	case "json6902":
		text, err = render.JSON6902(result.Before, result.After)
	}
	if err != nil {
		return err
	}
	_, err = o.io.Out.Write(text)
	return err
}

// name is what the manifest is called in messages.
func (o *patchOptions) name() string {
	if o.manifest == "-" {
		return stdinName
	}
	return o.manifest
}

func (o *patchOptions) read(from *inputs) (*manifest.Manifest, []byte, error) {
	data, err := from.read("--manifest", o.manifest)
	if err != nil {
		return nil, nil, err
	}
	m, err := manifest.Read(o.name(), data)
	return m, data, hinted(err, o.name(), "check what --manifest is given")
}
