// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"go.yaml.in/yaml/v3"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// In mode blocking-strict a request fails when its event of RequestReceived
// cannot be handed over, and at no other stage. A policy that omits the stage
// makes the mode mean nothing (k8s.io/apiserver v0.37.1
// pkg/endpoints/filters/audit.go, WithAudit; the stages that are omitted never
// come to the backend, pkg/audit/context.go, ProcessEventStage).

const (
	omittedWhat = "RequestReceived is omitted, and that is the only stage at which mode blocking-strict fails a request"
	omittedHint = "take RequestReceived out of omitStages, or use mode blocking; from a profile it is taken out by itself"
)

// omitting are the paths at which a policy omits RequestReceived of requests
// that it records.
func omitting(p *auditv1.Policy) []string {
	var paths []string
	if slices.Contains(p.OmitStages, auditv1.StageRequestReceived) {
		paths = append(paths, "omitStages")
	}
	for i, rule := range p.Rules {
		if rule.Level != auditv1.LevelNone && slices.Contains(rule.OmitStages, auditv1.StageRequestReceived) {
			paths = append(paths, fmt.Sprintf("rules[%d].omitStages", i))
		}
	}
	return paths
}

// refuseOmitted reports each line of the administrator's own policy that takes
// the meaning from mode blocking-strict.
func (r *resolving) refuseOmitted(p *policy.Policy) {
	root, err := document.Parse(r.spec.Policy.File, p.Bytes())
	if err != nil {
		return // it was read, so it parses
	}
	for _, path := range omitting(&p.V1) {
		at, _ := document.Find(root, path)
		r.problems = append(r.problems, document.ProblemAt(r.spec.Policy.File, at,
			omittedWhat, omittedHint))
	}
}

// keepReceived takes RequestReceived out of every omitStages of a profile, by
// its lines, so that the comments stay.
func keepReceived(text []byte) ([]byte, error) {
	root, err := document.Parse("profile", text)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(text), "\n")
	keepBelow(root, lines)
	return []byte(strings.Join(lines, "")), nil
}

func keepBelow(n *yaml.Node, lines []string) {
	for i, child := range n.Content {
		isStages := n.Kind == yaml.MappingNode && i%2 == 0 && child.Value == "omitStages"
		if isStages && n.Content[i+1].Kind == yaml.SequenceNode {
			keepStages(child, n.Content[i+1], lines)
		}
		keepBelow(child, lines)
	}
}

// keepStages writes one list anew on the line of its key, or leaves a comment in
// its place.
func keepStages(key, list *yaml.Node, lines []string) {
	var rest []string
	last := key.Line
	for _, stage := range list.Content {
		last = max(last, stage.Line)
		if stage.Value != string(auditv1.StageRequestReceived) {
			rest = append(rest, stage.Value)
		}
	}
	if len(rest) == len(list.Content) {
		return
	}
	indent := lines[key.Line-1][:key.Column-1]
	for line := key.Line; line <= last; line++ {
		lines[line-1] = ""
	}
	lines[key.Line-1] = strings.Repeat(" ", len(indent)) + "# RequestReceived is kept: mode blocking-strict fails a request at no other stage.\n"
	if len(rest) > 0 {
		lines[key.Line-1] += indent + "omitStages: [" + strings.Join(rest, ", ") + "]\n"
	}
}

// strictly is a policy that was put together here, for mode blocking-strict if
// that is asked for.
func (r *resolving) strictly(text []byte) []byte {
	if !r.spec.strict() {
		return text
	}
	kept, err := keepReceived(text)
	if err == nil {
		var p *policy.Policy
		if p, err = policy.Read("the policy", kept, r.desired.Version); err == nil && len(omitting(&p.V1)) > 0 {
			err = fmt.Errorf("RequestReceived could not be taken out of omitStages")
		}
	}
	if err != nil {
		r.add("policy.profile", err.Error(), "use another profile, or mode blocking")
		return text
	}
	if !bytes.Equal(kept, text) {
		r.desired.Notes = append(r.desired.Notes, document.Problem{What: "the policy is written without the omission of RequestReceived, since mode blocking-strict fails a request at that stage only; this doubles the events"})
	}
	return kept
}
