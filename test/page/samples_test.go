// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/report"
	"github.com/auditsetup/auditsetup/tuning"
)

// pages are what the tests look at: a plan that fits, one that does not, one
// for a webhook alone, the ends of what a load may be, and one of nothing.
var pages = map[string]func(*testing.T) report.Page{
	"fits": planned(tuning.Backends{Log: true, Webhook: true}, func(l *tuning.Load) {
		l.RequestsPerSecond, l.Retention, l.DiskBudget, l.MaxBodyBytes = 20, 14*24*time.Hour, 20<<30, 10<<20
	}),
	"missed": planned(tuning.Backends{Log: true, Webhook: true}, func(l *tuning.Load) {
		l.RequestsPerSecond, l.MaxBodyBytes = 300, 10<<20
	}),
	"webhook": planned(tuning.Backends{Webhook: true}, func(l *tuning.Load) { l.RequestsPerSecond, l.Headroom = 800, 1 }),
	"batched": planned(tuning.Backends{LogBatch: true, WebhookBlocking: true}, func(l *tuning.Load) { l.Compress = true }),
	"most": planned(tuning.Backends{LogBatch: true, Webhook: true}, func(l *tuning.Load) {
		l.RequestsPerSecond, l.Stall, l.Retention, l.DiskBudget = 1e6, time.Second, 36500*24*time.Hour, 1<<50
	}),
	"least": planned(tuning.Backends{LogBatch: true, Webhook: true}, func(l *tuning.Load) {
		l.RequestsPerSecond, l.Stall, l.Retention, l.DiskBudget = 0.001, 0, time.Minute, 2<<20
	}),
	"hostile": func(*testing.T) report.Page { return hostile() },
}

// planned is a page for a load that differs from the defaults.
func planned(to tuning.Backends, change func(*tuning.Load)) func(*testing.T) report.Page {
	return func(t *testing.T) report.Page {
		t.Helper()
		l := tuning.Defaults()
		l.EventsPerRequest, l.BytesPerEvent = 0.3, 1600
		change(&l)
		p, err := sample(l, to, "recommended")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}
