// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	runtimev1 "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Container is a container as the runtime shows it, running or not.
type Container struct {
	ID string
	// PodUID is the UID that the kubelet gave the static pod: of another content
	// of the manifest, or another file name, another UID.
	PodUID string
	// Attempt counts the restarts in the same pod, from 0.
	Attempt uint32
	Running bool
	// Started and Finished are zero before their time.
	Started, Finished time.Time
	ExitCode          int32
	// LogFile is where its output is, in the runtime's format.
	LogFile string
}

// Containers returns all containers of that name, such as "kube-apiserver",
// the newest first. The kubelet removes old ones after a while.
func (n *Node) Containers(ctx context.Context, name string) ([]Container, error) {
	list, err := n.runtime.ListContainers(ctx, &runtimev1.ListContainersRequest{Filter: &runtimev1.ContainerFilter{
		LabelSelector: map[string]string{"io.kubernetes.container.name": name},
	}})
	if err != nil {
		return nil, err
	}
	var found []Container
	for _, c := range list.Containers {
		got, err := n.runtime.ContainerStatus(ctx, &runtimev1.ContainerStatusRequest{ContainerId: c.Id})
		if err != nil {
			// Removed meanwhile.
			continue
		}
		s := got.Status
		found = append(found, Container{
			ID: s.Id, PodUID: s.Labels["io.kubernetes.pod.uid"], Attempt: s.Metadata.Attempt,
			Running: s.State == runtimev1.ContainerState_CONTAINER_RUNNING,
			Started: moment(s.StartedAt), Finished: moment(s.FinishedAt), ExitCode: s.ExitCode, LogFile: s.LogPath,
		})
	}
	slices.SortFunc(found, func(a, b Container) int { return b.Started.Compare(a.Started) })
	return found, nil
}

// moment is the time of a count of nanoseconds, of which 0 is none.
func moment(nanoseconds int64) time.Time {
	if nanoseconds <= 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

// Running returns the only running API server's container. With none, or two,
// it fails.
func (n *Node) Running(ctx context.Context) (Container, error) {
	all, err := n.Containers(ctx, "kube-apiserver")
	if err != nil {
		return Container{}, err
	}
	all = slices.DeleteFunc(all, func(c Container) bool { return !c.Running })
	if len(all) != 1 {
		return Container{}, fmt.Errorf("%d running containers kube-apiserver", len(all))
	}
	return all[0], nil
}

// Log returns the last lines of the newest container of that name, or why there
// are none.
func (n *Node) Log(ctx context.Context, name string, lines int) string {
	all, err := n.Containers(ctx, name)
	if err == nil && len(all) == 0 {
		err = errors.New("no container " + name)
	}
	if err != nil {
		return err.Error()
	}
	return tail(all[0].LogFile, lines)
}
