// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package manifest changes the static pod of a kube-apiserver as bytes. It
// parses the YAML or JSON for positions only and splices text in and out, so
// that comments, order, quoting, indentation and line endings of everything
// else stay as the user left them; an encoder would rewrite the whole file.
//
// What [Apply] puts in, [Undo] takes out: the record of each splice travels in
// a pod annotation, and Apply refuses to return bytes that Undo does not turn
// back into exactly what it was given. Both prove on the decoded pod that
// nothing but the planned fields differs.
//
// The package knows no path and no file system; names given to it serve only
// to word its errors.
package manifest

import (
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// ContainerName is what kubeadm calls the container whose command line and
// mounts are ours to change (k8s.io/kubernetes
// cmd/kubeadm/app/constants.KubeAPIServer).
const ContainerName = "kube-apiserver"

// Manifest is a static pod that was read and found fit to be changed. Its zero
// value is of no use: call [Read].
type Manifest struct {
	*source
	// decoded is what the kubelet makes of it. Not to be changed.
	decoded
	// index is the place of the kube-apiserver container in spec.containers.
	index int
	// container is that container's mapping.
	container *yaml.Node
	// record is nil when there is nothing of ours.
	record *record
}

// Read parses data, which is called file in errors. It refuses, with every
// problem at once as [document.Problems], whatever the kubelet would not run
// as one kube-apiserver pod, and whatever it could not splice with certainty:
// another kind, no or several kube-apiserver containers, a shell in front of
// the binary, list fields that come from YAML anchors or merge keys. A pod that
// the kubelet could not decode for a field that is none of ours is refused by
// [Apply] and [Undo].
func Read(file string, data []byte) (*Manifest, error) {
	pod := make(chan decoded, 1)
	ahead := len(data) <= ordinarySize
	if ahead {
		go func() { pod <- decode(data) }()
	}
	src, err := newSource(file, data)
	if err != nil {
		return nil, err
	}
	if !ahead {
		pod <- decode(data)
	}
	m := &Manifest{source: src}
	for _, step := range []func() error{func() error { return m.take(<-pod) }, m.findContainer, m.checkLists, m.checkCommand, m.readRecord} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Image is the container's image reference as the manifest writes it.
func (m *Manifest) Image() string { return m.ownContainer().Image }

func (m *Manifest) ownContainer() *container { return &m.pod.Spec.Containers[m.index] }

// RunsAs is the user id that the manifest has the kube-apiserver run as, and
// whether it names one. Without one the image decides, which is root in
// kubeadm's (the feature gate RootlessControlPlane names one; kubeadm
// cmd/kubeadm/app/util/staticpod/utils_linux.go).
func (m *Manifest) RunsAs() (uid int64, named bool) {
	if c := m.ownContainer().SecurityContext; c != nil && c.RunAsUser != nil {
		return *c.RunAsUser, true
	}
	if p := m.pod.Spec.SecurityContext; p != nil && p.RunAsUser != nil {
		return *p.RunAsUser, true
	}
	return 0, false
}

// Changed tells whether auditsetup has put something into this manifest that
// it has not taken out again.
func (m *Manifest) Changed() bool { return m.record != nil }

// TakenOver tells whether a flag, named without dashes, was somebody else's and
// was replaced, removed or found fit by Apply with the user's consent.
func (m *Manifest) TakenOver(flag string) bool {
	return m.record != nil && slices.Contains(m.record.TakenOver, flag)
}

// Annotation returns the value of a pod annotation, and "" when it is not set.
func (m *Manifest) Annotation(key string) string { return m.pod.Metadata.Annotations[key] }

// Setting is one flag of the kube-apiserver command line.
type Setting struct {
	// Name is without dashes and with '_' turned into '-', as the
	// kube-apiserver reads it (k8s.io/component-base cli/flag WordSepNormalizeFunc).
	Name, Value string
	// Line of the manifest at which the flag stands, from 1.
	Line int
	// Ours is set when auditsetup wrote this very setting.
	Ours bool
}

// Settings returns every flag of the command line in order, repeated ones
// included: of those the last is in force (pflag).
func (m *Manifest) Settings() []Setting {
	var all []Setting
	for _, l := range m.argLists() {
		for _, a := range flagsIn(l.node) {
			ours := m.record != nil && m.record.wrote(a)
			all = append(all, Setting{a.name, a.value, a.node.Line, ours})
		}
	}
	return all
}

// AuditSettings returns the flags of [Manifest.Settings] that belong to audit.
func (m *Manifest) AuditSettings() []Setting {
	return slices.DeleteFunc(m.Settings(), func(s Setting) bool { return !isAudit(s.Name) })
}

// Mounts returns the pod's hostPath volumes that the kube-apiserver container
// mounts, as mounts.
func (m *Manifest) Mounts() []Mount {
	var all []Mount
	for _, vm := range m.ownContainer().VolumeMounts {
		v := m.volume(vm.Name)
		if v == nil || v.HostPath == nil {
			continue
		}
		mount := Mount{Name: v.Name, HostPath: v.HostPath.Path, MountPath: vm.MountPath, ReadOnly: vm.ReadOnly}
		if v.HostPath.Type != nil {
			mount.Type = string(*v.HostPath.Type)
		}
		all = append(all, mount)
	}
	return all
}

// argList is command or args, whichever are there, in the order of the
// resulting command line.
type argList struct {
	name string
	node *yaml.Node
}

func (m *Manifest) argLists() []argList {
	var lists []argList
	for _, name := range []string{"command", "args"} {
		if n := m.valueOf(m.container, name); n != nil && n.Kind == yaml.SequenceNode {
			lists = append(lists, argList{name, n})
		}
	}
	return lists
}

// keyOf is the key node of one of the container's lists.
func (m *Manifest) keyOf(name string) *yaml.Node {
	return m.container.Content[document.PairOf(m.container, name)]
}

// lineOf is the line of a node, and 0 for nil.
func lineOf(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return n.Line
}
