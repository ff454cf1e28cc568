// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
	"go.yaml.in/yaml/v3"
)

// small is little enough to read in a table.
var small = render.Kubeadm{
	Flags:  []manifest.Flag{{Name: "audit-policy-file", Value: "/a/p.yaml"}, {Name: "audit-log-maxage", Value: "30"}},
	Mounts: []manifest.Mount{{Name: "auditsetup-policy", HostPath: "/a", MountPath: "/a", Type: "Directory", ReadOnly: true}},
}

const (
	head3 = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n"
	head4 = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
	args3 = "    audit-policy-file: /a/p.yaml\n    audit-log-maxage: \"30\"\n"
	args4 = "  - name: audit-policy-file\n    value: /a/p.yaml\n  - name: audit-log-maxage\n    value: \"30\"\n"
	vols  = "  - name: auditsetup-policy\n    hostPath: /a\n    mountPath: /a\n    readOnly: true\n    pathType: Directory\n"
	all3  = "  extraArgs:\n" + args3 + "  extraVolumes:\n" + vols
	all4  = "  extraArgs:\n" + args4 + "  extraVolumes:\n" + vols
)

// intoCases are files before and after, and how many notes there are.
var intoCases = []struct {
	name, before, after string
	notes               int
}{
	{"no apiServer, mapping", head3, head3 + "apiServer:\n" + all3, 0},
	{"no apiServer, list", head4, head4 + "apiServer:\n" + all4, 0},
	{"no line break at the end", head4 + "dns: {}", head4 + "dns: {}\napiServer:\n" + strings.TrimSuffix(all4, "\n"), 0},
	{"empty apiServer", head4 + "apiServer: {} # none\ndns: {}\n", head4 + "apiServer: # none\n" + all4 + "dns: {}\n", 0},
	{"null apiServer", head3 + "apiServer:\ndns: {}\n", head3 + "apiServer:\n" + all3 + "dns: {}\n", 0},
	{"tilde", head3 + "apiServer: ~\n", head3 + "apiServer:\n" + all3, 0},
	{"other keys", head3 + "apiServer:\n  timeoutForControlPlane: 4m0s # wait\n\n# then\ndns: {}\n",
		head3 + "apiServer:\n  timeoutForControlPlane: 4m0s # wait\n" + all3 + "\n# then\ndns: {}\n", 0},
	{"empty lists", head4 + "apiServer:\n  extraArgs: []\n  extraVolumes: [] # none\n", head4 + "apiServer:\n  extraArgs:\n" + args4 + "  extraVolumes: # none\n" + vols, 0},
	{"other arguments", head3 + "apiServer:\n  extraArgs:\n    # who may\n    authorization-mode: Node,RBAC\n    # more\n  certSANs: [x]\n",
		head3 + "apiServer:\n  extraArgs:\n    # who may\n    authorization-mode: Node,RBAC\n" + args3 + "    # more\n  certSANs: [x]\n  extraVolumes:\n" + vols, 0},
	{"replaced in place", head3 + "apiServer:\n  extraArgs:\n    audit-log-maxage: '5' # days\n    v: \"2\"\n",
		head3 + "apiServer:\n  extraArgs:\n    audit-log-maxage: \"30\" # days\n    v: \"2\"\n    audit-policy-file: /a/p.yaml\n  extraVolumes:\n" + vols, 1},
	{"a number is no text", head3 + "apiServer:\n  extraArgs:\n    audit-log-maxage: 30\n",
		head3 + "apiServer:\n  extraArgs:\n    audit-log-maxage: \"30\"\n    audit-policy-file: /a/p.yaml\n  extraVolumes:\n" + vols, 1},
	{"taken out", head3 + "apiServer:\n  extraArgs:\n    audit-log-format: legacy\n    v: \"2\"\n", head3 + "apiServer:\n  extraArgs:\n    v: \"2\"\n" + args3 + "  extraVolumes:\n" + vols, 1},
	{"all taken out", head3 + "apiServer:\n  extraArgs:\n    audit-log-format: legacy\n", head3 + "apiServer:\n  extraArgs:\n" + args3 + "  extraVolumes:\n" + vols, 1},
	{"twice in a list", head4 + "apiServer:\n  extraArgs:\n  - name: audit-log-maxage\n    value: \"1\"\n  - name: v\n    value: \"2\"\n  - name: audit-log-maxage\n    value: \"3\"\n",
		head4 + "apiServer:\n  extraArgs:\n  - name: v\n    value: \"2\"\n  - name: audit-log-maxage\n    value: \"30\"\n  - name: audit-policy-file\n    value: /a/p.yaml\n  extraVolumes:\n" + vols, 2},
	{"items in braces", head4 + "apiServer:\n  extraArgs:\n    - {name: audit-log-maxage, value: \"1\"} # one\n    - {value: x, name: v}\n",
		head4 + "apiServer:\n  extraArgs:\n    - {name: audit-log-maxage, value: \"30\"} # one\n    - {value: x, name: v}\n    - name: audit-policy-file\n      value: /a/p.yaml\n  extraVolumes:\n" + vols, 1},
	{"a mapping in braces", head3 + "apiServer:\n  extraArgs: {v: \"2\"}\n  certSANs: [x]\n",
		head3 + "apiServer:\n  extraArgs: {\"audit-log-maxage\":\"30\",\"audit-policy-file\":\"/a/p.yaml\",\"v\":\"2\"}\n  certSANs: [x]\n  extraVolumes:\n" + vols, 0},
	{"underscores", head3 + "apiServer:\n  extraArgs:\n    audit_log_maxage: \"30\"\n", head3 + "apiServer:\n  extraArgs:\n    audit_log_maxage: \"30\"\n    audit-policy-file: /a/p.yaml\n  extraVolumes:\n" + vols, 0},
	{"a value of several lines stays", head3 + "apiServer:\n  extraArgs:\n    x: |\n      # a\n\n      b\n    audit-log-maxage: \"1\"\n",
		head3 + "apiServer:\n  extraArgs:\n    x: |\n      # a\n\n      b\n    audit-log-maxage: \"30\"\n    audit-policy-file: /a/p.yaml\n  extraVolumes:\n" + vols, 1},
	{"an old volume of ours", head4 + "apiServer:\n  extraVolumes:\n  - name: auditsetup-log\n    hostPath: /l\n    mountPath: /l\n  - name: other\n    hostPath: /o\n    mountPath: /o\n",
		head4 + "apiServer:\n  extraVolumes:\n  - name: other\n    hostPath: /o\n    mountPath: /o\n" + vols + "  extraArgs:\n" + args4, 0},
	{"somebody else's volume shows the folder", head4 + "apiServer:\n  extraVolumes:\n  - {name: other, hostPath: /a, mountPath: /a}\n",
		head4 + "apiServer:\n  extraVolumes:\n  - {name: other, hostPath: /a, mountPath: /a}\n  extraArgs:\n" + args4, 0},
	{"several documents", "# top\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n---\n# mine\n" + head4 + "# end\n--- # next\nkind: KubeProxyConfiguration\n",
		"# top\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n---\n# mine\n" + head4 + "apiServer:\n" + all4 + "# end\n--- # next\nkind: KubeProxyConfiguration\n", 0},
	{"beside an InitConfiguration", "apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\n",
		"apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\n---\n" + head3 + "apiServer:\n" + all3, 0},
	{"JSON on one line", `{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration"}` + "\n",
		`{"apiServer":{"extraArgs":[{"name":"audit-policy-file","value":"/a/p.yaml"},{"name":"audit-log-maxage","value":"30"}],"extraVolumes":[{"hostPath":"/a","mountPath":"/a","name":"auditsetup-policy","pathType":"Directory","readOnly":true}]},"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration"}` + "\n", 0},
}

func TestKubeadmInto(t *testing.T) {
	t.Parallel()
	for _, c := range intoCases {
		for _, crlf := range []bool{false, true} {
			before, after := c.before, c.after
			if crlf {
				before, after = strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(after, "\n", "\r\n")
			}
			got, notes, err := small.Into("f", []byte(before))
			if err != nil || string(got) != after || len(notes) != c.notes {
				t.Errorf("%s: %v, %d notes %v:\n%s\nwant\n%s", c.name, err, len(notes), notes, got, after)
				continue
			}
			again, notes, err := small.Into("f", got)
			if err != nil || string(again) != after || len(notes) > 0 {
				t.Errorf("%s: a second time: %v, %v:\n%s", c.name, err, notes, again)
			}
		}
	}
}

// TestKubeadmOut takes out what Into put in.
func TestKubeadmOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after string }{
		{head3 + "dns: {}\n", head3 + "dns: {}\napiServer: {}\n"},
		{head4 + "apiServer: {}\ndns: {}\n", head4 + "apiServer: {}\ndns: {}\n"},
		{head3 + "apiServer:\n  certSANs: [x] # y\n", ""},
		{head4 + "apiServer:\n  extraArgs: # z\n  - name: v\n    value: \"2\"\n  extraVolumes:\n  - {name: o, hostPath: /o, mountPath: /o}\n", ""},
	} {
		if c.after == "" {
			c.after = c.before
		}
		in, _, err := small.Into("f", []byte(c.before))
		if err != nil {
			t.Fatal(err)
		}
		out, notes, err := (&render.Kubeadm{}).Into("f", in)
		if err != nil || string(out) != c.after || len(notes) != 2 {
			t.Errorf("%v, %v:\n%s\nwant\n%s\nfrom\n%s", err, notes, out, c.after, in)
		}
	}
}

func TestKubeadmIntoRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "f: is empty"},
		{"comments", "# a\n---\n# b\n", "f: is empty: there is nothing but comments or document marks"},
		{"binary", head3 + "x: \x00\n", "f:3:4: holds binary data"},
		{"tab", head3 + "apiServer:\n\textraArgs: {}\n", "f:4:1: not valid YAML: a tab"},
		{"duplicate", head3 + "---\nkind: X\napiServer: {}\napiServer: {}\n", "f:6:1: key \"apiServer\" is given twice, first in line 5"},
		{"lone carriage return", "a: 1\rb: 2\n", "f:1: a line ends in another character"},
		{"no mapping", "- a\n", "f:1:1: not a document of kubeadm: it is no mapping"},
		{"no kind", "a: 1\n", "f:1:1: kind is missing"},
		{"another kind", "kind: Pod\n", "f: there is no ClusterConfiguration in it"},
		{"unknown version", "# x\napiVersion: kubeadm.k8s.io/v1beta9\nkind: ClusterConfiguration\n", `f:2:13: apiVersion is "kubeadm.k8s.io/v1beta9"`},
		{"experimental version", "apiVersion: kubeadm.k8s.io/v1\nkind: ClusterConfiguration\n", `f:1:13: apiVersion is "kubeadm.k8s.io/v1"`},
		{"another group", "apiVersion: v1beta3\nkind: ClusterConfiguration\n", `f:1:13: apiVersion is "v1beta3"`},
		{"no version", "kind: ClusterConfiguration\n", "f:1:1: apiVersion is missing"},
		{"twice", head3 + "---\n" + head3, "f:5:7: ClusterConfiguration is there twice, first in line 1"},
		{"apiServer is a list", head3 + "apiServer: [a]\n", "f:3:12: apiServer must be a mapping"},
		{"a list in v1beta3", head3 + "apiServer:\n  extraArgs:\n  - {name: v, value: a}\n", "f:5:3: extraArgs must be a mapping of names to values in v1beta3"},
		{"a mapping in v1beta4", head4 + "apiServer:\n  extraArgs:\n    v: a\n", "f:5:5: extraArgs must be a list of items"},
		{"no name", head4 + "apiServer:\n  extraArgs:\n  - value: a\n", "f:5:5: an item of extraArgs must have a name and a value"},
		{"a volume that is none", head4 + "apiServer:\n  extraVolumes:\n  - a\n", "f:5:5: an item of extraVolumes must be a mapping"},
		{"alias", head3 + "x: &x {v: a}\napiServer:\n  extraArgs: *x\n", "f:5:14: extraArgs is shared with another place"},
		{"anchor", head3 + "apiServer: &x\n  extraArgs: {}\n", "f:3:12: apiServer is shared with another place"},
		{"merge key", head3 + "x: &x {v: a}\napiServer:\n  extraArgs:\n    <<: *x\n", "f:6:5: extraArgs is shared"},
		{"too many", strings.Repeat("---\na: 1\n", 40), "f:65: more than 32 documents"},
		{"clash", head3 + "apiServer:\n  extraVolumes:\n  - {name: o, hostPath: /o, mountPath: /a}\n", `f:5:5: the volume "o" is mounted at /a already`},
		{"a file there", head3 + "apiServer:\n  extraVolumes:\n  - {name: o, hostPath: /a, mountPath: /a, pathType: File}\n", `f:5:5: the volume "o" is mounted at /a already`},
		{"brackets over lines", head3 + "apiServer:\n  extraArgs: {v: a,\n    w: b}\n", "f:4:14: this is written in brackets over several lines"},
		{"a value over lines", head3 + "apiServer:\n  extraArgs:\n    audit-log-maxage: >-\n      5\n", "f:5:23: audit-log-maxage is written in a way"},
		{"a quote that reaches back", head3 + "apiServer:\n  extraArgs:\n    x: \"a\nb\"\n", "f:1:1: its apiServer is written in a way that cannot be changed in place"},
		{"JSON over lines", "{\n\"apiVersion\": \"kubeadm.k8s.io/v1beta4\",\n\"kind\": \"ClusterConfiguration\"}\n", "f:1:1: this is written in brackets over several lines"},
	} {
		got, _, err := small.Into("f", []byte(c.in))
		if err == nil || got != nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, %q\nwant %s", c.name, err, got, c.want)
			continue
		}
		for _, p := range document.ProblemsOf(err) {
			if p.Hint == "" && !strings.Contains(p.What, "empty") {
				t.Errorf("%s: no hint with %v", c.name, p)
			}
		}
	}
}

// TestKubeadmIntoReadOnly has a folder that the kube-apiserver must write to
// mounted read-only by somebody else.
func TestKubeadmIntoReadOnly(t *testing.T) {
	t.Parallel()
	k := render.Kubeadm{Mounts: []manifest.Mount{{Name: "auditsetup-log", HostPath: "/l", MountPath: "/l", Type: "DirectoryOrCreate"}}}
	for readOnly, fits := range map[string]bool{"true": false, "false": true} {
		_, _, err := k.Into("f", []byte(head4+"apiServer:\n  extraVolumes:\n  - {name: o, hostPath: /l, mountPath: /l, readOnly: "+readOnly+"}\n"))
		if (err == nil) != fits {
			t.Errorf("readOnly: %s: %v", readOnly, err)
		}
	}
}

// TestKubeadmIntoReportsAll finds what is wrong with every document.
func TestKubeadmIntoReportsAll(t *testing.T) {
	t.Parallel()
	_, _, err := small.Into("f", []byte("a: [\n---\nb: 1\nb: 2\n---\n\tc\n"))
	if got := document.ProblemsOf(err); len(got) != 3 || got[0].Line > 2 || got[1].Line != 4 || got[2].Line != 6 {
		t.Errorf("%v", err)
	}
}

func TestKubeadmHeaded(t *testing.T) {
	t.Parallel()
	for _, config := range []string{head3, strings.ReplaceAll(head3, "\n", "\r\n"), "\xef\xbb\xbf" + head3} {
		once := small.Headed("cluster.yaml", []byte(config))
		again := small.Headed("cluster.yaml", once)
		if string(once) != string(again) || !strings.HasSuffix(string(once), strings.TrimPrefix(config, "\xef\xbb\xbf")) {
			t.Errorf("%q\n%q", once, again)
		}
		if strings.HasPrefix(config, "\xef") != strings.HasPrefix(string(once), "\xef") || strings.Count(string(once), "\r\n") > 0 != strings.Contains(config, "\r") {
			t.Errorf("%q", once)
		}
	}
}

// decoded is every document of a file, for comparison.
func decoded(data []byte) ([]any, error) {
	var all []any
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	for {
		var v any
		if err := dec.Decode(&v); err != nil {
			if err.Error() == "EOF" {
				return all, nil
			}
			return all, err
		}
		if v != nil {
			all = append(all, v)
		}
	}
}

// FuzzKubeadmInto wants for whatever is accepted: a second time changes nothing,
// every line without our words is still there and in order, and so is every
// value outside apiServer.
func FuzzKubeadmInto(f *testing.F) {
	for _, c := range intoCases {
		f.Add([]byte(c.before))
		f.Add([]byte(c.after))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _, err := small.Into("f", data)
		if err != nil {
			if len(document.ProblemsOf(err)) == 0 || got != nil {
				t.Fatalf("%v, %q", err, got)
			}
			return
		}
		again, notes, err := small.Into("f", got)
		if err != nil || string(again) != string(got) || len(notes) > 0 {
			t.Fatalf("a second time: %v, %v\n%q\n%q", err, notes, got, again)
		}
		before, err := decoded(data)
		after, err2 := decoded(got)
		if err != nil || err2 != nil {
			t.Fatalf("%v, %v", err, err2)
		}
		without := func(docs []any) []any {
			for _, d := range docs {
				if m, ok := d.(map[string]any); ok && m["kind"] == "ClusterConfiguration" {
					delete(m, "apiServer")
				}
			}
			return docs
		}
		if before, after = without(before), without(after); !reflect.DeepEqual(before, after[:min(len(before), len(after))]) {
			t.Fatalf("%q\n%q", data, got)
		}
	})
}
