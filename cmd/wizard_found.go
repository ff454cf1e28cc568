// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/spf13/pflag"
)

// found is what the wizard sees on the host before it asks.
type found struct {
	manifest *manifest.Manifest
	bytes    []byte
	version  apiserver.Version
	// profile is the one that is in force; empty when there is none, or the
	// policy is none of ours.
	profile string
	// policy is the content of policyFile, the policy that is in force when it is
	// none of ours; nil when there is none, or it has changed since.
	policy     []byte
	policyFile string
	// inForce are the values of the flags that auditsetup has set; nil when there
	// are none.
	inForce map[string]string
	// log and webhook are what flags say of them, and what an earlier run did.
	log     setup.Log
	webhook setup.Webhook
	// settings are the audit flags that are in force.
	settings []manifest.Setting
	// kept is where the setup is kept for kubeadm.
	kept *keeper
	// last is what the last enable was asked for, in words; empty when nobody
	// knows.
	last string
}

// look reads the host. Whatever keeps a change from being made whatever the
// answers is reported before anything is asked.
func (w *wizard) look(inErr error) error {
	m, bytes, readErr := w.readManifest()
	w.found = found{manifest: m, bytes: bytes}
	start := w.in
	if !w.flags.Changed("webhook-url") && !w.flags.Changed("webhook-config") {
		start.Spec.Backends = nil // a receiver that is missing will be asked for
	}
	start.Manifest, start.StateDir = w.manifest, w.host.StateDir
	desired, err := resolve(start, m, w.host.Display(w.manifest), bytes, inErr, readErr)
	if err != nil {
		return err
	}
	if w.found.kept, err = w.lookKept(m, w.patches); err != nil {
		return err
	}
	m = w.found.kept.adopt(m, w.host.Display(w.manifest), bytes)
	w.found.manifest, w.found.version, w.found.settings = m, desired.Version, m.AuditSettings()
	if m.Changed() {
		w.adopt()
	}
	w.recall()
	if w.in.Spec.Policy.File == "" {
		w.setPurpose(cmp.Or(w.in.Spec.Policy.Profile, w.found.profile, setup.DefaultProfile))
	}
	w.found.log, w.found.webhook = w.in.Spec.Log, w.in.Spec.Webhook
	return nil
}

// resolve works out the setup for the answers so far.
func (w *wizard) resolve(in setup.Input) (*setup.Desired, error) {
	w.onHost(&in)
	return resolve(in, w.found.manifest, w.host.Display(w.manifest), w.found.bytes, nil, nil)
}

// foreign tells whether somebody else has set up audit.
func (w *wizard) foreign() bool {
	return slices.ContainsFunc(w.found.settings, func(s manifest.Setting) bool { return !s.Ours })
}

// introduce says what was found, and how to get out.
func (w *wizard) introduce() {
	w.tell("auditsetup enable asks a few questions, shows every change, and asks once more.\n" +
		"Until then nothing is written. Ctrl-C gives up, < goes back a step.\n\nfound\n")
	w.entry("manifest", w.host.Display(w.manifest))
	w.entry("version", "kube-apiserver "+w.found.version.String())
	w.entry("audit", w.auditInForce())
	for _, s := range w.found.settings {
		if !s.Ours {
			w.entry("", fmt.Sprintf("line %d: --%s=%s", s.Line, s.Name, s.Value))
		}
	}
	if free, all, ok := w.space(); ok {
		w.entry("free disk", fmt.Sprintf("%s of %s, at %s", tuning.FormatBytes(free), tuning.FormatBytes(all), w.logFolder()))
	}
	if w.found.last != "" {
		w.entry("last time", w.found.last)
	}
	if given := w.givenFlags(); given != "" {
		w.entry("not asked", given)
	}
	w.tell("\n")
}

// entry is a line of what was found, which goes on below itself.
func (w *wizard) entry(name, text string) {
	name = fmt.Sprintf("  %-11s", name)
	text = indent(text, strings.Repeat(" ", len(name)), w.prompt.Columns()-1)
	fmt.Fprint(w.io.Err, name+text[len(name):])
}

func (w *wizard) auditInForce() string {
	m := w.found.manifest
	switch {
	case m.Changed() && w.found.profile != "":
		return "set up by auditsetup, with profile " + w.found.profile
	case m.Changed():
		return "set up by auditsetup, with a policy of your own"
	case len(w.found.settings) > 0:
		return "set up by somebody else:"
	}
	return "off"
}

// givenFlags are the flags that were, which answer questions.
func (w *wizard) givenFlags() string {
	var words []string
	w.flags.Visit(func(f *pflag.Flag) {
		if slices.ContainsFunc(steps, func(s step) bool { return slices.Contains(s.flags, f.Name) }) {
			words = append(words, fmt.Sprintf("--%s %s", f.Name, strings.Trim(f.Value.String(), "[]")))
		}
	})
	if words == nil {
		return ""
	}
	return "given by " + strings.Join(words, ", ")
}

func (w *wizard) logFolder() string {
	at := w.in.Spec.Log.Path
	if at == "" {
		at = setup.DefaultLogPath
	}
	return w.host.Display(path.Dir(at))
}

// space is what is free where the log will be: that of the nearest folder above it
// which is there.
func (w *wizard) space() (free, all int64, ok bool) {
	folder := w.logFolder()
	for {
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			free, all, err := freeSpace(folder)
			return free, all, err == nil
		}
		above := path.Dir(folder)
		if above == folder {
			return 0, 0, false
		}
		folder = above
	}
}
