// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"strconv"
	"time"
)

// The reasons why something is no event, for people.
const (
	notJSON   = "no event: not JSON"
	broken    = "no event: broken JSON"
	mistyped  = "no event: a field has a value of another kind than events have"
	otherKind = "no event: another kind of object"
	noID      = "no event: it has no auditID"
	noLevel   = "no event: its level is none that kube-apiserver records"
	noStage   = "no event: its stage is none that there is"
	cutOff    = "the last event is cut off, as while it is being written, and not counted"
)

// parser takes events out of a window. The Event and all text in it are used
// again for each.
type parser struct {
	*window
	event Event
	// room is for the groups.
	room [][]byte
	// arena holds the text of the event.
	arena []byte
	// kind is nil where there is none, as in the items of a list.
	kind []byte
	// wrong says that a field had a value of another kind.
	wrong bool
	// yield takes an event, stray what is none; failed is what yield returned.
	yield  func(*Event) error
	stray  func(why string)
	failed error
}

// value takes an object that may be an event or a list of them, or at the top a
// list in brackets. It is false when the line cannot be read on.
func (p *parser) value(top bool) bool {
	c, ok := p.peek()
	switch {
	case !ok:
		return false
	case c == '{':
		return p.document(top)
	case c == '[' && top:
		return p.items()
	}
	if !p.skip() {
		return false
	}
	p.stray(otherKind)
	return true
}

// items takes a list.
func (p *parser) items() bool {
	p.take('[')
	if p.take(']') {
		return true
	}
	for p.value(false) {
		if p.failed != nil || !p.take(',') {
			return p.failed == nil && p.take(']')
		}
	}
	return false
}

// document takes an object. In a list of events each item is an event; what is
// around it is not looked at, so that the order of its fields does not matter.
func (p *parser) document(top bool) bool {
	p.event = Event{Groups: p.room[:0]}
	p.arena, p.kind, p.wrong = p.arena[:0], nil, false
	start, blanks, list := p.place(), p.blanks, false
	ok := p.object(func(f field) bool {
		if f == fieldItems && top {
			if c, there := p.peek(); there && c == '[' {
				list = true
				return p.items()
			}
		}
		return p.head(f)
	})
	if !ok || list {
		return ok
	}
	if why := p.whyNot(); why != "" {
		p.stray(why)
		return true
	}
	p.event.Size = p.place() - start - (p.blanks - blanks) + 1
	if n := p.event.request.Size; n > 0 {
		p.event.Bodies += n + int64(len(requestKey))
	}
	if n := p.event.response.Size; n > 0 {
		p.event.Bodies += n + int64(len(responseKey))
	}
	p.failed = p.yield(&p.event)
	return p.failed == nil
}

// whyNot is why the object is no event; empty when it is one.
func (p *parser) whyNot() string {
	switch {
	case p.kind != nil && string(p.kind) != "Event":
		return otherKind
	case p.wrong:
		return mistyped
	case len(p.event.AuditID) == 0:
		return noID
	case p.event.Level == "":
		return noLevel
	case p.event.Stage == "":
		return noStage
	}
	return ""
}

// object takes an object and has member take the value of each field of it.
func (p *parser) object(member func(field) bool) bool {
	if !p.take('{') {
		return false
	}
	if p.take('}') {
		return true
	}
	for {
		key, ok := p.text(true)
		if !ok {
			return false
		}
		f, ok := p.fieldOf(key)
		if !ok || !p.take(':') || !member(f) {
			return false
		}
		if !p.take(',') {
			return p.take('}')
		}
		if c, ok := p.peek(); !ok || c != '"' {
			return false
		}
	}
}

// fieldOf is for keys that may have escapes, which are taken out in a corner of
// the arena.
func (p *parser) fieldOf(key []byte) (field, bool) {
	if plain(key) {
		return fieldOf(key), true
	}
	full, ok := unescape(p.arena, key)
	return fieldOf(full[len(p.arena):]), ok
}

// head takes the value of a field of an event.
func (p *parser) head(f field) bool {
	e := &p.event
	switch f {
	case fieldKind:
		return p.string(&p.kind)
	case fieldLevel:
		return p.constant(&e.Level, Metadata, Request, RequestResponse)
	case fieldStage:
		return p.constant(&e.Stage, ResponseComplete, RequestReceived, ResponseStarted, Panic)
	case fieldAuditID:
		return p.string(&e.AuditID)
	case fieldVerb:
		return p.string(&e.Verb)
	case fieldRequestURI:
		return p.raw(&e.uri)
	case fieldRequestObject:
		return p.body(&e.request)
	case fieldResponseObject:
		return p.body(&e.response)
	case fieldReceived:
		return p.time(&e.Received)
	case fieldAt:
		return p.time(&e.At)
	case fieldUser, fieldObjectRef, fieldResponseStatus, fieldAnnotations:
		return p.part(f)
	}
	return p.skip()
}

// part takes a field of an event that is an object. One that comes twice counts
// as it came last.
func (p *parser) part(f field) bool {
	e := &p.event
	inner := p.annotation
	switch f {
	case fieldUser:
		e.User, e.Groups = nil, e.Groups[:0]
		inner = p.user
	case fieldObjectRef:
		e.Object = Object{}
		inner = p.reference
	case fieldResponseStatus:
		e.Code = 0
		inner = p.status
	default:
		e.Truncated = false
	}
	if c, ok := p.peek(); !ok || c != '{' {
		return p.null()
	}
	return p.object(inner)
}

func (p *parser) user(f field) bool {
	switch f {
	case fieldUsername:
		return p.string(&p.event.User)
	case fieldGroups:
		return p.groups()
	}
	return p.skip()
}

func (p *parser) groups() bool {
	groups := p.event.Groups[:0]
	defer func() { p.event.Groups, p.room = groups, groups }()
	if c, ok := p.peek(); !ok || c != '[' {
		return p.null()
	}
	p.take('[')
	if p.take(']') {
		return true
	}
	for {
		var group []byte
		if !p.string(&group) {
			return false
		}
		groups = append(groups, group)
		if !p.take(',') {
			return p.take(']')
		}
	}
}

func (p *parser) reference(f field) bool {
	o := &p.event.Object
	switch f {
	case fieldGroup:
		return p.string(&o.Group)
	case fieldVersion:
		return p.string(&o.Version)
	case fieldResource:
		return p.string(&o.Resource)
	case fieldSubresource:
		return p.string(&o.Subresource)
	case fieldNamespace:
		return p.string(&o.Namespace)
	case fieldName:
		return p.string(&o.Name)
	}
	return p.skip()
}

func (p *parser) status(f field) bool {
	if f != fieldCode {
		return p.skip()
	}
	p.event.Code = 0
	c, ok := p.peek()
	if !ok || c != '-' && (c < '0' || c > '9') {
		return p.null()
	}
	digits, ok := p.scalar()
	code, err := strconv.ParseInt(string(digits), 10, 32)
	p.event.Code, p.wrong = int(code), p.wrong || err != nil
	return ok
}

func (p *parser) annotation(f field) bool {
	if f != fieldTruncated {
		return p.skip()
	}
	var text []byte
	ok := p.string(&text)
	p.event.Truncated = string(text) == "true"
	return ok
}

// null takes null, and anything else too, which makes the object no event.
func (p *parser) null() bool {
	c, ok := p.peek()
	p.wrong = p.wrong || c != 'n'
	return ok && p.skip()
}

// string takes a string or null into the arena.
func (p *parser) string(to *[]byte) bool {
	*to = nil
	if c, ok := p.peek(); !ok || c != '"' {
		return p.null()
	}
	raw, ok := p.text(true)
	if !ok {
		return false
	}
	from := len(p.arena)
	if plain(raw) {
		p.arena = append(p.arena, raw...)
	} else if p.arena, ok = unescape(p.arena, raw); !ok {
		return false
	}
	*to = p.arena[from:len(p.arena):len(p.arena)]
	return true
}

// constant takes a string that is to be one of those given, and empty if not.
func (p *parser) constant(to *string, known ...string) bool {
	var text []byte
	ok := p.string(&text)
	*to = ""
	for _, k := range known {
		if string(text) == k {
			*to = k
		}
	}
	return ok
}

// time takes a timestamp; one that cannot be read is not known.
func (p *parser) time(to *time.Time) bool {
	var text []byte
	ok := p.string(&text)
	*to = time.Time{}
	if t := (time.Time{}); ok && text != nil && t.UnmarshalText(text) == nil {
		*to = t.UTC()
	}
	return ok
}
