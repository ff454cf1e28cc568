// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/setup"
)

// TestEnable lays flags over those of last time.
func TestEnable(t *testing.T) {
	t.Parallel()
	rate := 250.0
	last := setup.Spec{Load: setup.Load{RequestsPerSecond: &rate}, Policy: setup.Policy{Profile: "gce"}, Log: setup.Log{DiskBudget: "9Gi"},
		Webhook: setup.Webhook{ConfigFile: "/my hook"}, Flags: map[string]string{"audit-log-maxage": "7", "audit-log-maxsize": "8"}}
	rules := last
	rules.Policy.ExtraRules = []setup.ExtraRule{{}}
	hidden := setup.Spec{Webhook: setup.Webhook{URL: "https://h/planted"}}
	const all = "auditsetup enable --yes --root x --rate 250 --profile gce --webhook-config '/my hook' --disk-budget 9Gi --set audit-log-maxage=7 --set audit-log-maxsize=8"
	for _, c := range []struct {
		asked        *setup.Spec
		flags, wants string
	}{
		{nil, "", "auditsetup enable --root x"},
		{nil, "--profile cis", "auditsetup enable --root x --profile cis"},
		{&setup.Spec{}, "", "auditsetup enable --yes --root x"},
		{&last, "", all},
		{&last, "--take-over", all + " --take-over"},
		{&last, "--disk-budget 3Gi", "auditsetup enable --yes --root x --rate 250 --profile gce --webhook-config '/my hook' --set audit-log-maxage=7 --set audit-log-maxsize=8 --disk-budget 3Gi"},
		{&last, "--policy /p", "auditsetup enable --yes --root x --rate 250 --webhook-config '/my hook' --disk-budget 9Gi --set audit-log-maxage=7 --set audit-log-maxsize=8 --policy /p"},
		{&last, "--webhook-url u", "auditsetup enable --yes --root x --rate 250 --profile gce --disk-budget 9Gi --set audit-log-maxage=7 --set audit-log-maxsize=8 --webhook-url u"},
		{&last, "--set audit-log-maxage=30", "auditsetup enable --yes --root x --rate 250 --profile gce --webhook-config '/my hook' --disk-budget 9Gi --set audit-log-maxsize=8 --set audit-log-maxage=30"},
		{&hidden, "", "auditsetup enable --yes --root x -f /state/spec"},
		{&rules, "--disk-budget 3Gi", "auditsetup enable --yes --root x -f /state/spec --disk-budget 3Gi"},
	} {
		f := &Facts{Retype: " --root x", Asked: c.asked, AskedFile: "/state/spec", Manifest: &manifest.Manifest{}}
		if got := f.enable(c.flags); got != c.wants {
			t.Errorf("%q:\n%s\nwant\n%s", c.flags, got, c.wants)
		}
	}
}
