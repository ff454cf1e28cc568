// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
)

const (
	// rotatedAt is how the rotation library writes the time of a rotation into the
	// name of a file (gopkg.in/natefinch/lumberjack.v2 lumberjack.go).
	rotatedAt = "2006-01-02T15-04-05.000"
	// maxEvent is up to where the end of an event is looked for. One with two bodies
	// can have some MiB.
	maxEvent = 16 << 20
	// firstLook is how much of the end of a file is read at first.
	firstLook = 64 << 10
)

// log looks at the file in use and at those put aside, and reads of them no more
// than the first event and the last.
func (g *gathering) log(host string) {
	l := &doctor.Log{}
	var err, dirErr error
	l.File, err = g.stat(host)
	l.Dir, dirErr = g.stat(path.Dir(host))
	if err != nil || dirErr != nil {
		g.unseen("the log "+g.place.Host.Display(host), reason(first(err, dirErr)))
		return
	}
	g.Log = l
	for _, name := range g.rotated(host) {
		file, err := g.stat(path.Join(path.Dir(host), name))
		if err != nil || file.Kind != doctor.Regular {
			continue
		}
		l.Rotated = append(l.Rotated, file)
		l.Bytes += file.Size
	}
	if l.File.Kind == doctor.Regular {
		l.Bytes += l.File.Size
	}
	g.covered(l)
}

func first(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	return errs[i]
}

// rotated are the names of the files put aside, oldest first: their times sort
// as text.
func (g *gathering) rotated(host string) []string {
	at, err := g.outside(path.Dir(host))
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if _, ok := timeOf(e.Name(), path.Base(host)); ok {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// timeOf is the time of rotation in the name of a file put aside; false for any
// other file.
func timeOf(name, base string) (time.Time, bool) {
	ext := path.Ext(base)
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(base, ext)+"-")
	if !ok {
		return time.Time{}, false
	}
	rest, ok = strings.CutSuffix(strings.TrimSuffix(rest, ".gz"), ext)
	t, err := time.Parse(rotatedAt, rest)
	return t, ok && err == nil
}

// covered finds out from when to when there are events. The end of a compressed
// file cannot be read without all of it: its name has the time.
func (g *gathering) covered(l *doctor.Log) {
	files := append(slices.Clone(l.Rotated), l.File)
	for _, f := range files {
		if l.First = g.head(f); !l.First.IsZero() {
			break
		}
	}
	for _, f := range slices.Backward(files) {
		if strings.HasSuffix(f.Path, ".gz") {
			l.Last, _ = timeOf(path.Base(f.Path), path.Base(l.File.Path))
		} else {
			l.Last = g.tail(f)
		}
		if !l.Last.IsZero() {
			break
		}
	}
	if l.Bytes > 0 && l.First.IsZero() {
		g.unseen("which time the log covers", "it begins with no event in JSON that can be read")
	}
}

// head is the time of the first event, zero when there is none.
func (g *gathering) head(f doctor.File) time.Time {
	file := g.open(f)
	if file == nil {
		return time.Time{}
	}
	defer file.Close()
	var from io.Reader = file
	if strings.HasSuffix(f.Path, ".gz") {
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			return time.Time{}
		}
		from = unzipped
	}
	line, _ := bufio.NewReader(io.LimitReader(from, maxEvent)).ReadBytes('\n')
	return eventTime(line)
}

// tail is the time of the last whole event, zero when there is none.
func (g *gathering) tail(f doctor.File) time.Time {
	file := g.open(f)
	if file == nil {
		return time.Time{}
	}
	defer file.Close()
	for look := int64(firstLook); look <= maxEvent; look *= 4 {
		from := max(0, f.Size-look)
		data := make([]byte, f.Size-from)
		n, err := file.ReadAt(data, from)
		if n == 0 && err != nil {
			return time.Time{}
		}
		if t := lastTime(data[:n], from == 0); !t.IsZero() {
			return t
		}
		if from == 0 {
			break
		}
	}
	return time.Time{}
}

// lastTime is that of the last whole line of the end of a file. Its first line
// is whole only where the file begins with it.
func lastTime(data []byte, whole bool) time.Time {
	end := bytes.LastIndexByte(data, '\n')
	for end > 0 {
		start := bytes.LastIndexByte(data[:end], '\n')
		if start < 0 && !whole {
			break
		}
		if t := eventTime(data[start+1 : end]); !t.IsZero() {
			return t
		}
		end = start
	}
	return time.Time{}
}

// eventTime is when the stage of an event was reached; zero when the line is no
// event in JSON.
func eventTime(line []byte) time.Time {
	var event struct {
		StageTimestamp time.Time `json:"stageTimestamp"`
	}
	if json.Unmarshal(line, &event) != nil {
		return time.Time{}
	}
	return event.StageTimestamp
}

// open is nil when the file cannot be opened.
func (g *gathering) open(f doctor.File) *os.File {
	if f.Kind != doctor.Regular {
		return nil
	}
	at, err := g.outside(f.Path)
	if err != nil {
		return nil
	}
	file, err := os.Open(at)
	if err != nil {
		return nil
	}
	return file
}
