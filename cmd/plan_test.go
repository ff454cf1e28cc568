// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/profiles"
)

// TestPlanIsWhatEnableDoes holds the numbers of plan against those behind the
// flags of enable, for the same wish: there is one calculator.
func TestPlanIsWhatEnableDoes(t *testing.T) {
	t.Parallel()
	root := image(t, "v1.37.1")
	for name, wish := range map[string][]string{
		"nothing said": nil,
		"log":          {"--rate", "250", "--mean-rate", "40", "--retention", "7d", "--disk-budget", "20Gi", "--profile", "metadata"},
		"batches":      {"--rate", "900", "--backend", "log,webhook", "--log-mode", "batch", "--max-body", "1Mi", "--outage", "1h", "--memory-budget", "64Mi"},
		"strict":       {"--rate", "10", "--log-mode", "blocking-strict", "--profile", "gce"},
		"cluster":      {"--cluster-rate", "900", "--servers", "3", "--peak-factor", "3", "--backend", "webhook", "--receiver", "fluent-bit"},
		"by hand":      {"--rate", "500", "--backend", "webhook", "--set", "audit-webhook-batch-throttle-qps=0.5", "--set", "audit-webhook-batch-max-size=20"},
		"own policy":   {"--rate", "500", "--policy", "../testdata/policies/sources/falco.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enable := append([]string{"enable", "--root", root, "--dry-run", "-o", "json"}, wish...)
			if strings.Contains(strings.Join(wish, " "), "webhook") {
				enable = append(enable, "--webhook-url", "https://10.0.0.5/x")
			}
			var planned map[string]any
			var done struct {
				Numbers   map[string]any `json:"numbers"`
				Estimates []any          `json:"estimates"`
			}
			check(t, json.Unmarshal([]byte(exit(t, 0, append([]string{"plan", "-o", "json"}, wish...)...)), &planned))
			check(t, json.Unmarshal([]byte(exit(t, 0, enable...)), &done))
			if assumed, _ := planned["assumed"].([]any); !reflect.DeepEqual(assumed, done.Estimates) {
				t.Errorf("plan assumes %v, enable %v", assumed, done.Estimates)
			}
			for key, want := range done.Numbers {
				if !reflect.DeepEqual(planned[key], want) {
					t.Errorf("%s: plan has %v, enable %v", key, planned[key], want)
				}
			}
		})
	}
}

// TestCompareIsPlan holds each row of a comparison against the plan for that
// profile.
func TestCompareIsPlan(t *testing.T) {
	t.Parallel()
	var all struct {
		Profiles []struct {
			Name             string
			Current          bool
			EventsPerSecond  float64
			BytesPerDay      float64
			RetentionSeconds float64
			DiskNeededBytes  float64
		}
	}
	load := []string{"--rate", "300", "--peak-factor", "2", "--retention", "14d", "-o", "json"}
	check(t, json.Unmarshal([]byte(exit(t, 0, append([]string{"plan", "--compare", "--profile", "stig"}, load...)...)), &all))
	if len(all.Profiles) != len(profiles.Names()) {
		t.Fatalf("%d rows", len(all.Profiles))
	}
	for _, row := range all.Profiles {
		var p struct {
			EventsPerSecond float64
			BytesPerDay     float64
			Rotation        struct{ RetentionSeconds, DiskNeededBytes float64 }
		}
		check(t, json.Unmarshal([]byte(exit(t, 0, append([]string{"plan", "--profile", row.Name}, load...)...)), &p))
		if p.EventsPerSecond != row.EventsPerSecond || p.BytesPerDay != row.BytesPerDay || p.Rotation.RetentionSeconds != row.RetentionSeconds ||
			p.Rotation.DiskNeededBytes != row.DiskNeededBytes || row.Current != (row.Name == "stig") {
			t.Errorf("%+v is not %+v", row, p)
		}
	}
}
