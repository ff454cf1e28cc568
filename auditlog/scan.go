// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

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
	// strays are those among the first that are named, rest the other remarks.
	// lines is how many lines there are, where that is counted.
	strays []strayed
	rest   document.Problems
	lines  int64
}

// strayed is a place where there is no event.
type strayed struct {
	// nth counts the strays of the file from 1.
	nth, line int64
	why       string
}

// remark makes the Remarks.
func (f *FileReport) remark() {
	f.Remarks = nil
	for _, s := range f.strays {
		if s.nth <= named {
			f.Remarks = append(f.Remarks, document.Problem{File: f.Name, Line: int(s.line), What: s.why})
		}
	}
	for _, p := range f.rest {
		if p.Line > 0 {
			p.Line = int(f.lines)
		}
		f.Remarks = append(f.Remarks, p)
	}
}

// Scan reads a stream, compressed with gzip or zstd or not, and hands each event
// in it to each, which must not keep it: see [Event]. What is no event, and an end
// of the stream before its time, is in the report. The error is that of ctx or of
// each, after which nothing more was read.
func Scan(ctx context.Context, name string, r io.Reader, each func(*Event) error) (FileReport, error) {
	return scan(ctx, name, r, newScanner(each))
}

func scan(ctx context.Context, name string, r io.Reader, s *scanner) (FileReport, error) {
	report := FileReport{Name: name}
	err := s.scan(ctx, &report, &counted{r: r})
	report.remark()
	return report, err
}

type scanner struct {
	parser

	report *FileReport
	quick  quickReader
	// full has every line parsed in full.
	full bool
	// apart says that this is a piece of a file, in which no value goes over many
	// lines.
	apart bool
	// strayed is the line of the last stray; many on one line are named once.
	strayed int64
}

func newScanner(each func(*Event) error) *scanner {
	s := &scanner{}
	s.window = newWindow(windowSize)
	s.arena = make([]byte, 0, 4<<10) // not nil, nor is an empty text in it
	s.stray = s.addStray
	s.yield = func(e *Event) error {
		s.report.Events++
		return each(e)
	}
	return s
}

// begin makes ready for a stream.
func (s *scanner) begin(ctx context.Context, report *FileReport, text io.Reader) {
	s.reset(ctx, text)
	s.quick.begin()
	s.report, s.apart, s.strayed, s.failed = report, false, 0, nil
}

// scan reads a stream. The report is without its Remarks.
func (s *scanner) scan(ctx context.Context, report *FileReport, raw *counted) error {
	s.begin(ctx, report, nil)
	text, packed, err := s.unpack(raw)
	if err != nil {
		return ctx.Err()
	}
	defer text.Close()
	s.r = text
	for s.next() {
		if err := s.scanLine(); err != nil {
			return err
		}
	}
	report.Bytes = s.offset + int64(s.filled)
	report.lines = s.line
	if packed {
		report.Compressed = raw.n
	}
	s.finish(packed)
	return ctx.Err()
}

// scanLine takes the values of a line, or the value that begins with it. The
// error is that of whoever takes the events.
func (s *scanner) scanLine() error {
	if s.whole && !s.full && s.quick.read(s.buf[s.pos:s.end], &s.event) {
		s.pos = s.end
		return s.yield(&s.event)
	}
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
		if s.apart {
			return ErrManyLines
		}
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
	s.report.strays = append(s.report.strays, strayed{s.report.Strays, line, why})
}

// finish reports how the stream ended.
func (s *scanner) finish(packed bool) {
	s.ended(packed)
	if s.report.CutOff {
		s.report.rest = append(s.report.rest, document.Problem{File: s.report.Name, Line: int(s.line), What: cutOff})
	}
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
	s.report.rest = append(s.report.rest, document.Problem{
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

// counted counts what was read, and adds it to sum if that is set.
type counted struct {
	r   io.Reader
	n   int64
	sum *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.sum != nil {
		c.sum.Add(int64(n))
	}
	return n, err
}
