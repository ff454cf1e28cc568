// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// row is what is the same in a run of minors.
type row struct {
	since, until int
	namespaced   bool
	on           bool
	verbs        string
}

// table collects the rows of each key, oldest first.
type table struct {
	rows   map[key][]row
	kinds  map[key]string
	names  map[key][]string
	newest int
}

// letters stand for verbs in the file; the reader in apiserver has the same.
var letters = map[string]string{
	"create": "c", "delete": "d", "deletecollection": "D", "get": "g", "list": "l", "patch": "p", "update": "u", "watch": "w",
}

// gone are short names of what no release with api/discovery has any more
// (ShortNames in pkg/registry/policy/podsecuritypolicy/storage/storage.go
// and in pkg/registry/networking/ingress/storage/storage.go).
var gone = map[key][]string{{"policy", "podsecuritypolicies", ""}: {"psp"}, {"extensions", "ingresses", ""}: {"ing"}}

// hidden is what was behind alpha features while swagger.json was taken without
// them, up to 1.20, with the first minor that had it
// (pkg/registry/core/rest/storage_core.go, pkg/registry/storage/rest/storage_storage.go).
var hidden = map[key]row{
	{"", "pods", "ephemeralcontainers"}:            {since: 16, namespaced: true, verbs: "gpu"},
	{"storage.k8s.io", "csistoragecapacities", ""}: {since: 19, namespaced: true, verbs: "cdDglpuw"},
}

// add reads a release, which has to be newer than those before.
func (t *table) add(dir string, minor int) error {
	all, err := readSwagger(dir)
	if err != nil {
		return err
	}
	discovery, err := readDiscovery(dir)
	if err != nil {
		return err
	}
	if discovery != nil {
		if wrong := append(differences(all, discovery), differences(discovery, all)...); len(wrong) > 0 {
			return fmt.Errorf("swagger.json and api/discovery differ:\n%s", strings.Join(wrong, "\n"))
		}
	}
	on, err := readDefaults(dir, all)
	if err != nil {
		return err
	}
	t.newest = minor
	merged := map[key]row{}
	for gv, keys := range all {
		for k, v := range keys {
			r := row{since: minor, until: minor, namespaced: v.namespaced, on: on.on(minor, gv, k), verbs: short(v.verbs)}
			if old, ok := merged[k]; ok {
				if old.verbs != r.verbs || old.namespaced != r.namespaced {
					return fmt.Errorf("%s is not the same in each version of its group: %+v, %+v", k, old, r)
				}
				r.on = r.on || old.on
			}
			merged[k] = r
			t.kinds[k] = cmp.Or(v.kind, t.kinds[k])
			if names := discovery[gv][k].short; names != nil {
				t.names[k] = names
			}
		}
	}
	for k, r := range hidden {
		if _, ok := merged[k]; !ok && r.since <= minor && minor <= 20 {
			r.since, r.until = minor, minor
			merged[k] = r
		}
	}
	return t.append(merged)
}

// append makes the rows of what did not change longer.
func (t *table) append(merged map[key]row) error {
	if t.rows == nil {
		t.rows = map[key][]row{}
	}
	for k, r := range merged {
		rows := t.rows[k]
		if len(rows) > 0 {
			last := &rows[len(rows)-1]
			if last.until != r.since-1 {
				return fmt.Errorf("%s was there up to 1.%d, and is again in 1.%d", k, last.until, r.since)
			}
			same := r
			same.since, same.until = last.since, last.until
			if *last == same {
				last.until = r.until
				continue
			}
		}
		t.rows[k] = append(rows, r)
	}
	return nil
}

func short(verbs []string) string {
	text := ""
	for _, v := range verbs {
		text += letters[v]
	}
	return text
}

// text is the file: a header, then a line for each row, by group, resource,
// subresource and age.
func (t *table) text() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by test/resources, do not edit. From %s of k8s.io/kubernetes.\n", strings.Join(releases, " "))
	fmt.Fprint(&b, "# group (- for core) resource[/subresource] minors on|off Namespaced|Cluster verbs [kind [short names]]\n")
	keys := slices.SortedFunc(maps.Keys(t.rows), func(a, b key) int {
		return cmp.Or(strings.Compare(a.group, b.group), strings.Compare(a.resource, b.resource), strings.Compare(a.sub, b.sub))
	})
	for _, k := range keys {
		for _, r := range t.rows[k] {
			if r.verbs == "" {
				return nil, fmt.Errorf("%s has no verbs", k)
			}
			fields := []string{cmp.Or(k.group, "-"), strings.TrimSuffix(k.resource+"/"+k.sub, "/"), t.minors(r)}
			fields = append(fields, word(r.on, "on", "off"), word(r.namespaced, "N", "C"), r.verbs)
			if k.sub == "" {
				fields = append(fields, t.kinds[k])
				if names := append(gone[k], t.names[k]...); len(names) > 0 {
					fields = append(fields, strings.Join(names, ","))
				}
			}
			fmt.Fprintln(&b, strings.Join(fields, " "))
		}
	}
	return b.Bytes(), nil
}

// minors is "18-24", or "25-" for what the newest minor has.
func (t *table) minors(r row) string {
	if r.until == t.newest {
		return fmt.Sprintf("%d-", r.since)
	}
	return fmt.Sprintf("%d-%d", r.since, r.until)
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
