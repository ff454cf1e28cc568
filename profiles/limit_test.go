// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"reflect"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

func TestCommonGroups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b, want []string
		ok         bool
	}{
		{nil, nil, nil, true},
		{nil, []string{"dev"}, []string{"dev"}, true},
		{[]string{"dev"}, []string{"dev", "ops"}, []string{"dev"}, true},
		{[]string{"dev", "ops"}, []string{"ops", "qa"}, nil, false},
		{[]string{"dev"}, []string{"ops"}, nil, false},
		{[]string{"system:nodes"}, []string{"dev"}, nil, true},
		{[]string{"system:nodes", "dev"}, []string{"ops"}, nil, false},
		{[]string{"system:authenticated"}, []string{"dev"}, []string{"dev"}, true},
		{[]string{"system:authenticated", "system:unauthenticated"}, []string{"dev", "system:unauthenticated"}, []string{"system:unauthenticated", "dev"}, true},
		{[]string{"system:unauthenticated"}, []string{"system:authenticated"}, nil, true},
		{[]string{"system:serviceaccounts"}, []string{"system:serviceaccounts:a", "dev"}, []string{"system:serviceaccounts:a"}, true},
		{[]string{"system:serviceaccounts:a"}, []string{"system:serviceaccounts:b"}, nil, true},
		{[]string{"system:masters"}, []string{"dev"}, nil, false},
	} {
		for _, lists := range [][2][]string{{c.a, c.b}, {c.b, c.a}} {
			got, ok := commonGroups(lists[0], lists[1])
			if ok != c.ok || len(got) != len(c.want) || ok && len(got) == 1 && !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q: %q, %t, want %q, %t", lists, got, ok, c.want, c.ok)
			}
		}
	}
}

// TestLimitRefusesTwoGroups uses policies that no profile is: none of them names
// a group that is not Kubernetes' own.
func TestLimitRefusesTwoGroups(t *testing.T) {
	t.Parallel()
	rule := auditv1.PolicyRule{Level: auditv1.LevelNone, UserGroups: []string{"ops"}, Users: []string{"jane"}}
	p := &auditv1.Policy{Rules: []auditv1.PolicyRule{{Level: auditv1.LevelMetadata, Verbs: []string{"get"}}, rule}}
	for _, c := range []struct {
		limit limit
		clash int
		rules int
	}{
		{limit{groups: []string{"dev"}}, 1, 0},
		// Two groups, but the users have nothing in common anyway.
		{limit{groups: []string{"dev"}, users: []string{"joe"}}, -1, 2},
		{limit{groups: []string{"ops"}}, -1, 3},
		{limit{users: []string{"jane"}}, -1, 3},
	} {
		if rules, clash := c.limit.policy(p); clash != c.clash || len(rules) != c.rules {
			t.Errorf("%+v: %d rules, clash %d", c.limit, len(rules), clash)
		}
	}
}
