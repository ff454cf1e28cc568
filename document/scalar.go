// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// yaml11Words are the plain words that Kubernetes' YAML reader takes for a
// boolean or for nothing (YAML 1.1; resolve.go of go.yaml.in/yaml/v2), in lower
// case. The parser of this package follows YAML 1.2 and takes yes for text.
var yaml11Words = []string{"", "~", "null", "y", "n", "yes", "no", "on", "off", "true", "false"}

// scalarJSON gives the JSON literal that Kubernetes' reader makes of a scalar:
// "yes" in quotes is a string, plain yes is true, and 1.30 is 1.3. It fails for
// what JSON has no literal for, such as .inf.
func scalarJSON(node *yaml.Node) (string, error) {
	if !maybeTyped(node) {
		literal, err := json.Marshal(node.Value)
		return string(literal), err
	}
	// Asking the library itself leaves no room for a difference; few scalars
	// come here.
	list, err := sigsyaml.YAMLToJSON([]byte("- " + node.Value + "\n"))
	if err != nil {
		return "", fmt.Errorf("%q has no place in JSON", node.Value)
	}
	literal := strings.TrimSuffix(strings.TrimPrefix(string(list), "["), "]")
	if literal == "" || literal[0] == '[' || literal[0] == '{' {
		// A lone dash in a flow list is text where it stands.
		return strconv.Quote(node.Value), nil
	}
	return literal, nil
}

// maybeTyped says whether a scalar could be anything but text.
func maybeTyped(node *yaml.Node) bool {
	const notPlain = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	value := node.Value
	if node.Style&notPlain != 0 || node.Style&yaml.TaggedStyle != 0 && node.Tag == "!!str" || strings.ContainsAny(value, "\n#:") {
		return false
	}
	if value == "" || strings.ContainsRune("0123456789+-.", rune(value[0])) {
		return true
	}
	return slices.Contains(yaml11Words, strings.ToLower(value))
}
