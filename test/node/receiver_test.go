// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/receiver"
)

// secretsPath is a request that the profile recommended records.
const secretsPath = "/api/v1/namespaces/default/secrets"

// listening gives a receiver on the node's own address. Its certificates are in
// a folder that no manifest of kubeadm's shows to the API server.
func listening(t *testing.T) *receiver.Receiver {
	t.Helper()
	const dir = "/etc/kubernetes/receiver"
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return receiver.StartFor(t, dir, Address, 365*24*time.Hour)
}

// sending is an enable with a receiver.
func sending(to *receiver.Receiver, more ...string) []string {
	return append([]string{"enable", "--yes", "--webhook-url=" + to.URL, "--webhook-ca=" + to.CA, "--webhook-client-certificate=" + to.ClientCertificate,
		"--webhook-client-key=" + to.ClientKey}, more...)
}

// arrives sends a request under an ID of its own, and wants its event at the
// receiver.
func arrives(ctx context.Context, t *testing.T, n *Node, to *receiver.Receiver) {
	t.Helper()
	id := fmt.Sprintf("e2e-%d", time.Now().UnixNano())
	if status, body, err := n.Get(ctx, secretsPath, id); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v\n%s", status, err, body)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	event, err := to.WaitForEvent(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if event.RequestURI != secretsPath || event.ResponseObject != nil {
		t.Errorf("URI %s, with a body: %t", event.RequestURI, event.ResponseObject != nil)
	}
}

// TestWebhook sends to a receiver that then hangs, goes mute, goes down and comes
// back: the API server never minds, and doctor and status tell each from the
// others.
func TestWebhook(t *testing.T) {
	ctx, n := fresh(t)
	to := listening(t)
	out, _ := tool(t, n.Auditsetup(ctx, sending(to, "--backend=webhook", "--webhook-initial-backoff=10ms")...), 0)
	holds(t, out, "the receiver of the webhook took events after a marked request")
	arrives(ctx, t, n, to)
	if _, err := os.Stat(APILog); err == nil {
		t.Error("there is a log")
	}
	const noLog = "cis-1.2.16"
	diagnosed(ctx, t, n, noLog)

	w := watch(t, n)
	to.Hang(true)
	hanging(ctx, t, n)
	holds(t, diagnosed(ctx, t, n, noLog, "webhook-failing"), "times no answer")
	to.Mute(t)
	holds(t, diagnosed(ctx, t, n, noLog, "webhook-unreachable"), "does not answer: no answer in time")
	to.Down()
	awaitStatus(ctx, t, n, "a loss", func(s status) bool { return s.lost("webhook") > 0 })
	holds(t, diagnosed(ctx, t, n, noLog, "webhook-unreachable", "events-lost"), "connection refused", "events were lost by webhook")
	out, _ = tool(t, n.Auditsetup(ctx, "status"), 0)
	holds(t, out, "does not answer: connection refused", " lost by webhook")
	if report := w.Stop(); len(report.Outages) > 0 || len(report.Started) > 0 {
		t.Errorf("the receiver disturbed the API server: %+v", report)
	}
	to.Up(t)
	arrives(ctx, t, n, to)
	diagnosed(ctx, t, n, noLog, "events-lost")
	if err := to.Err(); err != nil {
		t.Error(err)
	}
}

// TestWebhookBesideLog has both proven, and nothing to find fault with.
func TestWebhookBesideLog(t *testing.T) {
	ctx, n := fresh(t)
	to := listening(t)
	out, _ := tool(t, n.Auditsetup(ctx, sending(to, "--backend=log,webhook")...), 0)
	holds(t, out, " was read back: ", "the receiver of the webhook took events after a marked request")
	arrives(ctx, t, n, to)
	marked(ctx, t, n, http.MethodGet, secretsPath)
	diagnosed(ctx, t, n)
	if err := to.Err(); err != nil {
		t.Error(err)
	}
}

// hanging sends requests that are recorded until the API server has given up the
// first try to tell the receiver, for which it takes 30 s (k8s.io/apiserver
// pkg/util/webhook/webhook.go). A request that waited for that would take as
// long.
func hanging(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	var slowest time.Duration
	awaitStatus(ctx, t, n, "a post that failed", func(s status) bool {
		begun := time.Now()
		if code, body, err := n.Get(ctx, secretsPath, ""); err != nil || code != http.StatusOK {
			t.Fatalf("%d, %v\n%s", code, err, body)
		}
		slowest = max(slowest, time.Since(begun))
		return s.Webhook.Failed > 0
	})
	say("the receiver hangs: the slowest request took %.0f ms", slowest.Seconds()*1000)
	if slowest > 10*time.Second {
		t.Errorf("a request took %s", slowest)
	}
}

// TestWebhookDown has nobody there to take anything, which is undone.
func TestWebhookDown(t *testing.T) {
	ctx, n := fresh(t)
	to := listening(t)
	to.Down()
	_, text := tool(t, n.Auditsetup(ctx, sending(to, "--webhook-initial-backoff=10ms")...), 4)
	holds(t, text, "does not answer now: connection refused", "has taken no events within ", " times no answer; everything was put back")
	asBefore(ctx, t, n)
}

// TestWebhookHangs has a receiver take a post and never answer: a proof that
// would take long is given up with the time limit.
func TestWebhookHangs(t *testing.T) {
	ctx, n := fresh(t)
	to := listening(t)
	to.Hang(true)
	begun := time.Now()
	_, text := tool(t, n.Auditsetup(ctx, sending(to, "--set=audit-webhook-batch-max-wait=3m", "--timeout=75s")...), 4)
	holds(t, text, "nothing has proven within 1m15s of the change that it records; everything was put back", "--timeout")
	say("a receiver that hangs: undone with --timeout 75s after %.1f s", time.Since(begun).Seconds())
	asBefore(ctx, t, n)
}

// TestWebhookBlocking has every request wait for a receiver that says nothing:
// the API server does not come up, which is undone.
func TestWebhookBlocking(t *testing.T) {
	ctx, n := fresh(t)
	to := listening(t)
	to.Mute(t)
	begun := time.Now()
	_, text := tool(t, n.Auditsetup(ctx, sending(to, "--backend=webhook", "--webhook-mode=blocking", "--timeout=75s")...), 4)
	holds(t, text, "does not answer now: no answer in time", "is not ready after 1m15s", "; everything was put back")
	say("requests that wait for a mute receiver: undone with --timeout 75s after %.1f s", time.Since(begun).Seconds())
	asBefore(ctx, t, n)
}
