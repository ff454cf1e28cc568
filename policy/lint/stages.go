// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
)

var stageChecks = []Check{
	{
		ID: "response-started-omitted", Family: "stages", Severity: Warning,
		Title:  "ResponseStarted is omitted, and failed logins with it",
		Why:    "a request whose authentication failed (401) has no other event than the one of ResponseStarted. Said of rules that decide for such requests",
		Remedy: "omit RequestReceived only",
		Source: "k8s.io/apiserver pkg/endpoints/filters/authn_audit.go",
		find:   responseStartedOmitted,
	},
	{
		ID: "all-stages-omitted", Family: "stages", Severity: Warning,
		Title:  "every stage is omitted, so that nothing is recorded",
		Why:    "the stages of the policy and of the rule count together, and without a stage there is no event, whatever the level",
		Remedy: "write level: None if that is meant, or leave a stage in",
		Source: checkerSource,
		find:   allStagesOmitted,
	},
	{
		ID: "request-received-kept", Family: "stages", Severity: Info,
		Title:  "events are written at the arrival of requests as well",
		Why:    "the event at the end of a request says the same and more, so that the log is twice as large. The mode blocking-strict needs the stage",
		Remedy: "omitStages: [RequestReceived], in the head of the policy",
		Source: "k8s.io/apiserver pkg/endpoints/filters/audit.go; openshift/cluster-debug-tools",
		find:   requestReceivedKept,
	},
	{
		ID: "managed-fields-kept", Family: "stages", Severity: Info,
		Title:  "bodies are recorded with managed fields",
		Why:    "the record of who owns which field takes a good part of each body, and says little; from 1.23 on it can be left out",
		Remedy: "omitManagedFields: true, in the head of the policy",
		Source: "kubernetes/kubernetes#94986; k8s.io/apiserver pkg/audit/request.go",
		find:   managedFieldsKept,
	},
}

// omits finds a stage in the list of a rule, or of the policy.
func (s *subject) omits(path string, stages []auditv1.Stage, stage auditv1.Stage, what string) (Finding, bool) {
	i := slices.Index(stages, stage)
	if i < 0 {
		return Finding{}, false
	}
	return s.at(strings.TrimPrefix(fmt.Sprintf("%s.omitStages[%d]", path, i), "."), what, ""), true
}

func responseStartedOmitted(s *subject) []Finding {
	if s.policy == nil {
		return nil
	}
	// the rules that decide for callers whose login failed
	deciding := map[int]bool{}
	for _, space := range s.parts() {
		failed := space.Likely()[0]
		for _, p := range space.pieces {
			if _, some := space.Meet(p.Box, failed); some && p.Rules[0] >= 0 && s.v1.Rules[p.Rules[0]].Level != auditv1.LevelNone {
				deciding[p.Rules[0]] = true
			}
		}
	}
	const what = "omitting ResponseStarted hides every failed login: a 401 has no other event"
	if f, ok := s.omits("", s.v1.OmitStages, auditv1.StageResponseStarted, what); ok && len(deciding) > 0 {
		return []Finding{f}
	}
	var found []Finding
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		if f, ok := s.omits(path, r.OmitStages, auditv1.StageResponseStarted, what); ok && deciding[i] {
			found = append(found, f)
		}
	})
	return found
}

func allStagesOmitted(s *subject) []Finding {
	all := []auditv1.Stage{auditv1.StageRequestReceived, auditv1.StageResponseStarted, auditv1.StageResponseComplete, auditv1.StagePanic}
	var found []Finding
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		stages := slices.Concat(s.v1.OmitStages, r.OmitStages)
		left := slices.DeleteFunc(slices.Clone(all), func(stage auditv1.Stage) bool { return slices.Contains(stages, stage) })
		if r.Level != auditv1.LevelNone && r.Level != "" && len(left) == 0 {
			found = append(found, s.at(path+".level", fmt.Sprintf("%s has level %s and records nothing, as every stage is omitted", ruleNumber(i), r.Level), ""))
		}
	})
	return found
}

// requestReceivedKept speaks of the first such rule, as the remedy is the same
// for all.
func requestReceivedKept(s *subject) []Finding {
	if s.policy == nil || slices.Contains(s.v1.OmitStages, auditv1.StageRequestReceived) {
		return nil
	}
	var found []Finding
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		if len(found) == 0 && r.Level != auditv1.LevelNone && !slices.Contains(r.OmitStages, auditv1.StageRequestReceived) && s.decides(i) {
			found = append(found, s.at(path+".level", ruleNumber(i)+" writes an event at the arrival of each request and another one at its end", ""))
		}
	})
	return found
}

func managedFieldsKept(s *subject) []Finding {
	if s.policy == nil || !apiserver.OmitManagedFields(s.version) {
		return nil
	}
	var found []Finding
	s.rules(func(i int, path string, r *auditv1.PolicyRule) {
		omitted := s.v1.OmitManagedFields
		if r.OmitManagedFields != nil {
			omitted = *r.OmitManagedFields
		}
		bodies := !audit.Level(r.Level).Less(audit.LevelRequest)
		if len(found) == 0 && bodies && !omitted && s.decides(i) {
			found = append(found, s.at(path+".level", ruleNumber(i)+" records bodies with managed fields", ""))
		}
	})
	return found
}
