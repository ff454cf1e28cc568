// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy/lint"
)

// lintedFile is one policy and what was found in it.
type lintedFile struct {
	name  string
	found []lint.Finding
}

func (o *lintOptions) print(files []lintedFile, v apiserver.Version) error {
	switch o.output.value {
	case "json":
		return writeLintJSON(o.io.Out, files, v)
	case "sarif":
		return writeJSON(o.io.Out, newSARIF(files))
	}
	return writeLintText(o.io.Out, files)
}

// writeLintText prints a line for each finding, as compilers do, so that editors
// can jump to it, and a hint below.
func writeLintText(w io.Writer, files []lintedFile) error {
	var text strings.Builder
	number := map[lint.Severity]int{}
	for _, file := range files {
		for _, f := range file.found {
			number[f.Severity]++
			place := f.Problem
			place.What = string(f.Severity) + ": " + f.What + " [" + f.ID + "]"
			fmt.Fprintf(&text, "%s\n    hint: %s\n", printable(place.Error()), printable(f.Hint))
		}
	}
	var parts []string
	for _, s := range lint.Severities() {
		name := map[lint.Severity]string{lint.Error: "error", lint.Warning: "warning", lint.Info: "note"}[s]
		if n := number[s]; n == 1 {
			parts = append(parts, "1 "+name)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, name))
		}
	}
	switch {
	case len(parts) > 0:
		fmt.Fprintf(&text, "%s; see auditsetup policy lint --explain ID\n", strings.Join(parts, ", "))
	case len(files) > 0:
		fmt.Fprintf(&text, "no findings by %d checks\n", len(lint.Checks()))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// lintFinding is a finding as JSON has it. A key more does not change
// formatVersion.
type lintFinding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	What     string `json:"what"`
	Hint     string `json:"hint"`
}

func writeLintJSON(w io.Writer, files []lintedFile, v apiserver.Version) error {
	out := struct {
		FormatVersion int            `json:"formatVersion"`
		KubeVersion   string         `json:"kubeVersion"`
		Checks        int            `json:"checks"`
		Files         []string       `json:"files"`
		Count         map[string]int `json:"count"`
		Findings      []lintFinding  `json:"findings"`
	}{1, v.String(), len(lint.Checks()), []string{}, map[string]int{}, []lintFinding{}}
	for _, s := range lint.Severities() {
		out.Count[string(s)] = 0
	}
	for _, file := range files {
		out.Files = append(out.Files, file.name)
		for _, f := range file.found {
			out.Count[string(f.Severity)]++
			out.Findings = append(out.Findings, lintFinding{f.ID, string(f.Severity), f.File, f.Line, f.Column, f.What, f.Hint})
		}
	}
	return writeJSON(w, out)
}
