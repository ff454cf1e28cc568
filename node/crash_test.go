// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// scenario is a change to be stopped at each of its steps.
type scenario struct {
	name   string
	before []func() Change // made without trouble first
	plan   func(h *Host) (Change, error)
}

func fixed(c func() Change) func(*Host) (Change, error) {
	return func(*Host) (Change, error) { return c(), nil }
}

func planRollback(h *Host) (Change, error) { return h.PlanRollback(false) }

var scenarios = []scenario{
	{"enable", nil, fixed(enable)},
	{"change", []func() Change{enable}, fixed(another)},
	{"disable", []func() Change{enable}, fixed(disable)},
	{"rollback of enable", []func() Change{enable}, planRollback},
	{"rollback of change", []func() Change{enable, another}, planRollback},
	{"rollback of disable", []func() Change{enable, disable}, planRollback},
}

// crash is what a step panics with where a process would die.
type crash struct{}

// run makes the scenario's change with step in place, and says whether it
// crashed.
func (s scenario) run(t testing.TB, h *Host, step func(op, path string) error) (crashed bool, err error) {
	t.Helper()
	c, err := s.plan(h)
	must(t, err)
	h.step = step
	defer func() {
		h.step = nil
		if caught := recover(); caught != nil {
			if _, ok := caught.(crash); !ok {
				panic(caught)
			}
			crashed = true
		}
	}()
	_, err = h.Apply(c)
	return false, err
}

// crash runs the scenario up to its k-th step.
func (s scenario) crash(t testing.TB, h *Host, k int) {
	t.Helper()
	if crashed, err := s.run(t, h, stop(k, false, func() error { panic(crash{}) })); !crashed {
		t.Fatalf("did not crash: %v", err)
	}
}

func (s scenario) host(t testing.TB) *Host {
	t.Helper()
	h := newHost(t)
	for _, change := range s.before {
		apply(t, h, change())
	}
	return h
}

// steps runs the scenario undisturbed, and gives what it does, and the host
// before and after.
func (s scenario) steps(t testing.TB) (ops []string, before, after map[string]string) {
	t.Helper()
	h := s.host(t)
	before = look(t, h)
	_, err := s.run(t, h, func(op, path string) error {
		ops = append(ops, op+" "+path)
		return nil
	})
	must(t, err)
	return ops, before, look(t, h)
}

// stop gives a step function that calls f at the k-th step, and at all later
// ones if forever.
func stop(k int, forever bool, f func() error) func(op, path string) error {
	n := -1
	return func(string, string) error {
		if n++; n == k || forever && n > k {
			return f()
		}
		return nil
	}
}

func full() error { return syscall.ENOSPC }

func TestErrorAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		ops, before, after := s.steps(t)
		for k, op := range ops {
			t.Run(fmt.Sprintf("%s/%02d %s", s.name, k, op), func(t *testing.T) {
				t.Parallel()
				h := s.host(t)
				if _, err := s.run(t, h, stop(k, false, full)); err == nil {
					h.tidy()
					same(t, "after a step that does not matter", look(t, h), after)
					return
				} else if text := err.Error(); !strings.Contains(text, "no space left") {
					t.Errorf("the error does not name its cause: %s", text)
				}
				same(t, "after the error", look(t, h), before)
				if i := slices.IndexFunc(states(t, h), func(s string) bool { return strings.Contains(s, StatePrepared) }); i >= 0 {
					t.Errorf("a record is left unfinished: %v", states(t, h))
				}
				if _, err := s.run(t, h, nil); err != nil {
					t.Fatalf("the same change cannot be made afterwards: %v", err)
				}
				same(t, "after the second try", look(t, h), after)
			})
		}
	}
}

// A disk that stays full or broken makes undoing fail too; then the error has to
// say so, and a rollback to put everything back once the disk is mended.
func TestErrorFromEveryStepOn(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		ops, before, after := s.steps(t)
		for k, op := range ops {
			t.Run(fmt.Sprintf("%s/%02d %s", s.name, k, op), func(t *testing.T) {
				t.Parallel()
				h := s.host(t)
				_, err := s.run(t, h, stop(k, true, full))
				now := look(t, h)
				checkManifests(t, h, before, after)
				switch {
				case err == nil:
					h.tidy()
					same(t, "after steps that do not matter", look(t, h), after)
				case strings.Contains(err.Error(), "nothing was changed"):
					same(t, "after the error", now, before)
				case strings.Contains(err.Error(), "not everything could be put back"):
					recoverFrom(t, h, s, before, after)
				default:
					same(t, "after the refusal", now, before)
				}
			})
		}
	}
}

// recoverFrom does what the user is told to do after a change was cut off: a
// rollback, which for a rollback means that it is taken to its end.
func recoverFrom(t *testing.T, h *Host, s scenario, before, after map[string]string) {
	t.Helper()
	if _, err := h.Apply(Change{Command: "enable", Manifest: &FileChange{Path: manifestPath, New: []byte("x")}}); err == nil {
		t.Error("a change is made although another was cut off")
	}
	rollback(t, h)
	want := before
	if strings.HasPrefix(s.name, "rollback") {
		want = after
	}
	same(t, "after the rollback", look(t, h), want)
}

// checkManifests finds a manifest that is neither old nor new, and any file that
// the kubelet would run.
func checkManifests(t *testing.T, h *Host, before, after map[string]string) {
	t.Helper()
	now := look(t, h)
	for path, content := range now {
		if before[path] == content || after[path] == content {
			continue
		}
		if strings.HasPrefix(filepath.Base(path), ".") && strings.Contains(path, ".auditsetup-") {
			continue
		}
		if strings.HasPrefix(content, "d") {
			continue // a folder not yet given its mode
		}
		t.Errorf("%s is neither old nor new: %q", path, content)
	}
	if now[manifestPath] == "" {
		t.Error("the manifest is gone")
	}
}

func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		ops, before, after := s.steps(t)
		for k, op := range ops {
			t.Run(fmt.Sprintf("%s/%02d %s", s.name, k, op), func(t *testing.T) {
				t.Parallel()
				h := s.host(t)
				s.crash(t, h, k)
				afterCrash(t, h, s, before, after)
			})
		}
	}
}

// afterCrash checks what a crash left, and that the next command comes to a
// clean end.
func afterCrash(t *testing.T, h *Host, s scenario, before, after map[string]string) {
	t.Helper()
	checkManifests(t, h, before, after)
	records, err := h.Records()
	must(t, err)
	switch {
	case unfinished(records) != nil:
		recoverFrom(t, h, s, before, after)
	case len(records) == len(s.before):
		same(t, "before the change had begun", look(t, h), before)
		_, err := s.run(t, h, nil)
		must(t, err)
		same(t, "when the command is run again", look(t, h), after)
	default:
		h.tidy()
		same(t, "after the change had ended", look(t, h), after)
	}
	for rollbackTarget(mustRecords(t, h)) != nil {
		rollback(t, h)
	}
	same(t, "after all rollbacks", look(t, h), look(t, newHost(t)))
	left, _ := filepath.Glob(h.Root + DefaultStateDir + "/backups/.*")
	if len(left) > 0 {
		t.Errorf("left in the state folder: %v", left)
	}
}

func mustRecords(t testing.TB, h *Host) []Record {
	t.Helper()
	records, err := h.Records()
	must(t, err)
	return records
}

// A crash of the recovery itself is no worse than the first. One in eleven pairs
// of steps is tried, so that each step of either is.
func TestCrashTwice(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		ops, before, after := s.steps(t)
		for k := range ops {
			t.Run(fmt.Sprintf("%s/%02d", s.name, k), func(t *testing.T) {
				t.Parallel()
				again := scenario{plan: planRollback}
				for j := k % 11; ; j += 11 {
					h := s.host(t)
					s.crash(t, h, k)
					if unfinished(mustRecords(t, h)) == nil {
						return
					}
					crashed, err := again.run(t, h, stop(j, false, func() error { panic(crash{}) }))
					if !crashed {
						must(t, err)
						return
					}
					checkManifests(t, h, before, after)
					if unfinished(mustRecords(t, h)) != nil {
						recoverFrom(t, h, s, before, after)
					}
				}
			})
		}
	}
}

// The child of a test of its own: see TestMain.
const childVariable = "AUDITSETUP_NODE_TEST"

// TestMain turns the test binary into the process that is to be killed or
// hemmed in, when a test asks for it.
func TestMain(m *testing.M) {
	name, argument, _ := strings.Cut(os.Getenv(childVariable), ":")
	if name == "" {
		os.Exit(m.Run())
	}
	if err := children[name](argument); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child runs this binary again for one of the children.
func child(name string, arguments ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"="+name+":"+strings.Join(arguments, ","))
	return cmd
}

// killed makes a change and kills itself at a step.
func killed(argument string) error {
	parts := strings.Split(argument, ",")
	k, _ := strconv.Atoi(parts[2])
	i, _ := strconv.Atoi(parts[1])
	h := &Host{Root: parts[0]}
	c, err := scenarios[i].plan(h)
	if err != nil {
		return err
	}
	h.step = stop(k, false, func() error {
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return err
		}
		select {}
	})
	_, err = h.Apply(c)
	return err
}

func TestKillAtEveryStep(t *testing.T) {
	t.Parallel()
	for i, s := range scenarios {
		ops, before, after := s.steps(t)
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for k, op := range ops {
				h := s.host(t)
				out, err := child("killed", h.Root, strconv.Itoa(i), strconv.Itoa(k)).CombinedOutput()
				if err == nil || err.Error() != "signal: killed" {
					t.Fatalf("%s: was not killed: %v\n%s", op, err, out)
				}
				afterCrash(t, h, s, before, after)
			}
		})
	}
}
