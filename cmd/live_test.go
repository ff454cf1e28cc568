// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/rollout"
)

// TestForesee says in a dry run what would be in the way of the change, and
// neither fails nor leaves anything.
func TestForesee(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "kube-apiserver.yaml")
	data, err := os.ReadFile("../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	h := &hostFlags{host: node.Host{StateDir: filepath.Join(dir, "state")}, manifest: file, timeout: rollout.DefaultTimeout}
	p := &planned{change: node.Change{Command: "enable", Manifest: &node.FileChange{Path: file, Old: data, New: data}}}
	var out bytes.Buffer
	h.foresee(&out, p)
	if text := out.String(); !strings.Contains(text, "auditsetup: warning: ") || !strings.Contains(text, "no kubelet") || strings.Contains(text, "error: ") {
		t.Errorf("said\n%s", text)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
	// a file in some folder is no machine
	out.Reset()
	c := &consent{io: Streams{Err: &out}, dryRun: true}
	if err := c.examine(h, p); err != nil || out.Len() > 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
	c.dryRun = false
	if err := c.examine(h, p); err == nil {
		t.Error("nothing is in the way of a change without a kubelet")
	}
}
