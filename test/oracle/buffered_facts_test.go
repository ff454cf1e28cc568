// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/server/options"
	genericwebhook "k8s.io/apiserver/pkg/util/webhook"
	upstreamwebhook "k8s.io/apiserver/plugin/pkg/audit/webhook"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// TestConstants has upstream name the numbers that the model starts from, and
// confirm what the other tests take for granted of it.
func TestConstants(t *testing.T) {
	t.Parallel()
	if upstreamwebhook.DefaultInitialBackoffDelay != model.DefaultInitial {
		t.Errorf("the first wait is %s", upstreamwebhook.DefaultInitialBackoffDelay)
	}
	if b := genericwebhook.DefaultRetryBackoffWithInitialDelay(time.Second); b.Steps != model.Tries {
		t.Errorf("%d tries", b.Steps)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: r, cluster: {server: \"http://127.0.0.1:1\"}}]\ncontexts: [{name: r, context: {cluster: r}}]\ncurrent-context: r\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := genericwebhook.LoadKubeconfig(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.Timeout != model.Timeout || config.QPS != -1 {
		t.Errorf("a try takes %s at the most, at a QPS of %v", config.Timeout, config.QPS)
	}
	o := options.NewAuditOptions()
	if !o.WebhookOptions.BatchOptions.BatchConfig.AsyncDelegate || o.LogOptions.BatchOptions.BatchConfig.AsyncDelegate {
		t.Error("the webhook no longer sends each batch by itself, or the log does now")
	}
}

// busy answers as a receiver that has too much to do, and says when to come
// again, which client-go obeys within a try.
type busy struct{ retryAfter string }

func (b busy) RoundTrip(req *http.Request) (*http.Response, error) {
	header := http.Header{"Retry-After": {b.retryAfter}}
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: header, Body: http.NoBody, Request: req}, nil
}

// TestOtherFailuresLieBetween has a receiver that is busy hold a batch no
// longer than one that never answers, and no shorter than one that refuses.
func TestOtherFailuresLieBetween(t *testing.T) {
	quiet(t)
	r := model.Retry{Initial: model.DefaultInitial}
	least, _, _ := r.WaitsSeconds()
	for _, after := range []string{"0", "1", "20", "3600"} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			webhookTo(t, busy{after}, model.DefaultInitial).ProcessEvents(&auditinternal.Event{})
			held := time.Since(began).Seconds()
			if held < least || held > r.HeldSeconds(model.TimedOut) {
				t.Errorf("Retry-After %s: a batch is held for %.1f s", after, held)
			}
			t.Logf("Retry-After %s: a batch is held for %.1f s", after, held)
		})
	}
}
