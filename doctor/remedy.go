// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/setup"
)

// enable is the command that sets something up anew: with flags, each before its
// value, over what was asked for last time, if that is known. Where somebody
// else's flags stand it has to be told to replace them.
func (f *Facts) enable(flags string) string {
	command := "auditsetup enable" + f.Retype
	if f.Asked != nil {
		command = "auditsetup enable --yes" + f.Retype + f.lastTime(flags)
	}
	if flags != "" {
		command += " " + flags
	}
	if f.AuditOn() && !f.Manifest.Changed() && !strings.Contains(flags, "--take-over") {
		command += " --take-over"
	}
	return command
}

// replaces are the flags that exclude those of last time.
var replaces = map[string][]string{
	"profile": {"profile", "policy"}, "policy": {"profile", "policy"},
	"webhook-url": {"webhook-url", "webhook-config"}, "webhook-config": {"webhook-url", "webhook-config"},
}

// lastTime are the flags of last time, but those in whose place others are given;
// each with a space in front. What no flag can say, or is not to be shown, is in
// the spec file, over which flags lie.
func (f *Facts) lastTime(but string) string {
	said, all := f.Asked.Said()
	if _, less := f.Asked.Shown(); less || !all {
		return " -f " + word(f.AskedFile)
	}
	var words strings.Builder
	for _, s := range said {
		if !without(s, strings.Fields(but)) {
			words.WriteString(" --" + s.Flag)
			if s.Value != "" {
				words.WriteString(" " + word(s.Value))
			}
		}
	}
	return words.String()
}

// without tells whether other flags take the place of one.
func without(s setup.Said, flags []string) bool {
	for i, text := range flags {
		name, isFlag := strings.CutPrefix(text, "--")
		switch {
		case !isFlag:
		case name == "set" && s.Flag == "set":
			audit, _, _ := strings.Cut(flags[min(i+1, len(flags)-1)], "=")
			if strings.HasPrefix(s.Value, audit+"=") {
				return true
			}
		case name == s.Flag && name != "set", slices.Contains(replaces[name], s.Flag):
			return true
		}
	}
	return false
}

// known is a command that sets up what was before: when that is not known, it has
// to be said again.
func (f *Facts) known(command string) string {
	if f.Asked == nil && (f.Enabled != nil || f.Manifest.Changed()) {
		command += " (with the flags or the spec file of last time)"
	}
	return command
}

// again is enable for what it did before.
func (f *Facts) again() string { return f.known(f.enable("")) }

// set is how a flag gets another value: by hand where the line is somebody
// else's, and by the command that wrote it.
func (f *Facts) set(name, value string) string {
	s, given := f.Flag(name)
	switch {
	case f.Manifest.Changed():
		return f.known(f.enable("--set " + name + "=" + value))
	case given:
		return fmt.Sprintf("write --%s=%s in line %d; or let auditsetup do it: %s", name, value, s.Line, f.enable(""))
	}
	return fmt.Sprintf("add --%s=%s to the command; or let auditsetup do it: %s", name, value, f.enable(""))
}
