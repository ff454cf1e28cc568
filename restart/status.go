// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/auditsetup/auditsetup/podlog"
)

// The annotations that a kubelet gives to its pods (k8s.io/kubernetes
// pkg/kubelet/types/pod_update.go).
const (
	sourceAnnotation = "kubernetes.io/config.source"
	hashAnnotation   = "kubernetes.io/config.hash"
)

// status is what the kubelet says of the container; the zero status is that of
// one of which it says nothing.
type status struct {
	hash string // changes with every change of the static pod
	// stuck is what keeps it from being started, ended how its last start ended,
	// in a few words each.
	stuck, ended string
}

// Status asks the kubelet for its pods. An error means that it does not tell.
func (w *Watch) status(ctx context.Context) (status, error) {
	k := w.Kubelet
	if k.PID == 0 {
		return status{}, fmt.Errorf("no kubelet to ask")
	}
	answer, err := w.Client.AskKubelet(ctx, net.JoinHostPort(k.Address, k.Port), "/pods", k.certificates)
	if err != nil {
		return status{}, err
	}
	return parsePods(answer.Body, w.Namespace, w.Pod, w.Container)
}

// parsePods finds the container in what the kubelet lists.
func parsePods(data []byte, namespace, name, container string) (status, error) {
	var list corev1.PodList
	if err := json.Unmarshal(data, &list); err != nil {
		return status{}, err
	}
	for _, p := range list.Items {
		if p.Namespace != namespace || !strings.HasPrefix(p.Name, name+"-") || p.Annotations[sourceAnnotation] != "file" {
			continue
		}
		s := status{hash: p.Annotations[hashAnnotation]}
		if p.Status.Phase == corev1.PodFailed {
			s.stuck = join(p.Status.Reason, p.Status.Message)
		}
		for _, c := range p.Status.ContainerStatuses {
			if c.Name == container {
				s.read(c)
			}
		}
		return s, nil
	}
	return status{}, nil
}

func (s *status) read(c corev1.ContainerStatus) {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ContainerCreating", "PodInitializing", "CrashLoopBackOff", "":
		default: // ErrImagePull, CreateContainerError and their like
			s.stuck = join(w.Reason, w.Message)
		}
	}
	for _, state := range []corev1.ContainerState{c.LastTerminationState, c.State} {
		if t := state.Terminated; t != nil {
			s.ended = fmt.Sprintf("exit code %d", t.ExitCode)
			if t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed" {
				s.ended += ", " + t.Reason
			}
		}
	}
}

func join(reason, message string) string {
	if message == "" {
		return podlog.Clean(reason)
	}
	return podlog.Clean(reason + ": " + message)
}

// Warm asks the kubelet once, while the API server can still tell it that we
// may. It says whether the kubelet tells.
func (w *Watch) Warm(ctx context.Context) bool {
	_, err := w.status(ctx)
	return err == nil
}
