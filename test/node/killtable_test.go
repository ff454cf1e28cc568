// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// killed is one kill and what came of it, as the table has it.
type killed struct {
	number         int
	command        string
	marks          marks
	step           string // the last that the tool said it was at
	old, new       []byte // the manifest before the command, and as it would leave it
	manifest       string // old or new
	record         string // "none" when nothing was begun
	dotfiles       []string
	next           []string // the runs after it, with what they said
	wrong          bool
	took           time.Duration
	container      string // of the API server before
	knownToRecords map[string]bool
}

// line is a row of the table, with tabs between the columns.
func (row *killed) line() string {
	result := "ok"
	if row.wrong {
		result = "WRONG"
	}
	dotfiles := "-"
	if len(row.dotfiles) > 0 {
		dotfiles = strings.Join(row.dotfiles, " ")
	}
	return strings.Join([]string{
		strconv.Itoa(row.number), row.command, row.marks.String(), row.step, "manifest " + row.manifest, "record " + row.record,
		dotfiles, strings.Join(row.next, "; "), fmt.Sprintf("%.1f s", row.took.Seconds()), result,
	}, "\t")
}

// report prints the table, and the counts.
func (k *killing) report(t *testing.T, took time.Duration, seed int) {
	t.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tkilled\tafter\tstep\tfound\t\tdotfiles left\tnext run\ttook\tresult")
	found, well := map[string]int{}, 0
	for _, row := range k.rows {
		fmt.Fprintln(w, row.line())
		found["manifest "+row.manifest+", record "+row.record]++
		if !row.wrong {
			well++
		}
	}
	_ = w.Flush()
	var counts []string
	for state, n := range found {
		counts = append(counts, fmt.Sprintf("%d x %s", n, state))
	}
	slices.Sort(counts)
	say("killed at random, seed %d:\n%s%d kills in %.0f s, %d with a clean end: %s", seed, text.String(), len(k.rows), took.Seconds(), well, strings.Join(counts, "; "))
	if well != len(k.rows) {
		t.Errorf("%d of %d kills have no clean end", len(k.rows)-well, len(k.rows))
	}
}
