// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Command is what the kube-apiserver container runs: command and args. Empty
// parts are left to the image.
func (m *Manifest) Command() []string {
	c := m.ownContainer()
	return slices.Concat(c.Command, c.Args)
}

// HostPath is the file of the host that the container sees at an absolute path.
// It says false where no hostPath volume is mounted at the path or above it: the
// container then looks into its image.
func (m *Manifest) HostPath(file string) (string, bool) {
	best, host := "", ""
	for _, mount := range m.Mounts() {
		at := path.Clean(mount.MountPath)
		below, ok := strings.CutPrefix(file, strings.TrimSuffix(at, "/"))
		if ok && (below == "" || strings.HasPrefix(below, "/")) && len(at) > len(best) {
			best, host = at, path.Join(mount.HostPath, below)
		}
	}
	return host, best != ""
}

// ProbeHost is the address at which the kubelet asks the container for its
// health, and "" where the manifest names none.
func (m *Manifest) ProbeHost() string {
	pod, err := m.full()
	if err != nil || m.index >= len(pod.Spec.Containers) {
		return ""
	}
	c := pod.Spec.Containers[m.index]
	for _, p := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
		if p != nil && p.HTTPGet != nil && p.HTTPGet.Host != "" {
			return p.HTTPGet.Host
		}
	}
	return ""
}

// Pod is the namespace and the name of the pod as the manifest has them. The
// kubelet adds the name of its node to the name.
func (m *Manifest) Pod() (namespace, name string) {
	pod, err := m.full()
	if err != nil {
		return "", ""
	}
	return pod.Namespace, pod.Name
}

// Container is the name of the kube-apiserver container.
func (m *Manifest) Container() string { return m.ownContainer().Name }
