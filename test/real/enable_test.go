// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// secrets is a request that every profile logs, and none with a body.
const secrets = "/api/v1/namespaces/default/secrets"

// TestEnableEveryProfile is the promise in full, but for the kubelet: enable
// changes the manifest that a real kubeadm wrote, a real kube-apiserver starts
// with the resulting command line as it stands, a marked request is read back
// from the log, and disable gives back kubeadm's bytes.
func TestEnableEveryProfile(t *testing.T) {
	t.Parallel()
	program := build(t)
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		plane := newControlPlane(t, bins)
		for _, name := range profiles.Names() {
			enableAndProve(t, program, plane, name)
		}
		enableAndProve(t, program, plane, "recommended", "--log-mode=batch", "--batch-size=50", "--rate=800", "--compress")
	})
}

func enableAndProve(t *testing.T, program string, plane *controlplane.ControlPlane, profile string, more ...string) {
	t.Helper()
	dir, err := os.MkdirTemp(plane.Dir, profile+"-")
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, "manifests", "kube-apiserver.yaml")
	write(t, manifest, plane.Manifest)
	policyFile, logFile := filepath.Join(dir, "audit", "policy.yaml"), filepath.Join(dir, "log", "audit.log")
	host := []string{"--manifest=" + manifest, "--state-dir=" + filepath.Join(dir, "state"), "--yes", "--no-wait"}
	runTool(t, program, append(slices.Concat([]string{"enable", "--profile=" + profile, "--policy-path=" + policyFile, "--log-path=" + logFile}, host), more...)...)

	changed := readFile(t, manifest)
	seen(t, changed, policyFile, false)
	seen(t, changed, logFile, true)
	command, err := controlplane.Command(changed)
	if err != nil {
		t.Fatal(err)
	}
	server := plane.StartAPIServer(t, command)
	event := marked(t, server, logFile, http.MethodGet, secrets, "", http.StatusOK)
	if event.Level != auditv1.LevelMetadata || event.RequestURI != secrets || event.ResponseObject != nil {
		t.Errorf("%s: level %s, URI %s, with a body: %t", profile, event.Level, event.RequestURI, event.ResponseObject != nil)
	}
	if event.Stage != auditv1.StageResponseComplete {
		t.Errorf("%s: stage %s", profile, event.Stage)
	}
	server.Stop()

	runTool(t, program, append([]string{"disable"}, host...)...)
	if !bytes.Equal(readFile(t, manifest), plane.Manifest) {
		t.Errorf("%s: disable does not give back what kubeadm wrote", profile)
	}
}

// seen wants the container to see a file of the host where its command line
// names it.
func seen(t *testing.T, manifest []byte, file string, write bool) {
	t.Helper()
	host, writable, err := controlplane.HostPath(manifest, file)
	if err != nil || host != file || writable != write {
		t.Errorf("the container sees %s as %q, writable: %t, error %v", file, host, writable, err)
	}
}

// build makes the program from the tree that this module stands in, as make
// build does.
func build(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "auditsetup")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/auditsetup")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func runTool(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("auditsetup %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
