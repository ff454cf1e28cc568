// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/tuning"
)

// Modes are the ways of both backends to hand an event over.
func Modes() []string { return []string{"batch", "blocking", "blocking-strict"} }

// Persists are the places in which a setup can be kept for kubeadm, as package
// persist has them.
func Persists() []string { return []string{"kubeadm-config", "kubeadm-patches", "none"} }

func (r *resolving) persist() {
	if p := r.spec.Persist; p != "" && !slices.Contains(Persists(), p) {
		r.add("persist", fmt.Sprintf("%q is no place to keep a setup through kubeadm upgrade", p), "the places are "+strings.Join(Persists(), ", "))
	}
}

// Sinks are the backends in force: those that are named, or else the log, and
// with it the webhook once its receiver is known.
func (s Spec) Sinks() []Backend {
	switch {
	case len(s.Backends) > 0:
		return s.Backends
	case s.Webhook.URL != "" || s.Webhook.ConfigFile != "":
		return []Backend{LogBackend, WebhookBackend}
	}
	return []Backend{LogBackend}
}

// Uses tells whether events go to a backend.
func (s Spec) Uses(b Backend) bool { return slices.Contains(s.Sinks(), b) }

// ModeOf is the mode of a backend, or its default.
func (s Spec) ModeOf(b Backend) string {
	switch {
	case b == WebhookBackend && s.Webhook.Mode == "":
		return "batch"
	case b == WebhookBackend:
		return s.Webhook.Mode
	case s.Log.Mode == "":
		return "blocking"
	}
	return s.Log.Mode
}

// Tuned says for which backends and modes numbers are needed.
func (s Spec) Tuned() tuning.Backends {
	log, hook := s.Uses(LogBackend), s.Uses(WebhookBackend)
	return tuning.Backends{
		Log: log || !hook, LogBatch: log && s.ModeOf(LogBackend) == "batch",
		Webhook: hook, WebhookBlocking: hook && s.ModeOf(WebhookBackend) != "batch",
	}
}

// strict tells whether requests are to fail that are not recorded.
func (s Spec) strict() bool {
	return slices.ContainsFunc(s.Sinks(), func(b Backend) bool { return s.ModeOf(b) == "blocking-strict" })
}

func (r *resolving) backends() {
	for i, b := range r.spec.Backends {
		at := "backends"
		if _, ok := r.in.Origins[fmt.Sprintf("backends[%d]", i)]; ok {
			at = fmt.Sprintf("backends[%d]", i)
		}
		switch {
		case b != LogBackend && b != WebhookBackend:
			r.add(at, fmt.Sprintf("%q is no backend", b), "the backends are log and webhook")
		case slices.Index(r.spec.Backends, b) != i:
			r.add(at, fmt.Sprintf("backend %q is given twice", b), "name it once")
		}
	}
	r.unused()
	for _, b := range []struct {
		Backend
		mode *string
	}{{LogBackend, &r.spec.Log.Mode}, {WebhookBackend, &r.spec.Webhook.Mode}} {
		if *b.mode != "" && !slices.Contains(Modes(), *b.mode) {
			r.add(string(b.Backend)+".mode", fmt.Sprintf("%q is no mode for the %s", *b.mode, b.Backend), "the modes are "+strings.Join(Modes(), ", "))
			*b.mode = "batch" // so that nobody else complains of it
		}
	}
}

// unused refuses what was said of a backend that is off: it would do nothing.
func (r *resolving) unused() {
	if slices.ContainsFunc(r.spec.Backends, func(b Backend) bool { return b != LogBackend && b != WebhookBackend }) {
		return // who knows which was meant
	}
	if !r.spec.Uses(WebhookBackend) {
		receiver, other := r.in.Spec.Webhook.given()
		for _, at := range append(receiver, other...) {
			r.add(at, "is of no use without the webhook backend", "add --backend log,webhook, or name the receiver with --webhook-url or --webhook-config and leave --backend out")
		}
	}
	if l := r.in.Spec.Log; !r.spec.Uses(LogBackend) {
		for _, f := range []struct {
			path string
			set  bool
		}{{"log.path", l.Path != ""}, {"log.mode", l.Mode != ""}, {"log.retention", l.Retention != ""}, {"log.diskBudget", l.DiskBudget != ""}, {"log.compress", l.Compress}} {
			if f.set {
				r.add(f.path, "is of no use without the log backend", "add --backend log,webhook, or leave it out")
			}
		}
	}
}
