// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

func rules(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Read("f", []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"+text), apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inWords(found policy.Comparison) []string {
	var all []string
	for _, d := range found.Differences {
		text := fmt.Sprint(d.A.Level, " ", d.B.Level, " ", d.Kind)
		if d.Unlikely {
			text = "unlikely " + text
		}
		all = append(all, text)
	}
	for _, k := range found.Alike {
		all = append(all, "alike "+k.String())
	}
	return all
}

// What holds for everyone is said of everyone, what is particular of those whom
// it is about, and nothing twice.
func TestCompareInWords(t *testing.T) {
	t.Parallel()
	const pods, everything = `resources: [{group: "", resources: [pods]}]`, "- {level: Metadata}\n"
	for _, tt := range []struct {
		name, a, b string
		want       []string
	}{
		{"everything", everything, "- {level: Request}\n", []string{
			"Metadata Request any verb on any resource", "Metadata Request any verb on any path",
		}},
		{"a resource", "- {level: Request, " + pods + "}\n" + everything, everything, []string{"Request Metadata any verb on pods (core)"}},
		{"what a user does", "- {level: None, users: [a], verbs: [get], " + pods + "}\n" + everything, everything, []string{
			"None Metadata by a: get pods (core)",
		}},
		{"two users and a group", "- {level: None, users: [a, b], " + pods + "}\n- {level: None, userGroups: [g], " + pods + "}\n" + everything, everything, []string{
			"None Metadata by a, b and by members of g: any verb on pods (core)",
		}},
		{"alike for a user", "- {level: None, users: [a]}\n- {level: Request, " + pods + "}\n" + everything, "- {level: None, users: [a]}\n" + everything, []string{
			"Request Metadata any verb on pods (core)", "alike by a: any verb on pods (core)",
		}},
		{"a failed login", "- {level: None, userGroups: ['system:authenticated', 'system:unauthenticated']}\n" + everything, "- {level: None}\n", []string{
			"Metadata None by anyone not in system:authenticated, system:unauthenticated (a failed login): any verb on any resource",
			"Metadata None by anyone not in system:authenticated, system:unauthenticated (a failed login): any verb on any path",
		}},
		{"hardly anyone", "- {level: None, userGroups: ['system:nodes'], " + pods + "}\n" + everything,
			"- {level: Request, userGroups: ['system:serviceaccounts'], " + pods + "}\n" + everything, []string{
				"None Metadata by members of system:nodes: any verb on pods (core)",
				"Metadata Request by members of system:serviceaccounts: any verb on pods (core)",
				"unlikely None Request by anyone in system:nodes and system:serviceaccounts: any verb on pods (core)",
			}},
		{"rules in another order", "- {level: None, users: [a]}\n- {level: Request, users: [b]}\n" + everything,
			"- {level: Request, users: [b]}\n- {level: None, users: [a]}\n" + everything, nil},
		{"a rule that is never reached", everything + "- {level: Request, users: [b]}\n", everything, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := inWords(policy.Compare(rules(t, tt.a), rules(t, tt.b)))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
