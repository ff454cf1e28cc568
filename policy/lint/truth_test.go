// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

// TestFindingsAreTrue draws policies, and holds what is said of rules and of
// entries of lists against kube-apiserver's evaluator: whatever the request, none
// of them ever decides.
func TestFindingsAreTrue(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(7, 11))}
	checked := map[string]int{}
	for range 250 {
		text := d.policy(t)
		s := newSubject("f", text, Options{})
		if s.policy == nil {
			t.Fatalf("%v\n%s", s.problems, text)
		}
		found := Run("f", text, Options{})
		var requests []authorizer.AttributesRecord
		for range 400 {
			requests = append(requests, d.request())
		}
		for i := range s.v1.Rules {
			silent := slices.ContainsFunc(found, func(f Finding) bool {
				return f.Line == i+2 && (f.ID == "unreachable-rule" || f.ID == "rule-matches-nothing")
			})
			if silent == s.decides(i) {
				t.Fatalf("rule %d decides: %t, in\n%s", i+1, !silent, text)
			}
			if silent {
				checked["rule"]++
				never(t, s.policy, i, requests, text)
			} else {
				somewhere(t, s, i)
			}
		}
		entriesAreTrue(t, s, found, requests, checked, text)
	}
	for _, id := range []string{"rule", "group", "dead-entry", "literal-wildcard", "resource-wildcard", "unknown-verb", "empty-word", "group-as-user", "resource-path"} {
		if checked[id] < 10 {
			t.Errorf("%s: only %d were there to check", id, checked[id])
		}
	}
}

// entriesAreTrue holds what is said of entries of lists against the evaluator, as
// if each rule had that entry only.
func entriesAreTrue(t *testing.T, s *subject, found []Finding, requests []authorizer.AttributesRecord, checked map[string]int, text []byte) {
	t.Helper()
	s.groups(func(path string, rule int, g auditv1.GroupResources) {
		at := s.at(path+".group", "", "")
		for _, f := range found {
			if f.ID == "dead-entry" && f.Line == at.Line && f.Column == at.Column {
				checked["group"]++
				changed := s.v1.DeepCopy()
				changed.Rules[rule].Resources = []auditv1.GroupResources{g}
				never(t, encoded(t, changed), rule, requests, text)
			}
		}
	})
	for _, l := range s.lists() {
		for n := range l.words {
			at := s.at(l.item(n), "", "")
			for _, f := range found {
				dead := slices.Contains([]string{"dead-entry", "literal-wildcard", "resource-wildcard", "unknown-verb", "empty-word", "group-as-user", "resource-path"}, f.ID)
				if !dead || f.Severity == Info && f.ID == "empty-word" || f.Line != at.Line || f.Column != at.Column {
					continue
				}
				checked[f.ID]++
				never(t, s.alone(t, l, n), l.rule, possible(requests), text)
			}
		}
	}
}

// possible leaves out callers that have no real user's name.
func possible(requests []authorizer.AttributesRecord) []authorizer.AttributesRecord {
	odd := []string{"", "*", "system:nodes", "kube-system:a"}
	return slices.DeleteFunc(slices.Clone(requests), func(r authorizer.AttributesRecord) bool {
		return r.User != nil && (slices.Contains(odd, r.User.GetName()) || slices.Contains(r.User.GetGroups(), "*"))
	})
}

// alone is the policy with one entry only in one of its lists.
func (s *subject) alone(t *testing.T, l list, n int) *policy.Policy {
	t.Helper()
	changed := s.v1.DeepCopy()
	r := &changed.Rules[l.rule]
	one := []string{l.words[n]}
	var j int
	_, _ = fmt.Sscanf(l.path, "rules[%d].resources[%d]", new(int), &j)
	switch l.name {
	case "users":
		r.Users = one
	case "userGroups":
		r.UserGroups = one
	case "verbs":
		r.Verbs = one
	case "namespaces":
		r.Namespaces = one
	case "nonResourceURLs":
		r.NonResourceURLs = one
	case "resources":
		r.Resources = []auditv1.GroupResources{r.Resources[j]}
		r.Resources[0].Resources = one
	case "resourceNames":
		r.Resources = []auditv1.GroupResources{r.Resources[j]}
		r.Resources[0].ResourceNames = one
	}
	return encoded(t, changed)
}

// never fails when a rule decides one of the requests.
func never(t *testing.T, p *policy.Policy, rule int, requests []authorizer.AttributesRecord, text []byte) {
	t.Helper()
	for _, r := range requests {
		if got := p.Evaluate(r); got.Rule == rule {
			t.Fatalf("rule %d decides %+v by %+v, in\n%s", rule+1, r, r.User, text)
		}
	}
}

// somewhere fails when the request for which a rule is said to decide is decided
// by another.
func somewhere(t *testing.T, s *subject, rule int) {
	t.Helper()
	for _, space := range s.parts() {
		for _, p := range space.pieces {
			if p.Rules[0] == rule && s.policy.Evaluate(space.Example(p.Box)).Rule != rule {
				t.Fatalf("rule %d does not decide %+v", rule+1, space.Example(p.Box))
			}
		}
	}
}

// TestLeaksAreFound draws policies and requests about credentials by likely
// callers: a body is recorded just where a finding says so.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(3, 5))}
	requests := credentialRequests()
	leaks, drops := 0, 0
	for range 150 {
		text := d.policy(t)
		s := newSubject("f", text, Options{})
		found := Run("f", text, Options{})
		has := func(id string, rule int) bool {
			return slices.ContainsFunc(found, func(f Finding) bool { return f.ID == id && f.Line == rule+2 })
		}
		said := map[string]bool{}
		for _, q := range requests {
			got := s.policy.Evaluate(q.AttributesRecord)
			if leaked := !got.Level.Less(q.from); leaked {
				leaks++
				said[fmt.Sprint(q.id, got.Rule)] = true
				if !has(q.id, got.Rule) {
					t.Fatalf("%+v by %+v is recorded at %s, without a finding %s of rule %d, in\n%s", q, q.User, got.Level, q.id, got.Rule+1, text)
				}
			}
			if got.Level == audit.LevelNone && got.Rule >= 0 && q.id == "secret-bodies" && q.User != nil && q.User.GetName() == "someone" && len(q.User.GetGroups()) == 1 && !s.silent() {
				drops++
				if !has("secret-access-dropped", got.Rule) {
					t.Fatalf("%+v by %+v is dropped without a finding of rule %d, in\n%s", q, q.User, got.Rule+1, text)
				}
			}
		}
		for _, f := range found {
			if slices.Contains([]string{"secret-bodies", "token-bodies", "token-review-bodies", "configmap-bodies"}, f.ID) && !said[fmt.Sprint(f.ID, f.Line-2)] {
				t.Fatalf("%s is said without such a request: %s, in\n%s", f.ID, f.What, text)
			}
		}
	}
	if leaks < 1000 || drops < 100 {
		t.Errorf("%d requests leaked, and %d were dropped", leaks, drops)
	}
}

// credentialRequest is one, and the level from which on it is recorded with a
// credential.
type credentialRequest struct {
	authorizer.AttributesRecord
	id   string
	from audit.Level
}

// likelyCallers are those of drawnCallers, each in groups besides that anybody can
// be in, and by each name that a policy can have.
func likelyCallers() []*user.DefaultInfo {
	all := slices.Clone(drawnCallers)
	for _, c := range drawnCallers[2:] {
		for _, more := range [][]string{{"dev"}, {"*"}, {"system:anonymous"}, {"dev", "*", "system:anonymous"}} {
			all = append(all, &user.DefaultInfo{Name: c.Name, Groups: append(more, c.Groups...)})
			if c.Name != "someone" {
				continue
			}
			for _, name := range []string{"*", "system:nodes", "kube-system:a", "jane", "kubelet", "system:apiserver", "system:kube-proxy", ""} {
				all = append(all, &user.DefaultInfo{Name: name, Groups: append(more, c.Groups...)}, &user.DefaultInfo{Name: name, Groups: c.Groups})
			}
		}
	}
	return all
}

func credentialRequests() []credentialRequest {
	var all []credentialRequest
	add := func(id, group, resource, sub, verb string, from audit.Level) {
		for _, c := range likelyCallers() {
			for _, namespace := range []string{"", "kube-system", "shop", "default", "kube-node-lease"} {
				for _, name := range []string{"", "a", "b", "c"} {
					r := authorizer.AttributesRecord{ResourceRequest: true, APIGroup: group, Resource: resource, Subresource: sub, Verb: verb, Namespace: namespace, Name: name}
					across := verb == "list" || verb == "deletecollection"
					unnamed := across || verb == "create" && sub == ""
					switch {
					case unnamed && name != "" && !across, !unnamed && name == "":
						continue
					case resource == "tokenreviews" && namespace != "", resource != "tokenreviews" && verb != "list" && namespace == "":
						continue
					}
					if c != nil {
						r.User = c
					}
					all = append(all, credentialRequest{r, id, from})
				}
			}
		}
	}
	for id, resource := range map[string]string{"secret-bodies": "secrets", "configmap-bodies": "configmaps"} {
		for _, verb := range []string{"create", "update", "patch"} {
			add(id, "", resource, "", verb, audit.LevelRequest)
		}
		for _, verb := range []string{"get", "list", "delete", "deletecollection"} {
			add(id, "", resource, "", verb, audit.LevelRequestResponse)
		}
	}
	add("token-bodies", "", "serviceaccounts", "token", "create", audit.LevelRequestResponse)
	add("token-review-bodies", "authentication.k8s.io", "tokenreviews", "", "create", audit.LevelRequest)
	return all
}

// TestEntryMatches holds the comparison of entries with resources to
// kube-apiserver's own.
func TestEntryMatches(t *testing.T) {
	t.Parallel()
	entries := append(slices.Clone(drawnThings), "pods/status", "deployments/scale", "*/scale", "nodes/*", "*s", "pods*", "pods/l*", "*/", "pods/")
	for _, entry := range entries {
		p := encoded(t, &auditv1.Policy{Rules: []auditv1.PolicyRule{{Level: "Metadata", Resources: []auditv1.GroupResources{{Group: "*", Resources: []string{entry}}}}}})
		for _, r := range apiserver.EveryResource() {
			a := authorizer.AttributesRecord{ResourceRequest: true, APIGroup: r.Group, Resource: r.Name, Subresource: r.Subresource, Verb: "get"}
			if want, got := p.Evaluate(a).Rule == 0, entryMatches(entry, r); got != want {
				t.Errorf("%q on %s: %t", entry, r.Path(), got)
			}
			if badWildcard(entry) && entryMatches(entry, r) {
				t.Errorf("%q is taken for no wildcard, and matches %s", entry, r.Path())
			}
		}
	}
}
