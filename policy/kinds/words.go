// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// String says who does what to what, where: "by system:kube-proxy: watch
// endpoints (core)".
func (k Kind) String() string { return k.Short(0) }

// Short is String with lists cut after so many words, and the number of those
// that are left out; 0 cuts nothing.
func (k Kind) Short(limit int) string {
	w := wording{limit}
	text := w.set(k.Verbs, "any verb") + " "
	if k.Verbs.Except || len(k.Verbs.Words) > 2 {
		text += "on "
	}
	text += w.targets(k)
	if len(k.Callers) > 0 {
		text = "by " + w.callers(k.Callers) + ": " + text
	}
	names, namespaces := "", ""
	if !k.Names.All() {
		names = " " + w.where(k.Names, "named", "without a name")
	}
	if !k.Namespaces.All() {
		namespaces = " " + w.where(k.Namespaces, "in", "without a namespace")
	}
	const not = " but not "
	if strings.HasPrefix(names, not) && strings.HasPrefix(namespaces, not) && !strings.Contains(names+namespaces, " or ") {
		return text + " but neither " + strings.TrimPrefix(names, not) + " nor " + strings.TrimPrefix(namespaces, not)
	}
	return text + names + namespaces
}

// wording puts kinds into words.
type wording struct{ limit int }

func (w wording) list(words []string) string {
	return w.joined(quoted(words))
}

// joined is list for words that need no quotes.
func (w wording) joined(words []string) string {
	// to leave out one or two would save nothing
	if over := len(words) - w.limit; w.limit > 0 && over > 2 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:w.limit], ", "), over)
	}
	return strings.Join(words, ", ")
}

// quoted puts words in quotes that would be taken for something else, or do
// something to a terminal.
func quoted(words []string) []string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(" ,;\"\\", r) }
	all := slices.Clone(words)
	for i, word := range all {
		if word == "" || strings.ContainsFunc(word, odd) {
			all[i] = strconv.Quote(word)
		}
	}
	return all
}

// both is a list that something about all of them can follow.
func (w wording) both(words []string) string {
	if n := len(words) - 1; n > 0 && (w.limit == 0 || n < w.limit) {
		words = quoted(words)
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return w.list(words)
}

func (w wording) set(s Set, all string) string {
	switch {
	case s.All():
		return all
	case s.Except:
		return all + " but " + w.list(s.Words)
	}
	return w.list(s.Words)
}

// where words a set of names or namespaces, of which the empty one is special.
func (w wording) where(s Set, with, without string) string {
	named, empty := cutWord(s.Words, "")
	var parts []string
	if len(named) > 0 {
		parts = append(parts, with+" "+w.list(named))
	}
	if empty {
		parts = append(parts, without)
	}
	text := strings.Join(parts, " or ")
	if s.Except {
		return "but not " + text
	}
	return text
}

// callers joins those who can be joined: users, and members of one group.
func (w wording) callers(all []Caller) string {
	var users, members, parts []string
	for _, c := range all {
		switch {
		case !c.Users.Except && len(c.In)+len(c.NotIn) == 0:
			users = append(users, c.Users.Words...)
		case c.Users.All() && len(c.In) == 1 && len(c.NotIn) == 0:
			members = append(members, c.In...)
		default:
			parts = append(parts, w.caller(c))
		}
	}
	if len(members) > 0 {
		parts = append([]string{"members of " + w.list(members)}, parts...)
	}
	if len(users) > 0 {
		parts = append([]string{w.list(users)}, parts...)
	}
	return strings.Join(parts, " and by ")
}

func (w wording) caller(c Caller) string {
	text := w.set(c.Users, "anyone")
	if len(c.In) > 0 {
		text += " in " + strings.Join(quoted(c.In), " and ")
	}
	if len(c.NotIn) > 0 {
		text += " not in " + w.list(c.NotIn)
	}
	if c.Users.Except && slices.Contains(c.NotIn, authenticated) && len(c.In) == 0 {
		if slices.Contains(c.NotIn, unauthenticated) {
			return text + " (a failed login)"
		}
		return text + " (anonymous, or a failed login)"
	}
	return text
}

// targets words resources or paths. What is named of the same groups goes into
// one list.
func (w wording) targets(k Kind) string {
	var parts, paths []string
	for i := 0; i < len(k.Resources); i++ {
		r := k.Resources[i]
		text := w.resources(r)
		for listed(r) && i+1 < len(k.Resources) && listed(k.Resources[i+1]) && slices.Equal(r.Groups.Words, k.Resources[i+1].Groups.Words) {
			i++
			text += ", " + w.resources(k.Resources[i])
		}
		parts = append(parts, text+w.groups(r))
	}
	for _, p := range k.Paths {
		paths = append(paths, w.paths(p))
	}
	if len(paths) > 0 {
		parts = append(parts, w.joined(paths))
	}
	return strings.Join(parts, "; ")
}

// listed says whether resources are named, without or with all of their
// subresources.
func listed(r ResourceSet) bool {
	return !r.Groups.Except && !r.Resources.Except && (!r.Subresources.Except || r.Subresources.All())
}

func (w wording) resources(r ResourceSet) string {
	text := w.set(r.Resources, "any resource")
	subs, self := cutWord(r.Subresources.Words, "")
	switch self = self != r.Subresources.Except; {
	case r.Subresources.All() && r.Resources.Except:
		return text
	case r.Subresources.All():
		return w.both(r.Resources.Words) + " with subresources"
	case r.Subresources.Except && self && !r.Resources.Except:
		return w.both(r.Resources.Words) + " with subresources but " + w.list(subs)
	case r.Subresources.Except && self:
		return text + " with subresources but " + w.list(subs)
	case r.Subresources.Except && len(subs) == 0:
		return "any subresource of " + text
	case r.Subresources.Except:
		return "any subresource but " + w.list(subs) + " of " + text
	case r.Resources.Except:
		return w.anyWith(r, subs, self)
	}
	var each []string
	for _, resource := range r.Resources.Words {
		for _, sub := range r.Subresources.Words {
			each = append(each, strings.TrimSuffix(resource+"/"+sub, "/"))
		}
	}
	return w.list(each)
}

// anyWith is for all resources but some with certain subresources.
func (w wording) anyWith(r ResourceSet, subs []string, self bool) string {
	var each []string
	if self {
		each = append(each, "any resource itself")
	}
	for _, sub := range subs {
		each = append(each, quoted([]string{"*/" + sub})...)
	}
	text := w.joined(each)
	if len(r.Resources.Words) > 0 {
		text += " but not of " + w.list(r.Resources.Words)
	}
	return text
}

// groups words the API groups, and which of their resources are not meant.
func (w wording) groups(r ResourceSet) string {
	groups := slices.Clone(r.Groups.Words)
	if i := slices.Index(groups, ""); i >= 0 {
		groups[i] = "core"
	}
	var except []string
	for _, e := range r.Except {
		except = append(except, w.resources(e))
	}
	// the long ones last, so that nobody takes their end for the list's
	slices.SortStableFunc(except, func(a, b string) int { return strings.Count(a, " with ") - strings.Count(b, " with ") })
	but := ""
	if len(except) > 0 {
		but = " but " + strings.Join(except, ", ")
	}
	switch {
	case r.foreign != nil && len(r.foreign.Words) == 0:
		return " in any group that is not built in" + but
	case r.foreign != nil:
		return " in any group that is neither built in nor one of " + w.list(r.foreign.Words) + but
	case r.Groups.All() && r.Resources.All():
		return but
	case r.Groups.All():
		return " in any group" + but
	case r.Groups.Except:
		return " in any group but " + w.list(groups) + but
	case r.Resources.Except:
		return " in " + w.list(groups) + but
	}
	return " (" + w.list(groups) + ")"
}

func (w wording) paths(p PathSet) string {
	text := "any path"
	if p.Path != "*" {
		text = quoted([]string{p.Path})[0]
	}
	if len(p.Except) > 0 {
		text += " but " + w.list(p.Except)
	}
	return text
}

// cutWord takes a word out of a list and says whether it was there.
func cutWord(words []string, word string) ([]string, bool) {
	rest := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == word })
	return rest, len(rest) < len(words)
}
