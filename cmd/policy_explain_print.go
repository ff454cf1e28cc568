// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	requested "github.com/auditsetup/auditsetup/policy/explain"
)

// explained is what a policy makes of requests, to be printed.
type explained struct {
	policy  string
	version apiserver.Version
	// rules is how many rules the policy has.
	rules int
	all   bool
	found []requested.Explanation
}

// reasons says whether rules that do not match are printed: with one request, or
// when everything is.
func (x *explained) reasons() bool { return x.all || len(x.found) == 1 }

func (x *explained) text() string {
	var text strings.Builder
	for i := range x.found {
		if i > 0 {
			text.WriteString("\n")
		}
		x.request(&text, &x.found[i])
	}
	if !x.reasons() {
		text.WriteString("\nwhy the rules before do not match: see --all\n")
	}
	return text.String()
}

// line writes a labelled line.
func line(w *strings.Builder, label, text string) { hanging(w, fmt.Sprintf("  %-10s", label), text) }

// hanging writes a text behind a beginning, and breaks it where it is too long, so
// that all of it stands to the right of the beginning.
func hanging(w *strings.Builder, begin, text string) {
	const width = 100
	w.WriteString(begin)
	column := len(begin)
	for i, word := range strings.Fields(text) {
		if column > len(begin) && column+1+len(word) > width {
			w.WriteString("\n" + strings.Repeat(" ", len(begin)))
			column = len(begin)
		} else if i > 0 {
			w.WriteString(" ")
			column++
		}
		w.WriteString(word)
		column += len(word)
	}
	w.WriteString("\n")
}

func (x *explained) request(w *strings.Builder, e *requested.Explanation) {
	fmt.Fprintf(w, "%s\n", &e.Request)
	if method, _, _ := strings.Cut(e.Request.Said, " "); requested.IsMethod(method) {
		line(w, "sent as", e.Request.Said)
	} else if e.Request.Said != "" {
		line(w, "step", e.Request.Said)
	}
	line(w, "by", e.Caller.String())
	for _, note := range e.Request.Notes {
		line(w, "note", note)
	}
	line(w, "level", x.level(e))
	line(w, "events", eventsInWords(e))
	if e.Written() {
		line(w, "request", bodyInWords(e.Content.Request, e.Content.ManagedFields))
		line(w, "response", bodyInWords(e.Content.Response, e.Content.ManagedFields))
		for _, remark := range e.Content.Remarks {
			line(w, "warning", remark)
		}
	}
	for _, logged := range e.Request.Logged {
		line(w, "log", comparedWithLog(e, logged))
	}
	if x.reasons() {
		x.rulesInWords(w, e)
	}
}

// level says what decides.
func (x *explained) level(e *requested.Explanation) string {
	if e.Decision.Rule < 0 {
		return "None, as no rule matches"
	}
	r := e.Rules[e.Decision.Rule]
	text := fmt.Sprintf("%s, by rule %d of %d (%s:%d)", e.Decision.Level, r.Index+1, x.rules, x.policy, r.Line)
	if len(r.Conditions) == 0 {
		text += ", which matches everything"
	}
	return text
}

func eventsInWords(e *requested.Explanation) string {
	var written []string
	omitted := map[string][]string{}
	for _, s := range e.Stages {
		if s.Written {
			written = append(written, s.Name)
		} else {
			omitted[s.OmittedBy] = append(omitted[s.OmittedBy], s.Name)
		}
	}
	parts := []string{"none"}
	if len(written) > 0 {
		parts = []string{fmt.Sprintf("%d, at %s", len(written), inSentence(written))}
	}
	for _, by := range []string{"policy", "rule"} {
		if names := omitted[by]; len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s omitted by the %s", inSentence(names), plural(len(names), "is", "are"), by))
		}
	}
	return strings.Join(parts, "; ")
}

// inSentence is "a, b and c".
func inSentence(words []string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " and " + words[n]
}

func bodyInWords(b requested.Body, managed bool) string {
	switch {
	case !b.Recorded:
		return "not recorded: " + b.What
	case managed:
		return b.What + ", managed fields and all"
	case strings.Contains(b.What, "object") || strings.Contains(b.What, "list"):
		return b.What + ", without managed fields"
	}
	return b.What
}

// comparedWithLog holds an event of a log against what the policy would write.
func comparedWithLog(e *requested.Explanation, logged requested.Logged) string {
	text := fmt.Sprintf("%s at %s there", logged.Level, logged.Stage)
	bodies := []string{}
	if logged.RequestBody {
		bodies = append(bodies, "request")
	}
	if logged.ResponseBody {
		bodies = append(bodies, "response")
	}
	if len(bodies) > 0 {
		text += ", with the body of the " + strings.Join(bodies, " and the ")
	}
	at := func(s requested.Stage) bool { return s.Name == logged.Stage && s.Written }
	switch {
	case !slices.ContainsFunc(e.Stages, at) && logged.Stage != "Panic":
		return text + "; not written by this policy"
	case string(e.Decision.Level) == logged.Level:
		return text + "; the same by this policy"
	}
	return text + "; " + string(e.Decision.Level) + " by this policy"
}

// rulesInWords says what keeps rules from matching, and which would have matched.
func (x *explained) rulesInWords(w *strings.Builder, e *requested.Explanation) {
	before, behind := e.Rules, []requested.Rule(nil)
	if d := e.Decision.Rule; d >= 0 {
		before, behind = e.Rules[:d], e.Rules[d+1:]
		if x.all && len(e.Rules[d].Conditions) > 0 {
			w.WriteString("  the rule that decides:\n")
			x.rule(w, e.Rules[d])
		}
	}
	switch {
	case e.Decision.Rule < 0:
		w.WriteString("  no rule matches:\n")
	case len(before) > 0:
		w.WriteString("  rules before it do not match:\n")
	}
	for _, r := range before {
		x.rule(w, r)
	}
	var late []string
	for _, r := range behind {
		if r.Matches {
			late = append(late, strconv.Itoa(r.Index+1))
		}
	}
	if x.all && len(behind) > 0 {
		w.WriteString("  rules behind it, which nobody asks any more:\n")
		for _, r := range behind {
			x.rule(w, r)
		}
		return
	}
	switch len(late) {
	case 0:
	case 1:
		line(w, "behind", "rule "+late[0]+" would match as well, and is never asked")
	default:
		line(w, "behind", "rules "+strings.Join(late, ", ")+" would match as well, and are never asked")
	}
}

// rule says which conditions of a rule do not hold; with all of them, which do.
func (x *explained) rule(w *strings.Builder, r requested.Rule) {
	begin := fmt.Sprintf("    %-14s", fmt.Sprintf("%d, line %d", r.Index+1, r.Line))
	add := func(field, text string) {
		hanging(w, fmt.Sprintf("%s%-17s", begin, field), text)
		begin = strings.Repeat(" ", len(begin))
	}
	for _, c := range r.Conditions {
		if !c.Holds {
			add(c.Field, x.condition(c))
		}
	}
	for _, c := range r.Conditions {
		if c.Holds && x.all {
			add(c.Field, "holds for "+strings.Join(quotedWords(c.Has), ", "))
		}
	}
	if len(r.Conditions) == 0 {
		add("", "matches everything")
	}
}

// condition says what was asked and what there is.
func (x *explained) condition(c requested.Condition) string {
	asked := quotedWords(c.Asked)
	for i := range len(asked) - 1 { // what stands behind several is said once
		if at := strings.Index(asked[i], " ("); at >= 0 && strings.HasSuffix(asked[i+1], asked[i][at:]) {
			asked[i] = asked[i][:at]
		}
	}
	if over := len(asked) - shownWords; over > 2 && !x.all {
		asked = append(asked[:shownWords:shownWords], fmt.Sprintf("%d more", over))
	}
	text := strings.Join(asked, ", ")
	if len(c.Has) > 0 {
		text += ", not " + strings.Join(quotedWords(c.Has), ", ")
	}
	if c.Why != "" {
		text += " (" + c.Why + ")"
	}
	return text
}

func quotedWords(words []string) []string {
	all := slices.Clone(words)
	for i, w := range all {
		if w == "" || strconv.Quote(w) != `"`+w+`"` {
			all[i] = strconv.Quote(w)
		}
	}
	return all
}
