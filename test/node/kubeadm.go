// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

// kubernetesDir is where kubeadm puts everything, and manifestsDir where the
// kubelet looks for static pods.
const (
	kubernetesDir = "/etc/kubernetes"
	manifestsDir  = kubernetesDir + "/manifests"
)

// clusterText is kubeadm's configuration. The API versions differ in the shape
// of extraArgs, as far as this goes.
const clusterText = `apiVersion: kubeadm.k8s.io/{{.API}}
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: {{.Address}}
nodeRegistration:
  name: {{.HostName}}
  criSocket: {{.Socket}}
---
apiVersion: kubeadm.k8s.io/{{.API}}
kind: ClusterConfiguration
kubernetesVersion: {{.Version}}
apiServer:
  certSANs: [127.0.0.1]
etcd:
  local:
    # nothing here outlives the run, and the disk is shared with others
    extraArgs:
{{- if eq .API "v1beta4"}}
    - name: unsafe-no-fsync
      value: "true"
{{- else}}
      unsafe-no-fsync: "true"
{{- end}}
`

// kubeadmFiles has the release's kubeadm write certificates, kubeconfigs and the
// manifests of etcd and kube-apiserver, all where kubeadm init puts them.
func (n *Node) kubeadmFiles(ctx context.Context) error {
	api := "v1beta4"
	if n.minor < 31 {
		api = "v1beta3"
	}
	var text bytes.Buffer
	err := template.Must(template.New("cluster").Parse(clusterText)).Execute(&text, map[string]string{
		"API": api, "Version": n.Version, "Address": Address, "HostName": HostName, "Socket": criSocket,
	})
	if err != nil {
		return err
	}
	file := filepath.Join(n.dir, "kubeadm.yaml")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return err
	}
	for _, phase := range []string{"certs all", "kubeconfig all", "etcd local", "control-plane apiserver"} {
		args := append([]string{"init", "phase"}, strings.Fields(phase)...)
		cmd := exec.CommandContext(ctx, n.programs.Kubeadm, append(args, "--config", file)...)
		// kubeadm copies proxy settings into the manifests that it writes.
		cmd.Env = []string{}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("kubeadm %s: %w\n%s", phase, err, out)
		}
	}
	return nil
}

// minorOf gives 37 for v1.37.1.
func minorOf(version string) (int, error) {
	parts := strings.Split(version, ".")
	if len(parts) != 3 || parts[0] != "v1" {
		return 0, fmt.Errorf("%q is not a release such as v1.37.1", version)
	}
	return strconv.Atoi(parts[1])
}
