// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"
)

// cutOff has auditsetup write the manifest, and the power cut while it waits.
func cutOff(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	first := n.Auditsetup(ctx, "enable", "--yes")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for bytes.Equal(readFile(t, Manifest), n.Original) {
		time.Sleep(10 * time.Millisecond)
	}
	err := n.Reboot(ctx)
	_ = first.Process.Kill()
	_ = first.Wait()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLivePowerCut cuts the power in the wait: the node comes up with all of the
// change, which nobody has proven, and rollback takes it back.
func TestLivePowerCut(t *testing.T) {
	ctx, n := fresh(t)
	cutOff(ctx, t, n)
	changed := readFile(t, Manifest)
	if err := n.AwaitInForce(ctx, changed); err != nil {
		t.Fatal(err)
	}
	_, text := tool(t, n.Auditsetup(ctx, "enable", "--yes"), 1)
	holds(t, text, "was cut off before its end", "auditsetup rollback")
	tool(t, n.Auditsetup(ctx, "rollback", "--yes"), 0)
	asBefore(ctx, t, n)
}

// TestLivePowerCutBroken does so with a change that does not come up: a kubelet
// that has never met an API server has to be restarted, see TestBrokenBoot, and
// rollback says so and goes on waiting meanwhile.
func TestLivePowerCutBroken(t *testing.T) {
	ctx, n := fresh(t)
	if err := os.MkdirAll(APILog, 0o755); err != nil {
		t.Fatal(err)
	}
	cutOff(ctx, t, n)
	awaitFailed(ctx, t, n)
	if err := os.Remove(APILog); err != nil {
		t.Fatal(err)
	}
	restarted := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if data, err := os.ReadFile(Manifest); err == nil && bytes.Equal(data, n.Original) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(relist)
		restarted <- n.RestartKubelet(ctx)
	}()
	_, text := tool(t, n.Auditsetup(ctx, "rollback", "--yes"), 0)
	if err := <-restarted; err != nil {
		t.Error(err)
	}
	holds(t, text, "is not healthy to begin with", "systemctl restart kubelet")
	asBefore(ctx, t, n)
}
