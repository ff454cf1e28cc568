// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/auditsetup/auditsetup/doctor/gather"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/preflight"
	"github.com/auditsetup/auditsetup/proof"
	"github.com/auditsetup/auditsetup/restart"
	"github.com/auditsetup/auditsetup/rollout"
	"github.com/auditsetup/auditsetup/setup"
)

// preflightLimit is for all that the preflight asks, foreseeLimit for the same in a
// dry run.
const (
	preflightLimit = 30 * time.Second
	foreseeLimit   = 5 * time.Second
)

// widest is how much of a line of a log is shown, in characters.
const widest = 300

// applied is a change that was made.
type applied struct {
	node.Result
	// live is what came of it on a running machine, nil where nothing was waited
	// for.
	live *rollout.Result
}

// waits says whether the API server is waited for: on a running machine, unless
// told otherwise.
func (h *hostFlags) waits() bool { return !h.noWait && h.host.Root == "" }

// free refuses at once what would be refused later: while another auditsetup is
// at work, and after a change that was cut off. What is planned then would be
// planned from files that are half of one change.
func (c *consent) free(h *hostFlags) error {
	if c.dryRun {
		return nil
	}
	return h.host.Available()
}

// examine looks, on a running machine, at all that could keep the API server
// from coming back, before anybody is asked to agree to the change.
func (c *consent) examine(h *hostFlags, p *planned) error {
	switch {
	case !h.waits():
	case !c.dryRun:
		return h.lookAhead(c.io.Err, p)
	case h.manifest == setup.DefaultManifest && os.Geteuid() == 0:
		h.foresee(c.io.Err, p)
	}
	return nil
}

// foresee warns in a dry run of what would be in the way, where it is the machine
// itself that is looked at and not a file in some folder. Others than root would
// not see enough of it for that to be true.
func (h *hostFlags) foresee(w io.Writer, p *planned) {
	m, _, err := h.presentManifest(p)
	if err != nil {
		return // what was planned came out of it
	}
	ctx, cancel := context.WithTimeout(context.Background(), foreseeLimit)
	defer cancel()
	report := preflight.Check(ctx, h.toInspect(p, m))
	say(w, "warning", slices.Concat(report.Problems, document.ProblemsOf(report.Down), report.Warnings))
}

// presentManifest is the manifest as it is, with its text.
func (h *hostFlags) presentManifest(p *planned) (*manifest.Manifest, []byte, error) {
	data, err := h.present(p.change)
	if err != nil {
		return nil, nil, err
	}
	m, err := manifest.Read(h.manifest, data)
	return m, data, err
}

// toInspect says what the preflight is to look at.
func (h *hostFlags) toInspect(p *planned, m *manifest.Manifest) preflight.Input {
	in := preflight.Input{Manifest: m, Path: h.manifest, Rescue: p.change.Command == "rollback"}
	in.Kept = p.kept != nil && (p.kept.plan == nil || p.kept.plan.Mode != persist.None)
	if d := p.desired; d != nil {
		in.Version = d.Version
		if d.Numbers.Rotation != nil && d.Spec.Uses(setup.LogBackend) {
			in.LogDir, in.LogBytes = path.Dir(d.Spec.Log.Path), d.Numbers.Rotation.DiskMaxBytes.Value
		}
	}
	return in
}

// lookAhead is examine for whoever has agreed already.
func (h *hostFlags) lookAhead(w io.Writer, p *planned) error {
	p.examined = true
	m, data, err := h.presentManifest(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), preflightLimit)
	defer cancel()
	report := preflight.Check(ctx, h.toInspect(p, m))
	p.kubelet, p.down = report.Kubelet, report.Down != nil
	p.final = p.down || errors.Is(h.host.Available(), node.ErrUnfinished)
	say(w, "note", report.Notes)
	say(w, "warning", report.Warnings)
	if err := report.Err(); err != nil {
		return err
	}
	say(w, "warning", receiverAhead(ctx, p.desired, m, data))
	if report.Down != nil {
		say(w, "warning", document.ProblemsOf(report.Down))
	}
	return nil
}

// receiverAhead is what is wrong with the receiver of the webhook already: it
// would cost a restart to learn of it from the proof, and another to put
// everything back.
func receiverAhead(ctx context.Context, d *setup.Desired, m *manifest.Manifest, text []byte) document.Problems {
	if d == nil || d.Webhook == nil {
		return nil
	}
	r := gather.Reach(ctx, d.Webhook, m, text, os.ReadFile)
	switch {
	case r == nil:
		return nil
	case r.Err != nil:
		return document.Problems{{What: fmt.Sprintf("the receiver at %s does not answer now: %s", r.Origin, r.Err),
			Hint: "start it first, or mend the way to it: a webhook that takes nothing is not left in force"}}
	}
	return r.Certificates
}

// present is the manifest as it is.
func (h *hostFlags) present(c node.Change) ([]byte, error) {
	if c.Manifest != nil && c.Manifest.Old != nil {
		return c.Manifest.Old, nil
	}
	file, err := h.host.Read(h.manifest)
	if err != nil {
		return nil, err
	}
	return file.Bytes, nil
}

// apply makes the change, and on a running machine waits until the API server is
// back with it, or puts everything back.
func (h *hostFlags) apply(io Streams, p *planned) (applied, error) {
	if !h.waits() {
		done, err := h.host.Apply(p.change)
		if err == nil && h.host.Root == "" {
			say(io.Err, "note", document.Problems{{What: "the kubelet now restarts the kube-apiserver, which was not waited for, and nothing is proven: check that it comes back",
				Hint: "kubectl get --raw /readyz; if it does not answer within two minutes: auditsetup rollback" + h.retype()}})
		}
		return applied{Result: done}, err
	}
	if !p.examined {
		if err := h.lookAhead(io.Err, p); err != nil {
			return applied{}, err
		}
	}
	ctx, stop := interruptible("interrupted")
	defer stop()
	show := newDisplay(io)
	result, err := rollout.Run(ctx, rollout.Plan{
		Host: &h.host, Change: p.change, Manifest: h.manifest, Kubelet: p.kubelet, Timeout: h.timeout,
		Prove: p.change.Command == "enable", Final: p.final,
		Step: p.stepper(h, show), Doing: show.doing,
		Again: func() (context.Context, context.CancelFunc) { return interruptible("no longer waited for") },
	})
	var undone *node.UndoneError
	show.close(err == nil || errors.As(err, &undone) && undone.After == nil)
	if err != nil {
		showFailure(io.Err, result, err)
	}
	if err == nil && result.Stale {
		say(io.Err, "warning", document.Problems{{What: "the kube-apiserver has read the policy as it was before, and reads it again only when it starts",
			Hint: "have it start again: crictl stop $(crictl ps --name kube-apiserver -q)"}})
	}
	return applied{result.Result, &result}, err
}

// stepper shows each step, and as soon as the files are back beside an API server
// that is down, what may be left to do by hand: a kubelet that has reached no API
// server since its own start leaves the old pod alone ("sources aren't ready",
// k8s.io/kubernetes pkg/kubelet/kubelet.go, deletePod), and nobody but it can
// tell. See test/node, TestBrokenBoot.
func (p *planned) stepper(h *hostFlags, show *display) func(node.Step) {
	return func(s node.Step) {
		show.step(s)
		if s == rollout.StepWait && p.down {
			show.remark(document.Problem{What: fmt.Sprintf("the files are in place, and the API server is waited for, up to %s; a kubelet that was started while it was down, as after a reboot, takes up no manifest until it is started again", h.timeout),
				Hint: "in another terminal, while this waits: systemctl restart kubelet"})
		}
	}
}

// showFailure shows what an error has no room for: the server's last lines, and how
// the one before came back.
func showFailure(w io.Writer, result rollout.Result, err error) {
	var failure *restart.Failure
	if errors.As(err, &failure) && len(failure.Lines) > 0 {
		fmt.Fprintf(w, "auditsetup: the last lines of %s:\n", failure.Log)
		for _, line := range failure.Lines {
			if shown := []rune(printable(line)); len(shown) > widest {
				line = string(shown[:widest]) + "..."
			}
			fmt.Fprintf(w, "  | %s\n", printable(line))
		}
	}
	var undone *node.UndoneError
	if errors.As(err, &undone) && undone.After == nil {
		say(w, "note", document.Problems{{What: fmt.Sprintf("the kube-apiserver is ready again with what was before, after %s", seconds(result.Back.Waited))}})
	}
}

// printable keeps a line of a log from playing tricks on the terminal.
func printable(line string) string {
	out := []rune(line)
	for i, r := range out {
		if r != '\t' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0) {
			out[i] = '?'
		}
	}
	return string(out)
}

// interruptible is a context that ends when somebody wants the process to: the
// change is put back then, not left half done. A terminal that is gone counts,
// unless nohup says that it does not matter, and a reader that has left is no
// reason to end at all. The second result gives the signals their usual meaning
// back.
func interruptible(what string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	pipe := make(chan os.Signal, 1) // never read: a write to a closed pipe is an error then
	signal.Notify(pipe, syscall.SIGPIPE)
	go func() {
		select {
		case s := <-signals:
			cancel(document.Problem{What: what + " (" + s.String() + ")"})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		cancel(nil)
	}
}

// reportLive prints what was seen of a running API server.
func (a applied) reportLive(w io.Writer) {
	if a.live == nil {
		return
	}
	if r := a.live.Proof; r != nil {
		reportProof(w, *r, a.live.Events)
	}
	if a.live.Outcome.Away > 0 {
		fmt.Fprintf(w, "  away      the API server did not answer for %s\n", seconds(a.live.Outcome.Away))
	}
}

func reportProof(w io.Writer, r proof.Result, events int) {
	if r.Silent {
		fmt.Fprintln(w, "  proof     none: the policy records no request that auditsetup could make without harm")
		return
	}
	if e := r.Event; e != nil {
		fmt.Fprintf(w, "  proof     event %s was read back: %s %s by %s, level %s; %d events since the change\n",
			e.AuditID, e.Verb, e.RequestURI, e.User.Username, e.Level, events)
	}
	switch {
	case r.Delivered > 0:
		fmt.Fprintf(w, "  proof     the receiver of the webhook took events after a marked request (%d times)\n", r.Delivered)
	case r.Delivered < 0:
		fmt.Fprintln(w, "  proof     none for the webhook: the kube-apiserver does not show us its metrics")
	}
}

// seconds is a time as people read it: 22.6 s.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
