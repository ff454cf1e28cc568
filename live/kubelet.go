// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
)

// AskKubelet sends a GET to the kubelet of this machine at HOST:PORT, as the
// first identity that may have it. The kubelet is known by its serving
// certificate, which is one of the files given, self-signed or not; nothing is
// asked of one that shows another. Where its authorization asks the API server,
// it remembers an answer for some minutes (k8s.io/kubernetes
// pkg/kubelet/apis/config/v1beta1/defaults.go, authorization.webhook), so ask
// once while that one is up.
func (c *Client) AskKubelet(ctx context.Context, address, path string, certificates []string) (Answer, error) {
	roots, err := c.server.roots()
	if err != nil {
		return Answer{}, err
	}
	var leaf *x509.Certificate
	for _, file := range certificates {
		if found := leafOf(file); found != nil {
			leaf = found
			if data, err := os.ReadFile(file); err == nil {
				roots.AppendCertsFromPEM(data)
			}
		}
	}
	if leaf == nil {
		return Answer{}, fmt.Errorf("the kubelet's serving certificate is not found")
	}
	name := leaf.Subject.CommonName
	if len(leaf.DNSNames) > 0 {
		name = leaf.DNSNames[0]
	} else if len(leaf.IPAddresses) > 0 {
		name = leaf.IPAddresses[0].String()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return Answer{}, err
	}
	for _, id := range c.identities {
		config := &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
		if id.certificate != nil {
			config.Certificates = []tls.Certificate{*id.certificate}
		}
		client := http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			return Answer{}, fmt.Errorf("%s: %s", address, Reason(err))
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK {
			return Answer{resp.StatusCode, body}, nil
		}
	}
	return Answer{}, fmt.Errorf("%s: the kubelet does not answer to any of our identities", address)
}
