// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

var versionChecks = []Check{
	{
		ID: "removed-version", Family: "version", Severity: Error,
		Title:  "audit.k8s.io/v1beta1 or v1alpha1",
		Why:    "removed in 1.24: kube-apiserver does not start with it. Before, v1 is known as well, and the fields are the same; there it is info",
		Remedy: "write apiVersion: audit.k8s.io/v1; --fix does",
		Source: "CHANGELOG-1.24 of kubernetes/kubernetes; rancher/rke2#3813",
		find:   removedVersion,
	},
	{
		ID: "managed-fields-too-new", Family: "version", Severity: Error,
		Title:  "omitManagedFields before 1.23",
		Why:    "a kube-apiserver before 1.23 does not know it and drops it without a word: bodies keep their managed fields",
		Remedy: "remove it for this version",
		Source: "k8s.io/apiserver pkg/apis/audit/v1/types.go, commit 8e027735f",
		find:   managedFieldsTooNew,
	},
	{
		ID: "any-group-too-new", Family: "version", Severity: Error,
		Title:  "group \"*\" before 1.36",
		Why:    "a kube-apiserver before 1.36 does not start with it",
		Remedy: "name the groups, or leave out resources, which matches every group",
		Source: "k8s.io/apiserver pkg/audit/policy/checker.go, commit 6728d9492",
		find:   anyGroupTooNew,
	},
}

func removedVersion(s *subject) []Finding {
	found := byReader("removed-version")(s)
	if s.root == nil || len(found) > 0 {
		return found
	}
	node, given := document.Find(s.root, "apiVersion")
	if !given || !removed(node.Value) {
		return nil
	}
	f := s.at("apiVersion", node.Value+" was removed in 1.24", "write apiVersion: "+wantedVersion+"; --fix does")
	if !s.version.AtLeast(24) {
		f.Severity = Info
	}
	return []Finding{f}
}

func managedFieldsTooNew(s *subject) []Finding {
	if apiserver.OmitManagedFields(s.version) {
		return nil
	}
	what := fmt.Sprintf("omitManagedFields is known from 1.23 on, and kube-apiserver %s drops it without a word", s.version)
	var found []Finding
	if s.v1.OmitManagedFields {
		found = append(found, s.atKey("", "omitManagedFields", what))
	}
	s.rules(func(_ int, path string, r *auditv1.PolicyRule) {
		if r.OmitManagedFields != nil && *r.OmitManagedFields {
			found = append(found, s.atKey(path, "omitManagedFields", what))
		}
	})
	return found
}

func anyGroupTooNew(s *subject) []Finding {
	if apiserver.GroupWildcard(s.version) {
		return nil
	}
	var found []Finding
	s.groups(func(path string, _ int, g auditv1.GroupResources) {
		if g.Group == "*" {
			found = append(found, s.at(path+".group", fmt.Sprintf("the group \"*\" is known from 1.36 on, and kube-apiserver %s does not start with it", s.version), ""))
		}
	})
	return found
}

// groups calls f with each entry of resources, its path, and its rule.
func (s *subject) groups(f func(path string, rule int, g auditv1.GroupResources)) {
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		for j, g := range r.Resources {
			f(fmt.Sprintf("%s.resources[%d]", path, j), i, g)
		}
	})
}
