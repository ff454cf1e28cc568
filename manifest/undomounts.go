// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// mounts takes out our mounts and volumes, found by name: of mounts, those of
// the right path first.
func (u *undoing) mounts() {
	list := u.valueOf(u.container, "volumeMounts")
	mounts, volumes := map[int]bool{}, map[int]bool{}
	for _, w := range u.record.Mounts {
		if i := u.findMount(w); i >= 0 && !u.keptMount(w, list.Content[i]) {
			mounts[i] = true
			u.gone.mounts = append(u.gone.mounts, keyOfMount(u.ownContainer().VolumeMounts[i]))
		}
	}
	vlist := u.lookup("spec", "volumes")
	for _, w := range u.record.Mounts {
		if i := u.findVolume(w); i >= 0 && !u.keptVolume(w, vlist.Content[i]) {
			volumes[i] = true
			u.gone.volumes = append(u.gone.volumes, w.Name)
		}
	}
	u.shrink(u.container, "volumeMounts", func(i int) bool { return mounts[i] })
	u.shrink(u.lookup("spec"), "volumes", func(i int) bool { return volumes[i] })
}

// findMount is the index of the mount that Apply wrote, -1 when it is gone.
func (u *undoing) findMount(w mounted) int {
	mounts := u.ownContainer().VolumeMounts
	list := u.valueOf(u.container, "volumeMounts")
	i := slices.IndexFunc(mounts, func(vm corev1.VolumeMount) bool { return vm.Name == w.Name && vm.MountPath == w.MountPath })
	if i < 0 {
		i = slices.IndexFunc(mounts, func(vm corev1.VolumeMount) bool { return vm.Name == w.Name })
	}
	what := "mount " + w.MountPath
	if i < 0 {
		u.drift = append(u.drift, Drift{What: what, Gone: true})
		return -1
	}
	wrote, found := access(w.MountPath, w.ReadOnly), access(mounts[i].MountPath, mounts[i].ReadOnly)
	if wrote != found {
		u.drift = append(u.drift, Drift{What: what, Wrote: wrote, Found: found, Line: lineOf(list.Content[i])})
	}
	return i
}

func (u *undoing) findVolume(w mounted) int {
	i := slices.IndexFunc(u.pod.Spec.Volumes, func(v volume) bool { return v.Name == w.Name })
	if i < 0 {
		u.drift = append(u.drift, Drift{What: "volume " + w.Name, Gone: true})
		return -1
	}
	wrote, found := w.HostPath+" "+w.Type, "not a folder of the host"
	if host := u.pod.Spec.Volumes[i].HostPath; host != nil {
		found = host.Path + " "
		if host.Type != nil {
			found += string(*host.Type)
		}
	}
	if wrote != found {
		u.drift = append(u.drift, Drift{What: "volume " + w.Name, Wrote: wrote, Found: found, Line: lineOf(u.lookup("spec", "volumes").Content[i])})
	}
	return i
}

// keptMount tells whether an audit flag that somebody added since points into
// our mount: without it the kube-apiserver would not find its file.
func (u *undoing) keptMount(w mounted, n *yaml.Node) bool {
	for _, l := range u.argLists() {
		for _, a := range flagsIn(l.node) {
			theirs := isAudit(a.name) && !u.dropped[a.node] && !u.swapped[a.node] && !slices.Contains(u.record.TakenOver, a.name)
			if theirs && under(path.Clean(a.value), w.MountPath) {
				u.drift = append(u.drift, Drift{What: "mount " + w.MountPath, Line: n.Line, Kept: "--" + a.name + " needs it"})
				return true
			}
		}
	}
	return false
}

// keptVolume tells whether a mount that is not ours uses our volume: the
// kubelet refuses a pod with a mount that has no volume.
func (u *undoing) keptVolume(w mounted, n *yaml.Node) bool {
	for i, c := range slices.Concat(u.pod.Spec.Containers, u.pod.Spec.InitContainers) {
		for _, vm := range c.VolumeMounts {
			ours := i == u.index && slices.Contains(u.gone.mounts, keyOfMount(vm))
			if vm.Name == w.Name && !ours {
				u.drift = append(u.drift, Drift{What: "volume " + w.Name, Line: n.Line, Kept: fmt.Sprintf("the container %q mounts it", c.Name)})
				return true
			}
		}
	}
	return false
}

func access(mountPath string, readOnly bool) string {
	if readOnly {
		return mountPath + " read-only"
	}
	return mountPath + " read-write"
}
