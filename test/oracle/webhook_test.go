// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"
	genericwebhook "k8s.io/apiserver/pkg/util/webhook"
	upstreamwebhook "k8s.io/apiserver/plugin/pkg/audit/webhook"
	clientcmdv1 "k8s.io/client-go/tools/clientcmd/api/v1"

	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/test/certificates"
	"github.com/auditsetup/auditsetup/webhook"
)

// upstreamBackend is what a kube-apiserver makes of a kubeconfig when it starts.
func upstreamBackend(t *testing.T, text []byte) (audit.Backend, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "webhook.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return upstreamwebhook.NewBackend(file, auditv1.SchemeGroupVersion, genericwebhook.DefaultRetryBackoffWithInitialDelay(time.Millisecond), nil)
}

// credentials are files that a kubeconfig may name, and their makers.
type credentials struct {
	dir                string
	ca, server, client *certificates.Pair
}

func makeCredentials(t *testing.T) credentials {
	t.Helper()
	c := credentials{dir: t.TempDir()}
	issue := func(w certificates.Wish, by *certificates.Pair) *certificates.Pair {
		p, err := certificates.Make(w, by)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	c.ca = issue(certificates.Wish{Name: "CA", CA: true}, nil)
	c.server = issue(certificates.Wish{Name: "receiver", Server: true, Hosts: []string{"127.0.0.1"}}, c.ca)
	c.client = issue(certificates.Wish{Name: "kube-apiserver", Client: true}, c.ca)
	for name, data := range map[string][]byte{"ca.crt": c.ca.CertPEM, "client.crt": c.client.CertPEM, "client.key": c.client.KeyPEM, "token": []byte("a-token\n"), "ca.key": c.ca.KeyPEM} {
		if err := os.WriteFile(c.path(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c credentials) path(name string) string { return filepath.Join(c.dir, name) }

// TestWrittenKubeconfigDelivers has upstream's backend send an event to a real
// receiver that asks for a client certificate, by a kubeconfig of ours.
func TestWrittenKubeconfigDelivers(t *testing.T) {
	t.Parallel()
	c := makeCredentials(t)
	got := make(chan *http.Request, 1)
	bodies := make(chan []byte, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r
		bodies <- body
	}))
	pair, err := tls.X509KeyPair(c.server.CertPEM, c.server.KeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.ca.Cert)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.StartTLS()
	defer server.Close()

	config := webhook.Config{Server: server.URL + "/k8s-audit", CA: webhook.Source{Path: c.path("ca.crt")},
		Certificate: webhook.Source{Path: c.path("client.crt")}, Key: webhook.Source{Path: c.path("client.key")}, TokenFile: c.path("token")}
	if found := config.Check(webhook.Look{ReadFile: os.ReadFile, Now: time.Now()}); len(found.Problems)+len(found.Warnings) > 0 {
		t.Fatal(found)
	}
	text, err := config.Encode()
	if err != nil {
		t.Fatal(err)
	}
	backend, err := upstreamBackend(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if !backend.ProcessEvents(&auditinternal.Event{AuditID: "an-id", Level: auditinternal.LevelMetadata, Stage: auditinternal.StageResponseComplete}) {
		t.Fatal("the event was not delivered")
	}
	r := <-got
	if r.Method != "POST" || r.URL.String() != "/k8s-audit?timeout=30s" || r.Header.Get("Authorization") != "Bearer a-token" || r.TLS.PeerCertificates[0].Subject.CommonName != "kube-apiserver" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	var list auditv1.EventList
	if err := json.Unmarshal(<-bodies, &list); err != nil || len(list.Items) != 1 || list.Items[0].AuditID != "an-id" {
		t.Errorf("%v %+v", err, list)
	}

	conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if problems := webhook.CheckServer(conn.ConnectionState().PeerCertificates, config.Server, pool, time.Now()); problems != nil {
		t.Errorf("a receiver that upstream believes: %v", problems)
	}
	if problems := webhook.CheckServer(conn.ConnectionState().PeerCertificates, "https://localhost/", pool, time.Now()); len(problems) != 1 {
		t.Errorf("a receiver under another name: %v", problems)
	}
}

// TestAcceptedKubeconfigs makes kubeconfigs of all kinds of parts: whatever is
// accepted here, upstream loads and makes a backend of. The other way round need
// not hold. The seed is fixed, so that a failure comes again.
func TestAcceptedKubeconfigs(t *testing.T) {
	t.Parallel()
	c := makeCredentials(t)
	random := rand.New(rand.NewPCG(3, 37))
	accepted, refused, stricter := 0, 0, 0
	for range 3000 {
		text := kubeconfig(random, c)
		config, err := webhook.Read("webhook.yaml", text)
		if err == nil {
			err = config.Check(webhook.Look{ReadFile: os.ReadFile, Now: time.Now()}).Problems.Err()
		}
		_, theirs := upstreamBackend(t, text)
		switch {
		case err == nil && theirs != nil:
			t.Errorf("accepted, and upstream says %v\n%s", theirs, text)
		case err == nil:
			accepted++
		case theirs == nil:
			stricter++
		default:
			refused++
		}
	}
	if accepted < 300 || refused < 300 {
		t.Errorf("a test of little worth: %d accepted, %d refused by both, %d by us alone", accepted, refused, stricter)
	}
	t.Logf("%d accepted, %d refused by both, %d by us alone", accepted, refused, stricter)
}

// kubeconfig is one of random parts, most of them good.
func kubeconfig(random *rand.Rand, c credentials) []byte {
	inline := func(p []byte) string { return base64.StdEncoding.EncodeToString(p) }
	maybe := func(into map[string]any, key string, odds int, values ...any) {
		if random.IntN(odds) == 0 {
			into[key] = values[random.IntN(len(values))]
		}
	}
	cluster, user, context := map[string]any{}, map[string]any{}, map[string]any{"cluster": "r"}
	maybe(cluster, "server", 1, "https://127.0.0.1:9", "https://127.0.0.1:9/x", "https://h/x", "http://127.0.0.1/x", "https://h.svc/", "https://[::1]:1/", "h:1", "", "https://h/%zz", "https://h:99999")
	maybe(cluster, "certificate-authority", 3, c.path("ca.crt"), c.path("ca.crt"), c.path("none"), c.path("ca.key"), c.path("token"))
	maybe(cluster, "certificate-authority-data", 8, inline(c.ca.CertPEM), inline(c.ca.KeyPEM), inline([]byte("x")), "")
	maybe(cluster, "insecure-skip-tls-verify", 8, true, false)
	maybe(cluster, "tls-server-name", 8, "x", "")
	maybe(cluster, "proxy-url", 10, "http://p:1", "socks5://p", "ftp://p", "p:1", "::")
	maybe(user, "client-certificate", 3, c.path("client.crt"), c.path("none"), c.path("client.key"), c.path("client.crt"))
	maybe(user, "client-key", 3, c.path("client.key"), c.path("client.key"), c.path("ca.key"), c.path("none"))
	maybe(user, "client-certificate-data", 8, inline(c.client.CertPEM), inline([]byte("x")))
	maybe(user, "client-key-data", 8, inline(c.client.KeyPEM), inline(c.ca.KeyPEM))
	maybe(user, "token", 6, "t", "")
	maybe(user, "tokenFile", 6, c.path("token"), c.path("none"))
	maybe(user, "username", 8, "u")
	maybe(user, "password", 8, "p")
	maybe(user, "as-uid", 20, "1")
	maybe(user, "as", 20, "me")
	maybe(user, "exec", 20, map[string]any{"command": "/x", "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"})
	maybe(user, "auth-provider", 20, map[string]any{"name": "x"})
	maybe(context, "user", 2, "u", "u", "", "nobody")
	maybe(context, "namespace", 10, "a", "A b")
	k := map[string]any{"current-context": "c",
		"clusters": []any{map[string]any{"name": "r", "cluster": cluster}}, "users": []any{map[string]any{"name": "u", "user": user}}, "contexts": []any{map[string]any{"name": "c", "context": context}}}
	maybe(k, "apiVersion", 2, "v1", "v1", "v1", "v2")
	maybe(k, "kind", 2, "Config", "Config", "Config", "Pod")
	maybe(k, "current-context", 20, "", "d")
	maybe(k, "preferences", 10, map[string]any{})
	text, err := json.Marshal(k)
	if err != nil {
		panic(err)
	}
	return text
}

// TestEveryFieldIsKnown fails when client-go has a field in a kubeconfig that we
// would call unknown.
func TestEveryFieldIsKnown(t *testing.T) {
	t.Parallel()
	for at, of := range map[string]reflect.Type{
		`{%s}`: reflect.TypeFor[clientcmdv1.Config](),
		`{"clusters":[{"name":"r","cluster":{%s}}]}`: reflect.TypeFor[clientcmdv1.Cluster](),
		`{"users":[{"name":"u","user":{%s}}]}`:       reflect.TypeFor[clientcmdv1.AuthInfo](),
		`{"contexts":[{"name":"c","context":{%s}}]}`: reflect.TypeFor[clientcmdv1.Context](),
	} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			_, err := webhook.Read("k", fmt.Appendf(nil, at, fmt.Sprintf("%q:[]", name)))
			if err != nil && strings.Contains(err.Error(), "unknown field") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestWebhookFlags has upstream judge the flags of every mode of both backends.
func TestWebhookFlags(t *testing.T) {
	t.Parallel()
	for _, log := range setup.Modes() {
		for _, hook := range setup.Modes() {
			for _, size := range []string{"", "1Mi"} {
				d, err := setup.Resolve(setup.Input{Image: "x:v1.37.1", Spec: setup.Spec{Log: setup.Log{Mode: log},
					Webhook: setup.Webhook{URL: "https://10.0.0.5/x", Mode: hook, InitialBackoff: "3s", MaxEventSize: size}}})
				if err != nil {
					t.Fatal(err)
				}
				fs, o := upstream()
				var args []string
				for _, f := range d.Flags {
					args = append(args, "--"+f.Name+"="+f.Value)
				}
				if err := fs.Parse(args); err != nil {
					t.Fatal(err)
				}
				if errs := o.Validate(); len(errs) > 0 {
					t.Errorf("%s, %s: %v", log, hook, errs)
				}
				w := o.WebhookOptions
				if w.BatchOptions.Mode != hook || !w.TruncateOptions.Enabled || w.InitialBackoff != 3*time.Second || o.LogOptions.BatchOptions.Mode != log {
					t.Errorf("%s, %s: %+v", log, hook, w)
				}
				if b := w.BatchOptions.BatchConfig; hook == "batch" && int64(b.MaxBatchSize)*w.TruncateOptions.TruncateConfig.MaxEventSize > 10<<20 {
					t.Errorf("a batch of %d does not fit", b.MaxBatchSize)
				}
			}
		}
	}
}
