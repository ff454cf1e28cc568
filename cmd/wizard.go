// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/pflag"
)

// wizard asks for what enable was not told in flags. Its answers are a
// setup.Spec, which goes the way of every other: it is resolved, shown as diffs,
// agreed to and applied. A flag that was given is taken for the answer to its
// question, which is not asked then. With -f, --yes, --dry-run or --sample there
// is no wizard.
//
// Nothing is written before the last question is answered with "write", but for
// the files of "save", which say so.
type wizard struct {
	*enableOptions
	flags *pflag.FlagSet
	found found
	// in are the answers so far, laid over the flags.
	in setup.Input
	// purpose is an index of purposes; the other three remember answers that are
	// in no Spec.
	purpose     int
	everyone    bool // every profile is shown, not the fitting ones alone
	ownConfig   bool // of the webhook: a kubeconfig, not a URL
	credentials int
	// first is set while there is no question to go back to.
	first bool
	// edited is set once the policy comes out of the editor.
	edited bool
	// kept is what "save" has written.
	kept savedAnswers
}

// step is one question. The zero applies is always.
type step struct {
	// flags are those that answer it when one of them is given.
	flags   []string
	applies func(*wizard) bool
	// ask stores the answer in the wizard, or gives errBack or errCancelled.
	ask func(*wizard) error
}

var errBack = errors.New("back a step")

// steps are all questions, in order. Figures need the rate, so that comes first.
var steps = []step{
	{[]string{"take-over"}, (*wizard).foreign, (*wizard).askTakeOver},
	{[]string{"rate", "cluster-rate"}, (*wizard).ofOneServer, (*wizard).askRate},
	{[]string{"profile", "policy"}, nil, (*wizard).askPurpose},
	{[]string{"profile", "policy"}, nil, (*wizard).askProfile},
	{[]string{"backend"}, nil, (*wizard).askBackends},
	{[]string{"webhook-url", "webhook-config"}, (*wizard).toWebhook, (*wizard).askReceiver},
	{[]string{"webhook-url", "webhook-config"}, (*wizard).toURL, (*wizard).askURL},
	{[]string{"webhook-config", "webhook-ca"}, (*wizard).toHTTPS, (*wizard).askCA},
	{[]string{"webhook-config", "webhook-client-certificate", "webhook-token-file"}, (*wizard).toHTTPS, (*wizard).askCredentials},
	{[]string{"webhook-config", "webhook-client-certificate"}, (*wizard).withCertificate, (*wizard).askCertificate},
	{[]string{"webhook-config", "webhook-client-key"}, (*wizard).withCertificate, (*wizard).askKey},
	{[]string{"webhook-config", "webhook-token-file"}, (*wizard).withToken, (*wizard).askToken},
	{[]string{"webhook-config", "webhook-url"}, (*wizard).toConfig, (*wizard).askConfig},
	{[]string{"webhook-mode"}, (*wizard).toWebhook, (*wizard).askMode},
	{[]string{"retention"}, (*wizard).toLog, (*wizard).askRetention},
	{[]string{"disk-budget"}, (*wizard).toLog, (*wizard).askDisk},
	{[]string{"persist"}, (*wizard).upgraded, (*wizard).askPersist},
	{nil, nil, (*wizard).review},
}

// asks tells whether there is anybody to ask, and cause to.
func (o *enableOptions) asks() bool {
	return o.io.Interactive && !o.yes && !o.dryRun && !o.sample && o.file == ""
}

func (o *enableOptions) runWizard(flags *pflag.FlagSet, in setup.Input, inErr error) error {
	w := &wizard{enableOptions: o, flags: flags, in: in}
	_, saveErr := o.newSave(in.Spec)
	if err := w.look(combine(inErr, saveErr)); err != nil {
		return err
	}
	w.introduce()
	return w.walk()
}

// walk asks one question after the other, and goes back to the one before when
// that is the answer.
func (w *wizard) walk() error {
	for i := 0; i < len(steps); {
		before := i - 1
		for before >= 0 && !w.due(steps[before]) {
			before--
		}
		w.first = before < 0
		var err error
		var refused answerError
		if w.due(steps[i]) {
			err = steps[i].ask(w)
		}
		switch {
		case err == nil:
			i++
		case errors.Is(err, errBack):
			i = max(before, 0)
		case errors.Is(err, errCancelled):
			return document.Problem{What: errCancelled.Error() + w.kept.but()}
		case errors.As(err, &refused):
			w.complain(err)
		default:
			return err
		}
	}
	return nil
}

// due tells whether the question is to be asked.
func (w *wizard) due(s step) bool {
	given := slices.ContainsFunc(s.flags, w.flags.Changed)
	return !given && (s.applies == nil || s.applies(w))
}

// try lays an answer over those before it, and keeps it if nothing is wrong with
// it; what is wrong elsewhere is another question's. The flag is the one that
// would say the same.
func (w *wizard) try(flag, path string, lay func(*setup.Spec)) error {
	in := w.in
	in.Origins = maps.Clone(in.Origins)
	in.Origins.Flag(path, "--"+flag)
	lay(&in.Spec)
	err := w.readFiles(&in)
	_, resolveErr := w.resolve(in)
	var problems document.Problems
	for _, p := range document.ProblemsOf(combine(err, resolveErr)) {
		if p.File == "--"+flag || p.File == path || err != nil {
			problems = append(problems, p)
		}
	}
	if problems != nil {
		return answerError{problems}
	}
	w.in = in
	return nil
}

// answerError is what is wrong with an answer, so that the question comes again.
type answerError struct{ document.Problems }

// Unwrap keeps the problems for whoever looks for them.
func (e answerError) Unwrap() error { return e.Problems }

// pick has one of several picked; the way back is a choice as well.
func (w *wizard) pick(q question, first int) (int, error) {
	back := len(q.choices)
	if !w.first {
		q.choices = append(slices.Clip(q.choices), choice{label: "back a step", short: "back", key: '<'})
	}
	i, err := w.prompt.Select(q, first)
	if err == nil && i == back {
		err = errBack
	}
	return i, err
}

// line asks for one line until accept takes it.
func (w *wizard) line(question, proposal string, accept func(string) error) error {
	for {
		answer, err := w.prompt.Input(question, proposal)
		switch {
		case err != nil:
			return err
		case answer == "<" || answer == "back":
			if !w.first {
				return errBack
			}
			w.tell("  this is the first question\n")
			continue
		}
		if err = accept(answer); err == nil {
			return nil
		}
		w.complain(err)
	}
}

// complain says what is wrong with an answer, without the flag or the place in
// a spec that nobody has named.
func (w *wizard) complain(err error) {
	for _, p := range document.ProblemsOf(err) {
		text := p.What
		if p.Hint != "" {
			text += ": " + p.Hint
		}
		fmt.Fprint(w.io.Err, indent("! "+text, "  ", w.prompt.Columns()-1))
	}
}

// tell prints words to the person, broken to fit the terminal.
func (w *wizard) tell(format string, args ...any) {
	_, _ = io.WriteString(w.io.Err, fold(fmt.Sprintf(format, args...), w.prompt.Columns()-1))
}
