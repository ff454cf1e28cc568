// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/report"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shared is the browser of all tests; each opens a tab of its own.
var shared context.Context

func TestMain(m *testing.M) {
	os.Exit(withBrowser(m))
}

func withBrowser(m *testing.M) int {
	browser, stop, err := startBrowser(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "test/page:", err)
		return 1
	}
	defer stop()
	shared = browser
	return m.Run()
}

// look is how a page is looked at.
type look struct {
	width  int64
	scheme string // light or dark
	media  string // screen or print
}

func (l look) String() string { return fmt.Sprintf("%s-%d-%s", l.media, l.width, l.scheme) }

// tab is a page in the browser, and what went wrong in it.
type tab struct {
	ctx context.Context
	t   *testing.T

	mu       sync.Mutex
	asked    []string // what the server of the page was asked for
	problems []string
}

// open shows a page as it would come from a web server, and fails the test at
// its end if the page complained, or asked for anything but itself.
func open(t *testing.T, p report.Page, l look) *tab {
	t.Helper()
	var text bytes.Buffer
	if err := report.HTML(&text, p); err != nil {
		t.Fatal(err)
	}
	tb := openText(t, text.Bytes(), l)
	t.Cleanup(func() {
		for _, p := range tb.complaints() {
			t.Error(p)
		}
	})
	return tb
}

// openText is open for a page as it is, and leaves it to the caller to judge.
func openText(t *testing.T, text []byte, l look) *tab {
	t.Helper()
	tb := &tab{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tb.mu.Lock()
		tb.asked = append(tb.asked, r.Method+" "+r.URL.String())
		tb.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	ctx, cancel := chromedp.NewContext(shared)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	tb.ctx = ctx
	tb.must(chromedp.Listen(ctx, tb.listen(server.URL+"/")))
	tb.do(
		called(network.Enable, network.EnableParams{}), called(log.Enable, cdp.Empty{}), called(runtime.Enable, cdp.Empty{}), watchPolicy(),
		called(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: 900, DeviceScaleFactor: 1, Mobile: l.width < 600}),
		called(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: l.media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}}),
		chromedp.Navigate(server.URL+"/"),
	)
	run(tb, probe)
	return tb
}

// called is a command as an action of which nothing is to be known.
func called[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cmd, params)
		return err
	})
}

// watchPolicy has the page report what its policy refused, which the log does
// not tell of for everything.
func watchPolicy() chromedp.Action[chromedp.Void] {
	return called(cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `addEventListener("securitypolicyviolation", e => console.error("refused by policy: " + e.violatedDirective + " " + e.blockedURI + " " + e.sample))`,
	})
}

func (tb *tab) listen(self string) func(any) {
	return func(event any) {
		what := ""
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, a := range e.Args {
				what += "console: " + string(a.Value) + " "
			}
		case *runtime.EventExceptionThrown:
			what = "exception: " + e.ExceptionDetails.Text
		case *log.EventEntryAdded:
			what = "log: " + e.Entry.Text + " " + e.Entry.URL
		case *cdppage.EventJavascriptDialogOpening:
			what = "dialog: " + e.Message
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; u != self && !strings.HasPrefix(u, "data:") {
				what = "request: " + u
			}
		}
		if what != "" {
			tb.mu.Lock()
			tb.problems = append(tb.problems, what)
			tb.mu.Unlock()
		}
	}
}

// complaints are what went wrong so far. A page is to be asked for once, and
// nothing else.
func (tb *tab) complaints() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	found := slices.Clone(tb.problems)
	if len(tb.asked) != 1 || tb.asked[0] != "GET /" {
		found = append(found, fmt.Sprintf("asked the server for %q", tb.asked))
	}
	return found
}

func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	tb.must(chromedp.Do(tb.ctx, actions...))
}

func (tb *tab) must(err error) {
	tb.t.Helper()
	if err != nil {
		tb.t.Fatal(err)
	}
}

// eval gives the value of an expression in the page, and waits for it if it is
// a promise.
func eval[T any](tb *tab, expression string) T {
	tb.t.Helper()
	got, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%.200s: %v", expression, err)
	}
	return got
}

// run has the page do something of which nothing is to be known.
func run(tb *tab, statement string) {
	tb.t.Helper()
	eval[bool](tb, statement+"; true")
}

// wrong calls probes and reports all that they find.
func (tb *tab) wrong(probes ...string) {
	tb.t.Helper()
	for _, p := range probes {
		found := tb.probe(p)
		for _, f := range found[:min(len(found), 8)] {
			tb.t.Errorf("%s: %s", p, f)
		}
		if len(found) > 8 {
			tb.t.Errorf("%s: and %d more", p, len(found)-8)
		}
	}
}

func (tb *tab) probe(call string) []string { return eval[[]string](tb, "probe."+call) }

// keep writes a file into the folder that AUDITSETUP_SHOTS names.
func keep(t *testing.T, name string, content func() []byte) {
	t.Helper()
	dir := os.Getenv("AUDITSETUP_SHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), content(), 0o644); err != nil {
		t.Error(err)
	}
}

// shot is the whole page as a picture.
func (tb *tab) shot() []byte {
	tb.t.Helper()
	png, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
	tb.must(err)
	return png
}
