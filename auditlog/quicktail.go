// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import "bytes"

// findTail goes to where the tail begins.
func (q *quick) findTail(e *Event) bool {
	if at := len(q.line) - quickTail; at > q.pos {
		tail := quick{quickReader: q.quickReader, line: q.line, pos: at}
		if tail.tail(e) {
			q.pos = at
			return true
		}
	}
	// before anything rare, the letter that bytes.Index is quick to find
	const rare, back = `ReceivedTimestamp":"`, len(quickReceived) - len(`ReceivedTimestamp":"`)
	for _, size := range []int{1 << 10, maxText} {
		for at := max(q.pos, len(q.line)-size); ; at++ {
			i := bytes.Index(q.line[at:], []byte(rare))
			if i < 0 {
				break
			}
			at += i
			tail := quick{quickReader: q.quickReader, line: q.line, pos: at - back}
			if tail.pos > q.pos && tail.tail(e) {
				q.pos = at - back
				return true
			}
		}
		if size >= len(q.line)-q.pos {
			break
		}
	}
	return false
}

// tail takes all from the times on, up to the end of the line.
func (q *quick) tail(e *Event) bool {
	e.Truncated = false
	if !q.lit(quickReceived) || !q.time(&e.Received) || !q.lit(quickAt) || !q.time(&e.At) || !q.lit(`"`) {
		return false
	}
	start := q.pos
	var known *[]byte
	if rest := q.line[start:]; q.from != nil && len(rest) <= longestCaller {
		known = &q.from.tails[len(rest)%manyTails]
		if len(rest) > 0 && bytes.Equal(rest, *known) {
			q.pos = len(q.line)
			return true
		}
	}
	if q.lit(`,"annotations":{`) && !q.annotations(e) {
		return false
	}
	if !q.lit(`}`) || q.pos != len(q.line) {
		return false
	}
	if known != nil && !e.Truncated {
		*known = append((*known)[:0], q.line[start:]...)
	}
	return true
}

// annotations takes keys and values that are strings.
func (q *quick) annotations(e *Event) bool {
	if q.lit(`}`) {
		return true
	}
	for q.lit(`"`) {
		var key []byte
		if !q.text(&key) || !q.lit(`:"`) {
			return false
		}
		if string(key) == "audit.k8s.io/truncated" {
			var text []byte
			if !q.text(&text) {
				return false
			}
			e.Truncated = string(text) == "true"
		} else if !q.pass() {
			return false
		}
		if q.lit(`}`) {
			return true
		}
		if !q.lit(`,`) {
			return false
		}
	}
	return false
}
