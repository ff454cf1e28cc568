// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/auditsetup/auditsetup/document"
	corev1 "k8s.io/api/core/v1"
)

// Mount is a folder of the host that the kube-apiserver container sees: a
// hostPath volume of the pod and its mount in the container.
type Mount struct {
	// Name of the volume. Apply numbers it when the pod has a volume of that
	// name already.
	Name string
	// HostPath and MountPath are absolute and clean.
	HostPath, MountPath string
	// Type is a hostPath type such as Directory or DirectoryOrCreate
	// (k8s.io/api core/v1 HostPathType).
	Type     string
	ReadOnly bool
}

// place decides for each wanted mount whether the pod shows that folder
// already; the others are returned under names that are free. What cannot be
// mounted beside what is there is a problem, by its line in shown: the manifest
// that the user has, of which m is what is left without our part.
func (m *Manifest) place(wanted []Mount, shown *Manifest) ([]Mount, document.Problems) {
	var missing []Mount
	var problems document.Problems
	taken := map[string]bool{}
	for _, v := range m.pod.Spec.Volumes {
		taken[v.Name] = true
	}
	for _, vm := range m.allMounts() { // one without a volume must not get ours
		taken[vm.Name] = true
	}
	for _, w := range wanted {
		over := m.innermost(w.MountPath)
		there, conflict := m.shows(w, over)
		if conflict != "" {
			problems = append(problems, document.Problem{File: m.file, Line: shown.mountLine(over.MountPath), What: conflict,
				Hint: "choose another folder with --log-path or --policy-path, or change that mount by hand"})
		}
		if conflict != "" || there {
			continue
		}
		base := w.Name
		for i := 2; taken[w.Name]; i++ {
			w.Name = fmt.Sprintf("%s-%d", base, i)
		}
		taken[w.Name] = true
		missing = append(missing, w)
	}
	return missing, problems
}

// shows tells whether the container sees w.HostPath at w.MountPath through
// over, its innermost mount there, which is nil when there is none. The second
// result says why w cannot be added, "" when it can.
func (m *Manifest) shows(w Mount, over *corev1.VolumeMount) (bool, string) {
	if over == nil {
		return false, ""
	}
	mountPath := path.Clean(over.MountPath)
	exact := mountPath == w.MountPath
	volume := m.volume(over.Name)
	plain := volume != nil && volume.HostPath != nil && over.SubPath == "" && over.SubPathExpr == ""
	kind, there := corev1.HostPathUnset, ""
	if plain {
		there = path.Join(volume.HostPath.Path, strings.TrimPrefix(w.MountPath, mountPath))
		if volume.HostPath.Type != nil {
			kind = *volume.HostPath.Type
		}
	}
	folder := kind == corev1.HostPathUnset || kind == corev1.HostPathDirectory || kind == corev1.HostPathDirectoryOrCreate
	switch {
	case exact && !plain:
		return false, fmt.Sprintf("%s is already the mount of volume %q, which is not a plain folder of the host", w.MountPath, over.Name)
	case exact && !folder:
		return false, fmt.Sprintf("%s is already mounted as a %s by volume %q, and a folder is needed: a mounted file cannot be rotated", w.MountPath, kind, over.Name)
	case !folder:
		return false, fmt.Sprintf("%s lies in %s, which volume %q mounts as a %s", w.MountPath, mountPath, over.Name, kind)
	case there == w.HostPath && (!over.ReadOnly || w.ReadOnly):
		return true, ""
	case exact && there == w.HostPath:
		return false, fmt.Sprintf("%s is already mounted, read-only, by volume %q, and the kube-apiserver must write there", w.MountPath, over.Name)
	case exact:
		return false, fmt.Sprintf("%s already shows %s of the host, by volume %q", w.MountPath, volume.HostPath.Path, over.Name)
	case over.ReadOnly && there != w.HostPath:
		// runc cannot make the mount point inside a read-only folder that lacks it
		return false, fmt.Sprintf("%s lies in %s, which volume %q mounts read-only from another place", w.MountPath, mountPath, over.Name)
	}
	return false, ""
}

// innermost is the mount that decides what the container sees at p: the one
// with the longest mount path that is p or a parent of it. nil when there is
// none.
func (m *Manifest) innermost(p string) *corev1.VolumeMount {
	var best *corev1.VolumeMount
	mounts := m.ownContainer().VolumeMounts
	for i := range mounts {
		at := path.Clean(mounts[i].MountPath)
		if under(p, at) && (best == nil || len(at) > len(path.Clean(best.MountPath))) {
			best = &mounts[i]
		}
	}
	return best
}

// under tells whether the path p is the folder or lies in it; both are clean.
func under(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, folder+"/")
}

// mountLine is the line of the container's mount with that path, else that of
// the container.
func (m *Manifest) mountLine(mountPath string) int {
	if list := m.valueOf(m.container, "volumeMounts"); list != nil {
		for _, item := range list.Content {
			if v := m.valueOf(item, "mountPath"); v != nil && v.Value == mountPath {
				return v.Line
			}
		}
	}
	return m.container.Line
}

// allMounts are the mounts of all containers.
func (m *Manifest) allMounts() []corev1.VolumeMount {
	var all []corev1.VolumeMount
	for _, c := range slices.Concat(m.pod.Spec.InitContainers, m.pod.Spec.Containers) {
		all = append(all, c.VolumeMounts...)
	}
	return all
}

// volume returns the pod's volume of that name, nil when there is none.
func (m *Manifest) volume(name string) *volume {
	for i, v := range m.pod.Spec.Volumes {
		if v.Name == name {
			return &m.pod.Spec.Volumes[i]
		}
	}
	return nil
}

func (w Mount) volumeEntry() entry {
	block := []string{"hostPath:", "  path: " + scalar(w.HostPath)}
	source := map[string]string{"path": w.HostPath}
	if w.Type != "" {
		block = append(block, "  type: "+scalar(w.Type))
		source["type"] = w.Type
	}
	block = append(block, "name: "+scalar(w.Name))
	return entry{block, toJSON(map[string]any{"hostPath": source, "name": w.Name})}
}

func (w Mount) mountEntry() entry {
	block := []string{"mountPath: " + scalar(w.MountPath), "name: " + scalar(w.Name)}
	fields := map[string]any{"mountPath": w.MountPath, "name": w.Name}
	if w.ReadOnly {
		block = append(block, "readOnly: true")
		fields["readOnly"] = true
	}
	return entry{block, toJSON(fields)}
}

// plainSafe matches text that is the same string in every YAML version when
// written without quotes, in block and in flow style.
var plainSafe = regexp.MustCompile(`^(--[a-z]|/|[A-Z][a-z]|[a-z]+-)[A-Za-z0-9/_.=@+:-]*$`)

// scalar writes a string for block style: plain where that is safe, else as a
// JSON string, which is a double-quoted YAML scalar.
func scalar(s string) string {
	if plainSafe.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	return toJSON(s)
}

// toJSON writes JSON, which is also YAML in flow style. Characters that have no
// shape on a screen are escaped: YAML does not take all of them.
func toJSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("manifest: a value of strings and bools does not encode: " + err.Error())
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if printable(text) {
		return text
	}
	b.Reset()
	for _, r := range text {
		if unicode.IsPrint(r) || r > 0xffff {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// printable tells whether all characters are ones that YAML takes as they are.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r <= 0xffff })
}
