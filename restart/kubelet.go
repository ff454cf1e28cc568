// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Kubelet is a running kubelet, as its own command line and configuration have
// it. Paths are as the kubelet sees them.
type Kubelet struct {
	PID int
	// Folder is that of the static pods; empty when it watches none.
	Folder string
	// Check is how often it lists that folder, beside being told of changes.
	Check time.Duration
	// PodLogs is where the containers' logs lie.
	PodLogs string
	// Address and Port are where it answers.
	Address, Port string

	// root and cwd lead to its files from outside.
	root, cwd string
	// certificates are files that its serving certificate may be in.
	certificates []string
}

// podLogs is where a kubelet has the logs of its pods unless it is told otherwise
// (k8s.io/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go).
const podLogs = "/var/log/pods"

// kubeletConfig is what matters of a KubeletConfiguration, with the defaults of
// k8s.io/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go.
type kubeletConfig struct {
	StaticPodPath      string `json:"staticPodPath"`
	FileCheckFrequency string `json:"fileCheckFrequency"`
	PodLogsDir         string `json:"podLogsDir"`
	Address            string `json:"address"`
	Port               int    `json:"port"`
	TLSCertFile        string `json:"tlsCertFile"`
}

// Kubelets are all kubelets of the machine; other clusters on it have theirs.
func (m Machine) Kubelets() []Kubelet {
	var all []Kubelet
	for _, p := range m.named("kubelet") {
		number := strconv.Itoa(p.PID)
		k := Kubelet{PID: p.PID, root: m.proc(number, "root"), cwd: m.proc(number, "cwd")}
		if info, err := os.Stat(k.root); err == nil && isRoot(info) {
			k.root = "/" // paths that people can read
		}
		k.configure(p.Args[1:])
		all = append(all, k)
	}
	return all
}

// isRoot says whether a folder is the root of this process.
func isRoot(info os.FileInfo) bool {
	own, err := os.Stat("/")
	return err == nil && os.SameFile(own, info)
}

// KubeletOf is the kubelet that watches a folder of this machine; false when
// none does.
func (m Machine) KubeletOf(folder string) (Kubelet, bool) {
	want, err := os.Stat(folder)
	if err != nil {
		return Kubelet{}, false
	}
	for _, k := range m.Kubelets() {
		if k.Folder == "" {
			continue
		}
		info, err := os.Stat(k.outside(k.Folder))
		if err == nil && os.SameFile(info, want) {
			return k, true
		}
	}
	return Kubelet{}, false
}

// outside is where this process finds a file of the kubelet.
func (k *Kubelet) outside(file string) string {
	if filepath.IsAbs(file) {
		return filepath.Join(k.root, file)
	}
	return filepath.Join(k.cwd, file)
}

// configure reads the configuration as the kubelet does: the file, the files of
// the folder beside it in order, and the flags over all of them
// (k8s.io/kubernetes cmd/kubelet/app/server.go).
func (k *Kubelet) configure(args []string) {
	flags := kubeletFlags(args)
	c := kubeletConfig{FileCheckFrequency: "20s", PodLogsDir: podLogs, Port: 10250}
	files := []string{}
	if file := flags["config"]; file != "" {
		files = append(files, k.outside(file))
	}
	if dir := flags["config-dir"]; dir != "" {
		drop, _ := filepath.Glob(filepath.Join(k.outside(dir), "*.conf"))
		slices.Sort(drop)
		files = append(files, drop...)
	}
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			_ = yaml.Unmarshal(data, &c) // what cannot be read, the kubelet has refused
		}
	}
	lay := func(flag string, to *string) {
		if value, ok := flags[flag]; ok {
			*to = value
		}
	}
	lay("pod-manifest-path", &c.StaticPodPath)
	lay("file-check-frequency", &c.FileCheckFrequency)
	lay("address", &c.Address)
	lay("tls-cert-file", &c.TLSCertFile)
	k.Folder, k.PodLogs, k.Address, k.Port = c.StaticPodPath, c.PodLogsDir, c.Address, strconv.Itoa(c.Port)
	lay("port", &k.Port)
	if k.Address == "" || k.Address == "0.0.0.0" || k.Address == "::" {
		k.Address = "127.0.0.1"
	}
	var err error
	if k.Check, err = time.ParseDuration(c.FileCheckFrequency); err != nil || k.Check <= 0 {
		k.Check = 20 * time.Second
	}
	k.certificates = k.servingFiles(flags, c.TLSCertFile)
}

// servingFiles are the files of certificates that a kubelet serves with: the one
// that it was given, or the two that it makes (pkg/kubelet/certificate).
func (k *Kubelet) servingFiles(flags map[string]string, given string) []string {
	if given != "" {
		return []string{k.outside(given)}
	}
	dir := "/var/lib/kubelet/pki"
	if root := flags["root-dir"]; root != "" {
		dir = filepath.Join(root, "pki")
	}
	if own := flags["cert-dir"]; own != "" {
		dir = own
	}
	return []string{k.outside(filepath.Join(dir, "kubelet.crt")), k.outside(filepath.Join(dir, "kubelet-server-current.pem"))}
}

// kubeletFlags reads a command line: --name=value, or --name value.
func kubeletFlags(args []string) map[string]string {
	flags := map[string]string{}
	for i, a := range args {
		name, ok := strings.CutPrefix(a, "--")
		if !ok {
			continue
		}
		name, value, inline := strings.Cut(name, "=")
		if !inline && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			value = args[i+1]
		}
		flags[strings.ReplaceAll(name, "_", "-")] = value
	}
	return flags
}
