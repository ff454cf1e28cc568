// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
)

// numberOf finds the calculation behind a flag that is set to value, or of a
// number that only informs, by the name it has in JSON.
func numberOf(r tuning.Result, name string) (tuning.Reason, bool) {
	i := slices.IndexFunc(r.Reasons, func(x tuning.Reason) bool { return x.Name == name || x.Flag != "" && x.Flag == name })
	if i < 0 {
		return tuning.Reason{}, false
	}
	return r.Reasons[i], true
}

// explain prints where a flag's value, or another number of the plan, comes
// from: down to the load that it rests on.
func explain(w io.Writer, d *setup.Desired, name string) error {
	name = strings.TrimLeft(name, "-")
	i := slices.IndexFunc(d.Flags, func(f setup.Flag) bool { return f.Name == name })
	number, known := numberOf(d.Numbers, name)
	switch {
	case i < 0 && !known:
		return notExplained(d, name)
	case i < 0 && number.Flag != "":
		i = slices.IndexFunc(d.Flags, func(f setup.Flag) bool { return f.Name == number.Flag })
	}
	if i < 0 {
		fmt.Fprintf(w, "%s: %v %s\n", number.Name, number.Value, number.Unit)
		writeNumber(w, number)
		writeGrounds(w, d, number)
		return nil
	}
	f := d.Flags[i]
	fmt.Fprintf(w, "--%s=%s\n", f.Name, f.Value)
	if known && !byHand(d, f.Name) {
		writeNumber(w, number)
	} else {
		fmt.Fprintf(w, "  why      %s\n", f.Reason)
	}
	writeFacts(w, f.Name, d.Version)
	if known {
		writeGrounds(w, d, number)
	}
	return nil
}

func byHand(d *setup.Desired, flag string) bool {
	_, set := d.Spec.Flags[flag]
	return set
}

func writeNumber(w io.Writer, n tuning.Reason) {
	fmt.Fprintf(w, "  formula  %s\n  why      %s\n  source   %s\n", n.Formula, n.Reason, n.Source)
}

// writeFacts tells what the kube-apiserver makes of the flag.
func writeFacts(w io.Writer, flag string, v apiserver.Version) {
	fact, ok := apiserver.Lookup(flag)
	if !ok {
		return
	}
	fmt.Fprintf(w, "  flag     %s: %s", fact.Type, fact.Doc)
	if fact.Since > 0 {
		fmt.Fprintf(w, "; since 1.%d", fact.Since)
	}
	initial := fact.Default(v)
	if initial == "" {
		initial = "empty"
	}
	fmt.Fprintf(w, "; %s when not set in %s\n", initial, v)
}

// writeGrounds prints what a number rests on: the numbers that are worked out
// before it and stand in its formula, and what was assumed of the load.
func writeGrounds(w io.Writer, d *setup.Desired, n tuning.Reason) {
	fmt.Fprintln(w, "\nresting on:")
	for _, r := range d.Numbers.Reasons {
		if r.Name == n.Name {
			break
		}
		if !strings.Contains(r.Name, ".") || sameFamily(r.Name, n.Name) {
			fmt.Fprintf(w, "  %s = %v %s\n      %s\n", r.Name, r.Value, r.Unit, r.Formula)
		}
	}
	for _, e := range d.Estimates {
		fmt.Fprintf(w, "  %s\n", e)
	}
}

// sameFamily tells whether two numbers belong to one group of a plan, such as
// "batch" in batch.maxSize.
func sameFamily(a, b string) bool {
	a, _, _ = strings.Cut(a, ".")
	b, _, _ = strings.Cut(b, ".")
	return a == b
}

func notExplained(d *setup.Desired, name string) error {
	var names []string
	for _, f := range d.Flags {
		names = append(names, f.Name)
	}
	for _, r := range d.Numbers.Reasons {
		if r.Flag == "" {
			names = append(names, r.Name)
		}
	}
	hint := cmp.Or(document.Suggest(name, names), "what can be explained here: "+strings.Join(names, ", "))
	what := fmt.Sprintf("%q is neither a flag that is set here nor a number of the plan", name)
	return usageError{document.Problem{File: "--explain", What: what, Hint: hint}}
}
