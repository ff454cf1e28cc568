// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/document"
)

const (
	kind       = "Policy"
	group      = auditv1.GroupName + "/"
	apiVersion = group + "v1"
)

// head checks apiVersion and kind. It returns true when the document is not an
// audit policy at all, so that the rest of it is of no interest.
func (r *reading) head() (foreign bool) {
	if r.root.Kind != yaml.MappingNode {
		return false
	}
	version, given := document.Find(r.root, "apiVersion")
	switch {
	case !given:
		r.at("apiVersion", "apiVersion is missing", "add the line apiVersion: "+apiVersion)
	case version.Kind == yaml.ScalarNode && version.Value != apiVersion && !removed(version.Value):
		r.at("apiVersion", strconv.Quote(version.Value)+" is no apiVersion of an audit policy", "write apiVersion: "+apiVersion)
		foreign = !strings.HasPrefix(version.Value, group)
	}
	name, given := document.Find(r.root, "kind")
	switch {
	case !given:
		r.at("kind", "kind is missing", "add the line kind: "+kind)
	case name.Kind == yaml.ScalarNode && name.Value != kind:
		r.at("kind", "the kind is "+strconv.Quote(name.Value)+", not "+kind, document.Suggest(name.Value, []string{kind}))
		foreign = true
	}
	return foreign
}

// removed says whether a version of the policy was removed in 1.24
// (CHANGELOG-1.24 of kubernetes/kubernetes). The fields of both are those of v1,
// as pkg/apis/audit of kubernetes/apiserver 0.23.17 has them side by side.
func removed(version string) bool {
	return slices.Contains([]string{group + "v1beta1", group + "v1alpha1"}, version)
}

// convert replaces a removed version by v1 in the bytes. v1 is known since 1.12,
// so that it suits every kube-apiserver.
func (r *reading) convert(data []byte) []byte {
	node, given := document.Find(r.root, "apiVersion")
	if !given || !removed(node.Value) {
		return data
	}
	at := document.Offset(data, node.Line, node.Column)
	if at < len(data) && (data[at] == '"' || data[at] == '\'') {
		at++
	}
	if !bytes.HasPrefix(data[at:], []byte(node.Value)) {
		r.at("apiVersion", node.Value+" was removed in 1.24", "write apiVersion: "+apiVersion)
		return data
	}
	r.notes = append(r.notes, document.Problem{File: r.file, Line: node.Line,
		What: node.Value + " was removed in 1.24: converted to " + apiVersion})
	return slices.Concat(data[:at], []byte(apiVersion), data[at+len(node.Value):])
}
