// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// onWrite is a writer that only tells that it was written to.
type onWrite func(text string)

func (f onWrite) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

func TestEnsureBuildsOnce(t *testing.T) {
	t.Parallel()
	var builds atomic.Int32
	// The first build goes on until somebody waits for it, or builds as well.
	met := make(chan struct{})
	var once sync.Once
	c := Cache{Dir: filepath.Join(t.TempDir(), "bin"), Progress: onWrite(func(text string) {
		if strings.HasPrefix(text, "waiting") {
			once.Do(func() { close(met) })
		}
	})}
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			dir, err := c.ensure(t.Context(), "tool-v1", "tool", func(_, out string) error {
				if builds.Add(1) > 1 {
					once.Do(func() { close(met) })
				}
				<-met
				return os.WriteFile(filepath.Join(out, "tool"), nil, 0o755)
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "tool")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if builds.Load() != 1 {
		t.Errorf("%d builds", builds.Load())
	}
}

func TestEnsureKeepsNothingOfAFailedBuild(t *testing.T) {
	t.Parallel()
	c := Cache{Dir: t.TempDir(), Progress: io.Discard}
	// This is what a run that was killed leaves.
	left := filepath.Join(c.Dir, ".tool-v1.building-1", "bin")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	_, err := c.ensure(t.Context(), "tool-v1", "tool", func(_, out string) error {
		entries, err := os.ReadDir(out)
		if err != nil || len(entries) != 0 {
			t.Errorf("the folder to build into has %v, error %v", entries, err)
		}
		return errors.Join(os.WriteFile(filepath.Join(out, "half"), nil, 0o755), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != ".tool-v1.lock" {
		t.Errorf("the cache has %v, error %v, want nothing but the lock", entries, err)
	}
}

func TestLockWaitsNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("a free lock was waited for") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = lock(ctx, path, cancel)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	unlock()
	again, err := lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestKubernetesModule(t *testing.T) {
	t.Parallel()
	source, work := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire k8s.io/api v0.0.0\n\nreplace (\n" +
			"\tk8s.io/api => ./staging/src/k8s.io/api\n\texample.org/a => example.org/a v1.2.3\n)\n",
		"go.sum": "example.org/a v1.2.3 h1:abc=\n",
	} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	staging, err := writeKubernetesModule("v1.37.1", source, work)
	if err != nil || strings.Join(staging, " ") != "k8s.io/api" {
		t.Errorf("staging %q, error %v", staging, err)
	}
	got, err := os.ReadFile(filepath.Join(work, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	want := "module auditsetup.invalid/build\n\ngo 1.26.0\n\nrequire k8s.io/api v0.0.0\n\nreplace (\n" +
		"\tk8s.io/api => k8s.io/api v0.37.1\n\texample.org/a => example.org/a v1.2.3\n)\n" +
		"\nrequire k8s.io/kubernetes v1.37.1\n"
	if string(got) != want {
		t.Errorf("go.mod:\n%s\nwant:\n%s", got, want)
	}
}

func TestVersionThatIsNone(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "1.37.1", "v1.37", "v2.0.0", "v1.37.1.1"} {
		if got, err := stagingVersion(version); err == nil {
			t.Errorf("%q: staging version %q", version, got)
		}
	}
}

// TestSourceDir also keeps the promise to those who read upstream's scripts.
func TestSourceDir(t *testing.T) {
	t.Parallel()
	dir, err := SourceDir(t.Context(), "v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cluster", "gce", "gci", "configure-helper.sh")); err != nil {
		t.Error(err)
	}
	if _, err := SourceDir(t.Context(), "v1.0.999"); err == nil || !strings.Contains(err.Error(), "v1.0.999") {
		t.Errorf("a release that never was: error %v", err)
	}
}
