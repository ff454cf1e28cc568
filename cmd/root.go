// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package cmd is the command line: one file per command, each with an options
// struct, a constructor and a run function. It is the only package that prints,
// asks or knows cobra; all else it leaves to the packages below.
package cmd

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"
)

// Main runs the program with the given arguments, without the program's name,
// and returns its exit code.
func Main(args []string, io Streams) int {
	// A run lasts milliseconds and needs a few MiB: collecting garbage as often
	// as the default has it took a tenth of that time.
	debug.SetGCPercent(400)
	root := newRoot(io)
	root.SetArgs(args)
	err := root.Execute()
	reportError(io.Err, err)
	return exitCode(err)
}

func newRoot(io Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "auditsetup",
		Short: "Turn on API-server audit logging on a kubeadm control plane",
		Long: `Turn on API-server audit logging on a kubeadm control plane, with numbers
that fit the load, and take it back byte for byte.`,
		Version:           toolVersion(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noArgs,
		RunE:              showHelp,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return noEmptyValues(c.Flags()) },
	}
	root.SetIn(io.In)
	root.SetOut(io.Out)
	root.SetErr(io.Err)
	root.SetVersionTemplate(versionLine())
	groups := templates.CommandGroups{
		{Message: "Change a control plane:", Commands: []*cobra.Command{newEnable(io), newDisable(io), newRollback(io)}},
		{Message: "See what is in force, writing nothing:", Commands: []*cobra.Command{newStatus(io), newDoctor(io)}},
		{Message: "Review and plan, writing nothing:", Commands: []*cobra.Command{newPatch(io), newPlan(io), newProfiles(io), newPolicy(io), newSimulate(io)}},
	}
	groups.Add(root)
	help := newHelp()
	root.SetHelpCommand(help)
	root.AddCommand(newVersion(io), help, newExitCodesTopic())
	root.InitDefaultCompletionCmd()
	templates.ActsAsRootCommand(root, []string{"options"}, groups...)
	root.SetFlagErrorFunc(flagError)
	tidyUsage(root)
	return root
}

func showHelp(c *cobra.Command, _ []string) error { return c.Help() }

// newHelp takes the place of cobra's own, for which a topic that does not exist
// is no error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command, or about exit-codes",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if topic, rest, err := c.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range topic.Commands() {
					if !sub.Hidden {
						names = append(names, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			topic, rest, err := c.Root().Find(args)
			if err != nil {
				return err
			}
			if err := noArgs(topic, rest); err != nil {
				return err
			}
			return topic.Help()
		},
	}
}

// tidyUsage mends what cobra and the templates do by themselves: a completion
// command that takes any argument for a request for help, a second [flags]
// beside [options], and a hint at a command for global options, of which there
// are none.
func tidyUsage(root *cobra.Command) {
	usage := root.UsageFunc()
	root.SetUsageFunc(func(c *cobra.Command) error {
		out := c.OutOrStderr()
		var text bytes.Buffer
		c.SetOut(&text)
		err := usage(c)
		c.SetOut(out)
		shown, _, _ := strings.Cut(text.String(), `Use "`+root.Name()+` options"`)
		fmt.Fprintln(out, strings.TrimRight(shown, "\n"))
		return err
	})
	for _, c := range root.Commands() {
		c.DisableFlagsInUseLine = true
		if c.Name() == "completion" {
			c.Args, c.RunE = noArgs, showHelp
		}
		for _, sub := range c.Commands() {
			sub.DisableFlagsInUseLine = true
		}
	}
	root.DisableFlagsInUseLine = true
}
