// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
)

// shared is the node that all tests use, one after the other. It is set before
// the first of them runs.
var shared *Node

func TestMain(m *testing.M) {
	os.Exit(Main(m, func(n *Node) { shared = n }))
}

// testLimit bounds what a test waits for, bringing the node back not counted.
// Nothing here should take a minute; a machine busy with other things needs more.
const testLimit = 4 * time.Minute

// relist is a little more than the time between two of the kubelet's looks at
// the whole folder of manifests: 20 s (kubernetes
// pkg/kubelet/apis/config/v1beta1/defaults.go). What did not happen within it
// does not happen by itself.
const relist = 22 * time.Second

// fresh gives the node as kubeadm made it, with the API server ready, and a
// context that ends with the test or when it takes too long. If the test fails
// it says what the API server and the kubelet wrote last.
func fresh(t *testing.T) (context.Context, *Node) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			t.Logf("the API server's last lines:\n%s", shared.Log(late, "kube-apiserver", 15))
			t.Logf("the kubelet's last lines:\n%s", shared.KubeletLog(15))
		}
	})
	first, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	if err := shared.Reset(first); err != nil {
		t.Fatalf("bringing the node back: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	t.Cleanup(cancel)
	return ctx, shared
}

// watch starts to watch the API server until the test ends.
func watch(t *testing.T, n *Node) *Watch {
	t.Helper()
	w, err := n.Watch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Stop() })
	return w
}

// say tells what a test found, where make e2e shows it.
func say(format string, args ...any) { shared.progress.say("  "+format, args...) }

// with gives a manifest with one more argument on the API server's command line.
func with(t *testing.T, manifest []byte, argument string) []byte {
	t.Helper()
	const first = "    - kube-apiserver\n"
	if bytes.Count(manifest, []byte(first)) != 1 {
		t.Fatalf("no command in\n%s", manifest)
	}
	return bytes.Replace(manifest, []byte(first), []byte(first+"    - "+argument+"\n"), 1)
}

func running(ctx context.Context, t *testing.T, n *Node) Container {
	t.Helper()
	c, err := n.Running(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mirrored waits for the mirror pod of the running API server.
func mirrored(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	if err := n.AwaitMirror(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestComesUp(t *testing.T) {
	ctx, n := fresh(t)
	status, body, err := n.Get(ctx, "/version", "")
	if err != nil || status != 200 || !strings.Contains(string(body), `"gitVersion": "`+n.Version+`"`) {
		t.Errorf("/version: %d, %v\n%s", status, err, body)
	}
	mirrored(ctx, t, n)
	pod, err := n.MirrorPod(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if source := pod.Annotations["kubernetes.io/config.source"]; source != "file" {
		t.Errorf("the mirror pod is from %q", source)
	}
	want, err := controlplane.Command(n.Original)
	if err != nil {
		t.Fatal(err)
	}
	processes, err := Processes("kube-apiserver")
	if err != nil || len(processes) != 1 || !slices.Equal(processes[0].Argv, want) {
		t.Errorf("running: %v, %v; want one with %v", processes, err, want)
	}
}
