// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"slices"
	"strings"
)

// Flag is one audit flag of kube-apiserver.
type Flag struct {
	// Name is without dashes in front, as in "audit-log-path".
	Name string
	// Type is pflag's name for the type: "string", "int", "int64", "float32",
	// "bool" or "duration".
	Type string
	// Backend is what the flag configures: "policy", "log", "webhook", or
	// "dynamic" for the audit sinks that were gone with 1.19.
	Backend string
	// Since is the first minor with the flag; 0 when it is older than
	// OldestMinor. Until is the last minor with it; 0 when it is still there.
	Since, Until int
	// Deprecated is the minor since which upstream warns of the flag; 0 for
	// one in good standing. Instead then names what to use.
	Deprecated int
	// Instead says, without dashes, which flag does the same today; empty
	// when none does. Replaces is its inverse.
	Instead, Replaces string
	// BatchOnly flags are read only in mode batch of their backend.
	BatchOnly bool
	// Unit is what a number counts, empty when it counts nothing. Durations
	// carry their unit in the value.
	Unit string
	// Doc is one line on what the flag does.
	Doc string

	// initial is the default in OldestMinor, or in Since if that is later, as
	// pflag prints it.
	initial string
	// changes are the later defaults, oldest first.
	changes []change
	// values are the only ones allowed; nil for any, and for *-version, where
	// they depend on the minor.
	values []string
}

// change is a new default, in force from a minor on.
type change struct {
	from    int
	initial string
}

// Flags returns every audit flag of every known minor, sorted by name. Filter
// with [Flag.In]. The slice is the caller's.
func Flags() []Flag {
	all := slices.Clone(table)
	slices.SortFunc(all, func(a, b Flag) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Lookup finds a flag of any minor by name. Dashes in front are passed over and
// "_" counts as "-", as on the command line of kube-apiserver.
func Lookup(name string) (Flag, bool) {
	name = canonical(name)
	i := slices.IndexFunc(table, func(f Flag) bool { return f.Name == name })
	if i < 0 {
		return Flag{}, false
	}
	return table[i], true
}

// canonical spells a flag name as the table does. Source of the underscores:
// k8s.io/component-base v0.37.1 cli/flag/flags.go.
func canonical(name string) string {
	return strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
}

// In reports whether v has the flag. A minor beyond NewestMinor is taken to
// have what NewestMinor has.
func (f Flag) In(v Version) bool {
	return v.Minor >= f.Since && (f.Until == 0 || v.Minor <= f.Until)
}

// Default returns what the flag is set to when nobody sets it, as pflag prints
// it: "10485760", "30s", "true", or "" for an empty string. For a version
// without the flag the answer means nothing.
func (f Flag) Default(v Version) string {
	value := f.initial
	for _, c := range f.changes {
		if v.AtLeast(c.from) {
			value = c.initial
		}
	}
	return value
}

// Values returns the only values that v accepts, nil if any of the type will
// do. They are case-sensitive. The slice is the caller's.
func (f Flag) Values(v Version) []string {
	if strings.HasSuffix(f.Name, "-version") {
		return APIVersions(v)
	}
	return slices.Clone(f.values)
}
