// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

var update = flag.Bool("update", false, "write the manifests below testdata/kubeadm anew")

// TestManifestsAreKubeadms holds the manifests in testdata to the real kubeadm,
// byte for byte. Only one thing in them is the machine's: kubeadm mounts those
// folders with CA certificates that it finds. On a machine with other folders
// than the one where testdata was written the pods are compared without them.
func TestManifestsAreKubeadms(t *testing.T) {
	t.Parallel()
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		got, err := controlplane.Manifest(t.Context(), bins, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "..", "testdata", "kubeadm", bins.Version, "kube-apiserver.yaml")
		if *update {
			write(t, file, got)
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(got, want) {
			return
		}
		gotPod, gotCAs := withoutCAs(t, got)
		wantPod, wantCAs := withoutCAs(t, want)
		if slices.Equal(gotCAs, wantCAs) {
			t.Fatalf("%s is not what kubeadm writes, which is:\n%s", file, got)
		}
		t.Logf("this machine has the CA folders %v, testdata %v", gotCAs, wantCAs)
		if !reflect.DeepEqual(gotPod, wantPod) {
			t.Errorf("%s differs in more than CA folders from what kubeadm writes, which is:\n%s", file, got)
		}
	})
}

// withoutCAs decodes a manifest and takes out the volumes and mounts that
// kubeadm adds for what it finds on the machine, whose folders it returns.
// Source: k8s.io/kubernetes cmd/kubeadm/app/phases/controlplane/volumes.go,
// caCertsExtraVolumePaths, v1.24.17 to v1.37.1.
func withoutCAs(t *testing.T, manifest []byte) (corev1.Pod, []string) {
	t.Helper()
	found := []string{"/etc/pki", "/etc/pki/ca-trust", "/etc/pki/tls/certs",
		"/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(manifest, &pod); err != nil {
		t.Fatal(err)
	}
	var folders []string
	pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		extra := v.HostPath != nil && slices.Contains(found, v.HostPath.Path)
		if extra {
			folders = append(folders, v.HostPath.Path)
		}
		return extra
	})
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			return slices.Contains(found, m.MountPath)
		})
	}
	return pod, folders
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
