// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/policy"
)

// Stage is a point in the life of a request at which an event can be written.
type Stage struct {
	Name    string
	Written bool
	// OmittedBy is "policy" or "rule" when omitStages there has it; empty when it
	// is written, or when nothing is recorded at all.
	OmittedBy string
}

// Content is what is in the events of a request besides its metadata: who did
// what, when and from where, and with what result.
type Content struct {
	// Request and Response are the bodies. They are in the event of the last
	// stage only.
	Request, Response Body
	// ManagedFields says whether metadata.managedFields are in the bodies. It is
	// false without bodies.
	ManagedFields bool
	// Remarks are what is easily overlooked. May be nil.
	Remarks []string
}

// Body is a body of a request or its answer.
type Body struct {
	Recorded bool
	// What says what it is, or why it is not recorded.
	What string
}

// longRunning are those that kube-apiserver leaves open
// (pkg/controlplane/apiserver/config.go of k8s.io/kubernetes and
// pkg/server/filters/longrunning.go of k8s.io/apiserver v0.37.1).
func (r *Request) longRunning() bool {
	if r.Resource == "" {
		return strings.HasPrefix(r.Path, "/debug/pprof/")
	}
	return r.Verb == "watch" || r.Verb == "proxy" || r.connects()
}

// connects says whether it opens a connection rather than handling an object.
func (r *Request) connects() bool {
	return slices.Contains([]string{"attach", "exec", "proxy", "log", "portforward"}, r.Subresource)
}

func stagesOf(p *auditv1.Policy, r *Request, c Caller, d policy.Decision) []Stage {
	names := []audit.Stage{audit.StageRequestReceived, audit.StageResponseComplete}
	switch {
	case c.Failed:
		// pkg/endpoints/filters/authn_audit.go of k8s.io/apiserver
		names = []audit.Stage{audit.StageResponseStarted}
	case r.longRunning():
		names = []audit.Stage{audit.StageRequestReceived, audit.StageResponseStarted, audit.StageResponseComplete}
	}
	var all []Stage
	for _, name := range names {
		s := Stage{Name: string(name), Written: d.Level != audit.LevelNone}
		if s.Written && slices.Contains(d.OmitStages, name) {
			s.Written, s.OmittedBy = false, "rule"
			if slices.Contains(p.OmitStages, auditv1.Stage(name)) {
				s.OmittedBy = "policy"
			}
		}
		all = append(all, s)
	}
	return all
}

func contentOf(r *Request, c Caller, d policy.Decision) Content {
	content := Content{Request: requestBody(r, d.Level), Response: responseBody(r, d.Level)}
	switch {
	case c.Failed && d.Level != audit.LevelNone:
		return failedContent(d.Level)
	case !content.Request.Recorded && !content.Response.Recorded:
		return content
	}
	content.ManagedFields = !d.OmitManagedFields
	if d.OmitManagedFields && r.Verb == "patch" {
		content.Remarks = append(content.Remarks, "omitManagedFields does not reach into a patch, which is recorded as it was sent")
	}
	if what := credential(r, content); what != "" {
		content.Remarks = append(content.Remarks, what)
	}
	if r.Verb == "list" {
		content.Remarks = append(content.Remarks, "the answer is the whole list, in one event")
	}
	return content
}

// failedContent is for a login that failed: nobody reads the request, whatever it
// is for, and the answer is a status.
func failedContent(level audit.Level) Content {
	content := Content{
		Request:  Body{What: "the request is refused before anybody reads it"},
		Response: Body{What: "level " + string(level) + " has none"},
	}
	if level == audit.LevelRequestResponse {
		content.Response = Body{Recorded: true, What: "the status that refuses it"}
	}
	return content
}

// requestBody follows pkg/endpoints/handlers of k8s.io/apiserver, which record
// what is sent in create.go, update.go, patch.go and delete.go, and nowhere else.
func requestBody(r *Request, level audit.Level) Body {
	if why := noBodies(r); why != "" {
		return Body{What: why}
	}
	what := map[string]string{
		"create": "the object as it was sent", "update": "the object as it was sent", "patch": "the patch as it was sent",
		"delete": "the options of the deletion, if any were sent", "deletecollection": "the options of the deletion, if any were sent",
	}[r.Verb]
	switch {
	case what == "":
		return Body{What: "a " + r.Verb + " sends none"}
	case level.Less(audit.LevelRequest):
		return Body{What: "level " + string(level) + " has none"}
	}
	return Body{Recorded: true, What: what}
}

// responseBody follows pkg/endpoints/handlers/responsewriters/writers.go of
// k8s.io/apiserver, which records what is sent back as an object.
func responseBody(r *Request, level audit.Level) Body {
	if why := noBodies(r); why != "" {
		return Body{What: why}
	}
	switch {
	case r.Verb == "watch":
		return Body{What: "the events of a watch are never recorded"}
	case level.Less(audit.LevelRequestResponse):
		return Body{What: "level " + string(level) + " has none"}
	}
	what := map[string]string{
		"list": "the whole list", "delete": "the deleted object, or a status", "deletecollection": "what was deleted, or a status",
		"get": "the object", "create": "the object as it was stored", "update": "the object as it was stored", "patch": "the object as it was stored",
	}[r.Verb]
	if what == "" {
		return Body{What: "it is never recorded for this verb"}
	}
	return Body{Recorded: true, What: what}
}

// noBodies says why no level records bodies of a request.
func noBodies(r *Request) string {
	switch {
	case r.Resource == "":
		return "bodies are recorded for resources only"
	case r.Refused:
		return "nothing that records bodies serves this"
	case r.connects() || r.Verb == "proxy":
		return "what goes through " + r.Target() + " is never recorded"
	}
	return ""
}

// credential warns of bodies that let whoever reads the log in.
func credential(r *Request, c Content) string {
	written := slices.Contains([]string{"create", "update", "patch"}, r.Verb)
	sent, answered := c.Request.Recorded && written, c.Response.Recorded
	switch target := r.Target() + "." + r.Group; {
	case target == "secrets." && (sent || answered):
		return "the secret's data is in the log for whoever can read that"
	case target == "serviceaccounts/token." && answered:
		return "the token itself is in the log for whoever can read that"
	case target == "tokenreviews.authentication.k8s.io" && (sent || answered):
		return "the token that is checked is in the log for whoever can read that"
	}
	return ""
}
