// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestCrowd has more users than can be told apart, and longer logs than windows of
// ten seconds: what is taken together is the same in parts and at once.
func TestCrowd(t *testing.T) {
	t.Parallel()
	policies := []Policy{read(t, "all", head+"rules:\n- level: Metadata\n")}
	dir := t.TempDir()
	var parts []*Part
	var paths []string
	for i, prefix := range []string{"system:node:", "system:serviceaccount:n:", "mallory", "system:node:few"} {
		var log strings.Builder
		for k := range []int{7000, 6000, 6000, 5}[i] {
			day := fmt.Sprintf("2026-%02d-%02dT%02d", 1+(k/700)%12, 1+k/24%28, k%24)
			log.WriteString(strings.ReplaceAll(line("Metadata", "ResponseComplete", fmt.Sprint(prefix, k), "get", "pods", "p", "", k%3600), "2026-11-22T00", day))
		}
		path := filepath.Join(dir, fmt.Sprint(i, ".log"))
		if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		parts = append(parts, ran(t, policies, 1, path))
	}
	few := []*Part{ran(t, policies, 1, paths[0]), ran(t, policies, 1, paths[3])}
	if merged, err := Merge(few...); err != nil || len(merged.Kinds) != 1 || merged.Blur != blurNodes {
		t.Errorf("%v, %d kinds, step %d", err, len(merged.Kinds), merged.Blur)
	}
	merged, err := Merge(parts...)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, outcomes(t, merged)), text(t, outcomes(t, ran(t, policies, 2, paths...))); got != want {
		t.Errorf("merged\n%s\nat once\n%s", got, want)
	}
	if n := len(merged.Kinds); n != 6002 || merged.Blur != blurAccounts || len(outcomes(t, merged).Notes) < 2 {
		t.Errorf("%d kinds, step %d", n, merged.Blur)
	}
}

// TestTimes takes windows together in the same way whatever the order.
func TestTimes(t *testing.T) {
	t.Parallel()
	const many = 3 * manyBuckets
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	whole, odd, even := newTimes(1), newTimes(1), newTimes(1)
	for i := range many {
		at := begun.Add(time.Duration(i*7919%many) * finest * time.Second)
		for _, times := range []*Times{whole, []*Times{even, odd}[i*7919%many/(many/2)]} {
			times.at(at)[0]++
		}
	}
	even.absorb(odd)
	if whole.Width != 4*finest || even.Width != whole.Width || !reflect.DeepEqual(whole.Buckets, even.Buckets) || whole.From != even.From || whole.To != even.To {
		t.Errorf("windows of %d s and %d s, %d and %d of them", whole.Width, even.Width, len(whole.Buckets), len(even.Buckets))
	}
	if events, _ := whole.peaks(0); events != 4 {
		t.Errorf("%d at peak", events)
	}
}
