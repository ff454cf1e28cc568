// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// plain says that a string means what stands there.
func plain(raw []byte) bool {
	for _, c := range raw {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unescape appends what a string of JSON means, as encoding/json has it: what is
// no UTF-8, and half of a surrogate pair, become U+FFFD. It is false when there is
// an escape that JSON does not know, or a control character.
func unescape(to, raw []byte) ([]byte, bool) {
	for len(raw) > 0 {
		c := raw[0]
		switch {
		case c < ' ':
			return to, false
		case c == '\\':
			var size int
			if to, size = escape(to, raw); size == 0 {
				return to, false
			}
			raw = raw[size:]
		case c < utf8.RuneSelf:
			to = append(to, c)
			raw = raw[1:]
		default:
			r, size := utf8.DecodeRune(raw)
			to = utf8.AppendRune(to, r)
			raw = raw[size:]
		}
	}
	return to, true
}

// escape appends what the escape at the beginning of raw means, and gives its
// length; 0 when it is none.
func escape(to, raw []byte) ([]byte, int) {
	if len(raw) < 2 {
		return to, 0
	}
	switch raw[1] {
	case '"', '\\', '/':
		return append(to, raw[1]), 2
	case 'b':
		return append(to, '\b'), 2
	case 'f':
		return append(to, '\f'), 2
	case 'n':
		return append(to, '\n'), 2
	case 'r':
		return append(to, '\r'), 2
	case 't':
		return append(to, '\t'), 2
	}
	r := unit(raw)
	if r < 0 {
		return to, 0
	}
	size := 6
	if utf16.IsSurrogate(r) {
		if pair := utf16.DecodeRune(r, unit(raw[size:])); pair != utf8.RuneError {
			return utf8.AppendRune(to, pair), 2 * size
		}
	}
	return utf8.AppendRune(to, r), size // U+FFFD for half of a pair
}

// unit is the number of an escape \uXXXX; negative when it is none.
func unit(raw []byte) rune {
	var two [2]byte
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	if _, err := hex.Decode(two[:], raw[2:6]); err != nil {
		return -1
	}
	return rune(binary.BigEndian.Uint16(two[:]))
}
