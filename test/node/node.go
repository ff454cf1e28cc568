// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimev1 "k8s.io/cri-api/pkg/apis/runtime/v1"
	"sigs.k8s.io/yaml"

	corev1 "k8s.io/api/core/v1"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
)

// startLimit bounds how long a node may take to be ready. Half a minute is
// usual; a machine busy with other things needs more.
const startLimit = 5 * time.Minute

// Manifest is where the API server's static pod manifest is, and APILog where
// auditsetup has it log by default.
const (
	Manifest = manifestsDir + "/kube-apiserver.yaml"
	APILog   = "/var/log/kubernetes/audit/audit.log"
)

// Options say what node to start. [Main] fills them in.
type Options struct {
	// Version is a release such as "v1.37.1".
	Version string
	// Dir is the run's folder, as the node sees it.
	Dir string
	// Programs are what the node runs.
	Programs Programs
	// Cgroup is the name of the cgroup that is to hold all others.
	Cgroup string
	// Started is when the run began.
	Started time.Time
	// Progress prints what is going on; its zero value prints nothing.
	Progress progress `json:"-"`
}

// Node is a control-plane node. Its methods are for one test at a time.
type Node struct {
	// Version is the release of kubelet, kube-apiserver and kubeadm.
	Version string
	// Original is the API server's manifest as kubeadm wrote it.
	Original []byte

	// originalUID is the UID that the kubelet gives the pod of Original.
	originalUID         string
	dir, cgroup         string
	minor               int
	programs            Programs
	progress            progress
	client              *http.Client
	runtime             runtimev1.RuntimeServiceClient
	containerd, kubelet *daemon
}

// Start makes a node and returns when its API server is ready and shows its own
// pod. It must run in the namespaces that [Main] makes. Without success nothing
// is left running.
func Start(ctx context.Context, o Options) (*Node, error) {
	minor, err := minorOf(o.Version)
	if err != nil {
		return nil, err
	}
	n := &Node{
		Version: o.Version, dir: o.Dir, cgroup: o.Cgroup, minor: minor,
		programs: o.Programs, progress: o.Progress,
	}
	connection, err := grpc.NewClient(criSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	n.runtime = runtimev1.NewRuntimeServiceClient(connection)
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(n.dir, "logs"), 0o755); err != nil {
		return err
	}
	if err := makeCgroups(n.cgroup); err != nil {
		return err
	}
	n.progress.say("kubeadm: certificates, kubeconfigs, manifests")
	if err := n.kubeadmFiles(ctx); err != nil {
		return err
	}
	var err error
	if n.Original, err = os.ReadFile(Manifest); err != nil {
		return err
	}
	if n.client, err = controlplane.ClientFor(n.Kubeconfig()); err != nil {
		return err
	}
	n.client.Timeout = time.Minute
	n.progress.say("containerd, and the images")
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	images, err := n.images()
	if err != nil {
		return err
	}
	if err := n.importImages(ctx, images); err != nil {
		return err
	}
	n.progress.say("kubelet")
	if err := n.StartKubelet(ctx); err != nil {
		return err
	}
	if err := n.awaitFirst(ctx); err != nil {
		return fmt.Errorf("%w\nthe API server's last lines:\n%s", err, n.Log(ctx, "kube-apiserver", 20))
	}
	return n.bindAdministrators(ctx)
}

// awaitFirst waits for all that a node has once it came up.
func (n *Node) awaitFirst(ctx context.Context) error {
	n.progress.say("waiting for the API server")
	if err := n.kubelet.until(ctx, n.Ready); err != nil {
		return err
	}
	n.progress.say("waiting for the mirror pod")
	if err := n.AwaitMirror(ctx); err != nil {
		return err
	}
	c, err := n.Running(ctx)
	n.originalUID = c.PodUID
	return err
}

// images are what the manifests ask for, and the sandbox.
func (n *Node) images() ([]image, error) {
	all := []image{{Name: pauseImage, Program: n.programs.Pause, Path: "pause", Entrypoint: []string{"/pause"}}}
	for name, program := range map[string]string{"etcd": n.programs.Etcd, "kube-apiserver": n.programs.APIServer} {
		file := filepath.Join(manifestsDir, name+".yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var pod corev1.Pod
		if err := yaml.Unmarshal(text, &pod); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(pod.Spec.Containers) != 1 {
			return nil, fmt.Errorf("%s: %d containers", file, len(pod.Spec.Containers))
		}
		all = append(all, image{
			Name: pod.Spec.Containers[0].Image, Program: program, Path: filepath.Join("usr", "local", "bin", name),
		})
	}
	return all, nil
}

// bindAdministrators gives admin.conf its rights, as kubeadm init would have:
// from 1.29 on its group is not system:masters.
func (n *Node) bindAdministrators(ctx context.Context) error {
	if n.minor < 29 {
		return nil
	}
	const path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
	body := `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"kubeadm:cluster-admins"},` +
		`"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},` +
		`"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"kubeadm:cluster-admins"}]}`
	status, answer, err := n.Do(ctx, http.MethodPost, path, "", []byte(body))
	if err == nil && status != http.StatusCreated && status != http.StatusConflict {
		err = fmt.Errorf("binding of kubeadm:cluster-admins: %d %s", status, answer)
	}
	return err
}

// Kubeconfig is the path of a kubeconfig of the group system:masters.
func (n *Node) Kubeconfig() string {
	if n.minor < 29 {
		return filepath.Join(kubernetesDir, "admin.conf")
	}
	return filepath.Join(kubernetesDir, "super-admin.conf")
}

// Reboot ends everything at once, as a power cut would, and starts containerd
// and the kubelet again on the same disk. It returns when the kubelet is
// healthy; the API server is yet to come. What was in memory only is gone: /run,
// cgroups.
func (n *Node) Reboot(ctx context.Context) error {
	if err := killOthers(ctx); err != nil {
		return err
	}
	if err := unmountBelow("/run/containerd", "/var/lib/kubelet", "/var/lib/containerd"); err != nil {
		return err
	}
	if err := os.RemoveAll("/run/containerd"); err != nil {
		return err
	}
	if err := errors.Join(removeCgroups(n.cgroup), makeCgroups(n.cgroup)); err != nil {
		return err
	}
	n.client.CloseIdleConnections()
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	return n.StartKubelet(ctx)
}

// Stop ends everything. The node cannot be used afterwards.
func (n *Node) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n.progress.say("going down")
	n.kubelet.stop()
	// Containers that are only killed leave their cgroups to be removed.
	return errors.Join(killOthers(ctx), unmountBelow("/run/containerd", "/var/lib/kubelet", "/var/lib/containerd"))
}

// unmountBelow unmounts what is mounted below folders, but not the folders.
func unmountBelow(folders ...string) error {
	mounts, err := mountPoints("self")
	if err != nil {
		return err
	}
	// What was mounted last lies on top.
	slices.Reverse(mounts)
	for _, point := range mounts {
		for _, folder := range folders {
			if point != folder && within(folder, point) {
				if err := syscall.Unmount(point, 0); err != nil {
					return &os.PathError{Op: "unmount", Path: point, Err: err}
				}
			}
		}
	}
	return nil
}
