// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package scrape

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/auditsetup/auditsetup/cluster"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/measure"
)

const (
	metricsPath = "/metrics"
	userAgent   = "auditsetup"
	// patience bounds one scrape, which takes large servers some seconds.
	patience = time.Minute
	// maxRefusal is what is read of an answer that is not metrics.
	maxRefusal = 64 << 10
)

// server is one that can be asked.
type server struct {
	url    *url.URL
	client *http.Client
}

// server finds out how to ask a source. Over plain http no credentials are sent,
// and it is taken from this machine only: anybody on the way could read along, or
// answer.
func (o Options) server(source string) (*server, error) {
	if source == Kubeconfig {
		config, err := o.kubeconfig().Config()
		if err != nil {
			return nil, err
		}
		at, _, err := rest.DefaultServerUrlFor(config)
		if err != nil {
			return nil, document.Problem{File: o.kubeconfig().Name(), What: "has a server that is no URL"}
		}
		return connect(config, at.JoinPath(metricsPath), o.kubeconfig().Name())
	}
	at, err := url.Parse(source)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, document.Problem{File: flag, What: fmt.Sprintf("%q is no URL that can be asked", strip(source)), Hint: "give one such as https://HOST:6443/metrics, or " + Kubeconfig}
	}
	if at.User != nil {
		return nil, document.Problem{File: flag, What: "a password in a URL is shown in process lists, and kube-apiserver takes none", Hint: "leave it out: credentials are those of the kubeconfig"}
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = metricsPath
	}
	if at.Scheme == "http" {
		if !loopback(at.Hostname()) {
			return nil, document.Problem{File: flag, What: "plain http is taken from this machine only, and not from " + at.Host, Hint: "give the URL with https, or run kubectl proxy here and give http://127.0.0.1:8001/metrics"}
		}
		return &server{at, bare(&http.Client{Transport: &http.Transport{}})}, nil
	}
	config, err := o.kubeconfig().Config()
	if err != nil {
		return nil, err
	}
	if own, _, err := rest.DefaultServerUrlFor(config); err == nil && config.Insecure && own.Host != at.Host {
		return nil, document.Problem{File: o.kubeconfig().Name(), What: "lets any server pass for its own (insecure-skip-tls-verify), so its credentials are not sent to " + at.Host, Hint: "give " + Kubeconfig + " as the source, or a kubeconfig with the cluster's CA certificate"}
	}
	config.Host = (&url.URL{Scheme: at.Scheme, Host: at.Host}).String()
	return connect(config, at, o.kubeconfig().Name())
}

// strip keeps what may be a password out of messages.
func strip(source string) string {
	if i := strings.LastIndexByte(source, '@'); i >= 0 {
		source = "...@" + source[i+1:]
	}
	source, _, _ = strings.Cut(source, "?")
	return source
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func connect(config *rest.Config, at *url.URL, file string) (*server, error) {
	config.UserAgent = userAgent
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, document.Problem{File: file, What: "cannot be used to ask the cluster: " + err.Error(), Hint: "try: kubectl get --raw /metrics"}
	}
	return &server{at, bare(client)}, nil
}

// bare follows no redirection: an answer is that of the server itself.
func bare(c *http.Client) *http.Client {
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// kubeconfig has the credentials.
func (o Options) kubeconfig() cluster.Kubeconfig {
	return cluster.Kubeconfig{File: o.Kubeconfig, Context: o.Context}
}

// scrape asks once.
func (s *server) scrape(ctx context.Context) (*measure.Scrape, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String(), nil)
	if err != nil {
		return nil, document.Problem{File: flag, What: "is no URL that can be asked"}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, s.unreachable(err)
	}
	defer resp.Body.Close()
	at := time.Now()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		return nil, s.refused(resp.StatusCode, string(body))
	}
	return measure.ParseScrape(s.name(), at, resp.Body)
}

// name is the URL for messages and results, without what may be a key.
func (s *server) name() string {
	return (&url.URL{Scheme: s.url.Scheme, Host: s.url.Host, Path: s.url.Path}).String()
}

func (s *server) unreachable(err error) error {
	p := document.Problem{File: s.name(), What: "cannot be asked: " + live.Reason(err), Hint: "try: kubectl get --raw /metrics"}
	var name x509.HostnameError
	switch {
	case errors.As(err, &name):
		p.What = "cannot be asked: the certificate there is not for " + name.Host
		p.Hint = "give the URL with a name that is in the certificate, or " + Kubeconfig
	case s.url.Scheme == "http":
		p.Hint = "is kubectl proxy running on this machine?"
	}
	return p
}

// right is what it takes to be answered.
func right() cluster.Right {
	return cluster.Right{
		Paths: "nonResourceURL " + metricsPath, Role: "system:monitoring", Binding: "auditsetup-metrics",
		Nobody: "ask with credentials: give the URL with https, and --kubeconfig if need be",
	}
}

func (s *server) refused(status int, body string) error {
	p := document.Problem{File: s.name(), What: fmt.Sprintf("answers %d %s", status, http.StatusText(status))}
	switch {
	case status == http.StatusUnauthorized:
		p.Hint = "the credentials of the kubeconfig are not taken: renew them, or name another with --kubeconfig"
	case status == http.StatusForbidden:
		p.What, p.Hint = right().Forbidden(body)
	case status == http.StatusNotFound:
		p.Hint = "metrics of a kube-apiserver are at " + metricsPath
	case status >= 300 && status < 400:
		p.Hint = "name the kube-apiserver itself, and not what stands before it"
	default:
		p.Hint = "try: kubectl get --raw /metrics"
	}
	return p
}
