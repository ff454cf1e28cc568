// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/restart"
	"github.com/auditsetup/auditsetup/rollout"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// TestLiveSabotage makes changes that auditsetup's own checks would not let
// through, so that the kube-apiserver does not come back, each in its own way.
// Each has to be put back, with the server's own words for the reason.
func TestLiveSabotage(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		m := newMachine(t, bins)
		for _, test := range []struct {
			name, policy, flag, want string
			timeout, within          time.Duration
		}{
			{"unknown flag", policy, "--audit-no-such-flag=1", "unknown flag: --audit-no-such-flag", time.Minute, 20 * time.Second},
			{"policy refused", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n", "--audit-log-path=" + m.log, "0 rules", time.Minute, 20 * time.Second},
			{"ends after a while", policy, "--etcd-servers=https://" + unreachable, "", 2 * time.Minute, 80 * time.Second},
			{"never ready", policy, neverReady(bins.Version), "is not ready after", 15 * time.Second, 30 * time.Second},
		} {
			t.Run(test.name, func(t *testing.T) {
				m.sabotage(t, test.policy, test.flag, test.want, test.timeout, test.within)
			})
		}
	})
}

// unreachable is where nobody answers, at once.
const unreachable = "127.0.0.1:1"

// neverReady is a flag with which a kube-apiserver serves and never calls itself
// ready. The first came with 1.26 (k8s.io/apiserver pkg/server/options/etcd.go).
func neverReady(version string) string {
	if strings.HasPrefix(version, "v1.24.") {
		return "--etcd-healthcheck-timeout=1ns"
	}
	return "--etcd-readycheck-timeout=1ns"
}

func (m *machine) sabotage(t *testing.T, policy, flag, want string, timeout, within time.Duration) {
	t.Helper()
	kubelet, ok := restart.Machine{}.KubeletOf(m.folder)
	if !ok {
		t.Fatal("no kubelet is found")
	}
	changed := bytes.Replace(m.before, []byte("    - kube-apiserver\n"), []byte("    - kube-apiserver\n    - --audit-policy-file="+m.policy+"\n"), 1)
	name, _, _ := strings.Cut(flag, "=")
	line := regexp.MustCompile(`(?m)^    - ` + name + `=.*\n`) // a second --etcd-servers would add to the first
	changed = line.ReplaceAll(changed, nil)
	changed = bytes.Replace(changed, []byte("    image: "), []byte("    args: ["+flag+"]\n    image: "), 1)
	host := &node.Host{StateDir: filepath.Join(m.Dir, "state")}
	var steps []string
	begun := time.Now()
	_, err := rollout.Run(t.Context(), rollout.Plan{
		Host: host, Manifest: m.manifest, Kubelet: kubelet, Timeout: timeout, Prove: true,
		Change: node.Change{Command: "enable", Manifest: &node.FileChange{Path: m.manifest, Old: m.before, New: changed},
			Files: []node.FileChange{{Path: m.policy, New: []byte(policy)}}},
		Step:  func(s node.Step) { steps = append(steps, string(s)) },
		Doing: func(what string) { steps = append(steps, "  "+what) },
		Again: func() (context.Context, context.CancelFunc) {
			if took := time.Since(begun); took > within {
				t.Errorf("gave up after %s, want at most %s", took, within)
			}
			return context.WithTimeout(t.Context(), 2*time.Minute)
		},
	})
	t.Logf("%v\n%s", err, strings.Join(steps, "\n"))
	var undone *node.UndoneError
	if !errors.As(err, &undone) || undone.After != nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "everything was put back") {
		t.Fatalf("error %v", err)
	}
	var failure *restart.Failure
	if !errors.As(err, &failure) || len(failure.Lines) == 0 {
		t.Error("no lines of the server's log")
	}
	m.asBefore(t, m.before)
	if _, err := os.Stat(m.policy); err == nil {
		t.Error("the policy is still there")
	}
}

// TestLiveUndone has the program itself put back what does not work, or what
// somebody does not wait for.
func TestLiveUndone(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		m := newMachine(t, bins)
		t.Run("log not writable", func(t *testing.T) {
			if err := os.MkdirAll(m.log, 0o755); err != nil { // a folder in its place
				t.Fatal(err)
			}
			_, text := runs(t, m.tool(t, "enable"), 4)
			for _, part := range []string{"is a directory", "; everything was put back", "ready again"} {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in the output", part)
				}
			}
			if err := os.Remove(m.log); err != nil {
				t.Fatal(err)
			}
			m.asBefore(t, m.before)
		})
		t.Run("no time", func(t *testing.T) {
			_, text := runs(t, m.tool(t, "enable", "--timeout=1s"), 4)
			if !strings.Contains(text, "time is up after 1s") {
				t.Error("no word on the time limit")
			}
			m.asBefore(t, m.before)
		})
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(s.String(), func(t *testing.T) {
				cmd := m.tool(t, "enable")
				m.whenWaiting(t, cmd, func() { _ = cmd.Process.Signal(s) })
				_, text := runs(t, cmd, 4)
				if !strings.Contains(text, "("+s.String()+"); everything was put back") {
					t.Error("no word on the signal")
				}
				m.asBefore(t, m.before)
			})
		}
		m.killed(t)
		m.unread(t)
	})
}

// unread has nobody read what it says any more: the work is done all the same.
func (m *machine) unread(t *testing.T) {
	t.Helper()
	cmd := m.tool(t, "enable")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "auditsetup: write manifest") {
	}
	if err := stderr.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("with nobody to read: %v", err)
	}
	runs(t, m.tool(t, "disable"), 0)
	m.asBefore(t, m.before)
}

// whenWaiting calls do as soon as the manifest has the new content.
func (m *machine) whenWaiting(t *testing.T, cmd *exec.Cmd, do func()) {
	t.Helper()
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	go func() {
		for t.Context().Err() == nil {
			if data, err := os.ReadFile(m.manifest); err == nil && !bytes.Equal(data, m.before) {
				time.Sleep(200 * time.Millisecond)
				do()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
}

// killed ends the process in the wait with no chance to do anything: a second
// run meanwhile is refused, the next one says what happened, and rollback puts
// everything back.
func (m *machine) killed(t *testing.T) {
	t.Helper()
	first := m.tool(t, "enable")
	m.whenWaiting(t, first, func() {
		_, text := runs(t, m.tool(t, "enable"), 1)
		if !strings.Contains(text, "another auditsetup is changing this host (enable, process ") {
			t.Error("two at once")
		}
		_ = first.Process.Kill()
	})
	runs(t, first, -1)
	for _, command := range []string{"enable", "disable"} {
		_, text := runs(t, m.tool(t, command), 1)
		if !strings.Contains(text, `"enable" of `) || !strings.Contains(text, "was cut off before its end") || !strings.Contains(text, "auditsetup rollback") {
			t.Errorf("%s does not say what happened", command)
		}
	}
	runs(t, m.tool(t, "rollback"), 0)
	m.asBefore(t, m.before)
	runs(t, m.tool(t, "enable"), 0)
	runs(t, m.tool(t, "disable"), 0)
	m.asBefore(t, m.before)
}

// TestLiveBlindKubelet has a kubelet that does not take the change: nothing is
// hurt, and it is not waited for until the end.
func TestLiveBlindKubelet(t *testing.T) {
	t.Parallel()
	bins, err := cache(t).Kubernetes(t.Context(), "v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, bins)
	if err := m.kubelet.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	_, text := runs(t, m.tool(t, "enable"), 4)
	if !strings.Contains(text, "the kubelet has not restarted the kube-apiserver within 1m0s") {
		t.Error("no word on the kubelet")
	}
	m.asBefore(t, m.before)
	if n := m.starts(t); n != 1 {
		t.Errorf("%d starts, want 1", n)
	}
}
