// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
)

// doubled are names, after the level of their rule, that the policy could do
// without: another name beside them covers them, or an earlier rule takes all
// that they would. They stand there for the reader, and for the day on which the
// other goes.
var doubled = []string{
	`Metadata group "" resource secrets`,
	`Metadata group "" resource configmaps`,
	`RequestResponse group "certificates.k8s.io" resource certificatesigningrequests`,
	`Request group "admissionregistration.k8s.io"`,
	`Request group "rbac.authorization.k8s.io"`,
}

// TestEveryNameMatters takes single names out of the rules of "recommended":
// users, groups, verbs, namespaces, resources, paths. One that makes no
// difference to any request is misspelled or useless, or the sweep lacks it.
func TestEveryNameMatters(t *testing.T) {
	t.Parallel()
	requests := sweep()
	for minor, loaded := range variants(t, profile(t, "recommended")) {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			t.Parallel()
			byRule := make([][]request, len(loaded.Rules))
			for n, i := range deciding(loaded, requests) {
				byRule[i] = append(byRule[i], requests[n])
			}
			for i := range loaded.Rules {
				for name, rule := range withoutOne(&loaded.Rules[i]) {
					e := single(rule)
					known := slices.Contains(doubled, string(rule.Level)+" "+name)
					if known == slices.ContainsFunc(byRule[i], func(r request) bool { return !matches(e, r.attrs) }) {
						t.Errorf("rule %d: would do without %s: %t, listed as such: %t", i+1, name, !known, known)
					}
				}
			}
		})
	}
}

// withoutOne gives copies of a rule that lack one name each. A list of one is
// left alone, since an empty one means everything.
func withoutOne(rule *audit.PolicyRule) map[string]audit.PolicyRule {
	all := map[string]audit.PolicyRule{}
	cut := func(kind string, list func(*audit.PolicyRule) *[]string) {
		names := *list(rule)
		for i := range names {
			if len(names) > 1 {
				less := *rule.DeepCopy()
				*list(&less) = slices.Delete(*list(&less), i, i+1)
				all[kind+" "+names[i]] = less
			}
		}
	}
	cut("user", func(r *audit.PolicyRule) *[]string { return &r.Users })
	cut("group", func(r *audit.PolicyRule) *[]string { return &r.UserGroups })
	cut("verb", func(r *audit.PolicyRule) *[]string { return &r.Verbs })
	cut("namespace", func(r *audit.PolicyRule) *[]string { return &r.Namespaces })
	cut("path", func(r *audit.PolicyRule) *[]string { return &r.NonResourceURLs })
	for g := range rule.Resources {
		in := fmt.Sprintf("group %q", rule.Resources[g].Group)
		cut(in+" resource", func(r *audit.PolicyRule) *[]string { return &r.Resources[g].Resources })
		cut(in+" name", func(r *audit.PolicyRule) *[]string { return &r.Resources[g].ResourceNames })
		if len(rule.Resources) > 1 {
			less := *rule.DeepCopy()
			less.Resources = slices.Delete(less.Resources, g, g+1)
			all[strings.TrimSpace(in)] = less
		}
	}
	return all
}
