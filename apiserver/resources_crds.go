// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/auditsetup/auditsetup/document"
)

// crd is what matters of a CustomResourceDefinition, of v1 and v1beta1.
type crd struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Group, Scope string
		Names        struct {
			Plural, Singular, Kind string
			ShortNames             []string `yaml:"shortNames"`
		}
		// Version is for the only one there is, and Subresources are for all,
		// in v1beta1 only.
		Version      string
		Subresources crdParts
		Versions     []struct {
			Name         string
			Served       bool
			Subresources crdParts
		}
	}
}

// crdParts are the subresources, each nil when it is not there.
type crdParts struct{ Status, Scale any }

// definitionKind is what it reads; other objects are passed over.
const definitionKind = "CustomResourceDefinition"

// crdReader reads one file.
type crdReader struct {
	file     string
	found    Resources
	seen     int
	problems document.Problems
}

// ReadCRDs reads the manifests of CustomResourceDefinitions, as YAML documents
// or as JSON, of apiextensions.k8s.io v1 and v1beta1, alone or in a List. Each
// gives its resource, with status and scale if a version that is served has them;
// one without such a version gives nothing. Other objects are passed over, since
// manifests have both. file is for messages.
//
// The error is a [document.Problems] with the lines of everything that is wrong;
// what could be read comes along. A file without any definition is wrong. Each
// document may be as large as [document.Parse] allows.
func ReadCRDs(file string, data []byte) (Resources, error) {
	r := crdReader{file: file}
	before := 0
	// a byte order mark would hide the first ---
	for _, text := range splitDocuments(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		for _, part := range splitItems(text) {
			r.document(part, before)
			before += bytes.Count(part, []byte("\n"))
		}
	}
	if r.seen == 0 && len(r.problems) == 0 {
		r.problems.Add(file, "has no CustomResourceDefinition in it", "save them so: kubectl get crds -o yaml > crds.yaml")
	}
	r.problems.Sort()
	return Resources{}.With(r.found), r.problems.Err()
}

// splitDocuments cuts YAML before each line that starts with ---, which starts a
// document wherever it stands (YAML 1.2.2, 9.1.2).
func splitDocuments(data []byte) [][]byte {
	return splitLines(data, func(line []byte) bool {
		return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0)
	})
}

// splitItems cuts a YAML list, in the style of kubectl, before each of its items
// and behind the last one, because all definitions of a cluster are more than
// is parsed at once. A line that is not indented is never inside an item.
func splitItems(data []byte) [][]byte {
	inItems := false
	return splitLines(data, func(line []byte) bool {
		switch {
		case bytes.Equal(bytes.TrimRight(line, " \r\n"), []byte("items:")):
			inItems = true
		case inItems && bytes.HasPrefix(line, []byte("- ")):
			return true
		case inItems && len(bytes.TrimSpace(line)) > 0 && line[0] != ' ' && line[0] != '#':
			inItems = false
			return true
		}
		return false
	})
}

// splitLines cuts data before each line that starts a part. All parts together
// are the data.
func splitLines(data []byte, starts func(line []byte) bool) [][]byte {
	var parts [][]byte
	start, at := 0, 0
	for line := range bytes.Lines(data) {
		if starts(line) && at > start {
			parts = append(parts, data[start:at])
			start = at
		}
		at += len(line)
	}
	return append(parts, data[start:])
}

// document reads one of them, or an item of a list in a list of its own, before
// which are so many lines.
func (r *crdReader) document(data []byte, before int) {
	if len(bytes.Trim(data, "- \t\r\n")) == 0 || onlyComments(data) {
		return
	}
	root, err := document.Parse(r.file, data)
	for _, p := range document.ProblemsOf(err) {
		if p.Line == 0 {
			// only its size can be wrong: that of YAML does not matter
			p.Line, p.Hint = 1+before, "save all definitions as YAML: kubectl get crds -o yaml > crds.yaml"
		} else {
			p.Line += before
			// the line in the text would be that of the document
			p.What, _, _ = strings.Cut(p.What, ", first in line ")
		}
		r.problems = append(r.problems, p)
	}
	if err == nil && root.Kind == yaml.SequenceNode {
		r.items(root, before)
	} else if err == nil {
		r.object(root, before)
	}
}

// onlyComments says whether there is no value, which is no problem between two
// marks.
func onlyComments(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

// object reads a definition, or a list of them.
func (r *crdReader) object(root *yaml.Node, before int) {
	kind, _ := document.Find(root, "kind")
	items, listed := document.Find(root, "items")
	switch {
	case kind.Value == definitionKind:
		r.seen++
		r.definition(root, before, "")
	case kind.Value == definitionKind+"List" && listed:
		// what the server sends says so of the list only
		version, _ := document.Find(root, "apiVersion")
		for _, item := range items.Content {
			r.seen++
			r.definition(item, before, version.Value)
		}
	case strings.HasSuffix(kind.Value, "List") && listed:
		r.items(items, before)
	}
}

// items reads the definitions in a list. Lists in lists are none of kubectl's.
func (r *crdReader) items(list *yaml.Node, before int) {
	for _, item := range list.Content {
		if kind, _ := document.Find(item, "kind"); kind.Value == definitionKind {
			r.object(item, before)
		}
	}
}

// add reports a problem at the deepest part of a path that is there.
func (r *crdReader) add(root *yaml.Node, before int, path, what string) {
	node, _ := document.Find(root, path)
	p := document.ProblemAt(r.file, node, what, "the cluster has it as it should be: kubectl get crds -o yaml")
	p.Line += before
	r.problems = append(r.problems, p)
}

// wrongTypes reports what the decoder says: lines of text that start with "line
// 7: " as counted in the document.
func (r *crdReader) wrongTypes(root *yaml.Node, before int, err error) {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		r.add(root, before, "", "cannot be read: "+strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	for _, text := range types.Errors {
		var line int
		if _, what, ok := strings.Cut(text, ": "); ok {
			if _, err := fmt.Sscanf(text, "line %d:", &line); err == nil {
				r.problems = append(r.problems, document.Problem{File: r.file, Line: line + before, What: what})
				continue
			}
		}
		r.add(root, before, "", text)
	}
}

// definition reads one, of this version if it does not say.
func (r *crdReader) definition(root *yaml.Node, before int, version string) {
	var c crd
	if err := root.Decode(&c); err != nil {
		r.wrongTypes(root, before, err)
		return
	}
	known := len(r.problems)
	c.APIVersion = cmp.Or(c.APIVersion, version)
	switch c.APIVersion {
	case "apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1":
	default:
		r.add(root, before, "apiVersion", fmt.Sprintf("%q is not apiextensions.k8s.io/v1 or v1beta1", c.APIVersion))
	}
	for _, field := range []struct{ path, value string }{
		{"spec.group", c.Spec.Group}, {"spec.names.plural", c.Spec.Names.Plural}, {"spec.names.kind", c.Spec.Names.Kind},
	} {
		if field.value == "" {
			r.add(root, before, field.path, field.path+" is missing")
		}
	}
	if c.Spec.Scope != "Namespaced" && c.Spec.Scope != "Cluster" && (c.Spec.Scope != "" || c.APIVersion != "apiextensions.k8s.io/v1beta1") {
		r.add(root, before, "spec.scope", fmt.Sprintf("spec.scope is %q, and has to be Namespaced or Cluster", c.Spec.Scope))
	}
	if len(c.Spec.Versions) == 0 && (c.Spec.Version == "" || c.APIVersion != "apiextensions.k8s.io/v1beta1") {
		r.add(root, before, "spec.versions", "spec.versions is missing")
	}
	if name := c.Spec.Names.Plural + "." + c.Spec.Group; len(r.problems) == known && c.Metadata.Name != name {
		r.add(root, before, "metadata.name", fmt.Sprintf("is called %q, and has to be called %q after its plural and group", c.Metadata.Name, name))
	}
	if len(r.problems) == known {
		r.found = append(r.found, c.resources()...)
	}
}

// resources is what the server makes of a definition (sync in
// pkg/apiserver/customresource_discovery_controller.go of
// k8s.io/apiextensions-apiserver v0.37.1). A namespace is the default of v1beta1.
func (c crd) resources() Resources {
	served := len(c.Spec.Versions) == 0
	status, scale := false, false
	parts := func(p crdParts) {
		status, scale = status || p.Status != nil, scale || p.Scale != nil
	}
	for _, v := range c.Spec.Versions {
		if v.Served {
			served = true
			parts(v.Subresources)
		}
	}
	if !served {
		return nil
	}
	parts(c.Spec.Subresources)
	names := c.Spec.Names
	one := Resource{Group: c.Spec.Group, Name: names.Plural, Namespaced: c.Spec.Scope != "Cluster", ByDefault: true}
	all := Resources{one}
	all[0].Verbs, all[0].Kind, all[0].ShortNames = slices.Clone(verbsOfObjects), names.Kind, names.ShortNames
	all[0].Singular = cmp.Or(names.Singular, strings.ToLower(names.Kind))
	for sub, there := range map[string]bool{"status": status, "scale": scale} {
		if there {
			part := one
			part.Subresource, part.Verbs = sub, slices.Clone(verbsOfParts)
			all = append(all, part)
		}
	}
	return all
}
