// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package crash

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// workers is how many cases run at the same time.
const workers = 2

// tries is how often a case is begun anew when another call was hit, which would
// be a change to the runtime's own calls.
const tries = 3

// scenario is a command that is to be stopped.
type scenario struct {
	name    string
	before  [][]string // run undisturbed first
	command []string
}

var (
	enable   = []string{"enable", "--yes"}
	another  = []string{"enable", "--yes", "--profile", "metadata"}
	disable  = []string{"disable", "--yes"}
	purge    = []string{"disable", "--yes", "--purge"}
	rollback = []string{"rollback", "--yes"}
)

var scenarios = []scenario{
	{"enable", nil, enable},
	{"enable, another profile", [][]string{enable}, another},
	{"disable", [][]string{enable}, disable},
	{"disable --purge", [][]string{enable}, purge},
	{"rollback of enable", [][]string{enable}, rollback},
	{"rollback of another profile", [][]string{enable, another}, rollback},
	{"rollback of disable", [][]string{enable, disable}, rollback},
}

// subject is a scenario made ready.
type subject struct {
	*rig
	scenario
	start         string // the image before the command
	before, after tree
	calls         []call
	// what a rollback makes of the image before, and of the one after
	backBefore, backAfter step
	// next is a command that finds nothing to do after this one, and settled what
	// it makes of the image all the same.
	next    []string
	settled step
}

// step is what a command did to an image.
type step struct {
	code int
	tree tree
}

func (r *rig) step(root string, args ...string) step {
	out := r.run(root, args...)
	return step{out.code, look(root)}
}

// prepare makes the images, and traces the command twice: what it does must be
// the same each time, or the counting of calls would mean nothing.
func (r *rig) prepare(t *testing.T, s scenario) *subject {
	t.Helper()
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c
		}
		return '-'
	}, s.name)
	p := &subject{rig: r, scenario: s, start: r.image(t, name), next: s.command}
	if p.rollsBack() {
		p.next = disable
	}
	for _, args := range s.before {
		if out := r.run(p.start, args...); out.code != 0 {
			t.Fatalf("%v: exit %d: %s", args, out.code, out.stderr)
		}
	}
	p.before = look(p.start)
	for i := range 2 {
		root := fmt.Sprintf("%s-traced-%d", p.start, i)
		must(t, clone(p.start, root))
		out, calls, err := r.trace(root, fault{}, r.program, with(root, s.command)...)
		must(t, err)
		if out.code != 0 || len(calls) == 0 {
			t.Fatalf("%v: exit %d, %d calls: %s", s.command, out.code, len(calls), out.stderr)
		}
		if i > 0 && fmt.Sprint(calls) != fmt.Sprint(p.calls) {
			t.Fatalf("two runs differ:\n%v\n%v", p.calls, calls)
		}
		p.calls, p.after = calls, look(root)
		must(t, clone(root, root+"-next"))
		p.settled = r.step(root+"-next", p.next...)
		p.backAfter = r.step(root, rollback...)
	}
	inForce := slices.IndexFunc(p.calls, func(c call) bool { return strings.HasSuffix(c.paths, "/record.in-force.json") })
	for k := range p.calls {
		p.calls[k].late = inForce > 0 && k > inForce+1 // the next one is its fsync
	}
	root := p.start + "-back"
	must(t, clone(p.start, root))
	p.backBefore = r.step(root, rollback...)
	return p
}

// hit runs the command with what happening to the k-th call, and makes sure that
// it was that call.
func (p *subject) hit(root, what string, k int) (outcome, error) {
	for range tries {
		if err := clone(p.start, root); err != nil {
			return outcome{}, err
		}
		f := fault{what, p.calls[k].name, p.calls[k].nth}
		out, calls, err := p.trace(root, f, p.program, with(root, p.command)...)
		if err != nil {
			return out, err
		}
		killed := out.code < 0 && len(calls) == k+1 && calls[k].String() == p.calls[k].String()
		failed := len(calls) > k && calls[k].failed && calls[k].String() == p.calls[k].String()
		if killed || failed {
			return out, nil
		}
		if err := remove(root); err != nil {
			return out, err
		}
	}
	return outcome{}, fmt.Errorf("could not be hit in %d runs", tries)
}

// tally counts outcomes by call, for the report.
type tally struct {
	sync.Mutex
	counts map[string]map[string]int
}

func (c *tally) add(name, result string) {
	c.Lock()
	defer c.Unlock()
	if c.counts[name] == nil {
		c.counts[name] = map[string]int{}
	}
	c.counts[name][result]++
}

// each does something to every call of the subject, and prints the counts. check
// looks at one case, and gives its outcome in a word or two.
func (p *subject) each(t *testing.T, what string, check func(root string, out outcome, c call) (string, []string)) {
	t.Helper()
	seen := &tally{counts: map[string]map[string]int{}}
	queue := make(chan int)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for k := range queue {
				root := fmt.Sprintf("%s-%s-%d", p.start, filepath.Base(what), w)
				c := p.calls[k]
				out, err := p.hit(root, what, k)
				if err != nil {
					t.Errorf("%s, %d: %s: %v", what, k, c, err)
					continue
				}
				result, wrong := check(root, out, c)
				seen.add(c.name, result)
				if len(wrong) > 0 {
					t.Errorf("%s, call %d, %s: exit %d: %s%s\n%s", what, k, c, out.code, out.stderr, result, strings.Join(wrong, "\n"))
				}
				_ = remove(root, root+"-again", root+"-back")
			}
		})
	}
	for k := range p.calls {
		queue <- k
	}
	close(queue)
	all.Wait()
	t.Log(seen.report(p.name, what))
}

// report is a line for each outcome, with the calls that led to it.
func (c *tally) report(name, what string) string {
	byResult, totals, total := map[string][]string{}, map[string]int{}, 0
	for call, results := range c.counts {
		for result, n := range results {
			byResult[result] = append(byResult[result], fmt.Sprintf("%s %d", call, n))
			totals[result] += n
			total += n
		}
	}
	lines := []string{fmt.Sprintf("%s, %s at each of %d calls:", name, what, total)}
	for result, calls := range byResult {
		slices.Sort(calls)
		lines = append(lines, fmt.Sprintf("  %4d  %s (%s)", totals[result], result, strings.Join(calls, ", ")))
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}
