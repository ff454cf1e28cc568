// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestResourceTable holds each line to the form that the generator writes, in
// its order, with minors that follow one another.
func TestResourceTable(t *testing.T) {
	t.Parallel()
	var last row
	var lastResource Resource
	count := 0
	for line := range strings.Lines(resourceTable) {
		w, ok := parseRow(line)
		if !ok {
			if !strings.HasPrefix(line, "# ") {
				t.Errorf("not read: %s", line)
			}
			continue
		}
		count++
		r := w.resource([]row{w})
		until := ""
		if w.until > 0 {
			until = fmt.Sprint(w.until)
		}
		group, on, scope := w.group, "off", "C"
		if group == "" {
			group = "-"
		}
		if w.on {
			on = "on"
		}
		if w.namespaced {
			scope = "N"
		}
		text := fmt.Sprintf("%s %s %d-%s %s %s %s %s %s", group, w.path, w.since, until, on, scope, w.verbs, w.kind, w.short)
		if got := strings.TrimRight(text, " ") + "\n"; got != line {
			t.Errorf("read as %s from %s", got, line)
		}
		if len(r.Verbs) != len(w.verbs) || !slices.IsSorted(r.Verbs) || (w.kind == "") != (r.Subresource != "") {
			t.Errorf("verbs %v, kind %q: %s", r.Verbs, w.kind, line)
		}
		if count > 1 && lastResource.compare(r) > 0 || w.since < OldestSupportedMinor || w.until != 0 && (w.until < w.since || w.until > NewestMinor) {
			t.Errorf("out of order: %s", line)
		}
		if lastResource.compare(r) == 0 && w.since != last.until+1 {
			t.Errorf("1.%d does not follow 1.%d: %s", w.since, last.until, line)
		}
		last, lastResource = w, r
	}
	if count < 150 {
		t.Errorf("%d lines", count)
	}
}

// TestResourcesByMinor has what is known of releases from elsewhere.
func TestResourcesByMinor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		minor                int
		group, name, sub     string
		there, byDefault     bool
		verbs                string
		since, until, groups int
	}{
		{minor: 24, group: "policy", name: "podsecuritypolicies", there: true, byDefault: true, verbs: "create delete deletecollection get list patch update watch", until: 24},
		{minor: 25, group: "policy", name: "podsecuritypolicies"},
		{minor: 21, group: "extensions", name: "ingresses", sub: "status", there: true, byDefault: true, verbs: "get patch update", until: 21},
		{minor: 22, group: "extensions", name: "ingresses"},
		{minor: 18, name: "pods", sub: "ephemeralcontainers", there: true, verbs: "get patch update"},
		{minor: 23, name: "pods", sub: "ephemeralcontainers", there: true, byDefault: true, verbs: "get patch update"},
		{minor: 31, name: "pods", sub: "resize"},
		{minor: 32, name: "pods", sub: "resize", there: true, verbs: "get patch update", since: 32},
		{minor: 33, name: "pods", sub: "resize", there: true, byDefault: true, verbs: "get patch update", since: 32},
		{minor: 22, name: "services", there: true, byDefault: true, verbs: "create delete get list patch update watch"},
		{minor: 23, name: "services", there: true, byDefault: true, verbs: "create delete deletecollection get list patch update watch"},
		{minor: 37, name: "pods", sub: "exec", there: true, byDefault: true, verbs: "create get"},
		{minor: 37, name: "pods", sub: "log", there: true, byDefault: true, verbs: "get"},
		{minor: 37, name: "nodes", sub: "proxy", there: true, byDefault: true, verbs: "create delete get patch update"},
		{minor: 37, name: "deployments"},
		{minor: 34, group: "resource.k8s.io", name: "resourceclaims", there: true, byDefault: true, verbs: "create delete deletecollection get list patch update watch", since: 26},
		{minor: 33, group: "resource.k8s.io", name: "resourceclaims", there: true, verbs: "create delete deletecollection get list patch update watch", since: 26},
		{minor: 30, group: "storagemigration.k8s.io", name: "storageversionmigrations", sub: "status", there: true, verbs: "get patch update", since: 30},
		// beyond both ends of the table
		{minor: 60, group: "apps", name: "deployments", sub: "scale", there: true, byDefault: true, verbs: "get patch update"},
		{minor: 13, group: "batch", name: "jobs", sub: "status", there: true, byDefault: true, verbs: "get patch update"},
	} {
		r, there := minor(tt.minor).Resources().Find(tt.group, tt.name, tt.sub)
		if there != tt.there || r.ByDefault != tt.byDefault || strings.Join(r.Verbs, " ") != tt.verbs || r.Since != tt.since || r.Until != tt.until {
			t.Errorf("1.%d %q %s/%s: there %t, %+v", tt.minor, tt.group, tt.name, tt.sub, there, r)
		}
	}
}

func TestResourcesAreSorted(t *testing.T) {
	t.Parallel()
	for n := OldestSupportedMinor; n <= NewestMinor; n++ {
		all := minor(n).Resources()
		for i, r := range all[1:] {
			if all[i].compare(r) >= 0 || !r.In(minor(n)) {
				t.Errorf("1.%d: %s after %s, or not there", n, r.Path(), all[i].Path())
			}
		}
		groups := all.Groups()
		if len(all) < 95 || groups[0] != "" || !slices.Contains(groups, "apps") || slices.Contains(groups, "extensions") != (n < 22) {
			t.Errorf("1.%d: %d resources in %q", n, len(all), groups)
		}
	}
}

func TestEveryResource(t *testing.T) {
	t.Parallel()
	all := EveryResource()
	for _, want := range []struct {
		group, name  string
		since, until int
		byDefault    bool
	}{
		{"", "pods", 0, 0, true}, {"auditregistration.k8s.io", "auditsinks", 0, 18, false}, {"networking.k8s.io", "clustercidrs", 25, 28, false},
		{"certificates.k8s.io", "clustertrustbundles", 27, 0, true},
	} {
		r, ok := all.Find(want.group, want.name, "")
		if !ok || r.Since != want.since || r.Until != want.until || r.ByDefault != want.byDefault {
			t.Errorf("%s: %t %+v", want.name, ok, r)
		}
	}
	for n := OldestSupportedMinor; n <= NewestMinor; n++ {
		for _, r := range all {
			if _, there := minor(n).Resources().Find(r.Group, r.Name, r.Subresource); there != r.In(minor(n)) {
				t.Errorf("1.%d %s: there %t", n, r.Path(), there)
			}
		}
	}
}

func TestCalled(t *testing.T) {
	t.Parallel()
	all := minor(21).Resources()
	for word, want := range map[string]string{
		"deployments": "apps", "deployment": "apps", "Deployment": "apps", "deploy": "apps", "DEPLOYMENTS": "apps", "deploymnet": "apps",
		"deployments.apps": "apps", "deploy.apps": "apps", "deployments.v1.apps": "apps", "deployments.v1beta1.extensions": "", "deployments.x.apps": "", "pods.v1.": "-",
		"po": "-", "pod": "-", "pdo": "", "pods.": "-", "event": "- events.k8s.io", "ev": "- events.k8s.io", "Ingress": "extensions networking.k8s.io",
		"ingresses.networking.k8s.io": "networking.k8s.io", "ing": "extensions networking.k8s.io", "secert": "-", "configmap": "-", "cm": "-", "endpoint": "-",
		"": "", "x": "", "pods/log": "", "log": "", "widgets": "", "namespacse": "-", "crd": "apiextensions.k8s.io", "psp": "policy",
	} {
		var groups []string
		for _, r := range all.Called(word) {
			groups = append(groups, groupName(r.Group))
		}
		if got := strings.Join(groups, " "); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// TestCalledSingular has a singular that is not the kind in lower case.
func TestCalledSingular(t *testing.T) {
	t.Parallel()
	custom := Resources{{Group: "a.io", Name: "geese", Kind: "Bird", Singular: "goose"}}
	for word, want := range map[string]int{"goose": 1, "bird": 1, "Geese": 1, "goose.a.io": 1, "duck": 0} {
		if got := custom.Called(word); len(got) != want {
			t.Errorf("%s: %v", word, got)
		}
	}
}

// groupName gives the core group a name.
func groupName(group string) string {
	if group == "" {
		return "-"
	}
	return group
}

func TestWith(t *testing.T) {
	t.Parallel()
	a := Resources{{Group: "g", Name: "b", Verbs: []string{"get"}, Kind: "B"}}
	b := Resources{{Name: "z", Verbs: []string{"list"}}, {Group: "g", Name: "b", Verbs: []string{"get", "create"}, Kind: "C", Namespaced: true, ByDefault: true}}
	got := fmt.Sprint(a.With(b))
	want := fmt.Sprint(Resources{b[0], {Group: "g", Name: "b", Verbs: []string{"create", "get"}, Kind: "B", Namespaced: true, ByDefault: true}})
	if got != want || len(a[0].Verbs) != 1 || fmt.Sprint(b[1].Verbs) != "[get create]" {
		t.Errorf("got %s, want %s; the sets became %v and %v", got, want, a, b)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		minor int
		entry string
		want  bool
	}{
		{37, "/healthz", true}, {37, "/healthz*", true}, {37, "/healthz/*", true}, {37, "/healthz/ping", true}, {37, "/healthzz", false},
		{37, "*", true}, {37, "/*", true}, {37, "/", true}, {37, "", false}, {37, "/nothing*", false}, {37, "/metrics", true}, {37, "/metrics/", false},
		{22, "/openapi/v3", false}, {23, "/openapi/v3", true}, {24, "/openapi/v3/apis/apps/v1", true}, {37, "/swagger*", false}, {37, "/swagger.json", false},
		{31, "/statusz", false}, {32, "/statusz", true}, {37, "/logs*", true}, {25, "/metrics/slis", false}, {37, "/met*", true}, {37, "/debug/api_*", true},
		{37, "/api/v1", true}, {37, "/api/v1/", true}, {37, "/api/v1/*", true}, {37, "/api/v1/pods", false}, {37, "/api/v1/p*", false},
		{37, "/apis/apps/v1", true}, {37, "/apis/apps/v1*", true}, {37, "/apis/apps/v1/deployments", false}, {37, "/apis/example.com/v1", true}, {37, "/api*", true},
	} {
		if got := minor(tt.minor).ServesPath(tt.entry); got != tt.want {
			t.Errorf("1.%d %q: %t", tt.minor, tt.entry, got)
		}
	}
	for n := OldestSupportedMinor; n <= NewestMinor; n++ {
		var names []string
		for _, p := range minor(n).Paths() {
			names = append(names, p.Path)
			on := map[string]bool{"/logs": n < 31, "/openapi/v3": n >= 24, "/flagz": n >= 36, "/openid/v1/jwks": n >= 20}
			if want, known := on[p.Path]; known && p.ByDefault != want || strings.HasPrefix(p.Path, "/healthz") && !p.ByDefault {
				t.Errorf("1.%d %s: by default %t", n, p.Path, p.ByDefault)
			}
		}
		if !slices.IsSorted(names) {
			t.Errorf("1.%d: %q", n, names)
		}
	}
}

func BenchmarkResources(b *testing.B) {
	for b.Loop() {
		minor(37).Resources()
	}
}
