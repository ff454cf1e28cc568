// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/podlog"
)

const (
	// pace is the time between two looks.
	pace = 250 * time.Millisecond
	// askKubelet is the time between two questions to the kubelet.
	askKubelet = 2 * time.Second
	// unnoticed is after how many of its checks a kubelet has had its chance to
	// see a changed file. It is told of changes at once; the checks are for what
	// it was not told of.
	unnoticed = 3
	// steady is how long a server that was started must be ready, calm one that
	// was never seen to end: a kubelet that is just about to end it does so
	// within a second or two.
	steady = time.Second
	calm   = 5 * time.Second
)

// Watch is one change of a manifest and what is to come of it. Fill it in, call
// Begin before the manifest is changed, and Wait after.
type Watch struct {
	Machine Machine
	// Client asks the server of the manifest that is to be in force, Command is
	// its command line, and Namespace, Pod and Container are its names.
	Client                    *live.Client
	Command                   []string
	Namespace, Pod, Container string
	// Kubelet watches the folder; without one, PID 0, nobody tells why a
	// container cannot be started.
	Kubelet Kubelet
	// Restart says that the change makes the kubelet start another process.
	Restart bool
	// Patient waits on whatever ends or gets stuck, as there is nothing better
	// left to do.
	Patient bool
	// Progress is told what is waited for, in a few words, whenever that
	// changes. May be nil.
	Progress func(string)

	known map[string]bool // logs that were there before
	old   []Process       // servers that were there before
}

// Outcome is how a server came back.
type Outcome struct {
	// Process is the one that is ready.
	Process Process
	// Away is how long nothing was ready, as far as seen: to a quarter of a
	// second.
	Away time.Duration
	// Waited is how long all of it took.
	Waited time.Duration
}

// For gives a Watch for a manifest to be in force. The other fields are left to
// the caller.
func For(m *manifest.Manifest, k Kubelet) (*Watch, error) {
	client, err := live.Connect(live.Describe(m))
	if err != nil {
		return nil, err
	}
	if k.PodLogs == "" {
		k.PodLogs = podLogs
	}
	w := &Watch{Client: client, Command: m.Command(), Container: m.Container(), Kubelet: k}
	w.Namespace, w.Pod = m.Pod()
	if w.Namespace == "" {
		w.Namespace = "default"
	}
	return w, nil
}

// Begin remembers what is there before the change.
func (w *Watch) Begin() error {
	w.known = map[string]bool{}
	for _, log := range podlog.Of(w.Kubelet.outside(w.Kubelet.PodLogs), w.Namespace, w.Pod, w.Container) {
		w.known[log.Path] = true
	}
	servers, err := w.Machine.Servers()
	w.old = nil
	for _, p := range servers {
		if p.Runs(w.Command) || w.Machine.listens(p, w.Client.Server().Host, w.Client.Server().Port) {
			w.old = append(w.old, p)
		}
	}
	return err
}

// Leaving adds servers with another command line to those that must go.
func (w *Watch) Leaving(command []string) {
	servers, _ := w.Machine.Servers()
	for _, p := range servers {
		if p.Runs(command) && !w.isOld(p) {
			w.old = append(w.old, p)
		}
	}
}

// Untouched says whether a server from before the change still runs.
func (w *Watch) Untouched() bool { return slices.ContainsFunc(w.old, w.Machine.Alive) }

// Wait returns when the old server is gone and one with the new command line is
// ready, or, where no restart is to be expected, when the one that is there has
// stayed ready for a while. It fails as soon as the new one has ended or cannot
// be started, with a [Failure], unless Patient; and when ctx ends, whose
// deadline is the time limit.
func (w *Watch) Wait(ctx context.Context) (Outcome, error) {
	s := &waiting{Watch: w, begun: time.Now(), lastReady: time.Now()}
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		done, err := s.look(ctx)
		s.outcome.Waited = time.Since(s.begun)
		switch {
		case ctx.Err() != nil && !done:
			return s.outcome, s.expired(ctx)
		case err != nil || done:
			return s.outcome, err
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// waiting is one call of Wait.
type waiting struct {
	*Watch
	begun     time.Time
	lastReady time.Time
	since     time.Time // since when it is ready without a break; zero when it is not
	asked     time.Time // when the kubelet was
	seen      *Process  // the latest server that the change brought about
	told      string
	unready   error
	outcome   Outcome
}

// look is one look at everything.
func (s *waiting) look(ctx context.Context) (done bool, err error) {
	unready := s.Client.Ready(ctx)
	if ctx.Err() != nil {
		return false, nil // that is why it failed
	}
	s.unready = unready
	s.clock()
	if old, ok := s.leftover(); ok {
		return false, s.stay(old)
	}
	now, ok, err := s.current()
	if err != nil {
		return false, err
	}
	if !ok {
		return false, s.absent(ctx)
	}
	if s.seen != nil && s.seen.PID != now.PID {
		if err := s.gone(ctx); err != nil {
			return false, err
		}
		s.since = time.Time{}
	}
	s.seen = &now
	return s.settled(now), nil
}

// clock keeps the times of being ready and of not being so.
func (s *waiting) clock() {
	now := time.Now()
	if s.unready != nil {
		s.since = time.Time{}
		return
	}
	if s.since.IsZero() {
		if away := now.Sub(s.lastReady); away > 2*pace {
			s.outcome.Away += away
		}
		s.since = now
	}
	s.lastReady = now
}

// leftover is an old server that must go and has not.
func (s *waiting) leftover() (Process, bool) {
	for _, p := range s.old {
		if (s.Restart || !p.Runs(s.Command)) && s.Machine.Alive(p) {
			return p, true
		}
	}
	return Process{}, false
}

// stay deals with an old server that is still there.
func (s *waiting) stay(old Process) error {
	s.tell(fmt.Sprintf("the old kube-apiserver, process %d, to end", old.PID))
	limit := unnoticed * max(s.Kubelet.Check, 20*time.Second)
	if s.Patient || s.unready != nil || time.Since(s.begun) < limit {
		return nil
	}
	return s.failure(fmt.Sprintf("the kubelet has not restarted the kube-apiserver within %s of the change", limit),
		"look at what the kubelet says of the manifest: journalctl -u kubelet --since -5min")
}

// current is the server that runs what it is to run.
func (s *waiting) current() (Process, bool, error) {
	servers, err := s.Machine.Servers()
	for _, p := range servers {
		if p.Runs(s.Command) && (!s.Restart || !s.isOld(p)) {
			return p, true, err
		}
	}
	return Process{}, false, err
}

func (w *Watch) isOld(p Process) bool {
	return slices.ContainsFunc(w.old, func(old Process) bool { return old.PID == p.PID && old.started == p.started })
}

// absent deals with there being no server: it has ended, or is not started yet,
// or cannot be.
func (s *waiting) absent(ctx context.Context) error {
	if err := s.vanished(ctx); err != nil {
		return err
	}
	s.tell("the kubelet to start the kube-apiserver")
	if s.Patient || time.Since(s.asked) < askKubelet {
		return nil
	}
	s.asked = time.Now()
	if now, err := s.status(ctx); err == nil && now.stuck != "" {
		return s.failure("the kubelet cannot start the new kube-apiserver: "+now.stuck, "")
	}
	return nil
}

// vanished deals with a server that was seen, or that has written to its log,
// and is not there. One that has only just begun is in the process table a
// moment later.
func (s *waiting) vanished(ctx context.Context) error {
	if s.Patient {
		return nil
	}
	if s.seen == nil {
		if len(s.newLogs()) == 0 {
			return nil
		}
		pause(ctx, 2*pace)
		if _, there, err := s.current(); there || err != nil {
			return err
		}
	}
	return s.gone(ctx)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// gone deals with the end of a server that the change had brought about. What it
// wrote last may take a moment to be in its log.
func (s *waiting) gone(ctx context.Context) error {
	if s.Patient {
		return nil
	}
	pause(ctx, 2*pace)
	if ctx.Err() != nil {
		return nil
	}
	now, _ := s.status(ctx)
	f := s.ended(now.ended)
	if f.portTaken() {
		s.seen = nil
		for _, log := range s.newLogs() {
			s.known[log.Path] = true // it is tried again
		}
		return nil
	}
	return f
}

// settled says whether the server has been ready for long enough.
func (s *waiting) settled(now Process) bool {
	if s.unready != nil {
		s.tell(fmt.Sprintf("the kube-apiserver, process %d, to be ready (%s)", now.PID, s.unready))
		return false
	}
	need := steady
	if s.isOld(now) {
		need = calm
	}
	if time.Since(s.since) < need {
		s.tell(fmt.Sprintf("the kube-apiserver, process %d, to stay ready", now.PID))
		return false
	}
	s.outcome.Process = now
	return true
}

func (s *waiting) tell(what string) {
	if s.told != what && s.Progress != nil {
		s.Progress(what)
	}
	s.told = what
}

// expired says what was missing when time was up.
func (s *waiting) expired(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	waited := time.Since(s.begun).Round(time.Second)
	switch {
	case s.seen != nil && s.Machine.Alive(*s.seen):
		why := "it was not ready for long enough"
		if s.unready != nil {
			why = s.unready.Error()
		}
		return s.failure(fmt.Sprintf("the kube-apiserver runs, but is not ready after %s: %s", waited, why), "")
	case s.seen != nil:
		return s.ended("")
	}
	return s.failure(fmt.Sprintf("time is up after %s of waiting for %s", waited, s.told),
		"give it more time with --timeout, or see what the kubelet says: journalctl -u kubelet --since -10min; one that was started while the API server was down takes up no change until systemctl restart kubelet")
}
