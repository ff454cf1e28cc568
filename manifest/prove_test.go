// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"
	"strings"
	"testing"
)

const proven = `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --audit-log-path=/old.log
    - --v=2
    somethingNew: 1
  - name: side
    command: [pause]
`

// plainly is the same with no field that a Pod has not.
var plainly = strings.Replace(proven, "somethingNew: 1", "image: a", 1)

// The proof fails for whatever a faulty splice might do. What Apply makes is
// changed by hand here, as the splicing itself does none of this.
func TestProofFails(t *testing.T) {
	t.Parallel()
	proofFails(t, proven, "somethingNew: 1", "somethingNew: 2")
	proofFails(t, plainly, "image: a", "image: b")
}

func proofFails(t *testing.T, text, field, changed string) {
	t.Helper()
	want := Want{Flags: []Flag{{"audit-policy-file", "/p"}, {"audit-log-maxage", "3"}}, PolicyHash: "e", TakeOver: true,
		Mounts: []Mount{{Name: "the-log", HostPath: "/log", MountPath: "/log", Type: "Directory"}}}
	base := read(t, text)
	on, err := Apply(base, want)
	if err != nil {
		t.Fatal(err)
	}
	prove := func(text string) error { return base.proveApplied(read(t, text), want, want.Mounts) }
	if err := prove(string(on.After)); err != nil {
		t.Fatalf("the untouched outcome: %v", err)
	}
	foreign := []string{"a foreign flag lost", "a foreign flag changed", "the program lost", "a volume more", "an annotation more", "a label", "a field", "a field of the sidecar"}
	for name, c := range map[string][2]string{
		"a flag missing":            {"    - --audit-log-maxage=3\n", ""},
		"a flag twice":              {"    - --audit-log-maxage=3\n", "    - --audit-log-maxage=3\n    - --audit-log-maxage=3\n"},
		"another value":             {"maxage=3\n", "maxage=4\n"},
		"one audit flag more":       {"    - --v=2\n", "    - --v=2\n    - --audit-log-compress\n"},
		"a foreign flag lost":       {"    - --v=2\n", ""},
		"a foreign flag changed":    {"--v=2", "--v=3"},
		"the program lost":          {"    - kube-apiserver\n", ""},
		"the mount lost":            {"    volumeMounts:\n    - mountPath: /log\n      name: the-log\n", ""},
		"the mount read-only":       {"      name: the-log\n", "      name: the-log\n      readOnly: true\n"},
		"the volume of another":     {"path: /log\n", "path: /data\n"},
		"a volume more":             {"  volumes:\n", "  volumes:\n  - name: b\n"},
		"a volume of our name more": {"  volumes:\n", "  volumes:\n  - name: the-log\n"},
		"the hash lost":             {"    auditsetup.io/policy-sha256: 'e'\n", ""},
		"the hash changed":          {"sha256: 'e'", "sha256: 'f'"},
		"an annotation more":        {"sha256: 'e'\n", "sha256: 'e'\n    a: b\n"},
		"a label":                   {"  name: kube-apiserver\n  annot", "  name: kube-apiserver\n  labels: {}\n  annot"},
		"a field":                   {field, changed},
		"a field of the sidecar":    {"[pause]", "[pause, --audit-log-maxage=3]"},
		"a comment":                 {"kind: Pod\n", "kind: Pod # remark\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(string(on.After), c[0], c[1], 1)
			if text == string(on.After) {
				t.Fatalf("there is no %q in\n%s", c[0], text)
			}
			if err := prove(text); err == nil {
				t.Errorf("this is proven:\n%s", text)
			}
			other := read(t, text)
			if err := base.sameApartFrom(other.record.plan(), other); err == nil && slices.Contains(foreign, name) {
				t.Errorf("this counts as the same pod:\n%s", text)
			}
		})
	}
}

// The proof of Undo fails for what a faulty splice might leave or lose.
func TestProofOfUndoFails(t *testing.T) {
	t.Parallel()
	proofOfUndoFails(t, proven, "    somethingNew: 1\n")
	proofOfUndoFails(t, plainly, "    image: a\n")
}

func proofOfUndoFails(t *testing.T, proven, field string) {
	t.Helper()
	on, err := Apply(read(t, proven), Want{Flags: []Flag{{"audit-policy-file", "/p"}}, PolicyHash: "e", TakeOver: true,
		Mounts: []Mount{{Name: "the-log", HostPath: "/log", MountPath: "/log"}}})
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, string(on.After))
	u := m.undoing(false)
	if _, err := m.proveUndone([]byte(proven), u); err != nil {
		t.Fatalf("the original: %v", err)
	}
	for name, text := range map[string]string{
		"nothing undone":    string(on.After),
		"flag not put back": strings.Replace(proven, "    - --audit-log-path=/old.log\n", "", 1),
		"flag left":         strings.Replace(proven, "    - --v=2\n", "    - --v=2\n    - --audit-policy-file=/p\n", 1),
		"volume left":       proven + "  volumes: [{name: the-log}]\n",
		"annotation left":   strings.Replace(proven, "metadata:\n", "metadata:\n  annotations: {auditsetup.io/policy-sha256: e}\n", 1),
		"field lost":        strings.Replace(proven, field, "", 1),
		"unreadable":        strings.Replace(proven, "spec:", "spec", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := m.proveUndone([]byte(text), u); err == nil {
				t.Errorf("this is proven:\n%s", text)
			}
		})
	}
}

func read(t *testing.T, text string) *Manifest {
	t.Helper()
	m, err := Read("m.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}
