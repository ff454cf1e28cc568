// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"slices"
	"strings"
)

// Groups and users that kube-apiserver's authenticators make
// (pkg/authentication/user/user.go and pkg/authentication/serviceaccount/util.go of
// kubernetes/apiserver).
const (
	authenticated   = "system:authenticated"
	unauthenticated = "system:unauthenticated"
	anonymous       = "system:anonymous"
	nodes           = "system:nodes"
	node            = "system:node:"
	accounts        = "system:serviceaccounts"
	account         = "system:serviceaccount:"
)

// Ordinary is a caller of whom no rule knows the name, and no group but that of
// everyone who is logged in, doing anything.
func (s *Space) Ordinary() Box {
	return s.by(func(user word) bool { return user.other }, func(group string) (in, out bool) {
		return group == authenticated, group != authenticated
	})
}

// Likely is who calls in an ordinary cluster, doing anything, in boxes: people,
// nodes with the name and the group of a node, service accounts with theirs,
// anonymous callers, and those whose login failed. Certificates could name a
// caller that is none of these, such as a node that is a service account.
func (s *Space) Likely() []Box {
	other := func(user word) bool { return user.other }
	special := func(group string) bool {
		return group == authenticated || group == unauthenticated || group == nodes || group == accounts ||
			strings.HasPrefix(group, accounts+":")
	}
	// a caller in certain groups of these, whatever others there are
	in := func(groups ...string) func(string) (bool, bool) {
		return func(group string) (bool, bool) {
			member := slices.Contains(groups, group)
			return member || !special(group), !member
		}
	}
	only := func(groups ...string) func(string) (bool, bool) {
		return func(group string) (bool, bool) {
			member := slices.Contains(groups, group)
			return member, !member
		}
	}
	likely := []Box{
		s.by(other, only()),
		s.by(func(user word) bool { return user.other || user.text == anonymous }, only(unauthenticated)),
		s.by(func(user word) bool {
			return user.other || !strings.HasPrefix(user.text, node) && !strings.HasPrefix(user.text, account) && user.text != anonymous
		}, in(authenticated)),
		s.by(func(user word) bool { return user.other || strings.HasPrefix(user.text, node) }, in(authenticated, nodes)),
		s.by(other, in(authenticated, accounts)),
	}
	for _, namespace := range s.accountNamespaces() {
		likely = append(likely, s.by(func(user word) bool {
			return user.other || strings.HasPrefix(user.text, account+namespace+":")
		}, in(authenticated, accounts, accounts+":"+namespace)))
	}
	return likely
}

// accountNamespaces are those of service accounts that rules name, or whose group
// they name.
func (s *Space) accountNamespaces() []string {
	var all []string
	for _, user := range s.words[userDim][1:] {
		if rest, is := strings.CutPrefix(user, account); is {
			namespace, _, _ := strings.Cut(rest, ":")
			all = append(all, namespace)
		}
	}
	for _, group := range s.groups {
		if namespace, is := strings.CutPrefix(group, accounts+":"); is {
			all = append(all, namespace)
		}
	}
	return sortedSet(all)
}

// by is a box of callers. A group may allow for members, for others, or both.
func (s *Space) by(users func(word) bool, groups func(string) (in, out bool)) Box {
	b := slices.Clone(s.full)
	d := s.dims[userDim]
	for w := d.from; w < d.to; w++ {
		b[w] = 0
	}
	for v, name := range s.words[userDim] {
		if users(word{name, v == 0}) {
			b[d.from+d.class[v]/64] |= 1 << (d.class[v] % 64)
		}
	}
	for i, group := range s.groups {
		at := s.dims[groupDims+i].from
		b[at] = 0
		in, out := groups(group)
		if out {
			b[at] |= 0b01
		}
		if in {
			b[at] |= 0b10
		}
	}
	return b
}

// ByAnyone is the box with all callers.
func (s *Space) ByAnyone(b Box) Box {
	return slices.Concat(b[:s.dims[userDim].from], s.full[s.dims[userDim].from:])
}

// SameRequest says whether two boxes differ in their callers only, if at all.
func (s *Space) SameRequest(a, b Box) bool {
	to := s.dims[userDim].from
	return slices.Equal(a[:to], b[:to])
}
