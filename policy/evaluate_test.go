// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"reflect"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	upstream "k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

const evaluated = header + `
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  users: [system:kube-proxy]
  verbs: [watch]
- level: RequestResponse
  resources: [{group: "", resources: [pods, pods/exec]}]
  namespaces: [prod]
  omitStages: [RequestReceived, Panic]
  omitManagedFields: false
- level: Metadata
  userGroups: [admins]
- level: Request
  nonResourceURLs: [/api*]
`

func TestEvaluate(t *testing.T) {
	t.Parallel()
	p, err := Read("f", []byte(evaluated), version(t, "1.37"))
	if err != nil {
		t.Fatal(err)
	}
	received := []audit.Stage{audit.StageRequestReceived}
	both := []audit.Stage{audit.StagePanic, audit.StageRequestReceived}
	pods := authorizer.AttributesRecord{Verb: "get", Namespace: "prod", Resource: "pods", ResourceRequest: true}
	for _, tt := range []struct {
		name  string
		attrs authorizer.AttributesRecord
		want  Decision
	}{
		{"the first rule", authorizer.AttributesRecord{Verb: "watch", User: &user.DefaultInfo{Name: "system:kube-proxy"}}, Decision{audit.LevelNone, received, true, 0}},
		{"a rule's own settings", pods, Decision{audit.LevelRequestResponse, both, false, 1}},
		{"a group", authorizer.AttributesRecord{Path: "/x", User: &user.DefaultInfo{Groups: []string{"a", "admins"}}}, Decision{audit.LevelMetadata, received, true, 2}},
		{"a path", authorizer.AttributesRecord{Path: "/apis"}, Decision{audit.LevelRequest, received, true, 3}},
		{"none", authorizer.AttributesRecord{Path: "/healthz"}, Decision{audit.LevelNone, received, true, -1}},
	} {
		if got := p.Evaluate(tt.attrs); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// The detour over the index of the rule changes nothing: for every kind of
// request, kube-apiserver's evaluator on the policy as it is says the same.
func TestEvaluateAgreesWithUpstream(t *testing.T) {
	t.Parallel()
	p, err := Read("f", []byte(evaluated), version(t, "1.37"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := upstream.LoadPolicyFromBytes([]byte(evaluated))
	if err != nil {
		t.Fatal(err)
	}
	evaluator := upstream.NewPolicyRuleEvaluator(plain)
	users := []user.Info{nil, &user.DefaultInfo{Name: "system:kube-proxy"}, &user.DefaultInfo{Name: "a", Groups: []string{"admins"}}}
	rules := map[int]bool{}
	for _, who := range users {
		for _, verb := range []string{"get", "watch"} {
			for _, namespace := range []string{"", "prod"} {
				for _, resource := range []string{"", "pods", "secrets"} {
					for _, path := range []string{"/healthz", "/api/v1"} {
						attrs := authorizer.AttributesRecord{User: who, Verb: verb, Namespace: namespace, Resource: resource, Path: path, ResourceRequest: resource != ""}
						got, want := p.Evaluate(attrs), evaluator.EvaluatePolicyRule(attrs)
						if got.Level != want.Level || got.OmitManagedFields != want.OmitManagedFields ||
							!reflect.DeepEqual(got.OmitStages, sorted(want.OmitStages)) {
							t.Errorf("%+v: got %+v, want %+v", attrs, got, want)
						}
						rules[got.Rule] = true
					}
				}
			}
		}
	}
	if len(rules) != len(p.V1.Rules)+1 {
		t.Errorf("the requests reach only the rules %v", rules)
	}
}
