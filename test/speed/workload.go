// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// workload is real events to be multiplied.
type workload struct {
	name string
	// from are files of testdata/logs, and level is of the events to be taken.
	from  []string
	level string
}

var workloads = []workload{
	{"bodies", []string{"workloads/bodies.log.gz"}, "RequestResponse"},
	{"metadata", []string{"audit-2026-11-22T08-23-30.905.log.gz", "audit-2026-11-22T08-23-31.943.log", "audit.log"}, "Metadata"},
}

// events reads the lines to be multiplied.
func (l workload) events() ([][]byte, error) {
	var all [][]byte
	for _, name := range l.from {
		data, err := os.ReadFile(filepath.Join("testdata", "logs", name))
		if err != nil {
			return nil, fmt.Errorf("%w: run it in the folder of the project", err)
		}
		if strings.HasSuffix(name, ".gz") {
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				return nil, err
			}
			if data, err = io.ReadAll(r); err != nil {
				return nil, err
			}
		}
		for line := range bytes.Lines(data) {
			if bytes.Contains(line[:min(100, len(line))], []byte(`"level":"`+l.level+`"`)) {
				all = append(all, line)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there are no such events")
	}
	return all, nil
}

// write writes so many bytes of events, each with an ID and a time of its own.
func (l workload) write(path string, size int64) (events int, err error) {
	lines, err := l.events()
	if err != nil {
		return 0, err
	}
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for written := int64(0); written < size; events++ {
		line := lines[events%len(lines)]
		id := fmt.Sprintf("%08x", events)
		now := at.Add(time.Duration(events) * 2 * time.Millisecond).Format("2006-01-02T15:04:05.000000Z")
		put(line, bytes.Index(line, []byte(`"auditID":"`)), len(`"auditID":"`), id)
		put(line, bytes.LastIndex(line, []byte(`"requestReceivedTimestamp":"`)), len(`"requestReceivedTimestamp":"`), now)
		put(line, bytes.LastIndex(line, []byte(`"stageTimestamp":"`)), len(`"stageTimestamp":"`), now)
		written += int64(len(line))
		if _, err := w.Write(line); err != nil {
			break
		}
	}
	return events, errors.Join(w.Flush(), file.Close())
}

// put writes text over what stands behind a key.
func put(line []byte, at, key int, text string) {
	if at >= 0 && at+key+len(text) < len(line) && line[at+key+len(text)] != '"' || at >= 0 && len(text) > 8 {
		copy(line[at+key:], text)
	}
}
