// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package persist_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/persist"
)

// cluster answers for the ConfigMap by the rules of whoever asks: the letters of
// what a token may do, r for reading and w for writing.
type cluster struct {
	*httptest.Server
	dir string

	mu    sync.Mutex
	text  string
	asked []string // token and method
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: t.TempDir(), text: config}
	c.Server = httptest.NewTLSServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	c.asked = append(c.asked, token+" "+r.Method)
	may := map[string]string{http.MethodGet: "r", http.MethodPut: "w"}[r.Method]
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case token == "nobody":
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	case !strings.Contains(token, may):
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	case r.Method == http.MethodPut:
		var m corev1.ConfigMap
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, &m); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		c.text = m.Data[key]
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": "kubeadm-config", "resourceVersion": "1"}, "data": map[string]string{key: c.text}})
}

func refuse(w http.ResponseWriter, code int, reason string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason})
}

// kubeconfig is that of a token; "nosuch" is not there, and "broken" none.
func (c *cluster) kubeconfig(t *testing.T, token string) string {
	t.Helper()
	file := filepath.Join(c.dir, token+".conf")
	switch token {
	case "nosuch":
	case "broken":
		put(t, file, "kind: Config\n")
	default:
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
		data, err := json.Marshal(ca)
		if err != nil {
			t.Fatal(err)
		}
		put(t, file, fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "a", "clusters": [{"name": "a", "cluster": {"server": %q, "certificate-authority-data": %s}}],
"users": [{"name": "a", "user": {"token": %q}}], "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}`, c.URL, data, token))
	}
	return file
}

// TestConnect has the next kubeconfig do what the first may not, and only that.
func TestConnect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tokens []string
		asked  []string
		denied bool
	}{
		"one for all":            {[]string{"rw"}, []string{"rw GET", "rw PUT"}, false},
		"the first will do":      {[]string{"rw", "rwx"}, []string{"rw GET", "rw PUT"}, false},
		"may read, not write":    {[]string{"r", "rw"}, []string{"r GET", "r PUT", "rw PUT"}, false},
		"may do nothing":         {[]string{"x", "rw"}, []string{"x GET", "rw GET", "x PUT", "rw PUT"}, false},
		"is not known":           {[]string{"nobody", "rw"}, []string{"nobody GET", "rw GET", "nobody PUT", "rw PUT"}, false},
		"the first is not there": {[]string{"nosuch", "rw"}, []string{"rw GET", "rw PUT"}, false},
		"the first is no good":   {[]string{"broken", "rw"}, []string{"rw GET", "rw PUT"}, false},
		"nobody may":             {[]string{"r", "rx"}, []string{"r GET", "r PUT", "rx PUT"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newCluster(t)
			var files []string
			for _, token := range c.tokens {
				files = append(files, server.kubeconfig(t, token))
			}
			maps, err := persist.Connect(files...)
			if err != nil {
				t.Fatal(err)
			}
			text, err := persist.Configuration(t.Context(), maps)
			if err != nil || text != config {
				t.Fatalf("%q, %v", text, err)
			}
			server.asked = nil
			_, err = persist.Apply(t.Context(), maps, &persist.Change{Cluster: &persist.Record{Before: config, After: config + "networking: {}\n"}})
			written := strings.HasSuffix(server.text, "networking: {}\n")
			if apierrors.IsForbidden(err) != c.denied || (err == nil) == c.denied || written == c.denied {
				t.Errorf("%v\n%s", err, server.text)
			}
			if !slices.Equal(server.asked, c.asked) {
				t.Errorf("asked %v, want %v", server.asked, c.asked)
			}
		})
	}
}

// TestConnectNobody says why there is nobody to ask as.
func TestConnectNobody(t *testing.T) {
	t.Parallel()
	server := newCluster(t)
	for _, tokens := range [][]string{{}, {"nosuch", "nosuch"}, {"nosuch", "broken"}} {
		var files []string
		for _, token := range tokens {
			files = append(files, server.kubeconfig(t, token))
		}
		_, err := persist.Connect(files...)
		if p := document.ProblemsOf(err); len(p) != 1 || p[0].Hint == "" || len(tokens) > 0 && tokens[len(tokens)-1] == "broken" && !strings.HasSuffix(p[0].File, "broken.conf") {
			t.Errorf("%v: %v", tokens, err)
		}
	}
}
