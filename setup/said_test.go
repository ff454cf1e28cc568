// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup_test

import (
	"reflect"
	"testing"

	"github.com/auditsetup/auditsetup/setup"
)

// leaves are the settable values of a Spec by their path, each set to something
// by its own call.
func leaves(prefix string, t reflect.Type, at func(*setup.Spec) reflect.Value) map[string]func(*setup.Spec) {
	all := map[string]func(*setup.Spec){}
	for i := range t.NumField() {
		field, name := t.Field(i), prefix+t.Field(i).Name
		value := func(s *setup.Spec) reflect.Value { return at(s).Field(i) }
		if field.Type.Kind() == reflect.Struct {
			for k, v := range leaves(name+".", field.Type, value) {
				all[k] = v
			}
			continue
		}
		all[name] = func(s *setup.Spec) {
			switch v := value(s); v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Bool:
				v.SetBool(true)
			case reflect.Pointer:
				v.Set(reflect.New(v.Type().Elem()))
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
				if v.Index(0).Kind() == reflect.String {
					v.Index(0).SetString("log")
				}
			case reflect.Map:
				v.Set(reflect.ValueOf(map[string]string{"a": "b"}))
			}
		}
	}
	return all
}

// TestSaid has a flag for every part of a Spec but the rules.
func TestSaid(t *testing.T) {
	t.Parallel()
	at := func(s *setup.Spec) reflect.Value { return reflect.ValueOf(s).Elem() }
	flags := map[string]string{}
	for name, set := range leaves("", reflect.TypeFor[setup.Spec](), at) {
		var s setup.Spec
		set(&s)
		said, all := s.Said()
		switch name {
		case "APIVersion", "Kind", "Policy.ExtraRules":
			if len(said) != 0 || all != (name != "Policy.ExtraRules") {
				t.Errorf("%s: %v, %t", name, said, all)
			}
			continue
		}
		if len(said) != 1 || !all {
			t.Errorf("%s: %v, %t", name, said, all)
			continue
		}
		if other := flags[said[0].Flag]; other != "" {
			t.Errorf("%s and %s are both --%s", name, other, said[0].Flag)
		}
		flags[said[0].Flag] = name
	}
	if said, all := (setup.Spec{}).Said(); said != nil || !all {
		t.Errorf("the zero Spec: %v, %t", said, all)
	}
}

// TestShown keeps the path of a URL back, and nothing else.
func TestShown(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": "", "https://h:1": "https://h:1", "https://h/": "https://h/", "https://h/planted": "https://h/...", "https://h/a/planted?x": "https://h/...", "planted": "/...",
	} {
		s := setup.Spec{Webhook: setup.Webhook{URL: url, CAFile: "/c"}, KubeVersion: "1.30"}
		shown, less := s.Shown()
		if shown.Webhook.URL != want || less != (want != url) || shown.Webhook.CAFile != "/c" || shown.KubeVersion != "1.30" || s.Webhook.URL != url {
			t.Errorf("%q: %q, %t", url, shown.Webhook.URL, less)
		}
	}
}
