// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/auditsetup/auditsetup/document"
)

// named is how many of the places of a file where there is no event are named.
const named = 3

// FileReport is what was found in a file.
type FileReport struct {
	// Name is the path, or "-" for the standard input.
	Name string
	// Bytes is how much text was read, uncompressed. Compressed is what that
	// took compressed; 0 for plain text.
	Bytes, Compressed int64
	// Events were handed on. Strays are lines, or items of a list, that are no
	// events; a value that goes over many lines counts as one.
	Events, Strays int64
	// CutOff says that the last line is the beginning of an event, as while it
	// is being written. It is no stray.
	CutOff bool
	// Remarks are the first few strays, each with its line, and what else keeps
	// this from being all: an end that is missing, a file that cannot be read on.
	Remarks document.Problems

	// unread says that it could not be opened.
	unread bool
}

// Scan reads a stream, compressed with gzip or not, and hands each event in it to
// each, which must not keep it: see [Event]. What is no event, and an end of the
// stream before its time, is in the report. The error is that of ctx or of each,
// after which nothing more was read.
func Scan(ctx context.Context, name string, r io.Reader, each func(*Event) error) (FileReport, error) {
	return scan(ctx, name, r, windowSize, each)
}

func scan(ctx context.Context, name string, r io.Reader, size int, each func(*Event) error) (FileReport, error) {
	s := scanner{report: FileReport{Name: name}}
	raw := &counted{r: r}
	text, packed, err := s.unpack(raw)
	if err != nil {
		return s.report, ctx.Err()
	}
	s.window = newWindow(ctx, text, size)
	s.yield = func(e *Event) error {
		s.report.Events++
		return each(e)
	}
	s.arena = make([]byte, 0, 4<<10) // not nil, nor is an empty text in it
	s.stray = s.addStray
	for s.next() {
		if err := s.scanLine(); err != nil {
			return s.report, err
		}
	}
	s.report.Bytes = s.offset + int64(s.filled)
	if packed {
		s.report.Compressed = raw.n
	}
	s.ended(packed)
	if s.report.CutOff {
		s.remark(cutOff)
	}
	return s.report, ctx.Err()
}

type scanner struct {
	parser

	report FileReport
	// strayed is the line of the last stray; many on one line are named once.
	strayed int64
}

// unpack looks at how a stream begins. An error was reported.
func (s *scanner) unpack(raw io.Reader) (text io.Reader, packed bool, err error) {
	buffered := bufio.NewReaderSize(raw, 64<<10)
	head, err := buffered.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		text, err = gzip.NewReader(buffered)
		if err != nil {
			s.report.Remarks.Add(s.report.Name, "the compressed data is broken from the beginning: "+reason(err), "copy the file again, or leave it out")
		}
		return text, true, err
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		err = errors.New("zstd")
		s.report.Remarks.Add(s.report.Name, "is compressed with zstd, which is not read", "give it uncompressed: zstd -dc FILE, and - as the file")
		return nil, true, err
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3) // a byte order mark
	case len(head) == 0 && err != nil && !errors.Is(err, io.EOF):
		s.report.Remarks.Add(s.report.Name, "cannot be read: "+reason(err), "")
		return nil, false, err
	}
	return buffered, false, nil
}

// scanLine takes the values of a line, or the value that begins with it. The
// error is that of whoever takes the events.
func (s *scanner) scanLine() error {
	opening := s.opening()
	s.hole()
	c, ok := s.peek()
	if !ok {
		return nil
	}
	if c != '{' && c != '[' {
		s.addStray(notJSON)
		return nil
	}
	if opening {
		s.manyLines(true)
		defer func() { s.manyLines(false) }()
	}
	line := s.line
	for ok {
		if !s.value(true) {
			if s.failed == nil {
				s.broke(line)
			}
			return s.failed
		}
		if s.many {
			return nil
		}
		_, ok = s.peek()
	}
	return nil
}

// opening says that the line is a bracket and nothing else but a few blanks, as a
// program writes that prints JSON for people. A line that kube-apiserver was kept
// from ending would be as short only by a rare accident.
func (s *scanner) opening() bool {
	const few = 8
	line := s.buf[s.pos:s.end]
	return s.whole && len(line) <= few && len(bytes.TrimSpace(line)) == 1
}

// hole skips NUL bytes. A log that somebody emptied while the server held it open
// begins with them.
func (s *scanner) hole() {
	for {
		for s.pos < s.end && s.buf[s.pos] == 0 {
			s.pos++
		}
		if s.pos < s.end || !s.more() {
			return
		}
	}
}

// broke tells a line that is broken from one that has no end yet.
func (s *scanner) broke(line int64) {
	if s.unended && s.ranOut {
		s.report.CutOff = true
		return
	}
	s.strayAt(line, broken)
}

func (s *scanner) addStray(why string) { s.strayAt(s.line, why) }

func (s *scanner) strayAt(line int64, why string) {
	s.report.Strays++
	if s.report.Strays > named || line == s.strayed {
		return
	}
	s.strayed = line
	s.report.Remarks = append(s.report.Remarks, document.Problem{File: s.report.Name, Line: int(line), What: why})
}

func (s *scanner) remark(what string) {
	s.report.Remarks = append(s.report.Remarks, document.Problem{File: s.report.Name, Line: int(s.line), What: what})
}

// ended reports an end of the stream that is none.
func (s *scanner) ended(packed bool) {
	if s.err == nil || errors.Is(s.err, io.EOF) || s.ctx.Err() != nil {
		return
	}
	s.report.CutOff = false // it is the stream that is
	what := "cannot be read on"
	if packed {
		what = "the compressed data is cut off or broken"
	}
	s.report.Remarks = append(s.report.Remarks, document.Problem{
		File: s.report.Name, Line: int(s.line),
		What: fmt.Sprintf("%s after %d bytes of text: %s; the %d events before are counted", what, s.report.Bytes, reason(s.err), s.report.Events),
		Hint: "copy the file again, or leave it out",
	})
}

// reason is an error without the path, which is named already.
func reason(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return err.Error()
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
