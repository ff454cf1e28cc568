// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// httpMethods are those that a request can be given with.
var httpMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// IsMethod says whether a word is a method of HTTP, in upper case.
func IsMethod(word string) bool { return slices.Contains(httpMethods, word) }

// FromPath is the request of a method and a path, which may have a query and a
// server before it, as kube-apiserver's own parser understands it. known is for
// what is said of resources that are not there. The error is a
// [document.Problem].
func FromPath(method, path string, known apiserver.Resources) (Request, error) {
	if !IsMethod(method) {
		return Request{}, document.Problem{What: fmt.Sprintf("%q is no method", method), Hint: document.Suggest(strings.ToUpper(method), httpMethods)}
	}
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(u.Path, "/") {
		return Request{}, document.Problem{What: fmt.Sprintf("%q is no path", path), Hint: "write it as in GET /api/v1/namespaces/shop/secrets/db"}
	}
	u.RawQuery = understood(u.Query())
	info, err := parser().NewRequestInfo(&http.Request{Method: method, URL: u})
	if err != nil || info.IsResourceRequest && info.Resource == "" {
		return Request{}, document.Problem{
			What: fmt.Sprintf("%q lacks the resource: kube-apiserver answers with an error before it audits", path),
			Hint: "write it as in GET /api/v1/namespaces/shop/secrets/db",
		}
	}
	r := Request{Said: method + " " + path, Verb: info.Verb}
	if !info.IsResourceRequest {
		r.Path = info.Path
		return r, nil
	}
	r.Group, r.Resource, r.Subresource, r.Namespace, r.Name = info.APIGroup, info.Resource, info.Subresource, info.Namespace, info.Name
	r.check(known)
	return r, nil
}

// understood is what upstream's parser makes of a query. Of one that cannot be
// decoded it takes nothing but watch, and says so in the log of this program,
// which is not wanted (NewRequestInfo in pkg/endpoints/request/requestinfo.go of
// k8s.io/apiserver v0.37.1).
func understood(values url.Values) string {
	var options internalversion.ListOptions
	if scheme.ParameterCodec.DecodeParameters(values, metav1.SchemeGroupVersion, &options) == nil {
		return values.Encode()
	}
	watch := strings.ToLower(values.Get("watch"))
	if values.Has("watch") && watch != "false" && watch != "0" {
		return "watch=true"
	}
	return ""
}

// parser is as kube-apiserver has it (NewRequestInfoResolver in
// pkg/server/config.go of k8s.io/apiserver v0.37.1).
func parser() *request.RequestInfoFactory {
	return &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}
}

// check notes what the server would answer with an error, which is recorded all
// the same.
func (r *Request) check(known apiserver.Resources) {
	found, served := known.Find(r.Group, r.Resource, r.Subresource)
	switch {
	case served && !slices.Contains(found.Verbs, r.Verb) && r.Verb != "proxy":
		r.Refused = true
		r.Notes = append(r.Notes, fmt.Sprintf("%s of %s is answered with an error, and recorded all the same", r.verb(), r.Target()))
	case !served && slices.Contains(known.Groups(), r.Group):
		r.Refused = true
		note := fmt.Sprintf("no kube-apiserver serves %s in %s: the answer is an error, and recorded all the same", r.Target(), group(r.Group))
		if hint := suggest(r.Group, r.Resource, r.Subresource, known); hint != "" {
			note += "; " + hint
		}
		r.Notes = append(r.Notes, note)
	case !served:
		r.Notes = append(r.Notes, fmt.Sprintf("%s of %s is no resource of kube-apiserver itself: if an aggregated server has it, no bodies are recorded", r.Target(), r.Group))
	}
}

func (r *Request) verb() string {
	if r.Verb == "" {
		return "this method"
	}
	return r.Verb
}
