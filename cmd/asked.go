// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/spf13/pflag"
)

// asked is the wish as it is kept with the record of a change: for the next run
// of the wizard, for status, and for the remedies of doctor, which name the
// command that has it again. Files are named so that they are found from
// anywhere; for a policy that is in no file stands the one that was written. The
// consent to replace what was there then is not kept.
func (h *hostFlags) asked(d *setup.Desired, s setup.Spec) ([]byte, error) {
	s.TakeOver = false
	for _, f := range []struct {
		name    *string
		written string
	}{{&s.Policy.File, d.Spec.Policy.Path}, {&s.Webhook.ConfigFile, d.Spec.Webhook.Path}} {
		if *f.name == "" {
			continue
		}
		if *f.name == stdinName || *f.name == asEdited {
			if *f.name = h.host.Display(f.written); f.name == &s.Policy.File {
				s.Policy.ExtraRules = nil // they are in it
			}
		}
		abs, err := filepath.Abs(*f.name)
		if err != nil {
			return nil, err
		}
		*f.name = abs
	}
	return s.Encode()
}

// lastAsked is what the last enable was asked for that nothing has taken back,
// though it may have been disabled since, and the file in which that is; nil when
// nobody knows, or a newer auditsetup has kept what this one does not understand.
func (h *hostFlags) lastAsked() (last *setup.Spec, file string) {
	id, data, err := h.host.Asked("enable", false)
	if err != nil || data == nil {
		return nil, ""
	}
	file = h.host.Display(h.host.AskedPath(id))
	spec, _, err := setup.Decode(file, data)
	if err != nil {
		return nil, ""
	}
	return &spec, file
}

// remember keeps what was asked for when no file had to be changed for it, so
// that the change in force is known by its latest wish. A run that says nothing
// but where to keep the setup adds that to what was asked before.
func (o *enableOptions) remember(p *planned) {
	id, now, err := o.host.Asked("enable", true)
	if err != nil || id == "" {
		return // it was set up by other means, or the run itself has said why not
	}
	fresh := p.change.Asked
	if o.silent {
		last, _ := o.lastAsked()
		if last == nil || p.desired.Spec.Persist == "" {
			return
		}
		last.Persist = p.desired.Spec.Persist
		if fresh, err = last.Encode(); err != nil {
			return // it was decoded, so that it can be encoded
		}
	}
	if bytes.Equal(now, fresh) {
		return
	}
	if err := o.host.Restate(id, fresh); err != nil {
		say(o.io.Err, "warning", append(document.Problems{{What: "what was asked for is not remembered"}}, document.ProblemsOf(err)...))
	}
}

// isSilent tells whether no flag says what to set up: neither what the manifest
// tells by itself, nor a consent, nor where to keep it counts.
func isSilent(flags *pflag.FlagSet) bool {
	silent := true
	flags.Visit(func(f *pflag.Flag) {
		_, wish := layers[f.Name]
		wish = wish && f.Name != "kube-version" && f.Name != "take-over"
		silent = silent && !wish && f.Name != "set" && f.Name != "filename"
	})
	return silent
}

// noteAssumed says what is assumed where the last enable was told.
func (o *enableOptions) noteAssumed(in setup.Input, p *planned) {
	if in.Spec.Load.RequestsPerSecond != nil {
		return // that is most of what the numbers come from
	}
	last, file := o.lastAsked()
	if last == nil {
		return
	}
	rate := tuning.FormatRate(tuning.Defaults().RequestsPerSecond, "requests")
	words := publicWords(*last, file)
	before := last.Load.RequestsPerSecond
	switch {
	case o.silent && len(words) > 0:
		p.desired.Notes = append(p.desired.Notes, document.Problem{What: "nothing was said of what to set up: the defaults are taken, with " + rate + " at peak; the last time it was " + strings.Join(words, " "),
			Hint: "to have that again: " + strings.Join(append([]string{"auditsetup enable"}, commandWords(*last, file)...), " ") + o.retype() + " --yes"})
	case before != nil && *before != tuning.Defaults().RequestsPerSecond:
		p.desired.Notes = append(p.desired.Notes, document.Problem{What: fmt.Sprintf("the rate was not said: %s at peak are assumed; the last time it was %s", rate, tuning.FormatRate(*before, "requests")),
			Hint: fmt.Sprintf("add --rate %g, or what it is now", *before)})
	}
}

// saidWords are the flags that say a Spec, each with its value, as a shell takes
// them.
func saidWords(s setup.Spec) []string {
	said, _ := s.Said()
	var words []string
	for _, f := range said {
		word := "--" + f.Flag
		if f.Value != "" {
			word += " " + shellWord(f.Value)
		}
		words = append(words, word)
	}
	return words
}

// publicWords are saidWords as anybody may see them. What no flag can say is named
// by the file that has it.
func publicWords(s setup.Spec, file string) []string {
	shown, _ := s.Shown()
	words := saidWords(shown)
	if n := len(s.Policy.ExtraRules); n > 0 {
		words = append(words, fmt.Sprintf("and %d rules in front, see %s", n, file))
	}
	return words
}

// commandWords are flags to paste: those of the Spec, unless there is more to it
// or it is not to be shown, for which the file stands.
func commandWords(s setup.Spec, file string) []string {
	_, less := s.Shown()
	if _, all := s.Said(); less || !all {
		return []string{"-f " + shellWord(file)}
	}
	return saidWords(s)
}
