// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

const wrongFile = "give the kube-apiserver manifest with --manifest, by default /etc/kubernetes/manifests/kube-apiserver.yaml"

// ordinarySize is up to where a manifest is decoded while its text is parsed,
// in two goroutines, since both take about as long. A larger file is decoded
// only when the parser has found it sound, since what is hostile to one decoder
// would be so to both.
const ordinarySize = 64 << 10

func (m *Manifest) undecodable(err error) error {
	if err == nil {
		return nil
	}
	return document.Problems{{File: m.file, What: "the kubelet cannot decode this as a Pod: " + err.Error()}}
}

// take makes the decoded pod the manifest's, if it is one.
func (m *Manifest) take(d decoded) error {
	if d.err != nil {
		return m.undecodable(d.err)
	}
	m.decoded = d
	if m.pod.Kind != "Pod" || m.pod.APIVersion != "v1" {
		line := max(lineOf(m.lookup("kind")), m.root.Line)
		return document.Problems{{File: m.file, Line: line, Hint: wrongFile,
			What: "not a static pod: apiVersion " + quote(m.pod.APIVersion) + ", kind " + quote(m.pod.Kind) + ", wanted v1 and Pod"}}
	}
	return nil
}

// findContainer sets index and container. A container is recognised by its
// name; only if none has it, by the program it starts.
func (m *Manifest) findContainer() error {
	var found, byCommand []int
	for i, c := range m.pod.Spec.Containers {
		if c.Name == ContainerName {
			found = append(found, i)
		} else if len(c.Command) > 0 && path.Base(c.Command[0]) == ContainerName {
			byCommand = append(byCommand, i)
		}
	}
	if len(found) == 0 {
		found = byCommand
	}
	containers := m.lookup("spec", "containers")
	switch {
	case len(found) == 0:
		return document.Problems{{File: m.file, Line: lineOf(containers), What: "no container of this pod is a kube-apiserver",
			Hint: "is this the right file? kubeadm's is /etc/kubernetes/manifests/kube-apiserver.yaml"}}
	case containers == nil || containers.Kind != yaml.SequenceNode || len(containers.Content) != len(m.pod.Spec.Containers):
		return m.indirect(containers, "spec.containers")
	case len(found) > 1:
		return document.Problems{{File: m.file, Line: lineOf(containers.Content[found[1]]), What: "more than one container of this pod is a kube-apiserver",
			Hint: "leave one of them: the kubelet refuses containers of the same name, and two servers fight for the port"}}
	case containers.Content[found[0]].Kind != yaml.MappingNode:
		return m.indirect(containers.Content[found[0]], "the kube-apiserver container")
	}
	m.index, m.container = found[0], containers.Content[found[0]]
	return nil
}

// checkLists refuses a manifest whose lists cannot be spliced because their
// text stands somewhere else, or is read somewhere else too (anchors, aliases,
// merge keys).
func (m *Manifest) checkLists() error {
	c := m.ownContainer()
	var problems document.Problems
	for _, part := range []struct {
		what  string
		node  *yaml.Node
		count int // entries in the decoded pod; -1 for those we only add keys to
	}{
		{"spec", m.lookup("spec"), -1},
		{"spec.containers", m.lookup("spec", "containers"), -1},
		{"spec.volumes", m.lookup("spec", "volumes"), len(m.pod.Spec.Volumes)},
		{"metadata", m.lookup("metadata"), -1},
		{"metadata.annotations", m.lookup("metadata", "annotations"), len(m.pod.Metadata.Annotations)},
		{"the kube-apiserver container", m.container, -1},
		{"the container's command", m.valueOf(m.container, "command"), len(c.Command)},
		{"the container's args", m.valueOf(m.container, "args"), len(c.Args)},
		{"the container's volumeMounts", m.valueOf(m.container, "volumeMounts"), len(c.VolumeMounts)},
	} {
		odd := part.node != nil && (part.node.Kind == yaml.AliasNode || part.node.Kind == yaml.ScalarNode && part.node.Style&yaml.TaggedStyle != 0)
		if odd || m.shared[part.node] || (part.count >= 0 && part.count != entries(part.node)) {
			problems = append(problems, m.indirect(part.node, part.what)...)
		}
	}
	if n := m.lookup("metadata"); n == nil || isEmpty(n) || n.Tag == "!!null" {
		problems = append(problems, document.Problem{File: m.file, Line: lineOf(n), What: "the pod has no metadata",
			Hint: "write metadata with a name into it: the kubelet refuses the pod without"})
	}
	if err := problems.Err(); err != nil {
		return err
	}
	for _, l := range m.argLists() {
		want := map[string][]string{"command": c.Command, "args": c.Args}[l.name]
		for i, n := range l.node.Content {
			if n.Kind != yaml.ScalarNode || n.Value != want[i] || m.shared[n] && isAudit(flagName(n.Value)) {
				problems = append(problems, m.indirect(n, fmt.Sprintf("item %d of the container's %s", i+1, l.name))...)
			}
		}
	}
	return problems.Err()
}

// entries counts what is written in a list or mapping.
func entries(n *yaml.Node) int {
	if n == nil || n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode {
		return 0
	}
	return len(n.Content) / stride(n)
}

// checkCommand refuses a command line whose flags are not arguments of the
// kube-apiserver, or that the image alone knows.
func (m *Manifest) checkCommand() error {
	c := m.ownContainer()
	switch {
	case len(c.Command) == 0 && len(c.Args) == 0:
		return document.Problems{{File: m.file, Line: m.container.Line, What: "the kube-apiserver container has neither command nor args",
			Hint: "write the command line into the manifest, as kubeadm does"}}
	case len(c.Command) > 0 && slices.Contains([]string{"sh", "bash", "ash", "dash", "ksh", "zsh", "busybox", "env"}, path.Base(c.Command[0])):
		return document.Problems{{File: m.file, Line: lineOf(m.valueOf(m.container, "command").Content[0]),
			What: "the kube-apiserver is started through " + quote(c.Command[0]) + ", so its flags cannot be told from shell text",
			Hint: "start kube-apiserver directly, with one list item per flag"}}
	}
	return m.checkSeam()
}

// checkSeam refuses an audit flag at the end of command whose value is the
// first of args: it could be changed in neither.
func (m *Manifest) checkSeam() error {
	lists := m.argLists()
	if len(lists) < 2 || len(lists[1].node.Content) == 0 || strings.HasPrefix(lists[1].node.Content[0].Value, "--") {
		return nil
	}
	all := flagsIn(lists[0].node)
	if len(all) == 0 {
		return nil
	}
	a := all[len(all)-1]
	last := a.at == len(lists[0].node.Content)-1
	if !last || !isAudit(a.name) || isBool(a.name) || strings.Contains(a.node.Value, "=") {
		return nil
	}
	return document.Problems{{File: m.file, Line: lineOf(a.node), What: "--" + a.name + " stands at the end of command, and its value at the start of args",
		Hint: "write the flag and its value into one item, as --name=value"}}
}

func (m *Manifest) indirect(n *yaml.Node, what string) document.Problems {
	return document.Problems{{File: m.file, Line: lineOf(n), What: what + " is written with a YAML anchor, alias, tag or merge key, or is not plain text",
		Hint: "write it out in full where it is used"}}
}
