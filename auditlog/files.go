// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// rotatedAt is how the rotation library writes the time of a rotation into the
// name of a file (gopkg.in/natefinch/lumberjack.v2 lumberjack.go).
const rotatedAt = "2006-01-02T15-04-05.000"

// File is one file of a log.
type File struct {
	// Path is "-" for the standard input.
	Path string
	// Rotated is when it was put aside; zero for the file in use.
	Rotated time.Time
	// Size is in bytes, as it was found; 0 for the standard input.
	Size int64

	// info tells a file that was put aside since from the new one of its name.
	info fs.FileInfo
	// set is the path of the file in use.
	set string
}

// Find says which files are to be read, in order of time, each once. A path is
// "-" for the standard input; a file; the file in use of a log, which takes in
// the copies beside it that rotation put aside (audit-TIME.log and .log.gz for
// audit.log), whether or not it is there itself; or a folder, which stands for
// the logs right in it. Where a copy is there both plain and compressed, the
// compressed one is being made, and the plain one is taken. The error is
// document.Problems with every path that leads to nothing.
func Find(paths ...string) ([]File, error) {
	var found []File
	var problems document.Problems
	for _, path := range paths {
		files, problem := find(path)
		if problem != nil {
			problems = append(problems, *problem)
		}
		found = append(found, files...)
	}
	return once(found), problems.Err()
}

func find(path string) ([]File, *document.Problem) {
	if path == "-" {
		return []File{{Path: path, set: path}}, nil
	}
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &document.Problem{File: path, What: "cannot be looked at: " + reason(err), Hint: "run the command as somebody who may read it, such as root"}
	}
	if err == nil && info.IsDir() {
		return folder(path)
	}
	if err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 {
		return nil, &document.Problem{File: path, What: "is neither a file nor a folder", Hint: "name the log that kube-apiserver writes, its folder, or -"}
	}
	var files []File
	if err == nil {
		at, base := timeOf(filepath.Base(path))
		if files = []File{{Path: path, Rotated: at, Size: info.Size(), info: info, set: filepath.Join(filepath.Dir(path), base)}}; !at.IsZero() {
			return files, nil
		}
	}
	beside, _ := list(filepath.Dir(path))
	for _, f := range beside {
		if f.set == path && !f.Rotated.IsZero() {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, &document.Problem{File: path, What: "there is no such file", Hint: "name the log that kube-apiserver writes (--audit-log-path), its folder, or -"}
	}
	return files, nil
}

// folder finds the logs in a folder: every set with rotated files in it, and
// every other file that is called after a log.
func folder(path string) ([]File, *document.Problem) {
	all, err := list(path)
	if err != nil {
		return nil, &document.Problem{File: path, What: "cannot be looked into: " + reason(err), Hint: "run the command as somebody who may read it, such as root"}
	}
	sets := map[string]bool{}
	for _, f := range all {
		name := strings.TrimSuffix(f.Path, ".gz")
		sets[f.set] = sets[f.set] || !f.Rotated.IsZero() || slices.Contains([]string{".log", ".json", ".jsonl", ".ndjson"}, filepath.Ext(name))
	}
	files := slices.DeleteFunc(all, func(f File) bool { return !sets[f.set] })
	if len(files) == 0 {
		return nil, &document.Problem{File: path, What: "there is no log in this folder", Hint: "name the file that kube-apiserver writes (--audit-log-path)"}
	}
	return files, nil
}

// list has the regular files of a folder.
func list(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil || !info.Mode().IsRegular() {
			continue // gone meanwhile
		}
		at, base := timeOf(e.Name())
		files = append(files, File{Path: filepath.Join(dir, e.Name()), Rotated: at, Size: info.Size(), info: info, set: filepath.Join(dir, base)})
	}
	return files, nil
}

// timeOf takes the name of a file put aside apart into its time and the name of
// the file in use. Any other name is that of a file in use.
func timeOf(name string) (time.Time, string) {
	plain := strings.TrimSuffix(name, ".gz")
	ext := filepath.Ext(plain)
	if _, err := time.Parse(rotatedAt, "2006-01-02T15-04-05"+ext); err == nil {
		ext = "" // a log without an ending: what looks like one are the milliseconds
	}
	stem := strings.TrimSuffix(plain, ext)
	if cut := len(stem) - len(rotatedAt); cut > 1 && stem[cut-1] == '-' {
		if at, err := time.Parse(rotatedAt, stem[cut:]); err == nil {
			return at, stem[:cut-1] + ext
		}
	}
	return time.Time{}, name
}

// once orders files by set, as the sets were first named, and within one by time,
// with the file in use last, and leaves out what is there already.
func once(found []File) []File {
	order := map[string]int{}
	for _, f := range found {
		if _, ok := order[f.set]; !ok {
			order[f.set] = len(order)
		}
	}
	slices.SortStableFunc(found, func(a, b File) int {
		switch {
		case a.set != b.set:
			return cmp.Compare(order[a.set], order[b.set])
		case a.Rotated.IsZero() != b.Rotated.IsZero():
			if a.Rotated.IsZero() {
				return 1
			}
			return -1
		case !a.Rotated.Equal(b.Rotated):
			return a.Rotated.Compare(b.Rotated)
		}
		return cmp.Compare(len(a.Path), len(b.Path)) // plain before compressed
	})
	return slices.CompactFunc(found, func(a, b File) bool {
		return a.set == b.set && a.Rotated.Equal(b.Rotated)
	})
}
