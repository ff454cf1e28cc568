// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs the API server of a kubeadm control plane as plain
// processes, without root and without touching /etc/kubernetes: certificates,
// credentials and static pod manifest are written by the release's own kubeadm,
// etcd and kube-apiserver run beside the test on a loopback address of their
// own. The command line is the manifest's as it stands; only the program is
// looked up in the cache instead of in an image.
//
// No container means that the file system is the host's: a process sees files
// that no volume would have brought into the pod. [HostPath] says what the pod
// would see.
package controlplane

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

	"github.com/auditsetup/auditsetup/test/real/release"
)

// AdvertiseAddress is the address that every manifest advertises. It is set
// aside for documentation (RFC 5737), so no machine has it; kubeadm refuses a
// loopback address here, and the API server only passes it on.
const AdvertiseAddress = "192.0.2.10"

// config is what goes into kubeadm's configuration. The zero value of an
// optional field leaves the setting to kubeadm.
type config struct {
	Version string
	// CertificatesDir, optional, is where the manifest expects certificates.
	CertificatesDir string
	// Address and Port, optional, are where the API server is to listen.
	Address string
	Port    int
	// EtcdPort, optional, is where an etcd that is not kubeadm's own listens,
	// at the same address.
	EtcdPort int
}

// configText is the configuration in whichever API version .API names. They
// differ only in the shape of extraArgs, as far as this goes.
const configText = `apiVersion: kubeadm.k8s.io/{{.API}}
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: {{.Advertise}}
{{- with .Port}}
  bindPort: {{.}}
{{- end}}
nodeRegistration:
  name: control-plane
  criSocket: unix:///run/containerd/containerd.sock
---
apiVersion: kubeadm.k8s.io/{{.API}}
kind: ClusterConfiguration
kubernetesVersion: {{.Version}}
{{- with .CertificatesDir}}
certificatesDir: {{.}}
{{- end}}
{{- if .Address}}
controlPlaneEndpoint: {{.Address}}:{{.Port}}
apiServer:
  certSANs: [{{.Address}}]
  extraArgs:
{{- if .ArgsAreList}}
  - name: bind-address
    value: {{.Address}}
{{- else}}
    bind-address: {{.Address}}
{{- end}}
etcd:
{{- if .EtcdPort}}
  external:
    endpoints: ["https://{{.Address}}:{{.EtcdPort}}"]
    caFile: {{.CertificatesDir}}/etcd/ca.crt
    certFile: {{.CertificatesDir}}/apiserver-etcd-client.crt
    keyFile: {{.CertificatesDir}}/apiserver-etcd-client.key
{{- else}}
  local:
    serverCertSANs: [{{.Address}}]
{{- end}}
{{- end}}
`

// render gives the configuration for the kubeadm of c.Version. Source of the
// API versions: k8s.io/kubernetes cmd/kubeadm/app/apis/kubeadm/scheme/scheme.go
// (v1beta4 is written from 1.31 on, and the only one read from 1.37 on).
func (c config) render() ([]byte, error) {
	minor, err := minorOf(c.Version)
	if err != nil {
		return nil, err
	}
	data := struct {
		config
		API         string
		Advertise   string
		ArgsAreList bool
	}{c, "v1beta3", AdvertiseAddress, false}
	if minor >= 31 {
		data.API, data.ArgsAreList = "v1beta4", true
	}
	var out bytes.Buffer
	err = template.Must(template.New("config").Parse(configText)).Execute(&out, data)
	return out.Bytes(), err
}

// minorOf gives 37 for v1.37.1.
func minorOf(version string) (int, error) {
	parts := strings.Split(version, ".")
	if len(parts) != 3 {
		return 0, fmt.Errorf("%q is not a release such as v1.37.1", version)
	}
	return strconv.Atoi(parts[1])
}

// Manifest returns the kube-apiserver.yaml that this kubeadm writes on a node
// with the usual paths, port 6443 and [AdvertiseAddress]. It is kubeadm's own
// file, byte for byte, from `kubeadm init phase control-plane apiserver
// --dry-run`; dir is a scratch folder. Which folders with CA certificates it
// mounts depends on which of them this machine has; nothing else in it does.
func Manifest(ctx context.Context, bins release.Binaries, dir string) ([]byte, error) {
	return manifest(ctx, bins, config{Version: bins.Version}, dir)
}

// manifest asks kubeadm for the manifest of a configuration. A dry run writes
// it below $KUBEADM_INIT_DRYRUN_DIR, straight into it from 1.34 on and into
// tmp/kubeadm-init-dryrunNNN before. Source: k8s.io/kubernetes v1.37.1 and
// v1.24.17, cmd/kubeadm/app/cmd/init.go and constants/constants.go.
func manifest(ctx context.Context, bins release.Binaries, c config, dir string) ([]byte, error) {
	out, err := os.MkdirTemp(dir, "dry-run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	env := []string{"KUBEADM_INIT_DRYRUN_DIR=" + out}
	if err := kubeadm(ctx, bins, c, dir, env, "init", "phase", "control-plane", "apiserver", "--dry-run"); err != nil {
		return nil, err
	}
	for _, pattern := range []string{"kube-apiserver.yaml", "tmp/kubeadm-init-dryrun*/kube-apiserver.yaml"} {
		found, err := filepath.Glob(filepath.Join(out, pattern))
		if err != nil {
			return nil, err
		}
		if len(found) == 1 {
			return os.ReadFile(found[0])
		}
	}
	return nil, fmt.Errorf("kubeadm %s wrote no kube-apiserver.yaml below %s", bins.Version, out)
}

// kubeadm runs kubeadm with the configuration c. The environment is no more
// than env, since kubeadm copies proxy settings into the manifests that it
// writes.
func kubeadm(ctx context.Context, bins release.Binaries, c config, dir string, env []string, args ...string) error {
	text, err := c.render()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "kubeadm.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, bins.Kubeadm, append(args, "--config", file)...)
	cmd.Env = env
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubeadm %s %s: %w\n%s", bins.Version, strings.Join(args, " "), err, output)
	}
	return nil
}
