// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/test/certificates"
	"github.com/auditsetup/auditsetup/webhook"
)

const (
	manifestPath = "/etc/kubernetes/manifests/kube-apiserver.yaml"
	policyPath   = "/etc/kubernetes/audit/policy.yaml"
	configPath   = "/etc/kubernetes/audit/webhook.yaml"
	logPath      = "/var/log/kubernetes/audit/audit.log"
)

// goodPolicy has nothing that a check finds.
const goodPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// volume is a hostPath and its mount.
type volume struct {
	host, at, kind string
	readOnly       bool
}

// pod is what a manifest is made of.
type pod struct {
	flags   []string
	volumes []volume
}

func goodPod() *pod {
	return &pod{
		flags: []string{"audit-policy-file=" + policyPath, "audit-log-path=" + logPath, "audit-log-maxage=30", "audit-log-maxbackup=10", "audit-log-maxsize=100"},
		volumes: []volume{
			{"/etc/kubernetes/audit", "/etc/kubernetes/audit", "Directory", true}, {"/var/log/kubernetes/audit", "/var/log/kubernetes/audit", "DirectoryOrCreate", false},
		},
	}
}

// set gives a flag another value, or takes it out with an empty one.
func (p *pod) set(name, value string) {
	p.flags = slices.DeleteFunc(p.flags, func(f string) bool { return strings.HasPrefix(f, name+"=") })
	if value != "" {
		p.flags = append(p.flags, name+"="+value)
	}
}

func (p *pod) text() string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec:\n  containers:\n  - name: kube-apiserver\n" +
		"    image: registry.k8s.io/kube-apiserver:v1.37.1\n    command:\n    - kube-apiserver\n    - --secure-port=6443\n")
	for _, f := range p.flags {
		fmt.Fprintf(&b, "    - --%s\n", f)
	}
	b.WriteString("    volumeMounts:\n    - {name: ca-certs, mountPath: /etc/ssl/certs}\n")
	for i, v := range p.volumes {
		fmt.Fprintf(&b, "    - {name: v%d, mountPath: %s, readOnly: %t}\n", i, v.at, v.readOnly)
	}
	b.WriteString("  volumes:\n  - name: ca-certs\n    hostPath: {path: /etc/ssl/certs}\n")
	for i, v := range p.volumes {
		fmt.Fprintf(&b, "  - name: v%d\n    hostPath: {path: %s, type: %q}\n", i, v.host, v.kind)
	}
	return b.String()
}

func file(path, content string, mode fs.FileMode) doctor.File {
	sum := sha256.Sum256([]byte(content))
	return doctor.File{Path: path, Kind: doctor.Regular, Mode: mode, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), ModTime: started.Add(-time.Hour)}
}

func folder(path string) doctor.File {
	return doctor.File{Path: path, Kind: doctor.Folder, Mode: 0o700}
}

var started = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// facts are those of a control plane with nothing wrong, but for what the pod
// says.
func facts(t *testing.T, p *pod) *doctor.Facts {
	t.Helper()
	f := &doctor.Facts{
		Now: started.Add(time.Hour), Live: true, Path: manifestPath, Version: apiserver.Version{Minor: 37, Patch: 1},
		File: file(manifestPath, "", 0o600), PolicyFile: file(policyPath, goodPolicy, 0o600),
		Log:     &doctor.Log{File: file(logPath, "", 0o600), Dir: folder("/var/log/kubernetes/audit"), Bytes: 5 << 20},
		Disk:    &doctor.Disk{Free: 50 << 30, Size: 100 << 30},
		Metrics: &doctor.Metrics{Requests: 1000, Events: 900, Lost: map[string]float64{"buffered": 0}},
		Sources: map[string]doctor.File{},
	}
	read(t, f, p)
	f.Process = &doctor.Process{PID: 42, Started: started, AsManifest: true, Args: f.Manifest.Command()}
	for _, m := range f.Mounts() {
		f.Sources[m.HostPath] = folder(m.HostPath)
	}
	setPolicy(t, f, goodPolicy)
	return f
}

func read(t *testing.T, f *doctor.Facts, p *pod) {
	t.Helper()
	var err error
	f.Text = []byte(p.text())
	if f.Manifest, err = manifest.Read(manifestPath, f.Text); err != nil {
		t.Fatal(err)
	}
}

func setPolicy(t *testing.T, f *doctor.Facts, text string) {
	t.Helper()
	f.PolicyFile.SHA256 = file("", text, 0).SHA256
	f.Policy, f.PolicyErr = policy.Read(policyPath, []byte(text), f.Version)
}

// setWebhook gives the pod the backend too.
func setWebhook(t *testing.T, f *doctor.Facts, p *pod, cluster string) {
	t.Helper()
	p.set("audit-webhook-config-file", configPath)
	read(t, f, p)
	f.Process.Args = f.Manifest.Command()
	text := "current-context: a\ncontexts:\n- {name: a, context: {cluster: b}}\nclusters:\n- name: b\n  cluster: {" + cluster + "}\n"
	f.Kubeconfig = file(configPath, text, 0o600)
	f.Webhook, f.WebhookErr = webhook.Read(configPath, []byte(text))
	f.Receiver = &doctor.Receiver{Origin: "https://h"}
}

// ours is a manifest that Apply wrote.
func ours(t *testing.T, f *doctor.Facts, hash string) {
	t.Helper()
	plain := goodPod()
	plain.flags, plain.volumes = nil, nil
	m, err := manifest.Read(manifestPath, []byte(plain.text()))
	if err != nil {
		t.Fatal(err)
	}
	want := manifest.Want{PolicyHash: hash}
	for _, text := range goodPod().flags {
		name, value, _ := strings.Cut(text, "=")
		want.Flags = append(want.Flags, manifest.Flag{Name: name, Value: value})
	}
	for i, v := range goodPod().volumes {
		want.Mounts = append(want.Mounts, manifest.Mount{Name: fmt.Sprintf("auditsetup-%d", i), HostPath: v.host, MountPath: v.at, Type: v.kind, ReadOnly: v.readOnly})
	}
	result, err := manifest.Apply(m, want)
	if err != nil {
		t.Fatal(err)
	}
	f.Text = result.After
	reread(t, f, "", "")
	f.Enabled = &doctor.Enabled{ID: "x", Time: started.Add(-time.Hour)}
}

// reread replaces a text in the manifest.
func reread(t *testing.T, f *doctor.Facts, old, with string) {
	t.Helper()
	text := string(f.Text)
	if old != "" && strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in\n%s", old, strings.Count(text, old), text)
	}
	if old != "" {
		text = strings.Replace(text, old, with, 1)
	}
	f.Text = []byte(text)
	var err error
	if f.Manifest, err = manifest.Read(manifestPath, f.Text); err != nil {
		t.Fatal(err)
	}
	f.Process.Args = f.Manifest.Command()
}

// lasting is a certificate for h.
func lasting(t *testing.T, d time.Duration) []*x509.Certificate {
	t.Helper()
	pair, err := certificates.Make(certificates.Wish{Name: "h", To: time.Now().Add(d)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{pair.Cert}
}

// kubeadm has all that the good pod has.
func kubeadm() *doctor.Kubeadm {
	k := &doctor.Kubeadm{Flags: map[string]string{}, Volumes: map[string]string{}}
	for _, f := range goodPod().flags {
		name, value, _ := strings.Cut(f, "=")
		k.Flags[name] = value
	}
	for _, v := range goodPod().volumes {
		k.Volumes[v.at] = v.host
	}
	return k
}
