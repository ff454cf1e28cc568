// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/report"
)

// broken puts a fault into a page of which the probes find none.
type broken struct {
	probe    string
	old, new string // text of the page; old may occur often
	style    string // rules for the end of the style sheet
	says     string // in what is found
	look     look
}

// TestProbesFind shows that each thing that is looked for is found when it is
// there: what never fails proves nothing.
func TestProbesFind(t *testing.T) {
	t.Parallel()
	phone, paper := look{320, "light", "screen"}, look{688, "dark", "print"}
	dark := look{768, "dark", "screen"}
	for name, b := range map[string]broken{
		"wide":           {probe: "wide(320)", style: `h1 { width: 400px; }`, says: "h1 ", look: phone},
		"overflow":       {probe: "wide(320)", style: `.scroll { overflow: visible !important; }`, says: "the page is", look: phone},
		"small":          {probe: "svgs(4)", style: `.drawing > svg { height: 0 !important; }`, says: "has no size", look: phone},
		"outside":        {probe: "svgs(4)", style: `.drawing > svg { width: 130% !important; }`, says: "leaves its parent", look: phone},
		"tiny":           {probe: "svgs(4)", style: `.narrow { display: none !important; } .wide { display: block !important; }`, says: "has text of", look: phone},
		"missing":        {probe: "svgs(40)", says: "only", look: phone},
		"unlabelled":     {probe: "svgs(4)", old: `aria-labelledby="curve0-narrow-title`, new: `aria-labelledby="nothing`, says: "is no label", look: phone},
		"no role":        {probe: "svgs(4)", old: ` role="img"`, new: ``, says: "has no role", look: phone},
		"cut off":        {probe: "svgs(4)", style: `svg text.axis { font-size: 60px; }`, says: "is cut off", look: phone},
		"labels":         {probe: "labels()", style: `svg text { font-size: 30px; }`, says: "lies on", look: phone},
		"pale in light":  {probe: "contrast()", style: `:root { --dim: #999 !important; }`, says: "contrast of its text", look: phone},
		"pale in dark":   {probe: "contrast()", style: `.tile dt { color: #444; }`, says: "contrast of its text", look: dark},
		"pale label":     {probe: "contrast()", style: `:root { --line0: #346; --line1: #346 }`, says: "contrast of its text", look: dark},
		"pale line":      {probe: "contrast()", style: `.stroke.line0 { stroke: #999; }`, says: "contrast of its line", look: phone},
		"same dashes":    {probe: "dashes()", style: `.stroke { stroke-dasharray: none !important; stroke-width: 2px !important; }`, says: "equal lines", look: phone},
		"no name":        {probe: "dashes()", old: `class="label line0"`, new: `class="nothing"`, says: "names", look: phone},
		"not sticky":     {probe: "sticky()", style: `th:first-child { position: static !important; }`, says: "does not stay", look: phone},
		"fat column":     {probe: "sticky()", style: `th:first-child { min-width: 250px !important; }`, says: "takes", look: phone},
		"no keyboard":    {probe: "sticky()", old: `tabindex="0" role="region"`, new: ``, says: "keyboard", look: phone},
		"dark paper":     {probe: "paper()", style: `.tile { background: #1b2129; }`, says: "has the background", look: paper},
		"folded":         {probe: "paper()", style: `details:not([open])::details-content { content-visibility: hidden !important; }`, says: "is folded away", look: paper},
		"scrolls":        {probe: "paper()", style: `.scroll { overflow: auto !important; }`, says: "scrolls", look: paper},
		"cut by an edge": {probe: "paper()", style: `table { width: 1000px !important; }`, says: "is cut off by the edge", look: paper},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := openText(t, b.page(t, true), b.look)
			if found := tb.probe(b.probe); !strings.Contains(strings.Join(found, "\n"), b.says) {
				t.Errorf("%s finds %q", b.probe, found)
			}
		})
	}
}

// TestComplaintsHeard has pages that do what a page must not.
func TestComplaintsHeard(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		add    string
		policy bool
		says   string
	}{
		"script refused":  {`<script>document.title = "run"</script>`, true, "refused by policy: script-src"},
		"style refused":   {`<p style="color: red">x</p>`, true, "refused by policy: style-src"},
		"handler refused": {`<svg onload="document.title = 'run'"></svg>`, true, "refused by policy: script-src"},
		"picture refused": {`<img src="/x.png" alt="">`, true, "refused by policy: img-src"},
		"frame refused":   {`<iframe src="/x"></iframe>`, true, "refused by policy: "},
		"font refused":    {`<link rel="stylesheet" href="/x.css">`, true, "refused by policy: style-src"},
		"picture":         {`<img src="/x.png" alt="">`, false, "/x.png"},
		"elsewhere":       {`<img src="http://192.0.2.1/x.png" alt="">`, false, "request: http://192.0.2.1/x.png"},
		"exception":       {`<script>throw new Error("lost")</script>`, false, "exception: "},
		"console":         {`<script>console.warn("odd")</script>`, false, "console: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := openText(t, broken{old: "</main>", new: c.add + "</main>"}.page(t, c.policy), look{390, "light", "screen"})
			// a picture that does not come is told of when it does not come
			eval[bool](tb, `new Promise(done => setTimeout(() => done(true), 500))`)
			if found := strings.Join(tb.complaints(), "\n"); !strings.Contains(found, c.says) {
				t.Errorf("heard %q", found)
			}
		})
	}
}

// page is the page of a plan with the fault in it. Its policy would refuse the
// changed style sheet, so the policy is taken out with it.
func (b broken) page(t *testing.T, policy bool) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := report.HTML(&text, pages["missed"](t)); err != nil {
		t.Fatal(err)
	}
	page := text.String()
	if b.old != "" {
		if !strings.Contains(page, b.old) {
			t.Fatalf("no %q in the page", b.old)
		}
		page = strings.ReplaceAll(page, b.old, b.new)
	}
	if !policy || b.style != "" {
		page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "")
	}
	return []byte(strings.Replace(page, "</style>", b.style+"</style>", 1))
}
