// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
)

// FuzzApplyUndo holds for any bytes at all that nothing crashes, and for those
// that Apply accepts what Apply and Undo promise.
func FuzzApplyUndo(f *testing.F) {
	for _, data := range corpus(f) {
		f.Add(data)
	}
	for _, data := range oddities {
		f.Add([]byte(data))
	}
	for seed := range uint64(100) {
		g := newGenerator(seed)
		data, _ := g.manifest()
		f.Add(data)
		if m, err := manifest.Read("m.yaml", data); err == nil {
			if r, err := manifest.Apply(m, g.want()); err == nil {
				f.Add(r.After)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Read("m.yaml", data)
		if err != nil {
			isProblems(t, err)
			return
		}
		original := data
		switch off, err := manifest.Undo(m); {
		case err != nil:
			isProblems(t, err)
			return
		case !m.Changed() && !bytes.Equal(off.After, data):
			t.Fatal("undoing nothing changes something")
		default:
			original = off.After
			if m, err := manifest.Read("m.yaml", off.After); err != nil || m.Changed() {
				t.Fatalf("after undoing: %v", err)
			}
		}
		on, err := manifest.Apply(m, want())
		if err != nil {
			isProblems(t, err)
			return
		}
		if again := apply(t, on.After, want()); !bytes.Equal(again.After, on.After) {
			t.Fatalf("a second run changes something:\n%s", lineDiff(on.After, again.After))
		}
		if off := undo(t, on.After); !bytes.Equal(off.After, original) || len(off.Drift) > 0 {
			t.Fatalf("not the original bytes, drift %v:\n%s", off.Drift, lineDiff(original, off.After))
		}
	})
}

// FuzzGenerated holds the promises for the manifest and the want of any seed.
func FuzzGenerated(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := newGenerator(seed)
		data, mayChange := g.manifest()
		if promises(t, data, g.want(), mayChange); t.Failed() {
			t.Logf("%s", data)
		}
	})
}

func isProblems(t *testing.T, err error) {
	t.Helper()
	var problems document.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("not problems of the file but a %T: %v", err, err)
	}
}
