// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	auditpolicy "github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/policy/explain"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// TestExplain has a real kube-apiserver write down requests under two policies,
// and wants what is explained of each to be what stands in the log: level,
// stages, bodies, managed fields.
func TestExplain(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		v, err := apiserver.ParseVersion(bins.Version)
		if err != nil {
			t.Fatal(err)
		}
		plane := newControlPlane(t, bins)
		for name, text := range map[string]string{"explained-everything": everythingBodies, "explained-manykinds": manyKinds} {
			p, err := auditpolicy.Read(name, []byte(text), v)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			byID := map[string][]auditv1.Event{}
			for line := range bytes.Lines(logOf(t, plane, name, text)) {
				var e auditv1.Event
				if err := json.Unmarshal(line, &e); err != nil {
					t.Fatal(err)
				}
				if byID[string(e.AuditID)] == nil {
					ids = append(ids, string(e.AuditID))
				}
				byID[string(e.AuditID)] = append(byID[string(e.AuditID)], e)
			}
			if len(ids) < 80 {
				t.Fatalf("%s: %d requests in the log", name, len(ids))
			}
			for _, id := range ids {
				explainedAsLogged(t, name, p, v, byID[id])
			}
			t.Logf("%s: %d requests are explained as they were logged", name, len(ids))
		}
	})
}

// explainedAsLogged compares what is explained of a request with its events.
func explainedAsLogged(t *testing.T, name string, p *auditpolicy.Policy, v apiserver.Version, events []auditv1.Event) {
	t.Helper()
	data, err := json.Marshal(auditv1.EventList{Items: events})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := explain.FromEvents(name, data, v.Resources())
	if err != nil || len(asked) != 1 {
		t.Fatalf("%s: %d requests: %v", data, len(asked), err)
	}
	e := explain.Of(p, asked[0].Request, asked[0].Caller)
	var want, got []string
	for _, s := range e.Stages {
		if s.Written {
			want = append(want, s.Name)
		}
	}
	for _, event := range events {
		got = append(got, string(event.Stage))
		if string(event.Level) != string(e.Decision.Level) {
			t.Errorf("%s: %s is explained with level %s, and logged with %s", name, asked[0], e.Decision.Level, event.Level)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %s is explained with stages %q, and logged with %q", name, asked[0], want, got)
	}
	last := events[len(events)-1]
	done := last.ResponseStatus != nil && last.ResponseStatus.Code < 300
	for _, b := range []struct {
		what string
		body explain.Body
		raw  []byte
	}{{"request", e.Content.Request, raw(last.RequestObject)}, {"response", e.Content.Response, raw(last.ResponseObject)}} {
		there := len(b.raw) > 0
		must := b.body.Recorded && done && !strings.Contains(b.body.What, "if any were sent")
		if there && !b.body.Recorded || must && !there {
			t.Errorf("%s: the %s of %s is explained as %+v, and logged: %v", name, b.what, asked[0], b.body, there)
		}
		patch := b.what == "request" && last.Verb == "patch"
		if bytes.Contains(b.raw, []byte(`"managedFields":`)) && !e.Content.ManagedFields && !patch {
			t.Errorf("%s: the %s of %s has managed fields", name, b.what, asked[0])
		}
	}
}

func raw(object *runtime.Unknown) []byte {
	if object == nil {
		return nil
	}
	return object.Raw
}
