// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
)

// oddities are small pods in kinds of YAML that hardly anybody writes.
var oddities = map[string]string{
	"plain":               "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver]\n",
	"explicit key":        "apiVersion: v1\nkind: Pod\n? metadata\n: name: a\nspec:\n  containers:\n  - name: kube-apiserver\n    ? command\n    : [kube-apiserver]\n",
	"explicit key alone":  "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver]\n    ? tty\n",
	"implicit pair":       "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: [a: b]}\nspec:\n  containers: [name: kube-apiserver]\n",
	"key without colon":   "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels}\nspec:\n  containers:\n  - {name: kube-apiserver, command: [kube-apiserver], tty}\n",
	"dash on its own":     "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  -\n    name: kube-apiserver\n    command:\n    -\n      kube-apiserver\n    - # the log\n\n      --audit-log-path=/x\n    -\n     --v=2",
	"list in list":        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  x:\n  - - 1\n    - - 2\nspec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    x:\n    - - 3\n",
	"tags":                "apiVersion: !!str v1\nkind: ! Pod\nmetadata: !!map\n  name: a\nspec:\n  containers: !!seq\n  - !!map\n    name: kube-apiserver\n    command: !!seq [!!str kube-apiserver]\n",
	"tag on nothing":      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  volumes: !!null\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n",
	"anchor on nothing":   "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  volumes: &v\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n",
	"anchors on keys":     "&a apiVersion: v1\n&b kind: Pod\n&c metadata:\n  &d name: &e a\nspec: &f\n  &g containers: &h\n  - &i name: kube-apiserver\n    &j command: &k\n    - &l kube-apiserver\n    &m volumeMounts: &n []\n",
	"verbatim tag":        "apiVersion: v1\nkind: Pod\nmetadata: {name: !<tag:yaml.org,2002:str> a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [!<tag:yaml.org,2002:str> kube-apiserver]\n",
	"directives":          "%YAML 1.1\n%TAG ! tag:example.com,2000:\n# c\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver]\n...\n",
	"mark with content":   "--- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: kube-apiserver, command: [kube-apiserver]}]}} # end",
	"folded":              "apiVersion: v1\nkind: Pod\nmetadata:\n  name: >-\n\n    a\n\n  annotations:\n    x: >2\n\n       one\n      two\n\n    y: |+2\n      k\n\n\n  # z\nspec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - >-\n      kube-apiserver\n    - |-\n\n\n",
	"many lines plain":    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    x: one\n\n      two\n     three\n    y: 'a\n\n      b'\n    z: \"a\n      b \\\n\n      c\"\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver, --a b\n     c]\n",
	"quoted keys":         "\"apiVersion\" : v1\n'kind' : Pod\n\"metadata\" : {\"name\" : a,}\n\"sp\\x65c\" :\n  containers:\n  - name: kube-apiserver\n    \"\\u0063ommand\":\n    - kube-apiserver\n",
	"nothing at the end":  "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - kube-apiserver\n    -\n    volumeMounts:\n  volumes:",
	"key of its own":      "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - volumeMounts:\n    name: kube-apiserver\n    command:\n    - kube-apiserver\n",
	"comma on new lines":  "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [\n      kube-apiserver # the program, x\n      , --audit-log-path=/x # the log, y\n      , --audit-log-maxage # days\n      , '3'\n      , --v=2, # level\n    ]\n",
	"alias":               "apiVersion: v1\nkind: Pod\nmetadata: &m {name: &n a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: &c [kube-apiserver]\n  - {name: *n, command: *c}\n",
	"merge key":           "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - &s {name: side, volumeMounts: []}\n  - <<: *s\n    name: kube-apiserver\n    command: [kube-apiserver]\n",
	"text ends in blanks": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    x: |\n      a\n         \n      \n\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver]\n",
	"byte order mark":     "\xef\xbb\xbf# c\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: kube-apiserver, command: [kube-apiserver]}",
	"unicode":             "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {ü: 日本, \"\\U0001F600\": 😀}}\nspec:\n  containers:\n  - {name: kube-apiserver, command: [kube-apiserver, --x=\u00a0日, \"--y=\\x7f\", --audit-log-path=/日]}\n",
	"record from afar": "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {auditsetup.io/undo: '{\"v\":1,\"flags\":[\"--audit-log-path=/x\",\"kube-apiserver\"],\"keys\":[\"annotations\",\"volumes\",\"x\"],\"nulls\":{\"volumeMounts\":\"a: b\"},\"mounts\":[{\"name\":\"m\",\"host\":\"/\",\"at\":\"/\"}],\"replaced\":[{\"list\":\"x\",\"new\":\"--audit-log-maxage=3\",\"old\":\"]\",\"items\":[]}],\"removed\":[{\"list\":\"args\",\"after\":\"--v=2\",\"nth\":-1,\"gap\":\"\",\"text\":\"- x\",\"items\":[\"--audit-x\"]},{\"list\":\"command\",\"after\":null,\"gap\":\":\",\"text\":\"\",\"tied\":true}]}'}}\n" +
		"spec:\n  volumes: [{name: m, emptyDir: {}}]\n  containers:\n  - {name: kube-apiserver, command: [kube-apiserver, --audit-log-maxage=3], args: [], volumeMounts: [{name: m, mountPath: /}]}\n",
}

// TestOddities holds the promises where Read accepts one of the oddities.
func TestOddities(t *testing.T) {
	t.Parallel()
	accepted := 0
	for name, data := range oddities {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Read("m.yaml", []byte(data))
			if err != nil {
				isProblems(t, err)
				return
			}
			if accepted++; m.Changed() {
				return
			}
			on := apply(t, []byte(data), want())
			if off := undo(t, on.After); string(off.After) != data {
				t.Errorf("not the original bytes:\n%s", lineDiff([]byte(data), off.After))
			}
		})
	}
	if accepted < 18 {
		t.Errorf("only %d were accepted", accepted)
	}
}

// The largest file that is read takes no unreasonable time, whatever it holds.
func TestLarge(t *testing.T) {
	t.Parallel()
	for name, item := range map[string]string{"flow": "\"--audit-log-maxage\", '1',\n      ", "line": "--audit-log-maxage, ", "remarks": "--audit-log-maxage=1, # x\n     "} {
		t.Run(name, func(t *testing.T) {
			data := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: kube-apiserver\n    command: [kube-apiserver, " + strings.Repeat(item, 5000) + " --v=2]\n"
			on := apply(t, []byte(data), want())
			if off := undo(t, on.After); string(off.After) != data {
				t.Error("not the original bytes")
			}
		})
	}
}
