// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestKeys feeds a keyboard what comes in one go, and says what of it survey gets
// to see before the terminal would be read again.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in, want string
		menu           bool
	}{
		{"text", "300\r", "300\r", false},
		{"newline", "300\n", "300\r", false},
		{"pasted lines", "300\rwrite\ry\r", "300\r", false},
		{"an answer of the terminal behind a line", "300\rx\x1b[24;80Ry", "300\r\x1b[24;80R", false},
		{"a marked paste", "\x1b[200~30\r40\r\x1b[201~0\r", "300\r", false},
		{"an answer of the terminal in a paste", "\x1b[200~30\r4\x1b[1;1R0\x1b[201~", "30\x1b[1;1R", false},
		{"an interrupt in a paste", "\x1b[200~30\x03", "30\x03", false},
		{"end of input", "3\x04", "3\x03", false},
		{"arrows", "\x1b[A\x1bOB\x1b[3~", "\x1b[A\x1bOB\x1b[3~", false},
		{"keys that survey does not know", "\x1b[1;5C\x1b[15~\x1bOP\x1bx\x00\x1e\x7f", "\x7f", false},
		{"letters beyond ASCII", "é本\r", "é本\r", false},
		{"not UTF-8", "\xff3", "3", false},
		{"text in a list", "write\r", "", true},
		{"a key of a list", "e", "e\r", true},
		{"a key of a list in a word", "xe", "", true},
		{"an arrow and return in a list", "\x1b[B\r", "\x1b[B\r", true},
		{"a paste in a list", "\x1b[200~e\r\x1b[201~", "", true},
		{"half a key", "3\x1b[", "3", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := &keyboard{pending: []byte(c.in), menu: c.menu, instant: map[string]bool{"e": true}}
			if got := drain(k); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// drain reads what can be had without the terminal.
func drain(k *keyboard) string {
	var got strings.Builder
	for {
		got.WriteString(k.queued)
		k.queued = ""
		key, whole := cutKey(k.pending)
		if !whole {
			return got.String()
		}
		k.pending = k.pending[len(key):]
		got.WriteString(k.admit(string(key)))
	}
}

// FuzzCutKey has keys come out in order and with nothing lost, whatever comes in.
func FuzzCutKey(f *testing.F) {
	for _, seed := range []string{"", "a", "\x1b", "\x1b[A", "\x1b[200~x\ny\x1b[201~", "\x1b[24;80R", "é\xff\x1bO", "\x1bé"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var all []byte
		rest := in
		for {
			key, whole := cutKey(rest)
			if !whole {
				if len(rest) > 0 && rest[0] != '\x1b' && utf8.FullRune(rest) {
					t.Fatalf("%q waits for more", rest)
				}
				break
			}
			if len(key) == 0 {
				t.Fatalf("an empty key of %q", rest)
			}
			all, rest = append(all, key...), rest[len(key):]
		}
		if !bytes.Equal(append(all, rest...), in) {
			t.Fatalf("%q came out of %q", all, in)
		}
	})
}
