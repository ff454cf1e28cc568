// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package kinds is the algebra of the requests that audit policies tell apart.
// The rules of a policy name users, groups, verbs, namespaces, resources and
// paths literally or by a few wildcards, so any number of policies together
// know finitely many kinds of request: for each dimension the values that some
// rule names, and all others. What a rule applies to is then a union of boxes,
// and questions about all requests there are, such as where two policies differ
// or which rule is never reached, have exact answers.
//
// Which values a condition of a rule holds for is not decided here: kube-apiserver's
// own evaluator is asked, once for each value.
package kinds

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Dimensions of a space. One for each group that a rule names follows, with the
// values "not a member" and "member".
const (
	targetDim = iota
	verbDim
	namespaceDim
	nameDim
	userDim
	groupDims
)

// verbs are what a request for a resource can do, and methods those for another
// path (pkg/endpoints/request/requestinfo.go of kubernetes/apiserver). Methods that
// no client uses are left out, as are verbs that rules name and no request has.
var (
	verbs   = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}
)

// Space is the requests that some policies tell apart, either those for a
// resource or those for another path. Only [Resources] and [Paths] make one.
type Space struct {
	dims   []*dim
	full   Box
	rules  [][]ruleBox
	orders [][]int

	words  [groupDims][]string // the values of the plain dimensions
	groups []string            // the groups of users
	things []thing             // the values of targetDim, if they are resources
	paths  []path              // and if they are not
}

type ruleBox struct {
	Box
	index int
}

// request is a representative in the making.
type request struct {
	attrs authorizer.AttributesRecord
	user  user.DefaultInfo
}

// Resources is the requests for resources, as the policies tell them apart. The
// policies have to be valid, or rules may mean something else here than upstream.
func Resources(policies ...*auditv1.Policy) *Space {
	return newSpace(policies, true)
}

// Paths is the requests for anything else, as the policies tell them apart.
func Paths(policies ...*auditv1.Policy) *Space {
	return newSpace(policies, false)
}

func newSpace(policies []*auditv1.Policy, resources bool) *Space {
	s := &Space{rules: make([][]ruleBox, len(policies))}
	var parts [][]part
	for _, p := range policies {
		var of []part
		for i := range p.Rules {
			of = append(of, partsOf(&p.Rules[i], i, resources)...)
		}
		parts = append(parts, of)
	}
	s.collect(parts, resources)
	masks := s.classify(parts, resources)
	for p, of := range parts {
		for _, part := range of {
			s.rules[p] = append(s.rules[p], ruleBox{s.box(part, masks), part.rule})
		}
	}
	s.orders = s.growingOrders()
	return s
}

// part is a box of a rule: one condition for each dimension, nil for none. The
// list of a condition is any of the values; a rule that names several groups, or
// names of resources, has a part for each.
type part struct {
	rule       int
	conditions [groupDims]*audit.PolicyRule
	group      string
	grouped    bool
}

func partsOf(rule *auditv1.PolicyRule, index int, resources bool) []part {
	ofResources := len(rule.Resources) > 0 || len(rule.Namespaces) > 0
	if ofResources && !resources || resources && !ofResources && len(rule.NonResourceURLs) > 0 {
		return nil
	}
	base := part{rule: index}
	if len(rule.Users) > 0 {
		base.conditions[userDim] = &audit.PolicyRule{Users: rule.Users}
	}
	if len(rule.Verbs) > 0 {
		base.conditions[verbDim] = &audit.PolicyRule{Verbs: rule.Verbs}
	}
	if len(rule.Namespaces) > 0 {
		base.conditions[namespaceDim] = &audit.PolicyRule{Namespaces: rule.Namespaces}
	}
	if len(rule.NonResourceURLs) > 0 {
		base.conditions[targetDim] = &audit.PolicyRule{NonResourceURLs: rule.NonResourceURLs}
	}
	var parts []part
	for _, p := range byNames(base, rule.Resources) {
		for _, g := range rule.UserGroups {
			p.group, p.grouped = g, true
			parts = append(parts, p)
		}
		if len(rule.UserGroups) == 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// byNames splits a rule's resources by the names of objects that go with them.
func byNames(base part, resources []auditv1.GroupResources) []part {
	if len(resources) == 0 {
		return []part{base}
	}
	var parts []part
	at := map[string]int{}
	for _, r := range resources {
		names := r.ResourceNames
		key := fmt.Sprintf("%q", names)
		i, known := at[key]
		if !known {
			i = len(parts)
			at[key] = i
			p := base
			p.conditions[targetDim] = &audit.PolicyRule{}
			if len(names) > 0 {
				p.conditions[nameDim] = &audit.PolicyRule{Resources: []audit.GroupResources{
					{Group: "*", Resources: []string{"*"}, ResourceNames: names},
				}}
			}
			parts = append(parts, p)
		}
		to := parts[i].conditions[targetDim]
		to.Resources = append(to.Resources, audit.GroupResources{Group: r.Group, Resources: r.Resources})
	}
	return parts
}

// collect finds the values that the rules name.
func (s *Space) collect(parts [][]part, resources bool) {
	var entries []audit.GroupResources
	var urls []string
	for d := range s.words {
		s.words[d] = []string{""}
	}
	for _, of := range parts {
		for _, p := range of {
			for d, c := range p.conditions {
				if c == nil {
					continue
				}
				s.words[d] = append(s.words[d], slices.Concat(c.Users, c.Verbs, c.Namespaces)...)
				switch d {
				case nameDim:
					s.words[d] = append(s.words[d], c.Resources[0].ResourceNames...)
				case targetDim:
					entries, urls = append(entries, c.Resources...), append(urls, c.NonResourceURLs...)
				}
			}
			if p.grouped {
				s.groups = append(s.groups, p.group)
			}
		}
	}
	for d, words := range s.words {
		named := sortedSet(words[1:])
		s.words[d] = append([]string{unlike(named)}, named...)
	}
	s.words[verbDim] = methods
	if resources {
		s.words[verbDim] = verbs
	}
	s.groups = sortedSet(s.groups)
	if resources {
		s.things = thingsOf(entries)
	} else {
		s.paths = pathsOf(urls)
	}
}

func sortedSet(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}

// unlike makes a word that is none of those.
func unlike(words []string) string {
	longest := 0
	for _, w := range words {
		longest = max(longest, len(w))
	}
	return "any-other-" + strings.Repeat("x", longest)
}

// growingOrders are the orders of dimensions that [Space.Cover] tries. Users come
// after groups, as a user who is named needs no group beside the name.
func (s *Space) growingOrders() [][]int {
	var who []int
	for d := groupDims; d < len(s.dims); d++ {
		who = append(who, d)
	}
	who = append(who, userDim)
	var orders [][]int
	for _, of := range [][]int{
		{nameDim, namespaceDim, verbDim, targetDim},
		{nameDim, namespaceDim, targetDim, verbDim},
		{targetDim, verbDim, nameDim, namespaceDim},
	} {
		orders = append(orders, slices.Concat(of, who), slices.Concat(who, of))
	}
	return orders
}

// Example is one request of a box, and if it can be one that no rule names.
func (s *Space) Example(b Box) authorizer.Attributes {
	r := request{attrs: authorizer.AttributesRecord{ResourceRequest: s.things != nil}}
	for _, d := range s.dims {
		value := slices.IndexFunc(d.class, func(class int) bool { return b[d.from+class/64]&(1<<(class%64)) != 0 })
		d.fill(value, &r)
	}
	r.attrs.User = &r.user
	return r.attrs
}
