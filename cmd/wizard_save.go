// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
)

// savedAnswers is the spec file that the wizard wrote, if any.
type savedAnswers struct {
	path string
	// policy is the file beside it with the edited policy; empty without one.
	policy string
	spec   setup.Spec
}

// but names the exceptions to "nothing was written".
func (s savedAnswers) but() string {
	switch {
	case s.path == "":
		return ""
	case s.policy == "":
		return " but " + s.path
	}
	return " but " + s.path + " and " + s.policy
}

func (w *wizard) askSave() error {
	proposal := "audit.yaml"
	if w.kept.path != "" {
		proposal = w.kept.path
	}
	for {
		name, err := w.prompt.Input("File to save the answers in", proposal)
		switch {
		case err != nil:
			return err
		case name == "<" || name == "back":
			return nil
		}
		if err = w.keep(name); err == nil {
			w.tell("  saved%s\n", strings.TrimPrefix(w.kept.but(), " but"))
			return nil
		}
		w.complain(err)
	}
}

// keep writes the answers to a spec file, and an edited policy to one beside it,
// which the spec names, so that the two can be handed on together. It replaces
// nothing but what it wrote itself.
func (w *wizard) keep(name string) error {
	spec := w.in.Spec
	kept := savedAnswers{path: name}
	var files []*savedSpec
	if w.edited {
		kept.policy = strings.TrimSuffix(name, filepath.Ext(name)) + ".policy.yaml"
		spec.Policy.File = filepath.Base(kept.policy)
		files = append(files, &savedSpec{kept.policy, w.in.PolicyData})
	}
	for _, file := range []*string{&spec.Policy.File, &spec.Webhook.ConfigFile} {
		if *file == "" || w.edited && file == &spec.Policy.File {
			continue
		}
		abs, err := filepath.Abs(*file)
		if err != nil {
			return err
		}
		*file = abs // a spec file may be read from anywhere
	}
	text, err := spec.Encode()
	if err != nil {
		return err
	}
	for i, f := range append(files, &savedSpec{name, text}) {
		if f.path == w.kept.path || f.path == w.kept.policy {
			_ = os.Remove(f.path)
		}
		if err := f.write(); err != nil {
			for _, written := range files[:i] {
				written.undo()
			}
			return wordedForAsking(err)
		}
	}
	if w.edited {
		w.in.Spec.Policy.File = kept.policy
	}
	kept.spec = w.in.Spec
	w.kept = kept
	return nil
}

// wordedForAsking takes out the flag that nobody has given.
func wordedForAsking(err error) error {
	problems := document.ProblemsOf(err)
	for i := range problems {
		problems[i].What, problems[i].Hint = problems[i].File+" "+problems[i].What, "choose another name"
	}
	return problems.Err()
}

// finish makes the change, and says how to make it again.
func (w *wizard) finish(p *planned) error {
	if w.edited && w.save == "" && w.in.Spec.Policy.File == asEdited {
		i, err := w.prompt.Select(question{text: "The edited policy is in no file yet. Save it, with the answers?", choices: []choice{
			{label: "yes, then write the changes", short: "yes"}, {label: "no, write the changes", short: "no"},
		}}, 0)
		if err == nil && i == 0 {
			err = w.askSave()
		}
		switch {
		case err != nil:
			return err
		case i == 0 && w.kept.path == "":
			return w.review() // no name was given after all
		}
	}
	if w.save != "" {
		if err := w.keep(w.save); err != nil {
			return err
		}
	}
	done, err := w.apply(w.io, p)
	if err != nil {
		if w.save != "" {
			_, _ = os.Remove(w.kept.path), os.Remove(w.kept.policy)
		}
		return err
	}
	w.summarize(p, done, p.keep(&w.hostFlags, w.io, done.Record))
	_, err = fmt.Fprintf(w.io.Out, "the same without questions:\n  %s\n", strings.Join(w.command(), " \\\n      "))
	return err
}

// command is what does the same without asking, a flag with its value for each
// element. It goes by the saved spec file if that has the present answers.
func (w *wizard) command() []string {
	words := []string{"auditsetup enable"}
	if w.kept.path != "" && reflect.DeepEqual(w.kept.spec, w.in.Spec) {
		words = append(words, "-f "+shellWord(w.kept.path))
	} else {
		words = append(words, w.asFlags()...)
	}
	if host := w.retype(); host != "" {
		words = append(words, strings.TrimSpace(host))
	}
	if w.noWait {
		words = append(words, "--no-wait")
	}
	if w.patches != "" {
		words = append(words, "--patches "+shellWord(w.patches))
	}
	return append(words, "--yes")
}

func (w *wizard) asFlags() []string {
	spec := w.in.Spec
	if spec.Policy.File == asEdited {
		spec.Policy.File = w.host.Display(w.installedPolicy())
	}
	return saidWords(spec)
}

func (w *wizard) installedPolicy() string {
	if at := w.in.Spec.Policy.Path; at != "" {
		return at
	}
	return setup.DefaultPolicyPath
}

// readFiles reads the kubeconfig that an answer names. The policy comes from a
// flag or from the editor, and is at hand.
func (w *wizard) readFiles(in *setup.Input) error {
	if in.Spec.Webhook.ConfigFile == "" || in.Spec.Webhook.ConfigFile == w.in.Spec.Webhook.ConfigFile {
		return nil
	}
	data, err := (&inputs{}).read("--webhook-config", in.Spec.Webhook.ConfigFile)
	in.WebhookData = data
	return err
}
