// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
)

// TestEncodeDecode writes Specs with arbitrary parts set and reads them back.
func TestEncodeDecode(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "recommended", "30d", "yes", "1.30", "~", "null", "a: b", "-", " x ", "ä\n", "'", "#", "0x10", "1_0", "{", "*a", "!t", "2001-01-01"}
	for range 500 {
		var want setup.Spec
		fill(random, texts, reflect.ValueOf(&want).Elem())
		want.APIVersion, want.Kind = setup.APIVersion, setup.Kind
		text, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := setup.Decode("spec.yaml", text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n%#v\nwant %#v\n%s", err, got, want, text)
		}
	}
}

// fill sets about half of what can be set.
func fill(random *rand.Rand, texts []string, v reflect.Value) {
	if v.Kind() != reflect.Struct && random.IntN(2) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(random, texts, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, texts, v.Elem())
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(random.Float64() * 1e6)
	case reflect.Int:
		v.SetInt(random.Int64N(1e6))
	case reflect.Slice:
		for range 1 + random.IntN(3) {
			item := reflect.New(v.Type().Elem()).Elem()
			if item.Kind() == reflect.String {
				item.SetString(texts[1+random.IntN(len(texts)-1)])
			} else {
				fill(random, texts, item)
			}
			v.Set(reflect.Append(v, item))
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"audit-log-format": texts[random.IntN(len(texts))], "x": "y"}))
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	head := "apiVersion: auditsetup.io/v1alpha1\nkind: AuditSetup\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"no head":        {"log: {}\n", []string{"spec.yaml:1:1: apiVersion is missing", "spec.yaml:1:1: kind is missing"}},
		"other version":  {"apiVersion: auditsetup.io/v9\nkind: AuditSetup\n", []string{`spec.yaml:1:13: apiVersion is "auditsetup.io/v9"`}},
		"other kind":     {"apiVersion: auditsetup.io/v1alpha1\nkind: Policy\n", []string{`spec.yaml:2:7: kind is "Policy"`}},
		"kind no text":   {"apiVersion: auditsetup.io/v1alpha1\nkind: 3\n", []string{"spec.yaml:2:7: kind must be text"}},
		"unknown key":    {head + "lod: {}\n", []string{`spec.yaml:3:1: unknown field "lod"`}},
		"unknown below":  {head + "log:\n  paht: /x/y\n", []string{`spec.yaml:4:3: unknown field "paht"`}},
		"twice":          {head + "log: {}\nlog: {}\n", []string{`spec.yaml:4:1: key "log" is given twice`}},
		"kinds":          {head + "load:\n  requestsPerSecond: fast\ntakeOver: \"yes\"\n", []string{"spec.yaml:4:22: ", "spec.yaml:5:11: "}},
		"two documents":  {head + "---\nkind: x\n", []string{"spec.yaml:4:1: a second document"}},
		"empty":          {"", []string{"spec.yaml: is empty"}},
		"a list":         {"- a\n", []string{"spec.yaml:1:1: "}},
		"not yet closed": {head + "log: {path: /x\n", []string{"spec.yaml:"}},
		"many": {"apiVersion: x\nkind: y\nz: 1\nload: {batchSize: 1.5}\n",
			[]string{"spec.yaml:1:13: ", "spec.yaml:2:7: ", "spec.yaml:3:1: ", "spec.yaml:4:19: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := setup.Decode("spec.yaml", []byte(c.text))
			expect(t, document.ProblemsOf(err), c.want)
		})
	}
}

// expect demands these problems in this order, each by the beginning of its
// text, and no other.
func expect(t *testing.T, got document.Problems, want []string) {
	t.Helper()
	for i, p := range got {
		if i >= len(want) || !strings.HasPrefix(p.Error(), want[i]) {
			t.Errorf("unexpected: %v", p)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d: %q", len(got), len(want), want)
	}
}

// TestOrigins checks that each value is known by its line, and by its flag when
// that lies over it.
func TestOrigins(t *testing.T) {
	t.Parallel()
	_, o, err := setup.Decode("spec.yaml", []byte("apiVersion: auditsetup.io/v1alpha1\nkind: AuditSetup\nlog:\n  path: /a/b\nbackends:\n- log\n- webhook\nflags:\n  audit-log-format: json\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"log": "spec.yaml:4:3: x", "log.path": "spec.yaml:4:9: x", "backends[1]": "spec.yaml:7:3: x", "flags.audit-log-format": "spec.yaml:9:21: x",
		"log.mode": "log.mode: x", // never said
	} {
		if got := o.Problem(path, "x", "").Error(); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
	o.Flag("log.path", "--log-path")
	if got := o.Problem("log.path", "x", "").Error(); got != "--log-path: x" {
		t.Errorf("behind a flag it is at %s", got)
	}
	if got := setup.Origins(nil).Problem("log.path", "x", "").Error(); got != "log.path: x" {
		t.Errorf("nil origins say %s", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("apiVersion: auditsetup.io/v1alpha1\nkind: AuditSetup\nlog: {path: /a/b}\nload: {requestsPerSecond: 3}\nflags: {a: b}\n"))
	f.Add([]byte("{\"apiVersion\": 1, \"kind\": {}, \"backends\": [[], null]}"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, o, err := setup.Decode("spec.yaml", data)
		if err == nil && (s.APIVersion != setup.APIVersion || o == nil) {
			t.Errorf("accepted: %#v", s)
		}
		if err != nil && len(document.ProblemsOf(err)) == 0 {
			t.Errorf("an error without a problem: %v", err)
		}
		// what was read is resolved or refused, whatever it is
		desired, resolveErr := setup.Resolve(setup.Input{Spec: s, Origins: o, Image: "x:v1.30.0"})
		if (desired == nil) == (resolveErr == nil) {
			t.Errorf("neither desired nor refused")
		}
	})
}
