// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
)

// quick takes an event out of a line the way kube-apiserver writes it: every
// field in the order of its type (k8s.io/apiserver pkg/apis/audit/v1/types.go),
// without blanks. It reads the head up to the bodies, finds the tail from the end
// of the line, and does not look at what is between. Whatever is not as expected
// makes it give up, and the line is parsed in full.
//
// Why the tail is what it seems to be: in JSON the bytes ," can only end one
// member or item and begin the next, as within a string the quote would have a
// backslash before it, and one that closes a string is followed by a comma, colon
// or bracket. So ,"requestReceivedTimestamp":" is a key wherever it stands. From
// there on every token is read up to the end of the line, and the bracket that
// this ends with closes the first one of the line: the key is the event's own.
//
// That holds for a line that is JSON. One that is not, because a server was
// stopped or another wrote in between, has the head of one event and the tail of
// another: then the latter's head, with its requestURI, is somewhere behind the
// first, and quick gives up. Bytes that were overwritten within a body are not noticed.
type quick struct {
	*quickReader
	line []byte
	pos  int
	// first says that no member of the object was read yet.
	first bool
	// named is where the requestURI ends, and after it what is known to have none.
	named int
}

const (
	quickHead     = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"`
	quickReceived = `,"requestReceivedTimestamp":"`
	quickAt       = `","stageTimestamp":"`
	// quickURI begins with a letter that is rare, since bytes.Index looks for the
	// first byte first; it is the end of "requestURI":".
	quickURI  = `URI":"`
	quickTime = len("2006-01-02T15:04:05.000000Z")
	quickTail = len(quickReceived) + quickTime + len(quickAt) + quickTime + len(`"}`)
)

// read fills in e, or is false. What e has lasts until the next call.
func (r *quickReader) read(line []byte, e *Event) bool {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if r.strange {
		return false
	}
	q := quick{quickReader: r, line: line}
	*e = Event{Size: int64(len(line)) + 1}
	if !q.head(e) || !q.user(e) || !q.about(e) || !q.status(e) {
		return false
	}
	start := q.pos
	if bytes.Contains(line[q.named:], []byte(quickURI)) {
		return false
	}
	if !bytes.HasPrefix(line[start:], []byte(requestKey)) && !bytes.HasPrefix(line[start:], []byte(responseKey)) {
		return q.tail(e)
	}
	if !q.findTail(e) {
		return false
	}
	e.raw = line[start:q.pos]
	if !r.known(e.raw) {
		return false
	}
	e.Bodies = int64(len(e.raw))
	return q.bodies(e)
}

// lit takes text that stands there just so.
func (q *quick) lit(text string) bool {
	if len(q.line)-q.pos < len(text) || string(q.line[q.pos:q.pos+len(text)]) != text {
		return false
	}
	q.pos += len(text)
	return true
}

// member takes the key of a member if it is the next, with the comma before it.
func (q *quick) member(key string) bool {
	if q.first {
		q.first = !q.lit(key)
		return !q.first
	}
	at := q.pos + 1
	if at+len(key) > len(q.line) || q.line[q.pos] != ',' || string(q.line[at:at+len(key)]) != key {
		return false
	}
	q.pos = at + len(key)
	return true
}

// text takes what is left of a string that needs no decoding.
func (q *quick) text(to *[]byte) bool {
	n := bytes.IndexByte(q.line[q.pos:], '"')
	if n < 0 {
		return false
	}
	*to = q.line[q.pos : q.pos+n : q.pos+n]
	q.pos += n + 1
	return simple(*to)
}

// pass takes what is left of a string.
func (q *quick) pass() bool {
	n, found := closing(q.line[q.pos:])
	q.pos += n + 1
	return found
}

// skip takes a value without blanks in it.
func (q *quick) skip() bool {
	n, blanks, ok := skipValue(q.line[q.pos:])
	q.pos += n
	return ok && blanks == 0
}

// head takes all up to the verb.
func (q *quick) head(e *Event) bool {
	var level, stage []byte
	if !q.lit(quickHead) || !q.text(&level) || !q.lit(`,"auditID":"`) || !q.text(&e.AuditID) || !q.lit(`,"stage":"`) || !q.text(&stage) || !q.lit(`,"requestURI":"`) {
		return false
	}
	switch string(level) {
	case Metadata:
		e.Level = Metadata
	case Request:
		e.Level = Request
	case RequestResponse:
		e.Level = RequestResponse
	default:
		return false
	}
	switch string(stage) {
	case ResponseComplete:
		e.Stage = ResponseComplete
	case RequestReceived:
		e.Stage = RequestReceived
	case ResponseStarted:
		e.Stage = ResponseStarted
	case Panic:
		e.Stage = Panic
	default:
		return false
	}
	start := q.pos
	if !q.pass() || len(e.AuditID) == 0 {
		return false
	}
	e.uri = q.line[start : q.pos-1 : q.pos-1]
	q.named = q.pos
	return q.lit(`,"verb":"`) && q.text(&e.Verb)
}

// user takes the users of the request, from what was read before if they stand
// there in the same bytes.
func (q *quick) user(e *Event) bool {
	c := q.caller(q.line[q.pos:])
	if c != nil && len(c.text) > 0 && bytes.HasPrefix(q.line[q.pos:], c.text) {
		// the verb before has no quote in it, and so no key
		q.pos += len(c.text)
		q.named = q.pos
		e.User, e.Groups = c.user, c.groups
		q.from = c
	} else {
		start := q.pos
		e.Groups = q.groupsRoom[:0]
		if !q.tokens(e) {
			return false
		}
		q.groupsRoom = e.Groups
		if c != nil && q.pos-start <= longestCaller {
			c.keep(q.line[start:q.pos])
			q.from = c
		}
	}
	q.first = false
	return (!q.member(`"impersonatedUser":`) || q.skip()) && (!q.member(`"authenticationMetadata":`) || q.skip())
}

// tokens takes the user.
func (q *quick) tokens(e *Event) bool {
	if !q.lit(`,"user":{`) {
		return false
	}
	q.first = true
	return (!q.member(`"username":"`) || q.text(&e.User)) && (!q.member(`"uid":"`) || q.pass()) && (!q.member(`"groups":[`) || q.groups(e)) &&
		(!q.member(`"extra":`) || q.skip()) && q.lit(`}`)
}

func (q *quick) groups(e *Event) bool {
	if q.lit(`]`) {
		return true
	}
	for q.lit(`"`) {
		var group []byte
		if !q.text(&group) {
			return false
		}
		e.Groups = append(e.Groups, group)
		if q.lit(`]`) {
			return true
		}
		if !q.lit(`,`) {
			return false
		}
	}
	return false
}

// about takes the addresses, the agent and what the request was about.
func (q *quick) about(e *Event) bool {
	if q.member(`"sourceIPs":`) && !q.addresses() || q.member(`"userAgent":"`) && !q.pass() {
		return false
	}
	if !q.member(`"objectRef":{`) {
		return true
	}
	q.first = true
	o := &e.Object
	if q.member(`"resource":"`) && !q.text(&o.Resource) || q.member(`"namespace":"`) && !q.text(&o.Namespace) ||
		q.member(`"name":"`) && !q.text(&o.Name) || q.member(`"uid":"`) && !q.pass() ||
		q.member(`"apiGroup":"`) && !q.text(&o.Group) || q.member(`"apiVersion":"`) && !q.text(&o.Version) ||
		q.member(`"resourceVersion":"`) && !q.pass() || q.member(`"subresource":"`) && !q.text(&o.Subresource) {
		return false
	}
	q.first = false
	return q.lit(`}`)
}

// addresses takes a list, mostly of one text.
func (q *quick) addresses() bool {
	if q.lit(`["`) {
		q.pos -= len(`["`)
		rest := q.line[q.pos+len(`["`):]
		if n := bytes.IndexByte(rest, '"'); n >= 0 && n+1 < len(rest) && rest[n+1] == ']' && (n == 0 || rest[n-1] != '\\') {
			q.pos += len(`["`) + n + len(`"]`)
			return true
		}
	}
	return q.skip()
}

// status takes the status, whose last field is the code.
func (q *quick) status(e *Event) bool {
	if !q.member(`"responseStatus":`) {
		return true
	}
	start := q.pos
	const usual = `{"metadata":{},"code":`
	if !q.lit(usual) {
		if !q.skip() {
			return false
		}
		i := bytes.LastIndex(q.line[start:q.pos], []byte(`,"code":`))
		if i < 0 {
			return false
		}
		q.pos = start + i + len(`,"code":`)
	}
	digits := q.pos
	for q.pos < len(q.line) && q.line[q.pos] >= '0' && q.line[q.pos] <= '9' && q.pos-digits < 9 {
		e.Code = e.Code*10 + int(q.line[q.pos]-'0')
		q.pos++
	}
	return q.pos > digits && (q.line[digits] != '0' || q.pos == digits+1) && q.lit(`}`)
}

// bodies looks whether the first body begins as a value, which null is not.
func (q *quick) bodies(e *Event) bool {
	at := len(requestKey)
	if !bytes.HasPrefix(e.raw, []byte(requestKey)) {
		at = len(responseKey)
	}
	return len(e.raw) > at+1 && (e.raw[at] == '{' || e.raw[at] == '[')
}
