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
	"os"
	"regexp"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/measure"
)

const (
	metricsPath = "/metrics"
	userAgent   = "auditsetup"
	// patience bounds one scrape, which takes large servers some seconds.
	patience = time.Minute
	// onControlPlane is where kubeadm puts the administrator's kubeconfig.
	onControlPlane = "/etc/kubernetes/admin.conf"
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
		config, err := o.config()
		if err != nil {
			return nil, err
		}
		at, _, err := rest.DefaultServerUrlFor(config)
		if err != nil {
			return nil, document.Problem{File: o.file(), What: "has a server that is no URL"}
		}
		return connect(config, at.JoinPath(metricsPath), o.file())
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
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	if own, _, err := rest.DefaultServerUrlFor(config); err == nil && config.Insecure && own.Host != at.Host {
		return nil, document.Problem{File: o.file(), What: "lets any server pass for its own (insecure-skip-tls-verify), so its credentials are not sent to " + at.Host, Hint: "give " + Kubeconfig + " as the source, or a kubeconfig with the cluster's CA certificate"}
	}
	config.Host = (&url.URL{Scheme: at.Scheme, Host: at.Host}).String()
	return connect(config, at, o.file())
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

// file is how the kubeconfig is called in messages.
func (o Options) file() string {
	if o.Kubeconfig != "" {
		return o.Kubeconfig
	}
	return "the kubeconfig"
}

// config reads the kubeconfig. Its own words may hold a key, and are not passed on
// where they are of the decoder.
func (o Options) config() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.WarnIfAllMissing = false
	rules.ExplicitPath = o.Kubeconfig
	if o.Kubeconfig != "" {
		if _, err := os.Stat(o.Kubeconfig); err != nil {
			return nil, document.Problem{File: o.Kubeconfig, What: "cannot be read: " + errors.Unwrap(err).Error(), Hint: "name a kubeconfig with --kubeconfig"}
		}
	} else if rules.Precedence = append(rules.Precedence, onControlPlane); !readable(onControlPlane) {
		rules.Precedence = rules.Precedence[:len(rules.Precedence)-1]
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
	if all, err := loader.RawConfig(); err == nil && o.Context != "" && all.Contexts[o.Context] == nil {
		return nil, document.Problem{File: o.file(), What: fmt.Sprintf("there is no context %q", o.Context), Hint: "see kubectl config get-contexts"}
	}
	config, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, document.Problem{File: o.file(), What: "there is none, or it names no cluster", Hint: "name one with --kubeconfig, or set KUBECONFIG"}
	case clientcmd.IsContextNotFound(err), clientcmd.IsConfigurationInvalid(err):
		return nil, document.Problem{File: o.file(), What: err.Error(), Hint: "see kubectl config get-contexts"}
	case err != nil:
		return nil, document.Problem{File: o.file(), What: "is no kubeconfig", Hint: "try: kubectl get --raw /metrics"}
	}
	return config, nil
}

func readable(path string) bool {
	file, err := os.Open(path)
	if err == nil {
		_ = file.Close()
	}
	return err == nil
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

// who finds the name in the answer of kube-apiserver
// (k8s.io/apiserver pkg/endpoints/handlers/responsewriters/errors.go).
var who = regexp.MustCompile(`User \\?"([^"\\]+)\\?" cannot get path`)

func (s *server) refused(status int, body string) error {
	p := document.Problem{File: s.name(), What: fmt.Sprintf("answers %d %s", status, http.StatusText(status))}
	switch {
	case status == http.StatusUnauthorized:
		p.Hint = "the credentials of the kubeconfig are not taken: renew them, or name another with --kubeconfig"
	case status == http.StatusForbidden:
		user := ""
		if found := who.FindStringSubmatch(body); found != nil {
			user = found[1]
		}
		p.What, p.Hint = forbidden(user)
	case status == http.StatusNotFound:
		p.Hint = "metrics of a kube-apiserver are at " + metricsPath
	case status >= 300 && status < 400:
		p.Hint = "name the kube-apiserver itself, and not what stands before it"
	default:
		p.Hint = "try: kubectl get --raw /metrics"
	}
	return p
}

// forbidden says what an administrator is to type. The role named is one of
// kube-apiserver's own (k8s.io/kubernetes
// plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go).
func forbidden(user string) (what, hint string) {
	const need = `may not read it: that takes the verb get on the nonResourceURL /metrics, as in the ClusterRole system:monitoring`
	subject := "--user=" + quoted(user)
	switch parts := strings.Split(user, ":"); {
	case user == "":
		return "the user of the kubeconfig " + need, "as an administrator: kubectl create clusterrolebinding auditsetup-metrics --clusterrole=system:monitoring --user=NAME"
	case user == "system:anonymous":
		return "nobody " + need, "ask with credentials: give the URL with https, and --kubeconfig if need be"
	case strings.HasPrefix(user, "system:serviceaccount:") && len(parts) == 4:
		subject = "--serviceaccount=" + quoted(parts[2]+":"+parts[3])
	}
	return user + " " + need, "as an administrator: kubectl create clusterrolebinding auditsetup-metrics --clusterrole=system:monitoring " + subject
}

// quoted is for a shell.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._@-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
