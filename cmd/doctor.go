// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type doctorOptions struct {
	looking

	list    bool
	explain string
}

func newDoctor(io Streams) *cobra.Command {
	o := &doctorOptions{looking: looking{io: io}}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for everything that can be wrong with audit logging, and say how to mend it",
		Long: help.LongDesc(`
			Look for everything that can be wrong with the audit logging of this control
			plane, whoever set it up, and say for each finding how to mend it.

			Nothing is changed, and nothing is sent anywhere: the kube-apiserver is asked
			for its health and counters, and the receiver of a webhook is only connected
			to. What could not be looked at is named.

			The exit code is 3 with findings, 0 without, and 1 when there is no manifest
			to look at.`),
		Example: help.Examples(`
			# On a control plane
			auditsetup doctor

			# On the image of one, for a program
			auditsetup doctor --root /mnt/image -o json

			# What a check looks at, why, and where that is known from
			auditsetup doctor --explain log-mounted-as-file`),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	o.add(c)
	c.Flags().BoolVar(&o.list, "list", false, "list all checks, and look at nothing")
	c.Flags().StringVar(&o.explain, "explain", "", "explain the check of this `ID`, and look at nothing")
	// the flag exists, so that registering cannot fail
	_ = c.RegisterFlagCompletionFunc("explain", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, check := range doctor.Checks() {
			ids = append(ids, check.ID+"\t"+check.Title)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

func (o *doctorOptions) run() error {
	switch {
	case o.list && o.explain != "":
		return usagef("leave one of them out", "--list and --explain exclude each other")
	case o.list:
		return o.describe(doctor.Checks())
	case o.explain != "":
		check, ok := doctor.Lookup(o.explain)
		if !ok {
			return usageError{document.Problem{File: "--explain", What: fmt.Sprintf("%q is no check", o.explain), Hint: "see auditsetup doctor --list"}}
		}
		return o.describe([]doctor.Check{check})
	}
	facts, err := o.look()
	if err != nil {
		return err
	}
	found := doctor.Run(facts)
	if o.output.value == "json" {
		err = writeDiagnosis(o.io.Out, facts, found)
	} else {
		showFindings(o.io.Out, facts, found)
	}
	if err == nil && len(found) > 0 {
		return pendingError{}
	}
	return err
}

// describe prints checks: one in full, or all as a list.
func (o *doctorOptions) describe(checks []doctor.Check) error {
	if o.output.value == "json" {
		out := struct {
			FormatVersion int           `json:"formatVersion"`
			Checks        []listedCheck `json:"checks"`
		}{1, []listedCheck{}}
		for _, c := range checks {
			out.Checks = append(out.Checks, listedCheck{c.ID, c.Family, string(c.Severity()), c.Title, c.Why, c.How, c.Remedy, c.Source})
		}
		return writeJSON(o.io.Out, out)
	}
	if !o.list {
		c := checks[0]
		_, err := fmt.Fprintf(o.io.Out, "%s (%s, %s)\n  what    %s\n  why     %s\n  how     %s\n  remedy  %s\n  source  %s\n", c.ID, c.Family, c.Severity(), c.Title, c.Why, c.How, c.Remedy, c.Source)
		return err
	}
	table := tabwriter.NewWriter(o.io.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tFAMILY\tSEVERITY\tWHAT IT FINDS")
	for _, c := range checks {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.ID, c.Family, c.Severity(), c.Title)
	}
	return table.Flush()
}

// listedCheck is a check as JSON has it. A key more does not change
// formatVersion, here and below.
type listedCheck struct {
	ID       string `json:"id"`
	Family   string `json:"family"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Why      string `json:"why"`
	How      string `json:"how"`
	Remedy   string `json:"remedy"`
	Source   string `json:"source"`
}

type reportedFinding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	What     string `json:"what"`
	Remedy   string `json:"remedy"`
}

type reportedUnseen struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func writeDiagnosis(w io.Writer, facts *doctor.Facts, found []doctor.Finding) error {
	out := struct {
		FormatVersion int               `json:"formatVersion"`
		Checks        int               `json:"checks"`
		Findings      []reportedFinding `json:"findings"`
		NotLookedAt   []reportedUnseen  `json:"notLookedAt"`
	}{1, len(doctor.Checks()), []reportedFinding{}, reportUnseen(facts)}
	for _, f := range found {
		out.Findings = append(out.Findings, reportedFinding{f.ID, string(f.Severity), f.File, f.Line, f.What, f.Remedy})
	}
	return writeJSON(w, out)
}

func reportUnseen(facts *doctor.Facts) []reportedUnseen {
	out := []reportedUnseen{}
	for _, u := range facts.Unseen {
		out = append(out, reportedUnseen{u.What, u.Why})
	}
	return out
}

func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

func showFindings(w io.Writer, facts *doctor.Facts, found []doctor.Finding) {
	for _, f := range found {
		place := document.Problem{File: f.File, Line: f.Line, What: f.What}
		fmt.Fprintf(w, "%-7s  %s: %s\n", f.Severity, f.ID, printable(place.Error()))
		fmt.Fprintf(w, "         remedy: %s\n", printable(f.Remedy))
	}
	showUnseen(w, facts)
	if len(found) == 0 {
		fmt.Fprintf(w, "no findings by %d checks\n", len(doctor.Checks()))
		return
	}
	fmt.Fprintf(w, "%s; see auditsetup doctor --explain ID\n", count(found))
}

func showUnseen(w io.Writer, facts *doctor.Facts) {
	for _, u := range facts.Unseen {
		fmt.Fprintf(w, "not looked at: %s, because: %s\n", printable(u.What), printable(u.Why))
	}
}

// count says how many findings there are of each severity.
func count(found []doctor.Finding) string {
	number := map[doctor.Severity]int{}
	for _, f := range found {
		number[f.Severity]++
	}
	var parts []string
	for _, s := range []doctor.Severity{doctor.Error, doctor.Warning} {
		switch n := number[s]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+string(s))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(parts, ", ")
}
