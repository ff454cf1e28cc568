// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConsent answers the one question of a command that has its answers from a
// file, on a terminal that tells where its cursor is, on one that does not, and
// on a dumb one.
func TestConsent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		seat seat
		keys string
		code int
		says string
	}{
		{"yes", seat{}, "y\r", 0, "audit logging is set up"},
		{"no", seat{}, "n\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"return", seat{}, "\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"interrupt", seat{}, "\x03", 1, "auditsetup: error: interrupted, and nothing was written"},
		{"end of input", seat{}, "\x04", 1, "auditsetup: error: interrupted, and nothing was written"},
		{"paste", seat{}, "y\rn\r", 0, "audit logging is set up"},
		{"unknown keys", seat{}, "\x1b[1;5C\x1bx\x1b[15~\x1bOPy\r", 0, "audit logging is set up"},
		{"mute yes", seat{mute: true}, "yes\r", 0, "audit logging is set up"},
		{"mute interrupt", seat{mute: true}, "\x03", 1, "auditsetup: error: interrupted, and nothing was written"},
		{"dumb yes", seat{term: "dumb"}, "yes\r", 0, "audit logging is set up"},
		{"dumb no", seat{term: "dumb"}, "n\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"dumb return", seat{term: "dumb"}, "\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"dumb nonsense", seat{term: "dumb"}, "what\r", 1, "auditsetup: nothing was written, as the answer was no"},
		{"dumb end", seat{term: "dumb"}, "\x04", 1, "auditsetup: error: interrupted, and nothing was written"},
		{"dumb interrupt", seat{term: "dumb"}, "\x03", 1, "auditsetup: error: interrupted, and nothing was written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := machine(t)
			c.seat.dir = dir
			p := c.seat.run(t, "enable", "--root", "root", "-f", "spec.yaml")
			p.sees("Write these changes? (y/N)")
			p.types(c.keys)
			shown := p.ends(c.code)
			if !strings.Contains(shown, c.says) {
				t.Errorf("want %q\n%s", c.says, shown)
			}
			after := read(t, filepath.Join(dir, "root", imageManifest))
			if written := !bytes.Equal(after, original(t)); written != (c.code == 0) {
				t.Errorf("written: %v", written)
			}
			if c.seat.term == "dumb" && strings.Contains(shown, "\x1b") {
				t.Errorf("escape sequences for a dumb terminal: %q", shown)
			}
		})
	}
}

// TestConsentAgain asks anew after what is no answer.
func TestConsentAgain(t *testing.T) {
	t.Parallel()
	p := seat{dir: machine(t)}.run(t, "enable", "--root", "root", "-f", "spec.yaml")
	p.sees("Write these changes? (y/N)")
	p.types("what\r")
	p.sees("not a valid answer")
	p.types("y\r")
	p.ends(0)
}

func original(t *testing.T) []byte {
	t.Helper()
	return read(t, "../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
}

// machine makes a folder with the image of a control plane in root, and a spec
// that asks for nothing in particular in spec.yaml.
func machine(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "root", imageManifest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{
		path:                            original(t),
		filepath.Join(dir, "spec.yaml"): []byte("apiVersion: auditsetup.io/v1alpha1\nkind: AuditSetup\n"),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
