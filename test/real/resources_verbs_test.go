// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
)

// answer is what came back for a request.
type answer struct {
	status int
	body   []byte
}

// served says whether somebody was there to answer: neither the method nor the
// path is unknown to the server. An object that is not there has a name.
func (a answer) served() bool {
	var s struct {
		Details struct{ Name string }
	}
	_ = json.Unmarshal(a.body, &s)
	return a.status != http.StatusMethodNotAllowed && (a.status != http.StatusNotFound || s.Details.Name != "")
}

// do sends a request with headers of its own, and a body that cannot be read: it
// is enough that somebody tries, and no server makes anything of it.
func (s surface) do(t *testing.T, method, path, auditID string, header http.Header) answer {
	t.Helper()
	return s.send(t, method, path, auditID, header, []byte("no object"))
}

func (s surface) send(t *testing.T, method, path, auditID string, header http.Header, payload []byte) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/json")
	if auditID != "" {
		req.Header.Set("Audit-ID", auditID)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, body}
}

// methods are how to ask for a verb: the method, and what follows the path of
// the collection, or of an object.
var methods = map[string]struct{ method, query string }{
	"create": {http.MethodPost, ""}, "get": {http.MethodGet, ""}, "list": {http.MethodGet, ""},
	"watch": {http.MethodGet, "?watch=true&resourceVersion=none"}, "update": {http.MethodPut, ""}, "patch": {http.MethodPatch, ""},
	"delete": {http.MethodDelete, ""}, "deletecollection": {http.MethodDelete, "?dryRun=All&labelSelector=none%3Dnone"},
}

// asked is a request, and what its event has to be.
type asked struct{ verb, group, resource, subresource string }

// sameVerbs sends a request for each resource with each verb. What the table
// says is served is; what it does not is refused; and the event of either has
// the verb and the resource of the table.
func (s surface) sameVerbs(t *testing.T) {
	t.Helper()
	sent := map[string]asked{}
	send := func(want asked, method, path string, header http.Header) answer {
		id := fmt.Sprintf("verbs-%d", len(sent))
		sent[id] = want
		return s.do(t, method, path, id, header)
	}
	for _, r := range s.table() {
		for verb, how := range methods {
			path, ok := s.pathOf(r, verb)
			if !ok {
				continue
			}
			got := send(asked{verb, r.Group, r.Name, r.Subresource}, how.method, path+how.query, nil)
			if want := slices.Contains(r.Verbs, verb); got.served() != want {
				t.Errorf("%s of %q %s, %s %s: served %t, want %t: %d %s", verb, r.Group, r.Path(), how.method, path, !want, want, got.status, got.body)
			}
		}
	}
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"13"}}
	for _, sub := range []string{"exec", "attach", "portforward"} {
		send(asked{"get", "", "pods", sub}, http.MethodGet, "/api/v1/namespaces/default/pods/absent/"+sub, upgrade)
	}
	// the two verbs that no table has, and HEAD
	send(asked{"", "", "pods", "proxy"}, http.MethodOptions, "/api/v1/namespaces/default/pods/absent/proxy", nil)
	send(asked{"get", "", "pods", "proxy"}, http.MethodHead, "/api/v1/namespaces/default/pods/absent/proxy", nil)
	send(asked{"proxy", "", "nodes", ""}, http.MethodGet, "/api/v1/proxy/nodes/absent", nil)
	s.events(t, sent)
}

// pathOf is the path of a request. A subresource has no collection.
func (s surface) pathOf(r apiserver.Resource, verb string) (string, bool) {
	path := s.served[r.Group+" "+r.Path()]
	if r.Namespaced {
		path += "/namespaces/default"
	}
	path += "/" + r.Name
	collection := verb == "list" || verb == "watch" || verb == "deletecollection"
	if r.Subresource != "" {
		return path + "/absent/" + r.Subresource, !collection
	}
	if collection || verb == "create" {
		return path, true
	}
	return path + "/absent", true
}

// events waits for one event of each request, and compares it.
func (s surface) events(t *testing.T, sent map[string]asked) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	found := map[string]bool{}
	for len(found) < len(sent) {
		if time.Now().After(deadline) {
			t.Fatalf("%d requests, %d events", len(sent), len(found))
		}
		text, err := os.ReadFile(s.log)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		for {
			var event auditv1.Event
			if err := decoder.Decode(&event); err == io.EOF || err == io.ErrUnexpectedEOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			want, ours := sent[string(event.AuditID)]
			if !ours || found[string(event.AuditID)] {
				continue
			}
			found[string(event.AuditID)] = true
			got := asked{verb: event.Verb}
			if ref := event.ObjectRef; ref != nil {
				got.group, got.resource, got.subresource = ref.APIGroup, ref.Resource, ref.Subresource
			}
			if got != want {
				t.Errorf("%s: the event is for %+v, want %+v", strings.TrimSpace(event.RequestURI), got, want)
			}
		}
	}
}
