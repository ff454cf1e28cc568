// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// cut shortens a line to so many characters.
func cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	runes := []rune(line)
	return string(runes[:max(width-3, 0)]) + "..."
}

// indent breaks a text between words, so that no line is longer than width, and
// puts prefix in front of each line. Every line ends in a newline; of nothing
// comes nothing.
func indent(text, prefix string, width int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		used := 0
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case used == 0:
				out.WriteString(prefix)
				used = len(prefix)
			case used+1+n > width:
				out.WriteString("\n" + prefix)
				used = len(prefix)
			default:
				out.WriteString(" ")
				used++
			}
			out.WriteString(word)
			used += n
		}
		out.WriteString("\n")
	}
	return out.String()
}

// fold breaks the lines of a text that are longer than width. What follows
// stands in a little, if the line did.
func fold(text string, width int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) <= width {
			out.WriteString(line)
			continue
		}
		lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
		first, rest, _ := strings.Cut(indent(line, lead, width), "\n")
		if lead != "" {
			lead += "  "
		}
		out.WriteString(first + "\n" + indent(strings.Join(strings.Fields(rest), " "), lead, width))
	}
	return out.String()
}

// wrapHard gives the rows that a text takes on a terminal, each with a newline.
func wrapHard(text string, width int) []string {
	var rows []string
	for line := range strings.Lines(text) {
		runes := []rune(strings.TrimRight(line, "\n"))
		for len(runes) > width {
			rows = append(rows, string(runes[:width])+"\n")
			runes = runes[width:]
		}
		rows = append(rows, string(runes)+"\n")
	}
	return rows
}

// paged shows rows, a screen of height at a time, as long as more does not say
// q. An error of more ends it.
func paged(w io.Writer, rows []string, height int, more func() (string, error)) error {
	for len(rows) > height {
		fmt.Fprint(w, strings.Join(rows[:height], ""))
		rows = rows[height:]
		key, err := more()
		if err != nil || strings.EqualFold(key, "q") {
			return err
		}
	}
	fmt.Fprint(w, strings.Join(rows, ""))
	return nil
}
