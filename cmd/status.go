// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/doctor/gather"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/rollout"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

// looking is what status and doctor have in common: they look at a host, and
// change nothing.
type looking struct {
	io Streams

	hostFlags
	kubeVersion string
	output      enum
}

func (l *looking) add(c *cobra.Command) {
	l.timeout = rollout.DefaultTimeout // nothing is waited for, and check has an opinion on it
	f := c.Flags()
	f.StringVar(&l.manifest, "manifest", setup.DefaultManifest, "static pod manifest of the kube-apiserver")
	f.StringVar(&l.host.Root, "root", "", "take all paths below this folder, the image of a machine, and look at files only")
	f.StringVar(&l.host.StateDir, "state-dir", node.DefaultStateDir, "where records and backups are kept")
	f.StringVar(&l.kubeVersion, "kube-version", "", "version of the kube-apiserver (default: as its image says, or itself)")
	l.output = enum{"text", []string{"text", "json"}}
	addEnum(c, &l.output, "output", "o", "how to print")
}

// look gathers what can be seen.
func (l *looking) look() (*doctor.Facts, error) {
	err := l.check()
	place := gather.Place{Host: &l.host, Manifest: l.manifest, Retype: l.retype()}
	if l.kubeVersion != "" {
		v, versionErr := apiserver.ParseVersion(l.kubeVersion)
		if versionErr == nil {
			versionErr = v.Supported()
		}
		for _, p := range document.ProblemsOf(versionErr) {
			p.File = "--kube-version"
			err = combine(err, document.Problems{p})
		}
		place.Version = v
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), preflightLimit)
	defer cancel()
	return gather.Facts(ctx, place)
}

func newStatus(io Streams) *cobra.Command {
	o := &looking{io: io}
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what is in force: flags, files, drift, events seen and lost",
		Long: help.LongDesc(`
			Say what is in force: whether audit is on and by whom, the policy and the log
			with the time that it covers, the events since the kube-apiserver started and
			how many of them were lost, and every difference between the manifest and the
			running process, what enable wrote, what it was asked for, and what a kubeadm
			upgrade would write. A change that was cut off is named, with what to type.

			Nothing is changed. What could not be looked at is named.`),
		Example: help.Examples(`
			# On a control plane
			auditsetup status

			# All of it, for a program
			auditsetup status -o json`),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			facts, err := o.look()
			if err != nil {
				return err
			}
			if o.output.value == "json" {
				return o.writeStatus(facts)
			}
			o.show(facts)
			return nil
		},
	}
	o.add(c)
	return c
}

// show prints a line for each part of audit that there is.
func (l *looking) show(f *doctor.Facts) {
	w := l.io.Out
	fmt.Fprintln(w, headline(f))
	kept := l.lookWritten(f)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-8s  %s\n", name, printable(text))
		}
	}
	line("cut off", cutOffStatus(f))
	line("asked", askedStatus(f))
	line("policy", policyStatus(f))
	line("log", logStatus(f))
	line("webhook", webhookStatus(f))
	line("running", runningStatus(f))
	line("events", eventStatus(f))
	for _, k := range kept {
		line("kept", k.text())
	}
	for _, d := range f.Differences() {
		line("drift", driftLine(f, d))
	}
	if found := doctor.Run(f); len(found) > 0 {
		line("findings", count(found)+": see auditsetup doctor"+l.retype())
	}
	showUnseen(w, f)
}

func headline(f *doctor.Facts) string {
	server := "kube-apiserver"
	if f.Version.Minor != 0 {
		server += " " + f.Version.String()
	}
	p := f.Process
	switch {
	case f.Manifest == nil:
		return fmt.Sprintf("whether audit logging is on cannot be told: %s is not understood", f.Display(f.Path))
	case p != nil && f.AuditOn() && !p.AuditOn():
		return "audit logging is off for the " + server + " that runs, although its manifest has it on"
	case p != nil && !f.AuditOn() && p.AuditOn():
		return "audit logging is on for the " + server + " that runs, although its manifest has it off"
	case !f.AuditOn():
		return "audit logging is off for " + server
	case !f.Manifest.Changed():
		return "audit logging is on for " + server + ", not by auditsetup"
	case f.Enabled != nil:
		return fmt.Sprintf("audit logging is on for %s, by auditsetup enable of %s", server, when(f.Enabled.Time))
	}
	return "audit logging is on for " + server + ", by auditsetup enable"
}

// cutOffStatus says what became of a change that was cut off, and what to type.
func cutOffStatus(f *doctor.Facts) string {
	c := f.CutOff
	if c == nil {
		return ""
	}
	return fmt.Sprintf("auditsetup %s of %s, %s (%d of %d files are as it has them): type %s", c.Command, when(c.Time), c.Step, c.Written, c.Files, rollbackCommand(f))
}

func rollbackCommand(f *doctor.Facts) string { return "auditsetup rollback" + f.Retype }

// askedStatus is what the enable in force was asked for.
func askedStatus(f *doctor.Facts) string {
	if f.Asked == nil {
		return ""
	}
	words := publicWords(*f.Asked, f.AskedFile)
	if words == nil {
		words = []string{"the defaults"}
	}
	return strings.Join(words, " ")
}

func driftLine(f *doctor.Facts, d doctor.Difference) string {
	return document.Problem{File: f.Display(f.Path), Line: d.Line, What: d.Text}.Error()
}

func policyStatus(f *doctor.Facts) string {
	if f.PolicyFile.Path == "" {
		return ""
	}
	parts := []string{f.Display(f.PolicyFile.Path)}
	if name := f.Profile(); name != "" {
		parts = append(parts, "profile "+name)
	}
	switch {
	case f.PolicyFile.SHA256 != "":
		parts = append(parts, "sha256 "+f.PolicyFile.SHA256[:12])
	case f.PolicyFile.Kind != "":
		parts = append(parts, string(f.PolicyFile.Kind))
	}
	return strings.Join(parts, ", ")
}

func logStatus(f *doctor.Facts) string {
	if s, ok := f.Flag("audit-log-path"); ok && s.Value == "-" {
		return "standard output of the container"
	}
	if f.Log == nil {
		return ""
	}
	parts := []string{f.Display(f.Log.File.Path)}
	files := len(f.Log.Rotated)
	if f.Log.File.Kind == doctor.Regular {
		files++
	}
	switch files {
	case 0:
		parts = append(parts, "not there yet")
	case 1:
		parts = append(parts, tuning.FormatBytes(f.Log.Bytes)+" in 1 file")
	default:
		parts = append(parts, fmt.Sprintf("%s in %d files", tuning.FormatBytes(f.Log.Bytes), files))
	}
	if most := f.MostBytes(); most > 0 {
		parts = append(parts, "at most "+tuning.FormatBytes(most))
	}
	if !f.Log.First.IsZero() {
		parts = append(parts, fmt.Sprintf("events from %s to %s (%s)", when(f.Log.First), when(f.Log.Last), tuning.FormatRetention(f.Log.Last.Sub(f.Log.First).Round(time.Second))))
	}
	return strings.Join(parts, ", ")
}

func webhookStatus(f *doctor.Facts) string {
	if f.Kubeconfig.Path == "" {
		return ""
	}
	parts := []string{f.Display(f.Kubeconfig.Path)}
	if mode, ok := f.Flag("audit-webhook-mode"); ok {
		parts = append(parts, "mode "+mode.Value)
	}
	if r := f.Receiver; r != nil && r.Err == nil {
		parts = append(parts, r.Origin+" answers")
	} else if r != nil {
		parts = append(parts, fmt.Sprintf("%s does not answer: %s", r.Origin, r.Err))
	}
	if _, all, failed := f.PostsToReceiver(); failed > 0 {
		parts = append(parts, fmt.Sprintf("%.0f of %.0f posts failed since the start", failed, all))
	}
	return strings.Join(parts, ", ")
}

func runningStatus(f *doctor.Facts) string {
	p := f.Process
	if p == nil {
		return ""
	}
	text := fmt.Sprintf("process %d", p.PID)
	if !p.Started.IsZero() {
		text += " since " + when(p.Started)
	}
	if p.AsManifest {
		return text + ", with the flags of the manifest"
	}
	return text + ", with other flags than the manifest"
}

func eventStatus(f *doctor.Facts) string {
	m := f.Metrics
	if m == nil || !f.AuditOn() {
		return ""
	}
	var lost []string
	for _, part := range slices.Sorted(maps.Keys(m.Lost)) {
		if n := m.Lost[part]; n > 0 {
			lost = append(lost, fmt.Sprintf("%.0f lost by %s", n, part))
		}
	}
	if len(lost) == 0 {
		lost = []string{"none lost"}
	}
	return fmt.Sprintf("%.0f from %.0f requests since the start, %s", m.Events, m.Requests, strings.Join(lost, ", "))
}

// when is a time as people read it.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
