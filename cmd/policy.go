// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import "github.com/spf13/cobra"

func newPolicy(io Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Lint, explain, compare and convert audit policies",
		Args:  noArgs,
		RunE:  showHelp,
	}
	c.AddCommand(newPolicyLint(io))
	c.AddCommand(newPolicyExplain(io))
	c.AddCommand(newPolicyDiff(io))
	c.AddCommand(newPolicyConvert(io))
	return c
}
