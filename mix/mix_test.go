// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package mix_test

import (
	"math"
	"slices"
	"testing"

	"github.com/auditsetup/auditsetup/mix"
)

// share adds up the shares of some classes.
func share(of func(mix.Class) bool) float64 {
	var sum float64
	for _, c := range mix.Classes() {
		if of(c) {
			sum += c.Share
		}
	}
	return sum
}

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by {
		t.Errorf("%s: %.4f, want %.4f within %g", what, got, want, by)
	}
}

// TestSharesAreThoseOfTheMeasurement holds the table to the one public
// measurement: 570000 events, 86000 leases read, 46000 leases written, 76 % gone
// with leases, health, nodes and endpoints.
func TestSharesAreThoseOfTheMeasurement(t *testing.T) {
	t.Parallel()
	lease := func(c mix.Class) bool { return c.Resource == "leases" }
	noise := func(c mix.Class) bool {
		return slices.Contains([]string{"leases", "nodes", "endpoints", "endpointslices"}, c.Resource) ||
			slices.Contains([]string{"/healthz", "/livez", "/readyz"}, c.Path)
	}
	near(t, "all", share(func(mix.Class) bool { return true }), 1, 1e-9)
	near(t, "leases read", share(func(c mix.Class) bool { return lease(c) && c.Verb == "get" }), 86./570, 0.001)
	near(t, "leases written", share(func(c mix.Class) bool { return lease(c) && c.Verb == "update" }), 46./570, 0.001)
	near(t, "noise", share(noise), 0.76, 0.001)
}

func TestClassesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range mix.Classes() {
		if c.Name == "" || seen[c.Name] {
			t.Errorf("name %q is empty or there twice", c.Name)
		}
		seen[c.Name] = true
		if c.Share <= 0 || c.Verb == "" || c.Why == "" {
			t.Errorf("%s: share %g, verb %q, reason %q", c.Name, c.Share, c.Verb, c.Why)
		}
		if (c.Path == "") == (c.Resource == "") || (c.Version == "") != (c.Resource == "") {
			t.Errorf("%s: path %q, resource %q, version %q", c.Name, c.Path, c.Resource, c.Version)
		}
		if (c.User == "") != (c.Kind == mix.FailedLogin) || (c.Verb == "watch" && c.Kind != mix.LongRunning) {
			t.Errorf("%s: %s %s by %q", c.Name, c.Kind, c.Verb, c.User)
		}
		b := c.Bytes
		if b.Metadata < 400 || b.Metadata > 2000 || b.RequestManaged > b.Request || b.ResponseManaged > b.Response {
			t.Errorf("%s: %+v", c.Name, b)
		}
		if changes := slices.Contains([]string{"create", "update", "patch", "delete"}, c.Verb); changes != (b.Request > 0) {
			t.Errorf("%s: a body of %d bytes with the request", c.Name, b.Request)
		}
		if b.Largest > 0 && b.Largest < b.Response {
			t.Errorf("%s: largest answer %d below the mean %d", c.Name, b.Largest, b.Response)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for user, want := range map[string][]string{
		"":                              nil,
		"system:anonymous":              {"system:unauthenticated"},
		"system:apiserver":              {"system:authenticated", "system:masters"},
		"system:kube-scheduler":         {"system:authenticated"},
		"system:node:n1":                {"system:authenticated", "system:nodes"},
		"system:serviceaccount:shop:op": {"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"},
		"kubernetes-admin":              {"kubeadm:cluster-admins", "system:authenticated"},
	} {
		c := mix.Class{User: user}
		if got := c.Groups(); !slices.Equal(got, want) {
			t.Errorf("%q is in %q, want %q", user, got, want)
		}
		switch u := c.Attributes().GetUser(); {
		case user == "" && u != nil:
			t.Errorf("a failed login has the user %v", u)
		case user != "" && (u.GetName() != user || !slices.Equal(u.GetGroups(), want)):
			t.Errorf("the user of %q is %v", user, u)
		}
	}
}

// TestClassesAreACopy: the table is not the caller's to change.
func TestClassesAreACopy(t *testing.T) {
	t.Parallel()
	mix.Classes()[0].Share = 7
	if mix.Classes()[0].Share > 1 {
		t.Error("the table was changed from outside")
	}
}
