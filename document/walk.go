// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A walk compares a document with the Go type that it is to fill.
type walk struct {
	file        string
	unknownHint string
	problems    Problems
	// dropped are the values that are not to be filled in.
	dropped map[*yaml.Node]bool
}

func (w *walk) report(node *yaml.Node, what, hint string) {
	w.problems = append(w.problems, ProblemAt(w.file, node, what, hint))
}

// drop reports a value and keeps it out of what is filled.
func (w *walk) drop(value *yaml.Node, what, hint string) {
	w.dropped[value] = true
	w.report(value, what, hint)
}

// value checks one value against the type of its field. path is for messages.
func (w *walk) value(node *yaml.Node, t reflect.Type, path string) {
	if !w.written(node) {
		return
	}
	target := dereference(t)
	switch kind := target.Kind(); {
	case isNull(node) && (t.Kind() == reflect.Pointer || kind == reflect.Interface):
	case readsItself(target):
		if w.tree(node) {
			w.literal(node, target, path)
		}
	case isNull(node):
		w.drop(node, named(path)+" has no value", "give it one, or remove its line")
	case kind == reflect.Interface:
		w.tree(node)
	case kind == reflect.Struct && node.Kind == yaml.MappingNode:
		w.structure(node, target, path)
	case kind == reflect.Map && node.Kind == yaml.MappingNode:
		w.pairs(node, func(key, value *yaml.Node, name string) { w.value(value, target.Elem(), join(path, name)) })
	case isList(target) && node.Kind == yaml.SequenceNode:
		for i, item := range node.Content {
			w.value(item, target.Elem(), path+"["+strconv.Itoa(i)+"]")
		}
	default:
		w.literal(node, target, path)
	}
}

// structure checks the names in a mapping against the fields of a struct.
func (w *walk) structure(node *yaml.Node, t reflect.Type, path string) {
	known := fields(t)
	w.pairs(node, func(key, value *yaml.Node, name string) {
		fieldType, ok := known[name]
		if ok {
			w.value(value, fieldType, join(path, name))
			return
		}
		hint := Suggest(name, slices.Sorted(maps.Keys(known)))
		if hint != "" && w.unknownHint != "" {
			hint += "; "
		}
		w.dropped[value] = true
		w.report(key, "unknown field "+nameOf(name)+in(path), hint+w.unknownHint)
	})
}

// likeName is what somebody may have meant as a field's name. A file that was
// named by mistake may hold anything in its place, such as a hash of a password.
var likeName = regexp.MustCompile(`^[A-Za-z_-][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)?$`)

// nameOf is a field's name in quotes, or what stands for a text that is none.
func nameOf(name string) string {
	if len(name) > 40 || !likeName.MatchString(name) {
		return "(a text that is no name, and not shown)"
	}
	return strconv.Quote(name)
}

// pairs calls f for each key and value of a mapping whose key is text. Keys
// given twice were reported by [Parse]; only the first is looked at.
func (w *walk) pairs(node *yaml.Node, f func(key, value *yaml.Node, name string)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name, ok := keyName(key)
		switch {
		case !w.written(key) || !ok:
			w.dropped[value] = true
		case seen[name]:
		case !isText(key):
			w.dropped[value] = true
			w.report(key, fmt.Sprintf("a key must be text, and %s is not", abbreviate(key.Value)),
				"put it in quotes: "+strconv.Quote(abbreviate(key.Value)))
		default:
			f(key, value, name)
		}
		seen[name] = true
	}
}

// written says whether a value stands where it is meant to, and reports the
// indirections of YAML that no such document needs.
func (w *walk) written(node *yaml.Node) bool {
	const hint = "write the value out in each place"
	switch {
	case node.Kind == yaml.AliasNode:
		w.drop(node, "the alias *"+node.Value+" is not allowed here", hint)
	case node.Tag == "!!merge":
		w.drop(node, "the merge key << is not allowed here", hint)
	case node.Anchor != "":
		w.drop(node, "the anchor &"+node.Anchor+" is not allowed here", hint)
	case node.Style&yaml.TaggedStyle != 0:
		w.drop(node, "the tag "+node.Tag+" is not allowed here", "remove it, and put text in quotes")
	default:
		return true
	}
	return false
}

// tree checks a value whose shape is not known, and says whether it is sound.
func (w *walk) tree(node *yaml.Node) bool {
	before := len(w.problems)
	switch {
	case !w.written(node):
	case node.Kind == yaml.MappingNode:
		w.pairs(node, func(_, value *yaml.Node, _ string) { w.tree(value) })
	case node.Kind == yaml.SequenceNode:
		for _, item := range node.Content {
			w.tree(item)
		}
	case node.Kind == yaml.ScalarNode:
		if _, err := scalarJSON(node); err != nil {
			w.drop(node, err.Error(), "")
		}
	}
	return len(w.problems) == before
}

// literal lets encoding/json decide whether a value suits a type.
func (w *walk) literal(node *yaml.Node, t reflect.Type, path string) {
	text, err := json.Marshal(w.plain(node))
	if node.Kind == yaml.ScalarNode && err == nil {
		_, err = scalarJSON(node)
	}
	if err == nil {
		err = json.Unmarshal(text, reflect.New(t).Interface())
	}
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
	case readsItself(t) && !errors.As(err, &kind):
		w.drop(node, named(path)+" is not valid: "+err.Error(), mismatchHint(node, t))
	default:
		w.drop(node, named(path)+" must be "+wanted(t)+", not "+found(node), mismatchHint(node, t))
	}
}

// fill decodes what is sound into the target. What does not fit after all has
// been reported, or will be once the rest is mended.
func (w *walk) fill(root *yaml.Node, into any) {
	if text, err := json.Marshal(w.plain(root)); err == nil {
		_ = json.Unmarshal(text, into)
	}
}

// plain is a value as encoding/json writes it, without what was dropped. A
// dropped item of a list becomes null, so that the others keep their places.
func (w *walk) plain(node *yaml.Node) any {
	switch {
	case w.dropped[node]:
		return nil
	case node.Kind == yaml.MappingNode:
		pairs := make(map[string]any, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			name, ok := keyName(node.Content[i])
			if _, taken := pairs[name]; ok && !taken && !w.dropped[node.Content[i+1]] {
				pairs[name] = w.plain(node.Content[i+1])
			}
		}
		return pairs
	case node.Kind == yaml.SequenceNode:
		items := make([]any, len(node.Content))
		for i, item := range node.Content {
			items[i] = w.plain(item)
		}
		return items
	case node.Kind == yaml.ScalarNode:
		if literal, err := scalarJSON(node); err == nil {
			return json.RawMessage(literal)
		}
	}
	return nil
}
