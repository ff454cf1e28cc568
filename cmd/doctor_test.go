// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/cmd"
	"github.com/auditsetup/auditsetup/profiles"
)

// TestDoctorAfterEnable wants nothing found on an image that enable has set up,
// with each profile and on each manifest of kubeadm, but for config maps, where
// the profile says that it exposes them.
func TestDoctorAfterEnable(t *testing.T) {
	t.Parallel()
	versions, err := os.ReadDir("../testdata/kubeadm")
	if err != nil || len(versions) == 0 {
		t.Fatal(err)
	}
	for _, p := range profiles.All() {
		for _, version := range versions {
			want := []string{}
			if slices.ContainsFunc(p.Exposes, func(s string) bool { return strings.HasPrefix(s, "config maps") }) {
				want = []string{"cis-3.2.2"}
			}
			t.Run(p.Name+"/"+version.Name(), func(t *testing.T) {
				t.Parallel()
				root := image(t, version.Name())
				exit(t, 0, "enable", "--root", root, "--yes", "--profile", p.Name)
				out := exit(t, min(3, 3*len(want)), "doctor", "--root", root, "-o", "json")
				if got := findings(t, out); !slices.Equal(got, want) {
					t.Errorf("found %v, want %v\n%s", got, want, out)
				}
			})
		}
	}
}

// TestDoctorOnAnyManifest looks at whatever people's editors made of a manifest.
func TestDoctorOnAnyManifest(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/manifests/*/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	root := image(t, "v1.37.1")
	for _, file := range files {
		data, err := os.ReadFile(file)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(root, imageManifest), data, 0o600))
		if got := findings(t, exit(t, 3, "doctor", "--root", root, "-o", "json")); len(got) == 0 {
			t.Errorf("%s: nothing is found", file)
		}
		exit(t, 0, "status", "--root", root, "-o", "json")
	}
}

// TestRemedies does what doctor says, by the flags of last time, and wants the
// finding gone and those flags remembered.
func TestRemedies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id    string
		spoil func(t *testing.T, root string)
		mend  string // the command that the remedy names, without its program
	}{
		{"audit-off", func(t *testing.T, root string) { exit(t, 0, "disable", "--root", root, "--yes") }, "enable --root ROOT"},
		{"policy-gone", func(t *testing.T, root string) {
			check(t, os.Remove(filepath.Join(root, "etc/kubernetes/audit/policy.yaml")))
		}, "enable --yes --root ROOT --rate 250 --retention 20d"},
		{"policy-drift", func(t *testing.T, root string) {
			check(t, os.WriteFile(filepath.Join(root, "etc/kubernetes/audit/policy.yaml"), []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), 0o600))
		}, "enable --yes --root ROOT --rate 250 --retention 20d --take-over"},
		{"manifest-drift", func(t *testing.T, root string) {
			edit(t, root, "    - --audit-log-maxage=30", "    - --audit-log-maxage=60")
		}, "enable --yes --root ROOT --rate 250 --retention 20d"},
		{"cis-1.2.19", func(t *testing.T, root string) {
			exit(t, 0, "enable", "--root", root, "--yes", "--set", "audit-log-maxsize=50", "--set", "audit-log-format=json")
		}, "enable --yes --root ROOT --set audit-log-format=json --set audit-log-maxsize=100"},
		{"enable-undone", func(t *testing.T, root string) { putManifest(t, root, "v1.37.1") }, "enable --yes --root ROOT --rate 250 --retention 20d"},
		{"log-outside-mount", func(t *testing.T, root string) {
			exit(t, 0, "disable", "--root", root, "--yes")
			edit(t, root, "    - --allow-privileged=true", "    - --audit-policy-file=/etc/kubernetes/pki/p.yaml\n    - --audit-log-path=/logs/a.log\n    - --allow-privileged=true")
		}, "enable --root ROOT --take-over"},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			root := image(t, "v1.37.1")
			exit(t, 0, "enable", "--root", root, "--yes", "--rate", "250", "--retention", "20d")
			c.spoil(t, root)
			out := exit(t, 3, "doctor", "--root", root, "-o", "json")
			mend := strings.ReplaceAll(c.mend, "ROOT", root)
			if got := findings(t, out); !slices.Contains(got, c.id) || !strings.Contains(out, "auditsetup "+mend+"\"") {
				t.Fatalf("found %v, and the remedy is not %q\n%s", got, mend, out)
			}
			words := strings.Fields(mend)
			if !slices.Contains(words, "--yes") {
				words = append(words, "--yes")
			}
			exit(t, 0, words...)
			if asked := exit(t, 0, "status", "--root", root); strings.Contains(c.mend, "250") && !strings.Contains(asked, "  asked     --rate 250 --retention 20d\n") {
				t.Errorf("not remembered:\n%s", asked)
			}
			if got := findings(t, exit(t, 0, "doctor", "--root", root, "-o", "json")); len(got) > 0 {
				t.Errorf("found %v after the remedy", got)
			}
		})
	}
}

func image(t *testing.T, version string) string {
	t.Helper()
	root := t.TempDir()
	check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, imageManifest)), 0o755))
	putManifest(t, root, version)
	return root
}

func putManifest(t *testing.T, root, version string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata/kubeadm", version, "kube-apiserver.yaml"))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(root, imageManifest), data, 0o600))
}

func edit(t *testing.T, root, old, with string) {
	t.Helper()
	path := filepath.Join(root, imageManifest)
	data, err := os.ReadFile(path)
	check(t, err)
	if bytes.Count(data, []byte(old)) != 1 {
		t.Fatalf("%q is not once in\n%s", old, data)
	}
	check(t, os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(with), 1), 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exit(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	if got := cmd.Main(args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &stderr}); got != want {
		t.Fatalf("auditsetup %v: exit code %d, want %d\n%s%s", args, got, want, stderr.String(), out.String())
	}
	return out.String()
}

func findings(t *testing.T, out string) []string {
	t.Helper()
	var diagnosis struct{ Findings []struct{ ID string } }
	check(t, json.Unmarshal([]byte(out), &diagnosis))
	ids := []string{}
	for _, f := range diagnosis.Findings {
		ids = append(ids, f.ID)
	}
	return ids
}
