// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package node

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	put(t, h, "/d/plain", "text")
	put(t, h, "/d/empty", "")
	put(t, h, "/d/large", "")
	must(t, os.Truncate(h.Root+"/d/large", maxFileSize+1))
	put(t, h, "/d/limit", "")
	must(t, os.Truncate(h.Root+"/d/limit", maxFileSize))
	must(t, os.Symlink("plain", h.Root+"/d/link"))
	must(t, os.Symlink("/d", h.Root+"/linked"))
	must(t, syscall.Mkfifo(h.Root+"/d/pipe", 0o600))
	tests := []struct {
		path, what, hint string
		cause            error // nil for any
	}{
		{"/d/plain", "", "", nil},
		{"/d/empty", "", "", nil},
		{"/d/limit", "", "", nil},
		{"/linked/plain", "", "", nil},
		{"/linked/../d/plain", "", "", nil},
		{"/d/large", "larger than 10 MiB", "", nil},
		{"/d/none", "cannot read: no such file or folder", "", fs.ErrNotExist},
		{"/none/none", "no such file or folder", "", fs.ErrNotExist},
		{"/d", "is a folder, not a file", "name the file in it", errNotRegular},
		{"/d/link", "is a symbolic link", "plain", errNotRegular},
		{"/d/pipe", "is not a regular file", "", errNotRegular},
		{"d/plain", "is not an absolute path", "", nil},
	}
	for _, test := range tests {
		file, err := h.Read(test.path)
		if test.what == "" {
			must(t, err)
			if file.Path != test.path && file.Path != filepath.Clean(test.path) || file.Mode != 0o600 || file.UID != os.Getuid() || file.Bytes == nil || file.ModTime.IsZero() {
				t.Errorf("%s: %+v", test.path, file)
			}
			continue
		}
		wantProblem(t, err, test.path, test.what, test.hint)
		if test.cause != nil && !errors.Is(err, test.cause) {
			t.Errorf("%s: the cause is not %v", test.path, test.cause)
		}
	}
	for path, culprit := range map[string]string{"/": "", "/d/pipe/x": "/d/pipe", "/d/plain/x": "/d/plain"} {
		_, err := h.Read(path)
		wantProblem(t, err, h.Root+culprit, "a folder", "")
	}
	if _, err := (&Host{}).Read("/dev/null"); !errors.Is(err, errNotRegular) {
		t.Errorf("a device was read: %v", err)
	}
}

func TestDisplay(t *testing.T) {
	t.Parallel()
	for root, want := range map[string]string{"": "/etc/x", "/": "/etc/x", "/img/": "/img/etc/x", "img": "img/etc/x"} {
		if got := (&Host{Root: root}).Display("/etc/x"); got != want {
			t.Errorf("with the root %q: %q, want %q", root, got, want)
		}
	}
}

const apiserverPod = "apiVersion: v1\nkind: Pod\nmetadata: {name: %, namespace: kube-system}\nspec: {containers: [{name: c, command: [/usr/bin/kube-apiserver]}]}\n"

func TestStrays(t *testing.T) {
	t.Parallel()
	own := strings.Replace(apiserverPod, "%", "kube-apiserver", 1)
	other := strings.Replace(apiserverPod, "%", "old", 1)
	folder := filepath.Dir(manifestPath) + "/"
	tests := []struct {
		name, file, content string
		what                string // empty for no stray
	}{
		{"backup", "kube-apiserver.yaml.bak", own, "defines the same pod, kube-system/kube-apiserver, and the kubelet takes it instead of kube-apiserver.yaml"},
		{"earlier by name", "a.orig", own, "defines the same pod, kube-system/kube-apiserver (it runs"},
		{"editor's", "kube-apiserver.yaml~", own, "defines the same pod"},
		{"other pod", "old.yaml", other, "runs a second kube-apiserver, as the pod kube-system/old"},
		{"named container", "x", "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: kube-apiserver}]}}", "as the pod default/x"},
		{"json", "x.json", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"kube-apiserver","namespace":"kube-system"}}`, "defines the same pod"},
		{"first document", "x", own + "---\nkind: Other\n", "defines the same pod"},
		{"second document", "x", "kind: Other\n---\n" + own, ""},
		{"dotfile", ".kube-apiserver.yaml.swp", own, ""},
		{"unrelated", "scheduler.yaml", strings.Replace(strings.Replace(apiserverPod, "%", "kube-scheduler", 1), "kube-apiserver", "kube-scheduler", 1), ""},
		{"text", "README.md", "see the kube-apiserver", ""},
		{"broken", "x.yaml", own + "\t: [", ""},
		{"nothing", "x.yaml", "", ""},
		{"no pod", "x.yaml", strings.Replace(own, "kind: Pod", "kind: PodList", 1), ""},
		{"binary", "x", "\x00\xff\x00", ""},
		{"too large", "x.yaml", own + strings.Repeat("# padding\n", maxFileSize/10), ""},
		{"in a folder", "backup/kube-apiserver.yaml", own, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			put(t, h, folder+test.file, test.content)
			strays, err := h.Strays(manifestPath)
			must(t, err)
			if test.what == "" {
				if len(strays) > 0 {
					t.Errorf("strays %v", strays)
				}
				return
			}
			if len(strays) != 1 {
				t.Fatalf("strays %v, want one", strays)
			}
			wantProblem(t, strays[0].Problem, test.file, test.what, ": mv "+quote(h.Root+folder+test.file)+" /root/")
			if strays[0].Path != folder+test.file {
				t.Errorf("path %q", strays[0].Path)
			}
		})
	}
}

func TestStraysByLink(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	folder := h.Root + filepath.Dir(manifestPath) + "/"
	must(t, os.Symlink("kube-apiserver.yaml", folder+"same"))
	must(t, os.Symlink("nowhere", folder+"nowhere"))
	must(t, os.Symlink("circle", folder+"circle"))
	must(t, syscall.Mkfifo(folder+"pipe", 0o600))
	put(t, h, "/root/it's a copy.yaml", oldManifest)
	must(t, os.Symlink("/root/it's a copy.yaml", folder+"it's a link"))
	strays, err := h.Strays(manifestPath)
	var names []string
	for _, s := range strays {
		names = append(names, filepath.Base(s.Path))
	}
	if want := []string{"it's a link", "same"}; !slices.Equal(names, want) {
		t.Errorf("strays %v, want %v; %v", names, want, err)
	}
	if hint := strays[0].Problem.Hint; !strings.Contains(hint, `/it'\''s a link' /root/`) {
		t.Errorf("the hint cannot be pasted: %s", hint)
	}
}

func TestStraysWithoutManifest(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	must(t, os.Rename(h.Root+manifestPath, h.Root+manifestPath+".bak"))
	strays, err := h.Strays(manifestPath)
	if err != nil || len(strays) != 1 {
		t.Errorf("strays %v, %v", strays, err)
	}
	_, err = h.Strays("/nowhere/kube-apiserver.yaml")
	wantProblem(t, err, "/nowhere", "no such file or folder", "")
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "plain", "a b", "it's", "$(x)", "-n", "ü\n\x1b[31m", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			return
		}
		shell, err := exec.LookPath("bash")
		if err != nil && printable(s) == s {
			shell, err = exec.LookPath("sh")
		}
		if err != nil {
			return
		}
		out, err := exec.Command(shell, "-c", "printf %s x"+quote(s)).CombinedOutput()
		if err != nil || string(out) != "x"+s {
			t.Errorf("%q is quoted as %s, which gives %q, %v", s, quote(s), out, err)
		}
		if q := quote(s); printable(q) != q {
			t.Errorf("%q is quoted as %q", s, q)
		}
	})
}

func FuzzParsePod(f *testing.F) {
	f.Add([]byte(oldManifest))
	f.Add([]byte(strings.Replace(apiserverPod, "%", "x", 1)))
	f.Fuzz(func(_ *testing.T, data []byte) { parsePod(data) })
}
