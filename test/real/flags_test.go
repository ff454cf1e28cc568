// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// TestFlagTable holds the flag table to the real programs: the audit flags of a
// release are exactly those the table gives it, with the table's defaults and
// types, and the rest of the table is refused.
func TestFlagTable(t *testing.T) {
	t.Parallel()
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		version, err := apiserver.ParseVersion(bins.Version)
		if err != nil {
			t.Fatal(err)
		}
		defaults := map[string]string{}
		accepted := []string{}
		for _, flag := range apiserver.Flags() {
			if !flag.In(version) {
				refuses(t, bins, flag.Name, "true", "unknown flag: --"+flag.Name)
				continue
			}
			defaults[flag.Name] = flag.Default(version)
			accepted = append(accepted, "--"+flag.Name+"="+fitting(t, flag, version))
			for _, value := range unfitting(t, flag) {
				refuses(t, bins, flag.Name, value, `invalid argument "`+value+`"`)
			}
		}
		if output, err := run(t, bins, append(accepted, "--help")...); err != nil {
			t.Errorf("%q: %v\n%s", accepted, err, head(output))
		}
		if real := realDefaults(t, bins); !maps.Equal(real, defaults) {
			for _, name := range slices.Sorted(maps.Keys(union(real, defaults))) {
				got, in := defaults[name]
				want, exists := real[name]
				if got != want || in != exists {
					t.Errorf("--%s: table %q (there: %t), kube-apiserver %q (there: %t)", name, got, in, want, exists)
				}
			}
		}
	})
}

// flagLine is how the API server logs a flag at start.
var flagLine = regexp.MustCompile(`FLAG: --(audit-[a-z-]+)="(.*)"\n`)

// realDefaults returns the audit flags of the program with their defaults. It
// takes them from the list that the program logs before it looks at them, as
// --help says nothing of hidden flags and of defaults that are zero. Options to
// reach etcd are missing on purpose, so it goes no further; naming certificates
// keeps it from making some in /var/run/kubernetes.
func realDefaults(t *testing.T, bins release.Binaries) map[string]string {
	t.Helper()
	output, err := run(t, bins, "--v=1", "--tls-cert-file=/dev/null", "--tls-private-key-file=/dev/null")
	if err == nil {
		t.Fatalf("kube-apiserver without etcd ended well\n%s", head(output))
	}
	real := map[string]string{}
	for _, match := range flagLine.FindAllSubmatch(output, -1) {
		real[string(match[1])] = string(match[2])
	}
	if len(real) == 0 {
		t.Fatalf("kube-apiserver listed no flags\n%s", head(output))
	}
	return real
}

// refuses wants a flag with a value to stop the program with a message.
func refuses(t *testing.T, bins release.Binaries, name, value, message string) {
	t.Helper()
	output, err := run(t, bins, "--"+name+"="+value, "--help")
	if err == nil || !bytes.Contains(output, []byte(message)) {
		t.Errorf("--%s=%s: error %v, want one that says %q\n%s", name, value, err, message, head(output))
	}
}

// run starts the API server with arguments that end it at once. With --help
// last, flags before it are parsed, and nothing else happens.
func run(t *testing.T, bins release.Binaries, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, bins.APIServer, args...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{}
	return cmd.CombinedOutput()
}

// fitting returns a value of the flag's type that is not its default.
func fitting(t *testing.T, flag apiserver.Flag, version apiserver.Version) string {
	t.Helper()
	if values := flag.Values(version); len(values) > 0 {
		return values[len(values)-1]
	}
	value, ok := map[string]string{
		"string": "some text", "int": "7", "int64": "7", "float32": "7.5", "duration": "7m0s",
		"bool": map[string]string{"true": "false", "false": "true"}[flag.Default(version)],
	}[flag.Type]
	if !ok {
		t.Fatalf("--%s has the type %q", flag.Name, flag.Type)
	}
	return value
}

// unfitting returns values that only another type would take: a fraction, a
// number beyond 32 bits, a duration without a unit. Any text is a string.
func unfitting(t *testing.T, flag apiserver.Flag) []string {
	t.Helper()
	return map[string][]string{
		"int": {"1.5", "1s"}, "int64": {"1.5", "1s"}, "float32": {"1e39", "fast"}, "duration": {"5"}, "bool": {"7"},
	}[flag.Type]
}

func union(a, b map[string]string) map[string]string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// head returns the first lines of an output, where the message stands.
func head(output []byte) string {
	lines := strings.SplitAfterN(string(output), "\n", 6)
	return strings.Join(lines[:min(len(lines), 5)], "")
}
