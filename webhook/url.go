// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const urlHint = "write it as https://HOST:PORT/PATH"

// CheckURL says why a kube-apiserver cannot use, or should not be given, a URL
// as its receiver, and what to do; both are empty when it can. The URL is never
// repeated, since it may hold a password.
//
// Stricter than client-go (k8s.io/client-go rest/url_utils.go), which takes a
// host and port without a scheme too and guesses the scheme from other fields,
// and which drops a query without a word (rest/client.go, NewRESTClient).
func CheckURL(raw string) (what, hint string) {
	u, err := url.Parse(raw)
	switch {
	case strings.Contains(raw, "@") && (err != nil || u.User != nil || u.Host == ""):
		return "the URL holds credentials, or an @ that reads so; it would be in logs and in ps", "take them out, and give a client certificate or a token file instead"
	case err != nil || !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return "is not a URL", urlHint
	case u.Scheme != "https" && u.Scheme != "http":
		return "is not an https URL", urlHint
	case u.Hostname() == "" || u.Opaque != "":
		return "the URL names no host", urlHint
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return "the URL has a query or a fragment, which the kube-apiserver drops without a word", "take out everything from ? or # on; a secret in it belongs into a token file"
	}
	return checkHost(u)
}

// checkHost looks at what url.Parse lets pass.
func checkHost(u *url.URL) (what, hint string) {
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "the port of the URL is not 1 to 65535", urlHint
		}
	}
	ip := net.ParseIP(u.Hostname())
	if ip != nil && ip.IsUnspecified() {
		return fmt.Sprintf("%s is where a receiver listens, not where it is reached", u.Hostname()), "name its address; on the control plane itself that is 127.0.0.1"
	}
	// an IPv6 address with a zone is none for net; a name that ends in digits is
	// read as an address by some resolvers (RFC 1123, 2.1), and found by none
	name := strings.TrimSuffix(u.Hostname(), ".")
	if last := name[strings.LastIndex(name, ".")+1:]; ip == nil && !strings.Contains(name, ":") &&
		(strings.Trim(last, "0123456789") == "" || strings.HasPrefix(name, ".") || strings.Contains(name, "..")) {
		return "the host of the URL is neither an address nor a name", "write 10.0.0.5, [fd00::5] or a name such as collector.example.org"
	}
	return "", ""
}

// Origin is the part of a URL that may be shown: scheme, host and port. A path
// may hold what a receiver takes for a key. Empty for what is no URL.
func Origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// overTLS tells whether a good URL is https.
func overTLS(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "https"
}

// host is the host of a good URL, without port and brackets.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// loopback tells whether events to this host stay on the machine.
func loopback(name string) bool {
	ip := net.ParseIP(name)
	return strings.EqualFold(strings.TrimSuffix(name, "."), "localhost") || ip != nil && ip.IsLoopback()
}

// clusterName tells whether only the DNS of the cluster knows a name: the
// kube-apiserver is on the host's network and asks the host's resolver
// (dnsPolicy of a pod with hostNetwork; falcosecurity/falco#2808).
func clusterName(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return strings.HasSuffix(name, ".svc") || strings.Contains(name, ".svc.") || strings.HasSuffix(name, ".cluster.local")
}
