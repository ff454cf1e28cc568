// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
	sigsyaml "sigs.k8s.io/yaml"
)

// bareSmall has neither volumes nor mounts, so that Apply makes the keys.
const bareSmall = `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --v=2
`

// takenSmall has audit settings of somebody else in every form.
const takenSmall = `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --audit-log-path=/first.log # the first
    - --audit-log-path
    - /old.log
    # days
    - --audit-log-maxage
    # two
    - "7"
    - --v=2
    - --audit-log-compress # last
    # end
`

// change is an edit that somebody makes between Apply and Undo: each old text
// has to be there.
type change []string

func (c change) of(t *testing.T, s string) string {
	t.Helper()
	record := regexp.MustCompile(`auditsetup.io/undo: '.*'`).FindString(s)
	s = strings.Replace(s, record, "RECORD", 1)
	for i := 0; i < len(c); i += 2 {
		if !strings.Contains(s, c[i]) {
			t.Fatalf("there is no %q in\n%s", c[i], s)
		}
		s = strings.ReplaceAll(s, c[i], c[i+1])
	}
	return strings.Replace(s, "RECORD", record, 1)
}

// driftCases are edits of what Apply wrote.
var driftCases = []struct {
	name  string
	start string
	edit  change
	// left is the edit that turns start into what Undo has to give.
	left  change
	drift []string
}{
	{"nothing", small, nil, nil, nil},
	{"value changed", small, change{"maxage=30", "maxage=5"}, nil, []string{"--audit-log-maxage 30 -> 5, line 17"}},
	{"value changed into two items", small, change{"maxage=30", "maxage\n    - \"5\""}, nil, []string{"--audit-log-maxage 30 -> 5, line 17"}},
	{"same value in two items", small, change{"maxage=30", "maxage\n    - \"30\""}, nil, nil},
	{"spelled with underscores", small, change{"--audit-log-maxage=30", "--audit_log_maxage=31"}, nil, []string{"--audit-log-maxage 30 -> 31, line 17"}},
	{"quoted", small, change{"--audit-log-maxage=30", "'--audit-log-maxage=30' # days"}, nil, nil},
	{"flag deleted", small, change{maxageFlag, ""}, nil, []string{"--audit-log-maxage 30 gone"}},
	{"all flags deleted", small, change{allFlags, ""}, nil, []string{"--audit-policy-file /etc/kubernetes/audit/policy.yaml gone", "--audit-log-path /var/log/kubernetes/audit/audit.log gone",
		"--audit-log-maxage 30 gone", "--audit-log-maxbackup 10 gone", "--audit-log-maxsize 100 gone"}},
	{"flag copied", small, change{sizeFlag, sizeFlag + maxageFlag}, nil, nil},
	{"flag given again", small, change{sizeFlag, sizeFlag + "    - --audit-log-maxage=9\n"}, change{"--v=2\n", "--v=2\n    - --audit-log-maxage=9\n"}, nil},
	{"flag given again before", small, change{policyFlag, "    - --audit-log-maxage=9\n" + policyFlag}, change{"--v=2\n", "--v=2\n    - --audit-log-maxage=9\n"}, nil},
	{"flags before, between and after", small, change{policyFlag, "    - --a=1\n" + policyFlag + "    - --b=2\n", sizeFlag, sizeFlag + "    - --c\n    - \"3\"\n"},
		change{"--v=2\n", "--v=2\n    - --a=1\n    - --b=2\n    - --c\n    - \"3\"\n"}, nil},
	{"comments between", small, change{maxageFlag, "    # one\n" + maxageFlag + "\n  # two\n"}, change{"--v=2\n", "--v=2\n    # one\n\n  # two\n"}, nil},
	{"flags moved to args", small, change{allFlags, "", "    image:", "    args:\n" + allFlags + "    image:"}, change{"    image:", "    args:\n    image:"}, nil},
	{"flags moved to args in brackets", small, change{allFlags, "", "    image:", "    args: [" + strings.ReplaceAll(strings.ReplaceAll(allFlags, "    - ", ""), "\n", ", ") + "]\n    image:"}, change{"    image:", "    args: [ ]\n    image:"}, nil},
	{"volume removed", small, change{logVol, "", logMnt, ""}, nil, []string{"mount /var/log/kubernetes/audit  gone", "volume auditsetup-log  gone"}},
	{"volume renamed", small, change{"auditsetup-log\n", "mine\n"}, change{"/ssl\n      name: certs\n", "/ssl\n      name: certs\n" + strings.Replace(logMnt, "auditsetup-log", "mine", 1),
		etcSSL, etcSSL + strings.Replace(logVol, "auditsetup-log", "mine", 1)}, []string{"mount /var/log/kubernetes/audit  gone", "volume auditsetup-log  gone"}},
	{"volume in another place", small, change{"      path: /var/log/kubernetes/audit", "      path: /data"}, nil, []string{"volume auditsetup-log /var/log/kubernetes/audit DirectoryOrCreate -> /data DirectoryOrCreate, line 35"}},
	{"volume of another kind", small, change{logVol, "  - {name: auditsetup-log, emptyDir: {}}\n"}, nil, []string{"volume auditsetup-log /var/log/kubernetes/audit DirectoryOrCreate -> not a folder of the host, line 35"}},
	{"mount in another place", small, change{"mountPath: /var/log/kubernetes/audit", "mountPath: /logs"}, nil, []string{"mount /var/log/kubernetes/audit /var/log/kubernetes/audit read-write -> /logs read-write, line 26"}},
	{"mount made read-only", small, change{"      name: auditsetup-log\n", "      name: auditsetup-log\n      readOnly: true\n"}, nil, []string{"mount /var/log/kubernetes/audit /var/log/kubernetes/audit read-write -> /var/log/kubernetes/audit read-only, line 26"}},
	{"volume used by a sidecar", small, change{"  volumes:\n", sidecarPart + "  volumes:\n"}, change{"  volumes:\n", sidecarPart + "  volumes:\n", etcSSL, etcSSL + logVol},
		[]string{`volume auditsetup-log  kept, the container "shipper" mounts it, line 38`}},
	{"volume used by an initContainer", small, change{"  volumes:\n", "  initContainers:\n" + sidecarPart + "  volumes:\n"}, change{"  volumes:\n", "  initContainers:\n" + sidecarPart + "  volumes:\n", etcSSL, etcSSL + logVol},
		[]string{`volume auditsetup-log  kept, the container "shipper" mounts it, line 39`}},
	{"volume mounted a second time", small, change{"    - mountPath: /etc/ssl\n", "    - {mountPath: /l, name: auditsetup-log}\n    - mountPath: /etc/ssl\n"}, change{"    - mountPath: /etc/ssl\n", "    - {mountPath: /l, name: auditsetup-log}\n    - mountPath: /etc/ssl\n", etcSSL, etcSSL + logVol},
		[]string{`volume auditsetup-log  kept, the container "kube-apiserver" mounts it, line 36`}},
	{"mount needed by a flag", small, change{sizeFlag, sizeFlag + "    - --audit-webhook-config-file=/etc/kubernetes/audit/hook.yaml\n"},
		change{"--v=2\n", "--v=2\n    - --audit-webhook-config-file=/etc/kubernetes/audit/hook.yaml\n", "/ssl\n      name: certs\n", "/ssl\n      name: certs\n" + policyMnt, etcSSL, etcSSL + policyVol},
		[]string{"mount /etc/kubernetes/audit  kept, --audit-webhook-config-file needs it, line 24", `volume auditsetup-policy  kept, the container "kube-apiserver" mounts it, line 32`}},
	{"annotation deleted", small, change{hashNote, ""}, nil, []string{"annotation auditsetup.io/policy-sha256  gone"}},
	{"annotation changed", small, change{"'1234567890", "'x234567890"}, nil, nil},
	{"annotation of the user", small, change{hashNote, hashNote + "    mine: yes it is\n"}, change{"metadata:\n  name: kube-apiserver\n", "metadata:\n  name: kube-apiserver\n  annotations:\n    mine: yes it is\n"}, nil},
	{"own volume behind ours", bareSmall, change{logVol, logVol + "  - {name: mine, emptyDir: {}}\n", logMnt, logMnt + "    - {name: mine, mountPath: /m}\n"},
		change{"--v=2\n", "--v=2\n    volumeMounts:\n    - {name: mine, mountPath: /m}\n  volumes:\n  - {name: mine, emptyDir: {}}\n"}, nil},
	{"our volumes deleted with their key", bareSmall, change{"  volumes:\n" + policyVol + logVol, "", "    volumeMounts:\n" + policyMnt + logMnt, ""}, nil,
		[]string{"mount /etc/kubernetes/audit  gone", "mount /var/log/kubernetes/audit  gone", "volume auditsetup-policy  gone", "volume auditsetup-log  gone"}},
	{"keys in another order", bareSmall, change{"    volumeMounts:\n" + policyMnt + logMnt, "", "  - name: kube", "  - volumeMounts: # ours\n" + policyMnt + logMnt + "    # name\n    name: kube"}, change{"  - name: kube", "  - # name\n    name: kube"}, nil},
	{"line ends", small, change{"\n", "\r\n"}, change{"\n", "\r\n"}, nil},
	{"final line end", small, change{"    name: auditsetup-log\n", "    name: auditsetup-log", "      name: auditsetup-log ", "      name: auditsetup-log\n "}, change{"    name: certs\n", "    name: certs", "      name: certs ", "      name: certs\n "}, nil},
	{"indented anew", small, change{"\n", "\n ", "apiV", " apiV"}, change{"\n", "\n ", "apiV", " apiV"}, nil},
	{"taken over, nothing", takenSmall, nil, nil, nil},
	{"taken over, line ends", takenSmall, change{"\n", "\r\n"}, change{"\n", "\r\n"}, nil},
	{"taken over, indented anew", takenSmall, change{"\n    - -", "\n      - -", "\n    - k", "\n      - k", "\n    # days", "\n# days"}, change{"\n    - ", "\n      - ", "\n    # days", "\n# days"}, nil},
	{"taken over, comments edited", takenSmall, change{"# days", "# so many days"}, change{"# days", "# so many days"}, nil},
	{"taken over, value changed", takenSmall, change{pathFlag, "    - --audit-log-path=/my.log\n"}, nil, []string{"--audit-log-path /var/log/kubernetes/audit/audit.log -> /my.log, line 13"}},
	{"taken over, value of two items changed", takenSmall, change{maxageFlag, "    - --audit-log-maxage=5\n"}, nil, []string{"--audit-log-maxage 30 -> 5, line 15"}},
	{"taken over, flag deleted", takenSmall, change{pathFlag, ""}, change{"    - --audit-log-path\n    - /old.log\n", ""}, []string{"--audit-log-path /var/log/kubernetes/audit/audit.log gone"}},
	{"taken over, flag of two items deleted", takenSmall, change{"    # days\n    - --audit-log-maxage=30\n", ""}, change{"    # days\n    - --audit-log-maxage\n", "", "    - \"7\"\n", ""}, []string{"--audit-log-maxage 30 gone"}},
	{"taken over, neighbour deleted", takenSmall, change{"    - --v=2\n", ""}, change{"    - --v=2\n    - --audit-log-compress # last\n", "", "    - kube-apiserver\n    - --audit-log-path=/first.log # the first\n", "    - kube-apiserver\n    - --audit-log-path=/first.log # the first\n    - --audit-log-compress # last\n"}, nil},
	{"taken over, the program renamed", takenSmall, change{"- kube-apiserver\n", "- /kube-apiserver\n"}, change{"- kube-apiserver\n", "- /kube-apiserver\n"}, nil},
	{"taken over, all of args in brackets by now", bareSmall + "    args:\n    - --audit-x\n    - \"1\"\n    - --audit-z=2\n", change{"    args:\n" + allFlags, "    args: [" + strings.ReplaceAll(strings.ReplaceAll(allFlags, "    - ", ""), "\n", ", ") + "]\n"},
		change{"    args:\n    - --audit-x\n    - \"1\"\n    - --audit-z=2\n", "    args: [--audit-x, \"1\", --audit-z=2 ]\n"}, nil},
	{"taken over, in brackets by now", takenSmall, change{"    command:\n    - kube-apiserver\n" + pathFlag + "    # days\n" + maxageFlag + "    # two\n    - --v=2\n" + policyFlag + backupFlag + sizeFlag,
		"    command: [kube-apiserver, --audit-log-path=/var/log/kubernetes/audit/audit.log, --audit-log-maxage=30, --v=2,\n      --audit-policy-file=/etc/kubernetes/audit/policy.yaml, --audit-log-maxbackup=10, --audit-log-maxsize=100]\n"},
		change{takenSmall[strings.Index(takenSmall, "    command:"):], "    command: [kube-apiserver, --audit-log-path=/first.log, --audit-log-path, /old.log, --audit-log-maxage, \"7\", --v=2, --audit-log-compress]\n    # end\n"}, nil},
}

const (
	policyFlag  = "    - --audit-policy-file=/etc/kubernetes/audit/policy.yaml\n"
	pathFlag    = "    - --audit-log-path=/var/log/kubernetes/audit/audit.log\n"
	maxageFlag  = "    - --audit-log-maxage=30\n"
	backupFlag  = "    - --audit-log-maxbackup=10\n"
	sizeFlag    = "    - --audit-log-maxsize=100\n"
	allFlags    = policyFlag + pathFlag + maxageFlag + backupFlag + sizeFlag
	policyMnt   = "    - mountPath: /etc/kubernetes/audit\n      name: auditsetup-policy\n      readOnly: true\n"
	logMnt      = "    - mountPath: /var/log/kubernetes/audit\n      name: auditsetup-log\n"
	policyVol   = "  - hostPath:\n      path: /etc/kubernetes/audit\n      type: Directory\n    name: auditsetup-policy\n"
	logVol      = "  - hostPath:\n      path: /var/log/kubernetes/audit\n      type: DirectoryOrCreate\n    name: auditsetup-log\n"
	etcSSL      = "  - hostPath: {path: /etc/ssl}\n    name: certs\n"
	hashNote    = "    auditsetup.io/policy-sha256: '1234567890123456789012345678901234567890123456789012345678901234'\n"
	sidecarPart = "  - name: shipper\n    volumeMounts:\n    - {name: auditsetup-log, mountPath: /logs}\n"
)

// TestDrift edits what Apply wrote and then lets Undo work on it: nothing of
// ours may stay, nothing of the user's may go, and what was changed of ours is
// said.
func TestDrift(t *testing.T) {
	t.Parallel()
	for _, tt := range driftCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			on := apply(t, []byte(tt.start), want())
			edited := tt.edit.of(t, string(on.After))
			off := undo(t, []byte(edited))
			if want := tt.left.of(t, tt.start); string(off.After) != want {
				t.Errorf("undoing gives\n%s\nand not\n%s\nof\n%s", off.After, want, edited)
			}
			if got := said(off.Drift); !reflect.DeepEqual(got, tt.drift) {
				t.Errorf("the drift is\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(tt.drift, "\n"))
			}
			// and turning it on again knows of the drift, and works
			w := want()
			w.TakeOver = true
			if again := apply(t, []byte(edited), w); !reflect.DeepEqual(said(again.Drift), tt.drift) {
				t.Errorf("enabling again says %q", said(again.Drift))
			}
		})
	}
}

func said(drift []manifest.Drift) []string {
	var all []string
	for _, d := range drift {
		s := d.What + " " + d.Wrote
		switch {
		case d.Gone:
			s += " gone"
		case d.Kept != "":
			s += " kept, " + d.Kept
		default:
			s += " -> " + d.Found
		}
		if d.Line > 0 {
			s += fmt.Sprintf(", line %d", d.Line)
		}
		all = append(all, s)
	}
	return all
}

// TestDriftEncoded lets a tool write each manifest of the corpus anew before
// Undo sees it: the comments are lost by then, but nothing else.
func TestDriftEncoded(t *testing.T) {
	t.Parallel()
	for name, data := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := apply(t, data, want())
			for _, how := range []string{"json", "kubectl", "yq", "line ends"} {
				checkReencoded(t, data, on.After, how)
			}
		})
	}
}

// A manifest that lost our record is like one that never had it, once what
// belongs to the record is out.
func TestRecordDeleted(t *testing.T) {
	t.Parallel()
	on := string(apply(t, []byte(small), want()).After)
	from := strings.Index(on, "    auditsetup.io/undo:")
	bare := strings.Replace(on[:from]+on[from+strings.Index(on[from:], "\n")+1:], hashNote, "", 1)
	m, err := manifest.Read("m.yaml", []byte(bare))
	if err != nil {
		t.Fatal(err)
	}
	if off, err := manifest.Undo(m); err != nil || string(off.After) != bare || len(off.Left) != len(want().Flags) {
		t.Errorf("undo gives %v, %v", off, err)
	}
	again := apply(t, []byte(bare), want())
	if off := undo(t, again.After); string(off.After) != bare {
		t.Errorf("not the original bytes:\n%s", lineDiff([]byte(bare), off.After))
	}
	if a, b := pod(t, again.After).takeAudit(), pod(t, []byte(on)).takeAudit(); !reflect.DeepEqual(a, b) {
		t.Errorf("the flags are %v, and not %v", a, b)
	}
}

// A record that somebody made up changes nothing but what it may.
func TestRecordForged(t *testing.T) {
	t.Parallel()
	for _, record := range []string{
		`{"v":1,"flags":["--v=2"]}`,
		`{"v":1,"flags":["kube-apiserver"]}`,
		`{"v":1,"replaced":[{"list":"command","new":"--v=2","old":"--x: [","items":["--x"]}]}`,
		`{"v":1,"removed":[{"list":"command","after":"--v=2","gap":"\n","text":"    - --a\n    image: x\n","items":["--a"]}],"lists":{"command":{"column":4}}}`,
		`{"v":1,"removed":[{"list":"image","after":null,"gap":"","text":"x","items":["x"]}]}`,
		`{"v":1,"mounts":[{"name":"certs","host":"/etc/ssl","at":"/etc/ssl"}],"keys":["volumes","volumeMounts","annotations"]}`,
	} {
		quoted, err := sigsyaml.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		s := edited(t, "metadata:\n", "metadata:\n  annotations:\n    auditsetup.io/undo: "+string(quoted))
		m, err := manifest.Read("m.yaml", []byte(s))
		if err != nil {
			t.Fatalf("%s: %v", record, err)
		}
		off, err := manifest.Undo(m)
		if err != nil {
			isProblems(t, err)
			continue
		}
		if p := pod(t, off.After); p.container()["image"] != "registry.k8s.io/kube-apiserver:v1.37.1" || p.annotations() != nil {
			t.Errorf("%s makes\n%s", record, off.After)
		}
	}
}
