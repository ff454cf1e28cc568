// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package profiles holds the named audit policies that an administrator picks
// from. A profile is a policy together with what one has to know to choose it:
// what it is for, where it comes from, what it costs, what it does not see and
// what it writes down that others had better not read. The policy adapts to the
// version of kube-apiserver.
//
// The policies themselves are in templates/policies, one text/template each,
// named after the profile; the table in this package is the order in which they
// are shown. To add a profile, add both; the tests find it by itself. A profile
// with a source that can be had at test time is compared with it decision by
// decision; where a fault of the source is mended, Mended says so.
//
// [WithExtraRules] puts a profile in front of another policy, for some requests,
// or single rules.
package profiles

import (
	"bytes"
	"fmt"
	"slices"
	"text/template"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/templates"
)

// Cost says how much a profile writes in comparison with the others, for the
// same requests. The numbers are in the estimates.
type Cost string

// The cost classes, by bytes written for each request received: below 1000,
// below 2000, and above.
const (
	Low    Cost = "low"
	Medium Cost = "medium"
	High   Cost = "high"
)

// Estimate is a number to plan with, taken when nothing was measured. Those of
// the same profile belong together; all are rough, see Reason.
type Estimate struct {
	// Value is the number, greater than zero, in the unit of its field.
	Value float64
	// Reason is how Value comes about, with the values that went into it.
	Reason string
	// Source is where these values were found.
	Source string
}

// Profile is an audit policy under a name. Every field but Mended is set
// in the profiles of this package. The zero value has no policy.
type Profile struct {
	// Name is what --profile takes: lower-case letters, digits and hyphens.
	Name string
	// Title is a few words for a list.
	Title string
	// Purpose is one or two sentences on whom it is for.
	Purpose string
	// Source is the document or the file that it follows.
	Source string
	// Cost is the class of its volume.
	Cost Cost
	// Blind is what leaves no trace, or less than one may think.
	Blind []string
	// Exposes is what the log holds that may be confidential, beyond the names of
	// people and things.
	Exposes []string
	// Mended is where it differs from Source and why; nil when it does not.
	Mended []string
	// EventsPerRequest is the mean number of events for each request that the
	// server receives, over all requests of an ordinary cluster. Times the
	// request rate it gives events per second.
	EventsPerRequest Estimate
	// BytesPerEvent is the mean size of an event as JSON, uncompressed, in bytes.
	BytesPerEvent Estimate
}

// All returns the profiles in the order in which they are to be shown, the one
// to take when in doubt first. The caller may change the slice, but not what
// the fields of its elements point to.
func All() []Profile { return slices.Clone(table) }

// Names returns the names of all profiles, in the order of [All].
func Names() []string {
	names := make([]string, len(table))
	for i, p := range table {
		names[i] = p.Name
	}
	return names
}

// Lookup returns the profile of that exact name, and whether there is one.
func Lookup(name string) (Profile, bool) {
	i := slices.IndexFunc(table, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return table[i], true
}

// Policy returns the profile's policy for a kube-apiserver of that version: a
// YAML document of audit.k8s.io/v1 with comments, in ASCII, that ends in a
// newline. It depends on nothing but the name and the minor version, so that
// equal bytes mean an equal policy and a patch release changes none. Whether
// auditsetup supports the version is for the caller to ask.
//
// An error means that p is not one of this package's profiles.
func (p Profile) Policy(v apiserver.Version) ([]byte, error) {
	text, err := templates.Policies.ReadFile("policies/" + p.Name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("profile %q has no policy: %w", p.Name, err)
	}
	t, err := template.New(p.Name).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("policy of profile %q: %w", p.Name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("policy of profile %q: %w", p.Name, err)
	}
	return out.Bytes(), nil
}
