// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/restart"
)

// TestRescueWaits puts the bytes back beside an API server that is down and a
// kubelet that does nothing until somebody restarts it: the step of waiting is
// told when the bytes are back, and the wait goes on and ends well.
func TestRescueWaits(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	put := func(file, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(dir, "pki/server.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	command := []string{"kube-apiserver", "--advertise-address=127.0.0.1", "--secure-port=" + port, "--tls-cert-file=/pki/server.crt"}
	good := strings.Replace(pod, "kube-apiserver, --secure-port=6443]", strings.Join(command, ", ")+"]\n    volumeMounts: [{name: pki, mountPath: /pki}]\n  volumes: [{name: pki, hostPath: {path: "+dir+"/pki}}]", 1)
	broken := strings.Replace(good, "--advertise", "--no-such-flag, --advertise", 1)
	const path = "/manifests/kube-apiserver.yaml"
	put(filepath.Join(dir, path), broken)
	proc := filepath.Join(dir, "proc")
	put(filepath.Join(proc, "uptime"), "")
	if err := os.MkdirAll(filepath.Join(proc, "self/ns"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("net:[1]", filepath.Join(proc, "self/ns/net")); err != nil {
		t.Fatal(err)
	}
	var steps []node.Step
	waits := 0
	result, err := Run(t.Context(), Plan{
		Host: &node.Host{Root: dir}, Manifest: path, Final: true, Machine: restart.Machine{Proc: proc},
		Change: node.Change{Command: "enable", Manifest: &node.FileChange{Path: path, Old: []byte(broken), New: []byte(good)}},
		Step: func(s node.Step) {
			steps = append(steps, s)
			if now, err := os.ReadFile(filepath.Join(dir, path)); s == StepWait && (err != nil || string(now) != good) {
				t.Errorf("the wait is told before the bytes are back: %s, %v", now, err)
			}
		},
		Doing: func(what string) {
			if waits++; what == "the kubelet to start the kube-apiserver" { // now somebody restarts it
				put(filepath.Join(proc, "7/cmdline"), strings.Join(command, "\x00")+"\x00")
				put(filepath.Join(proc, "7/stat"), "7 (x) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2")
				up.Store(true)
			}
		},
	})
	if err != nil || result.Outcome.Process.PID != 7 || waits == 0 {
		t.Errorf("%+v, %v, %d waits", result.Outcome, err, waits)
	}
	if len(steps) == 0 || steps[len(steps)-1] != StepWait {
		t.Errorf("steps %v", steps)
	}
}
