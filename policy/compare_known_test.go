// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/policy/kinds"
	"github.com/auditsetup/auditsetup/profiles"
)

// kindsOf are all kinds that a comparison speaks of.
func kindsOf(found policy.Comparison) []kinds.Kind {
	all := slices.Clone(found.Alike)
	for _, d := range found.Differences {
		all = append(append(all, d.Kind), d.Except...)
	}
	return all
}

// served are requests for all that a version serves, and for resources of others.
// A custom resource cannot be in a group without a dot.
func served(v apiserver.Version) []authorizer.AttributesRecord {
	var all []authorizer.AttributesRecord
	others := []apiserver.Resource{
		{Group: "example.com", Name: "widgets"}, {Group: "example.com", Name: "pods", Subresource: "status"},
		{Group: "metrics.k8s.io", Name: "pods"}, {Group: "other.example.com", Name: "deployments", Subresource: "scale"},
	}
	for _, r := range append(v.Resources(), others...) {
		all = append(all, authorizer.AttributesRecord{
			APIGroup: r.Group, Resource: r.Name, Subresource: r.Subresource, ResourceRequest: true,
		})
	}
	return all
}

// sameAmong finds where a kind and what is said of it among what is served are
// not the same.
func sameAmong(t *testing.T, k kinds.Kind, known apiserver.Resources, requests []authorizer.AttributesRecord) {
	t.Helper()
	among := k.Among(known)
	if again := among.Among(known); again.String() != among.String() {
		t.Errorf("%s\nbecomes %s\nand then %s", k, among, again)
	}
	nothing := among.String() == k.String()
	for _, a := range requests {
		if want, got := resourceMatches(k, a), resourceMatches(among, a); got != want && !nothing {
			t.Errorf("%s\nbecomes %s\nbut %s/%s.%s: %v, was %v", k, among, a.Resource, a.Subresource, a.APIGroup, got, want)
		}
	}
	if strings.Contains(k.String(), "but any") || strings.Contains(among.String(), "but any") {
		t.Errorf("a double negation: %s\nand among what is served: %s", k, among)
	}
	if strings.Contains(among.String(), "any subresource of") && !nothing && !foreign(among) {
		t.Errorf("%s\nbecomes %s", k, among)
	}
}

// resourceMatches is about the resource only.
func resourceMatches(k kinds.Kind, a authorizer.AttributesRecord) bool {
	all := kinds.Set{Except: true}
	return (&kinds.Kind{Verbs: all, Namespaces: all, Names: all, Resources: k.Resources}).Matches(a)
}

// foreign says whether a kind is about groups that are not known, of which
// nothing is known.
func foreign(k kinds.Kind) bool {
	return slices.ContainsFunc(k.Resources, func(r kinds.ResourceSet) bool { return r.Groups.Except || r.Groups.Has("example.com") })
}

func TestAmongSaysTheSame(t *testing.T) {
	t.Parallel()
	v := apiserver.Version{Minor: apiserver.NewestMinor}
	known, requests := v.Resources(), served(v)
	d := dice{rand.New(rand.NewPCG(3, 5))}
	for range 150 {
		for _, k := range kindsOf(policy.Compare(d.policy(t), d.policy(t))) {
			sameAmong(t, k, known, requests)
		}
	}
	var all []*policy.Policy
	for _, name := range profiles.Names() {
		p, _ := profiles.Lookup(name)
		text, err := p.Policy(v)
		if err != nil {
			t.Fatal(err)
		}
		read, err := policy.Read(name, text, v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, read)
	}
	for i, a := range all {
		for _, b := range all[i+1:] {
			for _, k := range kindsOf(policy.Compare(a, b)) {
				sameAmong(t, k, known, requests)
			}
		}
	}
}
