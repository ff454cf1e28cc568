// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
)

// limit is what requests must have in common, an empty list being no condition.
type limit struct{ users, groups, namespaces []string }

// policy gives the rules that decide, for the requests within the limit, what
// the policy does. Each says all of its own stages and managedFields. clash is
// the index of a rule that cannot be limited, or -1.
func (l limit) policy(p *auditv1.Policy) (rules []auditv1.PolicyRule, clash int) {
	caught := false
	for i, rule := range p.Rules {
		caught = caught || catchAll(rule)
		within, left, ok := l.rule(*rule.DeepCopy())
		if !ok {
			return nil, i
		}
		if !left {
			continue
		}
		for _, stage := range p.OmitStages {
			if !slices.Contains(within.OmitStages, stage) {
				within.OmitStages = append(within.OmitStages, stage)
			}
		}
		if within.OmitManagedFields == nil {
			within.OmitManagedFields = &p.OmitManagedFields
		}
		rules = append(rules, within)
	}
	if !caught {
		rules = append(rules, auditv1.PolicyRule{
			Level: auditv1.LevelNone, Users: l.users, UserGroups: l.groups, Namespaces: l.namespaces,
		})
	}
	return rules, -1
}

func catchAll(r auditv1.PolicyRule) bool {
	return len(r.Users)+len(r.UserGroups)+len(r.Verbs)+len(r.Namespaces)+len(r.Resources)+len(r.NonResourceURLs) == 0
}

// rule is the rule within the limit; left is false when it matches nothing there,
// and ok is false when it would take a condition that rules do not have.
func (l limit) rule(r auditv1.PolicyRule) (within auditv1.PolicyRule, left, ok bool) {
	users := intersection(r.Users, l.users)
	namespaces := intersection(r.Namespaces, l.namespaces)
	groups, ok := commonGroups(r.UserGroups, l.groups)
	conditions := func(lists ...[]string) bool {
		return slices.ContainsFunc(lists, func(list []string) bool { return len(list) > 0 })
	}
	// An intersection that is empty although there was a condition matches nothing.
	left = (len(users) > 0 || !conditions(r.Users, l.users)) &&
		(len(namespaces) > 0 || !conditions(r.Namespaces, l.namespaces)) &&
		(len(groups) > 0 || !ok || !conditions(r.UserGroups, l.groups)) &&
		// Requests for a path have no namespace.
		(len(r.NonResourceURLs) == 0 || len(l.namespaces) == 0)
	r.Users, r.Namespaces, r.UserGroups = users, namespaces, groups
	return r, left, ok || !left
}

// intersection is what two conditions have in common, an empty one being none.
func intersection(a, b []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) })
}

// commonGroups are the groups of which a caller has to be in one, to be in one of
// a and in one of b. ok is false when there is no such list.
func commonGroups(a, b []string) (groups []string, ok bool) {
	if len(a) == 0 || len(b) == 0 {
		return intersection(a, b), true
	}
	for _, lists := range [][2][]string{{a, b}, {b, a}} {
		for _, group := range lists[0] {
			covered := slices.ContainsFunc(lists[1], func(other string) bool { return inside(group, other) })
			if covered && !slices.Contains(groups, group) {
				groups = append(groups, group)
			}
		}
	}
	for _, x := range a {
		for _, y := range b {
			if !slices.Contains(groups, x) && !slices.Contains(groups, y) && !alone(x) && !alone(y) {
				return nil, false
			}
		}
	}
	return groups, true
}

// inside says that whoever is in a group is in the other too: the same one, or
// what the authenticator adds (NewAuthenticatedGroupAdder in
// pkg/authentication/group, MakeGroupNames in pkg/authentication/serviceaccount,
// both of kubernetes/apiserver).
func inside(group, other string) bool {
	switch other {
	case group:
		return true
	case user.AllAuthenticated:
		return group != user.AllUnauthenticated
	case serviceaccount.AllServiceAccountsGroup:
		return strings.HasPrefix(group, serviceaccount.ServiceAccountGroupPrefix)
	}
	return false
}

// alone says that whoever is in the group is in no other but those that it is
// inside of, nor one of those. Nodes are among them because the signer of their
// certificates gives out no other group (pkg/apis/certificates/helpers.go of
// kubernetes/kubernetes).
func alone(group string) bool {
	return group == user.AllUnauthenticated || group == user.NodesGroup ||
		group == serviceaccount.AllServiceAccountsGroup || strings.HasPrefix(group, serviceaccount.ServiceAccountGroupPrefix)
}
