// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func unzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// put makes files with an event whose ID is the file's name.
func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		text := []byte(strings.Replace(event, `"auditID":"a"`, `"auditID":"`+name+`"`, 1) + "\n")
		if strings.HasSuffix(name, ".gz") {
			text = zipped(t, text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const (
		one   = "audit-2026-11-21T08-00-00.000.log.gz"
		two   = "audit-2026-11-22T08-00-00.000.log"
		twoGz = "audit-2026-11-22T08-00-00.000.log.gz"
		three = "audit-2026-11-22T08-00-00.001.log.gz"
		now   = "audit.log"
	)
	dir := t.TempDir()
	put(t, dir, two, now, three, one, twoGz, "audit-2026-11-22.log", "other.log", "notes.txt", "audit-2026-11-21T08-00-00.000.txt", "plain", "plain-2026-11-22T08-00-00.000")
	gone := t.TempDir()
	put(t, gone, one, two)
	for name, c := range map[string]struct{ paths, want []string }{
		"file in use":    {[]string{now}, []string{one, two, three, now}},
		"all by name":    {[]string{now, one, three, two, twoGz}, []string{one, two, three, now}},
		"a rotated one":  {[]string{two}, []string{two}},
		"another":        {[]string{"other.log", now, "other.log"}, []string{"other.log", one, two, three, now}},
		"no ending":      {[]string{"plain"}, []string{"plain-2026-11-22T08-00-00.000", "plain"}},
		"notes":          {[]string{"notes.txt"}, []string{"notes.txt"}},
		"standard input": {[]string{"-"}, []string{"-"}},
		"folder": {[]string{"."}, []string{one, two, three, now, "audit-2026-11-21T08-00-00.000.txt", "audit-2026-11-22.log",
			"other.log", "plain-2026-11-22T08-00-00.000", "plain"}},
		"gone": {[]string{gone + "/audit.log"}, []string{gone + "/" + one, gone + "/" + two}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths, got []string
			for _, p := range c.paths {
				if p != "-" && !filepath.IsAbs(p) {
					p = filepath.Join(dir, p)
				}
				paths = append(paths, p)
			}
			files, err := Find(paths...)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				got = append(got, strings.TrimPrefix(f.Path, dir+"/"))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q\nwant %q", got, c.want)
			}
		})
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, err := Find(filepath.Join(empty, "audit.log"), empty, "/dev/null", filepath.Join(empty, "x", "y"))
	want := empty + "/audit.log: there is no such file\n" + empty + ": there is no log in this folder\n/dev/null: is neither a file nor a folder\n" + empty + "/x/y: there is no such file"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestRotatedMeanwhile has kube-apiserver put files aside and compress them after
// they were found: each is read once, and nothing that came later.
func TestRotatedMeanwhile(t *testing.T) {
	t.Parallel()
	const old, now, aside = "audit-2026-11-21T08-00-00.000.log", "audit.log", "audit-2026-11-22T08-00-00.000.log"
	dir := t.TempDir()
	put(t, dir, old, now)
	files, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, old+".gz")
	for _, err := range []error{os.Remove(filepath.Join(dir, old)), os.Rename(filepath.Join(dir, now), filepath.Join(dir, aside))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, now+".new")
	if err := os.Rename(filepath.Join(dir, now+".new"), filepath.Join(dir, now)); err != nil {
		t.Fatal(err)
	}
	var ids []string
	report, err := Read(t.Context(), files, nil, func(e *Event) error { ids = append(ids, string(e.AuditID)); return nil })
	if want := []string{old + ".gz", now}; err != nil || !slices.Equal(ids, want) || report.Remarks() != nil {
		t.Errorf("%q, want %q; %v, %v", ids, want, err, report.Remarks())
	}
	// taken away by --audit-log-maxbackup
	if err := os.Remove(filepath.Join(dir, old+".gz")); err != nil {
		t.Fatal(err)
	}
	report, err = Read(t.Context(), files, nil, func(*Event) error { return nil })
	if err != nil || report.Events != 1 || len(report.Remarks()) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}
