// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"bytes"
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/auditsetup/auditsetup/document"
)

const wantedVersion = "audit.k8s.io/v1"

// removed says whether an apiVersion of audit policies is one of those that went
// in 1.24.
func removed(version string) bool {
	return version == wantedVersion+"beta1" || version == wantedVersion+"alpha1"
}

// edit is bytes that take the place of others.
type edit struct {
	from, to int
	text     string
}

// splice makes the edits, which must not overlap.
func splice(data []byte, edits []edit) []byte {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, data[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, data[at:]...)
}

// wordAt finds the bytes of a scalar in one line, without and with its quotes;
// false when it is written in a way that its bytes are not its value.
func wordAt(data []byte, node *yaml.Node) (inner, outer [2]int, ok bool) {
	if node.Kind != yaml.ScalarNode || node.Anchor != "" || node.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return inner, outer, false
	}
	start := document.Offset(data, node.Line, node.Column)
	from := start
	quoted := node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	if quoted {
		from++
	}
	to := from + len(node.Value)
	if to > len(data) || !bytes.Equal(data[from:to], []byte(node.Value)) {
		return inner, outer, false
	}
	end := to
	if quoted {
		if end == len(data) || data[end] != data[start] {
			return inner, outer, false
		}
		end++
	}
	return [2]int{from, to}, [2]int{start, end}, true
}

// versionEdit writes v1 for a removed version.
func versionEdit(data []byte, node *yaml.Node) (edit, bool) {
	inner, _, ok := wordAt(data, node)
	if !ok || !removed(node.Value) {
		return edit{}, false
	}
	return edit{inner[0], inner[1], wantedVersion}, true
}
