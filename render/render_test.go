// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"
)

// enabled gives every manifest of the corpus before and after enable.
func enabled(t *testing.T, check func(t *testing.T, before, after []byte)) {
	files, err := filepath.Glob("../testdata/manifests/*/*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d manifests: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimPrefix(file, "../testdata/manifests/"), func(t *testing.T) {
			t.Parallel()
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := manifest.Read(file, before)
			if err != nil {
				t.Fatal(err)
			}
			desired, err := setup.Resolve(setup.Input{Image: m.Image(), Spec: setup.Spec{TakeOver: true}})
			if err != nil {
				t.Fatal(err)
			}
			result, err := manifest.Apply(m, desired.Want())
			if err != nil {
				t.Fatal(err)
			}
			check(t, before, result.After)
		})
	}
}

func toJSON(t *testing.T, data []byte) []byte {
	t.Helper()
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func tree(t *testing.T, data []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // so that large numbers that differ do
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// apply has somebody else's implementation apply a patch.
func apply(t *testing.T, patch, doc []byte) ([]byte, error) {
	t.Helper()
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("%v in\n%s", err, patch)
	}
	return p.Apply(doc)
}

// TestJSON6902 applies the patch to the old manifest, which gives the new one,
// and to the new one, which fails.
func TestJSON6902(t *testing.T) {
	t.Parallel()
	enabled(t, func(t *testing.T, before, after []byte) {
		patch, err := render.JSON6902(before, after)
		if err != nil {
			t.Fatal(err)
		}
		old, want := toJSON(t, before), toJSON(t, after)
		got, err := apply(t, patch, old)
		if err != nil {
			t.Fatalf("%v\n%s", err, patch)
		}
		if !reflect.DeepEqual(tree(t, got), tree(t, want)) {
			t.Errorf("the patch gives\n%s\nwant\n%s\npatch\n%s", got, want, patch)
		}
		// and back
		patch, err = render.JSON6902(after, before)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = apply(t, patch, want); err != nil || !reflect.DeepEqual(tree(t, got), tree(t, old)) {
			t.Errorf("%v: back it gives\n%s\npatch\n%s", err, got, patch)
		}
	})
}

func TestJSON6902WrongDocument(t *testing.T) {
	t.Parallel()
	before := "spec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver, --a=1]\n    volumeMounts: [{name: x, mountPath: /x}]\n"
	after := "spec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver, --b=1]\n    volumeMounts: [{name: y, mountPath: /y}, {name: x, mountPath: /x}]\n"
	patch, err := render.JSON6902([]byte(before), []byte(after))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apply(t, patch, toJSON(t, []byte(before))); err != nil {
		t.Errorf("the right document: %v\n%s", err, patch)
	}
	for name, doc := range map[string]string{
		"another container in front": strings.Replace(before, "  - name", "  - name: sidecar\n    command: [kube-apiserver, --a=1]\n  - name", 1),
		"another flag":               strings.Replace(before, "--a=1", "--a=2", 1),
		"one flag more":              strings.Replace(before, "--a=1", "--z=1, --a=1", 1),
		"other mounts":               strings.Replace(before, "[{name: x", "[{name: z, mountPath: /z}, {name: x", 1),
		"no containers":              "spec: {}\n",
	} {
		if got, err := apply(t, patch, toJSON(t, []byte(doc))); err == nil {
			t.Errorf("%s: it applies, and gives %s", name, got)
		}
	}
}

// TestJSON6902Appended is a patch that touches no list as a whole, so that the
// name of the container is all that tells where it belongs.
func TestJSON6902Appended(t *testing.T) {
	t.Parallel()
	before := "containers: [{name: kube-apiserver, command: [x]}]"
	patch, err := render.JSON6902([]byte(before), []byte("containers: [{name: kube-apiserver, command: [x, --y]}]"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := apply(t, patch, toJSON(t, []byte("containers: [{name: kube-apiserver, command: [x, --z]}]"))); err != nil || !bytes.Contains(got, []byte(`["x","--z","--y"]`)) {
		t.Errorf("with one flag more: %v, %s", err, got)
	}
	if got, err := apply(t, patch, toJSON(t, []byte("containers: [{name: sidecar, command: [x]}, {name: kube-apiserver, command: [x]}]"))); err == nil {
		t.Errorf("with a container in front it applies, and gives %s", got)
	}
}

// TestJSON6902Cases covers what manifests do not have.
func TestJSON6902Cases(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"{}", "{}"}, {"{a: 1}", "{a: 2}"}, {"{a: 1}", "{b: 1}"}, {"{a: null}", "{a: 1}"}, {"{a: 1}", "{a: null}"},
		{"{a: [1, 2, 3]}", "{a: [3, 2, 1]}"}, {"{a: [1, 1, 1]}", "{a: [1, 2, 1, 1]}"}, {"{a: []}", "{a: [{b: 1}]}"},
		{"{a: [{n: 1}, {n: 2}]}", "{a: [{n: 2}]}"}, {"{a: [{name: x, v: 1}]}", "{a: [{name: x, v: 2}]}"}, {"{a: [{name: x}]}", "{a: [{name: y}]}"},
		{"{a: {b: [1]}}", "{a: [1]}"}, {"{'a/b': 1, 'c~d': 2, '': 3}", "{'a/b': 2, 'c~d': {'/': 1}, '': 4}"},
		{"{a: 9007199254740993}", "{a: 9007199254740992}"}, {"{a: '<&>'}", "{a: '>&<'}"},
	} {
		patch, err := render.JSON6902([]byte(c[0]), []byte(c[1]))
		if err != nil {
			t.Fatal(err)
		}
		got, err := apply(t, patch, toJSON(t, []byte(c[0])))
		if err != nil || !reflect.DeepEqual(tree(t, got), tree(t, toJSON(t, []byte(c[1])))) {
			t.Errorf("%s to %s: %v, %s\n%s", c[0], c[1], err, got, patch)
		}
	}
	if _, err := render.JSON6902([]byte("{a: 1, a: 2}"), []byte("{}")); err == nil {
		t.Error("a key given twice is taken")
	}
}

// TestDiff has `git apply` and, where there is one, patch apply each diff.
func TestDiff(t *testing.T) {
	t.Parallel()
	enabled(t, func(t *testing.T, before, after []byte) { applied(t, "/etc/kubernetes/x.yaml", before, after) })
}

func TestDiffCases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, after string }{
		{"no final newline", "a\nb", "a\nc"}, {"newline at the end", "a\nb", "a\nb\n"}, {"none at the end", "a\nb\n", "a\nb"},
		{"carriage returns", "a\r\nb\r\n", "a\r\nc\r\n"}, {"carriage return at the end", "a\r\nb", "a\r\nb\r\nc"}, {"a long one", strings.Repeat("x\n", 50), strings.Repeat("x\n", 25) + "y\n" + strings.Repeat("x\n", 25)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			applied(t, "f.yaml", []byte(c.before), []byte(c.after))
		})
	}
	if got := render.Diff("/x", []byte("a\n"), []byte("a\n")); got != nil {
		t.Errorf("equal files differ: %s", got)
	}
	for _, made := range []string{"a\n", "a", "\n", "a\n\nb\r\n", "a\nb\n\n", "- a\n+ b\n@@ -1 +1 @@"} {
		applied(t, "x/y", nil, []byte(made))
	}
	if made := render.Diff("x/y", nil, []byte{}); len(made) > 0 {
		t.Errorf("an empty file: %s", made)
	}
	gone := string(render.Diff("/x/y", []byte("a\n"), nil))
	if !strings.HasPrefix(gone, "--- a/x/y\n+++ /dev/null\n") {
		t.Errorf("a removed file: %s", gone)
	}
}

func applied(t *testing.T, name string, before, after []byte) {
	t.Helper()
	diff := render.Diff(name, before, after)
	for _, tool := range [][]string{{"git", "apply", "--whitespace=nowarn", "-p1"}, {"patch", "-p1", "-s", "-i"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			continue // a machine with nothing but Go; the other cases say the same of the text
		}
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if before != nil {
			if err := os.WriteFile(file, before, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "diff"), diff, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool[0], append(tool[1:], "diff")...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_DIR=/dev/null", "GIT_CONFIG_GLOBAL=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", tool[0], err, out, diff)
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, after) {
			t.Errorf("%s: %v: it gives\n%q\nwant\n%q", tool[0], err, got, after)
		}
	}
}
