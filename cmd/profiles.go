// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/auditsetup/auditsetup/profiles"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

func newProfiles(io Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "profiles",
		Short: "List the audit policy profiles, show one, or compare two",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newProfilesList(io), newProfilesShow(io), newProfilesDiff(io))
	return c
}

func newProfilesList(io Streams) *cobra.Command {
	output := enum{"table", []string{"table", "json"}}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the profiles: what each is for, costs, and does not see",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if output.value == "json" {
				return listJSON(io)
			}
			return listTable(io)
		},
	}
	addEnum(c, &output, "output", "o", "how to print")
	return c
}

func listTable(io Streams) error {
	table := tabwriter.NewWriter(io.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NAME\tCOST\tEVENTS/REQUEST\tBYTES/EVENT\tWHAT IT RECORDS")
	for _, p := range profiles.All() {
		fmt.Fprintf(table, "%s\t%s\t%g\t%g\t%s\n", p.Name, p.Cost, p.EventsPerRequest.Value, p.BytesPerEvent.Value, p.Title)
	}
	return table.Flush()
}

// listedProfile is a profile as JSON has it. A key more does not change
// formatVersion.
type listedProfile struct {
	Name             string         `json:"name"`
	Title            string         `json:"title"`
	Purpose          string         `json:"purpose"`
	Source           string         `json:"source"`
	Cost             string         `json:"cost"`
	Blind            []string       `json:"blind"`
	Exposes          []string       `json:"exposes"`
	Mended           []string       `json:"mended"`
	EventsPerRequest listedEstimate `json:"eventsPerRequest"`
	BytesPerEvent    listedEstimate `json:"bytesPerEvent"`
}

type listedEstimate struct {
	Value  float64 `json:"value"`
	Reason string  `json:"reason"`
	Source string  `json:"source"`
}

func listJSON(io Streams) error {
	out := struct {
		FormatVersion int             `json:"formatVersion"`
		Profiles      []listedProfile `json:"profiles"`
	}{1, []listedProfile{}}
	for _, p := range profiles.All() {
		out.Profiles = append(out.Profiles, listedProfile{
			p.Name, p.Title, p.Purpose, p.Source, string(p.Cost), orEmpty(p.Blind), orEmpty(p.Exposes), orEmpty(p.Mended),
			listedEstimate(p.EventsPerRequest), listedEstimate(p.BytesPerEvent),
		})
	}
	enc := json.NewEncoder(io.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// orEmpty keeps null out of JSON arrays.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func newProfilesShow(io Streams) *cobra.Command {
	version := ""
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Print the audit policy of a profile, with what it is for in front",
		Example: help.Examples(`
			# The policy for the newest Kubernetes
			auditsetup profiles show recommended

			# The same for an older kube-apiserver
			auditsetup profiles show recommended --kube-version 1.22`),
		Args:              oneArg("profile"),
		ValidArgsFunction: completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			return showProfile(io, args[0], version)
		},
	}
	c.Flags().StringVar(&version, "kube-version", "", "version of the kube-apiserver to write for (default: the newest known)")
	return c
}

func completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return profiles.Names(), cobra.ShellCompDirectiveNoFileComp
}

func showProfile(io Streams, name, version string) error {
	p, ok := profiles.Lookup(name)
	if !ok {
		return usagef("the profiles are "+strings.Join(profiles.Names(), ", "), "%q is no profile", name)
	}
	v, err := newestOr(version)
	if err != nil {
		return err
	}
	text, err := p.Policy(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.Out, "# Profile %s: %s\n# For kube-apiserver %s. %s\n%s", p.Name, p.Title, v, p.Purpose, text)
	return err
}
