// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

// A departure is an item of Profile.Mended: for which requests the profile
// decides otherwise than its source, and what.
type departure struct {
	// says is part of the item.
	says string
	// of tells the requests; nil when the item is about none in particular.
	of    func(request) bool
	level string
	// stages are omitted beyond those of the source, for every request.
	stages []audit.Stage
}

// sources are the profiles whose source is in testdata/policies/sources, with
// their departures; of those that apply the first counts. The sources of others
// are in Go modules, so test/real (gce) and test/sources (OpenShift) compare them
// with the original itself; cis follows a text.
var sources = map[string][]departure{
	"kubernetes-docs": {{says: managedFields}},
	"falco": {
		{says: managedFields},
		{says: "deployments", of: func(r request) bool { return r.is("apps", "deployments") }, level: both},
		{says: "deployments", of: func(r request) bool { return r.is("", "deployments") }, level: body},
	},
	"alibaba": {
		{says: managedFields},
		{says: "tokens", of: func(r request) bool { return r.is("", "serviceaccounts/token") }, level: metadata},
	},
	"stig": {
		{says: managedFields},
		{says: "RequestReceived", stages: []audit.Stage{audit.StageRequestReceived}},
		{says: "secrets, config maps", level: metadata, of: func(r request) bool {
			return r.is("", "secrets", "configmaps", "serviceaccounts/token") || r.is("authentication.k8s.io", "tokenreviews")
		}},
	},
	"audit2rbac": {
		{says: "nodes, the API server", of: shipped, level: none},
		{says: "system:discovery", of: discovery, level: none},
		{says: "everyone who has logged in", of: func(r request) bool { return r.by("system:authenticated") }, level: metadata},
	},
}

const managedFields = "managedFields are left out"

func shipped(r request) bool {
	return r.by("system:nodes", "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler")
}

func discovery(r request) bool {
	if r.attrs.IsResourceRequest() || r.verb != "get" || !r.by("system:authenticated") {
		return false
	}
	for _, below := range []string{"/api/", "/apis/", "/openapi/"} {
		if strings.HasPrefix(r.thing, below) {
			return true
		}
	}
	return slices.Contains([]string{"/livez", "/readyz", "/healthz", "/version", "/version/", "/api", "/apis", "/openapi"}, r.thing)
}

// is says whether a request is for one of the resources of a group.
func (r request) is(group string, resources ...string) bool {
	name := r.attrs.GetResource()
	if sub := r.attrs.GetSubresource(); sub != "" {
		name += "/" + sub
	}
	return r.attrs.IsResourceRequest() && r.attrs.GetAPIGroup() == group && slices.Contains(resources, name)
}

// by says whether the caller has one of the names, or is in a group of that name.
func (r request) by(names ...string) bool {
	u := r.attrs.GetUser()
	return u != nil && (slices.Contains(names, u.GetName()) ||
		slices.ContainsFunc(u.GetGroups(), func(g string) bool { return slices.Contains(names, g) }))
}

// original reads a source, whatever version of the API it is in.
func original(t *testing.T, name string) *policy.Policy {
	t.Helper()
	file := filepath.Join("..", "testdata", "policies", "sources", name+".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Read(file, text, apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDecidesLikeItsSource(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/policies/sources/*")
	if err != nil || len(files) != len(sources) {
		t.Errorf("%d sources, %d of them compared (%v)", len(files), len(sources), err)
	}
	for name, departures := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, p := original(t, name), profile(t, name)
			requests := append(slices.Clone(sweep()), asking(source)...)
			for minor := range variants(t, p) {
				ours, err := policy.Read(name, render(t, p, minor), apiserver.Version{Minor: minor})
				if err != nil {
					t.Fatal(err)
				}
				compare(t, p, ours, source, requests, departures)
			}
		})
	}
}

// compare holds every decision to the source's, but for the departures. Each of
// them has to occur, and to be stated; and each rule of the source has to decide.
func compare(t *testing.T, p profiles.Profile, ours, source *policy.Policy, requests []request, departures []departure) {
	t.Helper()
	hits, departed := make([]int, len(source.V1.Rules)), make([]int, len(departures))
	for _, r := range requests {
		got, want := ours.Evaluate(r.attrs), source.Evaluate(r.attrs)
		if want.Rule >= 0 {
			hits[want.Rule]++
		}
		for i, d := range slices.Backward(departures) {
			if d.of != nil && d.of(r) {
				want.Level = audit.Level(d.level)
				departed[i]++
			}
			want.OmitStages = slices.Concat(want.OmitStages, d.stages)
		}
		// What is not logged has no stages.
		if got.Level != want.Level || want.Rule >= 0 && got.Level != audit.LevelNone && !slices.Equal(got.OmitStages, want.OmitStages) {
			t.Errorf("%s: %s without %q, the source says %s without %q", r, got.Level, got.OmitStages, want.Level, want.OmitStages)
		}
	}
	if i := slices.Index(hits, 0); i >= 0 {
		t.Errorf("no request is decided by rule %d of the source: %+v", i+1, source.V1.Rules[i])
	}
	for i, d := range departures {
		if d.of != nil && departed[i] == 0 {
			t.Errorf("no request departs because of %q", d.says)
		}
	}
	for _, item := range p.Mended {
		if !slices.ContainsFunc(departures, func(d departure) bool { return strings.Contains(item, d.says) }) {
			t.Errorf("nothing asserts %q", item)
		}
	}
	for _, d := range departures {
		if !slices.ContainsFunc(p.Mended, func(item string) bool { return strings.Contains(item, d.says) }) {
			t.Errorf("the profile does not state %q", d.says)
		}
	}
	if stated := strings.Contains(strings.Join(p.Mended, "\n"), managedFields); stated == source.V1.OmitManagedFields && ours.V1.OmitManagedFields {
		t.Errorf("managedFields: the source omits them: %t, the profile states it: %t", source.V1.OmitManagedFields, stated)
	}
}

// asking is everyone and everything that a policy names, each with each.
func asking(p *policy.Policy) []request {
	callers := []user.Info{nil, caller("jane", "system:authenticated")}
	things, spaces, objects, urls := []string{"things"}, []string{""}, []string{""}, []string{"/"}
	for _, r := range p.V1.Rules {
		for _, u := range r.Users {
			callers = append(callers, caller(u, "system:authenticated"))
		}
		for _, g := range r.UserGroups {
			callers = append(callers, caller("member of "+g, g))
		}
		for _, g := range r.Resources {
			for _, res := range append(slices.Clone(g.Resources), "things", "things/status") {
				res, sub, _ := strings.Cut(res, "/")
				things = append(things, strings.TrimSuffix(res+"."+g.Group+"/"+sub, "/"))
			}
			objects = append(objects, g.ResourceNames...)
		}
		spaces = append(spaces, r.Namespaces...)
		for _, u := range r.NonResourceURLs {
			urls = append(urls, strings.TrimSuffix(u, "*"), strings.TrimSuffix(u, "*")+"x")
		}
	}
	return crossed(callers, things, spaces, objects, urls)
}

func crossed(callers []user.Info, things, spaces, objects, urls []string) []request {
	var all []request
	for _, u := range callers {
		for _, url := range urls {
			all = append(all, request{"named", "get", url, "", "", authorizer.AttributesRecord{User: u, Verb: "get", Path: url}})
		}
		for _, verb := range verbs {
			for _, th := range things {
				for _, ns := range spaces {
					for _, name := range objects {
						all = append(all, request{"named", verb, th, ns, name, attributes(u, verb, th, ns, name)})
					}
				}
			}
		}
	}
	return all
}
