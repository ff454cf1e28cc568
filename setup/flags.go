// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// derived are the flags that are not set by hand, since more than the flag
// depends on each: the part of the Spec that has it, and its option.
var derived = map[string]struct{ path, option string }{
	"audit-policy-file": {"policy.path", "--policy-path"},
	"audit-log-path":    {"log.path", "--log-path"},
	"audit-log-mode":    {"log.mode", "--log-mode"},
}

// flags puts the command line together and has it judged by the rules of the
// version.
func (r *resolving) flags() {
	flags := []Flag{
		{"audit-policy-file", r.spec.Policy.Path, "which requests are recorded, and how much of them"},
		{"audit-log-path", r.spec.Log.Path, "where the events go, one line of JSON each"},
	}
	if r.spec.Log.Mode == "batch" {
		flags = append(flags, Flag{"audit-log-mode", "batch", "requests do not wait for the disk; events are lost when the buffer is full or the kube-apiserver is killed"})
	} else {
		flags = append(flags, Flag{"audit-log-mode", "blocking", "no event is lost: a request waits until its event is written"})
	}
	for _, f := range r.desired.Numbers.Flags() {
		flags = append(flags, Flag{f.Name, f.Value, f.Reason})
	}
	flags = r.byHand(flags)
	r.desired.Flags = flags
	if r.known() {
		r.judge(flags)
	}
}

// judge asks what the version makes of the flags. Those of mode batch that were
// set by hand are held to its rules in any mode: in mode blocking they would do
// nothing now, and keep the kube-apiserver down on the day the mode is changed.
func (r *resolving) judge(flags []Flag) {
	settings := make([]apiserver.Setting, len(flags))
	strict := make([]apiserver.Setting, len(flags))
	idle := false
	for i, f := range flags {
		settings[i] = apiserver.Setting{Name: f.Name, Value: f.Value}
		strict[i] = settings[i]
		fact, _ := apiserver.Lookup(f.Name)
		idle = idle || fact.BatchOnly && r.spec.Log.Mode == "blocking"
	}
	for i := range strict {
		if idle && strict[i].Name == "audit-log-mode" {
			strict[i].Value = "batch"
		}
	}
	for _, p := range apiserver.Validate(r.desired.Version, strict) {
		r.problems = append(r.problems, r.aboutFlag(p))
	}
	for _, p := range apiserver.Hazards(r.desired.Version, settings) {
		into := &r.desired.Warnings
		if strings.HasSuffix(p.File, "-batch-max-wait") { // a wait of 0 keeps a core busy for ever
			into = &r.problems
		}
		*into = append(*into, r.aboutFlag(p))
	}
	for _, f := range flags {
		if fact, _ := apiserver.Lookup(f.Name); idle && fact.BatchOnly {
			r.desired.Warnings = append(r.desired.Warnings, r.aboutFlag(document.Problem{File: "--" + f.Name,
				What: "does nothing while the log is written in mode blocking", Hint: "leave it out, or set log.mode, --log-mode, to batch"}))
		}
	}
}

// aboutFlag moves a problem with a flag to where that was set by hand, or to
// where another was that it speaks of. A flag of the kube-apiserver is never
// left as the place, since it is no option of ours.
func (r *resolving) aboutFlag(p document.Problem) document.Problem {
	name := strings.TrimPrefix(p.File, "--")
	at, ok := r.in.Origins["flags."+name]
	if !ok {
		at, ok = r.in.Origins[derived[name].path]
	}
	for _, other := range r.handNames() {
		if !ok && strings.Contains(p.What, "--"+other+" ") {
			at, ok = r.in.Origins["flags."+other]
		}
	}
	at.What, at.Hint = "--"+name+": "+p.What, p.Hint
	return at
}

// handNames are the flags that the Spec sets by hand, in order.
func (r *resolving) handNames() []string {
	return slices.Sorted(maps.Keys(r.spec.Flags))
}

// byHand lays the flags of the Spec over the computed ones.
func (r *resolving) byHand(flags []Flag) []Flag {
	for _, name := range r.handNames() {
		if what, hint := misplaced(name); what != "" {
			r.add("flags."+name, what, hint)
			continue
		}
		flag := Flag{name, r.spec.Flags[name], "set by hand"}
		if i := slices.IndexFunc(flags, func(f Flag) bool { return f.Name == name }); i >= 0 {
			flag.Reason += ", in place of the computed " + flags[i].Value
			flags[i] = flag
			continue
		}
		flags = append(flags, flag)
	}
	return flags
}

// misplaced says why a flag cannot be set by hand, and what to do instead.
func misplaced(name string) (what, hint string) {
	plain := strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
	from, isDerived := derived[plain]
	switch {
	case isDerived:
		return fmt.Sprintf("--%s is not set by hand, since more than this flag depends on it", plain),
			"use " + from.path + " in a spec file, or " + from.option
	case strings.HasPrefix(plain, "audit-webhook"):
		return "the webhook backend cannot be set up by this version of auditsetup", "leave " + plain + " out"
	case !strings.HasPrefix(plain, "audit-"):
		return fmt.Sprintf("%q is no audit flag of the kube-apiserver", name), "only flags that begin with audit- can be set"
	case plain != name:
		return fmt.Sprintf("%q is not how the flag is written here", name), "write it as " + plain
	}
	return "", ""
}
