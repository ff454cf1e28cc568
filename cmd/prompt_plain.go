// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
)

// plain asks on a terminal that cannot move its cursor, or does not say where it
// is, such as a bare serial line. It writes no escape sequence, and takes lines
// as the terminal's own driver hands them over.
type plain struct {
	keys *keyboard
	in   io.Reader
	out  io.Writer
}

func (p *plain) Confirm(question string) (bool, error) {
	p.keys.forget(true)
	fmt.Fprintf(p.out, "%s (y/N) ", question)
	answer, err := p.line()
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", err
}

func (p *plain) Select(q question, first int) (int, error) {
	width := p.keys.columns()
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", q.text)
	mark := marks(q.choices)
	for i, c := range q.choices {
		fmt.Fprintf(&text, "%3s) %s\n%s", mark[i], cut(c.label, width-6), indent(c.detail, "       ", width-1))
	}
	if q.hint != "" {
		fmt.Fprintf(&text, "  %s\n", q.hint)
	}
	if err := p.Page(text.String()); err != nil {
		return 0, err
	}
	for {
		p.keys.forget(q.grave)
		fmt.Fprintf(p.out, "which one (%s) ", mark[first])
		answer, err := p.line()
		if err != nil {
			return 0, err
		}
		if answer == "" {
			return first, nil
		}
		for i, c := range q.choices {
			if answer == c.short || answer == mark[i] {
				return i, nil
			}
		}
		fmt.Fprintf(p.out, "%q is none of these: type what stands in front of )\n", cut(answer, 30))
	}
}

// marks gives what is typed for each choice: its key, or else a number.
func marks(choices []choice) []string {
	found, n := make([]string, len(choices)), 0
	for i, c := range choices {
		if c.key != 0 {
			found[i] = string(c.key)
			continue
		}
		n++
		found[i] = strconv.Itoa(n)
	}
	return found
}

func (p *plain) Input(question, proposal string) (string, error) {
	p.keys.forget(false)
	if proposal != "" {
		question += " (" + proposal + ")"
	}
	fmt.Fprintf(p.out, "%s ", question)
	answer, err := p.line()
	if answer == "" {
		answer = proposal
	}
	return answer, err
}

func (p *plain) Page(text string) error {
	width, height := p.keys.size()
	return paged(p.out, wrapHard(text, width), height-1, func() (string, error) {
		fmt.Fprint(p.out, "-- more: return for the next page, q to skip -- ")
		p.keys.forget(false)
		return p.line()
	})
}

func (p *plain) Edit(text []byte) ([]byte, error) { return edit(text) }

func (p *plain) Columns() int { return p.keys.columns() }

// line reads one line. An interrupt would end the process without a word, so it
// is caught; the read that goes on then ends with the process.
func (p *plain) line() (string, error) {
	interrupt := catchEnd()
	defer signal.Stop(interrupt)
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		var text []byte
		buf := make([]byte, 4096)
		for {
			n, err := p.in.Read(buf) // at most one line, by the driver's rules
			text = append(text, buf[:n]...)
			if n > 0 && buf[n-1] == '\n' || n == 0 || err != nil {
				read <- result{string(text), err}
				return
			}
		}
	}()
	select {
	case <-interrupt:
		fmt.Fprintln(p.out)
		return "", errCancelled
	case r := <-read:
		if r.err != nil || !strings.HasSuffix(r.text, "\n") {
			fmt.Fprintln(p.out)
			return "", errCancelled
		}
		line, _, _ := strings.Cut(r.text, "\n")
		return strings.TrimSpace(line), nil
	}
}
