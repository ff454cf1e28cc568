// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/test/certificates"
)

// now is when all of these tests take place.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }

// issue makes a certificate that is valid around now unless the wish says else.
func issue(t *testing.T, w certificates.Wish, by *certificates.Pair) *certificates.Pair {
	t.Helper()
	if w.From.IsZero() {
		w.From = day(-10)
	}
	if w.To.IsZero() {
		w.To = day(300)
	}
	p, err := certificates.Make(w, by)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// files stands for a control plane with these files alone.
type files map[string][]byte

func (f files) read(path string) ([]byte, error) {
	if data, ok := f[path]; ok {
		return data, nil
	}
	return nil, fmt.Errorf("cannot read: %w", fs.ErrNotExist)
}

// expect demands these problems and no other, each by a part of its text, which
// may go on in the hint.
func expect(t *testing.T, kind string, got document.Problems, want []string) {
	t.Helper()
	for i, p := range got {
		if text := p.Error() + " | " + p.Hint; i >= len(want) || !strings.Contains(text, want[i]) {
			t.Errorf("unexpected %s: %s", kind, text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d %ss, want %d: %q", len(got), kind, len(want), want)
	}
}
