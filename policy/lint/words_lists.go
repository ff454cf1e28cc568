// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/equality"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/document"
)

// emptyLists looks at the tree: what was decoded does not tell an empty list from
// none.
func emptyLists(s *subject) []Finding {
	var found []Finding
	look := func(path string, severity Severity, of string, names ...string) {
		mapping, _ := document.Find(s.root, path)
		for _, name := range names {
			i := document.PairOf(mapping, name)
			if i < 0 || mapping.Content[i+1].Kind != yaml.SequenceNode || len(mapping.Content[i+1].Content) > 0 {
				continue
			}
			f := s.at(path+"."+name, fmt.Sprintf("%s is empty, which means any %s", name, of), "").as(severity)
			found = append(found, f)
		}
	}
	s.rules(func(_ int, path string, r *auditv1.PolicyRule) {
		look(path, Warning, "request", "users", "userGroups", "verbs", "namespaces", "resources", "nonResourceURLs")
	})
	s.groups(func(path string, _ int, _ auditv1.GroupResources) {
		look(path, Info, "of the group", "resources", "resourceNames")
	})
	return found
}

func emptyWords(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("users", "userGroups", "verbs", "resources", "resourceNames") {
		for n, word := range l.words {
			switch {
			case word != "":
			case l.name == "resourceNames":
				found = append(found, s.at(l.item(n), `"" in resourceNames stands for requests without a name, such as lists and creations`, "").as(Info))
			default:
				found = append(found, s.at(l.item(n), fmt.Sprintf("an empty string in %s matches nothing", l.name), ""))
			}
		}
	}
	return found
}

func duplicateEntries(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists() {
		for n, word := range l.words {
			if slices.Index(l.words, word) < n {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%q is in %s twice", word, l.name), ""))
			}
		}
	}
	s.groups(func(path string, rule int, g auditv1.GroupResources) {
		all := s.v1.Rules[rule].Resources
		first := slices.IndexFunc(all, func(o auditv1.GroupResources) bool { return equality.Semantic.DeepEqual(o, g) })
		if path != fmt.Sprintf("%s.resources[%d]", rulePath(rule), first) {
			found = append(found, s.at(path+".group", "this entry of "+groupName(g.Group)+" is in resources twice", ""))
		}
	})
	stages := func(path string, all []auditv1.Stage) {
		for n, stage := range all {
			if slices.Index(all, stage) < n {
				found = append(found, s.at(fmt.Sprintf("%somitStages[%d]", path, n), fmt.Sprintf("%q is in omitStages twice", stage), ""))
			}
		}
	}
	stages("", s.v1.OmitStages)
	s.rules(func(_ int, path string, r *auditv1.PolicyRule) { stages(path+".", r.OmitStages) })
	return found
}
