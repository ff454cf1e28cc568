// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import "slices"

// Severity is how bad a finding is.
type Severity string

// The severities. An Error is that events are lost or will be, that credentials
// get into the log, or that the kube-apiserver is down or will be; a Warning is
// everything else.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that a check found.
type Finding struct {
	// ID is that of the check.
	ID       string
	Severity Severity
	// File is as the user can type it, empty when it is about no file; Line is 0
	// when it is about no line.
	File string
	Line int
	// What says what is wrong, in lower case and without a full stop.
	What string
	// Remedy is what to do, if possible a command to paste. Never empty.
	Remedy string
}

// Check is an entry of the table.
type Check struct {
	// ID never changes its meaning.
	ID     string
	Family string
	// Title says in a few words what is wrong when it finds something.
	Title string
	// Why is what comes of it, How what is looked at, Remedy what to do about it,
	// Source where all this is known from: a repository's path, an issue.
	Why, How, Remedy, Source string

	severity Severity
	needs    need
	find     func(*Facts) []Finding
}

// Severity is that of most of its findings.
func (c Check) Severity() Severity { return c.severity }

// need is what has to be there for a check to make sense. The zero need is
// nothing.
type need int

const (
	// pod needs a manifest that can be read, auditOn besides that it has any flag of
	// audit: where there is none, that is the one finding.
	pod need = iota + 1
	auditOn
)

// Checks are all there are, in the order of their families. The slice is the
// caller's.
func Checks() []Check {
	return slices.Concat(manifestChecks, mountChecks, runningChecks, policyChecks, logChecks, webhookChecks, upgradeChecks, cisChecks)
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

// Run judges the facts by every check, and returns what they found in the order
// of the table. f is not changed.
func Run(f *Facts) []Finding {
	var all []Finding
	for _, c := range Checks() {
		if c.needs >= pod && f.Manifest == nil || c.needs == auditOn && !f.AuditOn() {
			continue
		}
		for _, found := range c.find(f) {
			found.ID = c.ID
			if found.Severity == "" {
				found.Severity = c.severity
			}
			if found.Remedy == "" {
				found.Remedy = c.Remedy
			}
			all = append(all, found)
		}
	}
	return all
}

// at is a finding with the manifest.
func (f *Facts) at(line int, what, remedy string) Finding {
	return Finding{File: f.show(f.Path), Line: line, What: what, Remedy: remedy}
}

// in is a finding with another file.
func (f *Facts) in(file File, what, remedy string) Finding {
	return Finding{File: f.show(file.Path), What: what, Remedy: remedy}
}
