// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// policy records two requests in different ways, and nothing else.
const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  resources:
  - resources: [configmaps]
- level: Metadata
  nonResourceURLs: [/version]
- level: None
`

// TestMarkedRequest is the harness's own proof: what a real API server logs of
// a request is read back by the ID that the request was given, and a second API
// server starts where the first one ran.
func TestMarkedRequest(t *testing.T) {
	t.Parallel()
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		plane := newControlPlane(t, bins)
		command, err := controlplane.Command(plane.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		policyFile, logFile := filepath.Join(plane.Dir, "policy.yaml"), filepath.Join(plane.Dir, "log", "audit.log")
		if err := os.WriteFile(policyFile, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		command = append(command, "--audit-policy-file="+policyFile, "--audit-log-path="+logFile)

		server := plane.StartAPIServer(t, command)
		event := marked(t, server, logFile, http.MethodGet, "/version", "", http.StatusOK)
		if event.Level != auditv1.LevelMetadata || event.RequestURI != "/version" || event.ResponseObject != nil {
			t.Errorf("level %s, URI %s, with a body: %t", event.Level, event.RequestURI, event.ResponseObject != nil)
		}
		server.Stop()

		server = plane.StartAPIServer(t, command)
		event = marked(t, server, logFile, http.MethodPost, "/api/v1/namespaces/default/configmaps",
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"marked"}}`, http.StatusCreated)
		if event.Level != auditv1.LevelRequestResponse || event.ResponseObject == nil {
			t.Errorf("level %s, with a body: %t", event.Level, event.ResponseObject != nil)
		}
	})
}

// TestRefusedCommandLine wants the reason of an API server that does not start,
// at once and not when time is up.
func TestRefusedCommandLine(t *testing.T) {
	t.Parallel()
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		plane := newControlPlane(t, bins)
		command, err := controlplane.Command(plane.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		_, err = plane.TryAPIServer(t, append(command, "--audit-log-path=/dev/null/audit.log", "--audit-log-mode=sometimes"))
		for _, part := range []string{"kube-apiserver ended: exit status 1\n", "invalid audit log mode sometimes"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("error %v, want one with %q", err, part)
			}
		}
	})
}

// marked sends a request under an ID of its own, wants the status, and returns
// the event of its last stage.
func marked(t *testing.T, server *controlplane.APIServer, logFile, method, path, body string, status int) auditv1.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	id := "auditsetup-" + method + strings.ReplaceAll(path, "/", "-")
	var payload []byte
	if body != "" {
		payload = []byte(body)
	}
	got, answer, err := server.Do(ctx, method, path, id, payload)
	if err != nil || got != status {
		t.Fatalf("%s %s: status %d, error %v, want %d\n%s", method, path, got, err, status, answer)
	}
	event, err := controlplane.WaitForEvent(ctx, logFile, id)
	if err != nil {
		t.Fatal(err)
	}
	return event
}
