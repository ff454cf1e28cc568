// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/document"
)

// ownRules stands between the rules that were put in front and the policy's own.
const ownRules = "End of what was put in front; from here on the policy itself."

// spliced puts the new rules into the text, in the line after "rules:". It gives
// up where that is not all there is to do, and may be wrong where YAML is written
// oddly; the caller reads what comes out.
func (in *insertion) spliced(data []byte) ([]byte, bool) {
	root, err := document.Parse("", data)
	if err != nil || root.Kind != yaml.MappingNode || len(in.moved) > 0 {
		return nil, false
	}
	i := keyIndex(root, "rules")
	if i < 0 {
		return nil, false
	}
	key, rules := root.Content[i], root.Content[i+1]
	if (root.Style|rules.Style)&yaml.FlowStyle != 0 || rules.Kind != yaml.SequenceNode || rules.Line <= key.Line {
		return nil, false
	}
	end := document.Offset(data, key.Line, key.Column)
	newline := bytes.IndexByte(data[end:], '\n')
	if newline < 0 {
		return nil, false
	}
	end += newline + 1
	text := in.text(strings.Repeat(" ", rules.Column-1))
	if bytes.HasSuffix(data[:end], []byte("\r\n")) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return slices.Concat(data[:end], []byte(text), data[end:]), true
}

// rewritten changes the tree and writes it anew.
func (in *insertion) rewritten(data []byte) ([]byte, bool) {
	var whole, front yaml.Node
	if yaml.Unmarshal(data, &whole) != nil || yaml.Unmarshal([]byte(in.text("")), &front) != nil {
		return nil, false
	}
	root := whole.Content[0]
	i := keyIndex(root, "rules")
	if root.Kind != yaml.MappingNode || i < 0 || root.Content[i+1].Kind != yaml.SequenceNode {
		return nil, false
	}
	rules := root.Content[i+1]
	root.Style, rules.Style = 0, 0
	for j, rule := range rules.Content {
		rules.Content[j] = stagesSet(rule, in.want.Rules[len(front.Content[0].Content)+j].OmitStages)
	}
	first := *rules.Content[0]
	first.HeadComment = strings.TrimSuffix("# "+ownRules+"\n"+first.HeadComment, "\n")
	rules.Content = append(append(front.Content[0].Content, &first), rules.Content[1:]...)
	*root = *stagesSet(root, in.want.OmitStages)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(&whole)
	return out.Bytes(), err == nil
}

// stagesSet is a mapping whose omitStages are these. A list that says so already
// is left alone.
func stagesSet(node *yaml.Node, stages []auditv1.Stage) *yaml.Node {
	var present []auditv1.Stage
	i := keyIndex(node, "omitStages")
	if i >= 0 {
		_ = node.Content[i+1].Decode(&present) // it was decoded before; if not, it differs
	}
	if slices.Equal(present, stages) {
		return node
	}
	changed := *node
	changed.Content = slices.Clone(node.Content)
	if i >= 0 {
		changed.Content = slices.Delete(changed.Content, i, i+2)
	}
	if len(stages) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, s := range stages {
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: string(s), Style: yaml.DoubleQuotedStyle})
		}
		changed.Content = append(changed.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "omitStages"}, list)
	}
	return &changed
}

// keyIndex is where a key stands in the content of a mapping, or -1. Aliases need
// no thought, as no policy with one is read.
func keyIndex(node *yaml.Node, name string) int {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Kind == yaml.MappingNode && node.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// text is the new rules as items of a list in block style, with their comments.
func (in *insertion) text(indent string) string {
	w := &ruleWriter{indent: indent}
	for _, b := range in.blocks {
		w.comment(b.Comment)
		for _, rule := range b.Rules {
			w.rule(rule)
		}
	}
	w.comment(ownRules)
	return w.String()
}

// ruleWriter writes rules the way people do: who, what they do, to what.
type ruleWriter struct {
	strings.Builder
	indent string
}

func (w *ruleWriter) line(text string) { w.WriteString(w.indent + text + "\n") }

// comment breaks a text into lines of 80 characters; of none it makes none.
func (w *ruleWriter) comment(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	line := "#"
	for _, word := range strings.Fields(text) {
		if line != "#" && len(w.indent)+len(line)+1+len(word) > 80 {
			w.line(line)
			line = "#"
		}
		line += " " + word
	}
	w.line(line)
}

func (w *ruleWriter) rule(r auditv1.PolicyRule) {
	w.line("- level: " + quoted(string(r.Level)))
	w.list("  users", r.Users)
	w.list("  userGroups", r.UserGroups)
	w.list("  verbs", r.Verbs)
	w.list("  namespaces", r.Namespaces)
	if len(r.Resources) > 0 {
		w.line("  resources:")
	}
	for _, g := range r.Resources {
		w.line("    - group: " + quoted(g.Group))
		w.list("      resources", g.Resources)
		w.list("      resourceNames", g.ResourceNames)
	}
	w.list("  nonResourceURLs", r.NonResourceURLs)
	stages := make([]string, len(r.OmitStages))
	for i, s := range r.OmitStages {
		stages[i] = string(s)
	}
	w.list("  omitStages", stages)
	if r.OmitManagedFields != nil {
		w.line("  omitManagedFields: " + map[bool]string{true: "true", false: "false"}[*r.OmitManagedFields])
	}
}

// list writes a key with its list, in one line if that is not too long.
func (w *ruleWriter) list(key string, items []string) {
	if len(items) == 0 {
		return
	}
	short := make([]string, len(items))
	for i, item := range items {
		short[i] = quoted(item)
	}
	if line := key + ": [" + strings.Join(short, ", ") + "]"; len(w.indent)+len(line) <= 100 {
		w.line(line)
		return
	}
	w.line(key + ":")
	indent := strings.Repeat(" ", 2+len(key)-len(strings.TrimLeft(key, " ")))
	for _, item := range short {
		w.line(indent + "- " + item)
	}
}

// quoted is a text as both JSON and YAML have it. Levels do without the quotes.
func quoted(text string) string {
	if slices.Contains(levels(), text) {
		return text
	}
	out, err := json.Marshal(text)
	if err != nil {
		return `""` // cannot happen with a string
	}
	return string(out)
}
