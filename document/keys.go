// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// duplicateKeys reports every key that a mapping below root has twice. Keys
// are compared as the JSON that Kubernetes makes of them, so 1 and "1" are the
// same. Aliases are not followed: what they name is looked at in its own place.
func duplicateKeys(file string, root *yaml.Node) Problems {
	var problems Problems
	visit(root, func(node *yaml.Node) {
		if node.Kind != yaml.MappingNode {
			return
		}
		first := make(map[string]*yaml.Node, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			name, ok := keyName(key)
			if !ok {
				problems = append(problems, ProblemAt(file, key, "a key must be text", ""))
				continue
			}
			if earlier, taken := first[name]; taken {
				problems = append(problems, ProblemAt(file, key,
					fmt.Sprintf("key %q is given twice, first in line %d", name, earlier.Line),
					"keep one of the two: YAML readers differ in which one they take"))
				continue
			}
			first[name] = key
		}
	})
	problems.Sort()
	return problems
}

// visit calls f for every node of the tree.
func visit(node *yaml.Node, f func(*yaml.Node)) {
	f(node)
	for _, inner := range node.Content {
		visit(inner, f)
	}
}

// keyName is the name that a key has in JSON, and false for a key that cannot
// be one, such as a list.
func keyName(key *yaml.Node) (string, bool) {
	key = resolveAlias(key)
	if key.Kind != yaml.ScalarNode {
		return "", false
	}
	if !maybeTyped(key) {
		return key.Value, true
	}
	literal, err := scalarJSON(key)
	if err != nil || literal == "null" {
		return "", false
	}
	if literal[0] == '"' {
		return key.Value, true
	}
	return literal, true
}
