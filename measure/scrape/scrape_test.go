// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package scrape

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

const secret = "very-secret-token"

// metrics is a server that counts ten requests more each time.
func metrics(w http.ResponseWriter, r *http.Request, n int64) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, "apiserver_request_total{verb=\"GET\"} %d\nprocess_start_time_seconds 1000\n", 10*n)
}

func counting() http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) { metrics(w, r, n.Add(1)) }
}

// kubeconfig is for a TLS server, with a token.
func kubeconfig(t *testing.T, server *httptest.Server, more string) string {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	trust := "certificate-authority-data: " + base64.StdEncoding.EncodeToString(ca)
	if more != "" {
		trust = more
	}
	return put(t, "config", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: %q, %s}}]
users: [{name: u, user: {token: %s}}]
`, server.URL, trust, secret))
}

func put(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestServers asks over TLS as the user of a kubeconfig, by its server and by a
// URL, and over plain http as nobody.
func TestServers(t *testing.T) {
	t.Parallel()
	handler := counting()
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler(w, r)
	}))
	defer tls.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials over plain http")
		}
		handler(w, r)
	}))
	defer plain.Close()
	config := kubeconfig(t, tls, "")
	for _, source := range []string{Kubeconfig, tls.URL, tls.URL + "/", tls.URL + "/metrics", plain.URL, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1) + "/metrics"} {
		told := 0
		m, err := Measure(t.Context(), []string{source}, Options{Kubeconfig: config, Wait: time.Millisecond, Waiting: func(left time.Duration) {
			if told++; left <= 0 || left > time.Millisecond {
				t.Errorf("%s left", left)
			}
		}})
		if err != nil || m.Requests.Count != 10 || m.Seconds <= 0 || told == 0 {
			t.Errorf("%s: %+v, %v", source, m, err)
		}
	}
}

// TestFiles has the times of files as those of the scrapes.
func TestFiles(t *testing.T) {
	t.Parallel()
	of := func(n, at int) string {
		file := put(t, "metrics.txt", fmt.Sprintf("apiserver_request_total{verb=\"GET\"} %d\nprocess_start_time_seconds 1000\n", n))
		if err := os.Chtimes(file, time.Time{}, time.Unix(int64(at), 0)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	a, b := of(100, 2000), of(400, 2030)
	m, err := Measure(t.Context(), []string{a, b}, Options{})
	if err != nil || m.Requests.Mean != 10 || m.Seconds != 30 {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err = Measure(t.Context(), []string{a}, Options{}); err != nil || m.Requests.Mean != 0.1 {
		t.Errorf("%+v, %v", m, err)
	}
	copied := put(t, "metrics.txt", "apiserver_request_total{verb=\"GET\"} 5\nprocess_start_time_seconds 1000\ngo_memstats_last_gc_time_seconds 1100\n")
	if m, err = Measure(t.Context(), []string{copied}, Options{}); err != nil || m.Seconds != 100 {
		t.Errorf("%+v, %v", m, err)
	}
	m, err = Measure(t.Context(), []string{"-"}, Options{Stdin: strings.NewReader("apiserver_request_total{verb=\"GET\"} 5\nprocess_start_time_seconds 1000\n")})
	if err != nil || m.Requests.Count != 5 || time.Since(m.To) > time.Hour {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestRefusals says what to do, and nothing secret.
func TestRefusals(t *testing.T) {
	t.Parallel()
	status := func(code int, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://login.example/")
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind":"Status","message":%q,"code":%d}`, message, code)
		}
	}
	forbidden := func(user string) http.HandlerFunc {
		return status(http.StatusForbidden, fmt.Sprintf("forbidden: User %q cannot get path \"/metrics\"", user))
	}
	for name, c := range map[string]struct {
		handler    http.HandlerFunc
		what, hint string
	}{
		"user":            {forbidden("jane@example.com"), "jane@example.com may not read it", "as an administrator: kubectl create clusterrolebinding auditsetup-metrics --clusterrole=system:monitoring --user=jane@example.com"},
		"odd user":        {forbidden("o'neill; x"), "may not read it", `--user='o'\''neill; x'`},
		"service account": {forbidden("system:serviceaccount:ns:sa"), "nonResourceURL /metrics", "--serviceaccount=ns:sa"},
		"anonymous":       {forbidden("system:anonymous"), "nobody may not read it", "ask with credentials"},
		"forbidden":       {status(http.StatusForbidden, "no"), "the user of the kubeconfig may not read it", "--user=NAME"},
		"unauthorized":    {status(http.StatusUnauthorized, "no"), "answers 401 Unauthorized", "the credentials of the kubeconfig are not taken"},
		"not found":       {status(http.StatusNotFound, "no"), "answers 404 Not Found", "metrics of a kube-apiserver are at /metrics"},
		"redirection":     {status(http.StatusFound, "there"), "answers 302 Found", "name the kube-apiserver itself"},
		"failure":         {status(http.StatusInternalServerError, "oh"), "answers 500 Internal Server Error", "kubectl get --raw /metrics"},
		"web page":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "is a web page", "kubectl get --raw /metrics"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "apiserver_request_total 1\n")
		}, "cannot be read on", "try again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewTLSServer(c.handler)
			defer server.Close()
			problem(t, []string{Kubeconfig}, Options{Kubeconfig: kubeconfig(t, server, ""), Wait: time.Millisecond}, c.what, c.hint)
		})
	}
}

// problem wants exactly one.
func problem(t *testing.T, sources []string, o Options, what, hint string) {
	t.Helper()
	_, err := Measure(t.Context(), sources, o)
	ps := document.ProblemsOf(err)
	if len(ps) != 1 || !strings.Contains(ps[0].Error(), what) || !strings.Contains(ps[0].Hint, hint) || strings.Contains(ps[0].Error()+ps[0].Hint, secret) {
		t.Errorf("%+v\nwant %s\n%s", ps, what, hint)
	}
}

// TestBadSources are found before anything is sent, or where nobody answers.
func TestBadSources(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail, as they should
	server.StartTLS()
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	config, insecure := kubeconfig(t, server, ""), kubeconfig(t, server, "insecure-skip-tls-verify: true")
	for name, c := range map[string]struct {
		sources           []string
		config            string
		context           string
		what, hintForThat string
	}{
		"none":             {nil, config, "", "no source is given", "give a URL"},
		"three":            {[]string{"a", "b", "c"}, config, "", "two scrapes are enough, and not 3", "give a URL"},
		"two servers":      {[]string{Kubeconfig, Kubeconfig}, config, "", "kubeconfig is to be the only source", "give a URL"},
		"server and file":  {[]string{"https://x/metrics", "f"}, config, "", "is to be the only source", "give a URL"},
		"http elsewhere":   {[]string{"http://192.0.2.1:8080/metrics"}, config, "", "plain http is taken from this machine only", "kubectl proxy"},
		"password":         {[]string{"https://user:" + secret + "@192.0.2.1/metrics"}, config, "", "a password in a URL", "leave it out"},
		"ftp":              {[]string{"ftp://user:" + secret + "@h/metrics"}, config, "", `"...@h/metrics" is no URL that can be asked`, "https://HOST:6443/metrics"},
		"insecure":         {[]string{"https://192.0.2.1/metrics"}, insecure, "", "its credentials are not sent to 192.0.2.1", "the cluster's CA certificate"},
		"no file":          {[]string{"/nowhere/metrics.txt"}, config, "", "/nowhere/metrics.txt: cannot be opened: no such file or directory", "kubectl get --raw /metrics"},
		"folder":           {[]string{t.TempDir()}, config, "", "it is a folder", ""},
		"no kubeconfig":    {[]string{Kubeconfig}, "/nowhere/config", "", "/nowhere/config: cannot be read: no such file or directory", "--kubeconfig"},
		"empty kubeconfig": {[]string{Kubeconfig}, put(t, "config", ""), "", "it names no cluster", "KUBECONFIG"},
		"bad kubeconfig":   {[]string{Kubeconfig}, put(t, "config", "users: "+secret), "", "is no kubeconfig", "kubectl"},
		"no such context":  {[]string{Kubeconfig}, config, "x", `there is no context "x"`, "kubectl config get-contexts"},
		"nobody there":     {[]string{gone.URL}, config, "", "cannot be asked: connection refused", "is kubectl proxy running"},
		"another cluster":  {[]string{server.URL}, kubeconfig(t, server, "tls-server-name: 127.0.0.1"), "", "cannot be asked: the certificate of whoever answers there is not the cluster's", "kubectl"},
		"named otherwise":  {[]string{server.URL}, kubeconfig(t, server, "tls-server-name: elsewhere.example"), "", "the certificate there is not for elsewhere.example", "kubeconfig"},
	} {
		t.Run(name, func(t *testing.T) {
			problem(t, c.sources, Options{Kubeconfig: c.config, Context: c.context, Wait: time.Millisecond}, c.what, c.hintForThat)
		})
	}
}

// TestInterrupted ends at once.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(counting())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Measure(ctx, []string{server.URL}, Options{Wait: time.Hour, Waiting: func(time.Duration) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
