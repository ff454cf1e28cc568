// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// object is what a line names: a resource, and an object of it, or all of them
// when the name is empty.
type object struct {
	apiserver.Resource
	name string
	// namespace is set by a file only.
	namespace string
}

// objects reads TYPE, TYPE NAME..., TYPE/NAME... and lists of types.
func (k *kubectl) objects(words []string) ([]object, error) {
	if len(words) == 0 {
		return nil, document.Problem{File: "kubectl", What: "the line does not say which resource it is about", Hint: "write it as in kubectl get secrets, or kubectl delete pod/web"}
	}
	var all []object
	if strings.Contains(words[0], "/") {
		for _, word := range words {
			kind, name, _ := strings.Cut(word, "/")
			r, err := k.called(kind)
			if err != nil {
				return nil, err
			}
			all = append(all, object{r, name, ""})
		}
		return all, nil
	}
	for _, kind := range strings.Split(words[0], ",") {
		r, err := k.called(kind)
		if err != nil {
			return nil, err
		}
		for _, name := range words[1:] {
			all = append(all, object{r, name, ""})
		}
		if len(words) == 1 {
			all = append(all, object{r, "", ""})
		}
	}
	return all, nil
}

// called is what kubectl takes a word for: of several, the one in the core group.
func (k *kubectl) called(word string) (apiserver.Resource, error) {
	found := k.known.Called(word)
	lower := strings.ToLower(word)
	if len(found) > 0 && spelled(found[0], lower) {
		return found[0], nil
	}
	name, api, dotted := strings.Cut(lower, ".")
	if dotted && name != "" && !slices.Contains(k.known.Groups(), api) {
		if version, rest, cut := strings.Cut(api, "."); cut && len(version) > 1 && version[0] == 'v' && version[1] >= '0' && version[1] <= '9' {
			api = rest
		}
		return apiserver.Resource{Group: api, Name: name, Namespaced: true}, nil
	}
	p := document.Problem{File: "kubectl", What: fmt.Sprintf("there is no resource %q in kube-apiserver", word), Hint: "write a custom resource with its group, as in certificates.cert-manager.io"}
	if len(found) > 0 {
		p.Hint = "did you mean " + found[0].Name + "?"
	}
	return apiserver.Resource{}, p
}

// spelled says whether a word in lower case is a name of a resource as it is.
func spelled(r apiserver.Resource, word string) bool {
	name, rest, dotted := strings.Cut(word, ".")
	if dotted && rest != r.Group && !strings.HasSuffix(rest, "."+r.Group) {
		return false
	}
	return name == r.Name || name == r.Singular || name == strings.ToLower(r.Kind) || slices.Contains(r.ShortNames, name)
}

// files are the objects of -f and -k.
func (k *kubectl) files() ([]object, error) {
	var all []object
	for _, name := range k.flags["filename"] {
		if k.read == nil || strings.HasPrefix(name, "http") {
			return nil, unread(name, "save it as a file")
		}
		data, err := k.read(name)
		if err != nil {
			return nil, err
		}
		found, err := k.manifests(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(k.flags["kustomize"]) > 0 {
		return nil, unread(k.flag("kustomize"), "write what kubectl kustomize prints into a file, and give that with -f")
	}
	if len(all) == 0 {
		return nil, unread("the line", "give a file with -f")
	}
	return all, nil
}

func unread(name, hint string) error {
	return document.Problem{File: "kubectl", What: fmt.Sprintf("which objects are in %s is not known", name), Hint: hint}
}

// manifest is what matters of an object in a file.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Namespace string }
	Items      []manifest
}

// manifests are the objects of a file.
func (k *kubectl) manifests(file string, data []byte) ([]object, error) {
	var all []object
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var m manifest
		err := decoder.Decode(&m)
		switch {
		case errors.Is(err, io.EOF) && len(all) == 0:
			return nil, document.Problem{File: file, What: "has no object of Kubernetes in it", Hint: "give a manifest"}
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, document.Problem{File: file, What: "is no manifest: " + strings.TrimPrefix(err.Error(), "yaml: "), Hint: "give a manifest"}
		}
		for _, m := range append(m.Items, m) {
			if m.Kind != "" && len(m.Items) == 0 {
				all = append(all, k.manifested(m))
			}
		}
	}
}

// manifested is the resource of an object in a file. That of a custom one is
// guessed from its kind.
func (k *kubectl) manifested(m manifest) object {
	group, _, grouped := strings.Cut(m.APIVersion, "/")
	if !grouped {
		group = ""
	}
	for _, r := range k.known {
		if r.Group == group && r.Kind == m.Kind && r.Subresource == "" {
			return object{r, m.Metadata.Name, m.Metadata.Namespace}
		}
	}
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: m.Kind})
	custom := apiserver.Resource{Group: group, Name: plural.Resource, Kind: m.Kind, Namespaced: true}
	return object{custom, m.Metadata.Name, m.Metadata.Namespace}
}
