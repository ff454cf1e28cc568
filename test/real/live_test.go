// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// machine is a control plane whose kube-apiserver is run by the stand-in for a
// kubelet.
type machine struct {
	*controlplane.ControlPlane
	server                              *controlplane.APIServer
	program                             string
	folder, manifest, policy, log, pods string
	before                              []byte
	kubelet                             *exec.Cmd
}

// newMachine has an API server ready.
func newMachine(t *testing.T, bins release.Binaries) *machine {
	t.Helper()
	m := &machine{ControlPlane: newControlPlane(t, bins), program: build(t)}
	m.server = m.Attach()
	dir := m.Dir
	m.folder, m.pods = filepath.Join(dir, "manifests"), filepath.Join(dir, "pods")
	m.manifest = filepath.Join(m.folder, "kube-apiserver.yaml")
	m.policy, m.log = filepath.Join(dir, "audit", "policy.yaml"), filepath.Join(dir, "log", "audit.log")
	m.before = m.Manifest
	write(t, m.manifest, m.before)
	config := filepath.Join(dir, "kubelet.yaml")
	write(t, config, fmt.Appendf(nil, "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: %s\npodLogsDir: %s\n", m.folder, m.pods))
	m.kubelet = exec.Command(standIn(t), "--config="+config)
	m.kubelet.Env = []string{"APISERVER=" + bins.APIServer}
	m.kubelet.Stderr = os.Stderr
	if err := m.kubelet.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = m.kubelet.Process.Signal(syscall.SIGTERM)
		_ = m.kubelet.Wait()
	})
	m.waitReady(t)
	return m
}

// standIn builds the stand-in, called kubelet.
func standIn(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kubelet")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./kubelet").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func (m *machine) waitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		status, _, err := m.server.Get(ctx, "/readyz", "")
		if err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not ready: %d, %v", status, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tool is a run of auditsetup.
func (m *machine) tool(t *testing.T, command string, more ...string) *exec.Cmd {
	t.Helper()
	args := []string{command, "--manifest=" + m.manifest, "--state-dir=" + filepath.Join(m.Dir, "state"), "--yes"}
	if command == "enable" {
		args = append(args, "--policy-path="+m.policy)
	}
	if command == "enable" && !slices.Contains(more, "--backend=webhook") {
		args = append(args, "--log-path="+m.log, "--disk-budget=1100Mi")
	}
	return exec.CommandContext(t.Context(), m.program, append(args, more...)...)
}

// runs wants an exit code, and gives what was printed.
func runs(t *testing.T, cmd *exec.Cmd, want int) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	_ = cmd.Run()
	t.Logf("$ auditsetup %s\n%s%s", strings.Join(cmd.Args[1:], " "), err.String(), out.String())
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("exit code %d, want %d", got, want)
	}
	return out.String(), err.String()
}

// starts is how many kube-apiservers were started so far.
func (m *machine) starts(t *testing.T) int {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(m.pods, "*", "kube-apiserver", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	return len(logs)
}

// asBefore wants the manifest as it was, byte for byte, nothing else in its
// folder, and an API server that runs it and is ready at this very moment.
func (m *machine) asBefore(t *testing.T, want []byte) {
	t.Helper()
	if got := readFile(t, m.manifest); !bytes.Equal(got, want) {
		t.Errorf("the manifest is not as before:\n%s", got)
	}
	if entries, err := os.ReadDir(m.folder); err != nil || len(entries) != 1 {
		t.Errorf("in the manifests folder: %v, %v", entries, err)
	}
	m.ready(t)
	command, err := controlplane.Command(want)
	if err != nil {
		t.Fatal(err)
	}
	if running := m.running(t); !slices.Equal(running, command) {
		t.Errorf("runs %q\nwant %q", running, command)
	}
}

func (m *machine) ready(t *testing.T) {
	t.Helper()
	if status, body, err := m.server.Get(t.Context(), "/readyz", ""); err != nil || status != http.StatusOK {
		t.Errorf("the API server is not ready: %d %s %v", status, body, err)
	}
}

// running is the command line of the stand-in's child.
func (m *machine) running(t *testing.T) []string {
	t.Helper()
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", m.kubelet.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range children {
		data, _ := os.ReadFile(file)
		for _, pid := range strings.Fields(string(data)) {
			line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
			if err == nil && len(line) > 0 {
				return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
			}
		}
	}
	return nil
}

func TestLiveEnable(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		m := newMachine(t, bins)
		out, _ := runs(t, m.tool(t, "enable"), 0)
		for _, part := range []string{"audit logging is set up", "was read back", "did not answer for"} {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in the output", part)
			}
		}
		m.ready(t)
		if n := m.starts(t); n != 2 {
			t.Errorf("%d starts, want 2", n)
		}
		runs(t, m.tool(t, "enable"), 0) // nothing to do
		if n := m.starts(t); n != 2 {
			t.Errorf("%d starts after a run with nothing to do, want 2", n)
		}
		out, _ = runs(t, m.tool(t, "enable", "--profile=metadata"), 0)
		if n := m.starts(t); n != 3 || !strings.Contains(out, "was read back") {
			t.Errorf("%d starts after another profile, want 3", n)
		}
		runs(t, m.tool(t, "disable"), 0)
		m.asBefore(t, m.before)
		runs(t, m.tool(t, "rollback"), 0)
		m.ready(t)
		runs(t, m.tool(t, "rollback"), 0)
		runs(t, m.tool(t, "rollback"), 0)
		m.asBefore(t, m.before)
	})
}

// TestLiveStale has the policy changed by hand and read by the API server: to put
// it right alone changes nothing of what is recorded, and nothing else is said.
func TestLiveStale(t *testing.T) {
	t.Parallel()
	bins, err := cache(t).Kubernetes(t.Context(), "v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, bins)
	runs(t, m.tool(t, "enable"), 0)
	byHand := append(readFile(t, m.policy), "# by hand\n"...)
	write(t, m.policy, byHand)
	out, text := runs(t, m.tool(t, "enable", "--take-over"), 0)
	if strings.Contains(text, "reads it again only when it starts") || !strings.Contains(out, " was read back") {
		t.Error("what was changed after the start has not been read")
	}
	write(t, m.policy, byHand)
	time.Sleep(2 * time.Second) // starts are known to a second
	now := readFile(t, m.manifest)
	write(t, m.manifest, bytes.Replace(now, []byte("    - kube-apiserver\n"), []byte("    - kube-apiserver\n    - --profiling=false\n"), 1))
	m.awaitStarts(t, 3)
	out, text = runs(t, m.tool(t, "enable", "--take-over"), 0)
	if !strings.Contains(text, "reads it again only when it starts") || strings.Contains(out, " was read back") {
		t.Error("no word on the start that is needed")
	}
}

// awaitStarts waits for a number of starts, and for the last to be ready.
func (m *machine) awaitStarts(t *testing.T, n int) {
	t.Helper()
	for m.starts(t) < n {
		time.Sleep(100 * time.Millisecond)
	}
	m.waitReady(t)
}
