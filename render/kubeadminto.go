// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"go.yaml.in/yaml/v3"
)

// Into puts the flags and mounts into a kubeadm configuration, which is called
// file in messages: into apiServer.extraArgs and apiServer.extraVolumes of its
// ClusterConfiguration, in the form of its apiVersion. An audit argument that is
// there is replaced, or taken out when it is none of the flags; so are volumes
// of ours ([VolumePrefix]). Every other line stays as it is, and the result is
// decoded to prove it. Without a ClusterConfiguration one is added beside an
// InitConfiguration.
//
// The notes say which arguments of the file were replaced or taken out. The
// error is [document.Problems], with lines; nothing is returned with it.
func (k *Kubeadm) Into(file string, data []byte) ([]byte, document.Problems, error) {
	f, err := readKubeadm(file, data)
	if err != nil {
		return nil, nil, err
	}
	s := &splice{kubeadmFile: f, k: k}
	if err := s.run(); err != nil {
		return nil, nil, err
	}
	after, err := s.apply()
	if err != nil {
		return nil, nil, err
	}
	if err := s.prove(after); err != nil {
		return nil, nil, err
	}
	s.notes.Sort()
	return after, s.notes, nil
}

// splice is one call of Into.
type splice struct {
	*kubeadmFile
	k     *Kubeadm
	edits []edit
	notes document.Problems
	// args and volumes are the entries of the two lists.
	args    []*argEntry
	volumes []*volumeEntry
	// flags and mounts are still to be added.
	flags  []manifest.Flag
	mounts []manifest.Mount
}

// edit replaces the bytes from from to to.
type edit struct {
	from, to int
	text     string
}

// argEntry is one entry of extraArgs.
type argEntry struct {
	name string
	// value is nil when a list's item has none.
	value *yaml.Node
	// head is the node at which the entry begins.
	head *yaml.Node
	drop bool
	// with is the value to write in its place; nil leaves it.
	with *string
}

// volumeEntry is one item of extraVolumes.
type volumeEntry struct {
	head *yaml.Node
	manifest.Mount
	drop bool
}

func (s *splice) run() error {
	s.flags, s.mounts = slices.Clone(s.k.Flags), slices.Clone(s.k.Mounts)
	server, args, volumes, err := s.entries()
	if err != nil {
		return err
	}
	s.settleArgs()
	if problems := s.settleVolumes(); len(problems) > 0 {
		return problems
	}
	return s.write(server, args, volumes)
}

// entries finds apiServer and its two lists, each nil when it is not there, and
// reads what is in these.
func (s *splice) entries() (server, args, volumes *yaml.Node, err error) {
	server = valueOf(s.cluster.root, "apiServer")
	if err := s.straight(server, "apiServer", yaml.MappingNode, "a mapping"); err != nil {
		return nil, nil, nil, err
	}
	args, volumes = valueOf(server, "extraArgs"), valueOf(server, "extraVolumes")
	kind, called := yaml.MappingNode, "a mapping of names to values in "+s.api
	if isList(s.api) {
		kind, called = yaml.SequenceNode, "a list of items with name and value in "+s.api
	}
	problems := document.ProblemsOf(s.straight(args, "extraArgs", kind, called))
	problems = append(problems, document.ProblemsOf(s.straight(volumes, "extraVolumes", yaml.SequenceNode, "a list"))...)
	if len(problems) == 0 {
		problems = append(s.readArgs(args), s.readVolumes(volumes)...)
	}
	return server, args, volumes, problems.Err()
}

// straight refuses a value that is not written where it stands, or is of the
// wrong kind. nil and null are fine.
func (s *splice) straight(n *yaml.Node, name string, kind yaml.Kind, called string) error {
	switch {
	case n == nil || isNull(n):
		return nil
	case n.Kind == yaml.AliasNode || n.Anchor != "" || valueOf(n, "<<") != nil:
		return s.at(n, name+" is shared with another place by an anchor or an alias", "write it out in both places")
	case n.Kind != kind:
		return s.at(n, name+" must be "+called, "see kubeadm config print init-defaults, or kubeadm config migrate")
	}
	return nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (s *splice) readArgs(args *yaml.Node) document.Problems {
	var problems document.Problems
	if args == nil || isNull(args) {
		return nil
	}
	if args.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(args.Content); i += 2 {
			s.args = append(s.args, &argEntry{name: args.Content[i].Value, head: args.Content[i], value: args.Content[i+1]})
		}
		return nil
	}
	for _, item := range args.Content {
		name := valueOf(item, "name")
		if item.Kind != yaml.MappingNode || name == nil || name.Kind != yaml.ScalarNode {
			problems = append(problems, s.at(item, "an item of extraArgs must have a name and a value", `write it as "- name: audit-log-maxage" and "  value: ..." below`)...)
			continue
		}
		s.args = append(s.args, &argEntry{name: name.Value, head: item, value: valueOf(item, "value")})
	}
	return problems
}

func (s *splice) readVolumes(volumes *yaml.Node) document.Problems {
	if volumes == nil || isNull(volumes) {
		return nil
	}
	var problems document.Problems
	for _, item := range volumes.Content {
		if item.Kind != yaml.MappingNode {
			problems = append(problems, s.at(item, "an item of extraVolumes must be a mapping", `write it as "- name: ..." with hostPath and mountPath below`)...)
			continue
		}
		of := func(key string) string {
			if n := valueOf(item, key); n != nil && n.Kind == yaml.ScalarNode {
				return n.Value
			}
			return ""
		}
		s.volumes = append(s.volumes, &volumeEntry{head: item, Mount: manifest.Mount{Name: of("name"), HostPath: of("hostPath"),
			MountPath: of("mountPath"), Type: of("pathType"), ReadOnly: of("readOnly") == "true"}})
	}
	return problems
}

// isAuditArg tells whether an argument is an audit flag. The kube-apiserver takes
// both audit-log-path and audit_log_path (k8s.io/component-base cli/flag).
func isAuditArg(name string) bool { return strings.HasPrefix(flagName(name), "audit-") }

func flagName(name string) string { return strings.ReplaceAll(name, "_", "-") }

// settleArgs decides about each argument. Of a repeated one the last is kept,
// which is the one in force.
func (s *splice) settleArgs() {
	for _, a := range slices.Backward(s.args) {
		if !isAuditArg(a.name) {
			continue
		}
		was := ""
		if a.value != nil {
			was = a.value.Value
		}
		at := slices.IndexFunc(s.flags, func(f manifest.Flag) bool { return f.Name == flagName(a.name) })
		if at < 0 {
			a.drop = true
			s.notes = append(s.notes, s.at(a.head, argument(a.name, was)+" is taken out", "")...)
			continue
		}
		want := s.flags[at].Value
		s.flags = slices.Delete(s.flags, at, at+1)
		if a.value != nil && a.value.Kind == yaml.ScalarNode && a.value.Tag == "!!str" && was == want {
			continue
		}
		a.with = &want
		s.notes = append(s.notes, s.at(a.head, argument(a.name, was)+fmt.Sprintf(" becomes %q", want), "")...)
	}
}

// settleVolumes decides about each volume. One of somebody else that shows the
// very folder will do.
func (s *splice) settleVolumes() document.Problems {
	var problems document.Problems
	for _, v := range s.volumes {
		if strings.HasPrefix(v.Name, VolumePrefix) {
			at := slices.Index(s.mounts, v.Mount)
			if v.drop = at < 0; !v.drop {
				s.mounts = slices.Delete(s.mounts, at, at+1)
			}
			continue
		}
		at := slices.IndexFunc(s.mounts, func(w manifest.Mount) bool { return w.MountPath == v.MountPath })
		if at < 0 {
			continue
		}
		folder := v.Type == "" || v.Type == "Directory" || v.Type == "DirectoryOrCreate"
		if w := s.mounts[at]; v.HostPath != w.HostPath || !folder || v.ReadOnly && !w.ReadOnly {
			problems = append(problems, s.at(v.head, fmt.Sprintf("the volume %q is mounted at %s already, and not as the folder %s that is needed there", v.Name, v.MountPath, w.HostPath),
				"take it out, or choose another folder with --policy-path or --log-path")...)
			continue
		}
		s.mounts = slices.Delete(s.mounts, at, at+1)
	}
	return problems
}

// apply makes the edits.
func (s *splice) apply() ([]byte, error) {
	slices.SortStableFunc(s.edits, func(a, b edit) int { return cmp.Or(a.from-b.from, min(a.to-a.from, 1)-min(b.to-b.from, 1)) })
	var out bytes.Buffer
	at := 0
	for _, e := range s.edits {
		if e.from < at && e.to > e.from {
			return nil, s.trouble()
		}
		out.Write(s.data[at:max(at, e.from)])
		out.WriteString(e.text)
		at = max(at, e.to)
	}
	out.Write(s.data[at:])
	if s.bare {
		return bytes.TrimSuffix(out.Bytes(), []byte(s.eol)), nil
	}
	return out.Bytes(), nil
}

// trouble is for a text that is not of the shape that its tree promised.
func (s *splice) trouble() error {
	return s.at(s.cluster.root, "its apiServer is written in a way that cannot be changed in place", `write it as "key: value" and "- item", each on a line of its own; nothing was written`)
}
