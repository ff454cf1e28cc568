// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
)

// purpose is what a log may be for.
type purpose struct {
	label, short, detail string
	// profiles fit it, the one to propose first. Those that this version does
	// not have are passed over.
	profiles []string
	backends []setup.Backend
}

var purposes = []purpose{
	{
		"incident forensics: who did what, after something happened", "incident forensics",
		"Changes with what was sent, reads as facts, secrets never with their content; kept for long.",
		[]string{"recommended", "metadata", "openshift-write-bodies", "gce"}, []setup.Backend{setup.LogBackend},
	},
	{
		"compliance: a CIS or STIG audit has to be passed", "compliance",
		"What the CIS benchmark asks for, or the DISA STIG, which asks for far more.",
		[]string{"cis", "stig", "recommended", "metadata"}, []setup.Backend{setup.LogBackend},
	},
	{
		"live detection: Falco or a SIEM watches the events as they come", "live detection",
		"What Falco's rules look at, sent to a receiver at once, with a log beside it.",
		[]string{"falco", "recommended", "openshift-write-bodies"}, []setup.Backend{setup.LogBackend, setup.WebhookBackend},
	},
	{
		"as little as possible: that a request was made, and not what was in it", "as little as possible",
		"No content of any request. That is the least to give away, not the least to write: compare the figures.",
		[]string{"metadata", "recommended", "alibaba"}, []setup.Backend{setup.LogBackend},
	},
}

func (w *wizard) askTakeOver() error {
	i, err := w.pick(question{text: "Somebody else has set up audit here. What is to become of that?", choices: []choice{
		{label: "leave it as it is, and stop", short: "leave it"},
		{label: "replace it", short: "replace it", detail: "auditsetup disable puts it back, byte for byte."},
	}}, 0)
	switch {
	case err != nil:
		return err
	case i == 0:
		return declinedError{}
	}
	return w.try("take-over", "takeOver", func(s *setup.Spec) { s.TakeOver = true })
}

// ofOneServer tells whether the load is not that of the whole cluster, as it may
// have been said last time.
func (w *wizard) ofOneServer() bool { return w.in.Spec.Load.ClusterRequestsPerSecond == nil }

func (w *wizard) askRate() error {
	proposal := "100"
	if r := w.in.Spec.Load.RequestsPerSecond; r != nil {
		proposal = strconv.FormatFloat(*r, 'f', -1, 64)
	}
	w.tell("Every number follows from the requests that one API server gets. Prometheus has them as sum(rate(apiserver_request_total[5m])), by instance.\n")
	return w.line("Requests per second at peak", proposal, func(answer string) error {
		rate, err := strconv.ParseFloat(answer, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number: write it as 300, or 12.5", cut(answer, 30))
		}
		return w.try("rate", "load.requestsPerSecond", func(s *setup.Spec) {
			if before := s.Load.RequestsPerSecond; before != nil && *before != rate && !w.flags.Changed("mean-rate") {
				s.Load.MeanRequestsPerSecond = nil // it was that of another peak
			}
			s.Load.RequestsPerSecond = &rate
		})
	})
}

func (w *wizard) askPurpose() error {
	q := question{text: "What is the log for?"}
	for _, p := range purposes {
		q.choices = append(q.choices, choice{label: p.label, short: p.short, detail: p.detail})
	}
	i, err := w.pick(q, w.purpose)
	if err == nil {
		w.purpose, w.everyone = i, false
	}
	return err
}

// askProfile offers the profiles that fit the purpose, and all on demand, each
// with what it costs at the given rate; and the policy that is in force, if it is
// none of them.
func (w *wizard) askProfile() error {
	for {
		q, offered, first := w.profileQuestion()
		i, err := w.pick(q, first)
		switch {
		case err != nil && w.everyone:
			w.everyone = false
			if errors.Is(err, errBack) {
				continue
			}
			return err
		case err != nil:
			return err
		case i < len(offered):
			return w.usePolicyOf(offered[i].Name, "")
		case q.choices[i].short == asInForce:
			w.in.PolicyData = w.found.policy
			return w.usePolicyOf("", w.found.policyFile)
		}
		w.everyone = true
	}
}

// asInForce stands for the policy that is in force.
const asInForce = "the policy in force"

// profileQuestion has the profiles that are offered first, in order, and then
// what else there is to choose.
func (w *wizard) profileQuestion() (q question, offered []profiles.Profile, first int) {
	q.text = "Which profile, at " + w.rate() + "?"
	now := w.in.Spec.Policy
	if offered = w.fitting(); w.everyone {
		offered = profiles.All()
	}
	for i, p := range offered {
		q.choices = append(q.choices, w.profileChoice(p, i == 0 && !w.everyone))
		if p.Name == now.Profile || now.Profile == "" && p.Name == w.found.profile {
			first = i
		}
	}
	if w.everyone {
		return q, offered, first
	}
	if w.found.policy != nil {
		q.choices = append(q.choices, choice{label: "the policy that is in force, as it is", short: asInForce, detail: w.found.policyFile})
		if now.Profile == "" {
			first = len(offered)
		}
	}
	q.choices = append(q.choices, choice{label: "every other profile", short: "every profile"})
	return q, offered, first
}

// usePolicyOf takes a profile or a file; the other is empty.
func (w *wizard) usePolicyOf(profile, file string) error {
	w.edited = false
	flag, path := "profile", "policy.profile"
	if file != "" {
		flag, path = "policy", "policy.file"
	}
	return w.try(flag, path, func(s *setup.Spec) {
		s.Policy.Profile, s.Policy.File, s.Policy.ExtraRules = profile, file, nil
	})
}

func (w *wizard) fitting() []profiles.Profile {
	var found []profiles.Profile
	for _, name := range purposes[w.purpose].profiles {
		if p, ok := profiles.Lookup(name); ok {
			found = append(found, p)
		}
	}
	return found
}

func (w *wizard) profileChoice(p profiles.Profile, proposed bool) choice {
	label := p.Name
	if r, err := w.expect(p); err == nil {
		label = fmt.Sprintf("%-22s %8s events/s %10s/day", p.Name, number(r.EventsPerSecond.Value), tuning.FormatBytes(r.BytesPerDay.Value))
	}
	if p.Name == w.found.profile {
		label += "  (in force)"
	} else if proposed {
		label += "  (proposed)"
	}
	room := 2 * (w.prompt.Columns() - 10) // two lines, so that plain lists fit a screen
	return choice{label: label, short: p.Name, detail: p.Title + "\n" + cut("misses: "+strings.Join(p.Blind, "; "), room)}
}

// expect is what a profile comes to at the given rate.
func (w *wizard) expect(p profiles.Profile) (tuning.Result, error) {
	load, _, problems := w.in.Spec.Tuning(setup.GuessOf(p), w.in.Origins)
	if err := problems.Err(); err != nil {
		return tuning.Result{}, err
	}
	return tuning.Plan(load, tuning.Backends{Log: true})
}

func (w *wizard) rate() string {
	rate := tuning.Defaults().RequestsPerSecond
	if r := w.in.Spec.Load.RequestsPerSecond; r != nil {
		rate = *r
	}
	return tuning.FormatRate(rate, "requests")
}

// number keeps a decimal only where a whole number would say little.
func number(x float64) string {
	if x < 10 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

func (w *wizard) askBackends() error {
	sets := [][]setup.Backend{{setup.LogBackend}, {setup.LogBackend, setup.WebhookBackend}, {setup.WebhookBackend}}
	now := w.in.Spec.Backends
	switch {
	case len(now) > 0:
	case w.in.Spec.Webhook.URL != "" || w.in.Spec.Webhook.ConfigFile != "":
		now = sets[1]
	default:
		now = purposes[w.purpose].backends
	}
	first := max(slices.IndexFunc(sets, func(s []setup.Backend) bool { return slices.Equal(s, now) }), 0)
	i, err := w.pick(question{text: "Where are the events to go?", choices: []choice{
		{label: "a log file on the control plane", short: "log", detail: "No event is lost: a request waits until its event is written."},
		{label: "a log file, and a receiver over HTTPS (webhook)", short: "log and webhook", detail: "The receiver sees events within seconds; the log has those that it missed."},
		{label: "a receiver over HTTPS (webhook) alone", short: "webhook", detail: "Events are lost while the receiver is away longer than the buffer lasts."},
	}}, first)
	if err != nil {
		return err
	}
	w.in.Spec.Backends = sets[i] // each is good; a receiver that is missing is asked for next
	spec := &w.in.Spec           // what is said of a backend that is off is refused, and comes back with it
	switch {
	case !w.toWebhook():
		spec.Webhook = setup.Webhook{}
	case spec.Webhook == setup.Webhook{}:
		spec.Webhook = w.found.webhook
	}
	switch {
	case !w.toLog():
		spec.Log = setup.Log{}
	case spec.Log == setup.Log{}:
		spec.Log = w.found.log
	}
	return nil
}

func (w *wizard) toLog() bool {
	b := w.in.Spec.Backends
	return len(b) == 0 || slices.Contains(b, setup.LogBackend)
}

func (w *wizard) askRetention() error {
	proposal := cmp.Or(w.in.Spec.Log.Retention, w.retentionInForce(), "30d")
	if r, err := w.expectNow(); err == nil {
		w.tell("At peak the log grows by %s a day.\n", tuning.FormatBytes(r.BytesPerDay.Value))
	}
	return w.line("How far back should the log reach (d, h, w)", proposal, func(answer string) error {
		return w.try("retention", "log.retention", func(s *setup.Spec) { s.Log.Retention = answer })
	})
}

// expectNow is what the answers so far come to.
func (w *wizard) expectNow() (tuning.Result, error) {
	p, _ := profiles.Lookup(w.in.Spec.Policy.Profile)
	if w.in.Spec.Policy.Profile == "" && w.in.Spec.Policy.File == "" {
		p, _ = profiles.Lookup(setup.DefaultProfile)
	}
	return w.expect(p)
}

// askDisk proposes what the retention takes, but no more than half of what is
// free now.
func (w *wizard) askDisk() error {
	proposal := cmp.Or(w.in.Spec.Log.DiskBudget, w.budgetInForce())
	r, err := w.expectNow()
	free, _, known := w.space()
	if err == nil && r.Rotation != nil {
		need := r.Rotation.DiskNeededBytes.Value
		w.tell("That takes %s", tuning.FormatBytes(need))
		if known {
			w.tell("; %s are free", tuning.FormatBytes(free))
			need = min(need, free/2)
		}
		w.tell(".\n")
		if proposal == "" {
			proposal = fmt.Sprintf("%dGi", max(1, (need+1<<30-1)>>30))
		}
	}
	return w.line("The most that the log may take of the disk (Gi)", proposal, func(answer string) error {
		err := w.try("disk-budget", "log.diskBudget", func(s *setup.Spec) { s.Log.DiskBudget = answer })
		if n, bad := tuning.ParseBytes(answer); err == nil && bad == nil {
			w.warnOfSpace(n)
		}
		return err
	})
}

func (w *wizard) warnOfSpace(log int64) {
	if free, _, known := w.space(); known && log > free {
		w.tell("auditsetup: warning: the log may take %s, and %s are free now\n", tuning.FormatBytes(log), tuning.FormatBytes(free))
	}
}
