// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook_test

import (
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/webhook"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://10.0.0.5:9443/k8s-audit":       "",
		"https://collector.example.org":         "",
		"https://[fd00::5]:9443/a":              "",
		"http://127.0.0.1:9765/k8s-audit":       "",
		"https://h/a%20b":                       "",
		"https://u:hunter2@h/":                  "holds credentials",
		"https://u:hunt/er2@h/":                 "holds credentials",
		"https://hunter2@h":                     "holds credentials",
		"u:hunter2@h":                           "holds credentials",
		"https://h/a?token=hunter2":             "query",
		"https://h/?":                           "query",
		"https://h/#hunter2":                    "fragment",
		"https://h#":                            "fragment",
		"10.0.0.5:9443":                         "is not a",
		"collector:9443/x":                      "is not an https URL",
		"ftp://h/":                              "is not an https URL",
		"HTTPS://h/":                            "",
		"https:///x":                            "names no host",
		"https://:9443/":                        "names no host",
		"https:h":                               "names no host",
		"https://h:0/":                          "port",
		"https://h:70000/":                      "port",
		"https://h:/":                           "port",
		"https://h:http/":                       "is not a URL",
		"https://0.0.0.0:9443/":                 "listens",
		"https://[::]/":                         "listens",
		"":                                      "is not an https URL",
		" https://h/":                           "is not a URL",
		"http://0\xff":                          "is not a URL",
		"https://h/\u2028":                      "is not a URL",
		"https://h/a b":                         "is not a URL",
		"https://h/\nauthorization: x":          "is not a URL",
		"https://10.0.0.256/":                   "neither an address",
		"https://10.0.0/":                       "neither an address",
		"https://1.2.3.4.5:9443/":               "neither an address",
		"https://a..b/":                         "neither an address",
		"https://.a/":                           "neither an address",
		"https://./":                            "neither an address",
		"https://a.b./":                         "",
		"https://10.0.0.1./":                    "neither an address",
		"https://node1/":                        "",
		"https://1.example.org/":                "",
		"https://[fe80::1%25eth0]:9443/":        "",
		"https://h.svc.cluster.local/k8s-audit": "",
	} {
		what, hint := webhook.CheckURL(url)
		if !strings.Contains(what, want) || (what == "") != (want == "") || (what == "") != (hint == "") {
			t.Errorf("%q: %q (%q), want %q", url, what, hint, want)
		}
		if strings.Contains(what+hint, "hunter2") {
			t.Errorf("%q: the credential is told in %q", url, what+hint)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("https://a:b@c/d?e#f")
	f.Add("http://[::1%25x]:9/")
	f.Fuzz(func(t *testing.T, url string) {
		what, hint := webhook.CheckURL(url)
		if what != "" {
			return
		}
		c := webhook.Config{Server: url}
		text, err := c.Encode()
		if err != nil || hint != "" {
			t.Fatal(err, hint)
		}
		back, err := webhook.Read("k", text)
		if err != nil || back.Server != url {
			t.Errorf("%q was written and read as %+v: %v\n%s", url, back, err, text)
		}
		if webhook.HoldsSecrets(text) {
			t.Errorf("%q is a secret", url)
		}
	})
}
