// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"slices"
)

// Change is one difference between two manifests.
type Change struct {
	// Kind is "flag", "mount" or "annotation".
	Kind string
	// Name of the flag without dashes, path of the mount, key of the annotation.
	Name string
	// Old and New are the values; nil where it is not there.
	Old, New *string
}

// compare lists what of ours differs between two manifests.
func compare(before, after *Manifest) []Change {
	var all []Change
	for _, part := range []struct {
		kind string
		of   func(*Manifest) ([]string, map[string]string)
	}{{"flag", auditFlags}, {"mount", mountsByPath}, {"annotation", ourAnnotations}} {
		oldNames, old := part.of(before)
		names, now := part.of(after)
		for _, n := range append(slices.Clone(names), oldNames...) {
			o, had := old[n]
			v, has := now[n]
			if (had && has && o == v) || slices.ContainsFunc(all, func(c Change) bool { return c.Kind == part.kind && c.Name == n }) {
				continue
			}
			c := Change{Kind: part.kind, Name: n}
			if had {
				c.Old = &o
			}
			if has {
				c.New = &v
			}
			all = append(all, c)
		}
	}
	return all
}

func auditFlags(m *Manifest) (names []string, values map[string]string) {
	values = map[string]string{}
	for _, s := range m.AuditSettings() {
		names, values[s.Name] = append(names, s.Name), s.Value
	}
	return names, values
}

func mountsByPath(m *Manifest) (names []string, values map[string]string) {
	values = map[string]string{}
	for _, w := range m.Mounts() {
		access := "read-write"
		if w.ReadOnly {
			access = "read-only"
		}
		names, values[w.MountPath] = append(names, w.MountPath), fmt.Sprintf("%s %s %s", w.HostPath, w.Type, access)
	}
	return names, values
}

func ourAnnotations(m *Manifest) (names []string, values map[string]string) {
	values = map[string]string{}
	if v := m.Annotation(PolicyAnnotation); v != "" {
		names, values[PolicyAnnotation] = []string{PolicyAnnotation}, v
	}
	return names, values
}
