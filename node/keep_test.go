// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestKeep fails each system call in turn: the file is the old one or the new
// one, and nothing is left beside it.
func TestKeep(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		h := &Host{Root: t.TempDir(), StateDir: DefaultStateDir}
		if err := h.Keep("a.json", []byte("old")); err != nil {
			t.Fatal(err)
		}
		count := 0
		h.step = func(string, string) error {
			if count++; count == n+1 {
				return errors.New("as asked")
			}
			return nil
		}
		err := h.Keep("a.json", []byte("new"))
		file, readErr := h.Read(DefaultStateDir + "/a.json")
		if readErr != nil {
			t.Fatal(readErr)
		}
		text := string(file.Bytes)
		if text != "new" && (err == nil || text != "old") {
			t.Errorf("call %d fails: %q, %v", n+1, text, err)
		}
		entries, dirErr := os.ReadDir(filepath.Join(h.Root, DefaultStateDir))
		if dirErr != nil || len(entries) != 1 {
			t.Errorf("call %d fails: %v, %v", n+1, entries, dirErr)
		}
		if count <= n {
			if n == 0 || err != nil {
				t.Errorf("%d calls, %v", n, err)
			}
			return
		}
		if err == nil {
			t.Errorf("call %d fails, and no error", n+1)
		}
	}
}
