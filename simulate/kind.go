// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"strconv"
	"strings"
)

// manyKinds bounds the kinds that are told apart, a few hundred bytes each.
const manyKinds = 6 << 10

// The steps by which kinds are taken together where there are too many. Which it
// takes depends on nothing but the kinds that there are, so that parts add up to
// the same as the whole.
const (
	blurNodes = 1 + iota
	blurAccounts
	blurPaths
	blurUsers
	blurResources
)

// blur takes a kind together with others.
func (k *Kind) blur(step int) {
	const node, account = "system:node:", "system:serviceaccount:"
	if step >= blurNodes && strings.HasPrefix(k.User, node) {
		k.User = node + "*"
	}
	if step >= blurAccounts && strings.HasPrefix(k.User, account) {
		k.User = account + "*"
	}
	if step >= blurPaths && k.Path != "" {
		k.Path, k.Verb = "/*", "any"
	}
	if step >= blurUsers && !k.NoUser {
		k.User = "(any user)"
	}
	if step >= blurResources && k.Path == "" {
		k.Verb, k.Group, k.Resource, k.Subresource = "any", "", "(any resource)", ""
	}
}

// few takes kinds together until they are few enough, and says whether they were.
// A Kind that others were added to stays the same value.
func (p *Part) few() bool {
	if len(p.Kinds) <= manyKinds {
		return true
	}
	for len(p.Kinds) > manyKinds && p.Blur < blurResources {
		p.blur(p.Blur + 1)
	}
	return false
}

// blur takes kinds together by all steps up to one.
func (p *Part) blur(step int) {
	if step <= p.Blur {
		return
	}
	old := p.Kinds
	p.Blur, p.Kinds = step, map[string]*Kind{}
	for _, k := range old {
		k.blur(step)
		p.take(k)
	}
}

// take adds a kind.
func (p *Part) take(k *Kind) {
	key := k.key()
	mine := p.Kinds[key]
	if mine == nil {
		p.Kinds[key] = k
		return
	}
	for _, c := range k.Cells {
		mine.cell(c.Level, c.Stage).add(c)
	}
}

// key has all but the cells.
func (k *Kind) key() string {
	parts := []string{strconv.FormatBool(k.NoUser), k.User, k.Verb, k.Path, k.Group, k.Resource, k.Subresource}
	for _, r := range k.Rules {
		parts = append(parts, strconv.Itoa(r))
	}
	for i, p := range parts {
		parts[i] = strconv.Quote(p)
	}
	return strings.Join(parts, " ")
}

// shortened is a path by its first part.
func shortened(path string) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	const most = 40
	if len(first) > most {
		first = strings.ToValidUTF8(first[:most], "") + "…"
	}
	if rest != "" {
		return "/" + first + "/*"
	}
	return "/" + first
}
