// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// tree is a document, decoded.
type tree = map[string]any

// trees decodes the documents of a file.
func (f *kubeadmFile) trees() ([]any, error) {
	var all []any
	for _, doc := range f.docs {
		var v any
		if err := decodeNode(doc.root, &v); err != nil {
			return nil, f.at(doc.root, "cannot be decoded: "+err.Error(), "")
		}
		all = append(all, v)
	}
	return all, nil
}

// decodeNode keeps a crash of the decoder, which is not ours, from the caller.
func decodeNode(n *yaml.Node, into any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return n.Decode(into)
}

// prove decodes what was made and wants it to be what was read, with nothing
// changed but extraArgs and extraVolumes, and these as they should be.
func (s *splice) prove(after []byte) error {
	want, err := s.trees()
	if err != nil {
		return err
	}
	changed, err := readKubeadm(s.name, after)
	if err != nil {
		return s.trouble()
	}
	got, err := changed.trees()
	if err != nil {
		return s.trouble()
	}
	at := slices.IndexFunc(s.docs, func(d kubeadmDoc) bool { return d.root == s.cluster.root })
	if at < 0 {
		if len(s.k.Flags)+len(s.k.Mounts) > 0 {
			want = append(want, s.expected(tree{"apiVersion": kubeadmGroup + s.api, "kind": "ClusterConfiguration"}))
		}
	} else if root, ok := want[at].(tree); ok {
		want[at] = s.expected(root)
	}
	if !reflect.DeepEqual(got, want) {
		return s.trouble()
	}
	return nil
}

// expected is the ClusterConfiguration as it has to be.
func (s *splice) expected(root tree) tree {
	server, _ := root["apiServer"].(tree)
	if server == nil {
		if len(s.k.Flags)+len(s.k.Mounts) == 0 {
			return root
		}
		server = tree{}
	}
	root["apiServer"] = server
	if isList(s.api) {
		list, _ := server["extraArgs"].([]any)
		setList(server, "extraArgs", list, s.expectedList(list))
	} else {
		s.expectArgs(server)
	}
	old, _ := server["extraVolumes"].([]any)
	setList(server, "extraVolumes", old, s.expectedVolumes(old))
	return root
}

// setList puts a list in the place of an old one. One that was empty stays as it
// was written while it is.
func setList(server tree, key string, old, now []any) {
	switch {
	case len(now) > 0:
		server[key] = now
	case len(old) > 0:
		delete(server, key)
	}
}

func (s *splice) expectArgs(server tree) {
	args, _ := server["extraArgs"].(tree)
	had := len(args) > 0
	if args == nil {
		args = tree{}
	}
	placed := map[string]bool{}
	for _, a := range s.args {
		if !isAuditArg(a.name) {
			continue
		}
		delete(args, a.name)
		if !a.drop {
			args[a.name], placed[flagName(a.name)] = s.wanted(a.name), true
		}
	}
	for _, f := range s.k.Flags {
		if !placed[f.Name] {
			args[f.Name] = f.Value
		}
	}
	if len(args) > 0 {
		server["extraArgs"] = args
	} else if had {
		delete(server, "extraArgs")
	}
}

func (s *splice) wanted(name string) string {
	for _, f := range s.k.Flags {
		if f.Name == flagName(name) {
			return f.Value
		}
	}
	return ""
}

func (s *splice) expectedList(list []any) []any {
	left := map[string]int{}
	for _, item := range list {
		left[flagName(nameOf(item))]++
	}
	var now []any
	for _, item := range list {
		name := nameOf(item)
		left[flagName(name)]--
		wanted := slices.ContainsFunc(s.k.Flags, func(f flagOf) bool { return f.Name == flagName(name) })
		if isAuditArg(name) && (!wanted || left[flagName(name)] > 0) {
			continue
		}
		if isAuditArg(name) {
			item.(tree)["value"] = s.wanted(name)
		}
		now = append(now, item)
	}
	for _, f := range s.k.Flags {
		if !slices.ContainsFunc(now, func(item any) bool { return flagName(nameOf(item)) == f.Name }) {
			now = append(now, tree{"name": f.Name, "value": f.Value})
		}
	}
	return now
}

func nameOf(item any) string {
	object, _ := item.(tree)
	name, _ := object["name"].(string)
	return name
}

func (s *splice) expectedVolumes(list []any) []any {
	var now []any
	for i, item := range list {
		if !s.volumes[i].drop {
			now = append(now, item)
		}
	}
	for _, w := range s.mounts {
		volume := tree{"name": w.Name, "hostPath": w.HostPath, "mountPath": w.MountPath}
		if w.ReadOnly {
			volume["readOnly"] = true
		}
		if w.Type != "" {
			volume["pathType"] = w.Type
		}
		now = append(now, volume)
	}
	return now
}
