// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
)

const side = "  - name: side\n    command: [pause]\n"

// small is a pod in which every line is easy to find.
const small = `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.37.1
    command:
    - kube-apiserver
    - --v=2
    volumeMounts:
    - mountPath: /etc/ssl
      name: certs
  volumes:
  - hostPath: {path: /etc/ssl}
    name: certs
`

// edited replaces in small; each old text has to be there.
func edited(t *testing.T, oldNew ...string) string {
	t.Helper()
	s := small
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(s, oldNew[i]) {
			t.Fatalf("there is no %q in\n%s", oldNew[i], s)
		}
		s = strings.Replace(s, oldNew[i], oldNew[i+1], 1)
	}
	return s
}

// refusedPods are pods that are refused, with the words.
var refusedPods = []struct {
	name   string
	oldNew []string
	// want is the start of each error, one a line.
	want string
}{
	{"several documents", []string{"  volumes:", "---\na: 1\n---\n  volumes:"}, "m.yaml:16:1: a second document starts here, and only the first is read"},
	{"a key twice", []string{"    command:", "    image: b\n    command:"}, `m.yaml:9:5: key "image" is given twice, first in line 8`},
	{"a tab", []string{"    - --v=2", "\t- --v=2"}, "m.yaml:11:1: not valid YAML: a tab in the indentation"},
	{"binary", []string{"--v=2", "--v=\x00"}, "m.yaml:11:11: holds binary data"},
	{"another kind", []string{"kind: Pod", "kind: Deployment"}, `m.yaml:2: not a static pod: apiVersion "v1", kind "Deployment", wanted v1 and Pod`},
	{"another version", []string{"v1\n", "v2\n"}, `m.yaml:2: not a static pod: apiVersion "v2", kind "Pod", wanted v1 and Pod`},
	{"a list of pods", []string{"kind: Pod", "kind: PodList"}, `m.yaml:2: not a static pod: apiVersion "v1", kind "PodList", wanted v1 and Pod`},
	{"kind in another case", []string{"kind: Pod", "Kind: Pod"}, `m.yaml:1: not a static pod: apiVersion "v1", kind "", wanted v1 and Pod`},
	{"no number for a command", []string{"--v=2", "2"}, "m.yaml: the kubelet cannot decode this as a Pod: json: cannot unmarshal number into Go struct field Container.spec.containers.command of type string"},
	{"yes is no text", []string{"--v=2", "yes"}, "m.yaml: the kubelet cannot decode this as a Pod: json: cannot unmarshal bool into Go struct field Container.spec.containers.command of type string"},
	{"no kube-apiserver", []string{"- name: kube-apiserver", "- name: etcd", "- kube-apiserver", "- etcd"}, "m.yaml:7: no container of this pod is a kube-apiserver"},
	{"no containers", []string{"  containers:", "  initContainers:"}, "m.yaml: no container of this pod is a kube-apiserver"},
	{"two by name", []string{"  volumes:", side + "  - name: kube-apiserver\n    command: [kube-apiserver]\n  volumes:"}, "m.yaml:17: more than one container of this pod is a kube-apiserver"},
	{"two by command", []string{"- name: kube-apiserver", "- name: a", "  volumes:", "  - name: b\n    command: [/bin/kube-apiserver]\n  volumes:"}, "m.yaml:15: more than one container of this pod is a kube-apiserver"},
	{"a shell", []string{"- kube-apiserver\n", "- /bin/sh\n    - -c\n    - exec kube-apiserver\n"}, `m.yaml:10: the kube-apiserver is started through "/bin/sh", so its flags cannot be told from shell text`},
	{"a shell with args", []string{"    - kube-apiserver\n    - --v=2", "    - bash\n    args: [-c, kube-apiserver --v=2]"}, `m.yaml:10: the kube-apiserver is started through "bash", so its flags cannot be told from shell text`},
	{"no command", []string{"    command:\n    - kube-apiserver\n    - --v=2\n", ""}, "m.yaml:7: the kube-apiserver container has neither command nor args"},
	{"an empty command", []string{"    command:\n    - kube-apiserver\n    - --v=2\n", "    command: []\n    args:\n"}, "m.yaml:7: the kube-apiserver container has neither command nor args"},
	{"a flag over the seam", []string{"--v=2", "--audit-log-path\n    args: [/x]"}, "m.yaml:11: --audit-log-path stands at the end of command, and its value at the start of args"},
	{"command by alias", []string{"- name: kube-apiserver", "- name: side\n    command: &c [kube-apiserver]\n  - name: kube-apiserver", "command:\n    - kube-apiserver\n    - --v=2", "command: *c"},
		"m.yaml:11: the container's command is written with a YAML anchor, alias, tag or merge key, or is not plain text"},
	{"an item by alias", []string{"name: kube-apiserver\nspec", "name: &n kube-apiserver\nspec", "- kube-apiserver\n", "- *n\n"},
		"m.yaml:10: item 1 of the container's command is written with a YAML anchor, alias, tag or merge key, or is not plain text"},
	{"an item that is null", []string{"--v=2", "~"}, "m.yaml:11: item 2 of the container's command is written with"},
	{"command by merge key", []string{"- name: kube-apiserver", "- &s\n    name: side\n    command: [kube-apiserver]\n  - <<: *s\n    name: kube-apiserver", "    command:\n    - kube-apiserver\n    - --v=2\n", ""},
		"m.yaml: the container's command is written with a YAML anchor, alias, tag or merge key"},
	{"volumes by merge key", []string{"spec:\n", "spec:\n  <<: {volumes: [{name: certs}]}\n", "  volumes:\n  - hostPath: {path: /etc/ssl}\n    name: certs\n", ""}, "m.yaml: spec.volumes is written with"},
	{"mounts that others read too", []string{"volumeMounts:", "volumeMounts: &m", "  volumes:", "  - {name: side, volumeMounts: *m}\n  volumes:"},
		"m.yaml:12: the container's volumeMounts is written with a YAML anchor, alias, tag or merge key"},
	{"the container itself read twice", []string{"  - name: kube-apiserver", "  - &s\n    name: kube-apiserver", "  volumes:", "  - {<<: *s, name: side}\n  volumes:"},
		"m.yaml:7: the kube-apiserver container is written with a YAML anchor, alias, tag or merge key"},
	{"a tagged null", []string{"  volumes:\n  - hostPath: {path: /etc/ssl}\n    name: certs\n", "  volumes: !!null null\n"}, "m.yaml:15: spec.volumes is written with a YAML anchor, alias, tag"},
	{"metadata by alias", []string{"metadata:\n  name: kube-apiserver", "metadata: &m\n  name: kube-apiserver\n  labels: {a: b}\nx: *m"}, "m.yaml:3: metadata is written with"},
	{"no metadata", []string{"metadata:\n  name: kube-apiserver\n", ""}, "m.yaml: the pod has no metadata"},
	{"null metadata", []string{"metadata:\n  name: kube-apiserver\n", "metadata: ~\n"}, "m.yaml:3: the pod has no metadata"},
	{"an explicit key", []string{"    volumeMounts:\n", "    ? volumeMounts\n    :\n"}, "m.yaml:12:7: this is written in a kind of YAML that auditsetup cannot edit in place"},
	{"an anchor on nothing", []string{"  volumes:\n", "  dnsPolicy: &x\n  volumes:\n"}, "m.yaml:15:14: this is written in a kind of YAML that auditsetup cannot edit in place"},
	{"a pair in brackets", []string{"    volumeMounts:\n", "    ports: [containerPort: 1]\n    volumeMounts:\n"}, "m.yaml:12:13: this is written in a kind of YAML that auditsetup cannot edit in place"},
	{"a lone return", []string{"--v=2", "--v=2\r    - --a"}, `m.yaml:11: a line ends in a lone \r, which editors and YAML parsers do not agree on`},
	{"a next line", []string{"--v=2", "--v=2 # a\u0085"}, "m.yaml:11: a line ends in the character U+0085, which"},
	{"a line separator", []string{"--v=2", "\"--v=\u2028\""}, "m.yaml:11: a line ends in the character U+2028, which"},
	{"a paragraph separator", []string{"kind: Pod", "kind: Pod # \u2029", "--v=2", "\"--v=\u2028\""}, "m.yaml:2: a line ends in the character U+2029, which"},
	{"no end of text", []string{"{path: /etc/ssl}\n    name: certs\n", "{path: /etc/ssl}\n    name: |\n      certs"}, "m.yaml:17:11: the file ends in the last line of this text, without a line break"},
	{"damaged record", []string{"metadata:\n", "metadata:\n  annotations:\n    auditsetup.io/undo: '{\"v\":1,'\n"}, "m.yaml:5: the annotation auditsetup.io/undo is damaged: unexpected end of JSON input"},
	{"empty record", []string{"metadata:\n", "metadata:\n  annotations:\n    auditsetup.io/undo: ''\n"}, "m.yaml:5: the annotation auditsetup.io/undo is damaged: unexpected end of JSON input"},
	{"record with more in it", []string{"metadata:\n", "metadata:\n  annotations: {auditsetup.io/undo: '{\"v\":1,\"x\":1}'}\n"}, `m.yaml:4: the annotation auditsetup.io/undo is damaged: json: unknown field "x"`},
	{"record of another version", []string{"metadata:\n", "metadata:\n  annotations: {auditsetup.io/undo: '{\"v\":2,\"x\":1}'}\n"}, "m.yaml:4: the annotation auditsetup.io/undo is of another version of auditsetup"},
	{"what is left of a record", []string{"metadata:\n", "metadata:\n  annotations: {auditsetup.io/policy-sha256: a}\n"},
		"m.yaml:4: the annotation auditsetup.io/policy-sha256 is there, but auditsetup.io/undo, which belongs to it, is gone"},
	{"audit flags of somebody else", []string{"    - --v=2\n", "    - --audit_log_path=/x\n    # two\n    - \"--audit-log-maxage\"\n    - \"3\"\n    args: [--audit-log-compress]\n"},
		"m.yaml:11: --audit-log-path=/x is set already, and not by auditsetup\nm.yaml:13: --audit-log-maxage=3 is set already, and not by auditsetup\nm.yaml:15: --audit-log-compress=true is set already, and not by auditsetup"},
}

const (
	logDir    = "/var/log/kubernetes/audit"
	policyDir = "/etc/kubernetes/audit"
)

// noFlags asks for nothing, and allows nothing.
func noFlags() manifest.Want { return manifest.Want{} }

// TestRefuses has each refusal with its words and its line. What document.Parse
// refuses is tested there; here stands one of each that a manifest may have.
func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range refusedPods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, edited(t, tt.oldNew...), noFlags(), tt.want)
		})
	}
	refused(t, "", noFlags(), "m.yaml: is empty")
	refused(t, "- a\n", noFlags(), "m.yaml:1:1: not a static pod: the document is no mapping")
	refused(t, "Pod", noFlags(), "m.yaml:1:1: not a static pod: the document is no mapping")
}

func refused(t *testing.T, data string, w manifest.Want, want string) {
	t.Helper()
	m, err := manifest.Read("m.yaml", []byte(data))
	if err == nil {
		_, err = manifest.Apply(m, w)
	}
	if err == nil {
		t.Fatalf("accepted, want %s:\n%s", want, data)
	}
	var problems document.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	wants := strings.Split(want, "\n")
	if len(problems) != len(wants) {
		t.Fatalf("got\n%v\nwant\n%s\nin\n%s", err, want, data)
	}
	for i, p := range problems {
		if !strings.HasPrefix(p.Error(), wants[i]) {
			t.Errorf("got  %s\nwant %s\nin\n%s", p.Error(), wants[i], data)
		}
		if p.Hint == "" && !strings.Contains(p.What, "decode") && !strings.Contains(p.What, "empty") {
			t.Errorf("there is no hint with %s", p.Error())
		}
	}
}

// The lines of a refusal are those of the file that the user has, not of what
// is left of it without our own lines.
func TestRefusesByLineOfUser(t *testing.T) {
	t.Parallel()
	w := want()
	w.TakeOver = false
	on := string(apply(t, []byte(small), w).After)
	theirs := strings.Replace(on, "    - --v=2\n", "    - --v=2\n    - --audit-log-format=json\n", 1)
	line := 1 + strings.Count(theirs[:strings.Index(theirs, "--audit-log-format")], "\n")
	if line != 15 {
		t.Fatalf("the test has another manifest in mind: line %d of\n%s", line, theirs)
	}
	refused(t, theirs, w, "m.yaml:15: --audit-log-format=json is set already, and not by auditsetup")
	theirs = strings.Replace(on, "    - mountPath: /etc/ssl\n      name: certs\n", "    - {mountPath: /data, name: certs}\n", 1)
	w.Mounts[1].MountPath = "/data"
	refused(t, theirs, w, "m.yaml:21: /data already shows /etc/ssl of the host, by volume \"certs\"")
}

// mountCases are what may be mounted beside what is there, and what may not.
var mountCases = []struct {
	name string
	// mount and volume are the lines of one more of each, named "x".
	mount, volume string
	// refuse is the error; else added are the volumes that are new.
	refuse string
	added  []string
}{
	{"nothing there", "", "", "", []string{"auditsetup-policy", "auditsetup-log"}},
	{"there already", "mountPath: " + logDir, "hostPath: {path: " + logDir + "}", "", []string{"auditsetup-policy"}},
	{"there with a slash", "mountPath: " + logDir + "/", "hostPath: {path: " + logDir + "/, type: DirectoryOrCreate}", "", []string{"auditsetup-policy"}},
	{"through a parent", "mountPath: /var/log", "hostPath: {path: /var/log, type: Directory}", "", []string{"auditsetup-policy"}},
	{"through the root", "mountPath: /", "hostPath: {path: /}", "", nil},
	{"through a parent elsewhere", "mountPath: /var/log", "hostPath: {path: /data}", "", []string{"auditsetup-policy", "auditsetup-log"}},
	{"read-only parent is enough to read", "mountPath: /etc/kubernetes\n      readOnly: true", "hostPath: {path: /etc/kubernetes}", "", []string{"auditsetup-log"}},
	{"below a read-only parent of the same folder", "mountPath: /var/log\n      readOnly: true", "hostPath: {path: /var/log}", "", []string{"auditsetup-policy", "auditsetup-log"}},
	{"below a read-only parent of another", "mountPath: /var/log\n      readOnly: true", "hostPath: {path: /data}", "m.yaml:13: " + logDir + ` lies in /var/log, which volume "x" mounts read-only from another place`, nil},
	{"below a read-only parent of no folder", "mountPath: /var\n      readOnly: true", "emptyDir: {}", "m.yaml:13: " + logDir + ` lies in /var, which volume "x" mounts read-only from another place`, nil},
	{"below a part of a folder", "mountPath: /var/log\n      subPath: log", "hostPath: {path: /var}", "", []string{"auditsetup-policy", "auditsetup-log"}},
	{"a longer name is no parent", "mountPath: /var/log/kubernetes/aud", "hostPath: {path: /data}", "", []string{"auditsetup-policy", "auditsetup-log"}},
	{"a longer name is no read-only parent", "mountPath: /var/log/kubernetes/aud\n      readOnly: true", "hostPath: {path: /data}", "", []string{"auditsetup-policy", "auditsetup-log"}},
	{"another folder there", "mountPath: " + logDir, "hostPath: {path: /data}", "m.yaml:13: " + logDir + ` already shows /data of the host, by volume "x"`, nil},
	{"read-only there", "mountPath: " + logDir + "\n      readOnly: true", "hostPath: {path: " + logDir + "}", "m.yaml:13: " + logDir + ` is already mounted, read-only, by volume "x", and the kube-apiserver must write there`, nil},
	{"a file there", "mountPath: " + policyDir, "hostPath: {path: " + policyDir + ", type: File}", "m.yaml:13: " + policyDir + ` is already mounted as a File by volume "x", and a folder is needed: a mounted file cannot be rotated`, nil},
	{"a file in the way", "mountPath: /etc/kubernetes", "hostPath: {path: /etc/kubernetes, type: File}", "m.yaml:13: " + policyDir + ` lies in /etc/kubernetes, which volume "x" mounts as a File`, nil},
	{"no folder of the host there", "mountPath: " + logDir, "emptyDir: {}", "m.yaml:13: " + logDir + ` is already the mount of volume "x", which is not a plain folder of the host`, nil},
	{"a part of a folder there", "mountPath: " + logDir + "\n      subPath: a", "hostPath: {path: /var/log/kubernetes}", "m.yaml:13: " + logDir + ` is already the mount of volume "x", which is not a plain folder of the host`, nil},
	{"mount without volume", "mountPath: " + logDir, "", "m.yaml:13: " + logDir + ` is already the mount of volume "x", which is not a plain folder of the host`, nil},
	{"name taken", "", "name: auditsetup-log\n    hostPath: {path: /data}", "", []string{"auditsetup-policy", "auditsetup-log-2"}},
	{"name taken by a stray mount", "mountPath: /data\n      name: auditsetup-log", "", "", []string{"auditsetup-policy", "auditsetup-log-2"}},
}

// What may be mounted beside what is there, and what may not.
func TestMounts(t *testing.T) {
	t.Parallel()
	for _, tt := range mountCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := edited(t, "    - mountPath: /etc/ssl\n", withEntry("    ", tt.mount)+"    - mountPath: /etc/ssl\n",
				"  - hostPath: {path: /etc/ssl}\n", withEntry("  ", tt.volume)+"  - hostPath: {path: /etc/ssl}\n")
			if tt.refuse != "" {
				refused(t, s, want(), tt.refuse)
				return
			}
			on := apply(t, []byte(s), want())
			if off := undo(t, on.After); string(off.After) != s {
				t.Errorf("not the original bytes:\n%s", lineDiff([]byte(s), off.After))
			}
			before, after := names(pod(t, []byte(s))), names(pod(t, on.After))
			if got := strings.Join(after[len(before):], " "); got != strings.Join(tt.added, " ") {
				t.Errorf("the new volumes are %q, want %q", got, tt.added)
			}
			for _, m := range want().Mounts {
				if !pod(t, on.After).shows(m) {
					t.Errorf("the container does not see %v", m)
				}
			}
		})
	}
}

// withEntry is a list item with the fields and, if they have none, the name x.
func withEntry(indent, fields string) string {
	if fields == "" {
		return ""
	}
	if !strings.Contains(fields, "name:") {
		fields += "\n" + indent + "  name: x"
	}
	return indent + "- " + fields + "\n"
}

func names(p tree) []string {
	var all []string
	for _, v := range p.spec()["volumes"].([]any) {
		all = append(all, v.(map[string]any)["name"].(string))
	}
	return all
}

// Two mounts that cannot be are two problems.
func TestMountsAllProblems(t *testing.T) {
	t.Parallel()
	s := edited(t, "    volumeMounts:\n", "    volumeMounts:\n    - {name: certs, mountPath: /var/log/kubernetes/audit}\n    - {name: certs, mountPath: /etc/kubernetes/audit}\n", "--v=2", "--audit-log-path=/x")
	w := want()
	w.TakeOver = false
	refused(t, s, w, "m.yaml:11: --audit-log-path=/x is set already, and not by auditsetup\n"+
		"m.yaml:14: /etc/kubernetes/audit already shows /etc/ssl of the host, by volume \"certs\"\n"+
		"m.yaml:13: /var/log/kubernetes/audit already shows /etc/ssl of the host, by volume \"certs\"")
}

// Only the kube-apiserver container is ours, and how it is found.
func TestFindsContainer(t *testing.T) {
	t.Parallel()
	for name, oldNew := range map[string][]string{
		"by its command":         {"- name: kube-apiserver", "- name: server", "- kube-apiserver", "- /usr/local/bin/kube-apiserver"},
		"by its name alone":      {"- kube-apiserver", "- /hyperkube"},
		"name before command":    {"  - name: kube-apiserver", "  - {name: a, command: [kube-apiserver]}\n  - name: kube-apiserver"},
		"not the initContainers": {"  containers:", "  initContainers:\n  - {name: kube-apiserver, command: [kube-apiserver, --audit-log-path=/x]}\n  containers:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := edited(t, oldNew...)
			on := apply(t, []byte(s), want())
			m, err := manifest.Read("m.yaml", on.After)
			if err != nil {
				t.Fatal(err)
			}
			if m.Image() != "registry.k8s.io/kube-apiserver:v1.37.1" || len(m.AuditSettings()) != len(want().Flags) {
				t.Errorf("the wrong container was changed:\n%s", on.After)
			}
			if !strings.Contains(string(on.After), "    - --v=2\n    - --audit-policy-file=") {
				t.Errorf("the flags are not behind the others:\n%s", on.After)
			}
			if off := undo(t, on.After); string(off.After) != s {
				t.Errorf("not the original bytes:\n%s", lineDiff([]byte(s), off.After))
			}
		})
	}
}

// What a command line says, as the kube-apiserver reads it.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := edited(t, "    - --v=2\n", "    - --audit_log_path\n    - '-'\n    - --audit-log-compress\n    - --audit-log-maxage=\n    - --profiling\n    - --\n    args: [\"--audit-log-path=a=b\", --audit-log-batch-throttle-enable, --audit-log-mode]\n")
	m, err := manifest.Read("m.yaml", []byte(s))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range m.Settings() {
		got = append(got, s.Name+"="+s.Value)
	}
	const want = "audit-log-path=- audit-log-compress=true audit-log-maxage= profiling= audit-log-path=a=b audit-log-batch-throttle-enable=true audit-log-mode="
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}
