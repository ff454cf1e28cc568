// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

// fields is what a struct type takes: the Go type of each JSON name, as
// encoding/json sees it. Of two embedded structs with the same name in them
// the first counts; encoding/json drops both, and none of our types has that.
func fields(t reflect.Type) map[string]reflect.Type {
	byName := map[string]reflect.Type{}
	var embedded []reflect.Type
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := dereference(field.Type)
		switch {
		case field.Tag.Get("json") == "-":
		case field.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			embedded = append(embedded, inner)
		case !field.IsExported():
		case name == "":
			byName[field.Name] = field.Type
		default:
			byName[name] = field.Type
		}
	}
	for _, inner := range embedded {
		for name, fieldType := range fields(inner) {
			if _, taken := byName[name]; !taken {
				byName[name] = fieldType
			}
		}
	}
	return byName
}

func dereference(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// readsItself says whether a type has its own way to read JSON, so that
// its fields say nothing about what it takes.
func readsItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	return pointer.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// Suggest words the hint for an unknown name: the known name that was likely
// meant, or all of them while they are few, or nothing. Kubernetes compares
// names by case, so a name that differs in case only is the likeliest slip.
// Both may be empty; known is left as it is.
func Suggest(name string, known []string) string {
	best, bestDistance := "", 1+max(1, len(name)/4)
	for _, candidate := range known {
		if strings.EqualFold(candidate, name) {
			return "did you mean \"" + candidate + "\"? upper and lower case matter"
		}
		if d := Distance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	switch {
	case best != "":
		return "did you mean \"" + best + "\"?"
	case len(known) > 0 && len(known) <= 12:
		return "known here: " + strings.Join(known, ", ")
	}
	return ""
}

// Distance counts the insertions, deletions and replacements of bytes that
// turn a into b, and gives up beyond 64 bytes, where no slip is to be guessed.
func Distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
