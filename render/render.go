// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package render writes a change in the forms that people review and tools
// apply, one file per form. It is pure: bytes in, bytes out.
package render

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff is the change of one file as a unified diff under the given name, which
// `patch -p1` takes. It is empty when the two are equal. A nil old or new is a
// file that is not there, which is what /dev/null stands for.
func Diff(name string, old, new []byte) []byte {
	name = strings.TrimLeft(name, "/")
	from, to := "a/"+name, "b/"+name
	if old == nil {
		from = "/dev/null"
	}
	if new == nil {
		to = "/dev/null"
	}
	if old == nil {
		return added(to, new)
	}
	text := diff.Diff(from, old, to, new)
	// the package puts a line with the command that nobody ran in front
	for i, b := range text {
		if b == '\n' {
			return text[i+1:]
		}
	}
	return nil
}

// added is the diff of a file that was not there: there is nothing to compare.
func added(name string, text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	body := strings.TrimSuffix(string(text), "\n")
	lines := strings.Count(body, "\n") + 1
	out := fmt.Appendf(nil, "--- /dev/null\n+++ %s\n@@ -0,0 +1,%d @@\n+", name, lines)
	out = append(out, strings.ReplaceAll(body, "\n", "\n+")...)
	if len(body) == len(text) {
		return append(out, "\n\\ No newline at end of file\n"...)
	}
	return append(out, '\n')
}
