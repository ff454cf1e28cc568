// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/setup"
)

// recall proposes what the last enable was asked for, as far as neither a flag
// nor what is in force has an answer: above all the load, which no manifest
// tells. What is asked for nowhere comes along, and is shown to begin with. The
// policy is left to what is in force, but for the name of a profile: that is
// still meant when a newer version makes another text of it.
func (w *wizard) recall() {
	last, file := w.lastAsked()
	if last == nil {
		return
	}
	last.KubeVersion = "" // the image tells by now
	w.found.last = strings.Join(publicWords(*last, file), " ")
	spec := &w.in.Spec
	w.recallLoad(&last.Load)
	if spec.Policy.Profile == "" && spec.Policy.File == "" && w.found.policy == nil && len(last.Policy.ExtraRules) == 0 {
		spec.Policy.Profile = last.Policy.Profile
	}
	spec.Persist = cmp.Or(spec.Persist, last.Persist)
	spec.Receiver = cmp.Or(spec.Receiver, last.Receiver)
	w.recallPaths(last)
	for name, value := range last.Flags {
		if _, said := spec.Flags[name]; !said {
			spec.Flags = maps.Clone(spec.Flags)
			if spec.Flags == nil {
				spec.Flags = map[string]string{}
			}
			spec.Flags[name] = value
		}
	}
}

func (w *wizard) recallLoad(last *setup.Load) {
	load := &w.in.Spec.Load
	if load.RequestsPerSecond == nil && load.ClusterRequestsPerSecond == nil {
		load.RequestsPerSecond, load.ClusterRequestsPerSecond = last.RequestsPerSecond, last.ClusterRequestsPerSecond
		if load.MeanRequestsPerSecond == nil && load.PeakFactor == nil {
			load.MeanRequestsPerSecond, load.PeakFactor = last.MeanRequestsPerSecond, last.PeakFactor
		}
	}
	load.Servers = cmp.Or(load.Servers, last.Servers)
	load.Outage = cmp.Or(load.Outage, last.Outage)
	load.MemoryBudget = cmp.Or(load.MemoryBudget, last.MemoryBudget)
	load.EventsPerRequest = cmp.Or(load.EventsPerRequest, last.EventsPerRequest)
	load.BytesPerEvent = cmp.Or(load.BytesPerEvent, last.BytesPerEvent)
	load.Headroom = cmp.Or(load.Headroom, last.Headroom)
	load.BatchSize = cmp.Or(load.BatchSize, last.BatchSize)
	load.Stall = cmp.Or(load.Stall, last.Stall)
	load.MaxWait = cmp.Or(load.MaxWait, last.MaxWait)
}

// recallPaths is for what is only of use with its backend.
func (w *wizard) recallPaths(last *setup.Spec) {
	spec := &w.in.Spec
	if len(spec.Backends) == 0 && spec.Webhook == (setup.Webhook{}) {
		spec.Backends = slices.Clone(last.Sinks())
	}
	spec.Policy.Path = cmp.Or(spec.Policy.Path, last.Policy.Path)
	if w.toLog() && last.Uses(setup.LogBackend) {
		log := &spec.Log
		log.Path, log.Mode = cmp.Or(log.Path, last.Log.Path), cmp.Or(log.Mode, last.Log.Mode)
		log.Retention, log.DiskBudget = cmp.Or(log.Retention, last.Log.Retention), cmp.Or(log.DiskBudget, last.Log.DiskBudget)
		log.Compress = log.Compress || !w.flags.Changed("compress") && last.Log.Compress
	}
	if !spec.Uses(setup.WebhookBackend) || !last.Uses(setup.WebhookBackend) {
		return
	}
	if hook := &spec.Webhook; *hook != (setup.Webhook{}) {
		hook.MaxBody = cmp.Or(hook.MaxBody, last.Webhook.MaxBody)
		return
	}
	w.recallReceiver(last.Webhook)
}

// recallReceiver is for a receiver that is not in force any more.
func (w *wizard) recallReceiver(last setup.Webhook) {
	if last.ConfigFile != "" {
		data, err := (&inputs{}).read("--webhook-config", last.ConfigFile)
		if err != nil {
			return // it will be asked for
		}
		w.in.WebhookData, w.ownConfig = data, true
	}
	w.in.Spec.Webhook = last
	w.setCredentials(last.ClientCertificateFile, last.TokenFile)
}

// setCredentials has the question of how the kube-apiserver proves itself
// propose what is so already.
func (w *wizard) setCredentials(certificate, token string) {
	switch {
	case certificate != "":
		w.credentials = byCertificate
	case token != "":
		w.credentials = byToken
	}
}

// setPurpose has a profile be among those that are offered first, if it is for
// any purpose.
func (w *wizard) setPurpose(profile string) {
	fits := func(p purpose) bool { return slices.Contains(p.profiles, profile) }
	if i := slices.IndexFunc(purposes, fits); i >= 0 && !fits(purposes[w.purpose]) {
		w.purpose = i
	}
}
