// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"path"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/webhook"
)

// writeReasons prints every flag with its reason, and what was assumed.
func writeReasons(w io.Writer, d *setup.Desired) {
	fmt.Fprintf(w, "\nkube-apiserver %s, %s\n\n", d.Version, policyName(d.Spec.Policy))
	for _, f := range d.Flags {
		fmt.Fprintf(w, "  --%s=%s\n      %s\n", f.Name, f.Value, f.Reason)
	}
	fmt.Fprintln(w, "\nassumed:")
	for _, e := range d.Estimates {
		fmt.Fprintf(w, "  %s\n", e)
	}
	r := d.Numbers
	fmt.Fprintf(w, "expected: %s, %s a day\n", tuning.FormatRate(r.EventsPerSecond.Value, "events"), tuning.FormatBytes(r.BytesPerDay.Value))
	writeReach(w, d, "")
}

// writeReach says what the log will hold, unless that was set by hand.
func writeReach(w io.Writer, d *setup.Desired, indent string) {
	r := d.Numbers.Rotation
	if r == nil || len(d.Spec.Flags) > 0 {
		return
	}
	reach, wanted := time.Duration(r.RetentionSeconds.Value)*time.Second, time.Duration(r.RetentionWantedSeconds.Value)*time.Second
	fmt.Fprintf(w, "%sat most %s in %s, reaching back %s at %s\n", indent, tuning.FormatBytes(r.DiskMaxBytes.Value), path.Dir(d.Spec.Log.Path),
		tuning.FormatRetention(reach), tuning.FormatRate(d.Numbers.EventsPerSecond.Value, "events"))
	if reach < wanted {
		fmt.Fprintf(w, "%s(%s would take %s: see --disk-budget)\n", indent, tuning.FormatRetention(wanted), tuning.FormatBytes(r.DiskNeededBytes.Value))
	}
}

// writeOutcome prints where everything is, and what the log will hold.
func writeOutcome(w io.Writer, d *setup.Desired, display func(string) string) {
	fmt.Fprintf(w, "  policy    %s\n", display(d.Spec.Policy.Path))
	if d.Spec.Uses(setup.LogBackend) {
		fmt.Fprintf(w, "  log       %s\n", display(d.Spec.Log.Path))
		writeReach(w, d, "            ")
	}
	if d.Webhook != nil {
		fmt.Fprintf(w, "  webhook   %s, mode %s, by %s\n", webhook.Origin(d.Webhook.Server), d.Spec.Webhook.Mode, display(d.Spec.Webhook.Path))
	}
}

// reportDrift warns of what somebody changed of ours.
func reportDrift(w io.Writer, file string, drift []manifest.Drift) {
	for _, d := range drift {
		say(w, "warning", document.Problems{{File: file, Line: d.Line, What: driftText(d)}})
	}
}

func driftText(d manifest.Drift) string {
	if d.Gone {
		return fmt.Sprintf("%s was taken out by hand", d.What)
	}
	return fmt.Sprintf("%s was changed by hand from %s to %s", d.What, d.Wrote, d.Found)
}

// several is a count in words, such as "2 events".
func several(n int64, one, many string) string {
	return fmt.Sprintf("%d %s", n, plural(int(n), one, many))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
