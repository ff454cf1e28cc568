// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// ErrManyLines is that of ReadAll for a value that goes over many lines amid a file
// that begins as a log does: pieces of that file cannot be read by themselves.
var ErrManyLines = errors.New("a value goes over many lines")

const (
	// pieceMost and pieceLeast bound the pieces that a file is read in.
	pieceMost  = 8 << 20
	pieceLeast = 1 << 20
	// manyPieces bounds how many there are of a huge file.
	manyPieces = 1 << 12
)

// Options say how ReadAll reads.
type Options struct {
	// Done is raised by the bytes of files as they are read, compressed or not.
	// May be nil.
	Done *atomic.Int64
	// Whole has no file read in pieces, which is slower and takes every file.
	Whole bool
}

// ReadAll is [Read] with as many goroutines as there are functions in each. One
// function is called by one goroutine, for events in any order: files are read at
// the same time, and pieces of a file. The report is that of Read. The error may
// also be ErrManyLines; then events have to be forgotten and read again with
// Whole set.
func ReadAll(ctx context.Context, files []File, stdin io.Reader, o Options, each ...func(*Event) error) (Report, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if o.Done == nil {
		o.Done = new(atomic.Int64)
	}
	r := &reading{files: make([]pieces, len(files)), options: o, stdin: stdin, jobs: make(chan job)}
	var workers sync.WaitGroup
	for _, f := range each {
		workers.Go(func() {
			s := newScanner(f)
			for j := range r.jobs {
				if err := j.do(ctx, s); err != nil {
					stop(err)
				}
			}
		})
	}
	r.plan(ctx, files)
	close(r.jobs)
	workers.Wait()
	var all Report
	for i := range r.files {
		all.add(r.files[i].report(files[i].Path))
	}
	if err := context.Cause(ctx); err != nil {
		return all, err
	}
	return all, all.problems().Err()
}

func (r *Report) add(one FileReport) {
	r.Files = append(r.Files, one)
	r.Events += one.Events
	r.Strays += one.Strays
	r.Bytes += one.Bytes
}

// reading is one call of ReadAll.
type reading struct {
	files   []pieces
	options Options
	stdin   io.Reader
	jobs    chan job
}

// pieces are the reports of one file, in the order of its pieces.
type pieces []FileReport

// job is a file, or a piece of one.
type job struct {
	// do reads it.
	do func(context.Context, *scanner) error
}

// plan hands out the jobs in order.
func (r *reading) plan(ctx context.Context, files []File) {
	for i, f := range files {
		if ctx.Err() != nil {
			return
		}
		file, from, size := r.cuttable(f)
		if file == nil {
			r.files[i] = make(pieces, 1)
			r.give(ctx, func(ctx context.Context, s *scanner) error { return r.whole(ctx, f, s, &r.files[i][0]) })
			continue
		}
		length := min(max(size/16, pieceLeast), max(pieceMost, size/manyPieces))
		n := max(1, int((size-from)/length))
		r.files[i] = make(pieces, n)
		var left atomic.Int64
		left.Store(int64(n))
		for k := range n {
			p := piece{file: file, name: f.Path, base: from, from: from + int64(k)*length, to: from + int64(k+1)*length, first: k == 0, last: k == n-1, done: r.options.Done}
			r.give(ctx, func(ctx context.Context, s *scanner) error {
				err := p.read(ctx, s, &r.files[i][k])
				if left.Add(-1) == 0 {
					_ = file.Close()
				}
				return err
			})
		}
	}
}

func (r *reading) give(ctx context.Context, do func(context.Context, *scanner) error) {
	select {
	case r.jobs <- job{do}:
	case <-ctx.Done():
	}
}

// cuttable opens a file that is plain and begins with an event on a line, as logs
// do. It is nil for any other.
func (r *reading) cuttable(f File) (file *os.File, from, size int64) {
	if r.options.Whole || f.Path == "-" || f.info == nil || !f.info.Mode().IsRegular() || f.Size < 2*pieceLeast {
		return nil, 0, 0
	}
	file, err := open(f)
	if err != nil {
		return nil, 0, 0
	}
	head := make([]byte, len(quickHead)+3)
	info, err := file.Stat()
	if err == nil {
		_, err = file.ReadAt(head, 0)
	}
	if rest, mark := bytes.CutPrefix(head, []byte("\xef\xbb\xbf")); mark {
		from, head = 3, rest
	}
	if err != nil || !bytes.HasPrefix(head, []byte(quickHead)) {
		_ = file.Close()
		return nil, 0, 0
	}
	return file, from, info.Size()
}

// whole reads a file, or the standard input, in one go.
func (r *reading) whole(ctx context.Context, f File, s *scanner, report *FileReport) error {
	*report = FileReport{Name: f.Path}
	if f.Path == "-" {
		return s.scan(ctx, report, &counted{r: r.stdin})
	}
	file, err := open(f)
	if err != nil {
		report.notOpened(f, err)
		return ctx.Err()
	}
	defer file.Close()
	return s.scan(ctx, report, &counted{r: file, sum: r.options.Done})
}

// piece is the lines of a file that begin at from or later, and before to.
type piece struct {
	file     *os.File
	name     string
	from, to int64
	// base is where the text begins.
	base        int64
	first, last bool
	done        *atomic.Int64
}

func (p piece) read(ctx context.Context, s *scanner, report *FileReport) error {
	*report = FileReport{Name: p.name}
	start, found, err := p.start()
	s.begin(ctx, report, &section{piece: p, at: start})
	s.offset, s.err = start, err
	if !found {
		s.whole, s.unended = true, true
	}
	s.apart = true
	for !s.past(p) && s.next() {
		report.lines++
		if err := s.scanLine(); err != nil {
			return err
		}
	}
	report.Bytes = s.offset + int64(s.filled) - p.base
	if p.last || s.err != nil {
		s.finish(false)
	}
	return ctx.Err()
}

// past says that the next line belongs to another piece.
func (s *scanner) past(p piece) bool {
	if p.last || s.filled == 0 {
		return false
	}
	s.rest()
	return s.offset+int64(s.end)+1 >= p.to
}

// start finds the first line of a piece.
func (p piece) start() (at int64, found bool, err error) {
	if p.first {
		return p.from, true, nil
	}
	buf := make([]byte, 64<<10)
	for at = p.from - 1; p.last || at < p.to-1; {
		some := buf
		if left := p.to - 1 - at; !p.last && left < int64(len(buf)) {
			some = buf[:left]
		}
		n, err := p.file.ReadAt(some, at)
		if i := bytes.IndexByte(some[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, true, nil
		}
		at += int64(n)
		if err != nil {
			return at, false, err
		}
	}
	return at, false, nil
}

// section reads a piece of a file, and beyond its end in small bites.
type section struct {
	piece
	at int64
}

func (s *section) Read(b []byte) (int, error) {
	const bite = 64 << 10
	left := s.to - s.at
	if left <= 0 {
		left = bite
	}
	if !s.last && int64(len(b)) > left {
		b = b[:left]
	}
	n, err := s.file.ReadAt(b, s.at)
	s.at += int64(n)
	s.done.Add(int64(n))
	return n, err
}

// report is what one reader of the whole file would have reported.
func (ps pieces) report(name string) FileReport {
	if len(ps) == 0 {
		return FileReport{Name: name}
	}
	all := ps[0]
	for _, p := range ps[1:] {
		for _, s := range p.strays {
			s.line += all.lines
			s.nth += all.Strays
			all.strays = append(all.strays, s)
		}
		all.rest = append(all.rest, p.rest...)
		all.lines += p.lines
		all.Events += p.Events
		all.Strays += p.Strays
		all.CutOff = all.CutOff || p.CutOff
		all.Bytes = max(all.Bytes, p.Bytes)
	}
	all.remark()
	return all
}
