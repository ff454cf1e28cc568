// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package auditlog reads the audit events that a kube-apiserver wrote, as a
// stream: the file in use and the copies that its rotation put aside, compressed
// or not, the standard input, and bodies of the webhook as receivers store them.
// It keeps the head of an event and measures its bodies without decoding them,
// so that memory does not grow with a file, nor with an event. What is no event
// is counted and named, and stops nothing.
package auditlog

import "time"

// The levels and stages that an event can have (k8s.io/apiserver
// pkg/apis/audit/v1/types.go). Level None makes no events.
const (
	Metadata        = "Metadata"
	Request         = "Request"
	RequestResponse = "RequestResponse"

	RequestReceived  = "RequestReceived"
	ResponseStarted  = "ResponseStarted"
	ResponseComplete = "ResponseComplete"
	Panic            = "Panic"
)

// Event is the head of an audit event. It is one value used again for each
// event: whoever keeps it, or any slice in it, beyond the call that it was
// handed to, must copy. Text is as JSON means it, without escapes, and cut after
// 1 MiB. A nil slice is a field that is not there.
type Event struct {
	// Level and Stage are always one of the constants.
	Level, Stage string
	// AuditID is the same in all events of a request, and never empty.
	AuditID []byte
	// Verb is Kubernetes' verb, or for a non-resource request the method in
	// lower case.
	Verb []byte
	// User is the name of who asked, not of who was impersonated.
	User   []byte
	Groups [][]byte
	// Object is what the request was about; zero for non-resource requests.
	Object Object
	// Code is that of the HTTP response; 0 while there is none.
	Code int
	// Received is when the request came, At when it reached the stage. Zero
	// when not known. UTC.
	Received, At time.Time
	// Size is the event's size in bytes as a line of a log: its JSON without
	// blanks between the tokens, which is how kube-apiserver writes it, and
	// the line feed. An item of a list has the same size as the line.
	Size int64
	// Bodies is what the bodies take of Size, with their keys and commas; 0 when
	// there are none. [Event.Measure] has each by itself.
	Bodies int64
	// Truncated says that the bodies were taken out because they were too large.
	Truncated bool

	// uri is as it stands in the log, escapes and all.
	uri []byte
	// raw are the bodies of an event of which they were not looked at yet: all
	// between the head and the tail. Of others request and response are known.
	raw               []byte
	request, response Body
}

// Body is the size of the body of a request or of an answer.
type Body struct {
	// Size is that of the object, in bytes; 0 when it is not there.
	Size int64
	// Managed is how much smaller the object would be without what it has under
	// keys called managedFields, with the keys and a comma each.
	Managed int64
}

// keys of bodies, with what stands around them.
const (
	requestKey  = `,"requestObject":`
	responseKey = `,"responseObject":`
)

// RequestURI has the query with it. Nil when it is not there.
func (e *Event) RequestURI() []byte {
	if plain(e.uri) {
		return e.uri
	}
	full, _ := unescape(nil, e.uri)
	return full
}

// Object is the reference of an event to what its request was about.
type Object struct {
	// Group is nil for the core group.
	Group, Version, Resource, Subresource, Namespace, Name []byte
}

// field is a key of an event that is looked at.
type field uint8

const (
	other field = iota
	fieldKind
	fieldLevel
	fieldStage
	fieldAuditID
	fieldVerb
	fieldRequestURI
	fieldUser
	fieldObjectRef
	fieldResponseStatus
	fieldRequestObject
	fieldResponseObject
	fieldReceived
	fieldAt
	fieldAnnotations
	fieldItems
	fieldUsername
	fieldGroups
	fieldGroup
	fieldVersion
	fieldResource
	fieldSubresource
	fieldNamespace
	fieldName
	fieldCode
	fieldTruncated
)

// fieldOf knows keys as they are, without escapes. A name has the same meaning
// wherever it is looked for, since no two parts of the head share one. Upstream's
// decoder tells upper case from lower, and so does this.
func fieldOf(key []byte) field {
	switch string(key) {
	case "kind":
		return fieldKind
	case "level":
		return fieldLevel
	case "stage":
		return fieldStage
	case "auditID":
		return fieldAuditID
	case "verb":
		return fieldVerb
	case "requestURI":
		return fieldRequestURI
	case "user":
		return fieldUser
	case "objectRef":
		return fieldObjectRef
	case "responseStatus":
		return fieldResponseStatus
	case "requestObject":
		return fieldRequestObject
	case "responseObject":
		return fieldResponseObject
	case "requestReceivedTimestamp":
		return fieldReceived
	case "stageTimestamp":
		return fieldAt
	case "annotations":
		return fieldAnnotations
	case "items":
		return fieldItems
	}
	return innerField(key)
}

// innerField knows the keys of user, objectRef, responseStatus and annotations.
func innerField(key []byte) field {
	switch string(key) {
	case "username":
		return fieldUsername
	case "groups":
		return fieldGroups
	case "apiGroup":
		return fieldGroup
	case "apiVersion":
		return fieldVersion
	case "resource":
		return fieldResource
	case "subresource":
		return fieldSubresource
	case "namespace":
		return fieldNamespace
	case "name":
		return fieldName
	case "code":
		return fieldCode
	case "audit.k8s.io/truncated": // k8s.io/apiserver plugin/pkg/audit/truncate/truncate.go
		return fieldTruncated
	}
	return other
}
