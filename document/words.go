// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// named is how a message calls the value at path.
func named(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

// in says where a name stands.
func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isNull says whether a value is null or nothing at all.
func isNull(node *yaml.Node) bool {
	if node.Kind != yaml.ScalarNode {
		return false
	}
	literal, err := scalarJSON(node)
	return err == nil && literal == "null"
}

// isText says whether Kubernetes reads a scalar as a string.
func isText(node *yaml.Node) bool {
	literal, err := scalarJSON(node)
	return err == nil && literal[0] == '"'
}

// isList says whether a type is written as a list; bytes are written as text.
func isList(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() != reflect.Uint8
}

// wanted says what a type takes. Of a type that reads itself it is asked only
// when that one does not take the kind of value at all, and then it wants text.
func wanted(t reflect.Type) string {
	if readsItself(t) {
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice, reflect.Array:
		if isList(t) {
			return "a list"
		}
		return "text in base64"
	}
	return "text"
}

// found says what a value is. Text is not repeated: it may be a credential.
func found(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	literal, err := scalarJSON(node)
	switch {
	case err != nil:
		return abbreviate(node.Value)
	case literal[0] == '"':
		return "text"
	case literal == "true" || literal == "false":
		return literal
	}
	return "the number " + abbreviate(literal)
}

// mismatchHint says how to write what was likely meant.
func mismatchHint(node *yaml.Node, t reflect.Type) string {
	if node.Kind != yaml.ScalarNode {
		return ""
	}
	switch text := isText(node); {
	case wanted(t) == "a list":
		return "write [a, b], or one - item per line"
	case wanted(t) == "text" && !text:
		return "put it in quotes: " + strconv.Quote(abbreviate(node.Value))
	case t.Kind() == reflect.Bool && text:
		return "write true or false, without quotes"
	case text && wanted(t) != "text" && node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return "remove the quotes"
	}
	return ""
}

// abbreviate keeps a message on one line.
func abbreviate(text string) string {
	const most = 40
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "..."
}
