// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// Look is what a check may know of the world.
type Look struct {
	// ReadFile gives a file of the control plane. Nil means that the control
	// plane is not at hand; its files are taken to be there and good.
	ReadFile func(path string) ([]byte, error)
	// Now is held against the dates of certificates; the zero Time leaves them
	// unchecked.
	Now time.Time
}

// Findings are what a check came to. Problems keep the kube-apiserver from
// starting or from sending any event; Warnings are what will work and may hurt.
type Findings struct {
	Problems, Warnings document.Problems
}

// Check judges a config by the rules that a kube-apiserver has for it when it
// starts and when it sends, and by what is known to go wrong.
//
// Source of the rules: k8s.io/client-go v0.37.1 tools/clientcmd/validation.go,
// tools/clientcmd/client_config.go (over plain http no credential is read),
// transport/transport.go (TLSConfigFor, HTTPWrappersForConfig).
func (c *Config) Check(look Look) Findings {
	k := &checking{Config: c, look: look}
	urlOK := k.server()
	k.combinations(urlOK)
	if urlOK {
		k.unknownCA()
	}
	k.proxy()
	k.authority()
	k.client()
	k.tokenFile()
	return k.Findings
}

type checking struct {
	*Config
	Findings
	look Look
}

func (k *checking) refuse(f Field, what, hint string) {
	k.Problems = append(k.Problems, k.Problem(f, what, hint))
}

func (k *checking) warn(f Field, what, hint string) {
	k.Warnings = append(k.Warnings, k.Problem(f, what, hint))
}

// unknownCA warns of a receiver whom no public CA can vouch for: one at an
// address, or under a name of the cluster.
func (k *checking) unknownCA() {
	name := host(k.Server)
	if overTLS(k.Server) && !k.CA.given() && !k.InsecureSkipTLSVerify && k.TLSServerName == "" && (net.ParseIP(name) != nil || clusterName(name)) {
		k.warn(Server, fmt.Sprintf("no CA is given, and those that the control plane trusts anyway will hardly vouch for %s", name), "name the CA of the receiver")
	}
}

// server looks at the URL and tells whether it is one.
func (k *checking) server() bool {
	if what, hint := CheckURL(k.Server); what != "" {
		k.refuse(Server, what, hint)
		return false
	}
	name := host(k.Server)
	if clusterName(name) {
		k.warn(Server, fmt.Sprintf("%s is a name of the cluster's own DNS, which the kube-apiserver does not ask: it is on the network of the host", name),
			"use an address, such as a node port on 127.0.0.1 or the service's cluster IP, and tls-server-name or a certificate for that address")
	}
	if !overTLS(k.Server) && !loopback(name) {
		k.warn(Server, fmt.Sprintf("events go to %s readable by everyone on the way, and anyone there can take the receiver's place", name), "use https")
	}
	return true
}

// combinations looks at fields that exclude or need each other.
func (k *checking) combinations(urlOK bool) {
	if k.CA.given() && k.InsecureSkipTLSVerify {
		k.refuse(Insecure, "skips the check for which "+string(CA)+" is given, and the kube-apiserver refuses to have both", "leave one of them out")
	} else if k.InsecureSkipTLSVerify {
		k.warn(Insecure, "any receiver is believed, so whoever can answer at that address gets every event", "name the CA of the receiver instead")
	}
	if k.Certificate.given() != k.Key.given() {
		f, other := Certificate, Key
		if k.Key.given() {
			f, other = Key, Certificate
		}
		k.refuse(f, fmt.Sprintf("is of no use without %s", other), "give both or none")
	}
	if k.basic && (k.token || k.TokenFile != "") {
		k.refuse(User, "has both a user with password and a token, and the kube-apiserver takes only one", "leave one of them out")
	}
	if !urlOK || overTLS(k.Server) {
		return
	}
	for _, f := range []struct {
		field Field
		given bool
	}{{CA, k.CA.given()}, {Certificate, k.Certificate.given()}, {TokenFile, k.TokenFile != ""}, {Insecure, k.InsecureSkipTLSVerify}, {User, k.token || k.basic}} {
		if f.given && f.field == User {
			k.refuse(User, "the kube-apiserver sends no credentials over plain http", "use https, or take the credentials out")
		} else if f.given {
			k.refuse(f.field, "is not looked at over plain http", "use https, or leave it out")
		}
	}
}

// proxySchemes are those that client-go takes (tools/clientcmd/helpers.go).
var proxySchemes = []string{"http", "https", "socks5"}

func (k *checking) proxy() {
	if k.ProxyURL == "" {
		return
	}
	u, err := url.Parse(k.ProxyURL)
	switch {
	case err != nil || u.Host == "" || !slices.Contains(proxySchemes, u.Scheme):
		k.refuse(Proxy, "is not the URL of a proxy", "write it as http://HOST:PORT")
	case u.User != nil:
		k.refuse(Proxy, "the URL holds credentials", "take them out")
	}
}

// read gives the content of a source. The second result is false when there is
// nothing to look at: no source, no control plane, or no file, which was
// reported then.
func (k *checking) read(f Field, s Source) ([]byte, bool) {
	if s.Data != nil {
		return s.Data, true
	}
	if !path.IsAbs(s.Path) || k.look.ReadFile == nil { // a relative one is reported by whoever was given it
		return nil, false
	}
	data, err := k.look.ReadFile(s.Path)
	for _, p := range document.ProblemsOf(err) {
		k.refuse(f, fmt.Sprintf("%s: %s", s.Path, p.What), "put it there, for the kube-apiserver opens it when it starts; the path is that of the control plane")
		return nil, false
	}
	return data, true
}
