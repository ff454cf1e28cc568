// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"io"
)

const (
	// windowSize is what is held of a stream. Lines that fit are looked at in one
	// piece, longer ones piece by piece.
	windowSize = 256 << 10
	// maxText is what is kept of one text; headers, the longest part of a head,
	// cannot be larger (net/http DefaultMaxHeaderBytes).
	maxText = 1 << 20
)

// window shows a stream line by line, and a long line piece by piece, to a reader
// of JSON that never looks back. Its methods that read tokens return false when
// the line ends too early or is no JSON.
type window struct {
	ctx context.Context
	r   io.Reader
	buf []byte
	// buf[pos:end] is what is to be seen of the line, buf[:filled] what was read.
	pos, end, filled int
	// whole says that the line goes no further than end.
	whole bool
	// unended says that the line ends with the stream instead of a line feed.
	unended bool
	// many has line feeds count as blanks: the value goes over many lines.
	many bool
	// ranOut says that the line was read to its end.
	ranOut bool
	// err is what the stream ended with; nil before.
	err error
	// line counts from 1, offset is the place of buf[0] in the stream.
	line, offset int64
	// blanks is how many bytes between tokens were seen.
	blanks int64
	// long holds a text or number of which not all is in buf.
	long []byte
}

func newWindow(size int) *window { return &window{buf: make([]byte, size)} }

// reset begins with another stream.
func (w *window) reset(ctx context.Context, r io.Reader) {
	*w = window{ctx: ctx, r: r, buf: w.buf, whole: true, long: w.long[:0]}
}

// place is the offset in the stream of what comes next.
func (w *window) place() int64 { return w.offset + int64(w.pos) }

// next goes to the next line, past what is left of this one. It returns false at
// the end of the stream.
func (w *window) next() bool {
	w.rest()
	w.pos = w.end
	if w.pos < w.filled {
		w.pos++ // the line feed
	}
	if w.unended {
		return false
	}
	w.line++
	w.whole, w.ranOut = false, false
	w.seek(w.pos)
	for !w.whole && w.filled-w.pos < len(w.buf) {
		w.read()
	}
	return w.end > w.pos || !w.unended
}

// rest passes over what is left of a line.
func (w *window) rest() {
	for !w.whole {
		w.pos = w.end
		w.more()
	}
}

// more brings in the next piece of the line, and false when there is none. What
// was seen goes; of the rest at most a byte may be left.
func (w *window) more() bool {
	if had := w.end - w.pos; !w.whole {
		w.read()
		if w.end-w.pos > had {
			return true
		}
	}
	w.ranOut = true
	return false
}

// read moves what was not seen to the front and reads once behind it.
func (w *window) read() {
	w.offset += int64(w.pos)
	w.filled = copy(w.buf, w.buf[w.pos:w.filled])
	w.pos = 0
	from := w.filled
	for tries := 0; w.err == nil && w.filled == from; tries++ {
		var n int
		if w.err = w.ctx.Err(); w.err != nil {
			break
		}
		n, w.err = w.r.Read(w.buf[w.filled:])
		w.filled += n
		if n == 0 && w.err == nil && tries > 100 {
			w.err = io.ErrNoProgress
		}
	}
	w.seek(from)
}

// seek looks for the end of the line from an index on.
func (w *window) seek(from int) {
	w.end = w.filled
	if !w.many {
		if i := bytes.IndexByte(w.buf[from:w.filled], '\n'); i >= 0 {
			w.end, w.whole = from+i, true
			return
		}
	}
	if w.err != nil && w.filled == from {
		w.whole, w.unended = true, true
	}
}

// manyLines has the value that begins here go over many lines, or no longer.
func (w *window) manyLines(on bool) {
	w.many, w.whole, w.unended = on, false, false
	w.seek(w.pos)
}

// peek skips blanks and gives the next byte without taking it.
func (w *window) peek() (byte, bool) {
	for {
		for w.pos < w.end {
			c := w.buf[w.pos]
			switch c {
			case '\n':
				w.line++
				fallthrough
			case ' ', '\t', '\r':
				w.blanks++
				w.pos++
			default:
				return c, true
			}
		}
		if !w.more() {
			return 0, false
		}
	}
}

// take skips blanks and takes the byte c.
func (w *window) take(c byte) bool {
	got, ok := w.peek()
	if ok && got == c {
		w.pos++
		return true
	}
	return false
}

// text takes a string and gives what is between its quotes, escapes and all, cut
// after maxText, until the next token. With keep unset it gives nil.
func (w *window) text(keep bool) ([]byte, bool) {
	if !w.take('"') {
		return nil, false
	}
	w.long = w.long[:0]
	for {
		data := w.buf[w.pos:w.end]
		n, found := closing(data)
		if w.many && bytes.IndexByte(data[:n], '\n') >= 0 {
			return nil, false
		}
		w.pos += n
		if found {
			w.pos++
		}
		switch {
		case !keep:
			data = nil
		case found && len(w.long) == 0:
			data = data[:min(n, maxText)]
		default:
			w.long = append(w.long, data[:min(n, maxText-len(w.long))]...)
			data = w.long
		}
		if found {
			return data, true
		}
		if !w.more() {
			return nil, false
		}
	}
}

// closing finds the quote that ends a string. Where data does not have it, n is
// how much of data surely belongs to the string: all but a backslash whose other
// half is to come.
func closing(data []byte) (n int, found bool) {
	from := 0
	for {
		i := bytes.IndexByte(data[from:], '"')
		at := from + i
		if i < 0 {
			at = len(data)
		}
		escapes := 0
		for at-escapes > from && data[at-escapes-1] == '\\' {
			escapes++
		}
		switch odd := escapes%2 == 1; {
		case i < 0 && odd:
			return at - 1, false
		case i < 0 || !odd:
			return at, i >= 0
		}
		from = at + 1
	}
}

// scalar takes a number, true, false or null, and gives it until the next token.
func (w *window) scalar() ([]byte, bool) {
	if c, ok := w.peek(); !ok || c != '-' && (c < '0' || c > '9') && c != 't' && c != 'f' && c != 'n' {
		return nil, false
	}
	w.long = w.long[:0]
	for {
		start := w.pos
		for w.pos < w.end && inScalar(w.buf[w.pos]) {
			w.pos++
		}
		piece := w.buf[start:w.pos]
		if w.pos < w.end && len(w.long) == 0 {
			return piece, true
		}
		w.long = append(w.long, piece[:min(len(piece), maxText-len(w.long))]...)
		if w.pos < w.end || !w.more() {
			return w.long, true
		}
	}
}

func inScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '.' || c == '-' || c == '+' || c == 'E'
}

// skip takes a value of any kind. Whether all is well within an object or a list
// is not looked at.
func (w *window) skip() bool {
	c, ok := w.peek()
	switch {
	case !ok:
		return false
	case c == '"':
		_, ok = w.text(false)
	case c == '{' || c == '[':
		ok = w.nested(nil)
	default:
		_, ok = w.scalar()
	}
	return ok
}

// nested takes an object or a list. With managed set it adds what is there under
// keys called managedFields.
func (w *window) nested(managed *int64) bool {
	depth := 0
	before := byte(0) // the token before
	for {
		for w.pos < w.end {
			c := w.buf[w.pos]
			if c == '"' {
				if !w.within(managed, before) {
					return false
				}
				before = c
				continue
			}
			w.pos++
			switch c {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return true
				}
			case '\n':
				w.line++
				w.blanks++
				continue
			case ' ', '\t', '\r':
				w.blanks++
				continue
			}
			before = c
		}
		if !w.more() {
			return false
		}
	}
}

// within takes a string within an object or a list, and if it is the key
// managedFields, with a list to it, that too.
func (w *window) within(managed *int64, before byte) bool {
	if managed == nil || before != '{' && before != ',' {
		_, ok := w.text(false)
		return ok
	}
	key, ok := w.text(true)
	if !ok || string(key) != managedFields {
		return ok
	}
	if c, ok := w.peek(); !ok || c != ':' {
		return ok
	}
	w.take(':')
	if c, ok := w.peek(); !ok || c != '[' {
		return ok
	}
	start, blanks := w.place(), w.blanks
	if !w.nested(nil) {
		return false
	}
	*managed += w.place() - start - (w.blanks - blanks) + int64(len(`"":`)+len(managedFields))
	if c, ok := w.peek(); before == ',' || ok && c == ',' {
		*managed++
	}
	return true
}
