// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// operation is one step of a JSON patch (RFC 6902).
type operation struct {
	Op   string `json:"op"`
	Path string `json:"path"`
	// Value is nil for a removal only.
	Value *any `json:"value,omitempty"`
}

// JSON6902 is the change from one YAML or JSON document to another as a JSON
// patch (RFC 6902), one operation a line. Lists are changed item by item, by
// removals and additions, so that a patch for the command of a container leaves
// the other flags alone. In front stand tests of what is addressed by index: the
// patch fails on any other document rather than hit the wrong item.
func JSON6902(old, new []byte) ([]byte, error) {
	var trees [2]any
	for i, data := range [][]byte{old, new} {
		text, err := yaml.YAMLToJSONStrict(data)
		if err != nil {
			return nil, err
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&trees[i]); err != nil {
			return nil, err
		}
	}
	var p patch
	p.value("", trees[0], trees[1])
	return p.encode()
}

type patch struct{ tests, changes []operation }

func (p *patch) set(op, path string, value any) {
	p.changes = append(p.changes, operation{op, path, &value})
}

func (p *patch) remove(path string) {
	p.changes = append(p.changes, operation{Op: "remove", Path: path})
}

func (p *patch) test(path string, value any) {
	p.tests = append(p.tests, operation{"test", path, &value})
}

func (p *patch) value(path string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			p.object(path, x, y)
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			p.list(path, x, y)
			return
		}
	}
	p.set("replace", path, b)
}

func (p *patch) object(path string, a, b map[string]any) {
	for _, k := range keys(a, b) {
		at := path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		x, had := a[k]
		y, has := b[k]
		switch {
		case had && has:
			p.value(at, x, y)
		case had:
			p.remove(at)
		default:
			p.set("add", at, y)
		}
	}
}

// list keeps the items that both have, in the order that they share. A list of
// objects of equal length is gone through item by item, since there an item
// that differs is an item that changed.
func (p *patch) list(path string, a, b []any) {
	if len(a) == len(b) && slices.ContainsFunc(a, isObject) {
		for i := range a {
			p.item(path+"/"+strconv.Itoa(i), a[i], b[i])
		}
		return
	}
	kept := common(a, b)
	appended := len(kept) == len(a) && reflect.DeepEqual(a, b[:len(a)])
	if !appended {
		p.test(path, a)
	}
	for i := len(a) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(kept, func(k [2]int) bool { return k[0] == i }) {
			p.remove(path + "/" + strconv.Itoa(i))
		}
	}
	for j := range b {
		switch {
		case slices.ContainsFunc(kept, func(k [2]int) bool { return k[1] == j }):
		case appended:
			p.set("add", path+"/-", b[j])
		default:
			p.set("add", path+"/"+strconv.Itoa(j), b[j])
		}
	}
}

// item changes one object of a list. Its name, where it has one, is tested.
func (p *patch) item(path string, a, b any) {
	if object, ok := a.(map[string]any); ok && object["name"] != nil && !reflect.DeepEqual(a, b) {
		p.test(path+"/name", object["name"])
	}
	p.value(path, a, b)
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

// common is a longest common subsequence, as pairs of indices.
func common(a, b []any) [][2]int {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if reflect.DeepEqual(a[i], b[j]) {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var pairs [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case reflect.DeepEqual(a[i], b[j]):
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

func keys(a, b map[string]any) []string {
	var all []string
	for k := range a {
		all = append(all, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			all = append(all, k)
		}
	}
	sort.Strings(all)
	return all
}

func (p *patch) encode() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("[")
	for i, op := range append(p.tests, p.changes...) {
		if i > 0 {
			out.WriteString(",")
		}
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(op); err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", op.Op, op.Path, err)
		}
		out.WriteString("\n  " + strings.TrimSpace(line.String()))
	}
	out.WriteString("\n]\n")
	return out.Bytes(), nil
}
