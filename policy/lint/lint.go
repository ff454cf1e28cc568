// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package lint finds in audit policies what does not mean what it says: keys
// that kube-apiserver drops, words that it compares literally, rules that can
// never decide, resources that nobody serves, credentials that get into the log,
// and doings that leave no trace. Each check is an entry of a table, with an ID
// that never changes its meaning.
//
// What a rule matches is never guessed: reading is package policy's, questions
// about all requests there are go to the algebra of package kinds, which asks
// kube-apiserver's own evaluator, and what a version serves is the table of
// package apiserver. Nothing here reads a file or prints.
package lint

import (
	"cmp"
	"slices"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// Severity is how bad a finding is.
type Severity string

// The severities. An Error is what keeps kube-apiserver from starting, what it
// reads as something else than it says, credentials in the log, and a policy
// that records nothing. A Warning is a rule, or a part of one, that does not do
// what it seems to do, or a doing that should leave a trace and leaves none.
// Info is what may be meant, and is worth knowing.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Severities are all there are, the worst first.
func Severities() []Severity { return []Severity{Error, Warning, Info} }

// AtLeast reports whether s is as bad as other, or worse.
func (s Severity) AtLeast(other Severity) bool {
	all := Severities()
	return slices.Index(all, s) <= slices.Index(all, other)
}

// Finding is one thing that a check found. Of its Problem, What and Hint are
// never empty; Line and Column are 0 when it is about the whole file only.
type Finding struct {
	// ID is that of the check.
	ID       string
	Severity Severity
	document.Problem
}

// Check is an entry of the table.
type Check struct {
	// ID never changes its meaning.
	ID     string
	Family string
	// Severity is that of most of its findings; one may be milder or worse where
	// the circumstances say so, and Why says when.
	Severity Severity
	// Title says in a few words what is wrong when it finds something.
	Title string
	// Why is what comes of it, Remedy what to do about it, Source where that is
	// known from: a repository's path, an issue, a benchmark.
	Why, Remedy, Source string
	// Benchmark is the one in whose name it is asked; empty for most. Such a check
	// is made only when [Options.Benchmarks] has it.
	Benchmark string

	find func(*subject) []Finding
}

// Options are what a policy is held against.
type Options struct {
	// Version is that of the kube-apiserver; the zero Version is the newest known.
	Version apiserver.Version
	// More are resources that it serves besides its own: those of CRDs, and of
	// aggregated servers. May be nil.
	More apiserver.Resources
	// Complete says that there are no others, so that a group that is neither known
	// nor in More is a mistake. Without, it may be a custom resource's.
	Complete bool
	// Benchmarks are "cis" and "stig", as wanted.
	Benchmarks []string
}

// Checks are all there are, in the order of their families. The slice is the
// caller's.
func Checks() []Check {
	return slices.Concat(readingChecks, versionChecks, reachChecks, wordChecks, resourceChecks, pathChecks,
		credentialChecks, stageChecks, coverageChecks, noiseChecks, benchmarkChecks)
}

// Lookup finds a check by its ID.
func Lookup(id string) (Check, bool) {
	all := Checks()
	i := slices.IndexFunc(all, func(c Check) bool { return c.ID == id })
	if i < 0 {
		return Check{}, false
	}
	return all[i], true
}

// Run finds everything that is wrong with a policy in YAML or JSON, ordered by
// place. file is the name for messages. A policy that cannot be read as one is
// findings too; what kube-apiserver drops of it is found, and the rest judged as
// kube-apiserver would read it.
func Run(file string, data []byte, o Options) []Finding {
	s := newSubject(file, data, o)
	var all []Finding
	for _, c := range Checks() {
		if c.Benchmark != "" && !slices.Contains(o.Benchmarks, c.Benchmark) {
			continue
		}
		for _, f := range c.find(s) {
			f.ID, f.File = c.ID, file
			f.Severity = cmp.Or(f.Severity, c.Severity)
			f.Hint = cmp.Or(f.Hint, c.Remedy)
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return all
}
