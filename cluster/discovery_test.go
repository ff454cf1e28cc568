// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/cluster"
	"github.com/auditsetup/auditsetup/document"
)

const secret = "very-secret-token"

// kubeconfig is for a TLS server, with a token; trust empty takes its certificate.
func kubeconfig(t *testing.T, server *httptest.Server, trust string) string {
	t.Helper()
	if trust == "" {
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		trust = "certificate-authority-data: " + base64.StdEncoding.EncodeToString(ca)
	}
	return put(t, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: %q, %s}}]
users: [{name: u, user: {token: %s}}]
`, server.URL, trust, secret))
}

func put(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// pages are answers by path, of what only those get who are logged in. Those that
// begin with a number have it as their status.
func pages(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, there := answers[r.URL.Path]
		status := http.StatusOK
		switch {
		case r.Header.Get("Authorization") != "Bearer "+secret:
			status, answer = http.StatusUnauthorized, ""
		case !there:
			status, answer = http.StatusNotFound, ""
		case strings.HasPrefix(answer, "503"):
			status, answer = http.StatusServiceUnavailable, "service unavailable"
		}
		form := "application/json"
		if strings.Contains(answer, "APIGroupDiscoveryList") {
			form = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
		}
		w.Header().Set("Content-Type", form)
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}
}

const (
	coreList   = `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","namespaced":true,"kind":"Pod","verbs":["get"]},{"name":"pods/exec","namespaced":true,"kind":"PodExecOptions","verbs":["create"]}]}`
	widgetList = `{"kind":"APIResourceList","groupVersion":"example.com/v1","resources":[{"name":"widgets","namespaced":true,"kind":"Widget","verbs":["list","get"]}]}`
	coreItems  = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[{"metadata":{},"versions":[{"version":"v1","freshness":"Current","resources":[
		{"resource":"pods","responseKind":{"version":"v1","kind":"Pod"},"scope":"Namespaced","verbs":["get"],"subresources":[{"subresource":"exec","responseKind":{"version":"v1","kind":"PodExecOptions"},"verbs":["create"]}]}]}]}]}`
	moreItems = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[
		{"metadata":{"name":"example.com"},"versions":[{"version":"v1","freshness":"Current","resources":[{"resource":"widgets","responseKind":{"group":"example.com","version":"v1","kind":"Widget"},"scope":"Namespaced","verbs":["get","list"]}]}]},
		{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}`
	groups = `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"example.com","versions":[{"groupVersion":"example.com/v1","version":"v1"}]},
		{"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}]}]}`
	versions = `{"kind":"APIVersions","versions":["v1"]}`
)

// TestDiscover asks servers that answer in one and that answer piece by piece, all
// of an aggregated API or not.
func TestDiscover(t *testing.T) {
	t.Parallel()
	const metrics = "what it serves in metrics.k8s.io/v1beta1 is not known: "
	for name, c := range map[string]struct {
		answers map[string]string
		missing []string
	}{
		"at once":         {map[string]string{"/api": coreItems, "/apis": strings.Replace(moreItems, "Stale", "Current", 1)}, nil},
		"at once, part":   {map[string]string{"/api": coreItems, "/apis": moreItems}, []string{metrics + "its own server does not answer"}},
		"in pieces":       {map[string]string{"/api": versions, "/apis": groups, "/api/v1": coreList, "/apis/example.com/v1": widgetList, "/apis/metrics.k8s.io/v1beta1": `{"kind":"APIResourceList","groupVersion":"metrics.k8s.io/v1beta1"}`}, nil},
		"in pieces, part": {map[string]string{"/api": versions, "/apis": groups, "/api/v1": coreList, "/apis/example.com/v1": widgetList, "/apis/metrics.k8s.io/v1beta1": "503"}, []string{metrics + "answers 503 Service Unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewTLSServer(pages(c.answers))
			defer server.Close()
			config, err := os.ReadFile(kubeconfig(t, server, ""))
			if err != nil {
				t.Fatal(err)
			}
			elsewhere := put(t, strings.Replace(string(config), "current-context: c", "current-context: elsewhere", 1))
			got, err := cluster.Discover(t.Context(), cluster.Kubeconfig{File: elsewhere, Context: "c"})
			if err != nil {
				t.Fatal(err)
			}
			var names, missing []string
			for _, r := range got.Resources {
				names = append(names, fmt.Sprintf("%q %s %v", r.Group, r.Path(), r.Verbs))
			}
			if want := []string{`"" pods [get]`, `"" pods/exec [create]`, `"example.com" widgets [get list]`}; !slices.Equal(names, want) {
				t.Errorf("%q, want %q", names, want)
			}
			for _, p := range got.Missing {
				missing = append(missing, p.What)
				if p.File != server.URL || p.Hint != "see kubectl get apiservice v1beta1.metrics.k8s.io" {
					t.Errorf("%+v", p)
				}
			}
			if !slices.Equal(missing, c.missing) {
				t.Errorf("missing %q, want %q", missing, c.missing)
			}
		})
	}
}

// TestRefusals says what to do, and nothing secret.
func TestRefusals(t *testing.T) {
	t.Parallel()
	status := func(code int, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://login.example/")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"code":%d}`, message, code)
		}
	}
	forbidden := func(user string) http.HandlerFunc {
		return status(http.StatusForbidden, fmt.Sprintf("forbidden: User %q cannot get path \"/api\"", user))
	}
	const bind = "kubectl create clusterrolebinding auditsetup-discovery --clusterrole=system:discovery "
	for name, c := range map[string]struct {
		handler    http.HandlerFunc
		what, hint string
	}{
		"user":            {forbidden("jane@example.com"), "jane@example.com may not read it: that takes the verb get on the nonResourceURLs /api, /api/*, /apis and /apis/*", bind + "--user=jane@example.com"},
		"odd user":        {forbidden("o'neill; x"), "o'neill; x may not read it", `--user='o'\''neill; x'`},
		"service account": {forbidden("system:serviceaccount:ns:sa"), "system:serviceaccount:ns:sa may not", bind + "--serviceaccount=ns:sa"},
		"anonymous":       {forbidden("system:anonymous"), "nobody may not read it", "ask with credentials"},
		"forbidden":       {status(http.StatusForbidden, "no"), "the user of the kubeconfig may not read it", bind + "--user=NAME"},
		"unauthorized":    {status(http.StatusUnauthorized, "no"), "answers 401 Unauthorized", "the credentials of the kubeconfig are not taken"},
		"not found":       {status(http.StatusNotFound, "no"), "answers 404 Not Found", "does the kubeconfig name a kube-apiserver?"},
		"redirection":     {status(http.StatusFound, "there"), "answers 302 Found", "does the kubeconfig name a kube-apiserver?"},
		"failure":         {status(http.StatusInternalServerError, "oh"), "answers 500 Internal Server Error", "kubectl api-resources"},
		"web page":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "answers, and not as a kube-apiserver does", "does the kubeconfig name"},
		"a list":          {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") }, "answers, and not as a kube-apiserver does", "does the kubeconfig name"},
		"nothing":         {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, "has no resources in it", "does the kubeconfig name"},
		"nameless":        {pages(map[string]string{"/api": versions, "/apis": "{}", "/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"verbs":["get"]}]}`}), "a resource of v1 has no name", "does the kubeconfig name"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "{")
		}, "cannot be asked: the connection was closed", "kubectl api-resources"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewTLSServer(c.handler)
			defer server.Close()
			problem(t, cluster.Kubeconfig{File: kubeconfig(t, server, "")}, server.URL+": "+c.what, c.hint)
		})
	}
}

// problem wants exactly one.
func problem(t *testing.T, k cluster.Kubeconfig, what, hint string) {
	t.Helper()
	_, err := cluster.Discover(t.Context(), k)
	ps := document.ProblemsOf(err)
	if len(ps) != 1 || !strings.Contains(ps[0].Error(), what) || !strings.Contains(ps[0].Hint, hint) || strings.Contains(ps[0].Error()+ps[0].Hint, secret) {
		t.Errorf("%+v\nwant %s\n%s", ps, what, hint)
	}
}

// TestNothingAnswers wants a reason for each group when there is nothing at all.
func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(pages(map[string]string{"/api": versions, "/apis": groups, "/api/v1": "503", "/apis/example.com/v1": "503", "/apis/metrics.k8s.io/v1beta1": "503"}))
	defer server.Close()
	_, err := cluster.Discover(t.Context(), cluster.Kubeconfig{File: kubeconfig(t, server, "")})
	if ps := document.ProblemsOf(err); len(ps) != 4 || !strings.Contains(ps[0].What, "example.com/v1 is not known: answers 503") || !strings.Contains(ps[3].What, "no resources") {
		t.Errorf("%+v", ps)
	}
}

// TestNobodyAsked has kubeconfigs that lead nowhere.
func TestNobodyAsked(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail, as they should
	server.StartTLS()
	defer server.Close()
	gone := httptest.NewTLSServer(nil)
	gone.Close()
	config := kubeconfig(t, server, "")
	for name, c := range map[string]struct {
		k          cluster.Kubeconfig
		what, hint string
	}{
		"no kubeconfig":    {cluster.Kubeconfig{File: "/nowhere/config"}, "/nowhere/config: cannot be read: no such file or directory", "--kubeconfig"},
		"empty kubeconfig": {cluster.Kubeconfig{File: put(t, "")}, "it names no cluster", "KUBECONFIG"},
		"bad kubeconfig":   {cluster.Kubeconfig{File: put(t, "users: "+secret)}, "is no kubeconfig", "kubectl config view"},
		"no such context":  {cluster.Kubeconfig{File: config, Context: "x"}, `there is no context "x"`, "kubectl config get-contexts"},
		"no such cluster":  {cluster.Kubeconfig{File: put(t, "{kind: Config, current-context: c, clusters: [{name: b, cluster: {server: 'https://h'}}], contexts: [{name: c, context: {cluster: c}}]}")}, "there is none, or it names no cluster", "--kubeconfig"},
		"no URL":           {cluster.Kubeconfig{File: put(t, "{kind: Config, current-context: c, clusters: [{name: c, cluster: {server: 'https://a b'}}], contexts: [{name: c, context: {cluster: c}}]}")}, "has a server that is no URL", ""},
		"no CA":            {cluster.Kubeconfig{File: kubeconfig(t, server, "certificate-authority-data: "+base64.StdEncoding.EncodeToString([]byte("no")))}, "cannot be used to ask the cluster", "kubectl"},
		"nobody there":     {cluster.Kubeconfig{File: kubeconfig(t, gone, "insecure-skip-tls-verify: true")}, gone.URL + ": cannot be asked: connection refused", "kubectl api-resources"},
		"another cluster":  {cluster.Kubeconfig{File: kubeconfig(t, server, "tls-server-name: 127.0.0.1")}, "the certificate of whoever answers there is not the cluster's", "kubectl"},
		"named otherwise":  {cluster.Kubeconfig{File: kubeconfig(t, server, "tls-server-name: elsewhere.example, "+"certificate-authority-data: "+base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))}, "the certificate there is not for elsewhere.example", "tls-server-name"},
	} {
		t.Run(name, func(t *testing.T) {
			problem(t, c.k, c.what, c.hint)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cluster.Discover(ctx, cluster.Kubeconfig{File: config}); err == nil || !strings.Contains(err.Error(), "cannot be asked: interrupted") {
		t.Error(err)
	}
}
