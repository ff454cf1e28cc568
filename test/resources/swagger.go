// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// key is what an audit policy can tell apart.
type key struct{ group, resource, sub string }

func (k key) String() string { return fmt.Sprintf("%q %s/%s", k.group, k.resource, k.sub) }

// groupVersion is what a server switches on and off.
type groupVersion struct{ group, version string }

// served is one key in one version of its group. Subresources have no kind here:
// it is that of what is sent, which nobody types.
type served struct {
	namespaced bool
	verbs      []string
	kind       string
	short      []string
}

// surface is what a server serves.
type surface map[groupVersion]map[key]served

func (s surface) put(gv groupVersion, k key, v served) {
	if s[gv] == nil {
		s[gv] = map[key]served{}
	}
	old := s[gv][k]
	v.verbs = append(v.verbs, old.verbs...)
	slices.Sort(v.verbs)
	v.verbs = slices.Compact(v.verbs)
	// the paths of all namespaces come beside those of one
	v.namespaced = v.namespaced || old.namespaced
	v.kind = max(v.kind, old.kind)
	s[gv][k] = v
}

// operation is what matters of an operation of a path in swagger.json.
type operation struct {
	Action string                `json:"x-kubernetes-action"`
	Kind   struct{ Kind string } `json:"x-kubernetes-group-version-kind"`
}

// actions are the verbs of a request by the action of its operation. A watch
// has paths of its own, which are deprecated, or is a list with a parameter.
var actions = map[string]string{
	"get": "get", "list": "list", "watch": "watch", "watchlist": "watch", "post": "create", "put": "update",
	"patch": "patch", "delete": "delete", "deletecollection": "deletecollection",
}

// methods are the verbs of a connection by its HTTP method, as far as discovery
// lists them: HEAD counts as get, and OPTIONS has no verb.
var methods = map[string]string{"get": "get", "post": "create", "put": "update", "patch": "patch", "delete": "delete"}

// readSwagger reads swagger.json of a release.
func readSwagger(dir string) (surface, error) {
	data, err := os.ReadFile(filepath.Join(dir, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		return nil, err
	}
	var spec struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, err
	}
	found := surface{}
	for path, operations := range spec.Paths {
		gv, k, namespaced, ok := parsePath(path)
		if !ok {
			continue
		}
		for method, text := range operations {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := json.Unmarshal(text, &op); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			v := served{namespaced: namespaced}
			if verb := verbOf(method, op.Action); verb != "" {
				v.verbs = []string{verb}
			}
			if k.sub == "" {
				v.kind = op.Kind.Kind
			}
			found.put(gv, k, v)
		}
	}
	return found, nil
}

func verbOf(method, action string) string {
	if action == "connect" {
		return methods[method]
	}
	return actions[action]
}

// parsePath reads /apis/GROUP/VERSION[/watch][/namespaces/{namespace}]/RESOURCE[/{name}[/SUB[/{path}]]]
// the way that pkg/endpoints/request/requestinfo.go of k8s.io/apiserver does.
func parsePath(path string) (gv groupVersion, k key, namespaced, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		gv.version, parts = parts[1], parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		gv.group, gv.version, parts = parts[1], parts[2], parts[3:]
	default:
		return gv, k, false, false
	}
	if parts[0] == "watch" {
		parts = parts[1:]
	}
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		namespaced, parts = true, parts[2:]
	}
	k = key{group: gv.group, resource: parts[0]}
	if len(parts) > 2 {
		k.sub = parts[2]
	}
	return gv, k, namespaced, true
}
