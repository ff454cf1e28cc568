// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditsetup/auditsetup/document"
)

// Report is what was found in the files of a log.
type Report struct {
	// Files has one for each that was read, in that order.
	Files []FileReport
	// Events, Strays and Bytes are the sums over Files.
	Events, Strays, Bytes int64
}

// Remarks are those of all files.
func (r Report) Remarks() document.Problems {
	var all document.Problems
	for _, f := range r.Files {
		all = append(all, f.Remarks...)
	}
	return all
}

// Read reads files one after the other, the standard input from stdin, and hands
// each event to each, which must not keep it: see [Event]. It goes on past what
// is no event and past files that are broken, and reports them. The error is
// document.Problems for files in which nothing is an event, or that of ctx or of
// each, after which nothing more was read. A file without text is no error as
// long as another has events: rotation leaves such.
func Read(ctx context.Context, files []File, stdin io.Reader, each func(*Event) error) (Report, error) {
	return ReadAll(ctx, files, stdin, Options{Whole: true}, each)
}

// notOpened reports a file that could not be.
func (r *FileReport) notOpened(f File, err error) {
	// a copy that rotation took away meanwhile is no fault of anybody's
	r.unread = f.Rotated.IsZero() || !errors.Is(err, fs.ErrNotExist)
	r.rest.Add(f.Path, "cannot be opened: "+reason(err), "run the command as somebody who may read it, such as root")
}

// open opens a file that may have been put aside or compressed since it was found.
func open(f File) (*os.File, error) {
	file, err := os.Open(f.Path)
	if f.info == nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if err == nil {
		if now, e := file.Stat(); e != nil || os.SameFile(now, f.info) || !f.info.Mode().IsRegular() {
			return file, nil
		}
	}
	moved, _ := list(filepath.Dir(f.Path))
	for _, m := range moved {
		if m.set == f.set && f.became(m) {
			if aside, e := os.Open(m.Path); e == nil {
				if file != nil {
					_ = file.Close()
				}
				return aside, nil
			}
		}
	}
	return file, err
}

// became says that m is f by another name. Numbers of files that are gone are given
// to new ones, so the number alone does not tell.
func (f File) became(m File) bool {
	if !f.Rotated.IsZero() {
		return m.Path == f.Path+".gz"
	}
	return !m.Rotated.IsZero() && os.SameFile(m.info, f.info) && m.Size >= f.Size
}

// problems are the files that are no logs.
func (r Report) problems() document.Problems {
	var ps document.Problems
	const hint = "name a log that kube-apiserver wrote in JSON (--audit-log-format=json), or a stored body of its webhook"
	for _, f := range r.Files {
		switch {
		case f.unread:
			ps = append(ps, f.Remarks...)
		case f.Events > 0:
		case f.Strays == 1:
			ps.Add(f.Name, "is no audit log: the only line of it is no event", hint)
		case f.Strays > 1:
			ps.Add(f.Name, "is no audit log: nothing in it is an event", hint)
		case r.Events == 0 && f.Bytes == 0 && len(f.Remarks) > 0:
			ps = append(ps, f.Remarks...)
		case r.Events == 0 && f.Bytes == 0:
			ps.Add(f.Name, "is empty", "wait until kube-apiserver has logged something")
		case r.Events == 0:
			ps.Add(f.Name, "has no whole event", "wait until kube-apiserver has logged something")
		}
	}
	return ps
}
