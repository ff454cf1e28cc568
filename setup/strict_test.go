// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/webhook"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// TestStrictKeepsRequestReceived compares each profile for each version, written
// for blocking-strict, with the profile as it is: nothing but the one stage may
// differ.
func TestStrictKeepsRequestReceived(t *testing.T) {
	t.Parallel()
	for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
		for _, p := range profiles.All() {
			t.Run(fmt.Sprintf("1.%d/%s", minor, p.Name), func(t *testing.T) {
				t.Parallel()
				d, err := setup.Resolve(input(func(in *setup.Input) {
					in.Image = fmt.Sprintf("registry.k8s.io/kube-apiserver:v1.%d.3", minor)
					in.Spec.Policy.Profile, in.Spec.Log.Mode = p.Name, "blocking-strict"
				}))
				if err != nil {
					t.Fatal(err)
				}
				text, err := p.Policy(d.Version)
				if err != nil {
					t.Fatal(err)
				}
				want, got := read(t, text, d.Version), read(t, d.Policy, d.Version)
				changed := drop(&want.V1.OmitStages)
				for i := range want.V1.Rules {
					changed = drop(&want.V1.Rules[i].OmitStages) || changed
				}
				if !reflect.DeepEqual(got.V1, want.V1) {
					t.Errorf("%+v\nwant %+v", got.V1, want.V1)
				}
				if changed == bytes.Equal(text, d.Policy) || changed == (len(d.Notes) == 0) {
					t.Errorf("changed: %v, notes: %v", changed, d.Notes)
				}
			})
		}
	}
}

func read(t *testing.T, text []byte, v apiserver.Version) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy", text, v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// drop takes RequestReceived out of a list, and tells whether it was in.
func drop(stages *[]auditv1.Stage) bool {
	n := len(*stages)
	*stages = slices.DeleteFunc(*stages, func(s auditv1.Stage) bool { return s == auditv1.StageRequestReceived })
	if len(*stages) == 0 {
		*stages = nil
	}
	return n != len(*stages)
}

func TestExtraRules(t *testing.T) {
	t.Parallel()
	rule := func(level auditv1.Level, stages ...auditv1.Stage) setup.ExtraRule {
		return setup.ExtraRule{PolicyRule: auditv1.PolicyRule{Level: level, Users: []string{"alice"}, OmitStages: stages}}
	}
	with := func(mode string, extra ...setup.ExtraRule) func(*setup.Input) {
		return func(in *setup.Input) { in.Spec.Policy.ExtraRules, in.Spec.Log.Mode = extra, mode }
	}
	for name, c := range map[string]struct {
		change func(*setup.Input)
		want   []string
	}{
		"good":             {with("", rule("Request")), nil},
		"strict":           {with("blocking-strict", rule("Request"), rule("None", auditv1.StageRequestReceived)), nil},
		"strict, profile":  {with("blocking-strict", setup.ExtraRule{Profile: "metadata", PolicyRule: auditv1.PolicyRule{Users: []string{"alice"}}}), nil},
		"strict, omitting": {with("blocking-strict", rule("Request", auditv1.StageRequestReceived)), []string{"policy.extraRules[0].omitStages: RequestReceived is omitted"}},
		"no level":         {with("", rule("")), []string{"policy.extraRules[0].level: neither a level nor"}},
		"own file": {func(in *setup.Input) {
			with("blocking-strict", rule("Request"))(in)
			in.Spec.Policy.File, in.PolicyData = "p.yaml", []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
		}, nil},
		"own file, omitting": {func(in *setup.Input) {
			with("blocking-strict", rule("Request"))(in)
			in.Spec.Policy.File, in.PolicyData = "p.yaml", []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n")
		}, []string{"p.yaml:3:13: RequestReceived is omitted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := setup.Resolve(input(c.change))
			expect(t, document.ProblemsOf(err), c.want)
			if err != nil {
				return
			}
			got := read(t, d.Policy, d.Version)
			if first := got.V1.Rules[0]; !slices.Contains(first.Users, "alice") {
				t.Errorf("the first rule is %+v", first)
			}
			if d.Spec.Log.Mode == "blocking-strict" && slices.Contains(got.V1.OmitStages, auditv1.StageRequestReceived) {
				t.Error("strict would mean nothing")
			}
		})
	}
	in := input(with("", rule("Request"), rule("")))
	in.Origins["policy.extraRules[1]"] = document.Problem{File: "spec.yaml", Line: 9, Column: 5}
	_, err := setup.Resolve(in)
	expect(t, document.ProblemsOf(err), []string{"spec.yaml:9:5: neither a level"})
}

// TestExtraRulesExpose warns of rules that write credentials to the log, and of no
// others.
func TestExtraRulesExpose(t *testing.T) {
	t.Parallel()
	secrets := []auditv1.GroupResources{{Resources: []string{"secrets"}}}
	pods := []auditv1.GroupResources{{Resources: []string{"pods"}}}
	safe := auditv1.PolicyRule{Level: "Metadata", Resources: []auditv1.GroupResources{{Resources: []string{"secrets", "serviceaccounts/token"}},
		{Group: "authentication.k8s.io", Resources: []string{"tokenreviews"}}}}
	for name, c := range map[string]struct {
		rules []auditv1.PolicyRule
		want  []string
	}{
		"pods":                {[]auditv1.PolicyRule{{Level: "RequestResponse", Resources: pods}}, nil},
		"secrets":             {[]auditv1.PolicyRule{{Level: "Request", Resources: secrets}}, []string{"policy.extraRules[0].level: writes what is in secrets to the log"}},
		"secrets as facts":    {[]auditv1.PolicyRule{{Level: "Metadata", Resources: secrets}}, nil},
		"secrets, read":       {[]auditv1.PolicyRule{{Level: "RequestResponse", Verbs: []string{"get"}, Resources: secrets}}, []string{"policy.extraRules[0].level: writes what is in secrets"}},
		"secrets, asked for":  {[]auditv1.PolicyRule{{Level: "Request", Verbs: []string{"get"}, Resources: secrets}}, nil},
		"a namespace":         {[]auditv1.PolicyRule{{Level: "Request", Namespaces: []string{"a"}}}, []string{"policy.extraRules[0].level: writes what is in secrets"}},
		"a namespace, mended": {[]auditv1.PolicyRule{safe, {Level: "Request", Namespaces: []string{"a"}}}, nil},
		"a group":             {[]auditv1.PolicyRule{{Level: "RequestResponse", UserGroups: []string{"g"}}}, []string{"policy.extraRules[0].level: writes what is in secrets"}},
		"token reviews": {[]auditv1.PolicyRule{{Level: "RequestResponse", Resources: []auditv1.GroupResources{{Group: "authentication.k8s.io"}}}},
			[]string{"policy.extraRules[0].level: writes what is in tokenreviews"}},
		"URLs": {[]auditv1.PolicyRule{{Level: "RequestResponse", NonResourceURLs: []string{"/metrics"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := setup.Resolve(input(func(in *setup.Input) {
				in.Spec.Log.DiskBudget, in.Spec.Log.Retention = "10Gi", "1h"
				for _, r := range c.rules {
					in.Spec.Policy.ExtraRules = append(in.Spec.Policy.ExtraRules, setup.ExtraRule{PolicyRule: r})
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			expect(t, d.Warnings, c.want)
		})
	}
}

// TestProfilesAreShown: the look for credentials must not take a profile for a
// kubeconfig that holds some.
func TestProfilesAreShown(t *testing.T) {
	t.Parallel()
	for _, p := range profiles.All() {
		for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
			text, err := p.Policy(apiserver.Version{Minor: minor})
			if err != nil || webhook.HoldsSecrets(text) {
				t.Errorf("1.%d: the profile %s would not be shown: %v", minor, p.Name, err)
			}
		}
	}
}
