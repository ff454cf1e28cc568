// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

const (
	// userAgent marks our requests in the log.
	userAgent = "auditsetup"
	// patience bounds one request: the server is on this very machine.
	patience = 5 * time.Second
	// maxAnswer bounds what is read of an answer. /metrics of a large cluster
	// has some ten MiB.
	maxAnswer = 64 << 20
)

// Client asks a kube-apiserver. Every request has a connection of its own, so
// that none ends at a server that is on its way out. It is safe for concurrent
// use. Make one with [Connect].
type Client struct {
	server     Server
	identities []Identity
	clients    []*http.Client
}

// Request is one HTTP request.
type Request struct {
	// Method is GET when empty. Path has the query with it.
	Method, Path string
	// Body is JSON; nil for none.
	Body []byte
	// AuditID, when not empty, becomes the ID of the request's audit events
	// (k8s.io/apiserver pkg/endpoints/filters/audit_init.go).
	AuditID string
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
}

// Connect makes a client for a server, which need not run yet. It fails when
// there is no certificate to know the server by, or nobody to ask as.
func Connect(s Server) (*Client, error) {
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	c := &Client{server: s, identities: s.Identities()}
	if len(c.identities) == 0 {
		return nil, document.Problem{What: "there are no credentials to ask the kube-apiserver with, and it lets nobody in without",
			Hint: "run the command as root on the control plane itself, and renew expired certificates: kubeadm certs check-expiration"}
	}
	for _, id := range c.identities {
		config := &tls.Config{RootCAs: roots, ServerName: s.name(), MinVersion: tls.VersionTLS12}
		if id.certificate != nil {
			config.Certificates = []tls.Certificate{*id.certificate}
		}
		// No Proxy: what is asked stays on this machine.
		c.clients = append(c.clients, &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }})
	}
	return c, nil
}

// Server is what the client was made for.
func (c *Client) Server() Server { return c.server }

// Identities are those that [Client.Do] can send as; there is at least one.
func (c *Client) Identities() []Identity { return c.identities }

// Do sends a request as one of Identities, given by its index.
func (c *Client) Do(ctx context.Context, identity int, r Request) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, "https://"+c.server.Address()+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/json, text/plain, */*")
	if r.AuditID != "" {
		req.Header.Set("Audit-ID", r.AuditID)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.clients[identity].Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %s", c.server.Address(), Reason(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return Answer{resp.StatusCode, body}, err
}

// Get asks for a path as the first identity that may have it.
func (c *Client) Get(ctx context.Context, path string) (Answer, error) {
	var answer Answer
	var err error
	for i := range c.identities {
		answer, err = c.Do(ctx, i, Request{Path: path})
		if err != nil || answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
			break
		}
	}
	return answer, err
}

// Ready is nil when the server calls itself ready, and else says in one line
// what it, or the connection, has against it.
func (c *Client) Ready(ctx context.Context) error {
	answer, err := c.Get(ctx, "/readyz?verbose")
	switch {
	case err != nil:
		return err
	case answer.Status == http.StatusOK:
		return nil
	}
	if failed := failedChecks(string(answer.Body)); len(failed) > 0 {
		return fmt.Errorf("%s: /readyz says that it is not ready: %s", c.server.Address(), few(failed))
	}
	return fmt.Errorf("%s: /readyz answers %d %s", c.server.Address(), answer.Status, http.StatusText(answer.Status))
}

// failedChecks are the names of the checks that a verbose /readyz marks with a
// minus (k8s.io/apiserver pkg/server/healthz/healthz.go).
func failedChecks(body string) []string {
	var names []string
	for line := range strings.Lines(body) {
		if check, ok := strings.CutPrefix(line, "[-]"); ok {
			name, _, _ := strings.Cut(check, " ")
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// few are the first of many names: the rest often follows from them.
func few(names []string) string {
	const shown = 3
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Version is the server's own word on its version, such as v1.37.1.
func (c *Client) Version(ctx context.Context) (string, error) {
	answer, err := c.Get(ctx, "/version")
	if err != nil {
		return "", err
	}
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	if json.Unmarshal(answer.Body, &v) != nil || v.GitVersion == "" {
		return "", fmt.Errorf("%s: /version answers %d %s", c.server.Address(), answer.Status, http.StatusText(answer.Status))
	}
	return v.GitVersion, nil
}

// Reason is what a failed request comes to, in a few words.
func Reason(err error) string {
	var unknown x509.UnknownAuthorityError
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &unknown):
		return "the certificate of whoever answers there is not the cluster's"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	}
	text := err.Error()
	if i := strings.LastIndex(text, "\": "); i >= 0 {
		text = text[i+3:]
	}
	return text
}
