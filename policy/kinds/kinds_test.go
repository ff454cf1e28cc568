// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"slices"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"sigs.k8s.io/yaml"
)

func policyOf(t *testing.T, rules string) *auditv1.Policy {
	t.Helper()
	var p auditv1.Policy
	if err := yaml.UnmarshalStrict([]byte("rules:\n"+rules), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// described is the requests for which each rule of a policy decides, in words,
// the last line those for which none does.
func described(s *Space, rules int) []string {
	pieces := s.Partition()
	var lines []string
	for rule := range rules + 1 {
		var on, off []Box
		for _, p := range pieces {
			if p.Rules[0] == rule || p.Rules[0] == -1 && rule == rules {
				on = append(on, p.Box)
			} else {
				off = append(off, p.Box)
			}
		}
		var words []string
		for _, b := range s.Cover(on, off, true) {
			words = append(words, s.Describe(b).String())
		}
		lines = append(lines, strings.Join(words, " + "))
	}
	return lines
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatRulesDecide(t *testing.T) {
	t.Parallel()
	const any = "any verb on any resource"
	for _, tt := range []struct {
		name, rules string
		want        []string // for each rule, and in the end for none
	}{
		{"everything", "- {}", []string{any, ""}},
		{"a rule that is never reached", "- {verbs: [get]}\n- {verbs: [get], users: [a]}", []string{"get any resource", "", "any verb but get on any resource"}},
		{"a verb that no request has", `- {verbs: ["*"]}`, []string{"", any}},
		{"a user", "- {users: [a, b]}", []string{"by a, b: " + any, "by anyone but a, b: " + any}},
		{"groups", "- {userGroups: [g, h]}", []string{"by members of g: " + any + " + by members of h: " + any, "by anyone not in g, h: " + any}},
		{"a failed login", "- {userGroups: ['system:authenticated', 'system:unauthenticated']}", []string{
			"by members of system:authenticated: " + any + " + by members of system:unauthenticated: " + any,
			"by anyone not in system:authenticated, system:unauthenticated (a failed login): " + any,
		}},
		{"a resource", `- {resources: [{group: "", resources: [pods]}]}`, []string{
			"any verb on pods (core)", "any verb on any resource in any group but core; any resource in core but pods",
		}},
		{"all of a resource, contrary to the API's comment", `- {resources: [{group: "", resources: ["pods/*"]}]}`, []string{
			"any verb on pods with subresources (core)", "any verb on any resource in any group but core; any resource but pods in core",
		}},
		{"a subresource of anything", `- {resources: [{group: apps, resources: ["*/scale"]}]}`, []string{
			"any verb on */scale in apps", "any verb on any resource in any group but apps; any resource in apps but */scale",
		}},
		{"a subresource of anything, and some things", `- {resources: [{group: apps, resources: ["*/scale", a, b, c]}], verbs: [get]}`, []string{
			"get */scale in apps; a, b, c (apps)",
			"any verb but get on any resource + any verb on any resource in any group but apps; any resource in apps but */scale, a, b, c",
		}},
		{"a wildcard that means nothing", `- {resources: [{group: apps, resources: ["*/*", "po*"]}]}`, []string{
			"any verb on po* (apps)", "any verb on any resource in any group but apps; any resource in apps but po*",
		}},
		{"any group", `- {resources: [{group: "*", resources: [pods]}]}`, []string{"any verb on pods in any group", "any verb on any resource but pods"}},
		{"names", `- {resources: [{group: "", resources: [pods], resourceNames: [a]}, {group: "", resources: [secrets]}], namespaces: [x]}`, []string{
			"any verb on pods (core) named a in x + any verb on secrets (core) in x",
			"any verb on any resource in any group but core; any resource in core but secrets but not named a + any verb on any resource but not in x + " +
				"any verb on any resource in any group but core; any resource in core but pods, secrets",
		}},
		{"no namespace", `- {namespaces: ["", x]}`, []string{"any verb on any resource in x or without a namespace", "any verb on any resource but not in x or without a namespace"}},
		{"paths do not matter", "- {nonResourceURLs: ['*']}", []string{"", any}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := policyOf(t, tt.rules)
			same(t, described(Resources(p), len(p.Rules)), tt.want)
		})
	}
}

func TestWhatRulesDecideOfPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, rules string
		want        []string
	}{
		{"everything", "- {}", []string{"any verb on any path", ""}},
		{"resources do not matter", "- {namespaces: [x]}\n- {resources: [{group: ''}]}", []string{"", "", "any verb on any path"}},
		{"one path", "- {nonResourceURLs: [/a], verbs: [get]}", []string{"get /a", "any verb but get on any path + any verb on any path but /a"}},
		{"a beginning", "- {nonResourceURLs: [/a/b]}\n- {nonResourceURLs: ['/a*', /c]}", []string{
			"any verb on /a/b", "any verb on /a* but /a/b, /c", "any verb on any path but /a*, /c",
		}},
		{"within", "- {nonResourceURLs: ['/a/b*']}\n- {nonResourceURLs: ['/a/b/c', '/a*']}", []string{
			"any verb on /a/b*", "any verb on /a* but /a/b*", "any verb on any path but /a*",
		}},
		{"an exception of an exception", "- {nonResourceURLs: ['/a/b/c']}\n- {nonResourceURLs: ['/a/b*']}\n- {nonResourceURLs: ['/a*']}", []string{
			"any verb on /a/b/c", "any verb on /a/b* but /a/b/c", "any verb on /a* but /a/b*", "any verb on any path but /a*",
		}},
		{"all of them twice", "- {nonResourceURLs: ['/*']}\n- {nonResourceURLs: ['*']}", []string{"any verb on /*", "any verb on any path but /*", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := policyOf(t, tt.rules)
			same(t, described(Paths(p), len(p.Rules)), tt.want)
		})
	}
}

func TestShortCutsLists(t *testing.T) {
	t.Parallel()
	p := policyOf(t, "- {users: [a, b, c, d, e, f, g], verbs: [get]}")
	s := Resources(p)
	for _, piece := range s.Partition() {
		k := s.Describe(piece.Box)
		if piece.Rules[0] != 0 {
			continue
		}
		for limit, want := range map[int]string{
			0: "by a, b, c, d, e, f, g: get any resource",
			3: "by a, b, c and 4 more: get any resource",
			5: "by a, b, c, d, e, f, g: get any resource",
		} {
			if got := k.Short(limit); got != want {
				t.Errorf("%d words: got %q, want %q", limit, got, want)
			}
		}
	}
}

// A caller that everybody knows is likely, one that only a certificate can name
// is not, and the ordinary one is likely.
func TestLikely(t *testing.T) {
	t.Parallel()
	s := Resources(policyOf(t, `
- {users: [jane, "system:node:n1", "system:serviceaccount:shop:app", "system:anonymous"]}
- {userGroups: [dev, "system:authenticated", "system:unauthenticated", "system:nodes", "system:serviceaccounts", "system:serviceaccounts:kube-system"]}
- {users: ["system:serviceaccount:shop:app"], verbs: [get]}
- {users: ["system:node:n1"], verbs: [list]}
- {users: ["system:anonymous"], verbs: [watch]}
`))
	for _, tt := range []struct {
		name   string
		groups string
		likely bool
	}{
		{"", "", true},
		{"jane", "", false},
		{"jane", "system:authenticated", true},
		{"jane", "system:authenticated dev", true},
		{"jane", "system:authenticated system:unauthenticated", false},
		{"jane", "system:authenticated system:nodes", false},
		{"jane", "system:authenticated system:serviceaccounts", false},
		{"joe", "system:authenticated dev", true},
		{"joe", "system:authenticated system:nodes dev", true},
		{"joe", "system:authenticated system:nodes system:serviceaccounts", false},
		{"joe", "system:authenticated system:serviceaccounts", true},
		{"joe", "system:authenticated system:serviceaccounts:kube-system", false},
		{"joe", "system:authenticated system:serviceaccounts system:serviceaccounts:kube-system", true},
		{"system:node:n1", "system:authenticated system:nodes", true},
		{"system:node:n1", "system:authenticated", false},
		{"system:anonymous", "system:unauthenticated", true},
		{"system:anonymous", "system:authenticated", false},
		{"system:serviceaccount:shop:app", "system:authenticated system:serviceaccounts", true},
		{"system:serviceaccount:shop:app", "system:authenticated", false},
		{"system:serviceaccount:shop:app", "system:authenticated system:serviceaccounts system:serviceaccounts:kube-system", false},
	} {
		attrs := authorizer.AttributesRecord{
			User: &user.DefaultInfo{Name: tt.name, Groups: strings.Fields(tt.groups)}, Verb: "get", ResourceRequest: true,
		}
		got := slices.ContainsFunc(s.Likely(), func(b Box) bool {
			k := s.Describe(b)
			return k.Matches(attrs)
		})
		if got != tt.likely {
			t.Errorf("%q in %q: likely %t, want %t", tt.name, tt.groups, got, tt.likely)
		}
	}
}

func TestOrdinary(t *testing.T) {
	t.Parallel()
	s := Resources(policyOf(t, "- {users: [jane], userGroups: [dev, 'system:authenticated', 'system:nodes']}\n"))
	ordinary := s.Describe(s.Ordinary()).Callers[0]
	if !ordinary.Users.Has("joe") || ordinary.Users.Has("jane") || !slices.Equal(ordinary.In, []string{"system:authenticated"}) {
		t.Errorf("the ordinary caller is %+v", ordinary)
	}
}

// What a policy names cannot pass for words of the sentence, nor reach a terminal.
func TestOddWordsAreQuoted(t *testing.T) {
	t.Parallel()
	p := policyOf(t, `
- users: ["", "a b", "c, d", "\e[2J", 'q"', "system:x"]
  verbs: [get]
  resources: [{group: "", resources: ["x y"], resourceNames: ["n;", "m"]}]
- {users: [z], nonResourceURLs: ["/a b*"]}
`)
	want := `by "", "\x1b[2J", "a b", "c, d", "q\"", system:x: get "x y" (core) named m, "n;"`
	if got := described(Resources(p), 2)[0]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `by z: any verb on "/a b*"`
	if got := described(Paths(p), 2)[1]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSubtractLeavesDisjointBoxes(t *testing.T) {
	t.Parallel()
	s := Resources(policyOf(t, "- {users: [a], verbs: [get], namespaces: [x], userGroups: [g]}"))
	hole := s.rules[0][0].Box
	left := s.Subtract([]Box{s.full}, []Box{hole})
	for i, b := range left {
		if s.meets(b, hole) {
			t.Errorf("%s is left", s.Describe(b))
		}
		for _, other := range left[i+1:] {
			if s.meets(b, other) {
				t.Errorf("%s and %s have something in common", s.Describe(b), s.Describe(other))
			}
		}
	}
	if again := s.Subtract([]Box{s.full}, append(left, hole)); len(left) != 4 || len(again) > 0 {
		t.Errorf("%d boxes are left, and %d when these are taken away too", len(left), len(again))
	}
}
