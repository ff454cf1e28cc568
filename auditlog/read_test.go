// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/document"
)

const (
	logs  = "../testdata/logs"
	event = `{"kind":"Event","level":"Metadata","auditID":"a","stage":"ResponseComplete"}`
)

// body is as a webhook receives it.
const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + event + "," + event + `]}`

// pretty is JSON as programs print it for people.
func pretty(s string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(s), "", "    "); err != nil {
		panic(err)
	}
	return b.String()
}

// unusual are what people give for logs, with what is in it.
var unusual = map[string]struct {
	text           string
	events, strays int64
	cut            bool
	remarks        string
}{
	"empty":              {"", 0, 0, false, ""},
	"blank lines":        {"\n \r\n\t\n", 0, 0, false, ""},
	"CRLF":               {event + "\r\n" + event + "\r\n", 2, 0, false, ""},
	"no line feed":       {event + "\n" + event, 2, 0, false, ""},
	"cut off":            {event + "\n" + event[:40], 1, 0, true, "f:2: the last event is cut off, as while it is being written, and not counted"},
	"cut off in escape":  {event + "\n" + `{"a":"\`, 1, 0, true, "f:2: the last event is cut off, as while it is being written, and not counted"},
	"cut off within":     {event[:40] + "\n" + event + "\n", 1, 1, false, "f:1: no event: broken JSON"},
	"two on a line":      {event + event + "\n", 2, 0, false, ""},
	"two writers":        {event[:30] + event + "\n" + event + "\n", 1, 1, false, "f:1: no event: broken JSON"},
	"text":               {"I1122 08:23:30 server.go:1] Starting\n" + event + "\nfoo\n", 1, 2, false, "f:1: no event: not JSON\nf:3: no event: not JSON"},
	"many":               {strings.Repeat("x\n", 100) + event, 1, 100, false, "f:1: no event: not JSON\nf:2: no event: not JSON\nf:3: no event: not JSON"},
	"another object":     {`{"kind":"Pod","metadata":{"name":"p"}}` + "\n", 0, 1, false, "f:1: no event: another kind of object"},
	"core event":         {`{"kind":"Event","apiVersion":"v1","metadata":{}}` + "\n", 0, 1, false, "f:1: no event: it has no auditID"},
	"no level":           {`{"kind":"Event","auditID":"a","stage":"Panic","level":"None"}`, 0, 1, false, "f:1: no event: its level is none that kube-apiserver records"},
	"no stage":           {`{"kind":"Event","auditID":"a","stage":"x","level":"Metadata"}`, 0, 1, false, "f:1: no event: its stage is none that there is"},
	"mistyped":           {strings.Replace(event, `"a"`, `["a"]`, 1), 0, 1, false, "f:1: no event: a field has a value of another kind than events have"},
	"in a string":        {`{"kind":"ConfigMap","data":{"x":"` + strings.ReplaceAll(event, `"`, `\"`) + `"}}`, 0, 1, false, "f:1: no event: another kind of object"},
	"list":               {body + "\n" + body, 4, 0, false, ""},
	"empty list":         {`{"kind":"EventList","items":[]}`, 0, 0, false, ""},
	"another list":       {`{"kind":"PodList","items":[{"kind":"Pod"},{"kind":"Pod"}]}`, 0, 2, false, "f:1: no event: another kind of object"},
	"cut off list":       {body[:len(body)-20], 1, 0, true, "f:1: the last event is cut off, as while it is being written, and not counted"},
	"for people":         {pretty(body) + "\n" + pretty(event) + "\n" + event, 4, 0, false, ""},
	"for people, CRLF":   {strings.ReplaceAll(pretty(body), "\n", "\r\n") + "\r\n", 2, 0, false, ""},
	"for people, cut":    {pretty(event)[:60], 0, 0, true, "f:4: the last event is cut off, as while it is being written, and not counted"},
	"for people, broken": {"{\n x\n" + event + "\n", 1, 1, false, "f:1: no event: broken JSON"},
	"for people, odd":    {"{\n\"a\": \"x\n\"}\n" + event + "\n", 1, 2, false, "f:1: no event: broken JSON\nf:3: no event: not JSON"},
	"brackets":           {"[" + event + "," + event + "]", 2, 0, false, ""},
	"byte order mark":    {"\xef\xbb\xbf" + event, 1, 0, false, ""},
	"emptied meanwhile":  {strings.Repeat("\x00", 1000) + event + "\n", 1, 0, false, ""},
	"binary":             {"\x7fELF\x02\x01\n\x00\xff{\n", 0, 2, false, "f:1: no event: not JSON\nf:2: no event: not JSON"},
}

// TestScan is about what is no event, and what is one in an unusual place.
func TestScan(t *testing.T) {
	t.Parallel()
	for name, c := range unusual {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{16, windowSize} {
				r, err := scan(t.Context(), "f", iotest.HalfReader(strings.NewReader(c.text)), small(size, func(e *Event) error {
					if e.Size != int64(len(event))+1 {
						t.Errorf("size %d, want %d", e.Size, len(event)+1)
					}
					return nil
				}))
				if err != nil || r.Events != c.events || r.Strays != c.strays || r.CutOff != c.cut || r.Remarks.Error() != c.remarks {
					t.Errorf("window of %d: %d events, %d strays, cut off %t, %v\n%s", size, r.Events, r.Strays, r.CutOff, err, r.Remarks.Error())
				}
			}
		})
	}
}

// TestReal has all events of the sample as upstream's types have them.
func TestReal(t *testing.T) {
	t.Parallel()
	files, err := Find(logs)
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	var want []auditv1.Event
	var lines [][]byte
	for _, f := range files {
		text, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Path, ".gz") {
			text = unzipped(t, text)
		}
		for line := range bytes.Lines(text) {
			var e auditv1.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			want, lines = append(want, e), append(lines, line)
		}
	}
	i := 0
	report, err := Read(t.Context(), files, nil, func(e *Event) error {
		sameAsUpstream(t, e, want[i], lines[i])
		i++
		return nil
	})
	if err != nil || i != len(want) || i < 200 || report.Events != int64(i) || report.Remarks() != nil || report.Files[0].Compressed == 0 {
		t.Errorf("%d events, want %d; %+v, %v", i, len(want), report, err)
	}
}

func sameAsUpstream(t *testing.T, e *Event, want auditv1.Event, line []byte) {
	t.Helper()
	object := want.ObjectRef
	if object == nil {
		object = &auditv1.ObjectReference{}
	}
	code := 0
	if want.ResponseStatus != nil {
		code = int(want.ResponseStatus.Code)
	}
	bodies := int64(0)
	if want.RequestObject != nil {
		bodies += int64(len(want.RequestObject.Raw))
	}
	if want.ResponseObject != nil {
		bodies += int64(len(want.ResponseObject.Raw))
	}
	request, response := e.Measure(false)
	got := []any{e.Level, e.Stage, string(e.AuditID), string(e.Verb), string(e.RequestURI()), string(e.User), len(e.Groups), e.Code, e.Size, request.Size + response.Size,
		string(e.Object.Resource), string(e.Object.Namespace), string(e.Object.Name), string(e.Object.Group), string(e.Object.Version), string(e.Object.Subresource)}
	for j, w := range []any{string(want.Level), string(want.Stage), string(want.AuditID), want.Verb, want.RequestURI, want.User.Username, len(want.User.Groups), code, int64(len(line)), bodies,
		object.Resource, object.Namespace, object.Name, object.APIGroup, object.APIVersion, object.Subresource} {
		if got[j] != w {
			t.Errorf("%s\n%d: %v, want %v", line, j, got[j], w)
		}
	}
	if !e.At.Equal(want.StageTimestamp.Time) || !e.Received.Equal(want.RequestReceivedTimestamp.Time) {
		t.Errorf("%s: %s %s", line, e.At, e.Received)
	}
}

// TestWebhookBody finds in a body what stands in the log.
func TestWebhookBody(t *testing.T) {
	t.Parallel()
	heads := func(path string, more int64) []string {
		var all []string
		_, err := Read(t.Context(), []File{{Path: path}}, nil, func(e *Event) error {
			e.Size += more
			all = append(all, describe(e))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	// an item does not say that it is an event, which a line does
	const kind = int64(len(`"kind":"Event","apiVersion":"audit.k8s.io/v1",`))
	body, log := heads(filepath.Join(logs, "webhook", "body.json"), kind), heads(filepath.Join(logs, "audit.log"), 0)
	if len(body) != 20 || !slices.Equal(body, log[:20]) {
		t.Errorf("%q\nwant %q", body, log[:20])
	}
}

// TestBroken has compressed files with an end that is missing, or with a hole.
func TestBroken(t *testing.T) {
	t.Parallel()
	var plain []byte
	for i := range 5000 {
		plain = append(plain, strings.Replace(event, `"a"`, fmt.Sprintf("\"%x\"", sha256.Sum256([]byte{byte(i), byte(i >> 8)})), 1)+"\n"...)
	}
	packed := zipped(t, plain)
	hole := bytes.Clone(packed)
	copy(hole[len(hole)/2:], "holeholehole")
	for name, c := range map[string]struct {
		data   []byte
		least  int64
		remark string
	}{
		"cut off":       {packed[:len(packed)-9], 4000, "the compressed data is cut off or broken after"},
		"in the middle": {packed[:len(packed)/2], 2000, "the compressed data is cut off or broken after"},
		"checksum":      {append(bytes.Clone(packed[:len(packed)-8]), "12345678"...), 5000, "invalid checksum; the 5000 events before are counted"},
		"hole":          {hole, 1, "the compressed data is cut off or broken after"},
		"two members":   {append(bytes.Clone(packed), packed...), 10000, ""},
		"rubbish":       {append(bytes.Clone(packed), "rubbish, and a lot of it"...), 5000, "invalid header"},
		"head alone":    {packed[:5], 0, "the compressed data is broken from the beginning"},
		"zstd":          {[]byte("\x28\xb5\x2f\xfd\x00\x00"), 0, "the compressed data is cut off or broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Scan(t.Context(), "f.gz", bytes.NewReader(c.data), func(*Event) error { return nil })
			if err != nil || r.Events < c.least || c.remark == "" && r.Remarks != nil || !strings.Contains(r.Remarks.Error(), c.remark) || r.CutOff {
				t.Errorf("%d events, %v, %+v", r.Events, err, r)
			}
		})
	}
	failing := io.MultiReader(strings.NewReader(event+"\n"+event), iotest.ErrReader(errors.New("disk on fire")))
	r, err := Scan(t.Context(), "f", failing, func(*Event) error { return nil })
	// what the error cuts off may look whole
	if err != nil || r.Events == 0 || !strings.Contains(r.Remarks.Error(), "cannot be read on after 153 bytes of text: disk on fire") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestStop has reading end with the error of whoever takes the events, and with
// the context.
func TestStop(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	n := 0
	_, err := Read(t.Context(), []File{{Path: "-"}}, strings.NewReader(strings.Repeat(`{"items":[`+event+","+event+"]}\n", 9)), func(*Event) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 3 {
		t.Errorf("%d events, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, []File{{Path: "-"}}, strings.NewReader(event), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestNoLog has an error for each file that is none.
func TestNoLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts []string
		want  string
	}{
		"text":           {[]string{event, "a\nb\n"}, "1.log: is no audit log: nothing in it is an event"},
		"one line":       {[]string{"{}"}, "0.log: is no audit log: the only line of it is no event"},
		"empty":          {[]string{""}, "0.log: is empty"},
		"empty and full": {[]string{"", event}, ""},
		"beginning":      {[]string{event[:20]}, "0.log: has no whole event"},
		"all":            {[]string{"a", "b", event}, "0.log: is no audit log: the only line of it is no event\n1.log: is no audit log: the only line of it is no event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var files []File
			for i, text := range c.texts {
				path := filepath.Join(dir, string(rune('0'+i))+".log")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				files = append(files, File{Path: path})
			}
			_, err := Read(t.Context(), files, nil, func(*Event) error { return nil })
			var ps document.Problems
			if got := ""; errors.As(err, &ps) || c.want != "" {
				if got = strings.ReplaceAll(ps.Error(), dir+"/", ""); got != c.want {
					t.Errorf("%s\nwant %s", got, c.want)
				}
			}
		})
	}
}

// TestHuge reads an event of 30 MB, and a line of as much that is none, in little
// memory. It is not parallel, as it looks at that of the whole process.
func TestHuge(t *testing.T) {
	body := strings.Repeat(`{"a\\\"":[1, "x"]},`, 1<<10)
	rounds := 30 << 20 / len(body)
	parts := []io.Reader{strings.NewReader(event + "\n" + event[:len(event)-1] + `,"requestObject":[`)}
	for range rounds {
		parts = append(parts, strings.NewReader(body))
	}
	parts = append(parts, strings.NewReader(`0],"responseStatus":{"code":201},"verb":"create"}`+"\n"), io.LimitReader(endless('x'), 30<<20), strings.NewReader("\n"+event))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var seen []Event
	r, err := Scan(t.Context(), "f", io.MultiReader(parts...), func(e *Event) error { seen = append(seen, *e); return nil })
	runtime.ReadMemStats(&after)
	if err != nil || r.Events != 3 || r.Strays != 1 || len(seen) != 3 || seen[1].Code != 201 {
		t.Fatalf("%+v, %v", r, err)
	}
	blanks := int64(rounds << 10)
	if want := int64(len(body)*rounds) - blanks + int64(len("[0]")); seen[1].request.Size != want {
		t.Errorf("a body of %d bytes, want %d", seen[1].request.Size, want)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// TestNoGarbage wants no allocation for an event.
func TestNoGarbage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(logs, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	per := func(times int) float64 {
		data := bytes.Repeat(text, times)
		return testing.AllocsPerRun(5, func() {
			if _, err := Scan(t.Context(), "f", bytes.NewReader(data), func(*Event) error { return nil }); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := per(1), per(20); many > few+4 {
		t.Errorf("%v allocations for 20 times what takes %v", many, few)
	}
}
