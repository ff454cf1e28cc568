// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/cmd"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/profiles"
)

// TestEveryVersion enables and disables every profile on every kubeadm's
// manifest under every version: what enable writes is valid for the version,
// and disable gives the bytes back.
func TestEveryVersion(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/kubeadm/*/kube-apiserver.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	tag := regexp.MustCompile(`kube-apiserver:v[0-9.]+`)
	for i, minor := 0, apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
		for _, profile := range profiles.Names() {
			file := files[i%len(files)] // every manifest meets many versions, and the other way round
			i++
			t.Run(fmt.Sprintf("1.%d/%s", minor, profile), func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				original := tag.ReplaceAll(text, fmt.Appendf(nil, "kube-apiserver:v1.%d.9-vendor.1", minor))
				onAndOff(t, original, profile, apiserver.Version{Minor: minor, Patch: 9})
			})
		}
	}
}

func onAndOff(t *testing.T, original []byte, profile string, v apiserver.Version) {
	root := t.TempDir()
	path := filepath.Join(root, imageManifest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, original, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "enable", "--root", root, "--yes", "--profile", profile)
	m, err := manifest.Read(path, read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	var settings []apiserver.Setting
	for _, s := range m.AuditSettings() {
		settings = append(settings, apiserver.Setting{Name: s.Name, Value: s.Value})
	}
	if problems := apiserver.Validate(v, settings); problems != nil || len(settings) < 6 {
		t.Errorf("%d flags: %v", len(settings), problems)
	}
	if out := run(t, "enable", "--root", root, "--yes", "--profile", profile); !strings.HasPrefix(out, "nothing to do: ") {
		t.Errorf("again: %s", out)
	}
	run(t, "disable", "--root", root, "--yes")
	if !bytes.Equal(read(t, path), original) {
		t.Error("disable does not give the original back")
	}
}

// run demands a run that goes well and has nothing to say on stderr.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cmd.Main(args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 0 || errs.Len() > 0 {
		t.Fatalf("%q: exit code %d\n%s%s", args, code, out.String(), errs.String())
	}
	return out.String()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
