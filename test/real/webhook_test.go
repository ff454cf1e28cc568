// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/receiver"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// TestWebhook sends the events of a real kube-apiserver to a receiver that wants
// a client certificate and is the only backend, and with the receiver down at
// first.
func TestWebhook(t *testing.T) {
	t.Parallel()
	program := build(t)
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		plane := newControlPlane(t, bins)
		to := receiver.Start(t, filepath.Join(plane.Dir, "receiver"), plane.Address())
		throughWebhook(t, program, plane, to, "blocking-strict")
		receiverDown(t, program, plane, to)
		if err := to.Err(); err != nil {
			t.Error(err)
		}
	})
}

// throughWebhook wants a marked event at the receiver, which is the only backend.
func throughWebhook(t *testing.T, program string, plane *controlplane.ControlPlane, to *receiver.Receiver, mode string) {
	t.Helper()
	e := newEnabled(t, program, plane, slices.Concat(webhookFlags(to), []string{"--profile=recommended", "--backend=webhook", "--webhook-mode=" + mode})...)
	server := plane.StartAPIServer(t, e.command)
	received(t, server, to, "auditsetup-"+mode)
	server.Stop()
	e.disable(t)
}

// receiverDown wants an API server that starts and serves without its receiver,
// and sends what happened meanwhile when that is there.
func receiverDown(t *testing.T, program string, plane *controlplane.ControlPlane, to *receiver.Receiver) {
	t.Helper()
	e := newEnabled(t, program, plane, slices.Concat(webhookFlags(to), []string{"--profile=recommended", "--backend=log,webhook", "--webhook-initial-backoff=1s"})...)
	to.Down()
	server := plane.StartAPIServer(t, e.command)
	marked(t, server, e.log, http.MethodGet, secrets+"?limit=1", "", http.StatusOK)
	to.Up(t)
	received(t, server, to, "auditsetup-down")
	server.Stop()
	e.disable(t)
}

// received makes a request of that ID and wants its event at the receiver.
func received(t *testing.T, server *controlplane.APIServer, to *receiver.Receiver, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if status, body, err := server.Get(ctx, secrets, id); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, error %v\n%s", status, err, body)
	}
	event, err := to.WaitForEvent(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if event.RequestURI != secrets || event.ResponseObject != nil {
		t.Errorf("URI %s, with a body: %t", event.RequestURI, event.ResponseObject != nil)
	}
}

func webhookFlags(to *receiver.Receiver) []string {
	return []string{"--webhook-url=" + to.URL, "--webhook-ca=" + to.CA, "--webhook-client-certificate=" + to.ClientCertificate, "--webhook-client-key=" + to.ClientKey}
}

// enabled is a manifest of kubeadm's on which auditsetup enable was run.
type enabled struct {
	program             string
	plane               *controlplane.ControlPlane
	host                []string
	manifest            string
	policy, log, config string
	command             []string
}

// newEnabled runs enable on a copy of the control plane's manifest, in a folder
// of its own.
func newEnabled(t *testing.T, program string, plane *controlplane.ControlPlane, args ...string) *enabled {
	t.Helper()
	dir := filepath.Join(plane.Dir, "enabled", time.Now().Format("150405.000000000"))
	e := &enabled{program: program, plane: plane, manifest: filepath.Join(dir, "manifests", "kube-apiserver.yaml"),
		policy: filepath.Join(dir, "audit", "policy.yaml"), log: filepath.Join(dir, "log", "audit.log"), config: filepath.Join(dir, "audit", "webhook.yaml")}
	write(t, e.manifest, plane.Manifest)
	e.host = []string{"--manifest=" + e.manifest, "--state-dir=" + filepath.Join(dir, "state"), "--yes", "--no-wait"}
	args = append(args, "--policy-path="+e.policy)
	alone := slices.Contains(args, "--backend=webhook")
	if !alone {
		args = append(args, "--log-path="+e.log)
	}
	if alone || slices.Contains(args, "--backend=log,webhook") {
		args = append(args, "--webhook-path="+e.config)
	}
	runTool(t, program, slices.Concat([]string{"enable"}, e.host, args)...)
	command, err := controlplane.Command(readFile(t, e.manifest))
	if err != nil {
		t.Fatal(err)
	}
	e.command = command
	return e
}

// disable wants kubeadm's bytes back.
func (e *enabled) disable(t *testing.T) {
	t.Helper()
	runTool(t, e.program, append([]string{"disable"}, e.host...)...)
	if !bytes.Equal(readFile(t, e.manifest), e.plane.Manifest) {
		t.Errorf("%s: disable does not give back what kubeadm wrote", e.manifest)
	}
}
