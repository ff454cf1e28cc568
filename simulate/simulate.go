// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package simulate says what audit policies would have logged, from audit logs
// that were written under another one. What a policy decides about a request is
// upstream's own evaluator's to say, by way of package policy; the size of what it
// would write is that of the logged event, without what it would leave out.
//
// A log is counted in one pass for all policies, into a [Part]: the requests by
// kind (who, what, and the rule of each policy that decides), with the number and
// the sizes of their events by level and stage. Parts of several logs, counted
// wherever they lie, add up to just the Part of all. [Part.Result] makes of it
// what people want to know, and says what cannot be known: a log has no trace of
// what its own policy left out.
//
// Requests are counted from their events, by kind: a request makes one event at
// each stage, so of a kind there are as many requests as events at the stage that
// has most. So nothing has to be remembered of a request between its events, which
// can be hours and files apart.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/policy"
)

// Policy is one to be simulated.
type Policy struct {
	// Name is what it is called in results, such as that of a profile or file.
	Name string
	// Policy must not be nil.
	Policy *policy.Policy
}

// Options say how Run reads. The zero Options are ready.
type Options struct {
	auditlog.Options
	// Workers is the number of goroutines, at least one.
	Workers int
}

// Run counts the events of files, of which "-" is read from stdin, for policies,
// of which there must be one at least. The error is that of auditlog.ReadAll.
func Run(ctx context.Context, policies []Policy, files []auditlog.File, stdin io.Reader, o Options) (*Part, error) {
	part, err := run(ctx, policies, files, stdin, o)
	if errors.Is(err, auditlog.ErrManyLines) {
		if o.Done != nil {
			o.Done.Store(0)
		}
		o.Whole = true
		part, err = run(ctx, policies, files, stdin, o)
	}
	return part, err
}

func run(ctx context.Context, policies []Policy, files []auditlog.File, stdin io.Reader, o Options) (*Part, error) {
	tallies := make([]*tally, max(1, o.Workers))
	each := make([]func(*auditlog.Event) error, len(tallies))
	for i := range tallies {
		tallies[i] = newTally(policies)
		each[i] = tallies[i].add
	}
	report, err := auditlog.ReadAll(ctx, files, stdin, o.Options, each...)
	if err != nil {
		return nil, err
	}
	part := newPart(policies)
	for _, t := range tallies {
		part.absorb(t.part)
	}
	for _, f := range report.Files {
		one := File{Name: f.Name, Bytes: f.Bytes, Events: f.Events, Strays: f.Strays, CutOff: f.CutOff, Remarks: []Remark{}}
		for _, r := range f.Remarks {
			one.Remarks = append(one.Remarks, Remark{r.Line, r.What, r.Hint})
		}
		part.Files = append(part.Files, one)
	}
	return part, nil
}

// Merge adds up parts of the same policies, in their order. The error says which
// is not of those.
func Merge(parts ...*Part) (*Part, error) {
	if len(parts) == 0 {
		return nil, errors.New("there is nothing to merge")
	}
	all := &Part{Version: partVersion, Kind: partKind, Policies: parts[0].Policies, Kinds: map[string]*Kind{}, Times: newTimes(len(parts[0].Policies))}
	for i, p := range parts {
		if why := all.Differs(p); why != "" {
			return nil, fmt.Errorf("part %d is of other policies: %s", i+1, why)
		}
		all.absorb(p)
	}
	return all, nil
}
