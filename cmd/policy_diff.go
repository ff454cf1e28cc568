// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

// newPolicyDiff is profiles diff under the name by which somebody looks for it
// who has two files.
func newPolicyDiff(io Streams) *cobra.Command {
	c := newProfilesDiff(io)
	c.Long = help.LongDesc(`
		Say for which kinds of request two audit policies differ, and what each writes
		of them: level, stages, managed fields. A and B are policy files, whatever has
		a slash in it or ends in .yaml, .yml or .json, or names of profiles.

		The answer is complete: it follows from the rules, whatever their order, and is
		not found by trying requests. Requests are meant as Kubernetes knows them, with
		its verbs or the methods of HTTP. What holds for anyone comes before what holds
		for some, and what is short before what is long. Of its own groups, only the
		resources that the version serves are named; -o json has the sets that are exact
		for all others as well.

		The exit code is 0 whether they differ or not, as this is for reading.`)
	c.Example = help.Examples(`
		# What a change of a policy changes
		auditsetup policy diff policy.yaml new-policy.yaml

		# The same for programs
		auditsetup policy diff policy.yaml new-policy.yaml -o json

		# A policy of one's own against a profile, in full
		auditsetup policy diff policy.yaml recommended --all`)
	return c
}
