// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type rollbackOptions struct {
	consent

	hostFlags
	force bool
}

func newRollback(io Streams) *cobra.Command {
	o := &rollbackOptions{consent: consent{io: io, prompt: &terminal{}}}
	c := &cobra.Command{
		Use:   "rollback",
		Short: "Put back what stood before the last change",
		Long: help.LongDesc(`
			Put back every file as it stood before the last change, from the backups.
			A change that was cut off, by a crash or a full disk, is undone first. A
			second rollback goes one change further back. What the change did to the
			ConfigMap kube-system/kubeadm-config is taken back too.`),
		Example: help.Examples(`
			# See what would change
			auditsetup rollback --dry-run`),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	o.hostFlags.add(c.Flags())
	o.consent.add(c.Flags())
	c.Flags().BoolVar(&o.force, "force", false, "also where files were changed since")
	return c
}

func (o *rollbackOptions) run() error {
	if err := o.possible(&o.hostFlags); err != nil {
		return err
	}
	if err := o.alone(); err != nil {
		return err
	}
	o.host.Version = toolVersion()
	change, err := o.host.PlanRollback(o.force)
	if err != nil {
		return err
	}
	p := &planned{change: change, display: o.host.Display}
	if p.kept, err = o.planBack(change); err != nil {
		return err
	}
	if err := o.examine(&o.hostFlags, p); err != nil {
		return err
	}
	ok, err := o.given(p)
	if err != nil || !ok {
		return err
	}
	done, err := o.apply(o.io, p)
	if err != nil {
		return err
	}
	fmt.Fprintln(o.io.Out, "what stood before the last change is back")
	for _, part := range []struct {
		word  string
		paths []string
	}{{"written", done.Written}, {"removed", done.Removed}, {"kept", done.Kept}} {
		for _, path := range part.paths {
			fmt.Fprintf(o.io.Out, "  %-8s  %s\n", part.word, o.host.Display(path))
		}
	}
	if p.keep(&o.hostFlags, o.io, done.Record) {
		fmt.Fprintf(o.io.Out, "  %-8s  %s\n", "written", configMapName)
	}
	done.reportLive(o.io.Out)
	return nil
}
