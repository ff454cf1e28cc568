// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pairs is what an authority made for the two sides.
type pairs struct {
	root                      *x509.Certificate
	server                    tls.Certificate
	ca, clientCert, clientKey string // files
}

// authority makes a certificate authority, a server certificate for the address
// and a client certificate, good for that long. What the client needs is written
// into dir.
func authority(dir, address string, valid time.Duration) (p pairs, err error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return p, err
	}
	template := certificate("receiver's authority", valid)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, rootKey.Public(), rootKey)
	if err != nil {
		return p, err
	}
	if p.root, err = x509.ParseCertificate(der); err != nil {
		return p, err
	}
	issue := func(template *x509.Certificate, usage x509.ExtKeyUsage) (cert, key []byte, err error) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		template.ExtKeyUsage = []x509.ExtKeyUsage{usage}
		der, err := x509.CreateCertificate(rand.Reader, template, p.root, private.Public(), rootKey)
		if err != nil {
			return nil, nil, err
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
		return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8), err
	}
	server := certificate("receiver", valid)
	server.IPAddresses = []net.IP{net.ParseIP(address)}
	cert, key, err := issue(server, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return p, err
	}
	if p.server, err = tls.X509KeyPair(cert, key); err != nil {
		return p, err
	}
	if cert, key, err = issue(certificate("kube-apiserver", valid), x509.ExtKeyUsageClientAuth); err != nil {
		return p, err
	}
	p.ca, p.clientCert, p.clientKey = filepath.Join(dir, "ca.crt"), filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return p, err
	}
	for file, text := range map[string][]byte{p.ca: encode("CERTIFICATE", der), p.clientCert: cert, p.clientKey: key} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return p, err
		}
	}
	return p, nil
}

func certificate(name string, valid time.Duration) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid), KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
