// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package persist_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
)

func kubeadms(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../testdata/kubeadm/v1.34.4/kube-apiserver.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parse(t *testing.T, text string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Read("m", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// enabled is a manifest after enable, and what was wanted of it.
func enabled(t *testing.T) (string, manifest.Want) {
	t.Helper()
	w := manifest.Want{Flags: want("30").Flags, Mounts: want("30").Mounts, PolicyHash: "abc"}
	result, err := manifest.Apply(parse(t, kubeadms(t)), w)
	if err != nil {
		t.Fatal(err)
	}
	return string(result.After), w
}

// bare is the text without the lines of our annotations.
func bare(text string) string {
	var lines []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if !strings.Contains(line, manifest.AnnotationPrefix) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestSettled(t *testing.T) {
	t.Parallel()
	text, w := enabled(t)
	const flag = "    - --audit-log-maxage=30\n"
	without := strings.Replace(text, flag, "", 1)
	other := w
	other.PolicyHash = "def"
	moved := w
	moved.Mounts = []manifest.Mount{{Name: "auditsetup-policy", HostPath: "/a/b", MountPath: "/a/b", ReadOnly: true}, {HostPath: "/a", MountPath: "/a"}}
	inner := w
	inner.Mounts = []manifest.Mount{{HostPath: "/a/b", MountPath: "/a/b", ReadOnly: true}}
	for _, c := range []struct {
		name                        string
		text                        string
		want                        manifest.Want
		withAnnotations, withoutAny bool
	}{
		{"as enable left it", text, w, true, true},
		{"in another order", strings.Replace(without, "    - kube-apiserver\n", "    - kube-apiserver\n"+flag, 1), w, true, true},
		{"as kubeadm writes it from its configuration", bare(text), w, false, true},
		{"another policy", text, other, false, true},
		{"a flag less", without, w, false, false},
		{"a flag twice", strings.Replace(text, flag, flag+flag, 1), w, false, false},
		{"a flag more", strings.Replace(text, flag, flag+"    - --audit-log-format=legacy\n", 1), w, false, false},
		{"another value", strings.Replace(text, flag, "    - --audit-log-maxage=31\n", 1), w, false, false},
		{"another folder", strings.Replace(text, "mountPath: /a\n", "mountPath: /b\n", 1), w, false, false},
		{"a folder below, but one to write to", text, moved, false, false},
		{"a folder shown twice, the inner one from elsewhere", strings.Replace(text, "    volumeMounts:\n", "    volumeMounts:\n    - {name: ca-certs, mountPath: /a/b}\n", 1), inner, false, false},
		{"kubeadm's own", kubeadms(t), w, false, false},
	} {
		m := parse(t, c.text)
		if a, b := persist.Settled(m, c.want, true), persist.Settled(m, c.want, false); a != c.withAnnotations || b != c.withoutAny {
			t.Errorf("%s: %t with annotations, %t without", c.name, a, b)
		}
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	text, w := enabled(t)
	config, _, err := want("30").Into("f", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := render.KubeadmOf("f", config)
	if err != nil {
		t.Fatal(err)
	}
	for _, eol := range []string{"\n", "\r\n"} {
		written := strings.ReplaceAll(bare(text), "\n", eol)
		m, ok := persist.Adopt("m", []byte(written), kept)
		if !ok {
			t.Fatal("not taken for ours")
		}
		undone, err := manifest.Undo(m)
		if err != nil || string(undone.After) != strings.ReplaceAll(kubeadms(t), "\n", eol) {
			t.Errorf("%v: without audit it is\n%s", err, undone.After)
		}
		again, err := manifest.Apply(m, w)
		if err != nil || !bytes.Equal(again.After, []byte(strings.ReplaceAll(text, "\n", eol))) {
			t.Errorf("%v: with it it is\n%s", err, again.After)
		}
	}
	empty, err := render.KubeadmOf("f", config[:0:0])
	if err == nil || empty != nil {
		t.Errorf("%+v, %v", empty, err)
	}
	for name, c := range map[string]struct {
		text string
		kept *render.Kubeadm
	}{
		"a record is there":     {text, kept},
		"another value":         {strings.Replace(bare(text), "maxage=30", "maxage=31", 1), kept},
		"a flag more":           {strings.Replace(bare(text), "    - --audit-log-maxage=30\n", "    - --audit-log-maxage=30\n    - --audit-log-format=json\n", 1), kept},
		"another mount":         {strings.ReplaceAll(bare(text), "auditsetup-policy", "mine"), kept},
		"nothing of audit":      {kubeadms(t), kept},
		"nothing is kept":       {kubeadms(t), &render.Kubeadm{}},
		"annotations in braces": {strings.Replace(bare(text), "  annotations:\n", "  annotations: {}\n  unused:\n", 1), kept},
		"no manifest":           {"a: 1\n", kept},
	} {
		if _, ok := persist.Adopt("m", []byte(c.text), c.kept); ok {
			t.Errorf("%s: taken for ours", name)
		}
	}
}
