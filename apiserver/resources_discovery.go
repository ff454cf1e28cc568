// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

// discoveryHint says how to make a file that can be read.
const discoveryHint = "save it so: { kubectl get --raw /api/v1; " +
	"for v in $(kubectl api-versions | grep /); do kubectl get --raw /apis/$v; done; } > discovery.json"

// discoveryDocument is any of the documents that discovery is made of.
type discoveryDocument struct {
	Kind, APIVersion string
	// GroupVersion and Resources are those of an APIResourceList.
	GroupVersion string
	Resources    []struct {
		Name, SingularName, Kind string
		Namespaced               bool
		Verbs, ShortNames        []string
	}
	// Items are those of an APIGroupDiscoveryList, a group each.
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version   string
			Resources []discoveryResource
		}
	}
}

// discoveryResource is a resource of a version in an APIGroupDiscoveryList.
type discoveryResource struct {
	Resource, Scope, SingularResource string
	ResponseKind                      struct{ Kind string }
	Verbs, ShortNames                 []string
	Subresources                      []struct {
		Subresource string
		Verbs       []string
	}
}

// ReadDiscovery reads what a server said that it serves: JSON documents, one
// after the other, each an APIResourceList (what `kubectl get --raw /api/v1` and
// /apis/GROUP/VERSION print, and what is in kubectl's cache of discovery), or an
// APIGroupDiscoveryList of apidiscovery.k8s.io v2 or v2beta1 (what /api and
// /apis give a client that asks for it). Both take all versions of a group
// together. file is for messages.
//
// The error is a [document.Problems]; what could be read comes along. Documents
// with groups but no resources are refused, as is what `kubectl api-resources
// -o json` prints, which leaves out subresources: whatever is not in the result is
// taken for unknown.
func ReadDiscovery(file string, data []byte) (Resources, error) {
	var found Resources
	var problems document.Problems
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		// the decoder stands behind the document before
		start := int(decoder.InputOffset())
		start += len(data[start:]) - len(bytes.TrimSpace(data[start:]))
		at := document.Problem{File: file, Line: lineAt(data, start), Column: 1, Hint: discoveryHint}
		var d discoveryDocument
		err := decoder.Decode(&d)
		if errors.Is(err, io.EOF) {
			break
		}
		var wrongType *json.UnmarshalTypeError
		if err != nil {
			at.What = "is not JSON: " + err.Error()
			if errors.As(err, &wrongType) {
				at.What = fmt.Sprintf("%s is a %s, which no discovery has there", strings.ToLower(wrongType.Field), wrongType.Value)
			}
			problems = append(problems, at)
			if wrongType != nil {
				continue
			}
			return found, problems
		}
		resources, what := d.read()
		if what != "" {
			at.What = what
			problems = append(problems, at)
		}
		found = found.With(resources)
	}
	if found == nil && problems == nil {
		problems.Add(file, "has no resources in it", discoveryHint)
	}
	return found, problems.Err()
}

// lineAt is the line of an offset, from 1.
func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}

// read gives the resources of a document, or what is wrong with it.
func (d discoveryDocument) read() (Resources, string) {
	switch {
	case d.Kind == "APIResourceList" && d.GroupVersion != "":
		return d.list()
	case d.Kind == "APIResourceList":
		return nil, "names no group: kubectl api-resources leaves out subresources"
	case d.Kind == "APIGroupDiscoveryList" && strings.HasPrefix(d.APIVersion, "apidiscovery.k8s.io/v2"):
		return d.aggregated()
	case d.Kind == "APIGroupList", d.Kind == "APIGroup", d.Kind == "APIVersions":
		return nil, fmt.Sprintf("is an %s, which has groups but no resources", d.Kind)
	}
	return nil, fmt.Sprintf("is a %q of %q, and no discovery", d.Kind, d.APIVersion)
}

// list reads an APIResourceList, where subresources are called NAME/SUBRESOURCE.
func (d discoveryDocument) list() (Resources, string) {
	group, _, grouped := strings.Cut(d.GroupVersion, "/")
	if !grouped {
		group = ""
	}
	var found Resources
	for _, r := range d.Resources {
		read := Resource{Group: group, Namespaced: r.Namespaced, Verbs: r.Verbs, ByDefault: true}
		read.Name, read.Subresource, _ = strings.Cut(r.Name, "/")
		if read.Name == "" {
			return nil, fmt.Sprintf("a resource of %s has no name", d.GroupVersion)
		}
		if read.Subresource == "" {
			read.Kind, read.Singular, read.ShortNames = r.Kind, r.SingularName, r.ShortNames
		}
		found = append(found, read.orNone()...)
	}
	return Resources{}.With(found), ""
}

// aggregated reads an APIGroupDiscoveryList.
func (d discoveryDocument) aggregated() (Resources, string) {
	var found Resources
	for _, g := range d.Items {
		for _, v := range g.Versions {
			for _, r := range v.Resources {
				read := Resource{Group: g.Metadata.Name, Name: r.Resource, Namespaced: r.Scope == "Namespaced", ByDefault: true}
				if read.Name == "" {
					return nil, fmt.Sprintf("a resource of %s %s has no name", g.Metadata.Name, v.Version)
				}
				for _, s := range r.Subresources {
					part := read
					part.Subresource, part.Verbs = s.Subresource, s.Verbs
					found = append(found, part.orNone()...)
				}
				read.Verbs, read.Kind, read.Singular, read.ShortNames = r.Verbs, r.ResponseKind.Kind, r.SingularResource, r.ShortNames
				found = append(found, read.orNone()...)
			}
		}
	}
	return Resources{}.With(found), ""
}

// orNone leaves out what has no verbs: it stands for its subresources only.
func (r Resource) orNone() Resources {
	if len(r.Verbs) == 0 {
		return nil
	}
	slices.Sort(r.Verbs)
	if r.Singular == "" {
		// servers before 1.27 leave it empty
		r.Singular = strings.ToLower(r.Kind)
	}
	return Resources{r}
}
