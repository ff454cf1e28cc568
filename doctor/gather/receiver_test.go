// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/test/certificates"
	"github.com/auditsetup/auditsetup/webhook"
)

// listen takes connections, over TLS with a config, and holds them open.
func listen(t *testing.T, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if config != nil {
				conn = tls.Server(conn, config)
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func issue(t *testing.T, w certificates.Wish, by *certificates.Pair) *certificates.Pair {
	t.Helper()
	pair, err := certificates.Make(w, by)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// receiverCase is a receiver and a kubeconfig for it.
type receiverCase struct {
	name          string
	config        *tls.Config
	cluster, user string
	err, wrong    string // parts of Err, and of what is wrong with the certificates
}

func receiverCases(t *testing.T) []receiverCase {
	t.Helper()
	ca, other := issue(t, certificates.Wish{Name: "ca", CA: true}, nil), issue(t, certificates.Wish{Name: "other", CA: true}, nil)
	server := issue(t, certificates.Wish{Name: "receiver", Server: true, Hosts: []string{"127.0.0.1"}}, ca)
	expired := issue(t, certificates.Wish{Name: "receiver", Server: true, Hosts: []string{"127.0.0.1"}, From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(-24 * time.Hour)}, ca)
	client, stranger := issue(t, certificates.Wish{Name: "kube-apiserver", Client: true}, ca), issue(t, certificates.Wish{Name: "stranger", Client: true}, other)
	with := func(p *certificates.Pair, auth tls.ClientAuthType, most uint16) *tls.Config {
		pair, err := tls.X509KeyPair(p.CertPEM, p.KeyPEM)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AddCert(ca.Cert)
		return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: auth, ClientCAs: pool, MaxVersion: most}
	}
	data := base64.StdEncoding.EncodeToString
	trust := "certificate-authority-data: " + data(ca.CertPEM)
	as := func(p *certificates.Pair) string {
		return "client-certificate-data: " + data(p.CertPEM) + ", client-key-data: " + data(p.KeyPEM)
	}
	const refused = "refuses the client certificate"
	return []receiverCase{
		{"good", with(server, tls.NoClientCert, 0), trust, "", "", ""},
		{"both known", with(server, tls.RequireAndVerifyClientCert, 0), trust, as(client), "", ""},
		{"both known, TLS 1.2", with(server, tls.RequireAndVerifyClientCert, tls.VersionTLS12), trust, as(client), "", ""},
		{"no client certificate", with(server, tls.RequireAndVerifyClientCert, 0), trust, "", refused, ""},
		{"no client certificate, TLS 1.2", with(server, tls.RequireAndVerifyClientCert, tls.VersionTLS12), trust, "", refused, ""},
		{"another client certificate", with(server, tls.RequireAndVerifyClientCert, 0), trust, as(stranger), refused, ""},
		{"another CA", with(server, tls.NoClientCert, 0), "certificate-authority-data: " + data(other.CertPEM), "", "", "issued by a CA that is not among those given"},
		{"expired", with(expired, tls.NoClientCert, 0), trust, "", "", "expired on"},
		{"another name", with(server, tls.NoClientCert, 0), trust + ", tls-server-name: falco", "", "", "is not for falco"},
		{"not looked at", with(expired, tls.NoClientCert, 0), "insecure-skip-tls-verify: true", "", "", ""},
		{"no TLS", nil, trust, "", "no answer in time", ""},
	}
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	for _, c := range receiverCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := look(t, "https://"+listen(t, c.config)+"/planted", c.cluster, c.user)
			if c.err == "" && r.Err != nil || c.err != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), c.err)) {
				t.Errorf("error %v, want %q", r.Err, c.err)
			}
			if wrong := r.Certificates.Error(); c.wrong == "" && wrong != "" || !strings.Contains(wrong, c.wrong) {
				t.Errorf("%q is wrong, want %q", wrong, c.wrong)
			}
		})
	}
}

func TestReceiverWithoutTLS(t *testing.T) {
	t.Parallel()
	if r := look(t, "http://"+listen(t, nil), "", ""); r.Err != nil || r.Certificates != nil {
		t.Errorf("%+v", r)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	if r := look(t, "https://"+address+"/planted", "", ""); r.Err == nil || r.Err.Error() != "connection refused" || r.Origin != "https://"+address {
		t.Errorf("%+v", r)
	}
}

func TestDetour(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"env:\n- name: HTTPS_PROXY\n  value: x\n": true, `{"env":[{"name": "http_proxy"}]}`: true, "- {name: 'all_proxy'}": true,
		"env:\n- name: NO_PROXY\n  value: x\n": false, "# HTTPS_PROXY": false, "": false,
	} {
		g := &gathering{Facts: &doctor.Facts{Webhook: &webhook.Config{}, Text: []byte(text)}}
		if got := g.detour(); (got != "") != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if r := Reach(t.Context(), &webhook.Config{Server: "https://h", ProxyURL: "http://p"}, nil, nil, nil); r != nil {
		t.Errorf("%+v, though the kubeconfig names a proxy", r)
	}
}

// look connects as a kubeconfig says.
func look(t *testing.T, server, cluster, user string) *doctor.Receiver {
	t.Helper()
	if cluster != "" {
		cluster = ", " + cluster
	}
	text := fmt.Sprintf("current-context: a\ncontexts:\n- {name: a, context: {cluster: b, user: c}}\nclusters:\n- {name: b, cluster: {server: %q%s}}\nusers:\n- {name: c, user: {%s}}\n", server, cluster, user)
	config, err := webhook.Read("webhook.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	found := Reach(t.Context(), config, nil, nil, nil)
	if found == nil {
		t.Fatal("nothing was looked at")
	}
	return found
}
