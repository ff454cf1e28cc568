// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/tuning"
)

// derived are the flags that are not set by hand, since more than the flag
// depends on each: the part of the Spec that has it, and its option.
var derived = map[string]struct{ path, option string }{
	"audit-policy-file":         {"policy.path", "--policy-path"},
	"audit-log-path":            {"log.path", "--log-path"},
	"audit-log-mode":            {"log.mode", "--log-mode"},
	"audit-webhook-config-file": {"webhook.configFile", "--webhook-config"},
	"audit-webhook-mode":        {"webhook.mode", "--webhook-mode"},
}

// modeReasons say what a mode does to requests and to events.
var modeReasons = map[Backend]map[string]string{
	LogBackend: {
		"batch":           "requests do not wait for the disk; events are lost when the buffer is full or the kube-apiserver is killed",
		"blocking":        "no event is lost: a request waits until its event is written",
		"blocking-strict": "no request that is not recorded: it fails when its first event cannot be written, as on a full disk",
	},
	WebhookBackend: {
		"batch":           "requests do not wait for the receiver; events are lost when the buffer is full, or when the receiver is away for minutes",
		"blocking":        "a request waits until the receiver has its events",
		"blocking-strict": "no request that is not recorded: it fails when the receiver does not take its first event",
	},
}

// flags puts the command line together and has it judged by the rules of the
// version.
func (r *resolving) flags() {
	flags := []Flag{{"audit-policy-file", r.spec.Policy.Path, "which requests are recorded, and how much of them"}}
	if r.spec.Uses(LogBackend) {
		flags = append(flags, Flag{"audit-log-path", r.spec.Log.Path, "where the events go, one line of JSON each"},
			Flag{"audit-log-mode", r.spec.Log.Mode, modeReasons[LogBackend][r.spec.Log.Mode]})
	}
	if w := r.spec.Webhook; r.spec.Uses(WebhookBackend) {
		flags = append(flags, Flag{"audit-webhook-config-file", w.Path, "where the events go, and how the kube-apiserver and the receiver know each other"},
			Flag{"audit-webhook-mode", w.Mode, modeReasons[WebhookBackend][w.Mode]})
		if d, err := parseWait(w.InitialBackoff); err == nil {
			flags = append(flags, Flag{"audit-webhook-initial-backoff", d.String(), "as asked: the wait before a failed request is tried again, half as long again each time"})
		}
	}
	for _, f := range r.desired.Numbers.Flags() {
		flags = append(flags, Flag{f.Name, f.Value, f.Reason})
	}
	flags = r.byHand(flags)
	r.desired.Flags = flags
	if r.known() {
		r.judge(flags)
	}
	r.fits(flags)
	r.warnOff()
}

// warnOff speaks of what is turned off by hand, and without which the numbers do
// not hold.
func (r *resolving) warnOff() {
	for _, f := range []struct{ flag, what, hint string }{
		{"audit-webhook-batch-throttle-enable", "is off: nothing limits how many requests go out at once, and the capacity told is that of the throttle", "leave it out to have that limit"},
		{"audit-webhook-truncate-enabled", "is off: one event that is too large for the receiver has its whole batch refused, tried five times and lost", "leave it out to have such events cut"},
	} {
		on, err := strconv.ParseBool(r.spec.Flags[f.flag])
		if err == nil && !on && r.spec.Uses(WebhookBackend) && r.spec.ModeOf(WebhookBackend) == "batch" {
			r.desired.Warnings = append(r.desired.Warnings, r.aboutFlag(document.Problem{File: "--" + f.flag, What: f.what, Hint: f.hint}))
		}
	}
}

// judge asks what the version makes of the flags. Those of mode batch that were
// set by hand are held to its rules in any mode: in another they would do
// nothing now, and keep the kube-apiserver down on the day the mode is changed.
func (r *resolving) judge(flags []Flag) {
	settings := make([]apiserver.Setting, len(flags))
	strict := make([]apiserver.Setting, len(flags))
	for i, f := range flags {
		settings[i] = apiserver.Setting{Name: f.Name, Value: f.Value}
		strict[i] = settings[i]
	}
	for i := range strict {
		if backend, isMode := strings.CutSuffix(strings.TrimPrefix(strict[i].Name, "audit-"), "-mode"); isMode &&
			slices.ContainsFunc(flags, func(f Flag) bool { b, idle := r.idle(f); return idle && string(b) == backend }) {
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
	r.warnIdle(flags)
}

// idle tells whether a flag is of mode batch alone and its backend in another.
func (r *resolving) idle(f Flag) (Backend, bool) {
	fact, _ := apiserver.Lookup(f.Name)
	b := Backend(fact.Backend)
	return b, fact.BatchOnly && r.spec.Uses(b) && r.spec.ModeOf(b) != "batch"
}

// warnIdle speaks of flags that were set by hand and do nothing.
func (r *resolving) warnIdle(flags []Flag) {
	for _, f := range flags {
		fact, _ := apiserver.Lookup(f.Name)
		b, idle := r.idle(f)
		off := (b == LogBackend || b == WebhookBackend) && !r.spec.Uses(b)
		p := document.Problem{File: "--" + f.Name, What: fmt.Sprintf("does nothing while the %s is off", b), Hint: fmt.Sprintf("leave it out, or add --backend %s", b)}
		if idle {
			how := map[Backend]string{LogBackend: "written", WebhookBackend: "sent"}[b]
			p.What = fmt.Sprintf("does nothing while the %s is %s in mode %s", b, how, r.spec.ModeOf(b))
			p.Hint = fmt.Sprintf("leave it out, or set %s.mode, --%s-mode, to batch", b, b)
		}
		if fact.Name != "" && (idle || off) {
			r.desired.Warnings = append(r.desired.Warnings, r.aboutFlag(p))
		}
	}
}

// fits holds batch and event against what the receiver takes, when one of the
// two was set by hand and the log is written in batches as well; else tuning has
// seen to it.
func (r *resolving) fits(flags []Flag) {
	if !r.spec.Tuned().LogBatch {
		return
	}
	numbers, byHand := map[string]int64{}, ""
	for _, f := range flags {
		if f.Name == "audit-webhook-batch-max-size" || f.Name == "audit-webhook-truncate-max-event-size" {
			numbers[f.Name], _ = strconv.ParseInt(f.Value, 0, 64)
			if _, ok := r.spec.Flags[f.Name]; ok {
				byHand = f.Name
			}
		}
	}
	body, err := tuning.ParseBytes(r.spec.Webhook.MaxBody)
	if err != nil {
		body = defaultMaxBody
	}
	size, event := numbers["audit-webhook-batch-max-size"], numbers["audit-webhook-truncate-max-event-size"]
	if byHand == "" || !r.spec.Uses(WebhookBackend) || r.spec.Webhook.Mode != "batch" || event <= 0 || size <= body/event {
		return
	}
	r.desired.Warnings = append(r.desired.Warnings, r.aboutFlag(document.Problem{File: "--" + byHand,
		What: fmt.Sprintf("%d events of up to %d bytes do not fit a body of %d bytes; such a batch is refused, tried five times and lost", size, event, body),
		Hint: "leave it out to have it computed, or give what the receiver takes with --max-body"}))
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
			flag.Reason += ", in place of the computed " + r.computed(name)
			flags[i] = flag
			continue
		}
		flags = append(flags, flag)
	}
	return flags
}

// computed is the value that a flag of the plan would have if nothing were set by
// hand.
func (r *resolving) computed(name string) string {
	free := r.spec
	free.Flags = nil
	load, _, _ := free.Tuning(r.guess, r.in.Origins)
	result, _ := tuning.Plan(load, free.Tuned()) // what is wrong with the load was reported
	for _, f := range result.Flags() {
		if f.Name == name {
			return f.Value
		}
	}
	return "value"
}

// misplaced says why a flag cannot be set by hand, and what to do instead.
func misplaced(name string) (what, hint string) {
	plain := strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
	from, isDerived := derived[plain]
	switch {
	case isDerived:
		return fmt.Sprintf("--%s is not set by hand, since more than this flag depends on it", plain),
			"use " + from.path + " in a spec file, or " + from.option
	case !strings.HasPrefix(plain, "audit-"):
		return fmt.Sprintf("%q is no audit flag of the kube-apiserver", name), "only flags that begin with audit- can be set"
	case plain != name:
		return fmt.Sprintf("%q is not how the flag is written here", name), "write it as " + plain
	}
	return "", ""
}
