// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
	requests "github.com/auditsetup/auditsetup/policy/kinds"
)

// What is shown without --all: so many lines, and of each list so many words.
const (
	shownLines = 44
	shownWords = 6
)

// diff is a comparison to be printed.
type diff struct {
	a, b    string
	version apiserver.Version
	all     bool
	found   policy.Comparison
	known   apiserver.Resources
}

// words says what a kind is, by the resources that the version serves.
func (d *diff) words(k requests.Kind, limit int) string {
	if d.known == nil {
		d.known = d.version.Resources()
	}
	return k.Among(d.known).Short(limit)
}

// shortestFirst orders differences about the same callers by how long it takes to
// say them.
func (d *diff) shortestFirst() {
	length := map[string]int{}
	key := func(x policy.Difference) string { return x.Kind.String() }
	for _, x := range d.found.Differences {
		length[key(x)] = len(d.words(x.Kind, 0))
	}
	slices.SortStableFunc(d.found.Differences, func(x, y policy.Difference) int {
		return cmp.Or(x.Rank()-y.Rank(), length[key(x)]-length[key(y)])
	})
}

// more counts the differences in which A records more, B does, or neither.
func (d *diff) more() (a, b, neither int) {
	for _, x := range d.found.Differences {
		switch more := x.A.More(x.B); {
		case more > 0:
			a++
		case more < 0:
			b++
		default:
			neither++
		}
	}
	return a, b, neither
}

func (d *diff) text() string {
	if len(d.found.Differences) == 0 {
		return fmt.Sprintf("no difference between %s and %s\n", d.a, d.b)
	}
	shown := d.found.Differences
	words := 0
	if !d.all {
		words = shownWords
		shown = d.screenful()
	}
	var text strings.Builder
	text.WriteString(d.summary())
	for _, group := range d.grouped(shown) {
		fmt.Fprintf(&text, "\n%s:\n", group.heading)
		for _, x := range group.differences {
			text.WriteString(wrapped(d.words(x.Kind, words)))
		}
	}
	text.WriteString(d.rest(len(shown)))
	return text.String()
}

// screenful is the differences that fit on a screen, at least one.
func (d *diff) screenful() []policy.Difference {
	lines := 0
	var headings []string
	for i, x := range d.found.Differences {
		lines += strings.Count(wrapped(d.words(x.Kind, shownWords)), "\n")
		if heading := d.heading(x); !slices.Contains(headings, heading) {
			headings = append(headings, heading)
			lines += 2
		}
		if i > 0 && (lines > shownLines || x.Unlikely) {
			return d.found.Differences[:i]
		}
	}
	return d.found.Differences
}

func (d *diff) summary() string {
	a, b, neither := d.more()
	n := len(d.found.Differences)
	text := fmt.Sprintf("%s and %s differ in %d kinds of request: ", d.a, d.b, n)
	if n == 1 {
		text = fmt.Sprintf("%s and %s differ in one kind of request: ", d.a, d.b)
	}
	var parts []string
	for _, of := range []struct {
		count int
		who   string
	}{{a, d.a}, {b, d.b}, {neither, "neither"}} {
		if of.count == 0 {
			continue
		}
		part := of.who
		if len(parts) == 0 {
			part += " records more"
		}
		if of.count < n {
			part += fmt.Sprintf(" in %d", of.count)
		}
		parts = append(parts, part)
	}
	text += strings.Join(parts, ", ") + "\n"
	special := func(x policy.Difference) bool { return len(x.Kind.Callers) > 0 }
	if slices.ContainsFunc(d.found.Differences, special) || len(d.found.Alike) > 0 {
		text += "what is said of certain callers goes before what is said of everyone\n"
	}
	return text
}

// rest says what else there is, or says that it is left out.
func (d *diff) rest(shown int) string {
	left := len(d.found.Differences) - shown
	alike := d.found.Alike
	if d.all {
		if len(alike) == 0 {
			return ""
		}
		text := "\nno difference, although what is said of everyone has it:\n"
		for _, k := range alike {
			text += wrapped(d.words(k, 0))
		}
		return text
	}
	var parts []string
	if left > 0 {
		text := fmt.Sprintf("%d more", left)
		if len(d.found.Differences[shown].Kind.Callers) > 0 {
			text += ", all by certain callers"
		}
		parts = append(parts, text)
	}
	switch len(alike) {
	case 0:
	case 1:
		parts = append(parts, "one exception in which they do not differ")
	default:
		parts = append(parts, fmt.Sprintf("%d exceptions in which they do not differ", len(alike)))
	}
	cut := func(x policy.Difference) bool { return d.words(x.Kind, shownWords) != d.words(x.Kind, 0) }
	if len(parts) == 0 && slices.ContainsFunc(d.found.Differences, cut) {
		parts = append(parts, "the lists in full")
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n" + strings.Join(parts, ", and ") + ": see --all\n"
}

type diffGroup struct {
	heading     string
	differences []policy.Difference
}

// grouped puts differences under what the two policies write: first where A
// records more, the most first, then where B does.
func (d *diff) grouped(all []policy.Difference) []diffGroup {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(x, y policy.Difference) int {
		order := section(x) - section(y)
		if x.A.More(x.B) < 0 {
			x.A, x.B, y.A, y.B = x.B, x.A, y.B, y.A
		}
		return cmp.Or(order, y.A.More(x.A), x.B.More(y.B))
	})
	var groups []diffGroup
	for _, x := range sorted {
		heading := d.heading(x)
		i := slices.IndexFunc(groups, func(g diffGroup) bool { return g.heading == heading })
		if i < 0 {
			i = len(groups)
			groups = append(groups, diffGroup{heading: heading})
		}
		groups[i].differences = append(groups[i].differences, x)
	}
	return groups
}

func section(x policy.Difference) int {
	place := 0
	if x.Unlikely {
		place = 3
	}
	switch more := x.A.More(x.B); {
	case more > 0:
	case more < 0:
		place++
	default:
		place += 2
	}
	return place
}

// heading says what the two write: the levels, and what else is not the same.
func (d *diff) heading(x policy.Difference) string {
	a, b := string(x.A.Level), string(x.B.Level)
	bodies := func(e policy.Effect) bool { return strings.HasPrefix(string(e.Level), "Request") }
	if x.A.OmitStages != x.B.OmitStages && a != "None" && b != "None" {
		a, b = a+stagesOf(x.A), b+stagesOf(x.B)
	}
	if bodies(x.A) && bodies(x.B) && x.A.OmitManagedFields != x.B.OmitManagedFields {
		a, b = a+managed(x.A), b+managed(x.B)
	}
	heading := fmt.Sprintf("%s in %s, %s in %s", a, d.a, b, d.b)
	if x.Unlikely {
		heading += ", for callers that only a certificate could name"
	}
	return heading
}

func stagesOf(e policy.Effect) string {
	if e.OmitStages == "" {
		return " at every stage"
	}
	return " without " + strings.ReplaceAll(e.OmitStages, ",", ", ")
}

func managed(e policy.Effect) string {
	if e.OmitManagedFields {
		return " without managed fields"
	}
	return " with managed fields"
}

// wrapped makes an item of a list that fits on the screen.
func wrapped(text string) string {
	const width = 100
	var out strings.Builder
	out.WriteString("  -")
	column := 3
	for _, word := range strings.Fields(text) {
		if column+1+len(word) > width {
			out.WriteString("\n   ")
			column = 3
		}
		out.WriteString(" " + word)
		column += 1 + len(word)
	}
	return out.String() + "\n"
}

// The JSON form. A key more does not change formatVersion.
type (
	jsonDiff struct {
		FormatVersion int    `json:"formatVersion"`
		KubeVersion   string `json:"kubeVersion"`
		A             string `json:"a"`
		B             string `json:"b"`
		RecordsMore   struct {
			A       int `json:"a"`
			B       int `json:"b"`
			Neither int `json:"neither"`
		} `json:"recordsMore"`
		Differences []jsonDifference `json:"differences"`
		Alike       []requests.Kind  `json:"alike"`
	}
	jsonDifference struct {
		Text     string          `json:"text"`
		A        jsonEffect      `json:"a"`
		B        jsonEffect      `json:"b"`
		Unlikely bool            `json:"unlikely"`
		Requests requests.Kind   `json:"requests"`
		Except   []requests.Kind `json:"except"`
	}
	jsonEffect struct {
		Level             string   `json:"level"`
		OmitStages        []string `json:"omitStages"`
		OmitManagedFields bool     `json:"omitManagedFields"`
	}
)

func (d *diff) json(w io.Writer) error {
	out := jsonDiff{FormatVersion: 1, KubeVersion: d.version.String(), A: d.a, B: d.b,
		Differences: []jsonDifference{}, Alike: append([]requests.Kind{}, d.found.Alike...)}
	out.RecordsMore.A, out.RecordsMore.B, out.RecordsMore.Neither = d.more()
	for _, x := range d.found.Differences {
		out.Differences = append(out.Differences, jsonDifference{d.words(x.Kind, 0), effectJSON(x.A), effectJSON(x.B), x.Unlikely, x.Kind, x.Except})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func effectJSON(e policy.Effect) jsonEffect {
	stages := []string{}
	if e.OmitStages != "" {
		stages = strings.Split(e.OmitStages, ",")
	}
	return jsonEffect{string(e.Level), stages, e.OmitManagedFields}
}
