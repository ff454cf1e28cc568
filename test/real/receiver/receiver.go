// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package receiver is the other end of the webhook backend: an HTTPS server that
// lets in nobody without a client certificate of its own authority, and keeps
// the events that a kube-apiserver posts.
package receiver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// Receiver takes EventLists at URL from [Start] until the test ends.
type Receiver struct {
	// URL is what --webhook-url is to get, CA, ClientCertificate and ClientKey
	// what the files are called that go with it.
	URL, CA, ClientCertificate, ClientKey string

	address string
	config  *tls.Config

	mu       sync.Mutex
	server   *http.Server // nil while it is mute
	listener net.Listener
	events   map[string][]auditv1.Event
	faults   []error
	posts    int
	// largest is the size of the largest body, in bytes.
	largest int64
	hang    chan struct{}
}

// Start makes an authority with a certificate for either side in dir, and
// listens at the given address of 127.0.0.0/8. The certificates are good for a
// day, which is little enough to be warned of.
func Start(t testing.TB, dir, address string) *Receiver {
	t.Helper()
	return StartFor(t, dir, address, 24*time.Hour)
}

// StartFor is [Start] with certificates that are good for a time of one's own,
// and at any address of this host.
func StartFor(t testing.TB, dir, address string, valid time.Duration) *Receiver {
	t.Helper()
	pair, err := authority(dir, address, valid)
	if err != nil {
		t.Fatal(err)
	}
	r := &Receiver{events: map[string][]auditv1.Event{}, CA: pair.ca, ClientCertificate: pair.clientCert, ClientKey: pair.clientKey}
	r.config = &tls.Config{Certificates: []tls.Certificate{pair.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	r.config.ClientCAs.AddCert(pair.root)
	r.address = net.JoinHostPort(address, "0")
	r.Up(t)
	t.Cleanup(r.Down)
	return r
}

// Up listens again where it did before [Receiver.Down] or [Receiver.Mute].
func (r *Receiver) Up(t testing.TB) {
	t.Helper()
	listener := r.listen(t)
	r.address = listener.Addr().String()
	r.URL = "https://" + r.address + "/audit"
	server := &http.Server{Handler: http.HandlerFunc(r.take), TLSConfig: r.config, ReadHeaderTimeout: time.Minute}
	r.mu.Lock()
	r.server, r.listener = server, listener
	r.mu.Unlock()
	go func() {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			r.fault(err)
		}
	}()
}

// listen ends whatever listened before.
func (r *Receiver) listen(t testing.TB) net.Listener {
	t.Helper()
	r.Down()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// Down closes all connections and listens no more: who posts is refused.
func (r *Receiver) Down() {
	r.Hang(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener != nil {
		_ = r.listener.Close() // which the server may not know of yet
	}
	if r.server != nil {
		_ = r.server.Close()
	}
}

// Mute closes all connections, and listens again without a word to whoever
// connects, not even a handshake. [Receiver.Down] and [Receiver.Up] end it.
func (r *Receiver) Mute(t testing.TB) {
	t.Helper()
	listener := r.listen(t)
	r.mu.Lock()
	r.server, r.listener = nil, listener
	r.mu.Unlock()
	go func() {
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
}

// Hang has requests wait for their answer until it is called with false.
func (r *Receiver) Hang(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !on && r.hang != nil {
		close(r.hang)
		r.hang = nil
	}
	if on && r.hang == nil {
		r.hang = make(chan struct{})
	}
}

// take is what a POST gets: 200 when it was kept. Whatever a kube-apiserver
// should not send is a fault.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	hang := r.hang
	r.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-req.Context().Done():
			return
		}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender went away
	}
	var list auditv1.EventList
	switch err := json.Unmarshal(body, &list); {
	case err != nil:
		r.fault(fmt.Errorf("%s %s: %w", req.Method, req.URL, err))
	case req.Method != http.MethodPost || req.URL.Path != "/audit" || list.Kind != "EventList":
		r.fault(fmt.Errorf("%s %s of a %s", req.Method, req.URL, list.Kind))
	case len(req.TLS.PeerCertificates) == 0:
		r.fault(errors.New("a client without a certificate was let in"))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts, r.largest = r.posts+1, max(r.largest, int64(len(body)))
	for _, e := range list.Items {
		r.events[string(e.AuditID)] = append(r.events[string(e.AuditID)], e)
	}
	w.WriteHeader(http.StatusOK)
}

func (r *Receiver) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}

// Err is what was received that should not have been.
func (r *Receiver) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.faults...)
}

// Posts is how many bodies came, and the size of the largest in bytes.
func (r *Receiver) Posts() (count int, largest int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posts, r.largest
}

// Events are the events of a request so far, in the order in which they came.
func (r *Receiver) Events(auditID string) []auditv1.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[auditID]
}

// WaitForEvent returns the last event of the request with that ID (stage
// ResponseComplete or Panic) once it was received. It gives up when ctx ends,
// which must have a deadline.
func (r *Receiver) WaitForEvent(ctx context.Context, auditID string) (auditv1.Event, error) {
	for {
		for _, e := range r.Events(auditID) {
			if e.Stage == auditv1.StageResponseComplete || e.Stage == auditv1.StagePanic {
				return e, nil
			}
		}
		select {
		case <-ctx.Done():
			posts, _ := r.Posts()
			return auditv1.Event{}, fmt.Errorf("event %s is not among those of %d posts: %w; faults: %w", auditID, posts, ctx.Err(), r.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
