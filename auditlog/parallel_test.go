// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// together reads files in pieces with two goroutines.
func together(t *testing.T, files []File) ([]string, Report, error) {
	t.Helper()
	var some [2][]string
	var done atomic.Int64
	take := func(i int) func(*Event) error {
		return func(e *Event) error { some[i] = append(some[i], describe(e)); return nil }
	}
	report, err := ReadAll(t.Context(), files, nil, Options{Done: &done}, take(0), take(1))
	all := append(some[0], some[1]...)
	slices.Sort(all)
	if done.Load() < report.Bytes && report.Files[0].Compressed == 0 {
		t.Errorf("%d of %d bytes are done", done.Load(), report.Bytes)
	}
	return all, report, err
}

// TestReadAll has files in pieces give what they give as a whole: the same events,
// and the same report.
func TestReadAll(t *testing.T) {
	t.Parallel()
	lines := strings.Join(written(), "\n") + "\n"
	long := strings.Replace(written()[4], `"data":{`, `"data":{"x":"`+strings.Repeat("a", 3*pieceLeast)+`",`, 1)
	aligned := strings.Replace(written()[0], "ubectl", "ubectl"+strings.Repeat("x", 2047-len(written()[0])), 1) + "\n"
	strays := strings.Repeat("no event\n", 2) + strings.Repeat(lines, 20) + "\x00\x00" + lines + "neither\nnor this\n{}\n"
	for name, text := range map[string]string{
		"log":      strings.Repeat(lines, 100),
		"CRLF":     strings.Repeat(strings.ReplaceAll(lines, "\n", "\r\n"), 100),
		"strays":   strings.Repeat(lines, 50) + strays + strings.Repeat(lines, 30) + strays,
		"cut off":  strings.Repeat(lines, 100) + lines[:300],
		"long":     strings.Repeat(lines, 30) + long + "\n" + strings.Repeat(lines, 30) + strings.Repeat("x", 3*pieceLeast) + "\n" + lines + long,
		"cut long": strings.Repeat(lines, 30) + long[:len(long)-100],
		"aligned":  strings.Repeat(aligned, 4<<20/len(aligned)),
		"mark":     "\xef\xbb\xbf" + strings.Repeat(lines, 100),
		"two":      strings.Repeat(lines, 60) + strings.Repeat(lines[:len(lines)-1]+lines[:1000]+lines, 40),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			files, err := Find(path)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			whole, wantErr := Read(t.Context(), files, nil, func(e *Event) error { want = append(want, describe(e)); return nil })
			slices.Sort(want)
			got, report, err := together(t, files)
			if !slices.Equal(got, want) || (err == nil) != (wantErr == nil) {
				t.Errorf("%d events, %v; want %d, %v", len(got), err, len(want), wantErr)
			}
			if r, w := report.Files[0], whole.Files[0]; r.Events != w.Events || r.Strays != w.Strays || r.CutOff != w.CutOff || r.Bytes != w.Bytes || !reflect.DeepEqual(r.Remarks, w.Remarks) {
				t.Errorf("%+v\nwant %+v", r, w)
			}
			if report.Bytes != int64(len(strings.TrimPrefix(text, "\xef\xbb\xbf"))) {
				t.Errorf("%d of %d bytes", report.Bytes, len(text))
			}
		})
	}
}

// TestReadAllPretty gives up a file that begins as a log and goes on as something
// else, and reads it as a whole.
func TestReadAllPretty(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(strings.Repeat(strings.Join(written(), "\n")+"\n", 100)+pretty(written()[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Find(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := together(t, files); !errors.Is(err, ErrManyLines) {
		t.Errorf("%v", err)
	}
	events := 0
	r, err := ReadAll(t.Context(), files, nil, Options{Whole: true}, func(*Event) error { events++; return nil })
	if err != nil || events != 100*len(written())+1 || r.Strays != 0 {
		t.Errorf("%d events, %d strays, %v", events, r.Strays, err)
	}
}

// TestReadAllStops stops when somebody has enough.
func TestReadAllStops(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(strings.Repeat(strings.Join(written(), "\n")+"\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Find(path)
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	events := 0
	if _, err := ReadAll(t.Context(), files, nil, Options{}, func(*Event) error { events++; return enough }); !errors.Is(err, enough) || events != 1 {
		t.Errorf("%d events, %v", events, err)
	}
}

func TestZstd(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat(strings.Join(written(), "\n")+"\n", 20))
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := w.EncodeAll(text, nil)
	path := filepath.Join(t.TempDir(), "audit.log.zst")
	if err := os.WriteFile(path, append(packed, packed...), 0o600); err != nil { // two frames
		t.Fatal(err)
	}
	files, err := Find(path)
	if err != nil {
		t.Fatal(err)
	}
	_, report, err := together(t, files)
	if err != nil || report.Bytes != int64(2*len(text)) || report.Files[0].Compressed != int64(2*len(packed)) || len(report.Files[0].Remarks) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	cut, err := Scan(t.Context(), "f", bytes.NewReader(packed[:len(packed)-20]), func(*Event) error { return nil })
	if err != nil || len(cut.Remarks) != 1 {
		t.Errorf("%+v, %v", cut, err)
	}
}
