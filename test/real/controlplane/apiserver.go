// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
)

// APIServer is a kube-apiserver that was ready when it was returned.
type APIServer struct {
	plane   *ControlPlane
	process *process
}

// StartAPIServer runs a command line as it stands in a manifest, see [Command],
// with the program taken from the cache. It returns when /readyz says ok and the
// namespaces default and kube-system exist, and fails t as soon as the process
// ends instead. The API server ends with t, or with [APIServer.Stop] if another
// one is to follow.
func (c *ControlPlane) StartAPIServer(t testing.TB, command []string) *APIServer {
	t.Helper()
	server, err := c.TryAPIServer(t, command)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// TryAPIServer is StartAPIServer for a command line that may be refused: the
// error has the last lines that the process wrote.
func (c *ControlPlane) TryAPIServer(t testing.TB, command []string) (*APIServer, error) {
	if len(command) == 0 || filepath.Base(command[0]) != "kube-apiserver" {
		return nil, fmt.Errorf("the command %q is not a kube-apiserver's", command)
	}
	argv := append([]string{c.Binaries.APIServer}, command[1:]...)
	p, err := launch("kube-apiserver", c.Dir, argv)
	if err != nil {
		return nil, err
	}
	t.Cleanup(p.stop)
	server := &APIServer{plane: c, process: p}
	err = await(t.Context(), p, server.ready)
	if err != nil {
		p.stop()
		return nil, err
	}
	return server, nil
}

// ready asks for health, and for the namespaces that the API server makes by
// itself some time after it calls itself ready.
func (s *APIServer) ready(ctx context.Context) error {
	for _, path := range []string{"/readyz?verbose", "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system"} {
		status, body, err := s.Get(ctx, path, "")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s: %d\n%s", path, status, body)
		}
	}
	return nil
}

// Stop ends the API server and returns when it is gone. More than one call does
// no harm.
func (s *APIServer) Stop() {
	s.process.stop()
	s.plane.client.CloseIdleConnections()
}

// Output returns the last n lines that the API server wrote.
func (s *APIServer) Output(n int) string { return string(s.process.tail(n)) }

// Get is [APIServer.Do] for a GET.
func (s *APIServer) Get(ctx context.Context, path, auditID string) (status int, body []byte, err error) {
	return s.Do(ctx, http.MethodGet, path, auditID, nil)
}

// Do sends a request as system:masters. A path has its query with it. A
// non-empty auditID becomes the ID of the request's events; a non-nil body is
// JSON.
func (s *APIServer) Do(ctx context.Context, method, path, auditID string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.plane.URL()+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if auditID != "" {
		req.Header.Set("Audit-ID", auditID)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.plane.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}
