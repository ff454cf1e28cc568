// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package sources

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

// moduleDir is where the files of a module are, fetched if they are not there.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module)
	download.Dir, download.Stderr = dir, &stderr
	download.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := download.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", module, err, out, stderr.Bytes())
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil || found.Dir == "" {
		t.Fatalf("%s: no folder in %s (%v)", module, out, err)
	}
	return found.Dir
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func profile(t *testing.T, name string) profiles.Profile {
	t.Helper()
	p, ok := profiles.Lookup(name)
	if !ok {
		t.Fatalf("there is no profile %s", name)
	}
	return p
}

func rendered(t *testing.T, p profiles.Profile, minor int) *policy.Policy {
	t.Helper()
	v := apiserver.Version{Minor: minor, Patch: -1}
	text, err := p.Policy(v)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := policy.Read(p.Name, text, v)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}
