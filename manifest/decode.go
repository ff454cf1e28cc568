// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"
)

// decoded is what the kubelet sees in a manifest.
type decoded struct {
	pod skeleton
	// plain says that the file holds no field but those of a skeleton.
	plain bool
	// full waits for the pod as a whole.
	full func() (*corev1.Pod, error)
	// tree decodes the file into plain values, fields included that no Pod has.
	// Nobody else has the map that it returns.
	tree func() map[string]any
	err  error
}

// decode reads the pod as the kubelet does: YAML by way of JSON, names compared
// by case, unknown fields dropped (tryDecodeSinglePod in pkg/kubelet/config and
// the serializers of k8s.io/apimachinery).
//
// The first time that a process decodes a whole pod, the decoder prepares for
// every type that a pod can hold, which takes as long as all else that a run
// does. A manifest with no field but those of a skeleton is spared that; for
// another it goes on beside the rest.
func decode(data []byte) (d decoded) {
	text, err := sigsyaml.YAMLToJSON(data)
	if err != nil {
		d.err = err
		return d
	}
	d.tree = func() (tree map[string]any) {
		_ = kjson.UnmarshalCaseSensitivePreserveInts(text, &tree) // it was an object that decoded
		return tree
	}
	more, err := kjson.UnmarshalStrict(text, &d.pod, kjson.DisallowUnknownFields)
	if d.plain = err == nil && len(more) == 0; d.plain {
		pod := d.pod.whole()
		d.full = func() (*corev1.Pod, error) { return pod, nil }
		return d
	}
	d.full = sync.OnceValues(func() (*corev1.Pod, error) {
		var pod corev1.Pod
		err := kjson.UnmarshalCaseSensitivePreserveInts(text, &pod)
		return &pod, err
	})
	if err != nil {
		_, d.err = d.full() // the same in the words of a pod
		return d
	}
	go func() { _, _ = d.full() }()
	return d
}

// skeleton is a pod with the fields that kubeadm fills in, and those that this
// package looks at (kubeadm: GetStaticPodSpecs in cmd/kubeadm/app/phases/controlplane).
type skeleton struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        struct {
		Name              string            `json:"name"`
		Namespace         string            `json:"namespace"`
		CreationTimestamp metav1.Time       `json:"creationTimestamp"`
		Labels            map[string]string `json:"labels"`
		Annotations       map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		InitContainers    []container `json:"initContainers"`
		Containers        []container `json:"containers"`
		Volumes           []volume    `json:"volumes"`
		HostNetwork       bool        `json:"hostNetwork"`
		Priority          *int32      `json:"priority"`
		PriorityClassName string      `json:"priorityClassName"`
		SecurityContext   *struct {
			RunAsUser      *int64                 `json:"runAsUser"`
			SeccompProfile *corev1.SeccompProfile `json:"seccompProfile"`
		} `json:"securityContext"`
	} `json:"spec"`
	Status struct{} `json:"status"`
}

type container struct {
	Name            string                      `json:"name"`
	Image           string                      `json:"image"`
	ImagePullPolicy corev1.PullPolicy           `json:"imagePullPolicy"`
	Command         []string                    `json:"command"`
	Args            []string                    `json:"args"`
	Ports           []corev1.ContainerPort      `json:"ports"`
	Resources       corev1.ResourceRequirements `json:"resources"`
	VolumeMounts    []corev1.VolumeMount        `json:"volumeMounts"`
	LivenessProbe   *corev1.Probe               `json:"livenessProbe"`
	ReadinessProbe  *corev1.Probe               `json:"readinessProbe"`
	StartupProbe    *corev1.Probe               `json:"startupProbe"`
	SecurityContext *struct {
		RunAsUser *int64 `json:"runAsUser"`
	} `json:"securityContext"`
}

type volume struct {
	Name     string                       `json:"name"`
	HostPath *corev1.HostPathVolumeSource `json:"hostPath"`
}

// whole is the pod that has no field but those of a skeleton.
func (s *skeleton) whole() *corev1.Pod {
	pod := &corev1.Pod{TypeMeta: s.TypeMeta}
	pod.Name, pod.Namespace, pod.CreationTimestamp = s.Metadata.Name, s.Metadata.Namespace, s.Metadata.CreationTimestamp
	pod.Labels, pod.Annotations = s.Metadata.Labels, s.Metadata.Annotations
	pod.Spec = corev1.PodSpec{InitContainers: wholeContainers(s.Spec.InitContainers), Containers: wholeContainers(s.Spec.Containers),
		HostNetwork: s.Spec.HostNetwork, Priority: s.Spec.Priority, PriorityClassName: s.Spec.PriorityClassName}
	if c := s.Spec.SecurityContext; c != nil {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: c.RunAsUser, SeccompProfile: c.SeccompProfile}
	}
	if s.Spec.Volumes != nil {
		pod.Spec.Volumes = make([]corev1.Volume, len(s.Spec.Volumes))
	}
	for i, v := range s.Spec.Volumes {
		pod.Spec.Volumes[i] = corev1.Volume{Name: v.Name, VolumeSource: corev1.VolumeSource{HostPath: v.HostPath}}
	}
	return pod
}

func wholeContainers(list []container) []corev1.Container {
	if list == nil {
		return nil
	}
	all := make([]corev1.Container, len(list))
	for i, c := range list {
		all[i] = corev1.Container{Name: c.Name, Image: c.Image, ImagePullPolicy: c.ImagePullPolicy, Command: c.Command, Args: c.Args, Ports: c.Ports,
			Resources: c.Resources, VolumeMounts: c.VolumeMounts, LivenessProbe: c.LivenessProbe, ReadinessProbe: c.ReadinessProbe, StartupProbe: c.StartupProbe}
		if c.SecurityContext != nil {
			all[i].SecurityContext = &corev1.SecurityContext{RunAsUser: c.SecurityContext.RunAsUser}
		}
	}
	return all
}
