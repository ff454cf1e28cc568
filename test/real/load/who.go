// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// authority is the cluster's own, as kubeadm made it.
type authority struct {
	server string
	roots  *x509.CertPool
	pair   tls.Certificate
}

// sender asks as somebody.
type sender struct {
	server, token, agent string
	client               *http.Client
}

// call is a request to be sent.
type call struct {
	method, path, contentType, accept string
	body                              []byte
}

// openAuthority reads the certificate and the key.
func openAuthority(server, certificate, key string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	a := &authority{server: server, roots: x509.NewCertPool(), pair: pair}
	a.roots.AddCert(pair.Leaf)
	return a, nil
}

// sender makes one with a certificate for a user, or without any for the user "".
// It keeps its connections, and speaks to the server and to nobody else.
func (a *authority) sender(agent, user string, groups ...string) (*sender, error) {
	config := &tls.Config{RootCAs: a.roots}
	if user != "" {
		pair, err := a.issue(user, groups)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	to, err := url.Parse(a.server)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != to.Host {
			return nil, fmt.Errorf("%s is not %s", address, to.Host)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return &sender{server: a.server, agent: agent, client: &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, DisableCompression: true,
		},
	}}, nil
}

// stranger makes a sender who will not be known. It speaks HTTP/1: after a request
// from a stranger over HTTP/2 kube-apiserver ends the connection (k8s.io/apiserver
// pkg/endpoints/filters/authentication.go), and handshakes would be most of the
// load.
func (a *authority) stranger(agent string) (*sender, error) {
	s, err := a.sender(agent, "")
	if err == nil {
		transport := s.client.Transport.(*http.Transport)
		transport.ForceAttemptHTTP2, transport.MaxIdleConnsPerHost = false, workers
	}
	return s, err
}

// issue makes a client certificate, good for an hour.
func (a *authority) issue(user string, groups []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	groups = slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return g == "system:authenticated" })
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: user, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.pair.Leaf, key.Public(), a.pair.PrivateKey.(crypto.Signer))
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// send gives the status and the body of the answer. The ID may be empty.
func (s *sender) send(ctx context.Context, c call, id string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, s.server+c.path, bytes.NewReader(c.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("User-Agent", s.agent)
	if c.body != nil {
		req.Header.Set("Content-Type", c.contentType)
		if c.contentType == "" {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	for name, value := range map[string]string{"Accept": c.accept, "Audit-ID": id, "Authorization": s.token} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// must wants success.
func (s *sender) must(ctx context.Context, c call) ([]byte, error) {
	status, body, err := s.send(ctx, c, "")
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s %s: %d %s", c.method, c.path, status, body[:min(len(body), 500)])
	}
	return body, err
}
