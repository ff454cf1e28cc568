// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"slices"
	"testing"
)

// TestFactsByVersion has, for each fact, the last version before it and the
// first with it.
func TestFactsByVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		holds   func(Version) bool
		without []string
		with    []string
	}{
		{"OmitManagedFields", OmitManagedFields, []string{"1.13", "1.22.17"}, []string{"1.23.0", "1.38"}},
		{"GroupWildcard", GroupWildcard, []string{"1.18", "1.35.10"}, []string{"1.36.0", "1.38"}},
		{"OpensLogAtStart", OpensLogAtStart, []string{"1.18", "1.21.14"}, []string{"1.22.0", "1.38"}},
		{"MakesLogDir", MakesLogDir,
			[]string{"1.22", "1.22.12", "1.23.0", "1.23.9", "1.24.0", "1.24.3", "1.24"},
			[]string{"1.13", "1.21.14", "1.22.13", "1.23.10", "1.24.4", "1.25.0", "1.25", "1.37.1"}},
	} {
		for _, s := range c.without {
			if c.holds(parsed(t, s)) {
				t.Errorf("%s holds in %s", c.name, s)
			}
		}
		for _, s := range c.with {
			if !c.holds(parsed(t, s)) {
				t.Errorf("%s does not hold in %s", c.name, s)
			}
		}
	}
}

func TestAPIVersions(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{
		18: {"audit.k8s.io/v1", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1"},
		23: {"audit.k8s.io/v1", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1"},
		24: {"audit.k8s.io/v1"},
		37: {"audit.k8s.io/v1"},
	} {
		if got := APIVersions(minor(n)); !slices.Equal(got, want) {
			t.Errorf("1.%d: %v", n, got)
		}
	}
}

func TestRotateAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ minor, maxsize, want int }{
		{35, 0, 100}, {36, 0, 0}, {35, 50, 50}, {36, 50, 50}, {18, 0, 100}, {38, 0, 0},
	} {
		if got := RotateAt(minor(c.minor), c.maxsize); got != c.want {
			t.Errorf("1.%d with maxsize %d: %d", c.minor, c.maxsize, got)
		}
		if got := RotationOff(minor(c.minor), c.maxsize); got != (c.want == 0) {
			t.Errorf("1.%d with maxsize %d: rotation off %v", c.minor, c.maxsize, got)
		}
	}
}
