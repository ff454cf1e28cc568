// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package live talks to the kube-apiserver of a manifest: it finds out where
// that one answers, whom to trust there and as whom to ask, all from the command
// line and the files that kubeadm lays out. It reads and asks, and changes
// nothing. Keys stay in memory: nothing of them comes into an error or a result.
package live

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
)

// defaultPort is what kube-apiserver takes for --secure-port
// (k8s.io/kubernetes pkg/kubeapiserver/options/serving.go).
const defaultPort = "6443"

// Server is where a kube-apiserver is to be found, as its manifest says. Paths
// are those of the host. Make one with [Describe].
type Server struct {
	// Host is the address to ask at, a name or a bare IP; Port is that of TLS.
	Host, Port string
	// Anonymous says whether requests without credentials are let in at all.
	Anonymous bool

	// cas and certificate are files: the certificates that sign its own and
	// those of clients, and its own.
	cas         []string
	certificate string
	// pairs are files of client certificates and keys, configs kubeconfigs.
	pairs   [][2]string
	configs []string
}

// Describe reads the command line of a manifest. It never fails: what the
// manifest does not say is as in kube-apiserver and kubeadm.
//
// An address that is bound alone is the one to ask at. Otherwise it is the
// advertised one, at which the kubelet's probes ask too and which kubeadm puts
// into the serving certificate, where 127.0.0.1 is not.
func Describe(m *manifest.Manifest) Server {
	flags := map[string]string{}
	for _, s := range m.Settings() {
		flags[s.Name] = s.Value
	}
	file := func(flag string) string {
		host, _ := m.HostPath(flags[flag])
		return host
	}
	s := Server{
		Host: "127.0.0.1", Port: defaultPort, Anonymous: !strings.EqualFold(flags["anonymous-auth"], "false"),
		certificate: file("tls-cert-file"),
	}
	if p := flags["secure-port"]; p != "" {
		s.Port = p
	}
	for _, host := range []string{flags["bind-address"], flags["advertise-address"], m.ProbeHost()} {
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
			s.Host = host
			break
		}
	}
	if ca := file("client-ca-file"); ca != "" {
		// kubeadm: /etc/kubernetes/pki/ca.crt, with the kubeconfigs one above.
		s.cas = append(s.cas, ca)
		for _, name := range []string{"admin.conf", "super-admin.conf"} {
			s.configs = append(s.configs, path.Join(path.Dir(path.Dir(ca)), name))
		}
	}
	if cert, key := file("kubelet-client-certificate"), file("kubelet-client-key"); cert != "" && key != "" {
		s.pairs = append(s.pairs, [2]string{cert, key})
	}
	return s
}

// Address is HOST:PORT.
func (s Server) Address() string { return net.JoinHostPort(s.Host, s.Port) }

// Kubeconfigs are the files with an administrator's credentials that kubeadm
// leaves on a control plane, by name; they need not be there.
func (s Server) Kubeconfigs() []string { return s.configs }

// roots are the certificates to trust: those that sign for the cluster, and the
// server's own, which may be signed by anybody.
func (s Server) roots() (*x509.CertPool, error) {
	pool, found := x509.NewCertPool(), false
	for _, file := range append([]string{s.certificate}, s.cas...) {
		if data, err := os.ReadFile(file); err == nil {
			found = pool.AppendCertsFromPEM(data) || found
		}
	}
	if !found {
		return nil, document.Problem{What: "no certificate is found by which to know the kube-apiserver: none in --client-ca-file or --tls-cert-file of the manifest",
			Hint: "run the command as root on the control plane itself"}
	}
	return pool, nil
}

// name is what the serving certificate is to be for. Where its own file says
// that it is not for Host, one of its names will do: that file is trusted.
func (s Server) name() string {
	leaf := leafOf(s.certificate)
	if leaf == nil || leaf.VerifyHostname(s.Host) == nil {
		return s.Host
	}
	for _, name := range leaf.DNSNames {
		if leaf.VerifyHostname(name) == nil {
			return name
		}
	}
	for _, ip := range leaf.IPAddresses {
		return ip.String()
	}
	return s.Host
}

// leafOf is the first certificate of a file, nil when there is none.
func leafOf(file string) *x509.Certificate {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return leaf
}
