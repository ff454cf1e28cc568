// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"slices"

	"k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/policy"
)

// requests are as many as there are events at the stage that has most.
func (k *Kind) requests() int64 {
	var received, started, done int64
	for _, c := range k.Cells {
		switch c.Stage {
		case auditlog.RequestReceived:
			received += c.Events
		case auditlog.ResponseStarted:
			started += c.Events
		default:
			done += c.Events
		}
	}
	return max(received, started, done)
}

// written is what a policy makes of the events of a kind.
type written struct {
	*Kind
	decided
	rule   int
	events int64
	bytes  int64
	// bodies and managed are what of bytes are bodies, and managed fields in them.
	bodies, managed int64
	// received and receivedBytes are those of the stage RequestReceived.
	received, receivedBytes int64
}

func (k *Kind) written(rule int, d decided) written {
	w := written{Kind: k, decided: d, rule: rule}
	for _, c := range k.Cells {
		if !d.keeps(c.Stage) {
			continue
		}
		a := amounts{c.Request, c.Response, c.RequestManaged, c.ResponseManaged}
		head := d.size(c.Head, "", amounts{}) - int64(len(d.level)) + c.Events*int64(len(d.level)-len(c.Level))
		size := head + d.size(0, string(d.level), a)
		w.events += c.Events
		w.bytes += size
		w.bodies += size - head
		if c.Stage == auditlog.RequestReceived {
			w.received += c.Events
			w.receivedBytes += size
		}
		if !d.managed {
			w.managed += d.size(0, string(d.level), amounts{c.RequestManaged, c.ResponseManaged, 0, 0})
		}
	}
	return w
}

// decisions of a policy by rule; that of no rule is the last.
func decisions(p *policy.Policy) []decided {
	var all []decided
	union := func(a, b []audit.Stage) []audit.Stage { return append(slices.Clone(a), b...) }
	stages := func(names []string) (s []audit.Stage) {
		for _, n := range names {
			s = append(s, audit.Stage(n))
		}
		return s
	}
	var whole []string
	for _, s := range p.V1.OmitStages {
		whole = append(whole, string(s))
	}
	for _, r := range p.V1.Rules {
		var own []string
		for _, s := range r.OmitStages {
			own = append(own, string(s))
		}
		managed := p.V1.OmitManagedFields
		if r.OmitManagedFields != nil {
			managed = *r.OmitManagedFields
		}
		all = append(all, decided{audit.Level(r.Level), managed, union(stages(whole), stages(own))})
	}
	return append(all, decided{level: audit.LevelNone})
}
