// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Command returns what the kube-apiserver container of a manifest runs, command
// and args.
func Command(manifest []byte) ([]string, error) {
	_, container, err := decode(manifest)
	return append(slices.Clone(container.Command), container.Args...), err
}

// HostPath returns the file of the host that the kube-apiserver container sees
// at an absolute path, and whether it may write there. It fails if no hostPath
// volume is mounted at the path or at a folder above it: then the pod would
// look into its image, where none of our files is.
func HostPath(manifest []byte, file string) (host string, writable bool, err error) {
	pod, container, err := decode(manifest)
	if err != nil {
		return "", false, err
	}
	var mount *corev1.VolumeMount
	for i, m := range container.VolumeMounts {
		if within(m.MountPath, file) && (mount == nil || len(m.MountPath) > len(mount.MountPath)) {
			mount = &container.VolumeMounts[i]
		}
	}
	if mount == nil {
		return "", false, fmt.Errorf("no volume is mounted at %s or above it", file)
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Name == mount.Name && volume.HostPath != nil {
			below := strings.TrimPrefix(file, path.Clean(mount.MountPath))
			return path.Join(volume.HostPath.Path, mount.SubPath, below), !mount.ReadOnly, nil
		}
	}
	return "", false, fmt.Errorf("the mount at %s is of the volume %q, which is not there or not of the host", mount.MountPath, mount.Name)
}

// within reports whether file is dir or lies below it.
func within(dir, file string) bool {
	dir = strings.TrimSuffix(path.Clean(dir), "/")
	return file == dir || strings.HasPrefix(file, dir+"/")
}

// decode reads a manifest and finds its container; it must have exactly one of
// the name.
func decode(manifest []byte) (corev1.Pod, corev1.Container, error) {
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
		return pod, corev1.Container{}, err
	}
	isOurs := func(c corev1.Container) bool { return c.Name == "kube-apiserver" }
	i := slices.IndexFunc(pod.Spec.Containers, isOurs)
	if i < 0 || slices.ContainsFunc(pod.Spec.Containers[i+1:], isOurs) {
		return pod, corev1.Container{}, fmt.Errorf("not exactly one container kube-apiserver in pod %q", pod.Name)
	}
	return pod, pod.Spec.Containers[i], nil
}
