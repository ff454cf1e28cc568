// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"strings"
)

// Text is all there is to say about a check, for a terminal.
func (c Check) Text() string {
	text := fmt.Sprintf("%s (%s, %s)\n  what    %s\n  why     %s\n  remedy  %s\n  source  %s\n", c.ID, c.Family, c.Severity, c.Title, c.Why, c.Remedy, c.Source)
	if c.Benchmark != "" {
		text += "  only with --benchmark " + c.Benchmark + "\n"
	}
	return text + "  example docs/lint.md#" + c.anchor() + "\n"
}

// anchor is the ID as GitHub has it in the address of its section.
func (c Check) anchor() string { return strings.ReplaceAll(c.ID, ".", "") }

// Page is the page of the documentation about all checks, in Markdown. example
// gives a policy in which a check finds something, and one in which it does not.
func Page(example func(id string) (bad, good string)) string {
	var page strings.Builder
	page.WriteString("# What `auditsetup policy lint` finds\n\n" +
		"Written by `go test ./policy/lint -update`, do not edit: the texts are those of `auditsetup policy lint --explain ID`.\n")
	family := ""
	for _, c := range Checks() {
		if c.Family != family {
			family = c.Family
			fmt.Fprintf(&page, "\n- %s:", family)
		}
		fmt.Fprintf(&page, " [%s](#%s)", c.ID, c.anchor())
	}
	page.WriteString("\n")
	for _, c := range Checks() {
		bad, good := example(c.ID)
		fmt.Fprintf(&page, "\n## %s\n\n%s: %s.\n\n%s.\n\nRemedy: %s.\n", c.ID, c.Severity, c.Title, c.Why, c.Remedy)
		if c.Benchmark != "" {
			fmt.Fprintf(&page, "\nOnly with `--benchmark %s`.\n", c.Benchmark)
		}
		fmt.Fprintf(&page, "\nSource: %s.\n\nFound in\n\n```yaml\n%s```\n\nand not in\n\n```yaml\n%s```\n", c.Source, bad, good)
	}
	return page.String()
}
