// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes/scheme"
)

// decision is a line of the tables below: the caller, the verb, the resource or
// the path, optionally a namespace ("-" for none) and a name, and the level.
type decision struct{ request, level string }

const (
	none     = string(audit.LevelNone)
	metadata = string(audit.LevelMetadata)
	body     = string(audit.LevelRequest)
	both     = string(audit.LevelRequestResponse)
)

// parse reads "caller verb thing [namespace [name]]".
func parse(t *testing.T, line string) request {
	t.Helper()
	f := append(strings.Fields(line), "", "")
	r := request{caller: f[0], verb: f[1], thing: f[2], namespace: strings.TrimPrefix(f[3], "-"), name: f[4]}
	u, ok := who[r.caller]
	if !ok {
		t.Fatalf("%s: no such caller", line)
	}
	if strings.HasPrefix(r.thing, "/") {
		r.attrs = authorizer.AttributesRecord{User: u, Verb: r.verb, Path: r.thing}
	} else {
		r.attrs = attributes(u, r.verb, r.thing, r.namespace, r.name)
	}
	return r
}

func TestRecommendedDecides(t *testing.T) {
	t.Parallel()
	for minor, loaded := range variants(t, profile(t, "recommended")) {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			t.Parallel()
			e := evaluator(loaded)
			for _, d := range recommended {
				if got := e.EvaluatePolicyRule(parse(t, d.request).attrs).Level; string(got) != d.level {
					t.Errorf("%s: %s, want %s", d.request, got, d.level)
				}
			}
		})
	}
}

// TestCredentialsNeverWithBody is the promise that matters most: no caller, no
// verb and no detour gets a credential into the log, and none reads one unseen.
func TestCredentialsNeverWithBody(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"recommended", "metadata", "cis"} {
		for minor, loaded := range variants(t, profile(t, name)) {
			e, asked := evaluator(loaded), 0
			for _, r := range sweep() {
				if !slices.Contains(credentials, r.thing) {
					continue
				}
				asked++
				if got := e.EvaluatePolicyRule(r.attrs).Level; got != audit.LevelMetadata {
					t.Errorf("%s for 1.%d: %s: %s", name, minor, r, got)
				}
			}
			if want := len(credentials) * len(who) * len(verbs) * len(places); asked != want {
				t.Errorf("%d requests asked, want %d", asked, want)
			}
		}
	}
}

// TestUnknownGroupsNeverWithBody covers custom resources and aggregated APIs,
// and groups that Kubernetes has yet to invent.
func TestUnknownGroupsNeverWithBody(t *testing.T) {
	t.Parallel()
	e := evaluator(load(t, render(t, profile(t, "recommended"), 37)))
	for _, r := range sweep() {
		group := r.attrs.GetAPIGroup()
		if !r.attrs.IsResourceRequest() || strings.HasSuffix(group, ".k8s.io") || !strings.Contains(group, ".") {
			continue
		}
		if got := e.EvaluatePolicyRule(r.attrs).Level; got != audit.LevelMetadata {
			t.Errorf("%s: %s", r, got)
		}
	}
}

// TestOnlyTheNamedNoiseIsDropped says once more, and otherwise than the policy,
// what may go unlogged. Whatever else is dropped is a way to hide.
func TestOnlyTheNamedNoiseIsDropped(t *testing.T) {
	t.Parallel()
	requests := sweep()
	for minor, loaded := range variants(t, profile(t, "recommended")) {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			t.Parallel()
			e, dropped := evaluator(loaded), map[string]bool{}
			for _, r := range requests {
				if e.EvaluatePolicyRule(r.attrs).Level != audit.LevelNone {
					continue
				}
				i := slices.IndexFunc(noise, func(n allowed) bool { return n.covers(r, minor) })
				if i < 0 {
					t.Errorf("dropped: %s", r)
					continue
				}
				dropped[noise[i].what] = true
			}
			for _, n := range noise {
				if !dropped[n.what] && minor < n.until {
					t.Errorf("not dropped: %s", n.what)
				}
			}
		})
	}
}

// TestFailedLoginsAreLogged: no rule that drops may match a request that has no
// user. Others drop some, like their sources, and say what they are blind to.
func TestFailedLoginsAreLogged(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"recommended", "metadata", "cis", "stig", "openshift-default", "openshift-write-bodies", "openshift-all-bodies"} {
		for minor, loaded := range variants(t, profile(t, name)) {
			e := evaluator(loaded)
			for _, r := range sweep() {
				if r.caller == "nobody" && e.EvaluatePolicyRule(r.attrs).Level == audit.LevelNone {
					t.Errorf("%s for 1.%d: %s", name, minor, r)
				}
			}
		}
	}
}

// TestMetadataMissesNothing: all at one level.
func TestMetadataMissesNothing(t *testing.T) {
	t.Parallel()
	e := evaluator(load(t, render(t, profile(t, "metadata"), 37)))
	for _, r := range sweep() {
		if got := e.EvaluatePolicyRule(r.attrs).Level; got != audit.LevelMetadata {
			t.Errorf("%s: %s", r, got)
		}
	}
}

// TestBuiltinGroupsAreCurrent compares the groups that changes are logged with
// bodies for with those that k8s.io/api has. A new group fails here: read what
// its objects hold, then list it in the policy or below.
func TestBuiltinGroupsAreCurrent(t *testing.T) {
	t.Parallel()
	without := map[string]string{
		"admission.k8s.io":      "what webhooks are sent, not served",
		"apidiscovery.k8s.io":   "not served as a resource",
		"authentication.k8s.io": "credentials",
		"authorization.k8s.io":  "reviews asked by machines all day; the others have a rule",
		"imagepolicy.k8s.io":    "what a webhook is sent, not served",
		"extensions":            "gone since 1.22",
		"__internal":            "never on the wire",
	}
	e := evaluator(load(t, render(t, profile(t, "recommended"), 38)))
	served := map[string]bool{}
	for _, gv := range scheme.Scheme.PrioritizedVersionsAllGroups() {
		served[gv.Group] = true
	}
	// Not in the clientset's scheme, but served.
	served["apiextensions.k8s.io"], served["apiregistration.k8s.io"] = true, true
	for group := range served {
		r := attributes(who["dev"], "create", "things."+group, "shop", "")
		got := string(e.EvaluatePolicyRule(r).Level)
		if withBody := got == body || got == both; withBody == (without[group] != "") {
			t.Errorf("group %q: changes at %s", group, got)
		}
	}
	if len(served) < 20 {
		t.Errorf("only %d groups known", len(served))
	}
	legacy := attributes(who["dev"], "create", "ingresses.extensions", "shop", "")
	for minor, want := range map[int]string{21: body, 22: metadata} {
		old := evaluator(load(t, render(t, profile(t, "recommended"), minor)))
		if got := string(old.EvaluatePolicyRule(legacy).Level); got != want {
			t.Errorf("extensions for 1.%d: %s, want %s", minor, got, want)
		}
	}
}
