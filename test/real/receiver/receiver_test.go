// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestReceiver keeps what comes with a certificate, and takes nothing without.
func TestReceiver(t *testing.T) {
	t.Parallel()
	r := Start(t, t.TempDir(), "127.0.0.1")
	text, err := os.ReadFile(r.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	pair, err := tls.LoadX509KeyPair(r.ClientCertificate, r.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string, pairs ...tls.Certificate) error {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: pairs}, DisableKeepAlives: true}, Timeout: time.Second}
		resp, err := client.Post(r.URL, "application/json", bytes.NewReader([]byte(body)))
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	const list = `{"kind":"EventList","items":[{"auditID":"a","stage":"ResponseComplete"}]}`
	if err := post(list); err == nil {
		t.Error("a client without a certificate was let in")
	}
	if err := post(list, pair); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.WaitForEvent(ctx, "a"); err != nil || r.Err() != nil {
		t.Error(err, r.Err())
	}
	r.Down()
	if err := post(list, pair); err == nil {
		t.Error("it answers when it is down")
	}
	r.Mute(t)
	if err := post(list, pair); err == nil || !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("error %v from who says nothing", err)
	}
	r.Up(t)
	if err := post("no list", pair); err != nil || r.Err() == nil {
		t.Errorf("%v; a post that is no list is no fault", err)
	}
	if count, largest := r.Posts(); count != 2 || largest != int64(len(list)) {
		t.Errorf("%d posts, the largest of %d bytes", count, largest)
	}
}
