// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
)

// Words of a policy and the path that means the same are the same request, for
// all that kube-apiserver serves.
func TestWordsAreAsThePathHasThem(t *testing.T) {
	t.Parallel()
	for _, r := range newest {
		for _, verb := range r.Verbs {
			w := Words{Verb: verb, Resource: r.Path() + "." + r.Group}
			path := "/api/v1"
			if r.Group != "" {
				path = "/apis/" + r.Group + "/v1"
			}
			if r.Namespaced {
				w.Namespace = "shop"
				path += "/namespaces/shop"
			}
			path += "/" + r.Name
			if r.Subresource != "" || !slices.Contains([]string{"list", "watch", "create", "deletecollection"}, verb) {
				w.Name = "x"
				path += "/x"
			}
			path += strings.TrimSuffix("/"+r.Subresource, "/")
			if verb == "watch" {
				path += "?watch=true"
			}
			a, err := FromWords(w, newest)
			if err != nil {
				t.Errorf("%+v: %v", w, err)
				continue
			}
			b, err := FromPath(methodsOf[verb], path, newest)
			a.Said, b.Said = "", ""
			if err != nil || fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
				t.Errorf("%s:\n%+v\n%+v %v", path, a, b, err)
			}
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"GET https://10.0.0.1:6443/api/v1/pods?limit=5":               "list pods (core) without a namespace",
		"GET /api/v1/pods?watch=yes":                                  "watch pods (core) without a namespace",
		"GET /api/v1/pods?fieldSelector=metadata.name%3Dweb":          "list pods (core) named web",
		"GET /api/v1/watch/namespaces/shop/pods":                      "watch pods (core) in shop",
		"DELETE /api/v1/namespaces/shop/pods":                         "deletecollection pods (core) in shop",
		"HEAD /api/v1/namespaces/shop":                                "get namespaces (core) named shop",
		"OPTIONS /api/v1/namespaces/shop/services/web/proxy/x":        "a method without a verb on services/proxy (core) named web in shop",
		"POST /apis/apps/v1/namespaces/shop/deployments/web/scale":    "create deployments/scale (apps) named web in shop",
		"GET /apis/apps/v1":                                           "get /apis/apps/v1",
		"HEAD /healthz":                                               "head /healthz",
		"PUT /api/v1/nodes/n1/status":                                 "update nodes/status (core) named n1",
		"GET /api/v1/namespaces/shop/serviceaccounts/x/token?a=b&c=d": "get serviceaccounts/token (core) named x in shop",
	} {
		method, path, _ := strings.Cut(text, " ")
		r, err := FromPath(method, path, newest)
		if err != nil || r.String() != want {
			t.Errorf("%s: got %s, want %s: %v", text, &r, want, err)
		}
	}
	for _, bad := range []string{"GET healthz", "GET ", "FETCH /x", "GET /api/v1/watch", "GET /api/v1//x", "GET /%zz"} {
		method, path, _ := strings.Cut(bad, " ")
		if r, err := FromPath(method, path, newest); err == nil {
			t.Errorf("%s: %s", bad, &r)
		}
	}
}

// A path is read as upstream reads it, whatever its query.
func TestPathsAreAsTheServerReadsThem(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api/v1/pods", "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/pods/web", "/api/v1/namespaces/shop", "/apis/apps/v1/deployments", "/api/v1/watch/pods", "/healthz"} {
		for _, query := range []string{
			"", "watch", "watch=", "watch=1", "watch=true", "watch=0", "watch=false", "watch=False", "watch=yes", "watch=x&watch=0", "watch=0&watch=x",
			"limit=x", "limit=5&watch=1", "limit=x&watch=0", "limit=x&watch=1", "limit=x&fieldSelector=metadata.name%3Da",
			"fieldSelector=metadata.name%3Da", "fieldSelector=metadata.name%3Da%2Fb", "fieldSelector=a%3D%3D%3D", "fieldSelector=metadata.name%21%3Da", "a=b;c",
		} {
			for _, method := range httpMethods {
				u, err := url.Parse("https://s" + path + "?" + query)
				if err != nil {
					t.Fatal(err)
				}
				want, err := parser().NewRequestInfo(&http.Request{Method: method, URL: u})
				if err != nil {
					t.Fatal(err)
				}
				got, err := FromPath(method, path+"?"+query, newest)
				if err != nil || got.Verb != want.Verb || got.Name != want.Name || got.Namespace != want.Namespace || got.Resource != want.Resource || got.Subresource != want.Subresource || got.Group != want.APIGroup {
					t.Errorf("%s %s?%s: got %+v, want %+v: %v", method, path, query, got, want, err)
				}
			}
		}
	}
}

func TestWordsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		words Words
		want  []string
	}{
		{Words{}, []string{"--resource: is missing", "--verb: is missing"}},
		{Words{Verb: "gte", Resource: "pod"}, []string{`--verb: no request for a resource has the verb "gte": known here: get, list`, `--resource: there is no "pod" in kube-apiserver: did you mean pods?`}},
		{Words{Verb: "exec", Resource: "pods"}, []string{"it is create or get of a subresource: --verb create --resource pods/exec"}},
		{Words{Verb: "port-forward", Resource: "pods"}, []string{"--resource pods/portforward"}},
		{Words{Verb: "logs", Resource: "pods"}, []string{"--resource pods/log"}},
		{Words{Verb: "get", Resource: "deployments.extensions2"}, nil},
		{Words{Verb: "get", Resource: "deployments."}, []string{"did you mean deployments.apps?"}},
		{Words{Verb: "get", Resource: "secrets/x"}, []string{"secrets have no subresources"}},
		{Words{Verb: "get", Resource: "pods/exce", Namespace: "x"}, []string{`did you mean "pods/exec"?`}},
		{Words{Verb: "get", Resource: "pods", Name: "x"}, []string{"--namespace: is missing: pods are in a namespace"}},
		{Words{Verb: "get", Resource: "nodes", Namespace: "x"}, []string{"--namespace: nodes are in no namespace"}},
		{Words{Verb: "get", Resource: "nodes", Path: "/x"}, []string{"--path: a request is for a path or for a resource"}},
		{Words{Verb: "list", Path: "/x", Name: "n"}, []string{`--verb: "list" is no method of HTTP in lower case`, "--path: a path has neither namespace nor name"}},
		{Words{Path: "/api/v1/pods"}, []string{"give it as a method and a path: GET /api/v1/pods"}},
		{Words{Path: "healthz"}, []string{`"healthz" is no path`}},
	} {
		_, err := FromWords(tt.words, newest)
		var got []string
		for _, p := range document.ProblemsOf(err) {
			got = append(got, p.Error()+": "+p.Hint)
		}
		fits := len(got) == len(tt.want)
		for i := range tt.want {
			fits = fits && strings.Contains(got[i], tt.want[i])
		}
		if !fits {
			t.Errorf("%+v:\ngot  %q\nwant %q", tt.words, got, tt.want)
		}
	}
}

func TestCallers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		want string
	}{
		{"jane", "jane in dev, system:authenticated"},
		{"system:anonymous", "system:anonymous in dev, system:unauthenticated"},
		{"system:node:n1", "system:node:n1 in dev, system:nodes, system:authenticated"},
		{"system:serviceaccount:shop:web", "system:serviceaccount:shop:web in dev, system:serviceaccounts, system:serviceaccounts:shop, system:authenticated"},
		{"", "a user whom no rule names in dev, system:authenticated"},
	} {
		if got := NewCaller(tt.name, []string{"dev"}).String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const event = `{"kind":"Event","level":"Metadata","auditID":"a","stage":"%s","requestURI":"%s","verb":"%s","user":{"username":"%s","groups":["g"]},"objectRef":%s}`
	const secret = `{"resource":"secrets","namespace":"shop","name":"db"}`
	for _, tt := range []struct {
		name, data string
		want       []string
	}{
		{"the name of what is created is not in the path", fmt.Sprintf(event, "ResponseComplete", "/api/v1/namespaces/shop/secrets", "create", "jane", secret),
			[]string{"create secrets (core) in shop by jane in g"}},
		{"without the path", `{"verb":"create","user":{"username":"jane"},"objectRef":` + secret + `}`, []string{"create secrets (core) in shop by jane in system:authenticated"}},
		{"two stages, and in a list", `{"kind":"EventList","items":[` + fmt.Sprintf(event, "RequestReceived", "/healthz", "get", "jane", "null") + "," +
			fmt.Sprintf(event, "ResponseComplete", "/healthz", "get", "jane", "null") + `]}`, []string{"get /healthz by jane in g"}},
		{"over many lines", "{\n \"verb\": \"get\",\n \"requestURI\": \"/healthz?x\"\n}\n\n{\"verb\": \"post\", \"requestURI\": \"/x\"}\n",
			[]string{"get /healthz by a user whom no rule names in system:authenticated", "post /x by a user whom no rule names in system:authenticated"}},
		{"a failed login", `{"auditID":"b","verb":"list","requestURI":"/api/v1/pods","objectRef":{"resource":"pods"},"responseStatus":{"code":401}}`,
			[]string{"list pods (core) without a namespace by somebody whose login failed"}},
		{"a path that does not fit the verb", `{"verb":"list","requestURI":"/x","objectRef":{"resource":"pods"}}`, []string{"list pods (core) without a namespace by a user whom no rule names in system:authenticated"}},
	} {
		found, err := FromEvents("f", []byte(tt.data), newest)
		var got []string
		for _, a := range found {
			got = append(got, fmt.Sprintf("%s by %s", a, a.Caller))
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q: %v", tt.name, got, tt.want, err)
		}
	}
	for data, want := range map[string]string{
		"":                    "f: there is no event in it",
		"\n\nhello":           "f:3: is no JSON",
		`{"verb":"get"}`:      "f:1: the event has neither objectRef nor requestURI",
		"\n{}":                "f:2: the event has no verb",
		`{"verb": ["get"]}`:   "f:1: is no audit event: the value of verb is of another kind: array",
		`{"verb":"get"} {"x"`: "f:1: is no JSON",
	} {
		_, err := FromEvents("f", []byte(data), newest)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", data, err, want)
		}
	}
	if _, err := FromEvents("f", []byte(strings.Repeat(`{"verb":"get","requestURI":"/x"}`, MaxEvents+1)), newest); err == nil {
		t.Error("too many events are taken")
	}
}
