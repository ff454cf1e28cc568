// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
)

// Auditsetup is a command that runs the tool on this node as on any other: the
// default paths are the node's. Its output is the caller's to set.
func (n *Node) Auditsetup(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, n.programs.Auditsetup, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"}
	return cmd
}

// Replace puts a file in place in one rename from a name with a dot, as the
// kubelet wants it. The mode is 0600.
func Replace(file string, data []byte) error {
	temporary := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".new")
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}

// InForce fails unless the one API server that runs has the command line of the
// manifest and is ready.
func (n *Node) InForce(ctx context.Context, manifest []byte) error {
	want, err := controlplane.Command(manifest)
	if err != nil {
		return err
	}
	running, err := Processes("kube-apiserver")
	if err != nil {
		return err
	}
	if len(running) != 1 {
		return fmt.Errorf("%d API servers run", len(running))
	}
	if !slices.Equal(running[0].Argv, want) {
		return errors.New("the API server runs with another command line: " + difference(running[0].Argv, want))
	}
	return n.Ready(ctx)
}

// difference says which arguments only one of two command lines has.
func difference(got, want []string) string {
	var text []string
	for _, argument := range got {
		if !slices.Contains(want, argument) {
			text = append(text, "has "+argument)
		}
	}
	for _, argument := range want {
		if !slices.Contains(got, argument) {
			text = append(text, "lacks "+argument)
		}
	}
	if len(text) == 0 {
		return "the order differs"
	}
	return strings.Join(text, ", ")
}

// AwaitInForce waits until [Node.InForce] succeeds. A change takes the kubelet
// about 25 s; ctx should have a deadline of some minutes.
func (n *Node) AwaitInForce(ctx context.Context, manifest []byte) error {
	err := n.kubelet.until(ctx, func(ctx context.Context) error { return n.InForce(ctx, manifest) })
	if err != nil {
		return fmt.Errorf("%w\nthe API server's last lines:\n%s", err, n.Log(context.Background(), "kube-apiserver", 10))
	}
	return nil
}

// Reset brings the node back to how kubeadm made it: the manifest and nothing
// beside it but etcd's, no policy, no log, no state of auditsetup, the API server
// ready and its mirror pod there. The kubelet is restarted for it, which takes
// seconds where the change alone would take half a minute, and forgets how often
// containers failed. Where nothing was changed neither is restarted.
func (n *Node) Reset(ctx context.Context) error {
	untouched := n.untouched(ctx)
	if !untouched {
		n.StopKubelet()
	}
	if err := n.cleanFiles(); err != nil {
		return err
	}
	if untouched {
		return nil
	}
	if err := killServers(ctx); err != nil {
		return err
	}
	// The folders again, now that nobody writes there any more.
	if err := n.cleanFiles(); err != nil {
		return err
	}
	if err := n.StartKubelet(ctx); err != nil {
		return err
	}
	if err := n.AwaitInForce(ctx, n.Original); err != nil {
		return err
	}
	return n.AwaitMirror(ctx)
}

// untouched reports whether the kubelet has taken up the original manifest, and
// means to stay with it.
func (n *Node) untouched(ctx context.Context) bool {
	entries, err := os.ReadDir(manifestsDir)
	if err != nil || len(entries) != 2 {
		return false
	}
	now, err := os.ReadFile(Manifest)
	if err != nil || !bytes.Equal(now, n.Original) {
		return false
	}
	// Of something that it just saw it makes up its mind within a second.
	for range 2 {
		c, err := n.Running(ctx)
		if err != nil || c.PodUID != n.originalUID || n.InForce(ctx, n.Original) != nil {
			return false
		}
		time.Sleep(time.Second)
	}
	return true
}

// cleanFiles puts all of auditsetup's and the tests' files back as they were.
func (n *Node) cleanFiles() error {
	entries, err := os.ReadDir(manifestsDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != "etcd.yaml" && entry.Name() != filepath.Base(Manifest) {
			if err := os.RemoveAll(filepath.Join(manifestsDir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if now, err := os.ReadFile(Manifest); err != nil || !bytes.Equal(now, n.Original) {
		if err := Replace(Manifest, n.Original); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/var/lib/auditsetup", "/var/log/kubernetes"} {
		if err := emptyFolder(dir); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(kubernetesDir, "audit"))
}

// killServers kills all API servers, and returns when they are gone.
func killServers(ctx context.Context) error {
	for {
		running, err := Processes("kube-apiserver")
		if err != nil || len(running) == 0 {
			return err
		}
		for _, p := range running {
			_ = syscall.Kill(p.ID, syscall.SIGKILL)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// AwaitMirror waits until the mirror pod is of the running API server, and so
// the kubelet has reached it: before that a kubelet takes up no change. It may
// be late, since the kubelet tries when it looks at the pod anyway.
func (n *Node) AwaitMirror(ctx context.Context) error {
	return n.kubelet.until(ctx, func(ctx context.Context) error {
		pod, err := n.MirrorPod(ctx)
		if err != nil {
			return err
		}
		c, err := n.Running(ctx)
		if err != nil {
			return err
		}
		if hash := pod.Annotations["kubernetes.io/config.hash"]; hash != c.PodUID {
			return fmt.Errorf("the mirror pod is of %s, the API server of %s", hash, c.PodUID)
		}
		return nil
	})
}

// emptyFolder removes all that a folder holds. The node's folders are mounts,
// and cannot be removed themselves.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
