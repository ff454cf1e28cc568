// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/json"
	"io"

	requested "github.com/auditsetup/auditsetup/policy/explain"
)

// The JSON form. A key more does not change formatVersion.
type (
	jsonExplained struct {
		FormatVersion int             `json:"formatVersion"`
		KubeVersion   string          `json:"kubeVersion"`
		Policy        string          `json:"policy"`
		Requests      []jsonExplainOf `json:"requests"`
	}
	jsonExplainOf struct {
		Text     string       `json:"text"`
		Step     string       `json:"step"`
		Request  jsonRequest  `json:"request"`
		Caller   jsonCaller   `json:"caller"`
		Notes    []string     `json:"notes"`
		Decision jsonDecision `json:"decision"`
		Stages   []jsonStage  `json:"stages"`
		Content  jsonContent  `json:"content"`
		Logged   []jsonLogged `json:"logged"`
		Rules    []jsonRule   `json:"rules"`
	}
	jsonRequest struct {
		Verb        string `json:"verb"`
		Path        string `json:"path"`
		Group       string `json:"group"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		AnyName     bool   `json:"anyName"`
	}
	jsonCaller struct {
		User        string   `json:"user"`
		Groups      []string `json:"groups"`
		Anyone      bool     `json:"anyone"`
		FailedLogin bool     `json:"failedLogin"`
	}
	// jsonDecision has -1 for the rule, and 0 for its line, when none matches.
	jsonDecision struct {
		Rule              int      `json:"rule"`
		Line              int      `json:"line"`
		Level             string   `json:"level"`
		OmitStages        []string `json:"omitStages"`
		OmitManagedFields bool     `json:"omitManagedFields"`
	}
	jsonStage struct {
		Stage     string `json:"stage"`
		Written   bool   `json:"written"`
		OmittedBy string `json:"omittedBy"`
	}
	jsonContent struct {
		Request       jsonBody `json:"request"`
		Response      jsonBody `json:"response"`
		ManagedFields bool     `json:"managedFields"`
		Warnings      []string `json:"warnings"`
	}
	jsonBody struct {
		Recorded bool   `json:"recorded"`
		What     string `json:"what"`
	}
	jsonLogged struct {
		Level        string `json:"level"`
		Stage        string `json:"stage"`
		RequestBody  bool   `json:"requestBody"`
		ResponseBody bool   `json:"responseBody"`
	}
	jsonRule struct {
		Index      int             `json:"index"`
		Line       int             `json:"line"`
		Level      string          `json:"level"`
		Matches    bool            `json:"matches"`
		Conditions []jsonCondition `json:"conditions"`
	}
	jsonCondition struct {
		Field string   `json:"field"`
		Asked []string `json:"asked"`
		Has   []string `json:"has"`
		Holds bool     `json:"holds"`
		Why   string   `json:"why"`
	}
)

func (x *explained) json(w io.Writer) error {
	out := jsonExplained{FormatVersion: 1, KubeVersion: x.version.String(), Policy: x.policy, Requests: []jsonExplainOf{}}
	for i := range x.found {
		out.Requests = append(out.Requests, explainJSON(&x.found[i]))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// never is a list that JSON has as [] when it is empty.
func never[T any](list []T) []T { return append([]T{}, list...) }

func explainJSON(e *requested.Explanation) jsonExplainOf {
	r, d, c := &e.Request, e.Decision, e.Content
	out := jsonExplainOf{
		Text: r.String(), Step: r.Said, Notes: never(r.Notes),
		Request:  jsonRequest{r.Verb, r.Path, r.Group, r.Resource, r.Subresource, r.Namespace, r.Name, r.AnyName},
		Caller:   jsonCaller{e.Caller.Name, never(e.Caller.Groups), e.Caller.Anyone, e.Caller.Failed},
		Decision: jsonDecision{Rule: d.Rule, Level: string(d.Level), OmitStages: []string{}, OmitManagedFields: d.OmitManagedFields},
		Content:  jsonContent{jsonBody(c.Request), jsonBody(c.Response), c.ManagedFields, never(c.Remarks)},
		Stages:   []jsonStage{}, Logged: []jsonLogged{}, Rules: []jsonRule{},
	}
	if d.Rule >= 0 {
		out.Decision.Line = e.Rules[d.Rule].Line
	}
	for _, s := range d.OmitStages {
		out.Decision.OmitStages = append(out.Decision.OmitStages, string(s))
	}
	for _, s := range e.Stages {
		out.Stages = append(out.Stages, jsonStage{s.Name, s.Written, s.OmittedBy})
	}
	for _, l := range r.Logged {
		out.Logged = append(out.Logged, jsonLogged(l))
	}
	for _, rule := range e.Rules {
		j := jsonRule{rule.Index, rule.Line, rule.Level, rule.Matches, []jsonCondition{}}
		for _, c := range rule.Conditions {
			j.Conditions = append(j.Conditions, jsonCondition{c.Field, never(c.Asked), never(c.Has), c.Holds, c.Why})
		}
		out.Rules = append(out.Rules, j)
	}
	return out
}
