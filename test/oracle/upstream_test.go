// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/server/options"
	cliflag "k8s.io/component-base/cli/flag"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// asked is the release of k8s.io/apiserver in go.mod.
var asked = apiserver.Version{Minor: 37, Patch: 1, Raw: "v1.37.1"}

// word is one flag of a command line, and whether it goes without its value.
type word struct {
	apiserver.Setting
	bare bool
}

func (w word) String() string {
	if w.bare {
		return "--" + w.Name
	}
	return "--" + w.Name + "=" + w.Value
}

// upstream is the flag set as kube-apiserver builds it.
func upstream() (*pflag.FlagSet, *options.AuditOptions) {
	o := options.NewAuditOptions()
	fs := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	fs.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	fs.SetOutput(io.Discard)
	o.AddFlags(fs)
	return fs, o
}

// ask puts a command line to both and fails the test where they differ. It
// returns whether the line was accepted.
func ask(t *testing.T, line []word) bool {
	t.Helper()
	args, given := make([]string, len(line)), make([]apiserver.Setting, len(line))
	for i, w := range line {
		args[i], given[i] = w.String(), w.Setting
	}
	ours := apiserver.Validate(asked, given)
	fs, o := upstream()
	if err := fs.Parse(args); err != nil {
		// Parsing ends at the first word it cannot take, so this much is known
		// of the words: that one is bad.
		if name := flagIn.FindString(err.Error()); !slices.ContainsFunc(ours, func(p document.Problem) bool {
			return p.File == strings.ReplaceAll(name, "_", "-")
		}) {
			t.Errorf("%v\nupstream: %v\nours: %v", args, err, ours)
		}
		return false
	}
	theirs := o.Validate()
	if their, our := topicsOf(t, theirs), topics(ours); !slices.Equal(their, our) {
		t.Errorf("%v\nupstream: %v about %v\nours: %v about %v", args, theirs, their, ours, our)
	}
	return len(theirs) == 0
}

// flagIn finds the flag in an error of pflag: behind `for "` when the value is
// bad, and at the end when the flag is unknown.
var flagIn = regexp.MustCompile(`--[A-Za-z0-9_-]+`)

// topicPatterns say what an upstream error is about. Upstream ends at the first
// error of a topic, where Validate goes on, so topics are what can be compared.
var topicPatterns = map[string]*regexp.Regexp{
	"log batch":        regexp.MustCompile(`^invalid audit (log mode|batch log )`),
	"webhook batch":    regexp.MustCompile(`^invalid audit (webhook mode|batch webhook )`),
	"log truncate":     regexp.MustCompile(`^invalid audit truncate log `),
	"webhook truncate": regexp.MustCompile(`^invalid audit truncate webhook `),
	// The message does not say of which backend.
	"version":   regexp.MustCompile(`^(invalid group version|unexpected GroupVersion string)`),
	"format":    regexp.MustCompile(`^invalid audit log format `),
	"maxage":    regexp.MustCompile(`^--audit-log-maxage `),
	"maxbackup": regexp.MustCompile(`^--audit-log-maxbackup `),
	"maxsize":   regexp.MustCompile(`^--audit-log-maxsize `),
}

// topicsOf sorts upstream's errors into topics. An error of no topic fails the
// test: upstream has a rule that nobody here knew.
func topicsOf(t *testing.T, errs []error) []string {
	t.Helper()
	var all []string
	for _, err := range errs {
		n := len(all)
		for topic, pattern := range topicPatterns {
			if pattern.MatchString(err.Error()) {
				all = append(all, topic)
			}
		}
		if len(all) != n+1 {
			t.Errorf("%d topics for %q", len(all)-n, err)
		}
	}
	slices.Sort(all)
	return all
}

// topics does the same with our problems, each topic once, but for versions:
// once for each backend.
func topics(ps document.Problems) []string {
	seen := map[string]string{}
	for _, p := range ps {
		backend, rest, _ := strings.Cut(strings.TrimPrefix(p.File, "--audit-"), "-")
		switch {
		case rest == "version":
			seen[p.File] = "version"
		case rest == "mode" || strings.HasPrefix(rest, "batch-"):
			seen[backend+" batch"] = backend + " batch"
		case strings.HasPrefix(rest, "truncate-"):
			seen[backend+" truncate"] = backend + " truncate"
		default:
			seen[p.File] = rest
		}
	}
	var all []string
	for _, topic := range seen {
		all = append(all, topic)
	}
	slices.Sort(all)
	return all
}
