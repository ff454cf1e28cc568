// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package rollout carries a change out on a running control plane: under the
// lock and with backups it writes the files, waits until the kube-apiserver has
// come back with them, proves that it records, and else puts every file back and
// waits until the old one is well again. All of it is in the hands of the
// packages that it puts together; it knows their order.
package rollout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/proof"
	"github.com/auditsetup/auditsetup/restart"
)

// DefaultTimeout is how long the API server may take to be ready with a change:
// what kubeadm gives it in an upgrade (k8s.io/kubernetes
// cmd/kubeadm/app/constants, UpgradeManifestTimeout). Usual are half a minute: up
// to 30 s for the old one to end (terminationGracePeriodSeconds), 10 to 15 s
// until the kubelet starts the next one, and what that takes to start.
const DefaultTimeout = 5 * time.Minute

// The steps that follow those of package node.
const (
	StepWait  node.Step = "wait"
	StepProve node.Step = "prove"
	// StepRecover is the wait after everything was put back.
	StepRecover node.Step = "wait for what was before"
)

// Plan is a change of a running control plane.
type Plan struct {
	Host   *node.Host
	Change node.Change
	// Manifest is the path of the static pod, which the change may leave as it is.
	Manifest string
	Machine  restart.Machine
	// Kubelet is the one that watches the manifest's folder.
	Kubelet restart.Kubelet
	// Timeout is for coming up with the change; 0 means DefaultTimeout. What was
	// before has at least DefaultTimeout to come up again: little time to try the
	// one is no reason to leave the other unwatched.
	Timeout time.Duration
	// Prove wants a request recorded when the new manifest turns audit on.
	Prove bool
	// Final says that the change stays whatever comes of it, as there is nothing
	// better to go back to: the API server was not well before, or what is taken
	// back is a change that was cut off.
	Final bool
	// Step is told which step begins, and Doing what it waits for. Both may be
	// nil.
	Step  func(node.Step)
	Doing func(string)
	// Again gives the context for coming up with what was before, since the
	// first may be done for. Nil means one that never ends.
	Again func() (context.Context, context.CancelFunc)
}

// Result is what came of a change.
type Result struct {
	node.Result
	// Outcome is how the API server came back with the change, Back how it came
	// back with what was before after that failed.
	Outcome, Back restart.Outcome
	// Proof is set when the new manifest turns audit on and a proof was wanted.
	Proof *proof.Result
	// Stale says that the change writes no more than files, which the running
	// server has read as they were and reads again only when it starts. Nothing is
	// proven then.
	Stale bool
	// Events is how many lines the log has got since the change began.
	Events int
}

// rollout is one call of Run.
type rollout struct {
	Plan
	now, before *manifest.Manifest // with the change and without it
	changed     bool               // the kubelet will see another pod
	watch, back *restart.Watch
	log         *proof.Follower // nil when there is no log
	result      Result
	late        error // what Final keeps from undoing the change
}

// Run makes the change, or puts it back with a [node.UndoneError] that tells
// why and whether the API server is well again. A ctx that is done ends the wait
// and has the change put back, with its cause as the reason. Other errors are
// those of [node.Host.Apply].
func Run(ctx context.Context, p Plan) (Result, error) {
	r := &rollout{Plan: p}
	if r.Timeout <= 0 {
		r.Timeout = DefaultTimeout
	}
	if err := r.read(); err != nil {
		return Result{}, err
	}
	defer func() {
		if r.log != nil {
			r.log.Close()
		}
	}()
	made, err := p.Host.Try(p.Change, node.Trial{
		Begin:   func() error { return r.begin(ctx) },
		Confirm: func() error { return r.confirm(ctx) },
		Undone:  r.undone,
		Step:    p.Step,
	})
	r.result.Result = made
	if err == nil {
		err = r.late
	}
	return r.result, err
}

// read takes the manifest as it is and as it will be.
func (r *rollout) read() error {
	change := r.Change.Manifest
	if change == nil {
		file, err := r.Host.Read(r.Manifest)
		if err != nil {
			return err
		}
		change = &node.FileChange{Old: file.Bytes, New: file.Bytes}
	}
	var err error
	if change.Remove || change.Old == nil {
		return document.Problem{File: r.Manifest, What: "is to be made or removed as a whole, which is not waited for", Hint: "add --no-wait"}
	}
	if r.before, err = manifest.Read(r.Manifest, change.Old); err != nil {
		return err
	}
	if r.now, err = manifest.Read(r.Manifest, change.New); err != nil {
		return err
	}
	r.changed = !samePod(change.Old, change.New)
	return nil
}

// samePod says whether two manifests are the same to a kubelet, which derives
// the identity of the pod from its fields: comments and order are nothing to it
// (k8s.io/kubernetes pkg/kubelet/config/common.go).
func samePod(a, b []byte) bool {
	var one, other any
	return yaml.Unmarshal(a, &one) == nil && yaml.Unmarshal(b, &other) == nil && reflect.DeepEqual(one, other)
}

// begin prepares the watch, and looks once more whether the API server is well:
// since the preflight a person may have thought for long.
func (r *rollout) begin(ctx context.Context) error {
	var err error
	if r.watch, err = restart.For(r.now, r.Kubelet); err != nil {
		return err
	}
	if r.back, err = restart.For(r.before, r.Kubelet); err != nil {
		return err
	}
	r.watch.Machine, r.back.Machine = r.Machine, r.Machine
	r.watch.Progress, r.back.Progress = r.Doing, r.Doing
	// A change that was cut off may not have been seen by the kubelet: then the
	// server that is to come is there already.
	r.watch.Restart, r.watch.Patient = r.changed && !r.Final, r.Final
	r.back.Patient = true
	if err := r.back.Client.Ready(ctx); err != nil && !r.Final {
		return document.Problem{What: "the kube-apiserver is not healthy to begin with, and nothing was changed: " + err.Error()}
	}
	r.watch.Warm(ctx)
	if err := r.watch.Begin(); err != nil {
		return err
	}
	r.watch.Leaving(r.before.Command())
	r.result.Stale = r.stale()
	if file := proof.Of(r.now).LogFile; file != "" {
		r.log, _ = proof.Follow(file)
	}
	return nil
}

// confirm waits and proves.
func (r *rollout) confirm(ctx context.Context) error {
	r.step(StepWait)
	limited, cancel := context.WithTimeoutCause(ctx, r.Timeout, document.Problem{
		What: fmt.Sprintf("the kube-apiserver is back, and nothing has proven within %s of the change that it records", r.Timeout), Hint: "give it more time with --timeout"})
	defer cancel()
	var err error
	if r.result.Outcome, err = r.watch.Wait(limited); err == nil {
		err = r.prove(limited)
	}
	if err == nil {
		return nil
	}
	if r.Final {
		r.late = document.Problem{What: "what was written stays, as there is nothing better to go back to, but " + err.Error(), Hint: hintOf(err)}
		return nil
	}
	// What happens from here on is the work of putting back: unless the server of
	// the beginning is still there, another one must come.
	r.back.Restart = r.changed && !r.watch.Untouched()
	if r.back.Begin() == nil {
		r.back.Leaving(r.now.Command())
	}
	return err
}

// stale says whether a file that is to be written, with the manifest staying as
// it is, was changed by others before the running server began.
func (r *rollout) stale() bool {
	p, running, err := r.Machine.ServerAt(r.watch.Client.Server().Host, r.watch.Client.Server().Port)
	began, known := r.Machine.Started(p)
	if r.changed || !running || err != nil || !known {
		return false
	}
	for _, f := range r.Change.Files {
		if !r.reads(f.Path) {
			continue
		}
		if now, err := r.Host.Read(f.Path); err == nil && !bytes.Equal(f.New, now.Bytes) && now.ModTime.Before(began) {
			return true
		}
	}
	return false
}

// reads says whether the server's audit flags name a file; what else is written
// is for others.
func (r *rollout) reads(file string) bool {
	for _, s := range r.now.AuditSettings() {
		if host, ok := r.now.HostPath(s.Value); ok && host == file {
			return true
		}
	}
	return false
}

func hintOf(err error) string {
	if problems := document.ProblemsOf(err); len(problems) > 0 {
		return problems[0].Hint
	}
	return ""
}

func (r *rollout) prove(ctx context.Context) error {
	setup := proof.Of(r.now)
	if !r.Prove || !setup.On() || r.result.Stale {
		return nil
	}
	r.step(StepProve)
	proven, err := setup.Prove(ctx, r.watch.Client)
	if err != nil {
		return err
	}
	r.result.Proof = &proven
	if r.log != nil {
		_ = r.log.Read(func([]byte) bool { return false })
		r.result.Events = r.log.Lines
	}
	if !r.Machine.Alive(r.result.Outcome.Process) {
		return errors.New("the new kube-apiserver ended after it had been ready")
	}
	return nil
}

// undone waits for what was before.
func (r *rollout) undone() error {
	r.step(StepRecover)
	ctx, cancel := context.Background(), func() {}
	if r.Again != nil {
		ctx, cancel = r.Again()
	}
	defer cancel()
	limited, done := context.WithTimeout(ctx, max(r.Timeout, DefaultTimeout))
	defer done()
	var err error
	if r.result.Back, err = r.back.Wait(limited); err != nil {
		return document.Problem{What: "the kube-apiserver is not well again: " + err.Error(),
			Hint: "every file is as it was before: see what the kubelet does with them (journalctl -u kubelet --since -10min), and if it does nothing: systemctl restart kubelet"}
	}
	return nil
}

func (r *rollout) step(s node.Step) {
	if r.Step != nil {
		r.Step(s)
	}
}
