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

// coreList is discovery of the core group, in the old form: the new one of a
// release has only what is below /apis.
type coreList struct {
	Resources []struct {
		Name, Kind        string
		Namespaced        bool
		Verbs, ShortNames []string
	}
}

// groupList is aggregated discovery, as far as it matters.
type groupList struct {
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version   string
			Resources []struct {
				Resource, Scope   string
				Verbs, ShortNames []string
				ResponseKind      struct{ Kind string }
				Subresources      []struct {
					Subresource string
					Verbs       []string
				}
			}
		}
	}
}

// readDiscovery reads api/discovery of a release, nil when it has none.
func readDiscovery(dir string) (surface, error) {
	files, err := filepath.Glob(filepath.Join(dir, "api", "discovery", "aggregated_v2*.json"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	var groups groupList
	// aggregated_v2.json comes before aggregated_v2beta1.json
	if err := readJSON(files[0], &groups); err != nil {
		return nil, err
	}
	var core coreList
	if err := readJSON(filepath.Join(dir, "api", "discovery", "api__v1.json"), &core); err != nil {
		return nil, err
	}
	found := surface{}
	for _, r := range core.Resources {
		name, sub, _ := strings.Cut(r.Name, "/")
		v := served{namespaced: r.Namespaced, verbs: r.Verbs}
		if sub == "" {
			v.kind, v.short = r.Kind, r.ShortNames
		}
		found.put(groupVersion{version: "v1"}, key{resource: name, sub: sub}, v)
	}
	for _, g := range groups.Items {
		for _, version := range g.Versions {
			gv := groupVersion{g.Metadata.Name, version.Version}
			for _, r := range version.Resources {
				v := served{namespaced: r.Scope == "Namespaced", verbs: r.Verbs, kind: r.ResponseKind.Kind, short: r.ShortNames}
				// one that only has subresources has no verbs of its own, and is none
				if len(r.Verbs) > 0 {
					found.put(gv, key{gv.group, r.Resource, ""}, v)
				}
				for _, s := range r.Subresources {
					found.put(gv, key{gv.group, r.Resource, s.Subresource}, served{namespaced: v.namespaced, verbs: s.Verbs})
				}
			}
		}
	}
	return found, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// differences says where two surfaces do not agree, but for short names.
func differences(a, b surface) []string {
	var found []string
	for gv, keys := range a {
		for k, v := range keys {
			other, ok := b[gv][k]
			switch {
			case !ok:
				found = append(found, fmt.Sprintf("%s %s is missing", gv.version, k))
			case other.namespaced != v.namespaced || other.kind != v.kind || !slices.Equal(other.verbs, v.verbs):
				found = append(found, fmt.Sprintf("%s %s: %+v or %+v", gv.version, k, v, other))
			}
		}
	}
	slices.Sort(found)
	return found
}
