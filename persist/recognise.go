// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"bytes"
	"path"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
	"go.yaml.in/yaml/v3"
)

// Settled tells whether a manifest has everything that is wanted, in whatever
// order, and no other audit flag: as when kubeadm wrote it from what is kept. To
// write it in the order of enable would restart the API server for nothing. With
// annotations it must have those of enable too, as with patches; without them
// the caller has to know that the files are those that the API server started
// with.
func Settled(m *manifest.Manifest, want manifest.Want, annotations bool) bool {
	if annotations && (!m.Changed() || m.Annotation(manifest.PolicyAnnotation) != want.PolicyHash) {
		return false
	}
	if !hasFlags(m, want.Flags) {
		return false
	}
	for _, w := range want.Mounts {
		over := innermost(m, w.MountPath)
		if over == nil || over.ReadOnly && !w.ReadOnly {
			return false
		}
		if path.Join(over.HostPath, strings.TrimPrefix(w.MountPath, path.Clean(over.MountPath))) != w.HostPath {
			return false
		}
	}
	return true
}

// hasFlags tells whether the audit flags are these, each once.
func hasFlags(m *manifest.Manifest, want []manifest.Flag) bool {
	flags := map[string]string{}
	settings := m.AuditSettings()
	for _, s := range settings {
		flags[s.Name] = s.Value
	}
	for _, f := range want {
		if value, there := flags[f.Name]; !there || value != f.Value {
			return false
		}
	}
	return len(flags) == len(want) && len(settings) == len(want)
}

// innermost is the mount that shows a folder; nil when there is none.
func innermost(m *manifest.Manifest, folder string) *manifest.Mount {
	var best *manifest.Mount
	for _, w := range m.Mounts() {
		at := path.Clean(w.MountPath)
		covers := folder == at || at == "/" || strings.HasPrefix(folder, at+"/")
		if covers && (best == nil || len(at) > len(path.Clean(best.MountPath))) {
			best = &w
		}
	}
	return best
}

// Adopt gives a manifest that kubeadm wrote from its configuration the record
// that enable would have left in it, so that manifest.Apply and manifest.Undo
// take the audit part for ours: Undo of it gives what kubeadm writes without
// audit. kept is what the configuration has, from render.KubeadmOf, and data is
// called file in messages.
//
// It says false, and there is nothing to adopt, unless the audit flags of the
// manifest are those, and the mounts are there: then somebody else has been at
// work, or there is a record already. The bytes are for working with; they differ
// from data by an annotation, so that to write them restarts the API server.
func Adopt(file string, data []byte, kept *render.Kubeadm) (*manifest.Manifest, bool) {
	m, err := manifest.Read(file, data)
	if err != nil || kept.Undo == "" || !hasFlags(m, kept.Flags) {
		return nil, false
	}
	text, ok := annotated(data, manifest.UndoAnnotation, kept.Undo)
	if !ok {
		return nil, false
	}
	adopted, err := manifest.Read(file, text)
	if err != nil {
		return nil, false
	}
	undone, err := manifest.Undo(adopted)
	if err != nil || len(undone.Drift) > 0 {
		return nil, false
	}
	return adopted, true
}

// annotated puts an annotation in front of those of a pod, which must be a
// mapping in block style, as kubeadm writes it.
func annotated(data []byte, key, value string) ([]byte, bool) {
	root, err := document.Parse("", data)
	if err != nil {
		return nil, false
	}
	annotations, found := document.Find(root, "metadata.annotations")
	if !found || annotations.Kind != yaml.MappingNode || annotations.Style&yaml.FlowStyle != 0 || len(annotations.Content) == 0 {
		return nil, false
	}
	first := annotations.Content[0]
	at := document.Offset(data, first.Line, first.Column)
	eol := "\n"
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		eol = "\r\n"
	}
	line := key + ": '" + strings.ReplaceAll(value, "'", "''") + "'" + eol + strings.Repeat(" ", first.Column-1)
	return bytes.Join([][]byte{data[:at], []byte(line), data[at:]}, nil), true
}
