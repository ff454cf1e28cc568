// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/webhook"
)

// Said is a flag of the command line that says a part of a Spec.
type Said struct {
	// Flag is its name, without dashes.
	Flag string
	// Value is not quoted; empty for a flag that stands alone.
	Value string
}

// flagWords are the flags that say the parts of a Spec, in the order in which
// people like to read them. An empty value leaves the flag out.
var flagWords = []struct {
	flag  string
	value func(*Spec) string
}{
	{"kube-version", func(s *Spec) string { return s.KubeVersion }},
	{"rate", func(s *Spec) string { return number(s.Load.RequestsPerSecond) }},
	{"cluster-rate", func(s *Spec) string { return number(s.Load.ClusterRequestsPerSecond) }},
	{"mean-rate", func(s *Spec) string { return number(s.Load.MeanRequestsPerSecond) }},
	{"peak-factor", func(s *Spec) string { return number(s.Load.PeakFactor) }},
	{"servers", func(s *Spec) string { return count(s.Load.Servers) }},
	{"events-per-request", func(s *Spec) string { return number(s.Load.EventsPerRequest) }},
	{"bytes-per-event", func(s *Spec) string { return number(s.Load.BytesPerEvent) }},
	{"profile", func(s *Spec) string { return s.Policy.Profile }},
	{"policy", func(s *Spec) string { return s.Policy.File }},
	{"policy-path", func(s *Spec) string { return s.Policy.Path }},
	{"backend", backendWords},
	{"receiver", func(s *Spec) string { return s.Receiver }},
	{"webhook-url", func(s *Spec) string { return s.Webhook.URL }},
	{"webhook-ca", func(s *Spec) string { return s.Webhook.CAFile }},
	{"webhook-client-certificate", func(s *Spec) string { return s.Webhook.ClientCertificateFile }},
	{"webhook-client-key", func(s *Spec) string { return s.Webhook.ClientKeyFile }},
	{"webhook-token-file", func(s *Spec) string { return s.Webhook.TokenFile }},
	{"webhook-config", func(s *Spec) string { return s.Webhook.ConfigFile }},
	{"webhook-path", func(s *Spec) string { return s.Webhook.Path }},
	{"webhook-initial-backoff", func(s *Spec) string { return s.Webhook.InitialBackoff }},
	{"max-event-size", func(s *Spec) string { return s.Webhook.MaxEventSize }},
	{"max-body", func(s *Spec) string { return s.Webhook.MaxBody }},
	{"webhook-mode", func(s *Spec) string { return s.Webhook.Mode }},
	{"log-path", func(s *Spec) string { return s.Log.Path }},
	{"log-mode", func(s *Spec) string { return s.Log.Mode }},
	{"retention", func(s *Spec) string { return s.Log.Retention }},
	{"disk-budget", func(s *Spec) string { return s.Log.DiskBudget }},
	{"stall", func(s *Spec) string { return s.Load.Stall }},
	{"outage", func(s *Spec) string { return s.Load.Outage }},
	{"memory-budget", func(s *Spec) string { return s.Load.MemoryBudget }},
	{"headroom", func(s *Spec) string { return number(s.Load.Headroom) }},
	{"batch-size", func(s *Spec) string { return count(s.Load.BatchSize) }},
	{"max-wait", func(s *Spec) string { return s.Load.MaxWait }},
	{"persist", func(s *Spec) string { return s.Persist }},
}

// flagSwitches are the flags that stand alone.
var flagSwitches = []struct {
	flag string
	on   func(*Spec) bool
}{
	{"take-over", func(s *Spec) bool { return s.TakeOver }},
	{"webhook-insecure-skip-tls-verify", func(s *Spec) bool { return s.Webhook.InsecureSkipTLSVerify }},
	{"compress", func(s *Spec) bool { return s.Log.Compress }},
}

func number(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'f', -1, 64)
}

func count(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func backendWords(s *Spec) string {
	names := make([]string, len(s.Backends))
	for i, b := range s.Backends {
		names[i] = string(b)
	}
	return strings.Join(names, ",")
}

// Said are the flags by which commands are told the same; none for the zero Spec.
// It is not all of it when there are rules of the administrator's own, which
// only a spec file can say.
func (s Spec) Said() (flags []Said, all bool) {
	for _, f := range flagWords {
		if value := f.value(&s); value != "" {
			flags = append(flags, Said{f.flag, value})
		}
	}
	for _, f := range flagSwitches {
		if f.on(&s) {
			flags = append(flags, Said{Flag: f.flag})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Flags)) {
		flags = append(flags, Said{"set", name + "=" + s.Flags[name]})
	}
	return flags, len(s.Policy.ExtraRules) == 0
}

// Shown is the Spec as it may be shown to anybody, and whether something is kept
// back: the path of a receiver's URL, which it may take for a key.
func (s Spec) Shown() (shown Spec, less bool) {
	origin := webhook.Origin(s.Webhook.URL)
	if rest := strings.TrimPrefix(s.Webhook.URL, origin); rest == "" || rest == "/" {
		return s, false
	}
	s.Webhook.URL = origin + "/..."
	return s, true
}
