// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"regexp"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// secretKeys are those whose values are credentials, in whatever kubeconfig and
// at whatever depth: exec and auth-provider have more of them.
var secretKeys = map[string]bool{"token": true, "password": true, "username": true, "client-key-data": true, "env": true, "args": true, "config": true}

// looksSecret is for text that is no YAML.
var looksSecret = regexp.MustCompile(`(?i)(token|password|secret|key-data)["']?\s*[:=]|PRIVATE KEY|://[^/\s]*@|://\S*\?`)

// HoldsSecrets tells whether a kubeconfig, or what stands in its place, must not
// be shown: it holds credentials, in a field or in a URL, or cannot be read and
// looks as if it did. A kubeconfig that only names files may be shown, and so may
// an audit policy, whatever its comments speak of.
func HoldsSecrets(data []byte) bool {
	root, err := document.Parse("", data)
	if root == nil || err != nil {
		return looksSecret.Match(data)
	}
	if kind, ok := document.Find(root, "kind"); ok && kind.Value == "Policy" {
		return false
	}
	return secretBelow(root, 0)
}

func secretBelow(n *yaml.Node, depth int) bool {
	if depth > 50 || n.Kind == yaml.AliasNode {
		return true // nothing that we wrote
	}
	if looksSecret.MatchString(n.HeadComment + "\n" + n.LineComment + "\n" + n.FootComment) {
		return true
	}
	if n.Kind == yaml.ScalarNode {
		return looksSecret.MatchString(n.Value)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			value := n.Content[i+1]
			if secretKeys[child.Value] && (value.Value != "" || len(value.Content) > 0) {
				return true
			}
		}
		if secretBelow(child, depth+1) {
			return true
		}
	}
	return false
}

// redact takes everything out of problems that was copied from the file, but for
// names of fields: what stands at the wrong place or in the wrong form may be a
// credential.
func redact(problems document.Problems) document.Problems {
	for i, p := range problems {
		if strings.HasPrefix(p.What, "unknown field ") || strings.HasPrefix(p.What, "key ") {
			continue
		}
		what, _, _ := strings.Cut(p.What, ", not ")
		if head, _, ok := strings.Cut(what, ": "); ok {
			what = head
		}
		for _, known := range []string{"the tag ", "a key must be text"} {
			if strings.HasPrefix(what, known) {
				what = "a tag is not allowed here, nor a key that is not text"
			}
		}
		problems[i].What = what
		problems[i].Hint = "check it with kubectl --kubeconfig=FILE config view; nothing of it is shown here, since it may be a credential"
		if strings.HasSuffix(what, " must be text") {
			problems[i].Hint = "text that looks like a number or begins with a sign must be in quotes; the value is not shown, since it may be a credential"
		}
	}
	return problems
}
