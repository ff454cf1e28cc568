// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
)

// good and odd are values by flag type: those that mostly pass, and those that
// try the edges of parsing and of the rules.
var good = map[string][]string{
	"string":   {"", "/l", "-", "batch", "blocking", "blocking-strict", "json", "legacy", "audit.k8s.io/v1"},
	"int":      {"1", "2", "100", "10000", "0", "0x10", "1_000", "+5", "0b11", "0o17", "017"},
	"int64":    {"1", "102400", "102399", "102401", "10485760", "0x19000", "1000000"},
	"float32":  {"1", "0.5", "10", "1e3", "NaN", "inf", "0x1p-2", ".5", "+1"},
	"bool":     {"true", "false", "1", "0", "t", "F", "TRUE", "False"},
	"duration": {"1s", "0", "0s", "-5s", "1h2m3s", "500ms", "1.5h", "+3us", "2562047h"},
}

var odd = map[string][]string{
	"string":   {"Batch", "JSON", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1", "v1", "/", "a/b/c", "apps/v1", " batch", "batch\n", "async"},
	"int":      {"-1", "", "x", "1.0", "30d", "9223372036854775807", "9223372036854775808", "-0", " 1", "1 ", "0x", "1__0", "_1", "08", "١"},
	"int64":    {"-1", "0", "", "100Ki", "9223372036854775808", "-9223372036854775808", "1e3"},
	"float32":  {"0", "-0", "-1", "", "x", "1e60", "1e-60", "-inf", "1_0", "0x1", "1,5"},
	"bool":     {"", "yes", "on", "tRUE", "2", " true", "Y"},
	"duration": {"", "30", "1d", "s", "1 s", "-", "99999999999h", "1s1", ".s", "٣s"},
}

// backendsOn is a command line under which every rule is in force.
var backendsOn = []word{
	{Setting: apiserver.Setting{Name: "audit-log-path", Value: "/l"}},
	{Setting: apiserver.Setting{Name: "audit-log-mode", Value: "batch"}},
	{Setting: apiserver.Setting{Name: "audit-webhook-config-file", Value: "/w"}},
}

// TestEachValueOfEachFlag tries every value, of whatever type it was meant for,
// on every flag: with the backends off, and with both on.
func TestEachValueOfEachFlag(t *testing.T) {
	t.Parallel()
	var values []string
	for _, typ := range []string{"string", "int", "int64", "float32", "bool", "duration"} {
		values = append(append(values, good[typ]...), odd[typ]...)
	}
	for _, f := range apiserver.Flags() {
		for _, value := range values {
			w := word{Setting: apiserver.Setting{Name: f.Name, Value: value}}
			ask(t, []word{w})
			ask(t, append(backendsOn[:3:3], w))
		}
	}
}

// TestManyCommandLines tries lines of many flags. The seed is fixed, so that a
// failure comes again.
func TestManyCommandLines(t *testing.T) {
	t.Parallel()
	const lines = 10000
	random := rand.New(rand.NewPCG(1, 37))
	accepted := 0
	for range lines {
		if ask(t, commandLine(random)) {
			accepted++
		}
	}
	// A generator that makes only one kind of line would prove little.
	if accepted < lines/4 || accepted > lines*3/4 {
		t.Errorf("%d of %d lines accepted", accepted, lines)
	}
	t.Logf("%d of %d lines accepted", accepted, lines)
}

// TestUnknownFlags: names that no version has, that another version has, and
// that only look unknown.
func TestUnknownFlags(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"audit-log-max-age", "audit-dynamic-configuration", "Audit-log-path", "audit", "audit-", "audit-log", "audit-log-pat", "audit-log-path-",
		"audit_log_path", "audit-log_path", "audit--log-path", "auditlogpath", "audit-log-batch-initial-backoff", "audit-webhook-compress",
	} {
		ask(t, []word{{Setting: apiserver.Setting{Name: name, Value: "true"}}})
	}
}

// commandLine makes up to 12 flags, now and then one twice, one with
// underscores, one without its value, or one with an odd value.
func commandLine(random *rand.Rand) []word {
	all := apiserver.Flags()
	var line []word
	for _, w := range backendsOn {
		if random.IntN(4) > 0 {
			line = append(line, w)
		}
	}
	for range random.IntN(10) {
		f := all[random.IntN(len(all))]
		if !f.In(asked) && random.IntN(10) > 0 {
			continue
		}
		w := word{Setting: apiserver.Setting{Name: f.Name, Value: value(random, f)}}
		if random.IntN(20) == 0 {
			w.Name = strings.Replace(w.Name, "-", "_", 1+random.IntN(3))
		}
		if f.Type == "bool" && random.IntN(4) == 0 {
			w.Value, w.bare = "true", true
		}
		line = append(line, w)
	}
	random.Shuffle(len(line), func(i, j int) { line[i], line[j] = line[j], line[i] })
	return line
}

// value picks one that the flag mostly takes.
func value(random *rand.Rand, f apiserver.Flag) string {
	if random.IntN(8) == 0 {
		return pick(random, odd[f.Type])
	}
	if allowed := f.Values(asked); allowed != nil && random.IntN(8) > 0 {
		return pick(random, allowed)
	}
	return pick(random, good[f.Type])
}

func pick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }
