// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"cmp"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWizardAdopts answers every question but that of the rate by return, on a
// machine on which enable has been before: all that is in force is proposed, and
// so nothing changes. The rate is that of last time, for which nothing is typed.
func TestWizardAdopts(t *testing.T) {
	t.Parallel()
	const url, pki1 = "https://192.0.2.20:9765/k8s-audit", "/etc/kubernetes/pki/falco-"
	receiver := []string{"--webhook-url", url, "--webhook-ca", pki1 + "ca.crt", "--webhook-client-certificate", pki1 + "client.crt", "--webhook-client-key", pki1 + "client.key"}
	begin := []string{"What is the log for?\n>", "Which profile, at", "Where are the events to go?\n"}
	toDisk := []string{"How far back", "The most that"}
	byURL := []string{"How is the receiver known?\n>", "URL of the receiver", "CA file", "How does the kube-apiserver prove"}
	certified := append(slices.Clone(byURL), "Client certificate file", "Client key file", "Should requests wait")
	for name, c := range map[string]struct {
		args, hook []string
		rate       string // to be proposed
		noLog      bool
	}{
		"defaults":    {},
		"cut":         {args: []string{"--disk-budget", "24Gi", "--retention", "30d"}},
		"a week":      {args: []string{"--retention", "7d", "--disk-budget", "200Gi", "--profile", "metadata"}},
		"a year":      {args: []string{"--retention", "365d", "--disk-budget", "20Gi", "--log-path", "/var/log/other/audit.log", "--log-mode", "blocking-strict"}},
		"hours":       {args: []string{"--retention", "11h", "--disk-budget", "4Ti", "--rate", "4000"}, rate: "4000"},
		"receiver":    {args: slices.Concat([]string{"--webhook-path", "/etc/kubernetes/hook/config.yaml", "--webhook-initial-backoff", "5s"}, receiver), hook: certified},
		"receiver 2":  {args: slices.Concat([]string{"--backend", "webhook", "--webhook-mode", "blocking"}, receiver), hook: certified, noLog: true},
		"own config":  {args: []string{"--webhook-config", "own.yaml"}, hook: []string{"How is the receiver known?\n", "Kubeconfig for the receiver", "Should requests wait"}},
		"insecure":    {args: []string{"--webhook-url", url, "--webhook-insecure-skip-tls-verify", "--max-event-size", "200Ki"}, hook: append(slices.Clone(byURL), "Should requests wait")},
		"own policy":  {args: []string{"--policy", "own-policy.yaml"}},
		"extra rules": {args: []string{"-f", "extra.yaml"}},
		"unasked":     {args: []string{"--rate", "250", "--headroom", "3", "--events-per-request", "0.5", "--set", "audit-log-maxage=99", "--disk-budget", "20Gi"}, rate: "250"},
		"max body":    {args: slices.Concat([]string{"--max-body", "2Mi", "--stall", "50s", "--webhook-mode", "batch"}, receiver), hook: certified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := machine(t)
			pki(t, dir)
			write(t, filepath.Join(dir, "own.yaml"), "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'https://192.0.2.9/'}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {token: planted}}]\n")
			write(t, filepath.Join(dir, "own-policy.yaml"), "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
			write(t, filepath.Join(dir, "extra.yaml"), "apiVersion: auditsetup.io/v1alpha1\nkind: AuditSetup\npolicy:\n  extraRules:\n  - namespaces: [a]\n    level: Request\n")
			first := exec.CommandContext(t.Context(), "auditsetup", append([]string{"enable", "--root", "root", "--yes"}, c.args...)...)
			first.Dir = dir
			if out, err := first.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			before := read(t, filepath.Join(dir, "root", imageManifest))
			p := seat{dir: dir}.run(t, "enable", "--root", "root")
			rate := []string{"at peak (" + cmp.Or(c.rate, "100") + ")"}
			asked := slices.Concat(rate, begin, c.hook, toDisk)
			if c.noLog {
				asked = slices.Concat(rate, begin, c.hook)
			}
			for _, question := range asked {
				p.answers(question, enter)
			}
			p.answers(more, toLast)
			p.sees("Nothing to do: everything is as asked. What now?")
			p.types(enter)
			if said := p.ends(1); strings.Contains(said, "planted") {
				t.Errorf("a token was shown\n%s", said)
			}
			if after := read(t, filepath.Join(dir, "root", imageManifest)); !bytes.Equal(before, after) {
				t.Error("the manifest has changed")
			}
		})
	}
}

// TestWizardRecalls proposes what was asked for last when nothing of it is in
// force any more, and says so; and asks as ever when the records are gone.
func TestWizardRecalls(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	pki(t, dir)
	run := func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "auditsetup", append(args, "--root", "root", "--yes")...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	run("enable", "--rate", "250", "--profile", "stig", "--retention", "9d", "--webhook-url", "https://192.0.2.20:9765/k8s-audit", "--webhook-ca", "/etc/kubernetes/pki/falco-ca.crt", "--persist", "none")
	run("disable")
	p := seat{dir: dir}.run(t, "enable", "--root", "root")
	p.sees("last time  --rate 250 --profile stig")
	p.answers("at peak (250)", enter)
	p.answers("What is the log for?\n  incident", enter)
	p.answers("Which profile, at 250 requests/s?\n  cis", enter)
	p.answers("Where are the events to go?\n  a log file on", enter)
	for _, question := range []string{"How is the receiver known?\n>", "URL of the receiver (https://...) (https://192.0.2.20:9765/k8s-audit)", "CA file (/etc/kubernetes/pki/falco-ca.crt)", "How does the kube-apiserver prove", "Should requests wait", "How far back should the log reach (d, h, w) (9d)", "The most that"} {
		p.answers(question, enter)
	}
	p.answers(more, toLast)
	p.answers(last, down+enter)
	command := repeats(t, p.ends(0))
	for _, flag := range []string{"--rate 250", "--profile stig", "--retention 9d", "--persist none"} {
		if !strings.Contains(command, " "+flag+" ") {
			t.Errorf("no %s in\n%s", flag, command)
		}
	}
	run("disable", "--purge")
	p = seat{dir: dir}.run(t, "enable", "--root", "root")
	p.answers("at peak (100)", "\x03")
	if said := p.ends(1); strings.Contains(said, "last time") {
		t.Errorf("something is remembered\n%s", said)
	}
}
