// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditcore "k8s.io/apiserver/pkg/audit"
	auditpolicy "k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// TestGCEDecidesLikeItsSource compares the profile with the policy that the
// script of the newest release prints, request by request: the level and the
// omitted stages are the same. managedFields are kept by the source and left out
// by the profile, where the version can.
func TestGCEDecidesLikeItsSource(t *testing.T) {
	t.Parallel()
	source := gcePolicy(t, release.Versions()[0])
	requests := gceRequests(source)
	everyRuleIsHit(t, source, requests)

	profile, ok := profiles.Lookup("gce")
	if !ok {
		t.Fatal("there is no profile gce")
	}
	for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
		version := apiserver.Version{Minor: minor, Patch: -1}
		text, err := profile.Policy(version)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := auditpolicy.LoadPolicyFromBytes(text)
		if err != nil {
			t.Fatal(err)
		}
		// The rules differ between no versions today; comparing all requests once
		// and a tenth of them for each other minor keeps the test short.
		asked := requests
		if minor != apiserver.NewestMinor {
			asked = everyTenth(requests, minor)
		}
		compareDecisions(t, version, auditpolicy.NewPolicyRuleEvaluator(ours), source, asked)
	}
	t.Logf("%d requests compared", len(requests))
}

func compareDecisions(t *testing.T, version apiserver.Version, ours auditcore.PolicyRuleEvaluator, source *audit.Policy, requests []authorizer.AttributesRecord) {
	t.Helper()
	theirs, distinct := auditpolicy.NewPolicyRuleEvaluator(source.DeepCopy()), map[string]bool{}
	for _, r := range requests {
		distinct[describe(r)] = true
		got, want := ours.EvaluatePolicyRule(r), theirs.EvaluatePolicyRule(r)
		if got.Level != want.Level || !slices.Equal(got.OmitStages, want.OmitStages) {
			t.Errorf("%s: %s: %s without %q, the source %s without %q",
				version, describe(r), got.Level, got.OmitStages, want.Level, want.OmitStages)
		}
		if want.OmitManagedFields || got.OmitManagedFields != apiserver.OmitManagedFields(version) {
			t.Errorf("%s: %s: omitManagedFields is %t, in the source %t",
				version, describe(r), got.OmitManagedFields, want.OmitManagedFields)
		}
	}
	if len(distinct) < 200 {
		t.Errorf("%s: only %d different requests", version, len(distinct))
	}
}

// gcePolicy runs the script's own function and reads what it wrote. Sourcing
// the script does nothing: it runs its main only when it is the command.
func gcePolicy(t *testing.T, version string) *audit.Policy {
	t.Helper()
	dir, err := release.SourceDir(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	run := exec.CommandContext(t.Context(), "bash", "-c", `source "$1" && create-master-audit-policy "$2"`, "bash",
		filepath.Join(dir, "cluster", "gce", "gci", "configure-helper.sh"), file)
	run.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := run.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("configure-helper.sh of %s: %v\n%s", version, err, out)
	}
	policy, err := auditpolicy.LoadPolicyFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// gceRequests is everyone who is named in the policy, and some who are not,
// doing everything to everything, everywhere. Subresources that do not exist are
// among it, as a rule may not match them.
func gceRequests(p *audit.Policy) []authorizer.AttributesRecord {
	callers := []user.Info{
		nil, named("system:anonymous", "system:unauthenticated"), named("jane", "system:authenticated"),
		named("root", "system:masters"), named("system:serviceaccount:shop:default", "system:serviceaccounts"),
	}
	things := []authorizer.AttributesRecord{
		thing("", "pods"), thing("", "pods/exec"), thing("", "services/proxy"), thing("", "secrets/status"),
		thing("coordination.k8s.io", "leases"), thing("discovery.k8s.io", "endpointslices"),
		thing("events.k8s.io", "events"), thing("example.com", "secrets"), thing("custom.metrics.k8s.io", "pods"),
	}
	paths := []string{"/", "/livez", "/readyz", "/version/", "/api", "/apis/apps/v1", "/metrics"}
	for _, r := range p.Rules {
		for _, u := range r.Users {
			callers = append(callers, named(u, "system:authenticated"))
		}
		for _, g := range r.UserGroups {
			callers = append(callers, named("member-of-"+g, g))
		}
		for _, g := range r.Resources {
			for _, res := range append(g.Resources, "things", "things/status") {
				things = append(things, thing(g.Group, res))
			}
		}
		for _, u := range r.NonResourceURLs {
			u = strings.TrimSuffix(u, "*")
			paths = append(paths, u, u+"/etcd", u+"z")
		}
	}
	return crossed(callers, things, paths)
}

// crossed is every caller with every verb, thing and place, and every path;
// each once.
func crossed(callers []user.Info, things []authorizer.AttributesRecord, paths []string) []authorizer.AttributesRecord {
	var all []authorizer.AttributesRecord
	seen := map[string]bool{}
	add := func(r authorizer.AttributesRecord) {
		if key := describe(r); !seen[key] {
			seen[key] = true
			all = append(all, r)
		}
	}
	for _, c := range callers {
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
			for _, r := range things {
				for _, namespace := range []string{"", "kube-system", "shop"} {
					r.User, r.Verb, r.Namespace = c, verb, namespace
					add(r)
				}
			}
		}
		for _, method := range []string{"get", "post", "options"} {
			for _, p := range paths {
				add(authorizer.AttributesRecord{User: c, Verb: method, Path: p})
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

// describe tells requests apart in messages, and decides which are the same.
func describe(r authorizer.AttributesRecord) string {
	who := "nobody"
	if r.User != nil {
		who = fmt.Sprintf("%s %q", r.User.GetName(), r.User.GetGroups())
	}
	return fmt.Sprintf("%s %s %s%s/%s in %q of %q", who, r.Verb, r.Path, r.Resource, r.Subresource, r.Namespace, r.APIGroup)
}

func everyTenth(requests []authorizer.AttributesRecord, from int) []authorizer.AttributesRecord {
	var some []authorizer.AttributesRecord
	for i := from % 10; i < len(requests); i += 10 {
		some = append(some, requests[i])
	}
	return some
}

// everyRuleIsHit fails when a rule of the policy decides none of the requests,
// as the comparison would then not notice if it were missing from ours.
func everyRuleIsHit(t *testing.T, p *audit.Policy, requests []authorizer.AttributesRecord) {
	t.Helper()
	rules := make([]auditcore.PolicyRuleEvaluator, len(p.Rules))
	for i, rule := range p.Rules {
		// At a level that tells a match from none, whatever its own is.
		rule.Level = audit.LevelRequestResponse
		rules[i] = auditpolicy.NewPolicyRuleEvaluator(&audit.Policy{Rules: []audit.PolicyRule{rule}})
	}
	hits := make([]int, len(rules))
	for _, r := range requests {
		if i := slices.IndexFunc(rules, func(e auditcore.PolicyRuleEvaluator) bool {
			return e.EvaluatePolicyRule(r).Level == audit.LevelRequestResponse
		}); i >= 0 {
			hits[i]++
		}
	}
	for i, n := range hits {
		if n == 0 {
			t.Errorf("no request is decided by rule %d of the source: %+v", i+1, p.Rules[i])
		}
	}
}
