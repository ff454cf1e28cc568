// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/auditsetup/auditsetup/document"
)

// ErrLocked is what errors.Is finds when another process holds the lock.
var ErrLocked = errors.New("another auditsetup is changing this host")

// ErrUnfinished is what errors.Is finds when an earlier change was cut off, and
// nothing may be changed but by a rollback.
var ErrUnfinished = errors.New("an earlier change was cut off")

// errNotRegular marks what is there but is no regular file.
var errNotRegular = errors.New("not a regular file")

// hostError is a Problem that keeps its cause, so that errors.Is finds
// fs.ErrNotExist and the like, and document.ProblemsOf the place and the hint.
type hostError struct {
	document.Problem
	cause error
}

func (e *hostError) Unwrap() error { return e.cause }

// As gives the Problem, and the list of one, to errors.As.
func (e *hostError) As(target any) bool {
	switch t := target.(type) {
	case *document.Problem:
		*t = e.Problem
	case *document.Problems:
		*t = document.Problems{e.Problem}
	default:
		return false
	}
	return true
}

// problem is a hostError about path, which may carry a cause.
func (h *Host) problem(path, what, hint string, cause error) error {
	file := ""
	if path != "" {
		file = printable(h.Display(path))
	}
	return &hostError{document.Problem{File: file, What: what, Hint: hint}, cause}
}

// fail turns the error of a system call into a Problem that says what was tried,
// why it failed, and what to do about it. A nil error stays nil.
func (h *Host) fail(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *hostError
	if errors.As(err, &known) {
		return err
	}
	what, hint := h.explain(path, err)
	return h.problem(path, fmt.Sprintf("cannot %s: %s", doing, what), hint, err)
}

func (h *Host) explain(path string, err error) (what, hint string) {
	dir := quote(h.Display(filepath.Dir(path)))
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "no space left on the file system of " + dir,
			fmt.Sprintf("free some space there (df -h %s; df -i %s), then run the command again", dir, dir)
	case errors.Is(err, syscall.EROFS):
		return "the file system of " + dir + " is read-only",
			fmt.Sprintf("mount it writable (findmnt -T %s shows it), then run the command again", dir)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return "permission denied", "run the command as root"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied, although this is root",
			"look for an immutable file or folder: lsattr -d " + dir + " " + quote(h.Display(path))
	case errors.Is(err, syscall.EFBIG):
		return "larger than the limit for files of this process", "raise the limit (ulimit -f unlimited), then run the command again"
	case errors.Is(err, syscall.EIO):
		return "input/output error", "check the disk below " + dir + " (dmesg shows its errors)"
	case errors.Is(err, syscall.EBUSY):
		return "it is in use, maybe a mount point of its own", "see findmnt " + quote(h.Display(path))
	case errors.Is(err, syscall.ENOTDIR):
		return "it, or a part of its path, is not a folder", ""
	case errors.Is(err, fs.ErrExist):
		return "something else is there, maybe a link to nowhere", "see ls -ld " + quote(h.Display(path))
	case errors.Is(err, fs.ErrNotExist):
		return "no such file or folder", ""
	}
	return rootCause(err), ""
}

// rootCause is the bare text of a system error: the wrappers of os name relative
// paths that mean nothing to the user.
func rootCause(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// quote makes s one word for a shell.
func quote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0:
		return s
	case printable(s) == s:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return "$'" + b.String() + "'"
}

// printable keeps names with control characters from playing tricks on the
// terminal.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.Quote(s)
		}
	}
	return s
}
