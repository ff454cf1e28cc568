// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

func of(t *testing.T, rules string, r Request, c Caller) Explanation {
	t.Helper()
	p, err := policy.Read("f", []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\n"+rules), apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return Of(p, r, c)
}

var (
	exec    = Request{Verb: "create", Resource: "pods", Subresource: "exec", Namespace: "shop", Name: "web"}
	secret  = Request{Verb: "get", Resource: "secrets", Namespace: "shop", Name: "db"}
	posted  = Request{Verb: "create", Resource: "secrets", Namespace: "shop"}
	listed  = Request{Verb: "list", Resource: "secrets"}
	scaled  = Request{Verb: "patch", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: "shop", Name: "web"}
	healthz = Request{Verb: "get", Path: "/healthz/etcd"}
	head    = Request{Verb: "head", Path: "/healthz"}
)

// What keeps a rule from matching is said, beyond what was asked and what there
// is, where people go wrong.
func TestWhy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule    string
		request Request
		want    string
	}{
		{"users: ['system:*']", exec, `users: "system:*" is compared literally: a star stands for itself there`},
		{"users: [joe]", exec, "users: "},
		{"userGroups: ['*']", exec, `userGroups: "*" is compared literally: a star stands for itself there`},
		{"verbs: ['*']", exec, `verbs: "*" is compared literally: a star stands for itself there`},
		{"verbs: [connect]", exec, `verbs: no request has the verb "connect": it is create or get of a subresource`},
		{"verbs: [get]", head, "verbs: HEAD of a path is head, not get"},
		{"namespaces: [kube-system]", healthz, "namespaces: a rule with namespaces is never for a path"},
		{"namespaces: [kube-*]", secret, `namespaces: "kube-*" is compared literally: a star stands for itself there`},
		{"namespaces: [shop]", listed, `namespaces: the request has no namespace; "" in the list would be for that`},
		{"resources: [{resources: [pods]}]", healthz, "resources: a rule with resources is never for a path"},
		{"resources: [{resources: [pods]}]", exec, "resources: pods is without its subresources: pods/exec or pods/* would be for this"},
		{"resources: [{resources: ['*/*']}]", secret, "resources: */* matches nothing; a single * is for everything"},
		{"resources: [{resources: ['sec*']}]", secret, `resources: "sec*" is compared literally: no part of a name can be left open`},
		{"resources: [{resources: [secrets/status]}]", secret, "resources: secrets/status is the subresource only"},
		{"resources: [{group: extensions, resources: [deployments/scale]}]", scaled, "resources: deployments/scale is of the group apps, and the rule asks for extensions"},
		{"resources: [{resources: [pods]}, {resources: [secrets], resourceNames: [a, b]}]", secret, "resources: the name is not a or b"},
		{"resources: [{resources: [secrets], resourceNames: [db]}]", posted, "resources: a create has no name in its path, so that resourceNames never match it"},
		{"nonResourceURLs: ['/api*']", secret, "nonResourceURLs: a rule with nonResourceURLs is never for a resource"},
		{"nonResourceURLs: [/healthz]", healthz, "nonResourceURLs: /healthz is for this path only; /healthz/* is for what is below"},
		{"nonResourceURLs: [/healthz/*]", head, "nonResourceURLs: /healthz/* is for what is below /healthz, and not for it"},
		{"nonResourceURLs: [/version]", head, "nonResourceURLs: "},
	} {
		e := of(t, "rules:\n- {level: Metadata, "+tt.rule+"}\n", tt.request, NewCaller("jane", nil))
		var got []string
		for _, c := range e.Rules[0].Conditions {
			got = append(got, c.Field+": "+c.Why)
		}
		if e.Rules[0].Matches || strings.Join(got, "; ") != tt.want {
			t.Errorf("%s with %s: matches %v\ngot  %s\nwant %s", tt.rule, &tt.request, e.Rules[0].Matches, strings.Join(got, "; "), tt.want)
		}
	}
}

func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	const everything = "rules:\n- {level: %s}\n"
	jane, failed := NewCaller("jane", nil), Caller{Failed: true}
	watch, gone := Request{Verb: "watch", Resource: "pods"}, Request{Verb: "delete", Resource: "pods", Namespace: "shop", Name: "web"}
	token := Request{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "shop", Name: "web"}
	for _, tt := range []struct {
		policy  string
		request Request
		caller  Caller
		want    string
	}{
		{fmt.Sprintf(everything, "None"), secret, jane, "RequestReceived- ResponseComplete- | - -"},
		{fmt.Sprintf(everything, "Metadata"), secret, jane, "RequestReceived+ ResponseComplete+ | - -"},
		{"omitStages: [RequestReceived]\n" + fmt.Sprintf(everything, "RequestResponse"), secret, jane,
			"RequestReceived-policy ResponseComplete+ | - the object, managed fields, the secret's data is in the log for whoever can read that"},
		{"omitManagedFields: true\nrules:\n- {level: Request, omitStages: [RequestReceived]}", scaled, jane,
			"RequestReceived-rule ResponseComplete+ | the patch as it was sent -, omitManagedFields does not reach into a patch, which is recorded as it was sent"},
		{fmt.Sprintf(everything, "RequestResponse"), exec, jane, "RequestReceived+ ResponseStarted+ ResponseComplete+ | - -"},
		{fmt.Sprintf(everything, "RequestResponse"), watch, jane, "RequestReceived+ ResponseStarted+ ResponseComplete+ | - -"},
		{fmt.Sprintf(everything, "RequestResponse"), listed, jane, "the answer is the whole list, in one event"},
		{fmt.Sprintf(everything, "RequestResponse"), Request{Verb: "create", Resource: "secretz", Namespace: "shop", Refused: true}, jane, "| - -"},
		{fmt.Sprintf(everything, "RequestResponse"), gone, jane, "the options of the deletion, if any were sent the deleted object, or a status"},
		{fmt.Sprintf(everything, "Request"), token, jane, "| the object as it was sent -"},
		{fmt.Sprintf(everything, "RequestResponse"), token, jane, "the token itself is in the log"},
		{fmt.Sprintf(everything, "RequestResponse"), secret, failed, "ResponseStarted+ | - the status that refuses it"},
		{fmt.Sprintf(everything, "Request"), healthz, failed, "ResponseStarted+ | - -"},
		{"omitStages: [ResponseStarted]\n" + fmt.Sprintf(everything, "Metadata"), secret, failed, "ResponseStarted-policy | - -"},
		{fmt.Sprintf(everything, "RequestResponse"), Request{Verb: "get", Path: "/debug/pprof/heap"}, jane, "RequestReceived+ ResponseStarted+ ResponseComplete+ | - -"},
	} {
		got := written(t, of(t, tt.policy, tt.request, tt.caller))
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s with %q:\ngot  %s\nwant %s", &tt.request, tt.policy, got, tt.want)
		}
	}
}

// written is the stages and what is recorded, in short.
func written(t *testing.T, e Explanation) string {
	t.Helper()
	got := ""
	for _, s := range e.Stages {
		got += s.Name + map[bool]string{true: "+", false: "-"}[s.Written] + s.OmittedBy + " "
	}
	got += "|"
	for _, b := range []Body{e.Content.Request, e.Content.Response} {
		switch {
		case b.Recorded:
			got += " " + b.What
		default:
			got += " -"
		}
		if b.What == "" {
			t.Errorf("%s: a body without a word", &e.Request)
		}
	}
	if e.Content.ManagedFields {
		got += ", managed fields"
	}
	for _, r := range e.Content.Remarks {
		got += ", " + r
	}
	return got
}

func TestWhereRulesAre(t *testing.T) {
	t.Parallel()
	e := of(t, "rules:\n# a\n- level: None\n  users: [joe]\n\n- {level: Metadata}\n", secret, NewCaller("", nil))
	if e.Decision.Rule != 1 || e.Rules[0].Line != 5 || e.Rules[1].Line != 8 || e.Rules[1].Conditions != nil {
		t.Errorf("%+v %+v", e.Decision, e.Rules)
	}
}
