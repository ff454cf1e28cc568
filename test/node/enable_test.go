// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/test/real/controlplane"
)

// TestEnableNoWait enables and disables with the tool's defaults, and does the
// waiting and the proving itself.
func TestEnableNoWait(t *testing.T) {
	ctx, n := fresh(t)
	w := watch(t, n)
	mustRun(ctx, t, n, "enable", "--yes", "--no-wait", "--profile", "recommended", "--rate", "100")
	changed := readFile(t, Manifest)
	if bytes.Equal(changed, n.Original) {
		t.Fatal("enable changed nothing")
	}
	if err := n.AwaitInForce(ctx, changed); err != nil {
		t.Fatal(err)
	}
	report := w.Stop()
	if len(report.Started) != 1 {
		t.Errorf("%d API servers were started, want one: %v", len(report.Started), report.Started)
	}
	say("enable: away for %.1f s", report.Away().Seconds())
	event := marked(ctx, t, n, http.MethodGet, "/api/v1/namespaces/default/secrets")
	if event.Level != auditv1.LevelMetadata {
		t.Errorf("level %s", event.Level)
	}

	mustRun(ctx, t, n, "disable", "--yes", "--no-wait")
	if !bytes.Equal(readFile(t, Manifest), n.Original) {
		t.Error("disable does not give back what kubeadm wrote")
	}
	if err := n.AwaitInForce(ctx, n.Original); err != nil {
		t.Fatal(err)
	}
}

// mustRun runs auditsetup, which must succeed.
func mustRun(ctx context.Context, t *testing.T, n *Node, args ...string) {
	t.Helper()
	if out, err := n.Auditsetup(ctx, args...).CombinedOutput(); err != nil {
		t.Fatalf("auditsetup %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// marked sends a request under an ID of its own and returns its last event from
// the log.
func marked(ctx context.Context, t *testing.T, n *Node, method, path string) auditv1.Event {
	t.Helper()
	id := fmt.Sprintf("e2e-%d", time.Now().UnixNano())
	status, body, err := n.Do(ctx, method, path, id, nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s %s: %d, %v\n%s", method, path, status, err, body)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	event, err := controlplane.WaitForEvent(ctx, APILog, id)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
