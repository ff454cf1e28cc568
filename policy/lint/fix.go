// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
)

// Fix mends what is safe to mend, and leaves every other byte alone: a removed
// apiVersion, a misspelt key that can only mean one thing, and words that are
// twice in a list. What the policy decides stays the same, but for keys, which
// kube-apiserver drops as they are. Fixing the result again changes nothing.
//
// done are what was mended, with their places in data. Without anything to mend
// the result is data itself.
func Fix(file string, data []byte) (fixed []byte, done []Finding) {
	f := &fixer{file: file}
	// a key that was mended may have others below it
	for again := f.ours(data); again; {
		again = false
		for _, pass := range []func([]byte) []edit{f.version, f.keys, f.duplicates} {
			f.noted = nil
			edits := pass(data)
			after := splice(data, edits)
			if len(edits) == 0 || !f.sound(data, after) {
				continue
			}
			// only duplicates take lines away, and they are last
			data, done, again = after, append(done, f.noted...), true
		}
	}
	return data, done
}

// ours says whether a document is meant to be an audit policy.
func (f *fixer) ours(data []byte) bool {
	root := f.tree(data)
	if root == nil {
		return false
	}
	version, given := document.Find(root, "apiVersion")
	kind, _ := document.Find(root, "kind")
	return kind.Value == "Policy" && (!given || strings.HasPrefix(version.Value, "audit.k8s.io/"))
}

// fixer is one call of Fix.
type fixer struct {
	file  string
	noted []Finding
	// renames is set when what was done changes what the policy decides.
	renames bool
}

func (f *fixer) note(id string, node *yaml.Node, what string) {
	check, _ := Lookup(id)
	f.noted = append(f.noted, Finding{ID: id, Severity: check.Severity, Problem: document.ProblemAt(f.file, node, what, "")})
}

// tree is the document; nil when it is none.
func (f *fixer) tree(data []byte) *yaml.Node {
	root, _ := document.Parse(f.file, data)
	return root
}

func (f *fixer) version(data []byte) []edit {
	root := f.tree(data)
	if root == nil {
		return nil
	}
	node, given := document.Find(root, "apiVersion")
	if e, ok := versionEdit(data, node); given && ok {
		f.note("removed-version", node, node.Value+" becomes "+wantedVersion)
		return []edit{e}
	}
	return nil
}

// sound compares the policy before and after: no new problem, and but for keys
// the same rules.
func (f *fixer) sound(before, after []byte) bool {
	old, oldErr := policy.Read(f.file, before, apiserver.Version{})
	changed, newErr := policy.Read(f.file, after, apiserver.Version{})
	if oldErr == nil {
		return newErr == nil && reflect.DeepEqual(compacted(old.V1), compacted(changed.V1))
	}
	known := map[string]int{}
	for _, p := range document.ProblemsOf(oldErr) {
		known[p.What]++
	}
	for _, p := range document.ProblemsOf(newErr) {
		if known[p.What]--; known[p.What] < 0 {
			return false
		}
	}
	return f.renames || newErr != nil && len(document.ProblemsOf(oldErr)) == len(document.ProblemsOf(newErr))
}

// compacted is a policy whose lists have no word twice.
func compacted(p auditv1.Policy) auditv1.Policy {
	p = *p.DeepCopy()
	p.OmitStages = once(p.OmitStages)
	for i := range p.Rules {
		r := &p.Rules[i]
		r.Users, r.UserGroups, r.Verbs, r.Namespaces = once(r.Users), once(r.UserGroups), once(r.Verbs), once(r.Namespaces)
		r.NonResourceURLs, r.OmitStages = once(r.NonResourceURLs), once(r.OmitStages)
		for j := range r.Resources {
			g := &r.Resources[j]
			g.Resources, g.ResourceNames = once(g.Resources), once(g.ResourceNames)
		}
	}
	return p
}

func once[T comparable](words []T) []T {
	var all []T
	for _, w := range words {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// keysOf are the keys of a mapping, with the kind of value that each takes.
var (
	lists      = yaml.SequenceNode
	scalars    = yaml.ScalarNode
	policyKeys = map[string]yaml.Kind{"apiVersion": scalars, "kind": scalars, "metadata": yaml.MappingNode, "rules": lists, "omitStages": lists, "omitManagedFields": scalars}
	ruleKeys   = map[string]yaml.Kind{
		"level": scalars, "users": lists, "userGroups": lists, "verbs": lists, "resources": lists, "namespaces": lists,
		"nonResourceURLs": lists, "omitStages": lists, "omitManagedFields": scalars,
	}
	entryKeys = map[string]yaml.Kind{"group": scalars, "resources": lists, "resourceNames": lists}
)

// keys renames keys that kube-apiserver does not know.
func (f *fixer) keys(data []byte) []edit {
	root := f.tree(data)
	if root == nil {
		return nil
	}
	edits := f.renamed(data, root, policyKeys)
	// a key that is to become rules has none below that are looked at now
	rules, _ := document.Find(root, "rules")
	for _, rule := range items(rules) {
		edits = append(edits, f.renamed(data, rule, ruleKeys)...)
		for _, name := range []string{"resources", "resource"} {
			if i := document.PairOf(rule, name); i >= 0 {
				for _, entry := range items(rule.Content[i+1]) {
					edits = append(edits, f.renamed(data, entry, entryKeys)...)
				}
			}
		}
	}
	f.renames = len(edits) > 0
	return edits
}

func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// renamed renames keys of one mapping. Two that mean the same are left alone.
func (f *fixer) renamed(data []byte, mapping *yaml.Node, known map[string]yaml.Kind) []edit {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	type rename struct {
		key *yaml.Node
		to  string
	}
	var all []rename
	meant := map[string]int{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		if _, right := known[key.Value]; right || key.Kind != yaml.ScalarNode {
			continue
		}
		if to, one := keyMeant(key.Value, mapping.Content[i+1].Kind, known); one && document.PairOf(mapping, to) < 0 {
			all = append(all, rename{key, to})
			meant[to]++
		}
	}
	var edits []edit
	for _, r := range all {
		if inner, _, ok := wordAt(data, r.key); ok && meant[r.to] == 1 {
			f.note("unknown-key", r.key, fmt.Sprintf("%s becomes %s", r.key.Value, r.to))
			edits = append(edits, edit{inner[0], inner[1], r.to})
		}
	}
	return edits
}

// keyMeant is the one key that a misspelt one can mean: by case, by one letter,
// or by two of a long one.
func keyMeant(key string, value yaml.Kind, known map[string]yaml.Kind) (string, bool) {
	var found []string
	for name, kind := range known {
		most := 1
		if len(name) >= 8 {
			most = 2
		}
		if kind == value && document.Distance(strings.ToLower(key), strings.ToLower(name)) <= most {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// duplicates takes words out of lists that have them already.
func (f *fixer) duplicates(data []byte) []edit {
	root := f.tree(data)
	if root == nil {
		return nil
	}
	edits := f.repeated(data, root, "omitStages")
	rules, _ := document.Find(root, "rules")
	for _, rule := range items(rules) {
		edits = append(edits, f.repeated(data, rule, "users", "userGroups", "verbs", "namespaces", "nonResourceURLs", "omitStages")...)
		if i := document.PairOf(rule, "resources"); i >= 0 {
			for _, entry := range items(rule.Content[i+1]) {
				edits = append(edits, f.repeated(data, entry, "resources", "resourceNames")...)
			}
		}
	}
	return edits
}

func (f *fixer) repeated(data []byte, mapping *yaml.Node, names ...string) []edit {
	var edits []edit
	for _, name := range names {
		i := document.PairOf(mapping, name)
		if i < 0 {
			continue
		}
		list := mapping.Content[i+1]
		var seen []string
		for n, item := range items(list) {
			if !slices.Contains(seen, item.Value) {
				seen = append(seen, item.Value)
				continue
			}
			e, ok := lineWithout(data, item)
			if list.Style&yaml.FlowStyle != 0 {
				e, ok = gapWithout(data, list.Content[n-1], item)
			}
			if ok {
				f.note("duplicate-entry", item, fmt.Sprintf("the second %q in %s goes", item.Value, name))
				edits = append(edits, e)
			}
		}
	}
	return edits
}

// gapWithout takes an item and the comma before it out of a list in brackets.
func gapWithout(data []byte, before, item *yaml.Node) (edit, bool) {
	_, left, okLeft := wordAt(data, before)
	_, right, okRight := wordAt(data, item)
	if !okLeft || !okRight || left[1] > right[0] || len(bytes.Trim(data[left[1]:right[0]], " \t\r\n,")) > 0 {
		return edit{}, false
	}
	return edit{left[1], right[1], ""}, true
}

// lineWithout takes out the line of an item with a dash; its comment stays.
func lineWithout(data []byte, item *yaml.Node) (edit, bool) {
	_, word, ok := wordAt(data, item)
	if !ok {
		return edit{}, false
	}
	start := bytes.LastIndexByte(data[:word[0]], '\n') + 1
	end := len(data)
	if i := bytes.IndexByte(data[word[1]:], '\n'); i >= 0 {
		end = word[1] + i + 1
	}
	front, back := data[start:word[0]], data[word[1]:end]
	comment := bytes.TrimLeft(back, " \t")
	if string(bytes.TrimSpace(front)) != "-" || len(bytes.TrimSpace(comment)) > 0 && comment[0] != '#' {
		return edit{}, false
	}
	if len(bytes.TrimSpace(comment)) == 0 {
		return edit{start, end, ""}, true
	}
	indent := front[:bytes.IndexByte(front, '-')]
	return edit{start, end, string(indent) + string(comment)}, true
}
