// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

// TestKubeadmPatches applies the patches as kubeadm does, with the libraries
// that it uses, and wants what enable writes, and disable to take it out again.
func TestKubeadmPatches(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/kubeadm/*/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d manifests: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := parse(t, before)
			d, err := setup.Resolve(setup.Input{Image: m.Image(), Spec: setup.Spec{Webhook: setup.Webhook{URL: "https://10.0.0.5/audit", CAFile: "/etc/kubernetes/pki/audit/ca.crt"}}})
			if err != nil {
				t.Fatal(err)
			}
			enabled, err := manifest.Apply(m, d.Want())
			if err != nil {
				t.Fatal(err)
			}
			k, err := render.NewKubeadm(m, d)
			if err != nil {
				t.Fatal(err)
			}
			got, want := parse(t, patched(t, k, before)), parse(t, enabled.After)
			same(t, got, want)
			for _, key := range []string{manifest.PolicyAnnotation, manifest.UndoAnnotation} {
				if got.Annotation(key) != want.Annotation(key) || got.Annotation(key) == "" {
					t.Errorf("%s is %q, want %q", key, got.Annotation(key), want.Annotation(key))
				}
			}
			undone, err := manifest.Undo(got)
			if err != nil {
				t.Fatal(err)
			}
			same(t, parse(t, undone.After), m)
		})
	}
}

func parse(t *testing.T, data []byte) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Read("m", data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same compares what of a manifest is ours, and the order of the other flags.
func same(t *testing.T, got, want *manifest.Manifest) {
	t.Helper()
	texts := func(m *manifest.Manifest) (flags, mounts []string) {
		for _, s := range m.Settings() {
			flags = append(flags, s.Name+"="+s.Value)
		}
		for _, w := range m.Mounts() {
			mounts = append(mounts, w.Name+w.HostPath+w.MountPath+w.Type)
		}
		slices.Sort(mounts)
		return flags, mounts
	}
	gotFlags, gotMounts := texts(got)
	wantFlags, wantMounts := texts(want)
	if !slices.Equal(gotFlags, wantFlags) || !slices.Equal(gotMounts, wantMounts) {
		t.Errorf("got  %q %q\nwant %q %q", gotFlags, gotMounts, wantFlags, wantMounts)
	}
}

// patched applies the patches in the order of their names.
func patched(t *testing.T, k *render.Kubeadm, before []byte) []byte {
	t.Helper()
	files, err := k.Patches(false)
	if err != nil || len(files) != 2 || files[0].Name > files[1].Name {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if !render.PatchesKubeAPIServer(f.Name) || !render.IsOurPatch(f.Text) {
			t.Errorf("%s is none of ours", f.Name)
		}
	}
	data, err := apply(t, toJSON(t, files[0].Text), toJSON(t, before))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = strategicpatch.StrategicMergePatch(data, toJSON(t, files[1].Text), corev1.Pod{}); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.JSONToYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestNewKubeadmMounts: what kubeadm mounts itself is not mounted again, what
// only the manifest at hand has is.
func TestNewKubeadmMounts(t *testing.T) {
	t.Parallel()
	before, err := os.ReadFile("../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
	if err != nil {
		t.Fatal(err)
	}
	byHand := strings.Replace(string(before), "    volumeMounts:\n", "    volumeMounts:\n    - {name: mine, mountPath: /etc/kubernetes/audit}\n", 1)
	byHand = strings.Replace(byHand, "  volumes:\n", "  volumes:\n  - {name: mine, hostPath: {path: /etc/kubernetes/audit}}\n", 1)
	elsewhere := strings.ReplaceAll(string(before), "/etc/kubernetes/pki", "/srv/pki")
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"as kubeadm writes it":     {string(before), []string{"auditsetup-log", "auditsetup-policy"}},
		"a mount of somebody's":    {byHand, []string{"auditsetup-log", "auditsetup-policy"}},
		"certificates elsewhere":   {elsewhere, []string{"auditsetup-log", "auditsetup-policy", "auditsetup-receiver"}},
		"no manifest":              {"", []string{"auditsetup-log", "auditsetup-policy"}},
		"turned on, by auditsetup": {"on", []string{"auditsetup-log", "auditsetup-policy"}},
	} {
		d, err := setup.Resolve(setup.Input{Spec: setup.Spec{KubeVersion: "1.37", Webhook: setup.Webhook{URL: "https://10.0.0.5/audit", CAFile: "/etc/kubernetes/pki/audit/ca.crt"}}})
		if err != nil {
			t.Fatal(err)
		}
		var m *manifest.Manifest
		switch c.text {
		case "":
		case "on":
			result, err := manifest.Apply(parse(t, before), d.Want())
			if err != nil {
				t.Fatal(err)
			}
			m = parse(t, result.After)
		default:
			m = parse(t, []byte(c.text))
		}
		k, err := render.NewKubeadm(m, d)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, w := range k.Mounts {
			got[w.Name] = true
		}
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, c.want) {
			t.Errorf("%s: %q, want %q", name, names, c.want)
		}
	}
}

func TestPatchClash(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		reads      bool
		line       int
	}{
		{"kube-apiserver.yaml", "spec:\n  containers:\n  - name: kube-apiserver\n    command: [x]\n", true, 4},
		{"kube-apiserver+json.yaml", "- {op: add, path: /spec/containers/0/command/-, value: --v=2}\n", true, 0},
		{"kube-apiserver-old+json.yaml", "# --audit-log-path\n- {value: --audit-log-path=x}\n", true, 2},
		{"kube-apiserver.json", "{\"spec\": {\"containers\": [{\n\"command\": []}]}}", true, 2},
		{"kube-apiserver0+merge.yaml", "spec: {priority: 1}\n", true, 0},
		{"kube-apiserver.yml", "", false, 0}, {"kube-apiserver.yaml.bak", "", false, 0}, {"my-kube-apiserver.yaml", "", false, 0}, {"etcd.yaml", "", false, 0},
	} {
		if got := render.PatchesKubeAPIServer(c.name); got != c.reads {
			t.Errorf("%s is read: %t", c.name, got)
		}
		got := render.PatchClash("d/"+c.name, c.name, []byte(c.text))
		if len(got) != min(c.line, 1) || len(got) == 1 && (got[0].Line != c.line || got[0].File != "d/"+c.name || got[0].Hint == "") {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestPatchesTooOld(t *testing.T) {
	t.Parallel()
	_, err := (&render.Kubeadm{Version: apiserver.Version{Minor: 18}}).Patches(false)
	if p := document.ProblemsOf(err); len(p) != 1 || p[0].File != "--format" {
		t.Errorf("%v", err)
	}
}

func TestKubeadmVersions(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		head4 + "kubernetesVersion: v1.37.1\n": {"v1beta4", "v1.37.1"}, head3 + "kubernetesVersion: stable\n": {"v1beta3", ""}, "": {},
		"apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n": {"v1beta4", ""},
	} {
		if api, version := render.KubeadmVersions([]byte(in)); api != want[0] || version != want[1] {
			t.Errorf("%q: %q and %q, want %q", in, api, version, want)
		}
	}
}

// TestKubeadmOf reads back what is in a configuration.
func TestKubeadmOf(t *testing.T) {
	t.Parallel()
	for _, c := range intoCases {
		k, err := render.KubeadmOf("f", []byte(c.after))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		flags := map[string]string{}
		for _, f := range k.Flags {
			flags[f.Name] = f.Value
		}
		ours := len(small.Mounts)
		if strings.HasPrefix(c.name, "somebody else's volume") {
			ours = 0
		}
		if len(k.Flags) != 2 || flags["audit-policy-file"] != "/a/p.yaml" || flags["audit-log-maxage"] != "30" || len(k.Mounts) != ours || ours > 0 && k.Mounts[0] != small.Mounts[0] || !strings.Contains(k.Undo, "audit-log-maxage") {
			t.Errorf("%s: %+v", c.name, k)
		}
	}
	none, err := render.KubeadmOf("f", []byte(head4))
	if err != nil || len(none.Flags)+len(none.Mounts) > 0 || none.Undo != "" {
		t.Errorf("%+v, %v", none, err)
	}
	twice, err := render.KubeadmOf("f", []byte(head4+"apiServer:\n  extraArgs:\n  - {name: audit-log-maxage, value: \"1\"}\n  - {name: audit_log_maxage, value: \"2\"}\n"))
	if err != nil || len(twice.Flags) != 1 || twice.Flags[0].Value != "2" {
		t.Errorf("%+v, %v", twice, err)
	}
}
