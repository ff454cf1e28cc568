// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// locateBudget bounds, in bytes, how much is parsed again to find the line of
// a syntax error: some tenths of a second at the most, and more than enough for
// any file below 100 KiB. Beyond it the line can be too low, never too high.
const locateBudget = 4 << 20

// syntaxProblem turns an error of the parser into a problem with a line.
func syntaxProblem(file string, data []byte, err error) Problem {
	message := bareMessage(err)
	line := newLocator(data, message).locate()
	p := Problem{File: file, Line: line, What: "not valid YAML: " + message, Hint: syntaxHint(message)}
	if tabLine, column := tabNear(data, line); tabLine > 0 {
		p.Line, p.Column = tabLine, column
		p.What = "not valid YAML: a tab in the indentation"
		p.Hint = "indent with spaces: YAML allows no tab there"
	}
	return p
}

// bareMessage strips what the parser puts before its message. Its line number
// goes too: it is that of the start of the enclosing mapping or list, or one
// too low, or missing (fail in decode.go of go.yaml.in/yaml/v3).
func bareMessage(err error) string {
	return regexp.MustCompile(`^yaml: (line \d+: )?`).ReplaceAllString(err.Error(), "")
}

// syntaxHint says what usually lies behind a message of the parser.
func syntaxHint(message string) string {
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		return `check the indentation of this line and the one above, and quote a value that has ": " in it`
	case strings.Contains(message, "unexpected end of stream"):
		return "a quote opened here is not closed"
	case strings.Contains(message, "expected ',' or"), strings.Contains(message, "expected node content"):
		return "a bracket or brace is not closed, or a comma is missing"
	case strings.Contains(message, "did not find expected"):
		return "check the indentation of this line against the lines above"
	case strings.Contains(message, "cannot start any token"):
		return "quote a value that starts with one of @ ` %"
	}
	return ""
}

// tabNear finds a line indented with a tab at or next to the line of an error,
// and the column of the tab; 0 when there is none.
func tabNear(data []byte, line int) (int, int) {
	for _, candidate := range []int{line, line - 1, line + 1} {
		if candidate < 1 {
			continue
		}
		text := data[Offset(data, candidate, 1):]
		text = text[:lineLength(text)]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 {
			return candidate, tab + 1
		}
	}
	return 0, 0
}

// A locator finds the line at which the parser stumbles. The parser's own
// marks are not exported, so it asks the parser itself: the first line that
// makes the lines up to it fail with the same message is the one.
type locator struct {
	data    []byte
	message string
	ends    []int
	budget  int
}

func newLocator(data []byte, message string) *locator {
	l := &locator{data: data, message: message, budget: locateBudget}
	for at := 0; at < len(data); {
		at += lineLength(data[at:])
		l.ends = append(l.ends, at)
	}
	return l
}

// locate returns the line, from 1. It goes up from the last line that the
// parser had asked for when it failed: first in steps that double, as an
// unclosed quote may start far above, then by halving.
func (l *locator) locate() int {
	high := l.linesRead()
	low, step := high-1, 1
	for low > 0 && l.fails(low) {
		high = low
		low -= step
		step *= 2
	}
	low = max(low, 0)
	for high-low > 1 {
		middle := low + (high-low)/2
		if l.fails(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// linesRead is how many lines the parser asks for before it fails.
func (l *locator) linesRead() int {
	r := &lineReader{rest: l.data, ends: l.ends}
	_ = lastError(r)
	return max(r.read, 1)
}

// fails says whether the first lines alone give the same error. When the
// budget is used up it says no, which ends the search where it stands.
func (l *locator) fails(lines int) bool {
	prefix := l.data[:l.ends[lines-1]]
	if l.budget -= len(prefix); l.budget < 0 {
		return false
	}
	err := lastError(bytes.NewReader(prefix))
	return err != nil && bareMessage(err) == l.message
}

// lastError parses everything in r and returns the error that ended it; nil
// for the end of the input.
func lastError(r io.Reader) error {
	decoder := yaml.NewDecoder(r)
	for {
		if _, err := nextDocument(decoder); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A lineReader hands out one line at a time and counts them.
type lineReader struct {
	rest []byte
	ends []int
	done int // bytes handed out
	read int // lines begun
}

func (r *lineReader) Read(into []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	if r.read == 0 || r.done == r.ends[r.read-1] {
		r.read++
	}
	n := copy(into, r.rest[:r.ends[r.read-1]-r.done])
	r.rest = r.rest[n:]
	r.done += n
	return n, nil
}
