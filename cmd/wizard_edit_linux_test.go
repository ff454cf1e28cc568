// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestWizardSave writes the answers to a spec, by which a copy gets the same.
func TestWizardSave(t *testing.T) {
	t.Parallel()
	dir, copied := machine(t), machine(t)
	p := seat{dir: dir}.run(t, "enable", "--root", "root").toReview()
	p.walk(a{last, down + down + down + enter}, a{"File to save the answers in (audit.yaml)", "spec.yaml" + enter}, a{"! spec.yaml is there already: choose another name", "mine.yaml" + enter},
		a{"nothing is written yet but mine.yaml", down + enter})
	command := repeats(t, p.ends(0))
	if command != "auditsetup enable -f mine.yaml --root root --yes" {
		t.Errorf("%s", command)
	}
	write(t, filepath.Join(copied, "mine.yaml"), string(read(t, filepath.Join(dir, "mine.yaml"))))
	shell(t, copied, command)
	same(t, dir, copied)
	p.golden("wizard_save")
}

// TestWizardSaveAndCancel keeps the spec and says so.
func TestWizardSaveAndCancel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ keys, says string }{
		{enter, "auditsetup: nothing was written but audit.yaml, as the answer was no\n"},
		{"\x03", "auditsetup: error: interrupted, and nothing was written but audit.yaml\n"},
	} {
		dir := machine(t)
		before := tree(t, filepath.Join(dir, "root"))
		p := seat{dir: dir}.run(t, "enable", "--root", "root").toReview()
		said := p.walk(a{last, down + down + down + enter}, a{"File to save", enter}, a{"nothing is written yet but audit.yaml", c.keys}).ends(1)
		if !strings.Contains(said, c.says) || !maps.Equal(before, tree(t, filepath.Join(dir, "root"))) {
			t.Errorf("want %s\n%s", c.says, said)
		}
	}
}

// editor is a program that takes the place of $EDITOR: each line of what it is
// told is a sed expression for one visit, and it keeps what it was shown.
func editor(t *testing.T, dir string, visits ...string) string {
	t.Helper()
	path := filepath.Join(dir, "edit")
	text := "#!/bin/sh\nn=$(cat " + dir + "/visits 2>/dev/null || echo 0)\necho $((n+1)) >" + dir + "/visits\ncp \"$1\" " + dir + "/shown$n\ncase $n in\n"
	for i, v := range visits {
		text += fmt.Sprintf("%d) sed -i '%s' \"$1\" ;;\n", i, v)
	}
	write(t, path, text+"esac\n")
	return "EDITOR=" + path
}

// TestWizardEdit has the policy edited: wrong at first, so that it comes back
// with the mistake in it, then right; and what is installed is what was edited.
func TestWizardEdit(t *testing.T) {
	t.Parallel()
	dir, copied := machine(t), machine(t)
	env := editor(t, dir, `s/^rules:/rulez:/`, `s/^rulez:/rules:\n  # mine\n  - {level: None, users: [me]}/`)
	p := seat{dir: dir, env: []string{env}}.run(t, "enable", "--root", "root").toReview()
	p.walk(a{last, "e"}, a{more, toLast}, a{last, down + enter}, a{"The edited policy is in no file yet", enter}, a{"File to save the answers in", "mine.yaml" + enter})
	command := repeats(t, p.ends(0))
	if command != "auditsetup enable -f mine.yaml --root root --yes" {
		t.Errorf("%s", command)
	}
	shown := string(read(t, filepath.Join(dir, "shown1")))
	line := regexp.MustCompile(`(?m)^# auditsetup: line (\d+): .*rulez`).FindStringSubmatch(shown)
	if line == nil || !strings.HasPrefix(shown, "# auditsetup: this policy cannot be used") {
		t.Fatalf("the mistake is not in the file:\n%s", shown)
	}
	n, err := strconv.Atoi(line[1])
	if err != nil {
		t.Fatal(err)
	}
	if at := strings.Split(shown, "\n")[n-1]; at != "rulez:" {
		t.Errorf("line %d is %q", n, at)
	}
	installed := string(read(t, filepath.Join(dir, "root/etc/kubernetes/audit/policy.yaml")))
	if !strings.Contains(installed, "\nrules:\n  # mine\n  - {level: None, users: [me]}\n") || strings.Contains(installed, "# auditsetup:") {
		t.Errorf("installed\n%s", installed)
	}
	if kept := string(read(t, filepath.Join(dir, "mine.policy.yaml"))); kept != installed {
		t.Errorf("kept\n%s", kept)
	}
	for _, name := range []string{"mine.yaml", "mine.policy.yaml"} {
		write(t, filepath.Join(copied, name), string(read(t, filepath.Join(dir, name))))
	}
	shell(t, copied, command)
	same(t, dir, copied)
	p.golden("wizard_edit")
}

// TestWizardEditUnsaved repeats itself from the policy that was installed, and
// keeps the figures of the profile that it came from.
func TestWizardEditUnsaved(t *testing.T) {
	t.Parallel()
	dir, copied := machine(t), machine(t)
	env := editor(t, dir, `s/^rules:/rules:\n  - {level: None, users: [me]}/`)
	p := seat{dir: dir, env: []string{env}}.run(t, "enable", "--root", "root").toReview()
	command := repeats(t, p.walk(a{last, "e"}, a{more, toLast}, a{last, down + enter}, a{"in no file yet", down + enter}).ends(0))
	if want := "auditsetup enable --rate 10 --events-per-request 0.3 --bytes-per-event 1600 --policy root/etc/kubernetes/audit/policy.yaml"; !strings.HasPrefix(command, want) {
		t.Errorf("%s", command)
	}
	shell(t, copied, strings.Replace(command, "--policy ", "--policy "+dir+"/", 1))
	same(t, dir, copied)
}

// TestWizardEditGivenUp leaves the policy alone: when nothing was changed, when
// the mistake was left as it was, and when there is no such editor.
func TestWizardEditGivenUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ env, says string }{
		{"EDITOR=true", "the policy stays as it was"},
		{"WRONG", "the policy has no rules"}, // also seen by who does not look at the file
		{"EDITOR=/nosuch/editor", "editor"},
	} {
		dir := machine(t)
		before := tree(t, filepath.Join(dir, "root"))
		if c.env == "WRONG" {
			c.env = editor(t, dir, `s/^rules:/rulez:/`, "")
		}
		p := seat{dir: dir, env: []string{c.env}}.run(t, "enable", "--root", "root").toReview()
		p.types("e")
		p.walk(a{c.says, ""}, a{last, enter}).ends(1)
		if !maps.Equal(before, tree(t, filepath.Join(dir, "root"))) {
			t.Errorf("%s: written", c.env)
		}
	}
}
