// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// keyboard hands out what is typed key by key: a character, or a whole escape
// sequence, for each Read. It stands between the terminal and survey, which
// loses what comes in one go with something else, ends at keys that it does not
// know, takes the end of input for agreement, and pasted lines for the answers
// to questions that nobody has seen yet.
type keyboard struct {
	tty     *os.File
	pending []byte // read, and not handed out yet
	queued  string // to be handed out first
	// pasting is set between the two marks of a bracketed paste, full once its
	// first line is over, of which alone anything is taken.
	pasting, full bool
	// menu is set while a list is shown, to which text means nothing but for the
	// instant keys, each of which picks a choice.
	menu    bool
	instant map[string]bool
	// noise is set when text came that means nothing: what comes in one go with
	// it, a return above all, is no answer either.
	noise bool
	// resized is called when the size has changed, before the list is drawn
	// again; nil while there is nothing to draw.
	resized       func()
	width, height int
	// signals are those that end the process, taken for an interrupt; nil while
	// nothing is asked.
	signals chan os.Signal
}

// catchEnd has the signals that would end the process come through a channel,
// until it is given to [signal.Stop]. What nohup has ignored stays so.
func catchEnd() chan os.Signal {
	caught := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	return caught
}

// Fd is that of the terminal.
func (k *keyboard) Fd() uintptr { return k.tty.Fd() }

// Read gives one key. The end of input is an interrupt.
func (k *keyboard) Read(p []byte) (int, error) {
	for {
		if k.queued != "" {
			n := copy(p, k.queued[:1])
			k.queued = k.queued[1:]
			return n, nil
		}
		key, whole := cutKey(k.pending)
		if !whole {
			if err := k.fill(); err != nil {
				return 0, err
			}
			continue
		}
		k.pending = k.pending[len(key):]
		if admitted := k.admit(string(key)); admitted != "" {
			return copy(p, admitted), nil
		}
	}
}

// fill waits for more. Half of a key that stays alone is thrown away; a terminal
// sends the rest at once, though the line to it may be slow.
func (k *keyboard) fill() error {
	for half := time.Now().Add(100 * time.Millisecond); ; {
		if len(k.signals) > 0 {
			<-k.signals
			k.queued = "\x03"
			return nil
		}
		if waitInput(k.tty, 50*time.Millisecond) {
			break
		}
		if len(k.pending) > 0 && time.Now().After(half) {
			k.pending = nil
		}
		if w, h := terminalSize(k.tty); k.resized != nil && (w != k.width || h != k.height) {
			k.width, k.height = w, h
			k.resized()
			k.queued = "\x00" // means nothing to survey, which draws the list all the same
			return nil
		}
	}
	k.noise = false
	buf := make([]byte, 4096)
	n, err := k.tty.Read(buf)
	k.pending = append(k.pending, buf[:n]...)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return err
}

// cutKey finds the first key in what was read; not whole means that more must
// come first.
func cutKey(in []byte) (key []byte, whole bool) {
	switch {
	case len(in) == 0:
		return nil, false
	case in[0] != '\x1b':
		_, size := utf8.DecodeRune(in)
		return in[:size], utf8.FullRune(in)
	case len(in) == 1:
		return nil, false
	case in[1] == 'O':
		return in[:min(3, len(in))], len(in) >= 3
	case in[1] != '[':
		_, size := utf8.DecodeRune(in[1:])
		return in[:1+size], utf8.FullRune(in[1:])
	}
	for i := 2; i < len(in); i++ {
		if in[i] >= 0x40 && in[i] <= 0x7e {
			return in[:i+1], true
		}
	}
	return nil, false
}

// known are the escape sequences that survey understands: arrows, home, end,
// delete, and the place of the cursor.
var known = regexp.MustCompile(`^\x1b([\[O][ABCDHF]|\[3~|\[\d+;\d+R)$`)

// admit gives what survey is to see for a key; empty is nothing.
func (k *keyboard) admit(key string) string {
	switch key {
	case "\x1b[200~":
		k.pasting, k.full = true, false
		return ""
	case "\x1b[201~":
		k.pasting = false
		return ""
	case "\n":
		key = "\r"
	case "\x04":
		key = "\x03"
	}
	first, _ := utf8.DecodeRuneInString(key)
	control := first < ' ' || first == 0x7f || first == utf8.RuneError
	switch {
	case key == "\x03":
		return key
	case first == '\x1b' && !known.MatchString(key):
		return ""
	case k.pasting && strings.HasSuffix(key, "R") && len(key) > 1:
		return key // an answer of the terminal that came in between
	case k.pasting:
		k.full = k.full || key == "\r"
		if k.full || control || k.menu {
			return ""
		}
		return key
	case key == "\r" && k.noise:
		return ""
	case key == "\r":
		// what came with this line is not for questions not yet asked, but for the
		// terminal's own answers, for which survey waits
		k.pending = bytes.Join(place.FindAll(k.pending, -1), nil)
		return key
	case k.menu && k.instant[key] && len(k.pending) == 0 && !k.noise:
		k.queued = "\r" // typed text leaves this choice alone in the list, and return takes it
		return key
	case first == '\x1b' || strings.ContainsAny(key, "\b\x7f\t\x01\x02\x06\x0e\x10\x11"):
		return key
	case control:
		return ""
	case k.menu:
		k.noise = true
		return ""
	}
	return key
}

// forget throws away what was typed so far. With grave it waits until nothing
// has come in for a moment: a paste may still be on its way.
func (k *keyboard) forget(grave bool) {
	k.pending, k.queued, k.pasting, k.noise = nil, "", false, false
	for range 25 {
		flushInput(k.tty)
		if !grave || !waitInput(k.tty, 150*time.Millisecond) {
			break
		}
	}
	flushInput(k.tty)
}

var place = regexp.MustCompile(`\x1b\[\d+;\d+R`)

// answers tells whether the terminal says where its cursor is, within a second.
func (k *keyboard) answers(out io.Writer) bool {
	caught := catchEnd()
	restore, err := rawInput(k.tty)
	if err != nil {
		signal.Stop(caught)
		return false
	}
	var got []byte
	defer func() {
		restore()
		signal.Stop(caught)
		if len(caught) > 0 || bytes.IndexByte(got, '\x03') >= 0 {
			interruptSelf()
		}
	}()
	_, _ = io.WriteString(out, "\x1b[6n")
	buf := make([]byte, 256)
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if !waitInput(k.tty, time.Until(end)) {
			break
		}
		n, err := k.tty.Read(buf)
		got = append(got, buf[:n]...)
		if place.Match(got) {
			return true
		}
		if err != nil || n == 0 {
			break
		}
	}
	_, _ = io.WriteString(out, "\r    \r") // the question may stand there as text
	return false
}

// size is that of the terminal in characters; serial lines that do not know it
// are taken for the least that there is.
func (k *keyboard) size() (width, height int) {
	k.width, k.height = terminalSize(k.tty)
	width, height = k.width, k.height
	if width == 0 || height == 0 {
		return 80, 24
	}
	return max(width, 20), max(height, 5)
}

// columns is how wide text is to be: lines much longer than 80 are hard to read.
func (k *keyboard) columns() int {
	width, _ := k.size()
	return min(width, 80)
}
