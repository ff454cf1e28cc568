// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package crash

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// harmless are the calls whose failure is no reason to give up, each with why. The
// late ones are so only once the change is in force.
var harmless = []struct {
	late bool
	call *regexp.Regexp
	why  string
}{
	{false, regexp.MustCompile(`^(ftruncate|write|close) /var/lib/auditsetup/lock$`), "who holds the lock is only said as a courtesy"},
	{false, regexp.MustCompile(`^flock /var/lib/(auditsetup|\.auditsetup\.purged)/lock let go$`), "the lock is let go of when the process ends"},
	{false, regexp.MustCompile(`^linkat .*\.auditsetup-old$`), "without the link, putting back means writing again"},
	{true, regexp.MustCompile(`^unlinkat .*\.auditsetup-old$`), "the next command tidies up"},
	{true, regexp.MustCompile(`^renameat .*/record\.in-force\.json -> .*/record\.done\.json$`), "the next command tidies up"},
	{true, regexp.MustCompile(`^fsync /var/lib/auditsetup/backups/[^/]*$`), "the record's last name means the same as the one before"},
	{true, regexp.MustCompile(`^unlinkat [^.]*[^/]$`), "a folder is first removed as if it were a file"},
	{true, regexp.MustCompile(`^unlinkat [^.]*/$`), "an empty folder stays; the next command tidies up"},
	{true, regexp.MustCompile(`^fsync /(etc|var)[a-z/]*$`), "that an empty folder is gone need not be durable"},
}

// The lines of the log are the counts that make crash shows.
func TestCrash(t *testing.T) {
	r := newRig(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			p := r.prepare(t, s)
			p.each(t, "signal=KILL", p.afterKill)
			p.each(t, "error=ENOSPC", p.afterError("no space left"))
			p.each(t, "error=EIO", p.afterError("input/output error"))
		})
	}
}

func remove(roots ...string) error {
	var problem error
	for _, root := range roots {
		problem = errors.Join(problem, os.RemoveAll(root))
	}
	return problem
}

// findings gathers what is wrong in one case.
type findings []string

func (f *findings) is(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func (f *findings) same(when string, got, want tree) {
	for _, path := range unlike(got, want) {
		*f = append(*f, when+": "+path)
	}
}

func (f *findings) step(when string, got, want step) {
	f.is(got.code == want.code, "%s: exit %d, not %d", when, got.code, want.code)
	f.same(when, got.tree, want.tree)
}

func (p *subject) rollsBack() bool { return p.command[0] == "rollback" }
func (p *subject) purges() bool    { return p.command[len(p.command)-1] == "--purge" }

// afterKill checks what a kill left, and that a rollback, and in another copy the
// same command again, come to a clean end.
func (p *subject) afterKill(root string, _ outcome, _ call) (string, []string) {
	var f findings
	now := look(root)
	f = append(f, stray(now, p.before, p.after)...)
	cut, untouched := cutOff(root), len(unlike(now, p.before)) == 0
	f.is(cut == strings.Contains(p.run(root, "doctor").stdout, "change-unfinished"), "doctor does not tell whether the change was cut off: %t", cut)
	f.is(clone(root, root+"-back") == nil && clone(root, root+"-again") == nil, "no copies")
	back := p.step(root+"-back", rollback...)
	switch {
	case cut:
		goal := p.before
		if p.rollsBack() {
			goal = p.after
		}
		f.step("rollback after a cut-off change", back, step{0, goal})
		f = append(f, p.againAfterCut(root+"-again")...)
	case untouched && !p.begun(root):
		f.step("rollback before the change had begun", back, p.backBefore)
		f.step("again before the change had begun", p.step(root+"-again", p.command...), step{0, p.after})
	case p.purges() && p.begun(root):
		f.step("rollback before the purge", back, step{0, p.before})
		f.step("again before the purge", p.step(root+"-again", p.command...), step{0, p.after})
	default:
		want := p.backAfter
		if p.purges() {
			f.is(p.run(root+"-back", enable...).code == 0, "enable after a purge that was cut off fails")
			f = append(f, p.ends(root+"-back")...)
		} else {
			f.step("rollback of the change", back, want)
		}
		if !p.rollsBack() {
			want = step{0, p.after}
		}
		f.step("again after the change", p.step(root+"-again", p.command...), want)
	}
	f = append(f, p.ends(root+"-again")...)
	switch {
	case cut:
		return "cut off, rolled back", f
	case untouched:
		return "not begun", f
	}
	return "in force", f
}

// begun says whether there is a record of the command.
func (p *subject) begun(root string) bool {
	entries, _ := os.ReadDir(root + stateDir + "/backups")
	n := 0
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			n++
		}
	}
	return n > len(p.scenario.before)
}

// againAfterCut runs the command again, and follows the hint of its refusal.
func (p *subject) againAfterCut(root string) []string {
	var f findings
	if p.rollsBack() {
		f.step("again", p.step(root, p.command...), step{0, p.after})
		return f
	}
	out := p.run(root, p.command...)
	f.is(out.code == 1 && strings.Contains(out.stderr, "was cut off before its end"), "again: exit %d: %s", out.code, out.stderr)
	_, hint, found := strings.Cut(out.stderr, "auditsetup: hint: put back what was before: auditsetup ")
	words := strings.Fields(hint)
	if !found || len(words) != 3 || words[1] != "--root" || words[2] != root {
		return append(f, "the refusal has no hint: "+out.stderr)
	}
	f.step("the hint", p.step(root, words[0], "--yes"), step{0, p.before})
	f.step("again after the hint", p.step(root, p.command...), step{0, p.after})
	return f
}

// ends checks that nothing is left, and that disable still gives back the
// manifest as kubeadm wrote it.
func (p *subject) ends(root string) []string {
	var f findings
	f.is(!strings.Contains(p.run(root, "doctor").stdout, "change-unfinished"), "a change is still unfinished")
	out := p.run(root, disable...)
	f.is(out.code == 0, "disable at the end: exit %d: %s", out.code, out.stderr)
	now := look(root)
	_, manifest, _ := strings.Cut(now[manifestPath], "\n")
	f.is(manifest == p.original, "disable does not give back the original manifest")
	for path := range now {
		f.is(!ourDotfile(path), "left at the end: %s", path)
	}
	for _, path := range halfStored(root) {
		f.is(false, "left at the end: %s", path)
	}
	return f
}

// afterError checks what an error in place of a call led to.
func (p *subject) afterError(cause string) func(string, outcome, call) (string, []string) {
	return func(root string, out outcome, c call) (string, []string) {
		var f findings
		now := look(root)
		f.is(!cutOff(root) && !strings.Contains(p.run(root, "doctor").stdout, "change-unfinished"), "the change is left unfinished")
		if p.purges() && out.code == 0 && strings.Contains(out.stderr, "auditsetup: warning: ") {
			f = append(f, stray(now, p.after, p.after)...)
			f.is(strings.Contains(out.stdout, "taken out") && strings.Contains(out.stderr, cause) && strings.Contains(out.stderr, stateDir), "the warning does not say what remains and why: %s", out.stderr)
			f.step("again", p.step(root, p.command...), step{0, p.after})
			return "taken out, records stay", append(f, p.ends(root)...)
		}
		if out.code == 0 {
			f = append(f, p.afterHarmless(root, now, c)...)
			return "did no harm", append(f, p.ends(root)...)
		}
		f.is(out.code == 1, "exit %d", out.code)
		f.is(strings.Contains(out.stderr, "auditsetup: error: ") && strings.Contains(out.stderr, cause), "the error does not say why")
		f = append(f, halfStored(root)...)
		f.same("after the error", now, p.before)
		f.is(strings.Contains(out.stderr, "nothing was changed") || !p.begun(root), "the error does not say that nothing was changed")
		f.step("again", p.step(root, p.command...), step{0, p.after})
		return "failed, all as it was", append(f, p.ends(root)...)
	}
}

// afterHarmless checks a command that went on.
func (p *subject) afterHarmless(root string, now tree, c call) []string {
	f := findings(stray(now, p.before, p.after))
	for path := range now {
		f.is(now[path] == p.after[path] || ourDotfile(path) || strings.HasPrefix(now[path], "d"), "%s is not as after the command", path)
	}
	known := false
	for _, h := range harmless {
		known = known || (c.late || !h.late) && h.call.MatchString(c.String())
	}
	f.is(known, "the error was passed over")
	f.is(strings.Contains(c.name, "unlink") || strings.Contains(c.name, "rename") || len(unlike(now, p.after)) == 0, "something is left: %v", unlike(now, p.after))
	f.step("the next command", p.step(root, p.next...), p.settled)
	return f
}
