// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"go.yaml.in/yaml/v3"
)

// argument is a flag as it stands in command or args: "--a=b" in one item, or
// "--a" and "b" in two.
type argument struct {
	name, value string
	// node is the flag's own item, at its index in the list.
	node *yaml.Node
	at   int
	// items is 1, or 2 when the value stands in the next item.
	items int
}

// nodes are the items that the argument takes.
func (a argument) nodes(list *yaml.Node) []*yaml.Node { return list.Content[a.at : a.at+a.items] }

// flagsIn reads the flags of one list. An item that starts with "--" is taken
// for a flag even behind a flag without value, which pflag would read as that
// flag's value: such a command line is broken, and never ours to interpret.
func flagsIn(list *yaml.Node) []argument {
	var found []argument
	for i := 0; i < len(list.Content); i++ {
		name := flagName(list.Content[i].Value)
		if name == "" {
			continue
		}
		_, value, inline := strings.Cut(list.Content[i].Value, "=")
		a := argument{name: name, value: value, node: list.Content[i], at: i, items: 1}
		switch {
		case inline:
		case isBool(a.name):
			a.value = "true"
		case i+1 < len(list.Content) && !strings.HasPrefix(list.Content[i+1].Value, "--"):
			a.value, a.items = list.Content[i+1].Value, 2
			i++
		}
		found = append(found, a)
	}
	return found
}

// flagName is the name of the flag that an item gives, without dashes and with
// '_' turned into '-'; "" when it is no flag.
func flagName(item string) string {
	text, ok := strings.CutPrefix(item, "--")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(text, "=")
	return strings.ReplaceAll(name, "_", "-")
}

// isBool tells whether an audit flag takes no value from the next item. Of
// other flags only their place matters, not their value.
func isBool(name string) bool {
	f, ok := apiserver.Lookup(name)
	return ok && f.Type == "bool"
}

// isAudit tells whether a flag, named without dashes, configures audit.
func isAudit(name string) bool { return strings.HasPrefix(name, "audit-") }
