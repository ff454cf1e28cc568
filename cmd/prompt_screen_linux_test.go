// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hinshun/vt10x"
	"golang.org/x/sys/unix"
)

// person is somebody at a terminal: keys go in, and what is seen is a screen, kept
// by an emulator that also says where its cursor is when asked.
type person struct {
	t      *testing.T
	ctrl   *os.File
	cmd    *exec.Cmd
	screen vt10x.Terminal
	mu     sync.Mutex
	raw    bytes.Buffer
	news   chan struct{}
	ended  chan struct{}
	kept   strings.Builder // screens, for golden
	// plain is set when a line is needed where a key would do, skipped to how much
	// had been said when the last page was skipped.
	plain   bool
	skipped int
}

// seat is where a person sits down. The zero seat is an xterm of 80×24 in the
// test's folder.
type seat struct {
	term       string
	cols, rows int
	dir        string
	env        []string
	mute       bool // does not say where its cursor is
}

func (s seat) run(t *testing.T, args ...string) *person {
	t.Helper()
	if s.cols == 0 {
		s.cols, s.rows = 80, 24
	}
	if s.term == "" {
		s.term = "xterm"
	}
	program, err := exec.LookPath("auditsetup") // testscript.Main has put it there
	if err != nil {
		t.Fatal(err)
	}
	ctrl, tty := openTerminal(t)
	p := &person{t: t, plain: s.mute || s.term == "dumb", ctrl: ctrl, news: make(chan struct{}, 1), ended: make(chan struct{})}
	answers := vt10x.WithWriter(ctrl)
	if s.mute {
		answers = vt10x.WithWriter(new(bytes.Buffer))
	}
	p.screen = vt10x.New(vt10x.WithSize(s.cols, s.rows), answers)
	p.resize(s.cols, s.rows)
	p.cmd = exec.CommandContext(t.Context(), program, args...)
	p.cmd.Dir, p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = s.dir, tty, tty, tty
	p.cmd.Env = append(append(os.Environ(), "TERM="+s.term, "NO_COLOR=", "EDITOR=false", "KUBE_EDITOR="), s.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch()
	go func() {
		_ = p.cmd.Wait()
		_ = tty.Close() // ends the watching
	}()
	return p
}

func (p *person) watch() {
	defer close(p.ended)
	buf := make([]byte, 4096)
	for {
		n, err := p.ctrl.Read(buf)
		p.mu.Lock()
		p.raw.Write(buf[:n])
		p.mu.Unlock()
		_, _ = p.screen.Write(buf[:n])
		select {
		case p.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (p *person) resize(cols, rows int) {
	p.screen.Resize(cols, rows)
	size := unix.Winsize{Col: uint16(cols), Row: uint16(rows)}
	if err := unix.IoctlSetWinsize(int(p.ctrl.Fd()), unix.TIOCSWINSZ, &size); err != nil {
		p.t.Fatal(err)
	}
}

// looks is the screen without what is different on every machine.
func (p *person) looks() string {
	var lines []string
	for line := range strings.Lines(p.screen.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	text := strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
	text = regexp.MustCompile(`(free disk  ).*( at)`).ReplaceAllString(text, "${1}SOME of MORE${2}")
	text = regexp.MustCompile(`; [0-9.]+ \w+ are free`).ReplaceAllString(text, "; SOME are free")
	return regexp.MustCompile(`[0-9]{8}T[0-9]{6}Z`).ReplaceAllString(text, "TIME")
}

// sees waits until all of the words are on the screen.
func (p *person) sees(words ...string) string {
	p.t.Helper()
	late := time.After(30 * time.Second)
	for {
		over := false
		select {
		case <-p.ended:
			over = true
		default:
		}
		screen, all := p.looks(), true
		for _, w := range words {
			all = all && strings.Contains(screen, w)
		}
		if all && p.still() {
			return screen
		} else if all || p.skips(words, screen) {
			continue
		}
		if over {
			p.t.Fatalf("ended before %q was to be seen:\n%s", words, screen)
		}
		select {
		case <-p.news:
		case <-p.ended:
		case <-late:
			p.t.Fatalf("waited in vain for %q:\n%s", words, screen)
		}
	}
}

// skips goes over pages that nobody waits for, and tells whether to look again.
func (p *person) skips(words []string, screen string) bool {
	screen = strings.TrimSuffix(screen, "\n")
	line := screen[strings.LastIndex(screen, "\n")+1:]
	length := len(p.said())
	if slices.Contains(words, more) || !strings.HasPrefix(line, more) || strings.HasSuffix(line, toLast) || length == p.skipped {
		return false
	}
	if !p.still() {
		return true
	}
	p.skipped = length
	p.types(toLast)
	if p.plain {
		p.types(enter)
	}
	return true
}

// still tells whether nothing is being drawn any more.
func (p *person) still() bool {
	select {
	case <-p.news:
		return false
	case <-time.After(20 * time.Millisecond):
		return true
	}
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := p.ctrl.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// answers waits for a question, keeps the screen, and types.
func (p *person) answers(question, keys string) {
	p.t.Helper()
	fmt.Fprintf(&p.kept, "---- %s\n%s", question, p.sees(question))
	p.types(keys)
}

// ends waits for the end and demands the exit code.
func (p *person) ends(code int) (all string) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("still there:\n%s", p.looks())
	}
	fmt.Fprintf(&p.kept, "---- the end\n%s", p.looks())
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d\n%s", got, code, p.looks())
	}
	return p.said()
}

// said is everything that was written to the terminal, escape sequences and all.
func (p *person) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.ReplaceAll(p.raw.String(), "\r\n", "\n")
}

// golden compares the screens with those kept in testdata/screens.
func (p *person) golden(name string) {
	p.t.Helper()
	path := filepath.Join("../testdata/screens", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(p.kept.String()), 0o644); err != nil {
			p.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	got := strings.Split(p.kept.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			p.t.Fatalf("%s:%d is\n%s\nand the screens are\n%s", path, i+1, line, strings.Join(got, "\n"))
		}
	}
	if len(got) != strings.Count(string(want), "\n")+1 {
		p.t.Fatalf("%s ends early; the screens are\n%s", path, p.kept.String())
	}
}

// tree is every file and folder below root, with mode and content.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		at, _ := filepath.Rel(root, path)
		sum := ""
		if info.Mode().IsRegular() {
			sum = fmt.Sprintf("%x", sha256.Sum256(read(t, path)))
		}
		found[at] = info.Mode().String() + sum
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

func openTerminal(t *testing.T) (ctrl, tty *os.File) {
	t.Helper()
	ctrl, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctrl.Close() })
	if err := unix.IoctlSetPointerInt(int(ctrl.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ctrl.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ctrl, tty
}
