// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/auditsetup/auditsetup/test/real/release"
)

// TestLiveWebhook has the events taken by a receiver, which the kube-apiserver
// counts, and undoes what nobody takes.
func TestLiveWebhook(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		m := newMachine(t, bins)
		var taken atomic.Int64
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), `"EventList"`) {
				taken.Add(1)
			}
			w.WriteHeader(http.StatusOK)
		}))
		to := func(url string) []string {
			return []string{"--backend=webhook", "--webhook-url=" + url, "--webhook-path=" + filepath.Join(filepath.Dir(m.policy), "webhook.yaml")}
		}
		out, _ := runs(t, m.tool(t, "enable", to(receiver.URL)...), 0)
		if !strings.Contains(out, "the receiver of the webhook took events") || taken.Load() == 0 {
			t.Errorf("no proof, and %d batches", taken.Load())
		}
		runs(t, m.tool(t, "disable"), 0)
		m.asBefore(t, m.before)
		receiver.Close()
		if err := os.RemoveAll(filepath.Dir(m.policy)); err != nil {
			t.Fatal(err)
		}
		_, text := runs(t, m.tool(t, "enable", to(receiver.URL)...), 4)
		for _, part := range []string{"has taken no events within", "times no answer", "; everything was put back"} {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in the output", part)
			}
		}
		m.asBefore(t, m.before)
	})
}

// TestLiveSilent does not claim a proof that there cannot be.
func TestLiveSilent(t *testing.T) {
	t.Parallel()
	bins, err := cache(t).Kubernetes(t.Context(), "v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, bins)
	policy := filepath.Join(m.Dir, "jane.yaml")
	write(t, policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, users: [jane]}]\n"))
	out, _ := runs(t, m.tool(t, "enable", "--policy="+policy), 0)
	if !strings.Contains(out, "proof     none: the policy records no request that auditsetup could make") {
		t.Error("no word on the proof")
	}
}
