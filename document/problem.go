// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package document reads the YAML and JSON that people hand to auditsetup:
// audit policies, specs and static pod manifests. It answers the one question
// that the libraries below it leave open, namely where: every problem carries
// its file, line and column, and all of them are reported together, so that a
// file is mended in one go.
package document

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing wrong with one place of what the user gave.
type Problem struct {
	// File is the name to show: a path as the user typed it, or the name of a
	// flag such as "--rate". Empty when there is neither.
	File string
	// Line and Column count from 1; 0 means unknown or not applicable.
	// Column counts characters, not bytes.
	Line, Column int
	// What says what is wrong, in lower case and without a full stop.
	What string
	// Hint says what to do or to type next; empty when What says it all.
	Hint string
}

// Error gives "FILE:LINE:COLUMN: WHAT" with the parts that are known. The hint
// is left to whoever prints, since it belongs on a line of its own.
func (p Problem) Error() string {
	switch {
	case p.File == "" && p.Line == 0:
		return p.What
	case p.File == "":
		return fmt.Sprintf("line %d: %s", p.Line, p.What)
	case p.Line == 0:
		return p.File + ": " + p.What
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.What)
}

// Problems is every problem of an input. As an error it prints one a line.
// A nil or empty Problems is not an error: return [Problems.Err].
type Problems []Problem

// Error joins the problems with newlines.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns nil when there is no problem, and ps otherwise, so that an empty
// list never turns into a non-nil error.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Add appends one problem that belongs to no line.
func (ps *Problems) Add(file, what, hint string) {
	*ps = append(*ps, Problem{File: file, What: what, Hint: hint})
}

// Sort orders the problems of each file by line and column; files keep the
// order in which they were first mentioned.
func (ps Problems) Sort() {
	order := map[string]int{}
	for _, p := range ps {
		if _, ok := order[p.File]; !ok {
			order[p.File] = len(order)
		}
	}
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.File != b.File {
			return order[a.File] < order[b.File]
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

// ProblemsOf returns the problems that err carries, looking through joined and
// wrapped errors, in the order of the join. Whatever carries none becomes one
// Problem with its text, so that nothing is lost. A nil err gives nil.
func ProblemsOf(err error) Problems {
	var all Problems
	var one Problem
	// only a join at the top is gone through: below it, whoever wrapped it has said what it comes to
	joined, isJoin := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case isJoin:
		for _, inner := range joined.Unwrap() {
			all = append(all, ProblemsOf(inner)...)
		}
		return all
	case errors.As(err, &all):
		return all
	case errors.As(err, &one):
		return Problems{one}
	}
	return Problems{{What: err.Error()}}
}
