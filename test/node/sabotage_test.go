// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	host "github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/restart"
	"github.com/auditsetup/auditsetup/rollout"
)

// TestLiveSabotage makes changes that auditsetup's own checks do not let
// through, as the program carries out others. Each keeps the API server from
// coming back in a way of its own, and has to be put back, with the reason.
func TestLiveSabotage(t *testing.T) {
	const policy, policyFile = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n", "/etc/kubernetes/pki/policy.yaml"
	never := "--etcd-readycheck-timeout=1ns"
	if shared.minor < 26 { // k8s.io/apiserver pkg/server/options/etcd.go
		never = "--etcd-healthcheck-timeout=1ns"
	}
	for _, test := range []struct {
		name, policy, flag, want string
		timeout, within          time.Duration
	}{
		{"unknown flag", policy, "--audit-no-such-flag=1", "unknown flag: --audit-no-such-flag", 5 * time.Minute, 90 * time.Second},
		{"policy refused", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n", "--audit-policy-file=" + policyFile, "0 rules", 5 * time.Minute, 90 * time.Second},
		{"ends after a while", policy, "--etcd-servers=https://127.0.0.1:1", "the new kube-apiserver ended: ", 5 * time.Minute, 3 * time.Minute},
		{"never ready", policy, never, "is not ready after ", time.Minute, 70 * time.Second},
		{"no image", policy, "image", "the kubelet cannot start the new kube-apiserver: ErrImagePull", 5 * time.Minute, 90 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, n := fresh(t)
			took, err := n.sabotage(ctx, t, doctored(t, n, test.flag), policyFile, test.policy, test.timeout)
			var undone *host.UndoneError
			if !errors.As(err, &undone) || undone.After != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if took > test.within {
				t.Errorf("gave up after %s, want at most %s", took, test.within)
			}
			asBefore(ctx, t, n)
			if _, err := os.Stat(policyFile); err == nil {
				t.Error("the policy is still there")
			}
			time.Sleep(relist)
			asBefore(ctx, t, n)
		})
	}
}

// doctored gives the manifest with a flag, in the place of one of the same name,
// or with an image that is nowhere.
func doctored(t *testing.T, n *Node, flag string) []byte {
	t.Helper()
	if flag == "image" {
		return bytes.Replace(n.Original, []byte("/kube-apiserver:v"), []byte("/no-such-image:v"), 1)
	}
	name, _, _ := strings.Cut(flag, "=")
	line := regexp.MustCompile(`(?m)^    - ` + name + `=.*\n`)
	manifest := line.ReplaceAll(n.Original, nil)
	if name == "--audit-policy-file" {
		manifest = with(t, manifest, "--audit-log-path=/dev/null")
	}
	return with(t, manifest, flag)
}

// sabotage carries a change out, and says how long it took until it was given
// up.
func (n *Node) sabotage(ctx context.Context, t *testing.T, manifest []byte, policyFile, policy string, timeout time.Duration) (took time.Duration, err error) {
	t.Helper()
	kubelet, ok := restart.Machine{}.KubeletOf(manifestsDir)
	if !ok {
		t.Fatal("no kubelet is found")
	}
	var steps []string
	begun := time.Now()
	tell := func(what string) {
		steps = append(steps, fmt.Sprintf("%6.1f s  %s", time.Since(begun).Seconds(), what))
	}
	result, err := rollout.Run(ctx, rollout.Plan{
		Host: &host.Host{}, Manifest: Manifest, Kubelet: kubelet, Timeout: timeout, Prove: true,
		Change: host.Change{Command: "enable", Manifest: &host.FileChange{Path: Manifest, Old: n.Original, New: manifest},
			Files: []host.FileChange{{Path: policyFile, New: []byte(policy)}}},
		Step:  func(s host.Step) { tell(string(s)) },
		Doing: func(what string) { tell("  " + what) },
		Again: func() (context.Context, context.CancelFunc) {
			took = time.Since(begun)
			return context.WithCancel(ctx)
		},
	})
	t.Logf("%v\n%s", err, strings.Join(steps, "\n"))
	say("%s: given up after %.1f s, back after %.1f s more", t.Name(), took.Seconds(), result.Back.Waited.Seconds())
	var failure *restart.Failure
	if errors.As(err, &failure) {
		t.Logf("%s\n%s", failure.Log, strings.Join(failure.Lines, "\n"))
	}
	return took, err
}
