// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"strings"
	"testing"
)

// TestLiveTwoAtOnce starts two different changes in the same moment: one is made,
// with one restart, the other refused, and the refused one disturbs neither the
// wait nor the proof of the first.
func TestLiveTwoAtOnce(t *testing.T) {
	ctx, n := fresh(t)
	w := watch(t, n)
	type run struct {
		profile     string
		out, errors bytes.Buffer
		code        int
	}
	runs := []*run{{profile: "recommended"}, {profile: "metadata"}}
	done := make(chan *run)
	for _, r := range runs {
		go func() {
			cmd := n.Auditsetup(ctx, "enable", "--yes", "--profile="+r.profile)
			cmd.Stdout, cmd.Stderr = &r.out, &r.errors
			_ = cmd.Run() // its exit code says it
			r.code = cmd.ProcessState.ExitCode()
			done <- r
		}()
	}
	refused, made := <-done, <-done // what is refused ends at once
	for _, r := range runs {
		t.Logf("$ auditsetup enable --yes --profile=%s: exit code %d\n%s%s", r.profile, r.code, r.errors.String(), r.out.String())
	}
	if made.code != 0 || refused.code != 1 {
		t.Fatalf("exit codes %d and %d, want 0 and 1", made.code, refused.code)
	}
	holds(t, made.out.String(), " was read back: ")
	if text := refused.errors.String(); !strings.Contains(text, "another auditsetup is changing this host") && !strings.Contains(text, "since the change was planned") {
		t.Errorf("the reason is not that another is at work: %s", text)
	}
	oneStart(t, w, "two at once")
	if err := n.InForce(ctx, readFile(t, Manifest)); err != nil {
		t.Error(err)
	}
	out, _ := tool(t, n.Auditsetup(ctx, "enable", "--yes", "--profile="+made.profile), 0)
	holds(t, out, "nothing to do: ")
	tool(t, n.Auditsetup(ctx, "disable", "--yes"), 0)
	asBefore(ctx, t, n)
}
