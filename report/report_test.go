// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/tuning"
)

const attack = `"'></script></style><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{.}}`

// full is a page with something everywhere.
func full(t *testing.T, words string) Page {
	t.Helper()
	l := tuning.Defaults()
	to := tuning.Backends{LogBatch: true, Webhook: true}
	r, err := tuning.Plan(l, to)
	if err != nil {
		t.Fatal(err)
	}
	return Page{
		Load:   []Fact{{"Policy", words}},
		Result: r,
		Curves: []tuning.Curve{{
			Title: words, Note: words, X: tuning.Axis{Label: words, Unit: "s", Max: 10}, Y: tuning.Axis{Label: words, Unit: "bytes", Max: 10},
			Lines:  []tuning.Line{{Label: words, Points: []tuning.Point{{X: 0, Y: 0}, {X: 10, Y: 10}}}},
			Limits: []tuning.Limit{{Label: words, At: 5}, {Label: words, At: 5, Vertical: true}},
		}},
		Compare:  []Row{{Profile: words, Title: words, Current: true, BytesPerDay: 5, Caught: []string{words}, Missed: []string{words}, Records: []Record{{words, words}}}, {}},
		Flags:    []string{"--audit-log-path=" + words},
		Warnings: []tuning.Warning{{About: words, What: words, Hint: words}},
		Assumed:  []string{words}, Measured: []string{words},
		Generated: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Version: words,
	}
}

func written(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elements reads a page strictly but for what HTML lets be left out, and gives
// its elements and all of its text.
func elements(t *testing.T, page string) (names map[string]int, text string) {
	t.Helper()
	// what is between these is no markup, as the browser sees it
	page = regexp.MustCompile(`(?s)(<script>|<style>).*?(</script>|</style>)`).ReplaceAllString(page, "$1$2")
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	names = map[string]int{}
	var open []string
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			names[e.Name.Local]++
			open = append(open, e.Name.Local)
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "src" {
					t.Errorf("<%s> has %s=%q", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			if last := open[len(open)-1]; last != e.Name.Local {
				t.Fatalf("</%s> closes <%s>", e.Name.Local, last)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			b.Write(e)
		}
	}
	return names, b.String()
}

// TestEscaped has an attack in every field: it makes no element, and is read as
// it is written.
func TestEscaped(t *testing.T) {
	t.Parallel()
	harmless, _ := elements(t, written(t, full(t, "words")))
	hostile, text := elements(t, written(t, full(t, attack)))
	for name, n := range hostile {
		// long words are broken into more rows
		if harmless[name] != n && name != "tspan" && name != "li" && name != "text" && name != "ul" && name != "svg" && name != "path" {
			t.Errorf("%d <%s>, and %d without an attack", n, name, harmless[name])
		}
	}
	if hostile["script"] != 1 || hostile["style"] != 1 || hostile["img"] != 0 {
		t.Errorf("elements: %v", hostile)
	}
	if n := strings.Count(text, attack); n < 15 {
		t.Errorf("the attack reads as it is written %d times", n)
	}
}

// TestHashes holds the page to its own policy.
func TestHashes(t *testing.T) {
	t.Parallel()
	page := written(t, full(t, "words"))
	policy := html.UnescapeString(regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1])
	for _, name := range []string{"style", "script"} {
		content := regexp.MustCompile(`(?s)<` + name + `>(.*?)</` + name + `>`).FindStringSubmatch(page)[1]
		sum := sha256.Sum256([]byte(content))
		if want := name + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; len(content) < 100 || !strings.Contains(policy, want) {
			t.Errorf("%s is not what the policy %q allows", name, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
}

// TestNothingFromOutside looks for whatever a browser would fetch.
func TestNothingFromOutside(t *testing.T) {
	t.Parallel()
	page := written(t, full(t, "words"))
	if found := regexp.MustCompile(`(?i)https?://|//[a-z]|@import|src=|url\([^#]`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
}

func TestSameBytes(t *testing.T) {
	t.Parallel()
	first := written(t, full(t, "words"))
	for range 5 {
		if written(t, full(t, "words")) != first {
			t.Fatal("the same plan gives another page")
		}
	}
	if strings.Contains(first, "ZgotmplZ") {
		t.Error("a value was refused by the template")
	}
}

func TestEmptyPage(t *testing.T) {
	t.Parallel()
	names, text := elements(t, written(t, Page{}))
	if names["section"] != 1 || !strings.Contains(text, "It fits.") || strings.Contains(text, "0001") {
		t.Errorf("%v %s", names, text)
	}
}

// full stands for a disk that takes only so many bytes.
type disk int

func (d *disk) Write(p []byte) (int, error) {
	if *d -= disk(len(p)); *d < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	for _, space := range []disk{0, 100, 5000} {
		if err := HTML(&space, full(t, "words")); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("error %v", err)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	log, webhook := tuning.Backends{Log: true}, tuning.Backends{Webhook: true}
	both := tuning.Backends{Log: true, Webhook: true}
	for name, c := range map[string]struct {
		to       tuning.Backends
		change   func(*tuning.Load)
		more     []tuning.Warning
		headline string
		good     bool
		warnings int
	}{
		"fits":    {log, func(l *tuning.Load) { l.RequestsPerSecond = 3 }, nil, "It fits: 30d of log in 8.79 GiB of disk.", true, 0},
		"short":   {both, func(*tuning.Load) {}, nil, "It does not fit as asked: the log reaches back 1d, not 30d.", false, 1},
		"warned":  {webhook, func(*tuning.Load) {}, []tuning.Warning{{About: "a", What: "b", Hint: "c"}}, "It works, with one thing to decide.", false, 1},
		"twice":   {webhook, func(*tuning.Load) {}, []tuning.Warning{{About: "a", What: "b", Hint: "c"}, {About: "a", What: "b", Hint: "c"}}, "It works, with one thing to decide.", false, 1},
		"several": {webhook, func(*tuning.Load) {}, []tuning.Warning{{About: "a"}, {About: "b"}}, "It works, with 2 things to decide.", false, 2},
	} {
		l := tuning.Defaults()
		c.change(&l)
		r, err := tuning.Plan(l, c.to)
		if err != nil {
			t.Fatal(err)
		}
		v := Page{Result: r, Warnings: c.more}.verdict()
		if v.Headline != c.headline || v.Good != c.good || len(v.Warnings) != c.warnings {
			t.Errorf("%s: %q, good %v, %d warnings", name, v.Headline, v.Good, len(v.Warnings))
		}
	}
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	rows := []Row{
		{Profile: "a", Records: []Record{{"exec", "Metadata"}, {"read", "None"}, {"list", "Request"}}},
		{Profile: "b"},
		{Profile: "c", Current: true, Records: []Record{{"read", "RequestResponse"}, {"write", "unheard of"}}},
	}
	var got []string
	m := matrixOf(rows)
	for _, k := range m.Kinds {
		line := k.What
		for _, c := range k.Cells {
			line += " [" + c.Short + "]"
		}
		got = append(got, line)
	}
	if text := strings.Join(got, ", "); text != "exec [M] [], read [–] [RR], list [R] [], write [] [–]" || len(m.Profiles) != 2 {
		t.Errorf("%s for %d profiles", text, len(m.Profiles))
	}
	if a, c := share(rows[0].Records), share(rows[2].Records); a != "2 of 3" || c != "1 of 2" {
		t.Errorf("shares %s and %s", a, c)
	}
	if m := matrixOf(nil); len(m.Kinds) != 0 {
		t.Errorf("a matrix of nothing: %v", m)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	const nn = "\u202f"
	for _, c := range []struct {
		value any
		unit  string
		want  number
	}{
		{90.0, "events/s", number{Text: "90 events/s", Raw: "90"}},
		{1.9, "batches/s", number{Text: "1.9 batches/s", Raw: "1.9"}},
		{math.Nextafter(0.3, 1), "x", number{Text: "0.3 x", Raw: "0.30000000000000004", Exact: "0.30000000000000004 x"}},
		{12345, "events", number{Text: "12" + nn + "345 events", Raw: "12345"}},
		{5400, "events", number{Text: "5400 events", Raw: "5400"}},
		{int64(12441600000), "bytes", number{Text: "11.6 GiB", Raw: "12441600000", Exact: "12" + nn + "441" + nn + "600" + nn + "000 bytes"}},
		{144000.0, "bytes/s", number{Text: "141 KiB/s", Raw: "144000", Exact: "144" + nn + "000 bytes/s"}},
		{int64(73545), "s", number{Text: "20h25m", Raw: "73545", Exact: "73" + nn + "545 s"}},
		{int64(0), "s", number{Text: "0s", Raw: "0", Exact: "0 s"}},
		{0.5, "s", number{Text: "0.5 s", Raw: "0.5"}},
		{30, "days", number{Text: "30d", Raw: "30", Exact: "30 days"}},
		{int64(math.MaxInt64), "bytes", number{Text: "no limit", Raw: "9223372036854775807"}},
		{int64(1)<<62 + 1, "bytes", number{Text: "4 EiB", Raw: "4611686018427387905", Exact: "4" + nn + "611" + nn + "686" + nn + "018" + nn + "427" + nn + "387" + nn + "905 bytes"}},
		{true, "", number{Text: "on", Raw: "true"}},
		{false, "", number{Text: "off", Raw: "false"}},
		{"1.5s", "duration", number{Text: "1.5s", Raw: "1.5s"}},
		{-12345.5, "", number{Text: "-12" + nn + "345.5", Raw: "-12345.5"}},
		{1e300, "", number{Text: "1e+300", Raw: "1" + strings.Repeat("0", 300), Exact: "1" + strings.Repeat("0", 300)}},
	} {
		got := numberOf("", c.value, c.unit)
		got.Exact = strings.ReplaceAll(got.Exact, nn+strings.Repeat("0", 3), "000")
		c.want.Exact = strings.ReplaceAll(c.want.Exact, nn+strings.Repeat("0", 3), "000")
		if got != c.want {
			t.Errorf("%v %s: %q, not %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for clause, want := range map[string]string{
		"":                              "",
		"the log is full":               "The log is full.",
		"30d of log":                    "30d of log.",
		"kube-apiserver does not start": "kube-apiserver does not start.",
		"--disk-budget 10Gi holds it":   "--disk-budget 10Gi holds it.",
		"API servers":                   "API servers.",
		"node's lease":                  "Node's lease.",
		"done.":                         "Done.",
		"what?":                         "What?",
		" über ":                        "Über.",
		"maxbackup, then":               "Maxbackup, then.",
	} {
		if got := sentence(clause); got != want {
			t.Errorf("%q: %q, not %q", clause, got, want)
		}
	}
}
