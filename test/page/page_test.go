// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/report"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestLooks looks at every page on every width, light and dark.
func TestLooks(t *testing.T) {
	t.Parallel()
	for name, make := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := make(t)
			for _, width := range []int64{320, 390, 768, 1280} {
				for _, scheme := range []string{"light", "dark"} {
					l := look{width, scheme, "screen"}
					t.Run(l.String(), func(t *testing.T) {
						tb := open(t, p, l)
						keep(t, name+"-"+l.String()+".png", tb.shot)
						tb.wrong(fmt.Sprintf("wide(%d)", width), fmt.Sprintf("svgs(%d)", len(p.Curves)), "labels()", "contrast()", "dashes()", "sticky()")
						run(tb, `document.querySelectorAll("details").forEach(d => d.open = true)`)
						tb.wrong(fmt.Sprintf("wide(%d)", width), "contrast()", "sticky()")
					})
				}
			}
		})
	}
}

// TestPaper prints every page for a reader of dark screens.
func TestPaper(t *testing.T) {
	t.Parallel()
	for name, make := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := make(t)
			// A4 between the margins of the style sheet, in CSS pixels
			tb := open(t, p, look{688, "dark", "print"})
			tb.wrong("wide(688)", "paper()", "contrast()", "labels()", fmt.Sprintf("svgs(%d)", len(p.Curves)))
			pdf := tb.printed()
			if n := bytes.Count(pdf, []byte("/Type /Page\n")); !bytes.HasPrefix(pdf, []byte("%PDF-")) || n < 2 || n > 30 {
				t.Errorf("%d bytes of PDF with %d pages", len(pdf), n)
			}
			keep(t, name+".pdf", func() []byte { return pdf })
		})
	}
}

// TestNumbers compares what the page says with the plan's own JSON.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for name, make := range pages {
		if name == "hostile" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := make(t)
			want := leaves(t, p)
			shown := map[string]bool{}
			for _, n := range eval[[][4]string](open(t, p, look{1280, "light", "screen"}), "probe.numbers()") {
				key, value, text, exact := n[0], n[1], n[2], n[3]
				if want[key] != value {
					t.Errorf("%s is %s in the page and %q in the plan", key, value, want[key])
				}
				if digits := strings.NewReplacer("\u202f", "", "on", "true", "off", "false").Replace(text + " " + exact); !strings.Contains(digits, value) && exact != "" {
					t.Errorf("%s is %s and reads %q, %q", key, value, text, exact)
				}
				shown[key] = true
			}
			for key := range want {
				if !shown[key] && key != "formatVersion" && !strings.HasSuffix(key, ".backend") && (!strings.HasPrefix(key, "logBatch.throttle") || key == "logBatch.throttleEnable") {
					t.Errorf("%s is not in the page", key)
				}
			}
		})
	}
}

// leaves are the numbers of a plan's JSON by their names, as JSON has them.
func leaves(t *testing.T, p report.Page) map[string]string {
	t.Helper()
	text, err := json.Marshal(p.Result)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, sub := range v {
				walk(strings.TrimPrefix(prefix+"."+k, "."), sub)
			}
		case nil, []any:
		default:
			found[prefix] = fmt.Sprint(v)
		}
	}
	walk("", tree)
	return found
}

// TestWithoutScript is the page for those who allow none.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	p := pages["missed"](t)
	tb := open(t, p, look{768, "light", "screen"})
	with := eval[string](tb, `document.querySelector("main").innerText.replace(/^Copy\n+/m, "")`)
	scripts := func(off bool) chromedp.Action[chromedp.Void] {
		return called(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
	}
	tb.do(scripts(true), chromedp.Reload(), chromedp.WaitReady(chromedp.CSS("footer")), scripts(false))
	tb.mu.Lock()
	tb.asked = tb.asked[1:] // the reload
	tb.mu.Unlock()
	run(tb, probe)
	tb.wrong("wide(768)", fmt.Sprintf("svgs(%d)", len(p.Curves)), "labels()", "contrast()")
	if without := eval[string](tb, `document.querySelector("main").innerText`); without != with {
		t.Errorf("without the script the page says %q, with it %q", without, with)
	}
	if !eval[bool](tb, `document.querySelector("button").hidden`) {
		t.Error("a button that does nothing is shown")
	}
}

// TestCopy presses the button, with the clipboard allowed and without.
func TestCopy(t *testing.T) {
	p := pages["fits"](t)
	want := strings.Join(p.Flags, "\n")
	for _, board := range []bool{true, false} {
		tb := open(t, p, look{390, "light", "screen"})
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			_, err := chromedp.CallBrowser(tb.ctx, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			})
			tb.must(err)
		}
		tb.do(called(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
		eval[bool](tb, `globalThis.board = navigator.clipboard; board.writeText("nothing").then(() => true)`)
		if !board {
			run(tb, `Object.defineProperty(navigator, "clipboard", {value: undefined})`)
		}
		tb.do(chromedp.Click(chromedp.CSS("button")))
		if got := eval[string](tb, `new Promise(done => setTimeout(() => done(document.querySelector("button").textContent), 300))`); got != "Copied" {
			t.Errorf("the button says %q", got)
		}
		if got := eval[string](tb, `board.readText()`); strings.TrimSpace(got) != want {
			t.Errorf("copied %q, not %q", got, want)
		}
	}
}

// printed is the page on paper, as a PDF.
func (tb *tab) printed() []byte {
	tb.t.Helper()
	tb.do(called(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
	pdf, err := chromedp.Run(tb.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground(), chromedp.PDFPreferCSSPageSize()))
	tb.must(err)
	return pdf
}

// TestCommand looks at what the program itself writes.
func TestCommand(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "auditsetup")
	build := exec.Command("go", "build", "-o", program, "./cmd/auditsetup")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, args := range map[string]string{
		"both":    "--rate 300 --backend log,webhook --retention 30d --disk-budget 20Gi",
		"log":     "--rate 5",
		"webhook": "--rate 800 --backend webhook --receiver falco --profile falco",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text, said bytes.Buffer
			plan := exec.Command(program, append([]string{"plan", "-o", "html"}, strings.Fields(args)...)...)
			plan.Stdout, plan.Stderr = &text, &said
			if err := plan.Run(); err != nil {
				t.Fatalf("plan %s: %v\n%s", args, err, said.Bytes())
			}
			for _, l := range []look{{320, "dark", "screen"}, {1280, "light", "screen"}} {
				tb := openText(t, text.Bytes(), l)
				keep(t, "command-"+name+"-"+l.String()+".png", tb.shot)
				tb.wrong(fmt.Sprintf("wide(%d)", l.width), "svgs(1)", "labels()", "contrast()", "dashes()", "sticky()")
				for _, c := range tb.complaints() {
					t.Error(c)
				}
				keep(t, "command-"+name+".pdf", tb.printed)
			}
		})
	}
}

// TestWithoutBrowser is a machine without Chromium.
func TestWithoutBrowser(t *testing.T) {
	t.Parallel()
	none := func(string) (string, error) { return "", exec.ErrNotFound }
	if _, err := findBrowser(none, false, func() error { t.Error("installs, and is not root"); return nil }); err == nil || !strings.Contains(err.Error(), "apt-get install chromium") {
		t.Errorf("not root: %v", err)
	}
	broken := errors.New("no network")
	if _, err := findBrowser(none, true, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("not to be installed: %v", err)
	}
	installed := false
	later := func(name string) (string, error) {
		if installed && name == "chromium" {
			return "/usr/bin/chromium", nil
		}
		return "", exec.ErrNotFound
	}
	if got, err := findBrowser(later, true, func() error { installed = true; return nil }); err != nil || got != "/usr/bin/chromium" {
		t.Errorf("installed: %s, %v", got, err)
	}
}
