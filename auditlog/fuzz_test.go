// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seeds are lines that have bitten readers of audit logs.
var seeds = []string{
	`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","requestURI":"/api?a=1\u0026b=2","verb":"create","user":{"username":"jane","uid":"u","groups":["a","b"],"extra":{"groups":["x"]}},"sourceIPs":["1.2.3.4"],"objectRef":{"resource":"pods","namespace":"n","name":"p","apiVersion":"v1","subresource":"exec","apiGroup":"g"},"responseStatus":{"metadata":{},"code":201},"requestObject":{"level":"None","stage":"x"},"responseObject":{"auditID":"b","kind":"Pod"},"requestReceivedTimestamp":"2026-11-22T08:23:30.809899Z","stageTimestamp":"2026-11-22T08:23:31.000001Z","annotations":{"audit.k8s.io/truncated":"true"}}`,
	`{"stageTimestamp":"2026-11-22T10:23:31+02:00","responseObject":[1,2],"stage":"Panic","level":"Metadata","auditID":"\u0061\"\\\n\ud83d\ude00\ud800","kind":"Event"}`,
	`{"level":"Metadata","auditID":"a","stage":"ResponseComplete","level":"Request","user":{"username":"x"},"user":{"groups":["g",null]},"objectRef":null,"responseStatus":{"code":404},"responseStatus":null}`,
	` {"kind": "EventList", "items": [ {"level":"Metadata", "auditID":"1","stage":"RequestReceived"}, {"level":"Metadata","auditID":"2","stage":"ResponseStarted"}, 7 ] , "kind":"EventList"}`,
	`{"kind":"ConfigMap","data":{"event":"{\"kind\":\"Event\",\"level\":\"Metadata\",\"auditID\":\"a\",\"stage\":\"Panic\"}"}}`,
	`{"kind":"Event","level":5,"auditID":"a","stage":"Panic"}`, `{"kind":"Event","level":"Metadata","auditID":"","stage":"Panic"}`,
	`{"l\u0065vel":"Metadata","auditID":"a","stage":"Panic"}{"level":"Metadata","auditID":"b","stage":"Panic"}`,
	`[{"level":"Metadata","auditID":"a","stage":"Panic"},[],{}]`, `{"items":[]}`, `{"items":{"level":"Metadata"}}`, `{"LEVEL":"Metadata","auditID":"a","stage":"Panic"}`,
	`{"level":"Metadata","auditID":"a","stage":"Panic","requestObject":"\\\\\"}{","responseObject":-1.5e+3}`,
	"\x00\x00" + `{"level":"Metadata","auditID":"a","stage":"Panic","requestObject":null,"responseObject":"" }` + "\r",
	`{"level":"Metadata","auditID":"a","stage":"Panic","objectRef":{"name":"n"},"objectRef":{"resource":"r"},"annotations":{"audit.k8s.io/truncated":"true"},"annotations":{}}`,
	`{"items":[{"items":[{"level":"Metadata","auditID":"a","stage":"Panic"}]}]}`,
	`{"level":"Metadata","auditID":"a","stage":"Panic","requestObject":"` + strings.Repeat(`\"`, 40) + `","responseObject":"-` + strings.Repeat(`\"`, 40) + `"}`,
	"{" + strings.Repeat(" ", 20),
	`{"level":"Metadata","auditID":"a","stage":"Pan`, `not json`, `{}`, `[`, `{"a":1,}`, "\xef\xbb\xbf", `{"level":"Metadata","auditID":"` + "\x01" + `","stage":"Panic"}`,
}

// read gives all that is in data, one text for each event, "stray" for each stray
// and "cut" for an end that is cut off.
func read(t *testing.T, data []byte, size int) []string {
	t.Helper()
	all := []string{}
	report, err := scan(t.Context(), "f", bytes.NewReader(data), small(size, func(e *Event) error {
		all = append(all, describe(e))
		return nil
	}))
	if err != nil || report.Events != int64(len(all)) || report.Compressed == 0 && report.Bytes != int64(len(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))) {
		t.Fatalf("%+v, %d events, %v", report, len(all), err)
	}
	for range report.Strays {
		all = append(all, "stray")
	}
	if report.CutOff {
		all = append(all, "cut")
	}
	slices.Sort(all)
	return all
}

// small reads with another window.
func small(size int, each func(*Event) error) *scanner {
	s := newScanner(each)
	s.window = newWindow(size)
	return s
}

// FuzzScan compares with encoding/json: each line that it reads has the same
// events in it, by themselves and among the others, in one piece and in many.
func FuzzScan(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(strings.Join(seeds, "\n")))
	f.Add([]byte(strings.Join(seeds, "\r\n") + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			return
		}
		together := read(t, data, windowSize)
		if pieces := read(t, data, 16); !slices.Equal(pieces, together) {
			t.Fatalf("in pieces %q\nas a whole %q", pieces, together)
		}
		sum := []string{}
		for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) {
			body := bytes.TrimSuffix(line, []byte("\n"))
			if b := bytes.TrimSpace(bytes.TrimLeft(body, "\x00")); string(b) == "{" || string(b) == "[" {
				return // may go over many lines
			}
			alone := read(t, append([]byte("\n"), line...), windowSize)
			sum = append(sum, alone...)
			if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
				continue
			}
			want, ok := reference(body)
			slices.Sort(want)
			if ok && !slices.Equal(alone, want) {
				t.Fatalf("%q gives %q\nencoding/json %q", line, alone, want)
			}
		}
		slices.Sort(sum)
		if !slices.Equal(sum, together) {
			t.Fatalf("line by line %q\ntogether %q", sum, together)
		}
	})
}

// FuzzRead puts a text into the files of a rotated set, some compressed, and
// wants what is in the text; and of a compressed file that is cut off, what stands
// before, with a remark.
func FuzzRead(f *testing.F) {
	f.Add([]byte(strings.Join(seeds[:4], "\n")+"\n"), uint8(3), uint8(5), uint16(40))
	f.Add([]byte(seeds[0]+"\n"+seeds[1]+"\n"), uint8(1), uint8(0), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, files, packed uint8, cut uint16) {
		dir := t.TempDir()
		lines := slices.Collect(bytes.Lines(data))
		names := []string{"a-2026-11-21T23-59-59.999.log", "a-2026-11-22T00-00-00.000.log", "a-2026-11-22T00-00-00.001.log", "a.log"}
		names = names[len(names)-int(files%4)-1:]
		want := []string{}
		for i, name := range names {
			text := bytes.Join(lines[i*len(lines)/len(names):(i+1)*len(lines)/len(names)], nil)
			if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) || bytes.HasPrefix(text, []byte{0x28, 0xb5}) {
				return
			}
			want = append(want, events(t, bytes.NewReader(text))...)
			if packed>>i&1 == 1 && i < len(names)-1 {
				name += ".gz"
				text = zipped(t, text)
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		found, err := Find(dir)
		if err != nil || len(found) != len(names) {
			t.Fatalf("%d of %d files, %v", len(found), len(names), err)
		}
		got := []string{}
		report, _ := Read(t.Context(), found, nil, func(e *Event) error { got = append(got, describe(e)); return nil })
		if !slices.Equal(got, want) || report.Events != int64(len(want)) {
			t.Fatalf("%q\nwant %q", got, want)
		}
		whole := zipped(t, data)
		some := whole[:min(len(whole)-1, int(cut))]
		all := events(t, bytes.NewReader(data))
		first := []string{}
		part, err := Scan(t.Context(), "f", bytes.NewReader(some), func(e *Event) error { first = append(first, describe(e)); return nil })
		if err != nil || len(some) > 1 && len(part.Remarks) == 0 || len(first) > len(all) || !slices.Equal(first, all[:len(first)]) {
			t.Fatalf("%v, %+v, %q\nwant the first of %q", err, part, first, all)
		}
	})
}

func events(t *testing.T, r *bytes.Reader) []string {
	t.Helper()
	all := []string{}
	if _, err := Scan(t.Context(), "f", r, func(e *Event) error { all = append(all, describe(e)); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func zipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
