// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
)

// tenMost is how many sources are named, and mostShares how many users and kinds.
const (
	tenMost    = 10
	mostShares = 100
)

// shares divides what would be logged.
func (o *Outcome) shares(all []written) {
	levels, users, kinds, sources := map[string]*Share{}, map[string]*Share{}, map[string]*Share{}, map[string]*Share{}
	for _, l := range []audit.Level{audit.LevelNone, audit.LevelMetadata, audit.LevelRequest, audit.LevelRequestResponse} {
		at(levels, string(l))
	}
	for _, w := range all {
		n := w.requests()
		at(levels, string(w.level)).add(n, w.events, w.bytes)
		if w.events == 0 {
			continue
		}
		user, what := w.who(), w.what()
		at(users, user).add(n, w.events, w.bytes)
		at(kinds, what).add(n, w.events, w.bytes)
		at(sources, user+" "+what).add(n, w.events, w.bytes)
	}
	o.Levels = ranked(levels, o.Events, o.Bytes)
	o.Users, o.Kinds, o.Sources = ranked(users, o.Events, o.Bytes), ranked(kinds, o.Events, o.Bytes), ranked(sources, o.Events, o.Bytes)
	o.Users, o.Kinds, o.Sources = o.Users[:min(mostShares, len(o.Users))], o.Kinds[:min(mostShares, len(o.Kinds))], o.Sources[:min(tenMost, len(o.Sources))]
}

// who is the user in results.
func (k *Kind) who() string {
	if k.NoUser {
		return "(not authenticated)"
	}
	return k.User
}

// what is the verb and what it is about.
func (k *Kind) what() string {
	if k.Path != "" || k.Resource == "" {
		return k.Verb + " " + k.Path
	}
	return k.Verb + " " + k.about()
}

// about is the resource, with its group as kubectl writes it.
func (k *Kind) about() string {
	name := k.Resource
	if k.Group != "" {
		name += "." + k.Group
	}
	if k.Subresource != "" {
		name += "/" + k.Subresource
	}
	return name
}

func at(shares map[string]*Share, name string) *Share {
	if shares[name] == nil {
		shares[name] = &Share{Name: name}
	}
	return shares[name]
}

func (s *Share) add(requests, events, bytes int64) {
	s.Requests += requests
	s.Events += events
	s.Bytes += bytes
}

// ranked has most bytes first.
func ranked(shares map[string]*Share, events, bytes int64) []Share {
	list := make([]Share, 0, len(shares))
	for _, s := range shares {
		s.OfEvents, s.OfBytes = ratio(s.Events, events), ratio(s.Bytes, bytes)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Requests, a.Requests), strings.Compare(a.Name, b.Name))
	})
	return list
}
