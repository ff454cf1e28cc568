// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/receiver"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// secrets is a request that every profile logs, and none with a body.
const secrets = "/api/v1/namespaces/default/secrets"

// TestEnableEveryProfile is the promise in full, but for the kubelet: enable
// changes the manifest that a real kubeadm wrote, a real kube-apiserver starts
// with the resulting command line as it stands, a marked request is read back
// from the log and from a receiver, and disable gives back kubeadm's bytes. The
// webhook's modes take turns.
func TestEnableEveryProfile(t *testing.T) {
	t.Parallel()
	program := build(t)
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		plane := newControlPlane(t, bins)
		to := receiver.Start(t, filepath.Join(plane.Dir, "receiver"), plane.Address())
		modes := setup.Modes()
		for i, name := range profiles.Names() {
			enableAndProve(t, program, plane, to, "--profile="+name, "--webhook-mode="+modes[i%len(modes)])
		}
		enableAndProve(t, program, plane, nil, "--profile=recommended", "--log-mode=batch", "--batch-size=50", "--rate=800", "--compress")
		if err := to.Err(); err != nil {
			t.Error(err)
		}
	})
}

// enableAndProve does it with the log alone, and with the webhook beside it when
// there is a receiver.
func enableAndProve(t *testing.T, program string, plane *controlplane.ControlPlane, to *receiver.Receiver, args ...string) {
	t.Helper()
	if to != nil {
		args = append(args, append(webhookFlags(to), "--backend=log,webhook")...)
	}
	e := newEnabled(t, program, plane, args...)
	changed := readFile(t, e.manifest)
	seen(t, changed, e.policy, false)
	seen(t, changed, e.log, true)
	if to != nil {
		for _, file := range []string{e.config, to.CA, to.ClientCertificate, to.ClientKey} {
			seen(t, changed, file, false)
		}
	}
	server := plane.StartAPIServer(t, e.command)
	event := marked(t, server, e.log, http.MethodGet, secrets, "", http.StatusOK)
	if event.Level != auditv1.LevelMetadata || event.RequestURI != secrets || event.ResponseObject != nil {
		t.Errorf("%v: level %s, URI %s, with a body: %t", args, event.Level, event.RequestURI, event.ResponseObject != nil)
	}
	if event.Stage != auditv1.StageResponseComplete {
		t.Errorf("%v: stage %s", args, event.Stage)
	}
	if to != nil {
		received(t, server, to, "auditsetup-"+filepath.Base(filepath.Dir(e.log)))
	}
	server.Stop()
	e.disable(t)
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
