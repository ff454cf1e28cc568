// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// DecodeStrict is [Decoder.Decode] with the zero Decoder.
func DecodeStrict(file string, data []byte, into any) error {
	return Decoder{}.Decode(file, data, into)
}

// A Decoder reads documents strictly. The zero value is ready.
type Decoder struct {
	// UnknownHint is put after the hint of every unknown field: what comes of
	// it when somebody less strict reads the document. May be empty.
	UnknownHint string
}

// Decode reads data, one YAML or JSON document, into the struct that into
// points to, by its json tags. The error is a [Problems] with everything that
// is wrong: what [Parse] finds, unknown fields, values of the wrong kind
// (Kubernetes reads plain yes as true and plain 1.30 as the number 1.3: text
// that looks like that must be quoted), values that a type's own UnmarshalJSON
// or UnmarshalText refuses, fields with nothing after the colon where nothing
// is not a value (only pointers and interfaces take null, and types that read
// themselves and say so), and anchors, aliases, merge keys and tags, which no such document
// needs and which would let a small file become a large one.
//
// Names are compared by case. Field values already in into stay unless the
// document gives them.
//
// With an error into still holds the fields in which nothing was found, so that
// the caller can go on checking and report everything at once; it is untouched
// when the document could not be parsed. Without an error, it is what
// [sigs.k8s.io/yaml.UnmarshalStrict] makes of data.
func (d Decoder) Decode(file string, data []byte, into any) error {
	target := reflect.TypeOf(into)
	if target == nil || target.Kind() != reflect.Pointer || reflect.ValueOf(into).IsNil() {
		return fmt.Errorf("document: cannot decode %s into %T: want a non-nil pointer", file, into)
	}
	root, err := Parse(file, data)
	if root == nil {
		return err
	}
	w := &walk{file: file, unknownHint: d.UnknownHint, problems: ProblemsOf(err), dropped: map[*yaml.Node]bool{}}
	w.value(root, target.Elem(), "")
	if len(w.problems) > 0 {
		w.fill(root, into)
		w.problems.Sort()
		return w.problems
	}
	if err := sigsyaml.UnmarshalStrict(data, into); err != nil {
		return Problems{{File: file, What: "cannot be decoded: " + err.Error()}}
	}
	return nil
}
