// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// whyResource says what keeps the nearest entry of a rule from being for the
// request: the one that fails latest, as a name is looked at after a resource,
// and a resource after a group.
func (a *asked) whyResource([]string) string {
	if a.request.Resource == "" {
		return "a rule with resources is never for a path"
	}
	near, why := 0, ""
	for _, e := range a.rule.Resources {
		if depth, reason := a.entry(e); depth > near {
			near, why = depth, reason
		}
	}
	return why
}

// entry says how far an entry goes along with the request, and why no further.
// 1 is a group that differs where the resource does not, 2 a resource that does,
// 3 the name.
func (a *asked) entry(e auditv1.GroupResources) (int, string) {
	q := a.request
	matches := func(g audit.GroupResources) bool {
		return a.alone(audit.PolicyRule{Resources: []audit.GroupResources{g}})
	}
	named := audit.GroupResources{Group: e.Group, Resources: e.Resources}
	switch {
	case matches(named):
		return 3, a.whyName(e)
	case matches(audit.GroupResources{Group: e.Group}):
		return 2, a.whyEntry(e)
	case len(e.Resources) > 0 && matches(audit.GroupResources{Group: q.Group, Resources: e.Resources}):
		return 1, fmt.Sprintf("%s is of the group %s, and the rule asks for %s", q.Target(), group(q.Group), group(e.Group))
	}
	return 0, ""
}

func (a *asked) whyName(e auditv1.GroupResources) string {
	if a.attrs.GetName() != "" {
		return fmt.Sprintf("the name is not %s", strings.Join(e.ResourceNames, " or "))
	}
	return fmt.Sprintf("a %s has no name in its path, so that resourceNames never match it", a.request.Verb)
}

// whyEntry is about the group that is right, and resources that are not.
func (a *asked) whyEntry(e auditv1.GroupResources) string {
	q := a.request
	for _, word := range e.Resources {
		resource, sub, cut := strings.Cut(word, "/")
		switch {
		case word == q.Resource && q.Subresource != "":
			return fmt.Sprintf("%s is without its subresources: %s or %s/* would be for this", word, q.Target(), word)
		case word == "*/*":
			return "*/* matches nothing; a single * is for everything"
		case resource == "*" && sub == q.Subresource:
			continue // it would match
		case cut && resource == q.Resource && q.Subresource == "" && sub != "*":
			return fmt.Sprintf("%s is the subresource only", word)
		case strings.Contains(word, "*") && !slices.Contains([]string{"*"}, word) && resource != "*" && sub != "*":
			return fmt.Sprintf("%q %s", word, "is compared literally: no part of a name can be left open")
		}
	}
	return ""
}
