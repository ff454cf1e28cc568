// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/certificates"
	"github.com/auditsetup/auditsetup/webhook"
)

// TestCheckConfig is about what can be said without a look at the files.
func TestCheckConfig(t *testing.T) {
	t.Parallel()
	ca, cert, key := webhook.Source{Path: "/p/ca.crt"}, webhook.Source{Path: "/p/c.crt"}, webhook.Source{Path: "/p/c.key"}
	for name, c := range map[string]struct {
		config             webhook.Config
		problems, warnings []string
	}{
		"good":          {webhook.Config{Server: "https://h/", CA: ca, Certificate: cert, Key: key}, nil, nil},
		"loopback":      {webhook.Config{Server: "http://127.0.0.1:9765/k8s-audit"}, nil, nil},
		"localhost":     {webhook.Config{Server: "http://localhost./x"}, nil, nil},
		"loopback, v6":  {webhook.Config{Server: "http://[::1]:1/x"}, nil, nil},
		"plain":         {webhook.Config{Server: "http://10.0.0.5:9765/x"}, nil, []string{"server: events go to 10.0.0.5 readable by everyone"}},
		"no URL":        {webhook.Config{Server: "h"}, []string{"server: is not an https URL"}, nil},
		"service":       {webhook.Config{Server: "https://falco.falco.svc:9765/"}, nil, []string{"falco.falco.svc is a name of the cluster's own DNS", "no CA is given"}},
		"whole service": {webhook.Config{Server: "https://falco.falco.svc.cluster.local/", CA: ca}, nil, []string{"cluster's own DNS"}},
		"other domain":  {webhook.Config{Server: "https://Falco.falco.SVC.k8s.example./", CA: ca}, nil, []string{"cluster's own DNS"}},
		"no service":    {webhook.Config{Server: "https://svc.example.org/"}, nil, nil},
		"no CA":         {webhook.Config{Server: "https://10.0.0.5/"}, nil, []string{"server: no CA is given, and those that the control plane trusts anyway will hardly vouch for 10.0.0.5"}},
		"public":        {webhook.Config{Server: "https://collector.example.org/"}, nil, nil},
		"another name":  {webhook.Config{Server: "https://10.0.0.5/", TLSServerName: "collector.example.org"}, nil, nil},
		"insecure":      {webhook.Config{Server: "https://h/", InsecureSkipTLSVerify: true}, nil, []string{"insecure-skip-tls-verify: any receiver is believed"}},
		"insecure, CA":  {webhook.Config{Server: "https://h/", CA: ca, InsecureSkipTLSVerify: true}, []string{"leave one of them out"}, nil},
		"no key":        {webhook.Config{Server: "https://h/", Certificate: cert}, []string{"client-certificate: is of no use without client-key"}, nil},
		"no cert":       {webhook.Config{Server: "https://h/", Key: key}, []string{"client-key: is of no use without client-certificate"}, nil},
		"plain with credentials": {webhook.Config{Server: "http://127.0.0.1/", CA: ca, Certificate: cert, Key: key, TokenFile: "/p/t", InsecureSkipTLSVerify: true},
			[]string{"insecure", "certificate-authority: is not looked at over plain http", "client-certificate: is not", "tokenFile: is not", "insecure-skip-tls-verify: is not"}, nil},
		"proxy":             {webhook.Config{Server: "https://h/", ProxyURL: "socks5://p:1080"}, nil, nil},
		"no proxy":          {webhook.Config{Server: "https://h/", ProxyURL: "p:1080"}, []string{"proxy-url: is not the URL of a proxy"}, nil},
		"proxy's password":  {webhook.Config{Server: "https://h/", ProxyURL: "http://u:hunter2@p:1080"}, []string{"proxy-url: the URL holds credentials"}, nil},
		"all wrong at once": {webhook.Config{Server: "ftp://h", Key: key, CA: ca, InsecureSkipTLSVerify: true, ProxyURL: "x"}, []string{"server", "insecure", "client-key", "proxy"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.config.Check(webhook.Look{})
			expect(t, "problem", got.Problems, c.problems)
			expect(t, "warning", got.Warnings, c.warnings)
		})
	}
}

// TestCheckCredentials is about credentials in the kubeconfig itself.
func TestCheckCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cluster, user string
		want          []string
	}{
		"token":              {"server: https://h", "token: hunter2", nil},
		"password":           {"server: https://h", "username: a\n    password: hunter2", nil},
		"token, file":        {"server: https://h", "token: hunter2\n    tokenFile: /p/t", nil},
		"token and password": {"server: https://h", "token: hunter2\n    password: hunter2", []string{"k:14:5: has both a user"}},
		"file and password":  {"server: https://h", "tokenFile: /p/t\n    password: hunter2", []string{"has both a user"}},
		"over http":          {"server: http://127.0.0.1", "token: hunter2", []string{"sends no credentials over plain http"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := webhook.Read("k", []byte(own(c.cluster, c.user)))
			if err != nil {
				t.Fatal(err)
			}
			got := config.Check(webhook.Look{})
			expect(t, "problem", got.Problems, c.want)
			expect(t, "warning", got.Warnings, nil)
		})
	}
}

// TestCheckFiles looks at real certificates, at one moment.
// TestCheckRelative leaves a path that means nothing to whoever was given it, and
// does not look for it on the control plane.
func TestCheckRelative(t *testing.T) {
	t.Parallel()
	c := webhook.Config{Server: "https://h/", CA: webhook.Source{Path: "ca.crt"}}
	found := c.Check(webhook.Look{ReadFile: func(path string) ([]byte, error) { return nil, errors.New(path + " was read") }})
	expect(t, "problem", found.Problems, nil)
}

func TestCheckFiles(t *testing.T) {
	t.Parallel()
	ca := issue(t, certificates.Wish{Name: "receiver CA", CA: true}, nil)
	oldCA := issue(t, certificates.Wish{Name: "old CA", CA: true, From: day(-400), To: day(-1)}, nil)
	client := issue(t, certificates.Wish{Name: "kube-apiserver", Client: true}, ca)
	other := issue(t, certificates.Wish{Name: "another", Client: true}, ca)
	expired := issue(t, certificates.Wish{Name: "expired", Client: true, From: day(-20), To: day(-1)}, ca)
	early := issue(t, certificates.Wish{Name: "early", Client: true, From: day(1), To: day(100)}, ca)
	ending := issue(t, certificates.Wish{Name: "ending", Client: true, To: day(3)}, ca)
	server := issue(t, certificates.Wish{Name: "server", Server: true}, ca)
	alone := issue(t, certificates.Wish{Name: "alone", Server: true}, nil)
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("hunter2")})
	lockedOld := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte("x")})
	garbage := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hunter2")})
	both := append(client.KeyPEM[:len(client.KeyPEM):len(client.KeyPEM)], client.CertPEM...)
	for name, c := range map[string]struct {
		ca, cert, key, token []byte // nil: not given; empty: not there
		problems, warnings   []string
	}{
		"good":            {ca: ca.CertPEM, cert: client.CertPEM, key: client.KeyPEM, token: []byte("abc.def\n")},
		"one file":        {ca: ca.CertPEM, cert: both, key: both},
		"missing":         {ca: []byte{}, cert: []byte{}, key: []byte{}, token: []byte{}, problems: []string{"certificate-authority: /p/ca: cannot read", "client-certificate: /p/cert: ", "client-key: /p/key: ", "tokenFile: /p/token: "}},
		"no PEM":          {ca: []byte("x"), cert: []byte("hunter2"), key: []byte("hunter2"), problems: []string{"/p/ca: holds no certificate", "/p/cert: holds no certificate", "/p/key: holds no private key"}},
		"garbage":         {ca: garbage, cert: garbage, key: client.KeyPEM, problems: []string{"/p/ca: holds a certificate that cannot be read", "/p/cert: holds a certificate that cannot be read"}},
		"key as CA":       {ca: client.KeyPEM, problems: []string{"/p/ca: holds no certificate"}},
		"swapped":         {cert: client.KeyPEM, key: client.CertPEM, problems: []string{"holds no certificate", "holds no private key"}},
		"other key":       {cert: client.CertPEM, key: other.KeyPEM, problems: []string{"client-key: /p/key: is not the key of the client certificate"}},
		"chain reversed":  {cert: append(ca.CertPEM[:len(ca.CertPEM):len(ca.CertPEM)], client.CertPEM...), key: client.KeyPEM, problems: []string{"is not the key"}, warnings: nil},
		"locked":          {cert: client.CertPEM, key: locked, problems: []string{"the private key is encrypted"}},
		"locked, old":     {cert: client.CertPEM, key: lockedOld, problems: []string{"the private key is encrypted"}},
		"CA expired":      {ca: oldCA.CertPEM, warnings: []string{`/p/ca: certificate "old CA" expired on 2026-11-21`}},
		"one of two":      {ca: append(ca.CertPEM[:len(ca.CertPEM):len(ca.CertPEM)], oldCA.CertPEM...), warnings: []string{"old CA"}},
		"no CA":           {ca: server.CertPEM, warnings: []string{`certificate "server" is the certificate of no CA`}},
		"signs itself":    {ca: alone.CertPEM},
		"CA with key":     {ca: append(ca.KeyPEM[:len(ca.KeyPEM):len(ca.KeyPEM)], ca.CertPEM...), warnings: []string{"holds a private key"}},
		"expired":         {cert: expired.CertPEM, key: expired.KeyPEM, warnings: []string{`/p/cert: certificate "expired" expired on 2026-11-21 | issue a new one; or set the clock right: the clock here says 2026-11-22T12:00:00Z`}},
		"not yet":         {cert: early.CertPEM, key: early.KeyPEM, warnings: []string{`is not valid before 2026-11-23T12:00:00Z | set the clock right`}},
		"soon":            {cert: ending.CertPEM, key: ending.KeyPEM, warnings: []string{"expires on 2026-11-25"}},
		"for servers":     {cert: server.CertPEM, key: server.KeyPEM, warnings: []string{`"server" is not for clients`}},
		"blank token":     {token: []byte(" \n"), problems: []string{"tokenFile: /p/token is empty"}},
		"two words":       {token: []byte("hunter2 hunter2"), problems: []string{"/p/token is no token"}},
		"with a header":   {token: []byte("Bearer hunter2\nX: y"), problems: []string{"/p/token is no token"}},
		"no ASCII, token": {token: []byte("hunter2ä"), problems: []string{"/p/token is no token"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, config := files{}, webhook.Config{Server: "https://h/"}
			for _, f := range []struct {
				data []byte
				path string
				into *string
			}{{c.ca, "/p/ca", &config.CA.Path}, {c.cert, "/p/cert", &config.Certificate.Path}, {c.key, "/p/key", &config.Key.Path}, {c.token, "/p/token", &config.TokenFile}} {
				if f.data != nil {
					*f.into = f.path
				}
				if len(f.data) > 0 {
					host[f.path] = f.data
				}
			}
			got := config.Check(webhook.Look{ReadFile: host.read, Now: now})
			expect(t, "problem", got.Problems, c.problems)
			expect(t, "warning", got.Warnings, c.warnings)
			if strings.Contains(got.Problems.Error()+got.Warnings.Error(), "hunter2") {
				t.Error("a content is told")
			}
			if len(config.Files()) == 0 {
				t.Error("it names no file")
			}
			if got = config.Check(webhook.Look{Now: now}); len(got.Problems) > 0 {
				t.Errorf("with no control plane at hand: %v", got.Problems)
			}
		})
	}
}

// TestCheckServer verifies what real receivers would show.
func TestCheckServer(t *testing.T) {
	t.Parallel()
	ca := issue(t, certificates.Wish{Name: "receiver CA", CA: true, From: day(-1000), To: day(1000)}, nil)
	between := issue(t, certificates.Wish{Name: "between", CA: true}, ca)
	tired := issue(t, certificates.Wish{Name: "tired", CA: true, From: day(-100), To: day(-50)}, ca)
	stranger := issue(t, certificates.Wish{Name: "stranger", CA: true}, nil)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	const url = "https://10.0.0.5:9443/k8s-audit"
	wish := func(change func(*certificates.Wish)) certificates.Wish {
		w := certificates.Wish{Name: "falco", Server: true, Hosts: []string{"10.0.0.5", "collector.example.org"}}
		if change != nil {
			change(&w)
		}
		return w
	}
	good := issue(t, wish(nil), ca)
	for name, c := range map[string]struct {
		certs []*x509.Certificate
		url   string
		want  []string
	}{
		"good":         {[]*x509.Certificate{good.Cert}, url, nil},
		"by name":      {[]*x509.Certificate{good.Cert}, "https://collector.example.org/", nil},
		"with a chain": {[]*x509.Certificate{issue(t, wish(nil), between).Cert, between.Cert}, url, nil},
		"chain left out": {[]*x509.Certificate{issue(t, wish(nil), between).Cert}, url,
			[]string{`https://10.0.0.5:9443: the receiver's certificate "falco" was issued by a CA that is not among those given: CN=between`}},
		"none":            {nil, url, []string{"showed no certificate"}},
		"other address":   {[]*x509.Certificate{good.Cert}, "https://10.0.0.6/", []string{"is not for 10.0.0.6, but for [collector.example.org 10.0.0.5]"}},
		"other name":      {[]*x509.Certificate{good.Cert}, "https://collector/", []string{"is not for collector"}},
		"common name":     {[]*x509.Certificate{issue(t, wish(func(w *certificates.Wish) { w.Name, w.Hosts = "collector", nil }), ca).Cert}, "https://collector/", []string{"its common name does not count"}},
		"expired":         {[]*x509.Certificate{issue(t, wish(func(w *certificates.Wish) { w.From, w.To = day(-9), day(-1) }), ca).Cert}, url, []string{`"falco" expired on 2026-11-21`}},
		"not yet":         {[]*x509.Certificate{issue(t, wish(func(w *certificates.Wish) { w.From, w.To = day(1), day(9) }), ca).Cert}, url, []string{"is not valid before"}},
		"for clients":     {[]*x509.Certificate{issue(t, wish(func(w *certificates.Wish) { w.Server, w.Client = false, true }), ca).Cert}, url, []string{"is not for servers"}},
		"stranger":        {[]*x509.Certificate{issue(t, wish(nil), stranger).Cert}, url, []string{"not among those given: CN=stranger"}},
		"signs itself":    {[]*x509.Certificate{issue(t, wish(nil), nil).Cert}, url, []string{"not among those given"}},
		"tired in chain":  {[]*x509.Certificate{issue(t, wish(nil), tired).Cert, tired.Cert}, url, []string{`was issued by certificate "tired", which is out of date`}},
		"all at once":     {[]*x509.Certificate{issue(t, wish(func(w *certificates.Wish) { w.From, w.To = day(-9), day(-1) }), stranger).Cert}, "https://x/", []string{"expired", "is not for x", "not among those given"}},
		"the very one in": {[]*x509.Certificate{ca.Cert}, url, []string{"its common name does not count"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, "problem", webhook.CheckServer(c.certs, c.url, roots, now), c.want)
		})
	}
	if got := webhook.CheckServer([]*x509.Certificate{good.Cert}, url, roots, time.Time{}.AddDate(2000, 0, 0)); len(got) == 0 {
		t.Error("good before it was issued")
	}
}
