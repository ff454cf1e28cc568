// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// MaxEvents is how many requests of a log are explained at most.
const MaxEvents = 50

// Asked is a request with who made it.
type Asked struct {
	Request
	Caller
}

// String is that of the request.
func (a Asked) String() string { return a.Request.String() }

// FromEvents are the requests of audit events, as JSON one after the other or in
// an EventList. Events of one request make one. An event may have no more than
// the verb and what the request was for, as one that somebody copied a part of.
// file is for messages. The error is a [document.Problems].
func FromEvents(file string, data []byte, known apiserver.Resources) ([]Asked, error) {
	r := eventReader{file: file, known: known}
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		at := decoder.InputOffset()
		var item struct {
			auditv1.Event
			Items []auditv1.Event `json:"items"`
		}
		err := decoder.Decode(&item)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, r.broken(data, int(at), err)
		}
		line := 1 + bytes.Count(data[:at+blanks(data[at:])], []byte("\n"))
		if item.Items == nil {
			item.Items = []auditv1.Event{item.Event}
		}
		for i := range item.Items {
			r.event(&item.Items[i], line)
		}
		if len(r.found) > MaxEvents {
			r.add(line, fmt.Sprintf("more than %d requests are more than anybody reads", MaxEvents), "pick some with grep, or see what a policy makes of all with auditsetup simulate")
			break
		}
	}
	if len(r.found)+len(r.problems) == 0 {
		r.add(0, "there is no event in it", "paste a line of an audit log")
	}
	return r.found, r.problems.Err()
}

func blanks(data []byte) int64 { return int64(len(data) - len(bytes.TrimLeft(data, " \t\r\n"))) }

type eventReader struct {
	file     string
	known    apiserver.Resources
	found    []Asked
	ids      []string
	problems document.Problems
}

func (r *eventReader) add(line int, what, hint string) {
	r.problems = append(r.problems, document.Problem{File: r.file, Line: line, What: what, Hint: hint})
}

func (r *eventReader) broken(data []byte, at int, err error) error {
	what := "is no JSON"
	if types := (*json.UnmarshalTypeError)(nil); errors.As(err, &types) {
		what = fmt.Sprintf("is no audit event: the value of %s is of another kind: %s", strings.TrimPrefix(types.Field, "Event."), types.Value)
	}
	r.add(1+bytes.Count(data[:at+int(blanks(data[at:]))], []byte("\n")), what, "paste an event as kube-apiserver logged it, with --audit-log-format=json")
	return r.problems
}

// event takes one event.
func (r *eventReader) event(e *auditv1.Event, line int) {
	if i := slices.Index(r.ids, string(e.AuditID)); i >= 0 && e.AuditID != "" {
		r.found[i].Logged = append(r.found[i].Logged, logged(e)...)
		return
	}
	request, problem := r.request(e)
	if problem != nil {
		r.add(line, problem.What, problem.Hint)
		return
	}
	request.Logged = logged(e)
	caller := Caller{Name: e.User.Username, Groups: slices.Clone(e.User.Groups)}
	switch failed := e.ResponseStatus != nil && e.ResponseStatus.Code == 401; {
	case e.User.Username == "" && len(e.User.Groups) == 0 && (failed || e.AuditID != ""):
		caller.Failed = true
	case e.User.Username == "":
		caller = NewCaller("", e.User.Groups)
	case len(e.User.Groups) == 0:
		caller = NewCaller(e.User.Username, nil)
	}
	if e.ImpersonatedUser != nil {
		request.Notes = append(request.Notes, "policies see who impersonates, not "+e.ImpersonatedUser.Username)
	}
	r.found, r.ids = append(r.found, Asked{request, caller}), append(r.ids, string(e.AuditID))
}

func logged(e *auditv1.Event) []Logged {
	if e.Level == "" && e.Stage == "" {
		return nil
	}
	return []Logged{{Level: string(e.Level), Stage: string(e.Stage), RequestBody: e.RequestObject != nil, ResponseBody: e.ResponseObject != nil}}
}

// methodsOf turns a verb back into a method that makes it.
var methodsOf = map[string]string{
	"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE",
}

// request goes by the path, if it is there: the name in objectRef is that of the
// object, which a create does not have in its path and policies do not see
// (LogRequestObject in pkg/audit/request.go of k8s.io/apiserver).
func (r *eventReader) request(e *auditv1.Event) (Request, *document.Problem) {
	if e.Verb == "" {
		return Request{}, &document.Problem{What: "the event has no verb", Hint: "paste an event as kube-apiserver logged it"}
	}
	method := methodsOf[e.Verb]
	if e.ObjectRef == nil {
		method = strings.ToUpper(e.Verb)
	}
	if e.RequestURI != "" && IsMethod(method) {
		q, err := FromPath(method, e.RequestURI, r.known)
		if err == nil && q.Verb == e.Verb {
			return q, nil
		}
	}
	if e.ObjectRef == nil || e.ObjectRef.Resource == "" {
		if e.RequestURI == "" {
			return Request{}, &document.Problem{What: "the event has neither objectRef nor requestURI", Hint: "paste an event as kube-apiserver logged it"}
		}
		path, _, _ := strings.Cut(e.RequestURI, "?")
		return Request{Verb: e.Verb, Path: path}, nil
	}
	o := e.ObjectRef
	q := Request{Verb: e.Verb, Group: o.APIGroup, Resource: o.Resource, Subresource: o.Subresource, Namespace: o.Namespace, Name: o.Name}
	if q.Subresource == "" && (q.Verb == "create" || q.Verb == "deletecollection") {
		q.Name = ""
	}
	q.check(r.known)
	return q, nil
}
