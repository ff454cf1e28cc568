// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	cert, key := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, time.Hour)
	a.pem = cert
	block, _ := pem.Decode(cert)
	var err error
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode(key)
	if a.key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) sign(t *testing.T, template *x509.Certificate, valid time.Duration) (cert, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(valid)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})
}

func (a *authority) client(t *testing.T, name string, valid time.Duration, groups ...string) (cert, key []byte) {
	t.Helper()
	return a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name, Organization: groups}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, valid)
}

func write(t *testing.T, file string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func kubeconfig(cert, key []byte) []byte {
	return fmt.Appendf(nil, "users:\n- name: x\n  user:\n    client-certificate-data: %s\n    client-key-data: %s\n",
		base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key))
}

// TestIdentities leaves out what cannot be used, and says of each whom the
// API server takes it for.
func TestIdentities(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), newAuthority(t)
	cert, key := ca.client(t, "kubelet-client", time.Hour, "system:masters")
	admin, adminKey := ca.client(t, "kubernetes-admin", time.Hour, "kubeadm:cluster-admins")
	old, oldKey := ca.client(t, "old", -time.Minute)
	s := Server{
		pairs: [][2]string{
			{write(t, dir+"/k.crt", cert), write(t, dir+"/k.key", key)},
			{dir + "/k.crt", write(t, dir+"/wrong.key", adminKey)},
			{dir + "/gone.crt", dir + "/gone.key"},
		},
		configs: []string{
			write(t, dir+"/admin.conf", kubeconfig(admin, adminKey)), write(t, dir+"/old.conf", kubeconfig(old, oldKey)),
			write(t, dir+"/token.conf", []byte("users:\n- user: {token: secret}\n")), write(t, dir+"/bad.conf", []byte("users: [{")), dir + "/gone.conf", dir,
		},
		Anonymous: true,
	}
	var got []string
	for _, id := range s.Identities() {
		got = append(got, id.User+" "+strings.Join(id.Groups, ","))
	}
	want := []string{"kubelet-client system:masters,system:authenticated", "kubernetes-admin kubeadm:cluster-admins,system:authenticated", "system:anonymous system:unauthenticated"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	s.Anonymous = false
	if got := s.Identities(); len(got) != 2 {
		t.Errorf("%d identities", len(got))
	}
}

// server is an HTTPS server that is told apart by the certificates of clients.
func server(t *testing.T, ca *authority, dir string, handler http.HandlerFunc) Server {
	t.Helper()
	cert, key := ca.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "kube-apiserver"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, time.Hour)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	host, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return Server{Host: host, Port: port, Anonymous: true, cas: []string{write(t, filepath.Join(dir, "ca.crt"), ca.pem)}}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status     int
		body, want string
	}{
		"ready":     {200, "[+]ping ok\nreadyz check passed\n", ""},
		"not ready": {500, "[+]ping ok\n[-]etcd failed: reason withheld\n[-]informer-sync failed: reason withheld\nreadyz check failed\n", "not ready: etcd, informer-sync"},
		"many":      {500, "[-]a x\n[-]b x\n[-]c x\n[-]d x\n[-]e x\n", "a, b, c and 2 more"},
		"something": {418, "", "/readyz answers 418 I'm a teapot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Connect(server(t, newAuthority(t), t.TempDir(), func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Ready(t.Context())
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasSuffix(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestGetTriesAll asks as one after the other until somebody may.
func TestGetTriesAll(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), newAuthority(t)
	asked := []string{}
	s := server(t, ca, dir, func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		asked = append(asked, name)
		if name != "admin" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"gitVersion":"v1.37.1"}`))
	})
	low, lowKey := ca.client(t, "low", time.Hour)
	admin, adminKey := ca.client(t, "admin", time.Hour)
	s.pairs = [][2]string{{write(t, dir+"/low.crt", low), write(t, dir+"/low.key", lowKey)}}
	s.configs = []string{write(t, dir+"/admin.conf", kubeconfig(admin, adminKey))}
	c, err := Connect(s)
	if err != nil {
		t.Fatal(err)
	}
	version, err := c.Version(t.Context())
	if err != nil || version != "v1.37.1" || !slices.Equal(asked, []string{"low", "admin"}) {
		t.Errorf("%q, %v, asked by %q", version, err, asked)
	}
}

// TestStranger does not talk to a server that the cluster has not signed.
func TestStranger(t *testing.T) {
	t.Parallel()
	dir, reached := t.TempDir(), false
	s := server(t, newAuthority(t), dir, func(http.ResponseWriter, *http.Request) { reached = true })
	write(t, filepath.Join(dir, "ca.crt"), newAuthority(t).pem)
	c, err := Connect(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "is not the cluster's") || reached {
		t.Errorf("error %v, reached %t", err, reached)
	}
}

// TestOwnCertificate trusts the file that the server serves with, whoever has
// signed it and whatever it is for.
func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := newAuthority(t)
	cert, key := own.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"api.example.com"}}, time.Hour)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	h.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	h.StartTLS()
	defer h.Close()
	host, port, _ := net.SplitHostPort(h.Listener.Addr().String())
	c, err := Connect(Server{Host: host, Port: port, Anonymous: true, certificate: write(t, dir+"/own.crt", cert)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConnectNeedsSomething(t *testing.T) {
	t.Parallel()
	if _, err := Connect(Server{Host: "127.0.0.1", Port: "1", Anonymous: true}); err == nil || !strings.Contains(err.Error(), "no certificate is found") {
		t.Errorf("error %v", err)
	}
	ca := write(t, filepath.Join(t.TempDir(), "ca.crt"), newAuthority(t).pem)
	if _, err := Connect(Server{Host: "127.0.0.1", Port: "1", cas: []string{ca}}); err == nil || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("error %v", err)
	}
	c, err := Connect(Server{Host: "127.0.0.1", Port: "1", cas: []string{ca}, Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err == nil || err.Error() != "127.0.0.1:1: connection refused" {
		t.Errorf("error %v", err)
	}
}
