// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// chunk is how much of a log is read at once; maxLine is where a line without
// an end is given up. An event with two bodies can have some MiB.
const (
	chunk   = 256 << 10
	maxLine = 64 << 20
)

// Follower reads what is appended to a log file, through its rotation: the file
// that it has open is read to its end, whatever its name is by then, before the
// next one is begun (kube-apiserver renames the full one, see
// gopkg.in/natefinch/lumberjack.v2). It is for one goroutine.
type Follower struct {
	path string
	file *os.File // nil as long as there is none
	rest []byte   // the beginning of a line
	// Lines is how many were read.
	Lines int
}

// Follow begins at the present end of a file, which need not be there yet.
func Follow(path string) (*Follower, error) {
	f := &Follower{path: path}
	if err := f.open(); err != nil || f.file == nil {
		return f, err
	}
	_, err := f.file.Seek(0, io.SeekEnd)
	return f, err
}

func (f *Follower) open() error {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.file = file
	return err
}

// Close lets go of the file.
func (f *Follower) Close() {
	if f.file != nil {
		_ = f.file.Close()
	}
}

// Read calls each with every whole line that was appended since, without its
// end, until each says that it is enough. The line is valid during the call.
func (f *Follower) Read(each func(line []byte) (enough bool)) error {
	for {
		if f.file == nil {
			if err := f.open(); err != nil || f.file == nil {
				return err
			}
		}
		enough, err := f.drain(each)
		if enough || err != nil {
			return err
		}
		next, err := os.Stat(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		now, nowErr := f.file.Stat()
		if err != nil || nowErr != nil {
			return errors.Join(err, nowErr)
		}
		if os.SameFile(next, now) {
			return nil
		}
		// Written to between the last read and the rename, maybe.
		if enough, err := f.drain(each); enough || err != nil {
			return err
		}
		f.Close()
		f.file, f.rest = nil, nil
	}
}

// drain reads to the end of the open file.
func (f *Follower) drain(each func([]byte) bool) (bool, error) {
	buffer := make([]byte, chunk)
	for {
		n, err := f.file.Read(buffer)
		f.rest = append(f.rest, buffer[:n]...)
		for {
			line, rest, whole := bytes.Cut(f.rest, []byte("\n"))
			if !whole {
				break
			}
			f.rest = rest
			f.Lines++
			if each(line) {
				return true, nil
			}
		}
		if len(f.rest) > maxLine {
			return false, errors.New("the log has a line without an end")
		}
		f.rest = bytes.Clone(f.rest)
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
