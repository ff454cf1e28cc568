// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
)

// decision reads "Level Stage,Stage managed".
func decision(text string) Decision {
	fields := strings.Fields(text + " - -")
	d := Decision{Level: audit.Level(fields[0]), OmitManagedFields: fields[2] == "managed"}
	if fields[1] != "-" {
		for _, s := range strings.Split(fields[1], ",") {
			d.OmitStages = append(d.OmitStages, audit.Stage(s))
		}
	}
	return d
}

func TestEffectAndMore(t *testing.T) {
	t.Parallel()
	const every = " Panic,RequestReceived,ResponseComplete,ResponseStarted"
	for _, tt := range []struct {
		a, b string
		more int
	}{
		{"None", "None Panic managed", 0},
		{"None", "RequestResponse" + every, 0},
		{"Metadata - managed", "Metadata", 0},
		{"Metadata", "None", 1},
		{"Metadata", "Request", -1},
		{"Request", "RequestResponse Panic managed", -1},
		{"Request - managed", "Request", -1},
		{"RequestResponse", "RequestResponse - managed", 1},
		{"Metadata Panic", "Metadata", -1},
		{"Metadata Panic", "Metadata Panic,RequestReceived", 1},
		{"Request Panic", "Request Panic - managed", 0},
		{"Request Panic managed", "Request Panic,RequestReceived", 1},
	} {
		a, b := decision(tt.a).Effect(), decision(tt.b).Effect()
		if got := a.More(b); got != tt.more || (a == b) != (tt.more == 0) {
			t.Errorf("%s against %s: %d, want %d; %+v, %+v", tt.a, tt.b, got, tt.more, a, b)
		}
		if got := b.More(a); got != -tt.more {
			t.Errorf("%s against %s the other way round: %d", tt.a, tt.b, got)
		}
	}
	a, b := decision("Metadata Panic").Effect(), decision("Metadata RequestReceived").Effect()
	if a == b || a.More(b) != 0 || b.More(a) != 0 {
		t.Errorf("%+v and %+v: each has a stage that the other omits", a, b)
	}
}
