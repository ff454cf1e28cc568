// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"regexp"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/webhook"
)

const (
	// patience bounds the connection to the receiver.
	patience = 5 * time.Second
	// verdict is how long a receiver is given to refuse a client certificate: in
	// TLS 1.3 that comes after the handshake (RFC 8446, 4.4.2.4), and nothing else
	// would come.
	verdict = 300 * time.Millisecond
)

// Reach connects to the receiver of a webhook, as the kube-apiserver of a
// manifest would, and sends nothing. text is the manifest's own, and readable
// gives the files that the config names. It is nil when the kube-apiserver would
// go a way that cannot be tried from here.
func Reach(ctx context.Context, config *webhook.Config, m *manifest.Manifest, text []byte, readable func(string) ([]byte, error)) *doctor.Receiver {
	g := &gathering{Facts: &doctor.Facts{Webhook: config, Manifest: m, Text: text, Readable: readable, Now: time.Now()}}
	g.receiver(ctx)
	return g.Receiver
}

// receiver connects to where events are posted, as the kube-apiserver would, and
// sends nothing. The name is asked of this host's resolver, which is the
// kube-apiserver's.
func (g *gathering) receiver(ctx context.Context) {
	u, err := url.Parse(g.Webhook.Server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return // webhook-config says so
	}
	if why := g.detour(); why != "" {
		g.unseen("the receiver of the webhook", why)
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	g.Receiver = &doctor.Receiver{Origin: webhook.Origin(g.Webhook.Server)}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		g.Receiver.Err = errors.New(short(err))
		return
	}
	defer conn.Close()
	if u.Scheme == "https" {
		g.handshake(ctx, conn, u.Hostname())
	}
}

// proxyVariable is one of the environment in a manifest. kubeadm hands those of
// its own on to the static pods (k8s.io/kubernetes cmd/kubeadm/app/util/env.go).
var proxyVariable = regexp.MustCompile(`(?i)name"?:\s*["']?(https?|all)_proxy`)

// detour says what leads the kube-apiserver another way to the receiver than
// this process would go: a connection from here would tell nothing.
func (g *gathering) detour() string {
	if g.Webhook.ProxyURL != "" {
		return "the kubeconfig names a proxy"
	}
	if proxyVariable.Match(g.Text) {
		return "the manifest gives the kube-apiserver a proxy in its environment"
	}
	if g.Manifest != nil {
		for _, s := range g.Manifest.Settings() {
			if s.Name == "egress-selector-config-file" && s.Value != "" {
				return "the kube-apiserver has an egress selector"
			}
		}
	}
	return ""
}

// handshake judges the certificates that are shown, and waits for the receiver's
// verdict on ours where it asks for one.
func (g *gathering) handshake(ctx context.Context, conn net.Conn, host string) {
	name, server := host, g.Webhook.Server
	if g.Webhook.TLSServerName != "" {
		name, server = g.Webhook.TLSServerName, "https://"+g.Webhook.TLSServerName
	}
	var shown []*x509.Certificate
	asked := false
	config := &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS12,
		// Judged below, where everything that is wrong is said and not the first only.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			shown = s.PeerCertificates
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return g.clientCertificate(), nil
		},
	}
	secured := tls.Client(conn, config)
	err := secured.HandshakeContext(ctx)
	if err == nil && asked {
		_ = secured.SetReadDeadline(time.Now().Add(verdict))
		_, err = secured.Read(make([]byte, 1))
	}
	switch {
	case asked && remote(err):
		g.Receiver.Err = errors.New("it refuses the client certificate, or wants one that the kubeconfig does not give")
	case err != nil && shown == nil:
		g.Receiver.Err = errors.New(short(err))
		return
	}
	if !g.Webhook.InsecureSkipTLSVerify {
		g.Receiver.Certificates = webhook.CheckServer(shown, server, g.roots(), g.Now)
	}
}

// remote says whether the other side has broken off with an alert of TLS.
func remote(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// clientCertificate is that of the kubeconfig, an empty one without. That it
// cannot be read is for webhook-config to say.
func (g *gathering) clientCertificate() *tls.Certificate {
	pem := func(s webhook.Source) []byte {
		if s.Path == "" {
			return s.Data
		}
		data, _ := g.Readable(s.Path)
		return data
	}
	pair, err := tls.X509KeyPair(pem(g.Webhook.Certificate), pem(g.Webhook.Key))
	if err != nil {
		return &tls.Certificate{}
	}
	return &pair
}

// roots are those of the kubeconfig, nil for the system's.
func (g *gathering) roots() *x509.CertPool {
	data := g.Webhook.CA.Data
	if g.Webhook.CA.Path != "" {
		data, _ = g.Readable(g.Webhook.CA.Path) // webhook-config says that it cannot be read
	}
	if data == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(data)
	return pool
}

// short is the cause of a failed connection without addresses.
func short(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "the name " + dns.Name + " is not known"
	}
	return live.Reason(err)
}
