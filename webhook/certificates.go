// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

// soon is how long before its end a certificate is warned of: time enough to
// get another.
const soon = 14 * 24 * time.Hour

// authority looks at the certificates that the receiver is judged by.
func (k *checking) authority() {
	data, ok := k.read(CA, k.CA)
	if !ok {
		return
	}
	certs, problem := certificates(data)
	if problem != "" {
		k.refuse(CA, k.named(k.CA)+problem, "it must hold the CA of the receiver in PEM")
		return
	}
	if hasKey(data) {
		k.warn(CA, k.named(k.CA)+"holds a private key beside the certificates", "give a file with the certificates alone")
	}
	for _, c := range certs {
		if !c.IsCA && !bytes.Equal(c.RawIssuer, c.RawSubject) {
			k.warn(CA, fmt.Sprintf("%s%s is the certificate of no CA: only a receiver that shows this very one is believed", k.named(k.CA), subject(c)), "give the certificate of the CA that issued it")
		}
		k.dates(CA, k.named(k.CA)+subject(c), c)
	}
}

// client looks at the certificate by which the kube-apiserver is known, and its
// key.
func (k *checking) client() {
	cert, certOK := k.read(Certificate, k.Certificate)
	key, keyOK := k.read(Key, k.Key)
	if certOK {
		certs, problem := certificates(cert)
		if problem != "" {
			k.refuse(Certificate, k.named(k.Certificate)+problem, "it must hold the client certificate in PEM")
			certOK = false
		} else {
			k.dates(Certificate, k.named(k.Certificate)+subject(certs[0]), certs[0])
			k.usage(certs[0])
		}
	}
	if keyOK {
		if problem := keyProblem(key); problem != "" {
			k.refuse(Key, k.named(k.Key)+problem, "it must hold the private key of the client certificate in PEM, unencrypted: nobody is there to type a password")
			keyOK = false
		}
	}
	if !certOK || !keyOK {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		k.refuse(Key, k.named(k.Key)+"is not the key of the client certificate", "give the two that belong together; the client certificate must be the first in its file")
	}
}

func (k *checking) usage(c *x509.Certificate) {
	uses := c.ExtKeyUsage
	if len(uses)+len(c.UnknownExtKeyUsage) > 0 && !slices.Contains(uses, x509.ExtKeyUsageClientAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		k.warn(Certificate, k.named(k.Certificate)+subject(c)+" is not for clients, so the receiver will refuse it", "issue one with the extended key usage clientAuth")
	}
}

// tokenFile looks at a bearer token, of which nothing is ever repeated. Source
// of what is made of it: k8s.io/client-go v0.37.1 transport/token_source.go.
func (k *checking) tokenFile() {
	data, ok := k.read(TokenFile, Source{Path: k.TokenFile})
	if !ok {
		return
	}
	token := strings.TrimSpace(string(data))
	switch {
	case token == "":
		k.refuse(TokenFile, k.TokenFile+" is empty", "write the token into it")
	case !fitsHeader(token):
		k.refuse(TokenFile, k.TokenFile+" is no token: it has more than one word, or characters that no header takes", "write the token into it, and nothing else")
	}
}

// fitsHeader tells whether a token can be sent.
func fitsHeader(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// named begins a sentence about a source with its path. What is inline is known
// by its line.
func (k *checking) named(s Source) string {
	if s.Path == "" {
		return ""
	}
	return s.Path + ": "
}

// dates holds a certificate against the clock.
func (k *checking) dates(f Field, name string, c *x509.Certificate) {
	if what, hint := dates(c, k.look.Now); what != "" {
		k.warn(f, name+" "+what, hint)
	}
}

// dates says what is wrong with the time of a certificate, by a clock; nothing
// by the zero Time.
func dates(c *x509.Certificate, now time.Time) (what, hint string) {
	clock := "the clock here says " + now.UTC().Format(time.RFC3339)
	switch {
	case now.IsZero():
		return "", ""
	case now.After(c.NotAfter):
		return "expired on " + c.NotAfter.UTC().Format(time.DateOnly), "issue a new one; or set the clock right: " + clock
	case now.Before(c.NotBefore):
		return "is not valid before " + c.NotBefore.UTC().Format(time.RFC3339), "set the clock right, or wait: " + clock
	case c.NotAfter.Sub(now) < soon:
		return "expires on " + c.NotAfter.UTC().Format(time.DateOnly), "issue a new one before that day: events are lost from then on"
	}
	return "", ""
}

func subject(c *x509.Certificate) string {
	if name := c.Subject.CommonName; name != "" {
		return fmt.Sprintf("certificate %q", name)
	}
	return fmt.Sprintf("certificate with serial number %s", c.SerialNumber)
}

// certificates reads all of a PEM file; the text says why there is none.
func certificates(data []byte) ([]*x509.Certificate, string) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, "holds a certificate that cannot be read"
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, "holds no certificate"
	}
	return all, ""
}

func hasKey(data []byte) bool {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return true
		}
	}
	return false
}

// keyProblem says why there is no key to use in a PEM file.
func keyProblem(data []byte) string {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return "the private key is encrypted"
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return ""
		}
	}
	return "holds no private key"
}
