// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"encoding/binary"
	"time"
	"unicode/utf8"
)

const (
	// manyCallers is how many users are remembered, a power of two.
	manyCallers = 128
	// longestCaller bounds what is remembered of one, in bytes.
	longestCaller = 2 << 10
	// manyTails is how many endings of its lines are remembered.
	manyTails = 4
)

// quickReader reads lines the quick way. It remembers what stood in lines before,
// as the same clients ask again and again, and the same bytes mean the same.
type quickReader struct {
	callers    [manyCallers]caller
	groupsRoom [][]byte
	// from is the user of the line.
	from *caller
	// second is a time up to its seconds, unix what that is.
	second [19]byte
	unix   int64
	// bodies counts events with bodies, strange says that one had more between its
	// head and its tail.
	bodies  int
	strange bool
}

const (
	// looked is of how many bodies some are read, and lookedMost bounds their size,
	// but for the first.
	looked     = 256
	lookedMost = 64 << 10
)

// begin forgets what is of one stream.
func (r *quickReader) begin() { r.bodies, r.strange = 0, false }

// known says that there are only bodies in raw, as far as that is looked at.
func (r *quickReader) known(raw []byte) bool {
	first := r.bodies == 0
	if r.bodies++; first || r.bodies%looked == 0 && len(raw) <= lookedMost {
		r.strange = !onlyBodies(raw)
	}
	return !r.strange
}

// onlyBodies reads raw.
func onlyBodies(raw []byte) bool {
	for _, key := range []string{requestKey, responseKey} {
		rest, ok := bytes.CutPrefix(raw, []byte(key))
		if !ok {
			continue
		}
		n, blanks, ok := skipValue(rest)
		if !ok || blanks > 0 {
			return false
		}
		raw = rest[n:]
	}
	return len(raw) == 0
}

// caller is a user as it stands in a line.
type caller struct {
	// text begins with the comma before the key.
	text   []byte
	user   []byte
	groups [][]byte
	// tails are how lines of that user ended, from behind their times on, where the
	// event was not truncated, each in the place that its length gives.
	tails [manyTails][]byte
}

// caller is the place for the user that text begins with; nil for none.
func (r *quickReader) caller(text []byte) *caller {
	r.from = nil
	if len(text) < 64 {
		return nil
	}
	h := binary.LittleEndian.Uint64(text[22:])
	for _, at := range [...]int{30, 38, 46, 54} {
		h = (h ^ binary.LittleEndian.Uint64(text[at:])) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return &r.callers[h>>32%manyCallers]
}

// keep remembers a user as it stands in text.
func (c *caller) keep(text []byte) {
	c.text = append(c.text[:0], text...)
	q := quick{line: c.text}
	e := Event{Groups: c.groups[:0]}
	q.tokens(&e)
	c.user, c.groups = e.User, e.Groups
}

// simple says that a string means what stands there, as plain does, eight bytes
// at a time.
func simple(text []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(text) >= 8 {
		x := binary.LittleEndian.Uint64(text)
		slash := x ^ '\\'*ones
		if (x|(x-' '*ones)&^x|(slash-ones)&^slash)&highs != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// time takes a time in UTC with microseconds, as metav1.MicroTime is written.
func (q *quick) time(to *time.Time) bool {
	if len(q.line)-q.pos < quickTime {
		return false
	}
	t := q.line[q.pos : q.pos+quickTime]
	q.pos += quickTime
	if t[19] == '.' && t[26] == 'Z' && string(t[:19]) == string(q.second[:]) {
		micro, ok := digits(t[20:26])
		*to = time.Unix(q.unix, int64(micro)*1000).UTC()
		return ok
	}
	if t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':' || t[19] != '.' || t[26] != 'Z' {
		return false
	}
	var n [7]int
	for i, at := range [...][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}, {20, 26}} {
		var ok bool
		if n[i], ok = digits(t[at[0]:at[1]]); !ok {
			return false
		}
	}
	year, month, day, hour, minute, second, micro := n[0], n[1], n[2], n[3], n[4], n[5], n[6]
	if year < 1 || month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	q.unix = days(year, month, day)*86400 + int64(hour*3600+minute*60+second)
	copy(q.second[:], t)
	*to = time.Unix(q.unix, int64(micro)*1000).UTC()
	return true
}

func digits(text []byte) (n int, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// days is the number of days from 1970-01-01 on, in the calendar without end
// (years that begin in March, in eras of 400).
func days(year, month, day int) int64 {
	if month < 3 {
		year--
		month += 12
	}
	era := year / 400
	of := year - era*400
	yearDay := (153*(month-3)+2)/5 + day - 1
	return int64(era)*146097 + int64(of*365+of/4-of/100+yearDay) - 719468
}
