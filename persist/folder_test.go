// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package persist_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
)

// TestFolder: patches come, are known again, go when the setup is kept elsewhere,
// and those of others stay.
func TestFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	read := func() persist.Folder {
		f, err := persist.ReadFolder(root, "/etc/patches")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	s := newStore(config)
	applied(t, s, persist.Input{Want: want("30")})
	c := plan(t, persist.Input{Mode: persist.KubeadmPatches, Want: want("30"), Maps: s, Patches: read()})
	if len(c.Files) != 2 || len(c.Folders) != 1 || c.Cluster == nil || strings.Contains(c.Cluster.After, "audit") || c.Files[0].Old != nil {
		t.Fatalf("%+v", c)
	}
	dir := filepath.Join(root, "etc/patches")
	for _, f := range c.Files {
		put(t, filepath.Join(root, f.Path), string(f.New))
	}
	put(t, filepath.Join(dir, "etcd.yaml"), "x")
	put(t, filepath.Join(dir, "kube-apiserver0.yaml"), "metadata: {}\n")
	if _, err := persist.Apply(t.Context(), s, c); err != nil {
		t.Fatal(err)
	}
	if again := plan(t, persist.Input{Want: want("30"), Maps: s, Patches: read()}); !again.Idle() || again.Mode != persist.KubeadmPatches || len(again.Folders) != 0 {
		t.Errorf("a second time: %+v", again)
	}
	if without := plan(t, persist.Input{Want: want("30"), Patches: read()}); !without.Idle() {
		t.Errorf("without the cluster: %+v", without)
	}
	back := plan(t, persist.Input{Mode: persist.KubeadmConfig, Want: want("30"), Maps: s, Patches: read()})
	if len(back.Files) != 2 || !back.Files[0].Remove || back.Files[0].Old == nil || back.Cluster == nil {
		t.Errorf("to the ConfigMap: %+v", back)
	}
	if none := plan(t, persist.Input{Mode: persist.None, Want: want("30"), Maps: s, Patches: read()}); !none.Idle() {
		t.Errorf("none: %+v", none)
	}
	put(t, filepath.Join(dir, "old", "kube-apiserver.yaml"), "command: []\n")
	put(t, filepath.Join(dir, render.FlagsPatchName), "[]\n")
	_, err := persist.Plan(t.Context(), persist.Input{Mode: persist.KubeadmPatches, Want: want("30"), Patches: read()})
	if p := document.ProblemsOf(err); len(p) != 2 {
		t.Errorf("%v", err)
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadFolderRefuses(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put(t, filepath.Join(root, "file"), "")
	if err := os.Symlink(root, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/file", "/link", "/file/below"} {
		if _, err := persist.ReadFolder(root, name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	if f, err := persist.ReadFolder(root, "/nosuch"); err != nil || f.There || f.Holds() {
		t.Errorf("%+v, %v", f, err)
	}
}
