// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
)

// partVersion is that of the form of parts, partKind tells them from other JSON.
const (
	partVersion = 1
	partKind    = "AuditSimulationPart"
)

// Part is what was counted in some logs. It goes into JSON and back without loss.
// Its fields are for that alone.
type Part struct {
	Version  int    `json:"formatVersion"`
	Kind     string `json:"kind"`
	Policies []Text `json:"policies"`
	// Files have one for each file that was read, in that order.
	Files []File `json:"files"`
	// Kinds are by their key.
	Kinds map[string]*Kind `json:"kinds"`
	Times *Times           `json:"times"`
	// Blur is how far kinds were taken together, as there were too many.
	Blur int `json:"blur"`
}

// Text is a policy as it was read.
type Text struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Text   string `json:"text"`
}

// File is what was found in a file of the log.
type File struct {
	Name    string   `json:"name"`
	Bytes   int64    `json:"bytes"`
	Events  int64    `json:"events"`
	Strays  int64    `json:"strays"`
	CutOff  bool     `json:"cutOff"`
	Remarks []Remark `json:"remarks"`
}

// Remark is a place where there is no event, or a fault of a file.
type Remark struct {
	Line int    `json:"line,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

// Kind is the requests that all policies take for the same, from one user.
type Kind struct {
	// User is empty with NoUser, for requests that failed to authenticate.
	User   string `json:"user"`
	NoUser bool   `json:"noUser,omitempty"`
	Verb   string `json:"verb"`
	// Path is set for requests that are about no resource, shortened.
	Path        string `json:"path,omitempty"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	// Rules are the indexes of the rules that decide, one for each policy, -1 for
	// none.
	Rules []int `json:"rules"`
	// Cells are by level and stage, as logged, in order of these.
	Cells []*Cell `json:"cells"`
}

// Cell is the events of a kind at a level and stage, as they were logged.
type Cell struct {
	Level  string `json:"level"`
	Stage  string `json:"stage"`
	Events int64  `json:"events"`
	// Head is the bytes of events without bodies, Bodies those of these.
	Head   int64 `json:"head"`
	Bodies int64 `json:"bodies"`
	// Requests and Responses are how many events have such a body, in kinds that
	// some policy records with bodies; the others are the bytes in these, with
	// their keys, and of that what omitManagedFields takes out.
	Requests        int64 `json:"requests"`
	Responses       int64 `json:"responses"`
	Request         int64 `json:"request"`
	Response        int64 `json:"response"`
	RequestManaged  int64 `json:"requestManaged"`
	ResponseManaged int64 `json:"responseManaged"`
	// Truncated is how many had their bodies taken out as too large.
	Truncated int64 `json:"truncated"`
}

func newPart(policies []Policy) *Part {
	p := &Part{Version: partVersion, Kind: partKind, Policies: []Text{}, Files: []File{}, Kinds: map[string]*Kind{}, Times: newTimes(len(policies))}
	for _, one := range policies {
		p.Policies = append(p.Policies, Text{one.Name, one.Policy.SHA256(), string(one.Policy.Bytes())})
	}
	return p
}

// absorb adds another part of the same policies, which must not be used after.
func (p *Part) absorb(other *Part) {
	p.Files = append(p.Files, other.Files...)
	p.Times.absorb(other.Times)
	p.blur(other.Blur)
	other.blur(p.Blur)
	for _, k := range other.Kinds {
		p.take(k)
	}
	p.few()
}

// cell finds a cell, or makes it in its place.
func (k *Kind) cell(level, stage string) *Cell {
	for _, c := range k.Cells {
		if c.Stage == stage && c.Level == level {
			return c
		}
	}
	c := &Cell{Level: level, Stage: stage}
	k.Cells = append(k.Cells, c)
	slices.SortFunc(k.Cells, func(a, b *Cell) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Stage, b.Stage))
	})
	return c
}

func (c *Cell) add(o *Cell) {
	c.Events += o.Events
	c.Head += o.Head
	c.Bodies += o.Bodies
	c.Requests += o.Requests
	c.Responses += o.Responses
	c.Request += o.Request
	c.Response += o.Response
	c.RequestManaged += o.RequestManaged
	c.ResponseManaged += o.ResponseManaged
	c.Truncated += o.Truncated
}

// Differs says why another part cannot be added, as it is of other policies; empty
// when it can.
func (p *Part) Differs(other *Part) string {
	if len(p.Policies) != len(other.Policies) {
		return fmt.Sprintf("%d instead of %d", len(other.Policies), len(p.Policies))
	}
	for i, a := range p.Policies {
		if b := other.Policies[i]; a != b {
			return fmt.Sprintf("%s (%.12s) instead of %s (%.12s)", b.Name, b.SHA256, a.Name, a.SHA256)
		}
	}
	return ""
}

// Write writes the part as JSON; equal parts are equal bytes.
func (p *Part) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(p)
}

// ReadPart reads what Write wrote. The error says why it is none.
func ReadPart(data []byte) (*Part, error) {
	p := &Part{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("is no part of a simulation: %w", err)
	}
	switch {
	case p.Kind != partKind:
		return nil, fmt.Errorf("is no part of a simulation: its kind is %q, not %s", p.Kind, partKind)
	case p.Version != partVersion:
		return nil, fmt.Errorf("is of format version %d, and this program reads %d", p.Version, partVersion)
	case len(p.Policies) == 0 || p.Times == nil || p.Kinds == nil || p.Times.Buckets == nil:
		return nil, fmt.Errorf("is no whole part of a simulation")
	}
	if _, err := p.policies(); err != nil {
		return nil, err
	}
	return p, p.sound()
}

// sound refuses what would be out of range.
func (p *Part) sound() error {
	rules, err := p.policies()
	if err != nil {
		return err
	}
	for _, k := range p.Kinds {
		ok := k != nil && len(k.Rules) == len(rules) && !slices.Contains(k.Cells, nil)
		for i := 0; ok && i < len(rules); i++ {
			ok = k.Rules[i] >= -1 && k.Rules[i] < len(rules[i].V1.Rules)
		}
		if !ok {
			return fmt.Errorf("is no sound part of a simulation: it names rules that its policies do not have")
		}
	}
	for _, b := range p.Times.Buckets {
		if len(b) != 2*len(rules) {
			return fmt.Errorf("is no sound part of a simulation: it has not one count of times for each policy")
		}
	}
	return nil
}

// policies reads the policies again.
func (p *Part) policies() ([]*policy.Policy, error) {
	all := make([]*policy.Policy, len(p.Policies))
	for i, t := range p.Policies {
		read, err := policy.Read(t.Name, []byte(t.Text), apiserver.Version{})
		if err != nil {
			return nil, err
		}
		if read.SHA256() != t.SHA256 {
			return nil, fmt.Errorf("the text of policy %s is not that of its sum", t.Name)
		}
		all[i] = read
	}
	return all, nil
}

// keys are those of the kinds, in order.
func (p *Part) keys() []string { return slices.Sorted(maps.Keys(p.Kinds)) }
