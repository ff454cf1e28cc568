// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
)

// settings reads "a=1 b=2"; a flag without "=" has no value.
func settings(line string) []Setting {
	var all []Setting
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		all = append(all, Setting{name, value})
	}
	return all
}

// check compares problems with "--flag: what" lines, hints behind " | ".
func check(t *testing.T, got document.Problems, want []string) {
	t.Helper()
	var lines []string
	for _, p := range got {
		line := p.Error()
		if p.Hint != "" {
			line += " | " + p.Hint
		}
		lines = append(lines, line)
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

type lineCase struct {
	name  string
	minor int
	line  string
	want  []string
}

var validateCases = []lineCase{
	{"nothing", 37, "", nil},
	{"log with all defaults", 37, "audit-log-path=/l", nil},
	{"webhook with all defaults", 37, "audit-webhook-config-file=/w", nil},
	{"other flags are passed over", 37, "v=x tls-min-version=bogus event-ttl=never", nil},
	{"a log that is off may have anything", 37,
		"audit-log-mode=bogus audit-log-maxage=-1 audit-log-format=x audit-log-version=y audit-log-truncate-max-event-size=0", nil},
	{"a webhook that is off may have anything", 37,
		"audit-webhook-mode=bogus audit-webhook-version=y audit-webhook-batch-max-size=0 audit-webhook-truncate-max-event-size=0", nil},
	{"an empty path turns the log off again", 37, "audit-log-path=/l audit-log-maxage=-1 audit-log-path=", nil},
	{"standard output is a log like any", 37, "audit-log-path=- audit-log-maxage=-1",
		[]string{"--audit-log-maxage: must not be below 0, is -1"}},

	{"mode", 37, "audit-log-path=/l audit-log-mode=async",
		[]string{`--audit-log-mode: "async" is not batch, blocking or blocking-strict`}},
	{"mode in capitals", 37, "audit-webhook-config-file=/w audit-webhook-mode=Batch",
		[]string{`--audit-webhook-mode: "Batch" is not batch, blocking or blocking-strict | case counts: write batch`}},
	{"format", 37, "audit-log-path=/l audit-log-format=JSON",
		[]string{`--audit-log-format: "JSON" is not legacy or json | case counts: write json`}},
	{"empty mode", 37, "audit-log-path=/l audit-log-mode=",
		[]string{`--audit-log-mode: "" is not batch, blocking or blocking-strict`}},

	{"batch options outside mode batch", 37,
		"audit-log-path=/l audit-log-batch-buffer-size=0 audit-log-batch-max-size=-5 audit-log-batch-throttle-enable=true", nil},
	{"batch options in mode batch", 37,
		"audit-log-path=/l audit-log-mode=batch audit-log-batch-buffer-size=0 audit-log-batch-max-size=-5",
		[]string{"--audit-log-batch-buffer-size: must be above 0 in mode batch, is 0",
			"--audit-log-batch-max-size: must be above 0 in mode batch, is -5"}},
	{"a throttled log needs qps and burst", 37, "audit-log-path=/l audit-log-mode=batch audit-log-batch-throttle-enable=true",
		[]string{"--audit-log-batch-throttle-qps: must be above 0 when --audit-log-batch-throttle-enable is on, is 0 by default" +
			" | set how many batches a second to let through, or turn throttling off",
			"--audit-log-batch-throttle-burst: must be above 0 when --audit-log-batch-throttle-enable is on, is 0 by default" +
				" | set how many batches may go back to back, or turn throttling off"}},
	{"a throttled log with qps and burst", 37, "audit-log-path=/l audit-log-mode=batch audit-log-batch-throttle-enable=true " +
		"audit-log-batch-throttle-qps=0.5 audit-log-batch-throttle-burst=1", nil},
	{"qps too small for 32 bits", 37, "audit-webhook-config-file=/w audit-webhook-batch-throttle-qps=1e-60",
		[]string{"--audit-webhook-batch-throttle-qps: must be above 0 when --audit-webhook-batch-throttle-enable is on, is 1e-60" +
			" | set how many batches a second to let through, or turn throttling off"}},
	{"upstream lets no number at all pass", 37, "audit-webhook-config-file=/w audit-webhook-batch-throttle-qps=NaN", nil},
	{"no throttling, no qps", 37, "audit-webhook-config-file=/w audit-webhook-batch-throttle-enable=false " +
		"audit-webhook-batch-throttle-qps=0 audit-webhook-batch-throttle-burst=-1", nil},
	{"waits are not looked at", 37, "audit-webhook-config-file=/w audit-webhook-batch-max-wait=-5s audit-webhook-initial-backoff=-5s " +
		"audit-webhook-batch-initial-backoff=0s", nil},

	{"truncation off", 37, "audit-log-path=/l audit-log-truncate-max-event-size=0",
		[]string{"--audit-log-truncate-max-event-size: must be above 0 even with truncation off, is 0"}},
	{"batch smaller than event", 37, "audit-webhook-config-file=/w audit-webhook-truncate-max-batch-size=1000",
		[]string{"--audit-webhook-truncate-max-batch-size: must be at least --audit-webhook-truncate-max-event-size, " +
			"which is 102400, even with truncation off; is 1000"}},
	{"batch as large as event", 37, "audit-log-path=/l audit-log-truncate-max-batch-size=102400", nil},
	{"negatives", 30, "audit-log-path=/l audit-log-maxage=-1 audit-log-maxbackup=-2 audit-log-maxsize=-3",
		[]string{"--audit-log-maxage: must not be below 0, is -1", "--audit-log-maxbackup: must not be below 0, is -2",
			"--audit-log-maxsize: must not be below 0, is -3"}},

	{"old version while it lasted", 23, "audit-log-path=/l audit-log-version=audit.k8s.io/v1alpha1", nil},
	{"old version", 24, "audit-log-path=/l audit-log-version=audit.k8s.io/v1beta1",
		[]string{`--audit-log-version: "audit.k8s.io/v1beta1" is not audit.k8s.io/v1: it was removed in 1.24`}},
	{"no version at all", 23, "audit-webhook-config-file=/w audit-webhook-version=v1",
		[]string{`--audit-webhook-version: "v1" is not audit.k8s.io/v1, audit.k8s.io/v1beta1 or audit.k8s.io/v1alpha1`}},
}

var parseCases = []lineCase{
	{"whole numbers", 37, "audit-log-maxage=30d audit-log-maxsize= audit-log-maxbackup=99999999999999999999 audit-log-batch-max-size=1.0",
		[]string{`--audit-log-maxage: "30d" is not a whole number | write a number such as 100, without a unit`,
			`--audit-log-maxsize: "" is not a whole number | write a number such as 100, without a unit`,
			`--audit-log-maxbackup: "99999999999999999999" is out of range | write a number such as 100, without a unit`,
			`--audit-log-batch-max-size: "1.0" is not a whole number | write a number such as 100, without a unit`}},
	{"numbers in other bases", 37, "audit-log-maxage=0x10 audit-log-maxsize=1_000 audit-log-maxbackup=0b1", nil},
	{"the rest", 37, "audit-log-compress=yes audit-webhook-batch-max-wait=30 audit-webhook-batch-throttle-qps=ten",
		[]string{`--audit-log-compress: "yes" is neither true nor false | write true or false`,
			`--audit-webhook-batch-max-wait: "30" is not a duration | write a number with a unit, such as 30s or 500ms`,
			`--audit-webhook-batch-throttle-qps: "ten" is not a number | write a number such as 10 or 0.5`}},
	{"too large for 32 bits", 37, "audit-log-batch-throttle-qps=1e60",
		[]string{`--audit-log-batch-throttle-qps: "1e60" is out of range | write a number such as 10 or 0.5`}},
	{"truth in all its forms", 37, "audit-log-compress=T audit-log-truncate-enabled=0 audit-webhook-truncate-enabled=FALSE", nil},
	{"each of a repeated flag is read", 37, "audit-log-maxage=x audit-log-maxage=1",
		[]string{`--audit-log-maxage: "x" is not a whole number | write a number such as 100, without a unit`}},
	{"the last of a repeated flag counts", 37, "audit-log-path=/l audit-log-maxage=-1 audit_log-maxage=1 --audit-log-mode=x audit-log_mode=batch", nil},
	{"no rule about what cannot be read", 37,
		"audit-log-path=/l audit-log-mode=batch audit-log-batch-throttle-enable=true audit-log-batch-throttle-qps=x audit-log-batch-throttle-burst=5",
		[]string{`--audit-log-batch-throttle-qps: "x" is not a number | write a number such as 10 or 0.5`}},
}

var unknownCases = []lineCase{
	{"slip", 37, "audit-log-max-age=3 audit-logpath=/l audit-log-max-age=4",
		[]string{"--audit-log-max-age: kube-apiserver 1.37 does not know this flag | did you mean --audit-log-maxage",
			"--audit-logpath: kube-apiserver 1.37 does not know this flag | did you mean --audit-log-path"}},
	{"capitals", 37, "Audit-log-path=/l", []string{"--Audit-log-path: kube-apiserver 1.37 does not know this flag | did you mean --audit-log-path"}},
	{"far from any", 37, "audit-retention-in-days=3", []string{"--audit-retention-in-days: kube-apiserver 1.37 does not know this flag"}},
	{"not near to one of another version", 19, "audit-log-compres=true", []string{"--audit-log-compres: kube-apiserver 1.19 does not know this flag"}},
	{"too early", 19, "audit-log-compress=true",
		[]string{"--audit-log-compress: kube-apiserver 1.19 does not know this flag, which came with 1.20 | leave it out"}},
	{"just in time", 20, "audit-log-compress=true", nil},
	{"too late", 19, "audit-dynamic-configuration=true",
		[]string{"--audit-dynamic-configuration: kube-apiserver 1.19 does not know this flag: it was removed in 1.19 | use --audit-webhook-config-file instead"}},
	{"beyond the newest", 99, "audit-log-path=/l audit-log-compress=true", nil},

	{"sinks without gate", 18, "audit-dynamic-configuration=true",
		[]string{"--audit-dynamic-configuration: needs the feature gate DynamicAuditing, which is off | add --feature-gates=DynamicAuditing=true"}},
	{"sinks with gate", 18, "feature-gates=A=true,DynamicAuditing=true audit-dynamic-configuration=true", nil},
	{"sinks with every alpha", 18, "feature-gates=AllAlpha=true audit-dynamic-configuration=true feature_gates=B=true", nil},
	{"sinks with every alpha but this", 18, "audit-dynamic-configuration=true feature-gates=AllAlpha=true,DynamicAuditing=false",
		[]string{"--audit-dynamic-configuration: needs the feature gate DynamicAuditing, which is off | add --feature-gates=DynamicAuditing=true"}},
	{"sinks off", 18, "audit-dynamic-configuration=false", nil},
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(validateCases, parseCases, unknownCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check(t, Validate(minor(c.minor), settings(c.line)), c.want)
		})
	}
}

// FuzzValidate: no command line makes Validate or Hazards panic, and every
// problem names an audit flag.
func FuzzValidate(f *testing.F) {
	for _, c := range slices.Concat(validateCases, parseCases, unknownCases, hazardCases) {
		f.Add(c.minor, c.line)
	}
	f.Fuzz(func(t *testing.T, n int, line string) {
		refused, harmful := Validate(minor(n), settings(line)), Hazards(minor(n), settings(line))
		for _, p := range append(refused, harmful...) {
			if !strings.HasPrefix(strings.ToLower(p.File), "--audit") || p.What == "" || strings.HasSuffix(p.What, ".") {
				t.Errorf("1.%d %q: %+v", n, line, p)
			}
		}
	})
}
