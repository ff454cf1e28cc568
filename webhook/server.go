// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// CheckServer says why a kube-apiserver would not believe a receiver by the
// certificates that it showed, its own first: everything that is wrong, and not
// the first only. server is the URL, or https:// and the tls-server-name. Nil
// roots are those of this machine, which need not be those of the control
// plane. now must be set. Nil when all is well.
//
// The caller connects: to a receiver that asks for client certificates the
// handshake shows these before it fails.
func CheckServer(certs []*x509.Certificate, server string, roots *x509.CertPool, now time.Time) document.Problems {
	var problems document.Problems
	at := Origin(server)
	if len(certs) == 0 {
		problems.Add(at, "the receiver showed no certificate", "check that it speaks https there")
		return problems
	}
	leaf := certs[0]
	if what, hint := dates(leaf, now); what != "" {
		problems.Add(at, "the receiver's "+subject(leaf)+" "+what, hint)
	}
	if err := leaf.VerifyHostname(host(server)); err != nil {
		problems.Add(at, fmt.Sprintf("the receiver's %s is not for %s%s", subject(leaf), host(server), names(leaf)),
			"issue one with that name or address as subject alternative name")
	}
	if what, hint := chain(certs, roots, now); what != "" {
		problems.Add(at, "the receiver's "+subject(leaf)+" "+what, hint)
	}
	return problems
}

// names lists what a certificate is for. A common name has not counted since
// Go 1.15.
func names(c *x509.Certificate) string {
	var all []any
	for _, n := range c.DNSNames {
		all = append(all, n)
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return ": it has no subject alternative name, and its common name does not count"
	}
	return fmt.Sprintf(", but for %v", all)
}

// chain verifies what leads to the roots, at a time at which the certificate
// itself is valid, for its dates are looked at elsewhere.
func chain(certs []*x509.Certificate, roots *x509.CertPool, now time.Time) (what, hint string) {
	leaf := certs[0]
	if now.After(leaf.NotAfter) {
		now = leaf.NotAfter
	}
	if now.Before(leaf.NotBefore) {
		now = leaf.NotBefore
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &unknown):
		return "was issued by a CA that is not among those given: " + leaf.Issuer.String(), "give the CA of the receiver, or have the receiver send the certificates in between"
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "is not for servers", "issue one with the extended key usage serverAuth"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("was issued by %s, which is out of date: valid %s to %s", subject(invalid.Cert),
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly)), "renew the CA, or set the clock right"
	}
	return "cannot be verified: " + err.Error(), "check the certificates between it and the CA"
}
