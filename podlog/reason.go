// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package podlog

import (
	"strconv"
	"strings"
	"unicode"
)

// maxReason is how much of a line is worth showing, in bytes.
const maxReason = 400

// LastWords is the one line in which a kube-apiserver says why it gives up, and
// "" when it gave no reason. Since 1.23 that is the err of "command failed"
// (k8s.io/component-base cli/run.go); else the last line that is an error to
// klog or to cobra, or a panic.
func LastWords(lines []string) string {
	best := ""
	for _, line := range lines {
		switch {
		case strings.Contains(line, `"command failed"`):
			if reason := quotedErr(line); reason != "" {
				return Clean(reason)
			}
			best = line
		case strings.HasPrefix(line, "Error: "), strings.HasPrefix(line, "error: "), strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			best = line
		case severity(line) == 'F':
			best = line
		case severity(line) == 'E' && severity(best) != 'F' && !strings.HasPrefix(best, "panic: "):
			best = line
		}
	}
	return Clean(message(best))
}

// severity is the letter of a klog line such as "E1122 05:00:00.000001 ...", and
// 0 for other lines (k8s.io/klog/v2 klog.go, header).
func severity(line string) byte {
	if len(line) > 5 && strings.ContainsRune("IWEF", rune(line[0])) && strings.Trim(line[1:5], "0123456789") == "" && line[5] == ' ' {
		return line[0]
	}
	return 0
}

// message is a line without klog's header and without cobra's "Error: ".
func message(line string) string {
	if severity(line) != 0 {
		if _, text, ok := strings.Cut(line, "] "); ok {
			return text
		}
	}
	return strings.TrimPrefix(line, "Error: ")
}

// quotedErr is the value of err="..." at the end of a structured line.
func quotedErr(line string) string {
	_, value, ok := strings.Cut(line, " err=")
	if !ok {
		return ""
	}
	if prefix, err := strconv.QuotedPrefix(value); err == nil {
		value, _ = strconv.Unquote(prefix)
	}
	return value
}

// Clean makes one printable line, of a size to be shown, of somebody's words.
func Clean(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "..."
	}
	return s
}
