// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/core"
	keys "github.com/AlecAivazis/survey/v2/terminal"
	"k8s.io/kubectl/pkg/cmd/util/editor"
)

// prompter asks a person. This file is the only door to survey, which is
// archived upstream and will be replaced one day.
//
// Whatever was typed or pasted before a question is shown does not answer it.
// Every method gives errCancelled after an interrupt or at the end of input.
type prompter interface {
	// Confirm asks for yes or no, no being the answer to a bare return.
	Confirm(question string) (bool, error)
	// Select has one of the choices picked and gives its index. A bare return
	// picks the one at index first.
	Select(q question, first int) (int, error)
	// Input asks for one line, without blanks around it. A bare return gives
	// the proposal. Whether the answer is any good is for the caller to say.
	Input(question, proposal string) (string, error)
	// Page shows a text of any length, a screen at a time.
	Page(text string) error
	// Edit has a text changed in the person's editor.
	Edit(text []byte) ([]byte, error)
	// Columns is how wide a line may be.
	Columns() int
}

// question is one for [prompter.Select].
type question struct {
	text    string // one line
	choices []choice
	// hint is said below the choices; may be empty.
	hint string
	// grave is set when the answer has consequences: what comes in on its own
	// must have ended before the question is shown.
	grave bool
}

// choice is one answer of several.
type choice struct {
	// label is one line, short what is left of it once it was picked.
	label, short string
	// detail is shown for the choice in view; may be empty.
	detail string
	// key picks the choice at once when it is typed; 0 is none.
	key rune
}

var errCancelled = errors.New("interrupted, and nothing was written")

// terminal asks on the process's own terminal, through stderr, so that results
// can be redirected. Which way depends on what the terminal can do, which is
// found out when the first question is asked.
type terminal struct{ chosen prompter }

func (t *terminal) ask() prompter {
	if t.chosen == nil {
		kind := os.Getenv("TERM")
		k := &keyboard{tty: os.Stdin}
		// survey asks for the cursor's place and waits for the answer for ever
		if kind == "" || kind == "dumb" || !k.answers(os.Stderr) {
			t.chosen = &plain{keys: k, in: os.Stdin, out: os.Stderr}
		} else {
			core.DisableColor = core.DisableColor || os.Getenv("NO_COLOR") != ""
			t.chosen = &fancy{keys: k, out: os.Stderr}
		}
	}
	return t.chosen
}

func (t *terminal) Confirm(question string) (bool, error)     { return t.ask().Confirm(question) }
func (t *terminal) Select(q question, first int) (int, error) { return t.ask().Select(q, first) }
func (t *terminal) Input(question, given string) (string, error) {
	return t.ask().Input(question, given)
}
func (t *terminal) Page(text string) error           { return t.ask().Page(text) }
func (t *terminal) Edit(text []byte) ([]byte, error) { return t.ask().Edit(text) }
func (t *terminal) Columns() int                     { return t.ask().Columns() }

// edit opens the editor that kubectl edit would open.
func edit(text []byte) ([]byte, error) {
	e := editor.NewDefaultEditor([]string{"KUBE_EDITOR", "EDITOR"})
	changed, path, err := e.LaunchTempFile("auditsetup-policy-", ".yaml", bytes.NewReader(text))
	if path != "" {
		_ = os.Remove(path) // the text is at hand
	}
	return changed, err
}

// fancy asks by means of survey.
type fancy struct {
	keys *keyboard
	out  *os.File
}

// choose is how survey shows a list: its own way takes half a line for a hint,
// and has no room for what is behind a choice.
const choose = `
{{- define "option"}}
    {{- if eq .SelectedIndex .CurrentIndex}}{{color "cyan+b"}}> {{else}}{{color "default"}}  {{end}}
    {{- .CurrentOpt.Value}}{{color "reset"}}
{{end}}
{{- color "green+hb"}}? {{color "reset"}}{{color "default+hb"}}{{.Message}}{{color "reset"}}
{{- if .ShowAnswer}}{{color "cyan"}} {{.Answer}}{{color "reset"}}{{"\n"}}
{{- else}}{{"\n"}}
  {{- range $ix, $option := .PageEntries}}{{template "option" $.IterateOption $ix $option}}{{end}}
  {{- range $ix, $option := .PageEntries}}{{if eq $ix $.SelectedIndex}}{{$.GetDescription $option}}{{end}}{{end}}
  {{- color "cyan"}}{{.Help}}{{color "reset"}}{{"\n"}}
{{- end}}`

// Select keeps every line within the width, also after that has changed: survey
// counts lines, and would leave traces of those that the terminal broke.
func (f *fancy) Select(q question, first int) (int, error) {
	survey.SelectQuestionTemplate = choose
	list := &survey.Select{Message: q.text, Default: first}
	hint := "  arrows and return"
	if q.choices[len(q.choices)-1].key == '<' {
		hint += ", < goes back a step"
	}
	if q.hint != "" {
		hint += "; " + q.hint
	}
	lay := func() {
		width, height := f.keys.size()
		list.Options = list.Options[:0]
		for _, c := range q.choices {
			label := c.label
			if c.key != 0 {
				label += "  (" + string(c.key) + ")"
			}
			list.Options = append(list.Options, cut(label, width-3))
		}
		list.Help = cut(hint, width-1)
		list.PageSize = max(3, min(len(q.choices), height-8))
		list.Description = func(_ string, i int) string {
			lines := strings.SplitAfter(indent(q.choices[i].detail, "      ", width-1), "\n")
			return strings.Join(lines[:min(len(lines), max(1, height-list.PageSize-3))], "")
		}
	}
	lay()
	list.Filter = func(typed, _ string, i int) bool { return typed == string(q.choices[i].key) }
	f.keys.instant, f.keys.menu, f.keys.resized = map[string]bool{}, true, lay
	for _, c := range q.choices {
		f.keys.instant[string(c.key)] = c.key != 0
	}
	var picked int
	err := f.run(q.grave, func(opts ...survey.AskOpt) error {
		return survey.Ask([]*survey.Question{{Prompt: list, Transform: func(answer any) any {
			if a, ok := answer.(core.OptionAnswer); ok {
				a.Value = q.choices[a.Index].short
				return a
			}
			return nil
		}}}, &picked, opts...)
	})
	f.keys.instant, f.keys.menu, f.keys.resized = nil, false, nil
	return picked, err
}

func (f *fancy) Input(question, proposal string) (string, error) {
	answer := ""
	err := f.run(false, func(opts ...survey.AskOpt) error {
		return survey.AskOne(&survey.Input{Message: question, Default: proposal}, &answer, opts...)
	})
	return strings.TrimSpace(answer), err
}

func (f *fancy) Confirm(question string) (bool, error) {
	yes := false
	err := f.run(true, func(opts ...survey.AskOpt) error {
		return survey.AskOne(&survey.Confirm{Message: question}, &yes, opts...)
	})
	return yes, err
}

// run asks one question, with what was typed before thrown away, and with pastes
// marked as such by the terminal (bracketed paste) as long as it lasts. A signal
// gives the question up, so that the terminal is left as it was found.
func (f *fancy) run(grave bool, ask func(...survey.AskOpt) error) error {
	f.keys.signals = catchEnd()
	defer signal.Stop(f.keys.signals)
	if restore, err := rawInput(f.keys.tty); err == nil {
		defer restore()
	}
	f.keys.forget(grave)
	fmt.Fprint(f.out, "\x1b[?2004h")
	defer fmt.Fprint(f.out, "\x1b[?2004l")
	if err := ask(survey.WithStdio(f.keys, f.out, f.out)); err != nil {
		return errCancelled // survey knows of interrupts and of failed reads only
	}
	return nil
}

func (f *fancy) Page(text string) error {
	width, height := f.keys.size()
	return paged(f.out, wrapHard(text, width), height-1, func() (string, error) {
		more := cut("-- more: return for the next page, q to skip --", width-1)
		var key rune
		err := f.run(false, func(...survey.AskOpt) (err error) {
			fmt.Fprint(f.out, more)
			reader := keys.NewRuneReader(keys.Stdio{In: f.keys, Out: f.out, Err: f.out})
			if key, _, err = reader.ReadRune(); key == keys.KeyInterrupt {
				err = errCancelled
			}
			return err
		})
		fmt.Fprint(f.out, "\r"+strings.Repeat(" ", len(more))+"\r")
		return string(key), err
	})
}

func (f *fancy) Edit(text []byte) ([]byte, error) { return edit(text) }

func (f *fancy) Columns() int { return f.keys.columns() }
