// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"
	"strings"
)

const readerSource = "k8s.io/apiserver pkg/audit/policy/reader.go and pkg/apis/audit/validation/validation.go"

var readingChecks = []Check{
	{
		ID: "unreadable", Family: "reading", Severity: Error,
		Title:  "the file is no YAML or JSON document",
		Why:    "kube-apiserver reads one document, and does not start when it cannot",
		Remedy: "mend the place given; several policies are several files",
		Source: readerSource,
		find:   byReader("unreadable"),
	},
	{
		ID: "not-a-policy", Family: "reading", Severity: Error,
		Title:  "apiVersion or kind is not that of an audit policy",
		Why:    "kube-apiserver goes by these two lines, and does not start without them",
		Remedy: "write apiVersion: audit.k8s.io/v1 and kind: Policy",
		Source: readerSource,
		find:   byReader("not-a-policy"),
	},
	{
		ID: "unknown-key", Family: "reading", Severity: Error,
		Title:  "a key that kube-apiserver does not know",
		Why:    "kube-apiserver drops it and starts all the same, since 1.26 with a line in its log. A rule without the condition that was meant matches more than it says: with resource: for resources: it matches everything",
		Remedy: "write the key as the API has it, or remove it; --fix renames what can only mean one thing",
		Source: "kubernetes/kubernetes#113535; openshift/library-go pkg/operator/apiserver/audit/manifests, which has resource:; " + readerSource,
		find:   byReader("unknown-key"),
	},
	{
		ID: "duplicate-key", Family: "reading", Severity: Error,
		Title:  "a key that its mapping has twice",
		Why:    "only one of the two counts: the last one for kube-apiserver, the first one for other readers",
		Remedy: "keep one, or join the lists",
		Source: readerSource,
		find:   byReader("duplicate-key"),
	},
	{
		ID: "mixed-urls", Family: "reading", Severity: Error,
		Title:  "nonResourceURLs beside resources or namespaces in one rule",
		Why:    "a request is for a resource or for another path, never both; kube-apiserver does not start",
		Remedy: "make two rules of it",
		Source: readerSource,
		find:   byReader("mixed-urls"),
	},
	{
		ID: "no-rules", Family: "reading", Severity: Error,
		Title:  "the policy has no rules",
		Why:    "kube-apiserver does not start with it",
		Remedy: "add a rule; - level: Metadata records every request without its body",
		Source: readerSource,
		find:   byReader("no-rules"),
	},
	{
		ID: "yaml-anchor", Family: "reading", Severity: Warning,
		Title:  "an anchor, alias, merge key or tag of YAML",
		Why:    "kube-apiserver resolves them, but auditsetup and many other tools refuse them in files that decide what is recorded: what a rule says should stand in it",
		Remedy: "write the value out in each place",
		Source: "package document",
		find:   byReader("yaml-anchor"),
	},
	{
		ID: "invalid-value", Family: "reading", Severity: Error,
		Title:  "a value that kube-apiserver refuses, or takes for something else",
		Why:    "kube-apiserver does not start with an unknown level, stage or group, and takes a list with nothing in it for a condition that is not there",
		Remedy: "mend the value",
		Source: readerSource,
		find:   byReader("invalid-value"),
	},
}

// sayings tell by the words of the strict reader which check a problem is of.
var sayings = []struct{ part, id string }{
	{"unknown field ", "unknown-key"},
	{" is given twice", "duplicate-key"},
	{"the policy has no rules", "no-rules"},
	{"rules cannot apply to both", "mixed-urls"},
	{" is no apiVersion of an audit policy", "not-a-policy"},
	{"apiVersion is missing", "not-a-policy"},
	{"kind is missing", "not-a-policy"},
	{"the kind is ", "not-a-policy"},
	{"the document must be", "not-a-policy"},
	{" was removed in 1.24", "removed-version"},
	{"the anchor ", "yaml-anchor"},
	{"the alias ", "yaml-anchor"},
	{"the merge key ", "yaml-anchor"},
	{"the tag ", "yaml-anchor"},
}

// classified is the ID for a problem of the strict reader.
func (s *subject) classified(what string) string {
	if s.root == nil {
		return "unreadable"
	}
	for _, saying := range sayings {
		if strings.Contains(what, saying.part) {
			return saying.id
		}
	}
	return "invalid-value"
}

// byReader finds the problems of one kind.
func byReader(id string) func(*subject) []Finding {
	return func(s *subject) []Finding {
		var found []Finding
		for _, p := range s.problems {
			if s.classified(p.What) != id {
				continue
			}
			f := Finding{Problem: p}
			if !slices.ContainsFunc(found, func(o Finding) bool { return o.Problem == p }) {
				found = append(found, f)
			}
		}
		return found
	}
}
