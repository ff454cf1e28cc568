// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditsetup/auditsetup/mix"
)

// TestOrder wants the shares after any number of requests.
func TestOrder(t *testing.T) {
	t.Parallel()
	var shares []float64
	for _, c := range mix.Classes() {
		shares = append(shares, c.Share)
	}
	o := newOrder(shares)
	got := make([]float64, len(shares))
	for n := 1.0; n <= 4000; n++ {
		got[o.next()]++
		for i, share := range shares {
			if off := got[i] - n*share; math.Abs(off) > 2 {
				t.Fatalf("class %d is off by %.2f after %.0f requests", i, off, n)
			}
		}
	}
}

// slowly is a kind that counts what it is sent, and answers late.
func slowly(count *int, mu *sync.Mutex, ids map[string]bool, late time.Duration, status int) kind {
	return kind{name: "slow", share: 1, send: func(ctx context.Context, number int, id string) (int, error) {
		mu.Lock()
		*count++
		ids[id] = true
		mu.Unlock()
		select {
		case <-time.After(late):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		return status, nil
	}}
}

// TestOpenLoop wants all requests sent where each answer takes longer than many
// requests are apart.
func TestOpenLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, openLoop)
}

func openLoop(t *testing.T) {
	var mu sync.Mutex
	count, ids := 0, map[string]bool{}
	o, err := start(t.Context(), Plan{Name: "slow", PerSecond: 100, For: time.Second}, []kind{slowly(&count, &mu, ids, 2*time.Second, http.StatusTeapot)})
	if err != nil {
		t.Fatal(err)
	}
	if count != 100 || o.Requests != 100 || o.Unsent != 0 || o.Classes[0] != 100 || o.Achieved() != 100 || o.Unexpected["slow: 418"] != 100 || len(ids) != 100 ||
		o.Latest != 0 || o.Mean != 2*time.Second || o.To.Sub(o.From) != 2990*time.Millisecond {
		t.Errorf("%d sent, %d IDs: %+v", count, len(ids), o)
	}
	for id := range ids {
		if len(id) != idLength || !strings.HasPrefix(id, o.Prefix()) {
			t.Errorf("ID %q", id)
		}
	}
}

// TestUnsent ends in time where there are not enough workers, and says so.
func TestUnsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, unsent)
}

func unsent(t *testing.T) {
	var mu sync.Mutex
	count := 0
	o, err := start(t.Context(), Plan{Name: "late", PerSecond: 2 * workers, For: time.Second}, []kind{slowly(&count, &mu, map[string]bool{}, 3*time.Second, http.StatusOK)})
	if err != nil || o.Requests != workers || o.Unsent != workers || count != workers || o.Achieved() != workers {
		t.Errorf("%v, %d sent: %+v", err, count, o)
	}
}

// TestBounds refuses what is no load for a test.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, p := range []Plan{
		{}, {"a", 0, time.Second}, {"a", -1, time.Second}, {"a", math.NaN(), time.Second}, {"a", 2001, time.Second}, {"a", 1, time.Hour}, {"a", 1, 0}, {"", 1, time.Second}, {strings.Repeat("a", 17), 1, time.Second},
	} {
		if _, err := start(t.Context(), p, nil); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}

// TestEndsWithContext gives up when it is to.
func TestEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, endsWithContext)
}

func endsWithContext(t *testing.T) {
	var mu sync.Mutex
	count := 0
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	o, err := start(ctx, Plan{Name: "end", PerSecond: 10, For: time.Minute}, []kind{slowly(&count, &mu, map[string]bool{}, time.Minute, http.StatusOK)})
	if err == nil || o.Requests != 0 || o.To.Sub(o.From) != 200*time.Millisecond {
		t.Errorf("%v, %+v", err, o)
	}
}
