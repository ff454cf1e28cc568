// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
)

const managedFields = "managedFields"

// Measure gives the sizes of the bodies. For an event that was read the short way
// this is the first look at them, which costs a scan of the request's body, and
// with managed set one more of both; else Managed may be 0.
func (e *Event) Measure(managed bool) (request, response Body) {
	if e.raw == nil {
		return e.request, e.response
	}
	rest := e.raw
	if cut, ok := bytes.CutPrefix(rest, []byte(requestKey)); ok {
		n, _, ok := skipValue(cut)
		if !ok {
			n = len(cut)
		}
		request = measured(cut[:n], managed)
		rest = cut[n:]
	}
	if cut, ok := bytes.CutPrefix(rest, []byte(responseKey)); ok {
		response = measured(cut, managed)
	}
	return request, response
}

func measured(body []byte, managed bool) Body {
	b := Body{Size: int64(len(body))}
	if managed {
		b.Managed = managedIn(body)
	}
	return b
}

// skipValue gives the length of the value that text begins with, and how many
// blanks are in it between tokens. Like window.nested it only counts brackets.
func skipValue(text []byte) (n, blanks int, ok bool) {
	depth := 0
	for n < len(text) {
		c := text[n]
		n++
		switch c {
		case '"':
			end, found := closing(text[n:])
			if !found {
				return n, blanks, false
			}
			n += end + 1
			if depth == 0 {
				return n, blanks, true
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return n, blanks, depth == 0
			}
		case ' ', '\t', '\r', '\n':
			blanks++
		default:
			if depth == 0 && !inScalar(c) {
				return n, blanks, false
			}
			if depth == 0 && (n == len(text) || !inScalar(text[n])) {
				return n, blanks, true
			}
		}
	}
	return n, blanks, false
}

// managedIn is how much smaller body would be without its managedFields. In JSON a
// quote right after a bracket or comma can only open a string: within one it would
// have a backslash before it, and none closes there, since what follows is no
// comma, colon or bracket. So wherever these bytes stand they are that key.
func managedIn(body []byte) int64 {
	// rare begins with a letter that is rare, since bytes.Index looks for the first
	// byte first.
	const head, rare = `"managed`, `Fields":[`
	var sum int64
	for at := 0; ; {
		i := bytes.Index(body[at:], []byte(rare))
		if i < 0 {
			return sum
		}
		key, list := at+i-len(head), at+i+len(rare)-1
		at = list
		if key < 1 || !bytes.HasPrefix(body[key:], []byte(head)) || body[key-1] != ',' && body[key-1] != '{' {
			continue
		}
		n, ok := listEnd(body[list:])
		if !ok {
			return sum
		}
		at = list + n
		sum += int64(at - key)
		if body[key-1] == ',' || at < len(body) && body[at] == ',' {
			sum++
		}
	}
}

// listEnd finds the end of a list. Managed fields have no list within: where there
// is no other bracket before the first closing one, and the quotes before that are
// even, it is the end. Else brackets are counted.
func listEnd(list []byte) (int, bool) {
	end := bytes.IndexByte(list, ']')
	if end < 0 {
		return 0, false
	}
	text := list[1:end]
	if bytes.IndexByte(text, '[') >= 0 || bytes.Contains(text, []byte(`\\`)) || (bytes.Count(text, []byte{'"'})-bytes.Count(text, []byte(`\"`)))%2 != 0 {
		n, _, ok := skipValue(list)
		return n, ok
	}
	return end + 1, true
}

// body takes a value of any kind and measures it.
func (p *parser) body(b *Body) bool {
	c, ok := p.peek()
	start, blanks := p.place(), p.blanks
	*b = Body{}
	if c == '{' || c == '[' {
		ok = ok && p.nested(&b.Managed)
	} else {
		ok = ok && p.skip()
	}
	if c != 'n' {
		b.Size = p.place() - start - (p.blanks - blanks)
	}
	return ok
}

// raw takes a string or null into the arena as it stands there.
func (p *parser) raw(to *[]byte) bool {
	*to = nil
	if c, ok := p.peek(); !ok || c != '"' {
		return p.null()
	}
	raw, ok := p.text(true)
	from := len(p.arena)
	p.arena = append(p.arena, raw...)
	*to = p.arena[from:len(p.arena):len(p.arena)]
	return ok
}
