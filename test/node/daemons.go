// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	runtimev1 "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	containerdSocket = "/run/containerd/containerd.sock"
	criSocket        = "unix://" + containerdSocket
)

// containerdText is containerd's configuration. The folders are the defaults,
// private to the node. Without restrict_oom_score_adj every sandbox fails where
// CAP_SYS_RESOURCE is missing; with AppArmor left on, containerd would load a
// profile into the kernel, which is the whole machine's.
const containerdText = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{{.Socket}}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{{.Pause}}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`

// startContainerd returns when containerd answers the kubelet's questions.
func (n *Node) startContainerd(ctx context.Context) error {
	config := filepath.Join(n.dir, "containerd.toml")
	err := render(config, containerdText, map[string]any{"Socket": containerdSocket, "Pause": pauseImage})
	if err != nil {
		return err
	}
	bin := filepath.Join(n.programs.Debian, "usr", "bin")
	env := []string{"PATH=" + bin + ":" + filepath.Join(n.programs.Debian, "usr", "sbin") + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	n.containerd, err = startDaemon("containerd", n.logFile("containerd"), env, filepath.Join(bin, "containerd"), "--config", config)
	if err != nil {
		return err
	}
	return n.containerd.until(ctx, func(ctx context.Context) error {
		_, err := n.runtime.Version(ctx, &runtimev1.VersionRequest{})
		return err
	})
}

// kubeletText is the kubelet's configuration: what kubeadm init writes, and then
// what lets it run on a machine that is not its own. All cgroups are below one
// of this run.
const kubeletText = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: {{.Manifests}}
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: {{.CA}}
authorization:
  mode: Webhook
rotateCertificates: false
cgroupDriver: cgroupfs
cgroupRoot: /{{.Cgroup}}
enforceNodeAllocatable: []
oomScoreAdj: 0
failSwapOn: false
{{- if ge .Minor 31}}
failCgroupV1: false
{{- end}}
{{- if ge .Minor 27}}
containerRuntimeEndpoint: {{.Socket}}
{{- end}}
resolvConf: ""
volumePluginDir: /var/lib/kubelet/volumeplugins
evictionHard: {}
imageGCHighThresholdPercent: 100
`

// StartKubelet starts the kubelet and returns when it calls itself healthy. It
// is for a kubelet that was stopped before.
func (n *Node) StartKubelet(ctx context.Context) error {
	config := filepath.Join(n.dir, "kubelet.yaml")
	err := render(config, kubeletText, map[string]any{
		"Manifests": manifestsDir, "CA": kubernetesDir + "/pki/ca.crt", "Cgroup": n.cgroup,
		"Minor": n.minor, "Socket": criSocket,
	})
	if err != nil {
		return err
	}
	argv := []string{
		n.programs.Kubelet, "--config=" + config, "--kubeconfig=" + kubernetesDir + "/kubelet.conf",
		"--node-ip=" + Address, "--hostname-override=" + HostName,
	}
	if n.minor < 27 {
		argv = append(argv, "--container-runtime-endpoint="+criSocket)
	}
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if n.kubelet, err = startDaemon("kubelet", n.logFile("kubelet"), env, argv...); err != nil {
		return err
	}
	return n.kubelet.until(ctx, func(ctx context.Context) error {
		return answersOK(ctx, http.DefaultClient, "http://127.0.0.1:10248/healthz")
	})
}

// StopKubelet stops the kubelet; containers go on running.
func (n *Node) StopKubelet() { n.kubelet.stop() }

// RestartKubelet stops the kubelet and starts it again.
func (n *Node) RestartKubelet(ctx context.Context) error {
	n.StopKubelet()
	return n.StartKubelet(ctx)
}

// KubeletLog returns the last lines that the kubelet wrote.
func (n *Node) KubeletLog(lines int) string { return tail(n.logFile("kubelet"), lines) }

func (n *Node) logFile(name string) string { return filepath.Join(n.dir, "logs", name+".log") }

// makeCgroups makes the cgroup that the kubelet puts everything below, in each
// hierarchy that it uses.
func makeCgroups(name string) error {
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return makeUnifiedCgroup(root, name)
	}
	hierarchies, err := filepath.Glob(filepath.Join(root, "*", "cgroup.procs"))
	if err != nil {
		return err
	}
	if len(hierarchies) == 0 {
		return fmt.Errorf("no cgroups below %s", root)
	}
	for _, file := range hierarchies {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(file), name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// makeUnifiedCgroup is makeCgroups for version 2, where a child has the
// controllers that its parent lists.
func makeUnifiedCgroup(root, name string) error {
	text, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range strings.Fields(string(text)) {
		// One that cannot be handed on, such as with processes of its own in
		// the way, is missed by the kubelet if it is needed.
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
	return os.MkdirAll(filepath.Join(root, name), 0o755)
}

// render writes a template to a file.
func render(file, text string, data map[string]any) error {
	var out bytes.Buffer
	if err := template.Must(template.New(filepath.Base(file)).Parse(text)).Execute(&out, data); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o600)
}
