// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package sources

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

// libraryGo has OpenShift's rules. A newer one belongs into the profiles' Source
// as well.
const libraryGo = "github.com/openshift/library-go@v0.0.0-20260721103755-0c9fbc9f043a"

// TestOpenShiftDecidesLikeItsSource puts the policy together as OpenShift does:
// the rules of a profile after those of the base, both read leniently, so that
// misspelled keys are dropped.
func TestOpenShiftDecidesLikeItsSource(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(moduleDir(t, libraryGo), "pkg", "operator", "apiserver", "audit", "manifests")
	for name, manifest := range map[string]string{
		"openshift-default":      "default",
		"openshift-write-bodies": "writerequestbodies",
		"openshift-all-bodies":   "allrequestbodies",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := profile(t, name)
			if module, _, _ := strings.Cut(libraryGo, "@"); !strings.Contains(p.Source, strings.Replace(libraryGo, "@", " ", 1)) {
				t.Errorf("the profile follows another version of %s: %s", module, p.Source)
			}
			rules := read(t, dir, manifest+"-rules.yaml")
			source := assembled(t, read(t, dir, "base-policy.yaml"), rules)
			misspelled := strings.Contains(string(rules), "resource: [")
			if stated := strings.Contains(strings.Join(p.Mended, "\n"), "misspells"); stated != misspelled {
				t.Errorf("the source misspells a key: %t, the profile says so: %t", misspelled, stated)
			}
			requests := asking(source)
			for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
				compare(t, minor, rendered(t, p, minor), source, requests)
			}
			t.Logf("%d requests compared", len(requests))
		})
	}
}

func assembled(t *testing.T, base, rules []byte) *policy.Policy {
	t.Helper()
	var whole auditv1.Policy
	var more []auditv1.PolicyRule
	if err := yaml.Unmarshal(base, &whole); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(rules, &more); err != nil {
		t.Fatal(err)
	}
	whole.Rules = append(whole.Rules, more...)
	text, err := yaml.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := policy.Read("source", text, apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// compare holds every decision to the source's: levels, stages, and managedFields
// where the version can leave them out.
func compare(t *testing.T, minor int, ours, source *policy.Policy, requests []authorizer.AttributesRecord) {
	t.Helper()
	hits, distinct := make([]int, len(source.V1.Rules)), map[string]bool{}
	for _, r := range requests {
		distinct[fmt.Sprintf("%+v %v", r, r.User)] = true
		got, want := ours.Evaluate(r), source.Evaluate(r)
		if want.Rule >= 0 {
			hits[want.Rule]++
		}
		want.OmitManagedFields = want.OmitManagedFields && minor >= 23
		if got.Level != want.Level || got.OmitManagedFields != want.OmitManagedFields ||
			got.Level != audit.LevelNone && !slices.Equal(got.OmitStages, want.OmitStages) {
			t.Errorf("1.%d: %v %+v: %+v, the source says %+v", minor, r.User, r, got, want)
		}
	}
	if i := slices.Index(hits, 0); i >= 0 {
		t.Errorf("no request is decided by rule %d of the source: %+v", i+1, source.V1.Rules[i])
	}
	if len(distinct) < 200 {
		t.Errorf("only %d different requests", len(distinct))
	}
}

// asking is everyone and everything that a policy names, and some that it does
// not, each with each.
func asking(p *policy.Policy) []authorizer.AttributesRecord {
	callers := []user.Info{nil, named("system:anonymous", "system:unauthenticated"), named("jane", "system:authenticated"), named("x")}
	things := []authorizer.AttributesRecord{
		thing("", "pods"), thing("", "pods/exec"), thing("", "configmaps"), thing("", "events"), thing("", "secrets/status"),
		thing("events.k8s.io", "events"), thing("coordination.k8s.io", "leases"), thing("example.com", "secrets"),
	}
	paths, spaces := []string{"/", "/metrics", "/openapi/v2"}, []string{"", "shop"}
	for _, r := range p.V1.Rules {
		for _, u := range r.Users {
			callers = append(callers, named(u, "system:authenticated"), named(u))
		}
		for _, g := range r.UserGroups {
			callers = append(callers, named("member of "+g, g))
		}
		for _, g := range r.Resources {
			for _, res := range append(slices.Clone(g.Resources), "things", "things/status") {
				things = append(things, thing(g.Group, res))
			}
		}
		for _, u := range r.NonResourceURLs {
			paths = append(paths, strings.TrimSuffix(u, "*"), strings.TrimSuffix(u, "*")+"x", strings.TrimSuffix(u, "*")+"/x")
		}
	}
	var all []authorizer.AttributesRecord
	for _, c := range callers {
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
			for _, r := range things {
				for _, namespace := range spaces {
					r.User, r.Verb, r.Namespace = c, verb, namespace
					all = append(all, r)
				}
			}
		}
		for _, method := range []string{"get", "post"} {
			for _, path := range paths {
				all = append(all, authorizer.AttributesRecord{User: c, Verb: method, Path: path})
			}
		}
	}
	return all
}

func named(name string, groups ...string) user.Info {
	return &user.DefaultInfo{Name: name, Groups: groups}
}

// thing is a request for "resource" or "resource/subresource".
func thing(group, resource string) authorizer.AttributesRecord {
	resource, sub, _ := strings.Cut(resource, "/")
	return authorizer.AttributesRecord{APIGroup: group, APIVersion: "v1", Resource: resource, Subresource: sub, ResourceRequest: true}
}
