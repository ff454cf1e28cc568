// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"os"
	"path"
	"strings"

	"github.com/auditsetup/auditsetup/doctor"
)

const (
	logrotateConfig = "/etc/logrotate.conf"
	logrotateFolder = "/etc/logrotate.d"
)

// logrotate finds the rules that take the log as well (logrotate(8)).
func (g *gathering) logrotate(log string) {
	files := []string{logrotateConfig}
	if at, err := g.outside(logrotateFolder); err == nil {
		entries, _ := os.ReadDir(at) // a machine without logrotate has no folder
		for _, e := range entries {
			files = append(files, path.Join(logrotateFolder, e.Name()))
		}
	}
	for _, p := range files {
		file, data, err := g.read(p)
		switch {
		case err != nil:
			g.unseen("the rules of logrotate in "+g.place.Host.Display(p), reason(err))
		case file.Kind == doctor.Regular:
			for _, r := range rules(string(data)) {
				if ok, _ := path.Match(r.Pattern, log); ok {
					r.File = p
					g.Logrotate = append(g.Logrotate, r)
				}
			}
		}
	}
}

// rules are the patterns of a configuration: the absolute paths, quoted or not,
// that stand outside of braces. Scripts are within.
func rules(text string) []doctor.Rotator {
	var all []doctor.Rotator
	depth, script, number := 0, false, 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		switch strings.TrimSpace(line) {
		case "postrotate", "prerotate", "firstaction", "lastaction", "preremove":
			script = true
		case "endscript":
			script = false
		}
		if script {
			continue
		}
		head, _, opens := strings.Cut(line, "{")
		if depth == 0 {
			for _, p := range patterns(head) {
				all = append(all, doctor.Rotator{Line: number, Pattern: p})
			}
		}
		if opens {
			depth++
		}
		if depth > 0 && strings.Contains(line, "}") {
			depth--
		}
	}
	return all
}

// patterns are the paths of a line, which begins with one unless it is a
// directive.
func patterns(line string) []string {
	var found []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		var one string
		if quote := line[0]; quote == '"' || quote == '\'' {
			one, line, _ = strings.Cut(line[1:], string(quote))
		} else {
			one = strings.Fields(line)[0]
			line = line[len(one):]
		}
		if !strings.HasPrefix(one, "/") {
			return found
		}
		found = append(found, one)
	}
	return found
}
