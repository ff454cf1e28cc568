// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"slices"
	"testing"
)

func TestReceivers(t *testing.T) {
	t.Parallel()
	if !slices.IsSorted(ReceiverNames()) {
		t.Errorf("not sorted: %v", ReceiverNames())
	}
	for _, name := range ReceiverNames() {
		r, ok := LookupReceiver(name)
		if !ok || r.Source == "" {
			t.Errorf("%s: %+v, %t", name, r, ok)
		}
		if r.TakesWebhook == (r.Instead != "") {
			t.Errorf("%s: has to say what to do instead exactly when it does not take the webhook", name)
		}
		if !r.TakesWebhook && (r.MaxBodyBytes != 0 || r.MaxEventBytes != 0) {
			t.Errorf("%s: has limits of a webhook that it does not take", name)
		}
		if (r.MaxLineBytes == 0) != (r.LongLine == "") {
			t.Errorf("%s: has to say what happens to a long line exactly when there is a limit", name)
		}
	}
	if _, ok := LookupReceiver("Falco"); ok {
		t.Error("names are exact, but Falco was found")
	}
}

// TestBatchForReceiver has the numbers of the table in shared/facts/collectors.md
// (fluentd's 32m taken as MiB, which it is, makes 310 of 300): 5 % are left free,
// and no batch is larger than upstream's 400.
func TestBatchForReceiver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		receiver string
		event    int64
		want     int
	}{
		{"falco", 0, 45}, {"falco", 102400, 115}, {"fluent-bit", 0, 38}, {"fluentd", 0, 310}, {"logstash", 0, 400}, {"otel", 0, 193}, {"vector", 0, 400},
	} {
		r, _ := LookupReceiver(c.receiver)
		l := Defaults()
		l.RequestsPerSecond = 10000
		l.MaxBodyBytes, l.MaxEventBytes = r.MaxBodyBytes, r.MaxEventBytes
		if c.event > 0 {
			l.MaxEventBytes = c.event
		}
		s, err := Batch(l, Webhook)
		if err != nil {
			t.Fatal(err)
		}
		if s.MaxSize.Value != c.want {
			t.Errorf("%s: a batch of %d events, want %d: %s", c.receiver, s.MaxSize.Value, c.want, s.MaxSize.Formula)
		}
	}
}
