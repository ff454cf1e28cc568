// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"time"

	"sigs.k8s.io/yaml"
)

// The names that kube-apiserver gives to requests by itself
// (k8s.io/apiserver pkg/authentication/user).
const (
	anonymousUser    = "system:anonymous"
	anonymousGroup   = "system:unauthenticated"
	everybodyElse    = "system:authenticated"
	maxConfig        = 1 << 20
	clientCertUsage  = x509.ExtKeyUsageClientAuth
	identitiesAtMost = 4
)

// Identity is somebody as whom requests can be sent.
type Identity struct {
	// User and Groups are what kube-apiserver makes of the certificate: its
	// common name and organizations, and the group of all who are known.
	User   string
	Groups []string

	certificate *tls.Certificate // nil for nobody
}

// Identities are those whose credentials kubeadm leaves on a control plane, with
// the least powers first: the one with which kube-apiserver asks kubelets, the
// administrator, and the one whom no role binds; nobody comes last, where the
// server lets nobody in. Credentials that are missing or expired are left out.
func (s Server) Identities() []Identity {
	all := make([]Identity, 0, identitiesAtMost)
	add := func(pair tls.Certificate, err error) {
		if id, ok := identify(pair, err); ok {
			all = append(all, id)
		}
	}
	for _, files := range s.pairs {
		add(tls.LoadX509KeyPair(files[0], files[1]))
	}
	for _, file := range s.configs {
		add(pairOf(file))
	}
	if s.Anonymous {
		all = append(all, Identity{User: anonymousUser, Groups: []string{anonymousGroup}})
	}
	return all
}

func identify(pair tls.Certificate, err error) (Identity, bool) {
	if err != nil {
		return Identity{}, false
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil || time.Now().After(leaf.NotAfter) {
		return Identity{}, false
	}
	for _, usage := range leaf.ExtKeyUsage {
		if usage == clientCertUsage {
			groups := append(append([]string{}, leaf.Subject.Organization...), everybodyElse)
			return Identity{User: leaf.Subject.CommonName, Groups: groups, certificate: &pair}, true
		}
	}
	return Identity{}, false
}

// pairOf takes the certificate out of a kubeconfig with one user, as kubeadm
// writes them, or as kubelets keep theirs.
func pairOf(file string) (tls.Certificate, error) {
	var config struct {
		Users []struct {
			User struct {
				Certificate     []byte `json:"client-certificate-data"`
				Key             []byte `json:"client-key-data"`
				CertificateFile string `json:"client-certificate"`
				KeyFile         string `json:"client-key"`
			} `json:"user"`
		} `json:"users"`
	}
	info, err := os.Stat(file)
	if err != nil {
		return tls.Certificate{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return tls.Certificate{}, os.ErrInvalid
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, &config)
	}
	if err != nil || len(config.Users) == 0 {
		return tls.Certificate{}, os.ErrInvalid // not the error of the decoder, which may quote a key
	}
	user := config.Users[0].User
	if len(user.Certificate) > 0 {
		return tls.X509KeyPair(user.Certificate, user.Key)
	}
	return tls.LoadX509KeyPair(user.CertificateFile, user.KeyFile)
}
