// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWaitForEvent(t *testing.T) {
	t.Parallel()
	const received = `{"auditID":"mine","stage":"RequestReceived"}` + "\n"
	const complete = `{"auditID":"mine","stage":"ResponseComplete","verb":"get"}` + "\n"
	const other = `{"auditID":"other","stage":"ResponseComplete","requestURI":"/mine"}` + "\n"
	for name, test := range map[string]struct{ log, err string }{
		"complete":           {log: other + received + complete},
		"not complete":       {log: received + other, err: "stages [RequestReceived]"},
		"being written":      {log: received + complete[:len(complete)-10], err: "stages [RequestReceived]"},
		"empty":              {err: "0 bytes"},
		"not json, yet ours": {log: "mine\n", err: "audit.log:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(file, []byte(test.log), 0o600); err != nil {
				t.Fatal(err)
			}
			over, cancel := context.WithCancel(t.Context())
			cancel()
			event, err := WaitForEvent(over, file, "mine")
			switch {
			case test.err == "" && (err != nil || event.Verb != "get"):
				t.Errorf("event %v, error %v", event, err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("error %v, want one with %q", err, test.err)
			}
		})
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := WaitForEvent(over, filepath.Join(t.TempDir(), "none.log"), "mine"); err == nil {
		t.Error("an event from a file that is not there")
	}
}
