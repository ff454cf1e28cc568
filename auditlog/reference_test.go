// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// This is the reader again, on encoding/json, with everything decoded and nothing
// clever: what the fast one is compared with. Keys are taken one by one, since
// encoding/json takes "LEVEL" for "level" and upstream's decoder does not.

type pair struct {
	key   string
	value json.RawMessage
}

// pairs takes an object apart; nil when it is none.
func pairs(raw json.RawMessage) []pair {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	all := []pair{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil
		}
		p := pair{key: key.(string)}
		if dec.Decode(&p.value) != nil {
			return nil
		}
		all = append(all, p)
	}
	return all
}

// reference gives what is in a line that encoding/json reads, as text to compare:
// events, and "stray" for what is none; ok is false for any other line.
func reference(line []byte) (all []string, ok bool) {
	line = bytes.Trim(bytes.TrimLeft(line, "\x00"), " \t\r")
	if len(line) > 0 && line[0] != '{' && line[0] != '[' {
		return []string{"stray"}, true
	}
	for len(line) > 0 {
		dec := json.NewDecoder(bytes.NewReader(line))
		var raw json.RawMessage
		if dec.Decode(&raw) != nil || raw[0] != '{' && raw[0] != '[' {
			return nil, false // where a number ends, is the one thing that is not looked at closely
		}
		all = append(all, refValue(raw, true)...)
		line = bytes.TrimLeft(line[dec.InputOffset():], " \t\r")
	}
	return all, true
}

func refValue(raw json.RawMessage, top bool) []string {
	switch {
	case raw[0] == '{':
		return refObject(raw, top)
	case raw[0] == '[' && top:
		return refItems(raw)
	}
	return []string{"stray"}
}

func refItems(raw json.RawMessage) []string {
	var items []json.RawMessage
	all := []string{}
	if err := json.Unmarshal(raw, &items); err != nil {
		panic(err)
	}
	for _, item := range items {
		all = append(all, refValue(item, false)...)
	}
	return all
}

func refObject(raw json.RawMessage, top bool) []string {
	r := refEvent{}
	var items []string
	list := false
	for _, p := range pairs(raw) {
		if p.key == "items" && top && p.value[0] == '[' {
			list = true
			items = append(items, refItems(p.value)...)
			continue
		}
		r.set(p)
	}
	if list {
		return items
	}
	e := &r.event
	stages := []string{RequestReceived, ResponseStarted, ResponseComplete, Panic}
	if r.wrong || r.kind != nil && *r.kind != "Event" || len(e.AuditID) == 0 ||
		!slices.Contains([]string{Metadata, Request, RequestResponse}, e.Level) || !slices.Contains(stages, e.Stage) {
		return []string{"stray"}
	}
	e.Size = int64(len(compact(raw))) + 1
	if e.request.Size > 0 {
		e.Bodies += e.request.Size + int64(len(requestKey))
	}
	if e.response.Size > 0 {
		e.Bodies += e.response.Size + int64(len(responseKey))
	}
	return []string{describe(e)}
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		panic(err)
	}
	return b.Bytes()
}

type refEvent struct {
	event Event
	kind  *string
	wrong bool
}

func (r *refEvent) set(p pair) {
	e := &r.event
	switch p.key {
	case "kind":
		r.kind = nil
		if b := r.text(p.value); b != nil {
			s := string(b)
			r.kind = &s
		}
	case "level":
		e.Level = string(r.text(p.value))
	case "stage":
		e.Stage = string(r.text(p.value))
	case "auditID":
		e.AuditID = r.text(p.value)
	case "verb":
		e.Verb = r.text(p.value)
	case "requestURI":
		if e.uri = nil; r.text(p.value) != nil {
			e.uri = p.value[1 : len(p.value)-1]
		}
	case "requestObject":
		e.request = refBody(p.value)
	case "responseObject":
		e.response = refBody(p.value)
	case "requestReceivedTimestamp":
		e.Received = r.time(p.value)
	case "stageTimestamp":
		e.At = r.time(p.value)
	default:
		r.setPart(p)
	}
}

func (r *refEvent) setPart(p pair) {
	e := &r.event
	switch p.key {
	case "user":
		e.User, e.Groups = nil, nil
	case "objectRef":
		e.Object = Object{}
	case "responseStatus":
		e.Code = 0
	case "annotations":
		e.Truncated = false
	default:
		return
	}
	inner := pairs(p.value)
	r.wrong = r.wrong || inner == nil && string(p.value) != "null"
	for _, q := range inner {
		to := map[string]*[]byte{
			"user.username": &e.User, "objectRef.apiGroup": &e.Object.Group, "objectRef.apiVersion": &e.Object.Version,
			"objectRef.resource": &e.Object.Resource, "objectRef.subresource": &e.Object.Subresource,
			"objectRef.namespace": &e.Object.Namespace, "objectRef.name": &e.Object.Name,
		}[p.key+"."+q.key]
		switch {
		case to != nil:
			*to = r.text(q.value)
		case p.key == "user" && q.key == "groups":
			e.Groups = nil
			var groups []json.RawMessage
			r.wrong = json.Unmarshal(q.value, &groups) != nil || r.wrong
			for _, g := range groups {
				e.Groups = append(e.Groups, r.text(g))
			}
		case p.key == "responseStatus" && q.key == "code":
			var code int32
			r.wrong = json.Unmarshal(q.value, &code) != nil || r.wrong
			e.Code = int(code)
		case p.key == "annotations" && q.key == "audit.k8s.io/truncated":
			e.Truncated = string(r.text(q.value)) == "true"
		}
	}
}

func (r *refEvent) text(raw json.RawMessage) []byte {
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		r.wrong = true
	}
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func (r *refEvent) time(raw json.RawMessage) time.Time {
	var t time.Time
	if text := r.text(raw); text == nil || t.UnmarshalText(text) != nil {
		return time.Time{}
	}
	return t.UTC()
}

func refBody(raw json.RawMessage) Body {
	if string(raw) == "null" {
		return Body{}
	}
	return Body{Size: int64(len(compact(raw))), Managed: refManaged(compact(raw))}
}

// refManaged adds up the lists under keys called managedFields, as they stand
// there, each with a comma unless its object has nothing else.
func refManaged(raw json.RawMessage) (sum int64) {
	if raw[0] == '[' {
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			panic(err)
		}
		for _, item := range items {
			sum += refManaged(item)
		}
	}
	members := pairs(raw)
	for _, m := range members {
		if m.key != managedFields || m.value[0] != '[' {
			sum += refManaged(m.value)
			continue
		}
		sum += int64(len(`"":`)+len(managedFields)) + int64(len(m.value))
		if len(members) > 1 {
			sum++
		}
	}
	return sum
}

// describe has all of an event in it, and nil apart from empty.
func describe(e *Event) string {
	groups := []string{}
	for _, g := range e.Groups {
		groups = append(groups, show(g))
	}
	o := e.Object
	request, response := e.Measure(true)
	return fmt.Sprint(e.Level, " ", e.Stage, " ", show(e.AuditID), show(e.Verb), show(e.RequestURI()), show(e.User), " [", strings.Join(groups, " "), "] ",
		show(o.Group), show(o.Version), show(o.Resource), show(o.Subresource), show(o.Namespace), show(o.Name), " ",
		e.Code, e.Received, e.At, " ", e.Size, " ", e.Bodies, " ", request, " ", response, " ", e.Truncated)
}

func show(b []byte) string {
	if b == nil {
		return "nil "
	}
	return fmt.Sprintf("%q ", b)
}
