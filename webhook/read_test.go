// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook_test

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/webhook"
)

// own puts a cluster and a user into a kubeconfig.
func own(cluster, user string) string {
	return "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {cluster: r, user: u}\n" +
		"clusters:\n- name: r\n  cluster:\n    " + cluster + "\nusers:\n- name: u\n  user:\n    " + user + "\n"
}

func TestEncodeRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]webhook.Config{
		"least": {Server: "https://h/"},
		"all": {Server: "https://10.0.0.5:9443/x", CA: webhook.Source{Path: "/p/ca.crt"}, Certificate: webhook.Source{Path: "/p/c.crt"},
			Key: webhook.Source{Path: "/p/c.key"}, TokenFile: "/p/token"},
		"insecure": {Server: "https://h/", InsecureSkipTLSVerify: true},
		"odd":      {Server: "https://h/'\"{", CA: webhook.Source{Path: "/p/ca #1: {x}'\".crt"}, TokenFile: "/p/- y"},
	} {
		text, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := webhook.Read("k.yaml", text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		got.At = nil
		if !reflect.DeepEqual(*got, want) || webhook.HoldsSecrets(text) {
			t.Errorf("%s: %+v, secret %v\n%s", name, *got, webhook.HoldsSecrets(text), text)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	const falco = "apiVersion: v1\nkind: Config\nclusters:\n- name: falco\n  cluster:\n    server: http://127.0.0.1:9765/k8s-audit\n" +
		"contexts:\n- context:\n    cluster: falco\n    user: \"\"\n  name: default-context\ncurrent-context: default-context\npreferences: {}\nusers: []\n"
	pem := base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n"))
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"as Falco's is":   {falco, nil},
		"inline":          {own("server: https://h\n    certificate-authority-data: "+pem, "token: t0ken"), nil},
		"JSON":            {`{"clusters":[{"name":"r","cluster":{"server":"https://h"}}],"contexts":[{"name":"c","context":{"cluster":"r","user":""}}],"current-context":"c"}`, nil},
		"misspelt":        {own("server: https://h\n    certificate-authorty: /p/ca", "{}"), []string{`k:11:5: unknown field "certificate-authorty" in clusters[0].cluster | did you mean "certificate-authority"`}},
		"no context":      {strings.Replace(falco, "current-context: default-context\n", "", 1), []string{"current-context is missing"}},
		"other context":   {strings.Replace(falco, "current-context: default-", "current-context: ", 1), []string{`k:12:18: there is no context "context"`}},
		"other cluster":   {strings.Replace(falco, "    cluster: falco", "    cluster: facro", 1), []string{`there is no cluster "facro"`}},
		"other user":      {strings.Replace(falco, `user: ""`, `user: "x"`, 1), []string{`there is no user "x"`}},
		"no server":       {own("insecure-skip-tls-verify: true", "{}"), []string{"the cluster has no server"}},
		"relative":        {own("server: https://h\n    certificate-authority: ca.crt", "client-certificate: ./c\n    client-key: /p/../k\n    tokenFile: t"), []string{"k:11:28: is not a plain absolute path", "k:15:25: is not", "k:16:17: is not", "k:17:16: is not"}},
		"both":            {own("server: https://h\n    certificate-authority: /p/ca\n    certificate-authority-data: "+pem, "client-key: /k\n    client-key-data: "+pem), []string{"certificate-authority and certificate-authority-data are both given", "client-key and client-key-data"}},
		"no base64":       {own("server: https://h\n    certificate-authority-data: hunter2!", "{}"), []string{"certificate-authority-data is not base64"}},
		"exec":            {own("server: https://h", "exec: {command: /bin/hunter2, apiVersion: x}"), []string{"exec runs what the image"}},
		"auth-provider":   {own("server: https://h", "auth-provider: {name: oidc}"), []string{"auth-provider runs what"}},
		"impersonation":   {own("server: https://h", "as-groups: [g]"), []string{"impersonates a group"}},
		"twice":           {strings.Replace(falco, "users: []", "users: [{name: a, user: {}}, {name: a, user: {}}]", 1), []string{`the name "a" is given twice in users`}},
		"other kind":      {strings.Replace(falco, "kind: Config", "kind: Policy", 1), []string{`kind is "Policy"`}},
		"other version":   {strings.Replace(falco, "apiVersion: v1", "apiVersion: v2", 1), []string{`apiVersion is "v2"`}},
		"a number":        {own("server: https://h", "password: 4711\n    username: u"), []string{"k:14:15: users[0].user.password must be text | text that looks like"}},
		"an alias":        {own("server: https://h", "token: *hunter2"), []string{""}},
		"a tag":           {own("server: https://h", "token: !hunter2 x"), []string{"a tag is not allowed"}},
		"token of lines":  {own("server: https://h", "token: \"hunter2\\nX: y\""), []string{"k:14:12: the token has more than one word"}},
		"binary":          {"a: \x00", []string{"holds binary data | check it with kubectl"}},
		"a bare token":    {own("server: https://h", "hunter2"), []string{"users[0].user must be"}},
		"broken":          {own("server: https://h", "token: 'hunter2"), []string{"k:"}},
		"a key no text":   {own("server: https://h", "4711: x"), []string{"a tag is not allowed here, nor a key that is not text"}},
		"empty":           {"", []string{"k: is empty"}},
		"a list":          {"- a\n", []string{"must be"}},
		"everything else": {"clusters: []\nusers: []\ncontexts: []\n", []string{"current-context is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.Read("k", []byte(c.text))
			problems := document.ProblemsOf(err)
			expect(t, "problem", problems, c.want)
			if err == nil && got.Server == "" {
				t.Error("no server")
			}
			for _, p := range problems {
				for _, secret := range []string{"hunter2", "4711"} {
					if strings.Contains(p.Error()+p.Hint, secret) {
						t.Errorf("%v: tells what the file holds", p)
					}
				}
			}
		})
	}
}

func TestHoldsSecrets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		own("server: https://h", "{}"):                                                 false,
		own("server: https://h", "client-certificate: /a\n    client-key: /b"):         false,
		own("server: https://h", "tokenFile: /a"):                                      false,
		own("server: https://h", "token: x"):                                           true,
		own("server: https://h", "client-key-data: eA=="):                              true,
		own("server: https://h", "username: x"):                                        true,
		own("server: https://h", "password: 1"):                                        true,
		own("server: https://h", "exec: {command: x, env: [{name: A, value: b}]}"):     true,
		own("server: https://h", "auth-provider: {name: oidc, config: {id-token: x}}"): true,
		own("server: https://a:b@h", "{}"):                                             true,
		own("server: https://h?x=1", "{}"):                                             true,
		own("server: https://h", "{} # was token: x"):                                  true,
		"not: [yaml":                false,
		"not: [yaml\ntoken: x":      true,
		"a: &a {token: x}\nb: *a\n": true,
		"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  resources: [{group: \"\", resources: [\"serviceaccounts/token\"]}]\n": false,
		"# a token: is never logged\napiVersion: audit.k8s.io/v1\nkind: Policy\n":                                                                  false,
		"": false,
	} {
		if got := webhook.HoldsSecrets([]byte(text)); got != want {
			t.Errorf("%v, want %v:\n%s", got, want, text)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(own("server: https://h", "token: x")))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte(`{"users":null,"clusters":[null],"contexts":[{"context":[]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := webhook.Read("k", data)
		if err == nil && (c == nil || c.Server == "") {
			t.Errorf("accepted: %+v", c)
		}
		if c != nil {
			c.Check(webhook.Look{ReadFile: files{}.read, Now: now})
		}
		webhook.HoldsSecrets(data)
	})
}
