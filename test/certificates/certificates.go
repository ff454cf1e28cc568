// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package certificates makes the keys and certificates of receivers and of
// their clients, good ones and bad ones, for tests only.
package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// Wish says what a certificate is to be. The zero value is one that fits no
// host and no use, valid from a day ago for a year.
type Wish struct {
	Name string
	// CA makes it fit to issue others.
	CA bool
	// Server and Client are its uses; Hosts are names and addresses.
	Server, Client bool
	Hosts          []string
	// From and To are its dates; zero means a day ago, and a year after From.
	From, To time.Time
}

// Pair is a certificate and its key.
type Pair struct {
	Cert *x509.Certificate
	// CertPEM and KeyPEM are as they stand in a file.
	CertPEM, KeyPEM []byte

	key *ecdsa.PrivateKey
}

// Make issues a certificate by an issuer, nil for one that signs itself.
func Make(w Wish, issuer *Pair) (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	plain := w.template()
	plain.SerialNumber = serial
	p := &Pair{key: key}
	parent, signer := plain, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, plain, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	if p.Cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	p.CertPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.KeyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return p, err
}

func (w Wish) template() *x509.Certificate {
	if w.From.IsZero() {
		w.From = time.Now().Add(-24 * time.Hour)
	}
	if w.To.IsZero() {
		w.To = w.From.Add(365 * 24 * time.Hour)
	}
	c := &x509.Certificate{Subject: pkix.Name{CommonName: w.Name}, NotBefore: w.From, NotAfter: w.To, BasicConstraintsValid: true, IsCA: w.CA, KeyUsage: x509.KeyUsageDigitalSignature}
	if w.CA {
		c.KeyUsage |= x509.KeyUsageCertSign
	}
	if w.Server {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if w.Client {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, h := range w.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return c
}
