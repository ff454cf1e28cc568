// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/apis/audit/validation"
	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/templates"
)

func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	want := []string{
		"recommended", "metadata", "cis", "stig", "falco", "audit2rbac",
		"gce", "alibaba", "openshift-default", "openshift-write-bodies", "openshift-all-bodies", "kubernetes-docs",
	}
	if got := profiles.Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
	for _, p := range profiles.All() {
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(p.Name) {
			t.Errorf("name %q is no word for a command line", p.Name)
		}
		filled(t, p.Name, reflect.ValueOf(p))
		got, ok := profiles.Lookup(p.Name)
		if !ok || !reflect.DeepEqual(got, p) {
			t.Errorf("Lookup(%q) = %+v, %v", p.Name, got, ok)
		}
		class := profiles.Low
		switch perRequest := p.EventsPerRequest.Value * p.BytesPerEvent.Value; {
		case perRequest >= 2000:
			class = profiles.High
		case perRequest >= 1000:
			class = profiles.Medium
		}
		if p.Cost != class {
			t.Errorf("%s: cost is %q, its estimates say %q", p.Name, p.Cost, class)
		}
	}
}

// filled fails for every field that is zero, except Mended, and for texts that
// would print badly.
func filled(t *testing.T, at string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Mended" || !v.Field(i).IsZero() {
				filled(t, at+"."+name, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			filled(t, fmt.Sprintf("%s[%d]", at, i), v.Index(i))
		}
	case reflect.String:
		if s := v.String(); strings.TrimSpace(s) != s || !ascii([]byte(s)) || strings.Contains(s, "\n") {
			t.Errorf("%s is not one clean line: %q", at, s)
		}
	}
	if v.IsZero() {
		t.Errorf("%s is not set", at)
	}
}

func ascii(text []byte) bool {
	return !slices.ContainsFunc(text, func(b byte) bool { return b > '~' || b < ' ' && b != '\n' })
}

func TestEveryTemplateHasItsProfile(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(templates.Policies, "policies/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "policies/"), ".yaml")
		if _, ok := profiles.Lookup(name); !ok {
			t.Errorf("%s belongs to no profile", f)
		}
	}
	if len(files) != len(profiles.All()) {
		t.Errorf("%d templates for %d profiles", len(files), len(profiles.All()))
	}
}

func TestUnknownProfile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Metadata", "none", "../policies/gce", "gce.yaml"} {
		if _, ok := profiles.Lookup(name); ok {
			t.Errorf("Lookup(%q) finds something", name)
		}
		if text, err := (profiles.Profile{Name: name}).Policy(apiserver.Version{Minor: 37}); err == nil {
			t.Errorf("profile %q has a policy:\n%s", name, text)
		}
	}
}

func TestAllIsACopy(t *testing.T) {
	t.Parallel()
	profiles.All()[0].Name = "spoiled"
	if _, ok := profiles.Lookup("spoiled"); ok {
		t.Error("a caller of All can rename a profile")
	}
}

// TestPolicyLoads renders every profile for every minor, and holds the text to
// what the API server of that minor takes.
func TestPolicyLoads(t *testing.T) {
	t.Parallel()
	for _, p := range profiles.All() {
		for _, minor := range minors() {
			t.Run(fmt.Sprintf("%s/1.%d", p.Name, minor), func(t *testing.T) {
				t.Parallel()
				text := render(t, p, minor)
				plain(t, p, minor, text)

				var strict auditv1.Policy
				if err := yaml.UnmarshalStrict(text, &strict); err != nil {
					t.Fatal(err)
				}
				if strict.APIVersion != "audit.k8s.io/v1" || strict.Kind != "Policy" {
					t.Errorf("it is a %s of %s", strict.Kind, strict.APIVersion)
				}
				loaded := load(t, text)
				if problems := validation.ValidatePolicy(loaded); len(problems) > 0 {
					t.Error(problems.ToAggregate())
				}
				if len(loaded.Rules) != len(strict.Rules) {
					t.Errorf("upstream reads %d rules of %d", len(loaded.Rules), len(strict.Rules))
				}
				fits(t, p, minor, loaded)
			})
		}
	}
}

// plain checks what holds of the bytes alone.
func plain(t *testing.T, p profiles.Profile, minor int, text []byte) {
	t.Helper()
	if !ascii(text) || !bytes.HasSuffix(text, []byte("\n")) || bytes.HasSuffix(text, []byte("\n\n")) {
		t.Errorf("not ASCII lines up to the last newline:\n%q", text)
	}
	if !bytes.HasPrefix(text, []byte("# ")) || bytes.Contains(text, []byte("{{")) {
		t.Errorf("does not begin with a comment, or has a template's marks in it:\n%s", text)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.TrimRight(line, " ") != line || len(line) > 100 {
			t.Errorf("line %d ends in blanks or is too long: %q", i+1, line)
		}
	}
	again, err := p.Policy(apiserver.Version{Minor: minor, Patch: 7, Raw: "v1.7-vendor"})
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("a patch release changes the policy (%v)", err)
	}
}

// withoutBodies are the profiles in which managedFields cannot occur.
var withoutBodies = []string{"metadata", "audit2rbac"}

// started are the profiles that leave out ResponseStarted, and say so among what
// they are blind to.
var started = []string{"audit2rbac"}

// fits checks the version's limits, and that no failed login can go unseen
// because its one stage is left out.
func fits(t *testing.T, p profiles.Profile, minor int, loaded *audit.Policy) {
	t.Helper()
	if want := !slices.Contains(withoutBodies, p.Name) && minor >= 23; loaded.OmitManagedFields != want {
		t.Errorf("omitManagedFields is %v, want %v", loaded.OmitManagedFields, want)
	}
	if slices.Contains(loaded.OmitStages, audit.StageResponseStarted) {
		t.Error("the policy omits ResponseStarted")
	}
	for i, r := range loaded.Rules {
		if slices.Contains(r.OmitStages, audit.StageResponseStarted) != (r.Level != audit.LevelNone && slices.Contains(started, p.Name)) {
			t.Errorf("rule %d leaves out %q", i+1, r.OmitStages)
		}
		if r.OmitManagedFields != nil {
			t.Errorf("rule %d has an omitManagedFields of its own, of which the minor was not asked", i+1)
		}
		if minor < 36 && slices.ContainsFunc(r.Resources, func(g audit.GroupResources) bool { return g.Group == "*" }) {
			t.Errorf("rule %d names the group \"*\", with which 1.%d does not start", i+1, minor)
		}
		omitted := slices.Concat(loaded.OmitStages, r.OmitStages)
		if r.Level != audit.LevelNone && !slices.Contains(omitted, audit.StageRequestReceived) {
			t.Errorf("rule %d logs RequestReceived", i+1)
		}
	}
}

// shown are rules that decide no request otherwise than the rest of their policy
// would, by profile and index. They are there for whoever reads.
var shown = map[string]int{"cis": 0}

// TestEveryRuleMatters takes out one rule after the other and looks for a
// request that is decided otherwise.
func TestEveryRuleMatters(t *testing.T) {
	t.Parallel()
	requests := sweep()
	for _, p := range profiles.All() {
		for minor, loaded := range variants(t, p) {
			t.Run(fmt.Sprintf("%s/1.%d", p.Name, minor), func(t *testing.T) {
				t.Parallel()
				byRule := make([][]request, len(loaded.Rules))
				for n, i := range deciding(loaded, requests) {
					if i >= 0 {
						byRule[i] = append(byRule[i], requests[n])
					}
				}
				for i, rule := range loaded.Rules {
					only, known := shown[p.Name]
					without := loaded.DeepCopy()
					without.Rules = slices.Delete(without.Rules, i, i+1)
					e := evaluator(without)
					matters := slices.ContainsFunc(byRule[i], func(r request) bool {
						return e.EvaluatePolicyRule(r.attrs).Level != rule.Level
					})
					if len(byRule[i]) == 0 || matters == (known && only == i) {
						t.Errorf("rule %d of %d matters: %t, over %d requests: %+v", i+1, len(loaded.Rules), matters, len(byRule[i]), rule)
					}
				}
			})
		}
	}
}
