// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"sigs.k8s.io/yaml"
)

// Read gives the regular file at path, of at most 10 MiB. The error carries a
// document.Problem; errors.Is finds fs.ErrNotExist when nothing is there.
// Symbolic links are followed on the way to the file, but the file may not be
// one, since it could not be replaced.
func (h *Host) Read(path string) (*File, error) {
	if !filepath.IsAbs(path) {
		return nil, h.problem(path, "is not an absolute path", "begin the path with /", nil)
	}
	dir, name, err := h.openParent(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, h.problem(path, "cannot read: no such file or folder", "", err)
	}
	if err != nil {
		return nil, err
	}
	defer dir.close()
	if name == "/" {
		name = "."
	}
	return dir.read(name)
}

// readIfAny is Read with a nil File for what is not there.
func (h *Host) readIfAny(path string) (*File, error) {
	file, err := h.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

// Stray is a file beside the manifest that the kubelet runs too.
type Stray struct {
	// Path is the file's path on the host.
	Path string
	// Pod is the static pod that it defines, as NAMESPACE/NAME.
	Pod string
	// Problem says why it is in the way, and how to move it.
	Problem document.Problem
}

// Strays finds the other files in the folder of the manifest that define the
// same static pod, or another one that runs a kube-apiserver. Like the kubelet
// it looks at every file whose name does not begin with a dot, whatever its
// extension, through links, but into no sub-folder, and reads only the first
// YAML document of each (kubernetes pkg/kubelet/config/file.go and common.go).
// Files that are no pod are no strays, as the kubelet passes over them. The
// manifest itself need not exist. An error means that the folder, or a file in
// it, cannot be read.
func (h *Host) Strays(manifest string) ([]Stray, error) {
	dir, own, err := h.openParent(manifest)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	entries, err := fs.ReadDir(dir.root.FS(), ".")
	if err != nil {
		return nil, h.fail(dir.path, "list the folder", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == own || strings.HasPrefix(e.Name(), ".")
	})
	if len(entries) == 0 {
		return nil, nil // nothing to compare the manifest with, which is not read then
	}
	pod, err := h.staticPod(manifest)
	if err != nil || pod == nil {
		pod = &staticPod{name: "kube-system/kube-apiserver"}
	}
	var strays []Stray
	var problems document.Problems
	for _, entry := range entries {
		other, err := h.staticPod(dir.join(entry.Name()))
		switch {
		case err != nil:
			problems = append(problems, document.ProblemsOf(err)...)
		case other != nil && (other.name == pod.name || other.apiserver):
			strays = append(strays, h.stray(dir.join(entry.Name()), manifest, other, pod))
		}
	}
	return strays, problems.Err()
}

func (h *Host) stray(path, manifest string, other, pod *staticPod) Stray {
	what := "runs a second kube-apiserver, as the pod " + other.name
	if other.name == pod.name {
		what = "defines the same pod, " + other.name
		if path > manifest {
			what += ", and the kubelet takes it instead of " + filepath.Base(manifest)
		}
	}
	shown := h.Display(path)
	return Stray{Path: path, Pod: other.name, Problem: document.Problem{
		File: printable(shown),
		What: what + " (it runs every file of this folder, whatever its extension)",
		Hint: "move it away, for which the API server may restart: mv " + quote(shown) + " /root/",
	}}
}

// staticPod is what matters of a file that the kubelet would run.
type staticPod struct {
	name      string
	apiserver bool
}

// staticPod gives nil for whatever the kubelet would not run as a pod.
func (h *Host) staticPod(path string) (*staticPod, error) {
	target, err := h.resolve(path)
	if err != nil {
		return nil, err
	}
	file, err := h.Read("/" + target)
	if errors.Is(err, fs.ErrPermission) {
		return nil, h.fail(path, "read", err)
	}
	if err != nil {
		return nil, nil
	}
	return parsePod(file.Bytes), nil
}

// parsePod decodes with the library that the kubelet's own decoder rests on, so
// that both see the same first document.
func parsePod(data []byte) *staticPod {
	var pod struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
		Spec struct {
			Containers []struct {
				Name    string   `json:"name"`
				Command []string `json:"command"`
			} `json:"containers"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &pod); err != nil || pod.APIVersion != "v1" || pod.Kind != "Pod" || pod.Metadata.Name == "" {
		return nil
	}
	if pod.Metadata.Namespace == "" {
		pod.Metadata.Namespace = "default"
	}
	const server = "kube-apiserver"
	result := &staticPod{name: pod.Metadata.Namespace + "/" + pod.Metadata.Name}
	for _, c := range pod.Spec.Containers {
		isServer := func(word string) bool { return path.Base(word) == server }
		result.apiserver = result.apiserver || c.Name == server || slices.ContainsFunc(c.Command, isServer)
	}
	return result
}
