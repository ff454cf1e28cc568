// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
)

// The answers to the last question, each of which is given by its word.
const (
	toWrite  = "write"
	toEdit   = "edit"
	toSave   = "save"
	toShow   = "show again"
	toReturn = "back"
	toCancel = "cancel"
)

// review shows everything, and asks once more. A bare return cancels.
func (w *wizard) review() error {
	show := true
	for {
		p, err := w.planEnable(w.in, nil)
		if err == nil && show {
			err = w.examine(&w.hostFlags, p)
		}
		if err != nil {
			return w.refused(err)
		}
		if show {
			if err := w.showAll(p); err != nil {
				return err
			}
		}
		answer, err := w.last(p)
		if err != nil {
			return err
		}
		show = false
		switch answer {
		case toWrite:
			return w.finish(p)
		case toEdit:
			show = w.editPolicy(p.desired)
		case toSave:
			err = w.askSave()
		case toShow:
			show = true
		case toReturn:
			return errBack
		case toCancel:
			return declinedError{w.kept.but()}
		}
		if err != nil {
			return err
		}
	}
}

// showAll shows what would be done, and why. Who skips the diffs still gets to
// see the flags, and the warnings in any case.
func (w *wizard) showAll(p *planned) error {
	var diffs, reasons bytes.Buffer
	fmt.Fprintln(&diffs)
	p.showDiff(&diffs)
	writeReasons(&reasons, p.desired)
	for _, text := range []string{diffs.String(), fold(reasons.String(), w.prompt.Columns()-1) + "\n"} {
		if err := w.prompt.Page(text); err != nil {
			return err
		}
	}
	w.warn(p)
	return nil
}

// warn says what must not be missed, below what may have been skipped.
func (w *wizard) warn(p *planned) {
	var text bytes.Buffer
	say(&text, "note", p.desired.Notes)
	say(&text, "warning", p.desired.Warnings)
	reportDrift(&text, w.host.Display(w.manifest), p.result.Drift)
	w.tell("%s", text.String())
	if r := p.desired.Numbers.Rotation; r != nil {
		w.warnOfSpace(r.DiskMaxBytes.Value)
	}
}

// last asks the question after which something is written.
func (w *wizard) last(p *planned) (string, error) {
	text := "All of it is above. What now?"
	if p.idle() {
		text = "Nothing to do: everything is as asked. What now?"
	}
	q := question{text: text, grave: true, hint: "nothing is written yet"}
	if w.kept.path != "" {
		q.hint = "nothing is written yet" + w.kept.but()
	}
	add := func(word, label, detail string, key rune) {
		q.choices = append(q.choices, choice{label: label, short: word, detail: detail, key: key})
	}
	if !p.idle() {
		add(toWrite, "write these changes", "", 0)
	}
	add(toEdit, "edit the policy", "It opens in $EDITOR and is checked when you come back.", 'e')
	add(toSave, "save the answers as a spec file", "For auditsetup enable -f, here or on the next control plane.", 0)
	add(toShow, "show the changes again", "", 0)
	if !w.first {
		add(toReturn, "back a step", "", '<')
	}
	add(toCancel, "cancel, and write nothing", "", 0)
	i, err := w.prompt.Select(q, len(q.choices)-1)
	if err != nil {
		return "", err
	}
	return q.choices[i].short, nil
}

// refused shows why the answers together cannot be, and has one of them changed.
func (w *wizard) refused(err error) error {
	problems := document.ProblemsOf(err)
	if w.first {
		return err // there is no answer to change
	}
	var text strings.Builder
	say(&text, "error", problems)
	w.tell("\n%s", text.String())
	q := question{text: "This cannot be done. What now?", grave: true, choices: []choice{
		{label: "back a step", short: toReturn, key: '<'}, {label: "cancel, and write nothing", short: toCancel},
	}}
	takeOver := !w.in.Spec.TakeOver && strings.Contains(text.String(), "--take-over")
	if takeOver {
		q.choices = append(q.choices, choice{label: "replace what is there, which disable puts back", short: "replace"})
	}
	i, err := w.prompt.Select(q, 1)
	switch {
	case err != nil:
		return err
	case i == 0:
		return errBack
	case i == 1:
		return declinedError{w.kept.but()}
	}
	w.in.Spec.TakeOver = true
	return w.review()
}

// marker begins the lines that the editor's file has on top.
const marker = "# auditsetup: "

// editPolicy has the policy changed until it can be used, or comes back as it
// was. It tells whether it is another one now.
//
// An edited policy is a policy of the administrator's own, so no profile vouches
// for its volume any more: the figures of the profile that it was are kept.
func (w *wizard) editPolicy(d *setup.Desired) (changed bool) {
	text, before := d.Policy, d.Policy
	var refused error
	for {
		back, err := w.prompt.Edit(text)
		if err != nil {
			w.complain(err)
			return false
		}
		body := unmarked(back)
		if bytes.Equal(body, before) {
			w.complain(refused) // an editor that nobody looks at has not shown it
			w.tell("  the policy stays as it was\n")
			return false
		}
		if refused = w.usePolicy(body); refused == nil {
			return true
		}
		text, before = append(marked(refused), body...), body
	}
}

// asEdited stands for the name of a policy that is in no file.
const asEdited = "as edited"

func (w *wizard) usePolicy(text []byte) error {
	if _, err := policy.Read("policy", text, w.found.version); err != nil {
		return err
	}
	before := w.in
	from, _ := profiles.Lookup(w.in.Spec.Policy.Profile)
	if w.in.Spec.Policy.Profile == "" && w.in.Spec.Policy.File == "" {
		from, _ = profiles.Lookup(setup.DefaultProfile)
	}
	w.in.PolicyData = text
	err := w.try("policy", "policy.file", func(s *setup.Spec) {
		s.Policy.Profile, s.Policy.File, s.Policy.ExtraRules = "", asEdited, nil
		if s.Load.EventsPerRequest == nil && from.Name != "" {
			s.Load.EventsPerRequest = &from.EventsPerRequest.Value
		}
		if s.Load.BytesPerEvent == nil && from.Name != "" {
			s.Load.BytesPerEvent = &from.BytesPerEvent.Value
		}
	})
	if err != nil {
		w.in = before
		return err
	}
	w.edited = true
	return nil
}

// marked gives the lines that say what is wrong with the text below them, at
// which lines of the file that both are.
func marked(err error) []byte {
	lines := []string{"this policy cannot be used. Lines like this one are taken out again;", "leave the file as it is to give the change up."}
	problems := document.ProblemsOf(err)
	on := len(lines)
	for _, p := range problems {
		on++
		if p.Hint != "" {
			on++
		}
	}
	for _, p := range problems {
		what := p.What
		if p.Line > 0 {
			what = fmt.Sprintf("line %d: %s", p.Line+on, what)
		}
		lines = append(lines, what)
		if p.Hint != "" {
			lines = append(lines, "  "+p.Hint)
		}
	}
	return []byte(marker + strings.Join(lines, "\n"+marker) + "\n")
}

func unmarked(text []byte) []byte {
	for bytes.HasPrefix(text, []byte(marker)) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}
