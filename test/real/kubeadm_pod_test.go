// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/render"
)

// ours is what auditsetup puts into a pod, sorted.
type ours struct {
	Flags, Mounts []string
	Annotations   map[string]string
}

func auditPart(t *testing.T, manifest []byte) ours {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
		t.Fatal(err)
	}
	var o ours
	for _, arg := range pod.Spec.Containers[0].Command {
		if strings.HasPrefix(arg, "--audit-") {
			o.Flags = append(o.Flags, arg)
		}
	}
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		if strings.HasPrefix(m.Name, render.VolumePrefix) {
			o.Mounts = append(o.Mounts, fmt.Sprintf("mount %s %s %t", m.Name, m.MountPath, m.ReadOnly))
		}
	}
	for _, v := range pod.Spec.Volumes {
		if strings.HasPrefix(v.Name, render.VolumePrefix) {
			o.Mounts = append(o.Mounts, fmt.Sprintf("volume %s %s %s", v.Name, v.HostPath.Path, *v.HostPath.Type))
		}
	}
	for key, value := range pod.Annotations {
		if strings.HasPrefix(key, "auditsetup.io/") {
			if o.Annotations == nil {
				o.Annotations = map[string]string{}
			}
			o.Annotations[key] = value
		}
	}
	slices.Sort(o.Flags)
	slices.Sort(o.Mounts)
	if twice := len(slices.Compact(slices.Clone(o.Flags))); twice != len(o.Flags) || twice < 5 {
		t.Errorf("flags twice, or too few: %q", o.Flags)
	}
	return o
}

// withoutAudit is the pod without what auditPart tells, in its order.
func withoutAudit(t *testing.T, manifest []byte) corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
		t.Fatal(err)
	}
	c := &pod.Spec.Containers[0]
	c.Command = slices.DeleteFunc(c.Command, func(s string) bool { return strings.HasPrefix(s, "--audit-") })
	c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(m.Name, render.VolumePrefix) })
	pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return strings.HasPrefix(v.Name, render.VolumePrefix) })
	for key := range pod.Annotations {
		if strings.HasPrefix(key, "auditsetup.io/") {
			delete(pod.Annotations, key)
		}
	}
	return pod
}
