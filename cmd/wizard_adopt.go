// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/webhook"
)

// adopt proposes what an earlier run has set up, as far as the manifest and the
// files that it names tell; what was given in flags stays. What is asked for
// nowhere is kept. The rate cannot be told from any of it: see recall.
func (w *wizard) adopt() {
	force := map[string]string{}
	for _, s := range w.found.settings {
		if s.Ours {
			force[s.Name] = s.Value
		}
	}
	w.found.inForce = force
	spec := &w.in.Spec
	w.adoptPolicy()
	w.adoptReceiver()
	if len(spec.Backends) == 0 && !w.flags.Changed("webhook-url") && !w.flags.Changed("webhook-config") {
		for _, b := range []struct{ flag, backend string }{{"audit-log-path", string(setup.LogBackend)}, {"audit-webhook-config-file", string(setup.WebhookBackend)}} {
			if force[b.flag] != "" {
				spec.Backends = append(spec.Backends, setup.Backend(b.backend))
			}
		}
	}
	if !w.toLog() {
		return
	}
	keep(&spec.Log.Path, force["audit-log-path"], setup.DefaultLogPath)
	keep(&spec.Log.Mode, force["audit-log-mode"], "blocking")
	spec.Log.Compress = spec.Log.Compress || !w.flags.Changed("compress") && force["audit-log-compress"] == "true"
}

// adoptPolicy finds out which profile is in force, or else has the policy that
// is ready to be chosen again.
func (w *wizard) adoptPolicy() {
	at := w.found.inForce["audit-policy-file"]
	keep(&w.in.Spec.Policy.Path, at, setup.DefaultPolicyPath)
	sum, strict := w.found.manifest.Annotation(manifest.PolicyAnnotation), ""
	for _, mode := range []string{"audit-log-mode", "audit-webhook-mode"} {
		if w.found.inForce[mode] == "blocking-strict" { // makes another policy of the profile
			strict = "blocking-strict"
		}
	}
	for _, name := range profiles.Names() {
		d, err := w.resolve(setup.Input{Spec: setup.Spec{Policy: setup.Policy{Profile: name}, Log: setup.Log{Mode: strict}}, Origins: setup.Origins{}})
		if err == nil && hash(d.Policy) == sum {
			w.found.profile = name
			return
		}
	}
	if file, err := w.host.Read(at); err == nil && hash(file.Bytes) == sum {
		w.found.policy, w.found.policyFile = file.Bytes, w.host.Display(at)
	}
}

// adoptReceiver takes the receiver from the kubeconfig that is in force: its
// parts if auditsetup wrote it from them, and the file itself if not.
func (w *wizard) adoptReceiver() {
	at, hook := w.found.inForce["audit-webhook-config-file"], &w.in.Spec.Webhook
	file, err := w.host.Read(at)
	if at == "" || err != nil || *hook != (setup.Webhook{}) || w.flags.Changed("backend") && !w.toWebhook() {
		return
	}
	c, err := webhook.Read(at, file.Bytes)
	if err != nil {
		return
	}
	keep(&hook.Path, at, setup.DefaultWebhookPath)
	keep(&hook.Mode, w.found.inForce["audit-webhook-mode"], "batch")
	keep(&hook.InitialBackoff, w.found.inForce["audit-webhook-initial-backoff"], "10s")
	if n, err := strconv.Atoi(w.found.inForce["audit-webhook-truncate-max-event-size"]); err == nil && n%1024 == 0 {
		keep(&hook.MaxEventSize, fmt.Sprintf("%dKi", n/1024), "100Ki")
	}
	if text, err := c.Encode(); err != nil || !bytes.Equal(text, file.Bytes) {
		hook.ConfigFile, w.in.WebhookData, w.ownConfig = w.host.Display(at), file.Bytes, true
		return
	}
	hook.URL, hook.CAFile, hook.InsecureSkipTLSVerify = c.Server, c.CA.Path, c.InsecureSkipTLSVerify
	hook.ClientCertificateFile, hook.ClientKeyFile, hook.TokenFile = c.Certificate.Path, c.Key.Path, c.TokenFile
	w.setCredentials(c.Certificate.Path, c.TokenFile)
}

// keep proposes a value that is in force, unless it is the standard one or
// something else was asked for.
func keep(into *string, value, standard string) {
	if *into == "" && value != standard {
		*into = value
	}
}

// rotationInForce is the size of a log file in MiB, the number of rotated ones
// and their age in days; not ok when one is not known, or they are compressed,
// which leaves open what they take.
func (w *wizard) rotationInForce() (size, count, age int, ok bool) {
	for _, f := range []struct {
		into *int
		flag string
	}{{&size, "audit-log-maxsize"}, {&count, "audit-log-maxbackup"}, {&age, "audit-log-maxage"}} {
		n, err := strconv.Atoi(w.found.inForce[f.flag])
		if err != nil || n < 1 || n > 1<<30 {
			return 0, 0, 0, false
		}
		*f.into = n
	}
	return size, count, age, w.found.inForce["audit-log-compress"] != "true"
}

// budgetInForce is the disk that the log may take now, in words that give the
// same number of files again; empty when it is not known.
func (w *wizard) budgetInForce() string {
	size, count, _, ok := w.rotationInForce()
	if !ok {
		return ""
	}
	least := size * (count + 1)
	if whole := (least + 1023) / 1024; whole*1024 < least+size {
		return fmt.Sprintf("%dGi", whole)
	}
	return fmt.Sprintf("%dMi", least)
}

// retentionInForce is the retention with which the rate that was answered gives
// the files that are in force; empty when that is not known.
func (w *wizard) retentionInForce() string {
	size, count, age, ok := w.rotationInForce()
	now, err := w.expectNow()
	if !ok || err != nil {
		return ""
	}
	kept := time.Duration(min(float64(size)*(1<<20)*float64(count)/now.BytesPerSecond.Value, 1e9)) * time.Second
	days := fmt.Sprintf("%dd", age)
	for _, text := range []string{tuning.FormatRetention(kept.Truncate(24 * time.Hour)), tuning.FormatRetention(kept.Truncate(time.Hour)), days} {
		with := *w
		with.in.Spec.Log.Retention, with.in.Spec.Log.DiskBudget = text, w.budgetInForce()
		r, err := with.expectNow()
		if err == nil && r.Rotation != nil && r.Rotation.MaxSizeMiB.Value == size && r.Rotation.MaxBackup.Value == count && r.Rotation.MaxAgeDays.Value == age {
			return text
		}
	}
	return days
}
