// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// walk gives answers one after the other.
func (p *person) walk(answers ...a) *person {
	p.t.Helper()
	for _, next := range answers {
		p.answers(next.sees, next.types)
	}
	return p
}

// toReview goes through the questions for forensics to the last one.
func (p *person) toReview() *person {
	p.t.Helper()
	return p.walk(purposes[0].answers...).walk(a{more, toLast}, a{last, ""})
}

// TestWizardBack goes back from every question to the first, changes the first
// answers, and comes out with the new ones; those in between are proposed again.
func TestWizardBack(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	p := seat{dir: dir}.run(t, "enable", "--root", "root").toReview()
	p.walk(a{last, "<"}, a{"The most that the log may take of the disk (Gi) (3Gi)", "back" + enter}, a{"How far back should the log reach (d, h, w) (7d)", "<" + enter},
		a{"Where are the events to go?\n> ", "<"}, a{"Which profile, at 10 requests/s?\n> ", up + enter}, a{"What is the log for?\n> incident", "<"},
		a{"at peak (10)", "<" + enter}, a{"this is the first question", "20" + enter}, a{"What is the log for?\n> incident", down + down + down + enter},
		a{"Which profile, at 20 requests/s?", enter}, a{"Where are the events to go?\n> ", enter}, a{"(7d)", enter}, a{"(3Gi)", enter}, a{more, toLast}, a{last, down + enter})
	command := repeats(t, p.ends(0))
	if want := "auditsetup enable --rate 20 --profile recommended --backend log --retention 7d --disk-budget 3Gi --root root --yes"; command != want {
		t.Errorf("%s\nwant %s", command, want)
	}
	p.golden("wizard_back")
}

// TestWizardWrongAnswers says at once what is wrong, and asks again.
func TestWizardWrongAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range []seat{{}, {term: "dumb"}} {
		kind.dir = machine(t)
		p := kind.run(t, "enable", "--root", "root", "--profile", "recommended", "--backend", "log,webhook")
		p.walk(a{"at peak (100)", "many" + enter}, a{`! "many" is not a number`, "-1" + enter}, a{"! must be", "10" + enter})
		p.follow(kind, a{"How is the receiver known?", enter})
		p.walk(a{"URL of the receiver (https://...)", "ftp://x" + enter}, a{"  ! ", "http://127.0.0.1:9000/" + enter})
		p.follow(kind, a{"Should requests wait", enter})
		p.walk(a{"How far back", "30" + enter}, a{`! "30" has no unit`, "1d" + enter}, a{"The most that the log", "9999Ti" + enter}, a{"! ", "900Ti" + enter})
		p.follow(kind, a{more, toLast})
		p.follow(kind, a{last, "\x03"})
		if said := p.ends(1); !strings.Contains(said, "auditsetup: warning: the log may take 900 TiB, and") {
			t.Errorf("no warning\n%s", said)
		}
	}
}

// TestWizardGivenFlags asks for nothing that a flag says.
func TestWizardGivenFlags(t *testing.T) {
	t.Parallel()
	dir, copied := machine(t), machine(t)
	p := seat{dir: dir}.run(t, "enable", "--root", "root", "--rate", "10", "--profile", "metadata", "--backend", "log", "--set", "audit-log-maxsize=7",
		"--stall", "10s", "--compress", "--disk-budget", "2Gi")
	p.walk(a{"not asked  given by --backend log, --disk-budget 2Gi, --profile metadata,\n             --rate 10\n", ""}, a{"How far back", "1d" + enter}, a{more, toLast}, a{last, down + enter})
	command := repeats(t, p.ends(0))
	for _, flag := range []string{"--set audit-log-maxsize=7", "--stall 10s", "--compress", "--rate 10", "--profile metadata"} {
		if !strings.Contains(command, " "+flag+" ") {
			t.Errorf("no %s in\n%s", flag, command)
		}
	}
	shell(t, copied, command)
	same(t, dir, copied)
	p.golden("wizard_given")
}

// TestWizardAllGiven has the review for its first question.
func TestWizardAllGiven(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	p := seat{dir: dir}.run(t, "enable", "--root", "root", "--rate", "10", "--profile", "metadata", "--backend", "log", "--retention", "1d", "--disk-budget", "2Gi")
	screen := p.walk(a{more, toLast}).sees(last)
	if strings.Contains(screen, "back a step") {
		t.Errorf("back, but where to?\n%s", screen)
	}
	p.types(enter)
	if said := p.ends(1); !strings.Contains(said, "auditsetup: nothing was written, as the answer was no\n") {
		t.Errorf("said\n%s", said)
	}
}

// TestWizardForeign asks about audit settings that somebody else made, first.
func TestWizardForeign(t *testing.T) {
	t.Parallel()
	foreign := bytes.Replace(original(t), []byte("    - --allow-privileged=true\n"),
		[]byte("    - --allow-privileged=true\n    - --audit-log-path=/var/log/mine.log\n    - --audit-log-maxage=7\n"), 1)
	dir := machine(t)
	write(t, filepath.Join(dir, "root", imageManifest), string(foreign))
	before := tree(t, dir)
	p := seat{dir: dir}.run(t, "enable", "--root", "root").walk(a{"Somebody else has set up audit here", enter})
	p.ends(1)
	if !maps.Equal(before, tree(t, dir)) {
		t.Error("written")
	}
	p.golden("wizard_foreign")
	p = seat{dir: dir}.run(t, "enable", "--root", "root").walk(a{"Somebody else has set up audit here", down + enter})
	command := repeats(t, p.toReview().walk(a{last, down + enter}).ends(0))
	if !strings.Contains(command, " --take-over ") {
		t.Errorf("no --take-over in %s", command)
	}
}

// TestWizardAgain finds what an earlier run set up, and proposes it.
func TestWizardAgain(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	shell(t, dir, "auditsetup enable --root root --yes --profile metadata --log-path /var/log/other/audit.log --rate 10 --retention 7d --disk-budget 3Gi")
	before := tree(t, dir)
	p := seat{dir: dir}.run(t, "enable", "--root", "root")
	p.walk(a{"set up by auditsetup, with profile metadata", ""}, a{"Requests per second", "10" + enter}, a{"What is the log for?", enter},
		a{"> metadata", enter}, a{"Where are the events to go?", enter}, a{"How far back", "7d" + enter}, a{"The most", "3Gi" + enter})
	p.walk(a{more, toLast})
	screen := p.sees("Nothing to do: everything is as asked. What now?")
	if strings.Contains(screen, "write these changes") {
		t.Errorf("write what?\n%s", screen)
	}
	p.types(enter)
	p.ends(1)
	if !maps.Equal(before, tree(t, dir)) {
		t.Error("written")
	}
}

// TestWizardColours writes none with NO_COLOR, and some without it.
func TestWizardColours(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile(`\x1b\[[0-9;]*[1-9][0-9;]*m`)
	for _, c := range []struct {
		env     []string
		colours bool
	}{{nil, true}, {[]string{"NO_COLOR=1"}, false}} {
		p := seat{dir: machine(t), env: c.env}.run(t, "enable", "--root", "root").toReview()
		p.types(enter)
		said := p.ends(1)
		if got := colour.MatchString(said); got != c.colours {
			t.Errorf("%v: colours %v", c.env, got)
		}
		if !c.colours {
			p.golden("wizard_no_color")
		}
	}
}

// TestWizardPlain goes all the way on terminals that cannot do much: one that
// says so, and one that does not say where its cursor is.
func TestWizardPlain(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]seat{"dumb": {term: "dumb"}, "mute": {mute: true}, "narrow": {term: "dumb", cols: 60, rows: 60}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind.dir = machine(t)
			pki(t, kind.dir)
			p := kind.run(t, "enable", "--root", "root")
			for _, next := range purposes[2].answers {
				p.follow(kind, next)
			}
			p.follow(kind, a{more, toLast})
			p.follow(kind, a{last, "write" + enter})
			said := p.ends(0)
			if name == "dumb" && strings.Contains(said, "\x1b") || name == "mute" && strings.Count(said, "\x1b") != 1 {
				t.Errorf("escape sequences: %q", said)
			}
			p.golden("wizard_" + name)
		})
	}
}

// TestWizardSlow types a key at a time, with pauses, and arrows in pieces.
func TestWizardSlow(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	p := seat{dir: dir}.run(t, "enable", "--root", "root")
	slowly := func(keys string) {
		for _, key := range strings.SplitAfter(keys, "") {
			p.types(key)
			time.Sleep(30 * time.Millisecond)
		}
	}
	for _, next := range purposes[1].answers {
		p.sees(next.sees)
		slowly(next.types)
	}
	p.sees(more)
	slowly(toLast)
	p.sees(last)
	slowly(down + enter)
	if command := repeats(t, p.ends(0)); !strings.Contains(command, " --profile cis ") {
		t.Errorf("%s", command)
	}
}

// TestWizardPaste pastes lines: at most the first is taken for an answer, and
// none for one to the last question. A terminal may mark what is pasted or not.
func TestWizardPaste(t *testing.T) {
	t.Parallel()
	lines := "10\nwrite\ny\nyes\n1\n" + strings.Repeat("\n", 40)
	for name, paste := range map[string]string{"marked": "\x1b[200~" + lines + "\x1b[201~", "bare": strings.ReplaceAll(lines, "\n", "\r")} {
		for _, kind := range []seat{{}, {term: "dumb"}} {
			if name == "marked" && kind.term != "" {
				continue // it is not asked to mark anything
			}
			t.Run(name+kind.term, func(t *testing.T) {
				t.Parallel()
				kind.dir = machine(t)
				before := tree(t, kind.dir)
				p := kind.run(t, "enable", "--root", "root")
				p.sees("at peak (100)")
				p.types(paste)
				if name == "marked" {
					if screen := p.sees("at peak (100) 10"); strings.Contains(screen, "What is the log for?") {
						t.Errorf("a pasted newline answered\n%s", screen)
					}
					p.types(enter)
				}
				p.sees("What is the log for?")
				for _, next := range purposes[0].answers[1:] {
					p.follow(kind, next)
				}
				p.follow(kind, a{more, toLast})
				p.follow(kind, a{last, paste})
				if kind.term == "dumb" {
					p.sees("is none of these: type what stands in front of )\nwhich one")
				}
				if kind.term == "" {
					p.sees("nothing is written yet")
				}
				p.types(enter)
				p.ends(1)
				if !maps.Equal(before, tree(t, kind.dir)) {
					t.Error("a paste wrote")
				}
			})
		}
	}
}

// TestWizardResized makes the terminal smaller and larger while it asks.
func TestWizardResized(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	p := seat{dir: dir}.run(t, "enable", "--root", "root")
	p.walk(purposes[0].answers[:2]...)
	p.answers("Which profile, at 10 requests/s?\n> recommended", "")
	p.resize(50, 16)
	p.answers("> recommended                   3 events/s    ...", down)
	for line := range strings.Lines(p.sees("> metadata")) {
		if len(line) > 51 {
			t.Errorf("%q is too long", line)
		}
	}
	p.resize(100, 30)
	p.answers("11 events/s   1.06 GiB/day", "")
	p.resize(80, 24)
	p.types(enter)
	p.walk(purposes[0].answers[3:]...).walk(a{more, toLast}, a{last, ""})
	p.resize(40, 10)
	p.walk(a{"return; nothing is writ...", ""})
	p.types(enter)
	p.ends(1)
	p.golden("wizard_resized")
}

// TestWizardHangUp ends without a trace when the terminal goes away.
func TestWizardHangUp(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	before := tree(t, dir)
	p := seat{dir: dir}.run(t, "enable", "--root", "root").toReview()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if _, err := os.Stat(filepath.Join(dir, "root/var/lib/auditsetup")); err == nil || !maps.Equal(before, tree(t, dir)) {
		t.Error("written")
	}
}

// TestWizardExamines has what is in the way of a change on a running machine said
// before consent is asked for, which is not asked for then.
func TestWizardExamines(t *testing.T) {
	t.Parallel()
	for _, kind := range []seat{{}, {term: "dumb"}} {
		kind.dir = machine(t)
		at := filepath.Join(kind.dir, "root", imageManifest)
		before := tree(t, kind.dir)
		p := kind.run(t, "enable", "--manifest", at, "--state-dir", filepath.Join(kind.dir, "state"), "--rate", "10", "--profile", "metadata", "--backend", "log", "--retention", "1d", "--persist", "none")
		p.answers("The most that", "2Gi"+enter)
		p.sees("no kubelet")
		p.follow(kind, a{"This cannot be done. What now?", "\x03"})
		said := p.ends(1)
		if strings.Contains(said, last) || strings.Contains(said, "write these changes") {
			t.Errorf("consent is asked for\n%s", said)
		}
		if after := tree(t, kind.dir); !maps.Equal(after, before) {
			t.Errorf("written: %v", after)
		}
	}
}
