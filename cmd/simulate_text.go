// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/auditsetup/auditsetup/simulate"
	"github.com/auditsetup/auditsetup/tuning"
)

// shownShares is how many users and kinds are printed; JSON has more.
const shownShares = 10

// writeSimulation prints a simulation as a person reads it: the policies side by
// side, and then each by itself.
func writeSimulation(w io.Writer, r *simulate.Result) error {
	var b strings.Builder
	writeRead(&b, r.Log)
	table(&b, "\n", "\tREQUESTS\tEVENTS\tEVENTS/S\tPEAK\tBYTES/S\tA DAY\tOF THE LOG", func(row func(...string)) {
		l := r.Log
		row("the log itself", numberText(l.Requests), numberText(l.Events), perSecond(l.EventsPerSec), "", bytesText(l.BytesPerSecond), bytesText(float64(l.BytesPerDay)), "")
		for _, o := range r.Policies {
			row(o.Policy, numberText(o.Requests), numberText(o.Events), perSecond(o.EventsPerSecond), perSecond(o.PeakEventsPerSecond), bytesText(o.BytesPerSecond), bytesText(float64(o.BytesPerDay)), percentText(o.OfLog))
		}
	})
	for _, o := range r.Policies {
		writeSimulated(&b, o)
	}
	writeList(&b, "to bear in mind", r.Notes)
	_, err := io.WriteString(w, printableLines(b.String()))
	return err
}

// printableLines keeps what a log says from steering the terminal.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// writeRead tells what was read, and what is amiss with it.
func writeRead(b *strings.Builder, l simulate.Log) {
	size := int64(0)
	for _, f := range l.Files {
		size += f.Bytes
	}
	fmt.Fprintf(b, "read %s of %s in %s", several(l.Events, "event", "events"), tuning.FormatBytes(size), several(int64(len(l.Files)), "file", "files"))
	if !l.From.IsZero() {
		fmt.Fprintf(b, ", from %s to %s (%s)", l.From.Format("2006-01-02 15:04:05"), l.To.Format("2006-01-02 15:04:05"), brief(l.Seconds))
	}
	b.WriteString("\n")
	if l.Strays > 0 {
		fmt.Fprintf(b, "%s that are no events are left out\n", several(l.Strays, "line", "lines"))
	}
	for _, f := range l.Files {
		for _, m := range f.Remarks {
			place := f.Name
			if m.Line > 0 {
				place = fmt.Sprintf("%s:%d", place, m.Line)
			}
			fmt.Fprintf(b, "  %s: %s\n", place, m.What)
		}
	}
}

func writeSimulated(b *strings.Builder, o simulate.Outcome) {
	fmt.Fprintf(b, "\n%s: %s a day, %s at peak, %s an event\n", o.Policy, bytesText(float64(o.BytesPerDay)), bytesText(o.PeakBytesPerSecond)+"/s", bytesText(o.BytesPerEvent))
	if u := o.Unknown; len(u.Why) > 0 {
		fmt.Fprintf(b, "\n  not in the log; with what can be estimated of it %s a day:\n", bytesText(float64(u.EstimatedBytesPerDay)))
		for _, why := range u.Why {
			fmt.Fprintf(b, "    %s\n", why)
		}
	}
	writeShares(b, "LEVEL", o.Levels, len(o.Levels))
	writeRules(b, o)
	writeShares(b, "USER", o.Users, shownShares)
	writeShares(b, "VERB AND RESOURCE", o.Kinds, shownShares)
	writeShares(b, "HEAVIEST SOURCES", o.Sources, len(o.Sources))
	if len(o.Savings) > 0 {
		b.WriteString("\n  what small changes would save; rules go in front of all others:\n")
	}
	for _, s := range o.Savings {
		fmt.Fprintf(b, "    %s  %s\n", percentText(s.OfBytes), s.What)
		for line := range strings.Lines(s.YAML) {
			fmt.Fprintf(b, "            %s", line)
		}
	}
}

func writeShares(b *strings.Builder, title string, shares []simulate.Share, most int) {
	if len(shares) == 0 {
		return
	}
	table(b, "  ", title+"\tREQUESTS\tEVENTS\tBYTES\tOF BYTES", func(row func(...string)) {
		for _, s := range shares[:min(most, len(shares))] {
			row(s.Name, numberText(s.Requests), numberText(s.Events), bytesText(float64(s.Bytes)), percentText(s.OfBytes))
		}
	})
	if more := len(shares) - most; more > 0 {
		fmt.Fprintf(b, "  and %d more: see -o json\n", more)
	}
}

// writeRules prints the rules that decide, and names those that do not.
func writeRules(b *strings.Builder, o simulate.Outcome) {
	var dead []string
	table(b, "  ", "RULE\tLEVEL\tREQUESTS\tEVENTS\tBYTES\tOF BYTES", func(row func(...string)) {
		for _, r := range o.Rules {
			switch {
			case r.Dead && r.Index >= 0:
				dead = append(dead, fmt.Sprintf("%d (line %d)", r.Index+1, r.Line))
			case r.Index >= 0:
				row(fmt.Sprintf("%d, line %d", r.Index+1, r.Line), r.Level, numberText(r.Decided), numberText(r.Events), bytesText(float64(r.Bytes)), percentText(r.OfBytes))
			case !r.Dead:
				row("no rule", r.Level, numberText(r.Decided), "0", "0 B", "0 %")
			}
		}
	})
	if len(dead) > 0 {
		fmt.Fprintf(b, "  decided nothing in this log: rule %s\n", strings.Join(dead, ", "))
	}
}

// table writes rows below a head, all but the first column to the right.
func table(b *strings.Builder, indent, head string, rows func(row func(...string))) {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, head)
	rows(func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) })
	_ = t.Flush() // to memory
	b.WriteString("\n")
	for line := range strings.Lines(text.String()) {
		b.WriteString(strings.TrimPrefix(indent, "\n") + strings.TrimRight(line, " \n") + "\n")
	}
}

func numberText(n int64) string { return fmt.Sprint(n) }

func perSecond(x float64) string { return strings.TrimSuffix(rate(x, ""), "/s") }

func bytesText(x float64) string { return tuning.FormatBytes(int64(x)) }

// percentText is a share with two digits or all before the point.
func percentText(share float64) string {
	switch p := share * 100; {
	case share == 0:
		return "0 %"
	case p < 0.1:
		return "<0.1 %"
	case p < 9.95:
		return fmt.Sprintf("%.1f %%", p)
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}
