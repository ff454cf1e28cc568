// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	sigsyaml "sigs.k8s.io/yaml"
)

var seeds = flag.Int("seeds", 2000, "how many manifests to generate")

// TestGenerated holds the promises for some thousand generated pairs of a
// manifest and a want, the same ones in each run.
func TestGenerated(t *testing.T) {
	t.Parallel()
	const workers = 8
	seeds := uint64(*seeds)
	for w := range workers {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			t.Parallel()
			done := 0
			for seed := uint64(w); seed < seeds; seed += workers {
				g := newGenerator(seed)
				data, mayChange := g.manifest()
				if promises(t, data, g.want(), mayChange) {
					done++
				}
				if t.Failed() {
					t.Fatalf("seed %d:\n%s", seed, data)
				}
			}
			if done < int(seeds)/workers/2 {
				t.Errorf("only %d of %d were accepted", done, seeds/workers)
			}
		})
	}
}

// refusals are the errors that Apply may give for a sane manifest.
var refusals = []string{"is set already, and not by auditsetup", "is already mounted, read-only, by volume", "already shows", "mounts read-only from another place"}

// promises checks what Apply and Undo promise of one manifest, and tells
// whether Apply accepted it.
func promises(t *testing.T, data []byte, w manifest.Want, mayChange []string) bool {
	t.Helper()
	m, err := manifest.Read("m.yaml", data)
	if err != nil {
		expected(t, err, []string{"the file ends in the last line of this text"})
		return false
	}
	on, err := manifest.Apply(m, w)
	if err != nil {
		expected(t, err, refusals)
		return false
	}
	checkMissing(t, data, on.After, mayChange)
	checkMeaning(t, data, on.After, w)
	w.TakeOver = false
	again := apply(t, on.After, w)
	if !bytes.Equal(again.After, on.After) || len(again.Changes) > 0 || len(again.Drift) > 0 {
		t.Errorf("a second run changes something: %v %v\n%s", again.Changes, again.Drift, lineDiff(on.After, again.After))
	}
	off := undo(t, on.After)
	if !bytes.Equal(off.After, data) || len(off.Drift) > 0 {
		t.Errorf("not the original bytes, drift %v:\n%s", off.Drift, lineDiff(data, off.After))
	}
	for _, how := range []string{"json", "kubectl", "yq", "line ends"} {
		checkReencoded(t, data, on.After, how)
	}
	return true
}

// checkReencoded demands that Undo works by meaning when a tool has written the
// manifest anew in its own manner.
func checkReencoded(t *testing.T, data, after []byte, how string) {
	t.Helper()
	var text []byte
	switch how {
	case "json":
		text = []byte(toJSON(string(after), " "))
	case "kubectl":
		text, _ = sigsyaml.JSONToYAML([]byte(toJSON(string(after), "")))
	case "yq":
		text = []byte(reEncoded(string(after)))
	default:
		text = otherEnds(after)
	}
	if how == "yq" && text[0] == '{' || !reflect.DeepEqual(pod(t, text), pod(t, after)) {
		return // no pod any more, or not the same
	}
	m, err := manifest.Read("m.yaml", text)
	if err != nil {
		expected(t, err, []string{"the file ends in the last line of this text"})
		return
	}
	off, err := manifest.Undo(m)
	if how == "yq" && err != nil && bytes.Contains(text, []byte("|")) {
		// A remark that the tool moved below our lines would become part of
		// the text above them. That is refused, and has to be: a remark that
		// far to the right cannot stay as it is.
		expected(t, err, []string{"cannot be changed safely"})
		return
	}
	if err != nil {
		t.Errorf("after %s: %v\n%s", how, err, text)
		return
	}
	if how == "line ends" && bytes.Contains(after, []byte("\n")) && !bytes.Equal(off.After, otherEnds(data)) {
		t.Errorf("after other line ends not the original bytes:\n%s", lineDiff(otherEnds(data), off.After))
	}
	a, b := pod(t, data), pod(t, off.After)
	if len(off.Drift) > 0 {
		t.Errorf("after %s there is drift: %v", how, off.Drift)
	}
	if x, y := a.takeAudit(), b.takeAudit(); !reflect.DeepEqual(inForce(x), inForce(y)) || len(x) != len(y) {
		t.Errorf("after %s the audit flags are %v instead of %v", how, y, x)
	}
	a.tidy()
	b.tidy()
	if !reflect.DeepEqual(a, b) {
		t.Errorf("after %s it is another pod:\n%v\n%v", how, a, b)
	}
}

// otherEnds exchanges one kind of line ends for the other.
func otherEnds(data []byte) []byte {
	if bytes.Contains(data, []byte("\r\n")) {
		return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	}
	return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
}

// inForce is the last value of each flag.
func inForce(flags []string) map[string]string {
	values := map[string]string{}
	for _, f := range flags {
		name, value, _ := strings.Cut(f, "=")
		values[name] = value
	}
	return values
}

func expected(t *testing.T, err error, words []string) {
	t.Helper()
	var problems document.Problems
	if !errors.As(err, &problems) {
		t.Errorf("the error is a %T: %v", err, err)
	}
	for _, p := range problems {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(p.What, w) }) || p.Line == 0 && !strings.Contains(p.What, "safely") {
			t.Errorf("refused at line %d: %s", p.Line, p.What)
		}
	}
}

// checkMissing demands that the lines of before stand in after in their order,
// but for those that may change.
func checkMissing(t *testing.T, before, after []byte, mayChange []string) {
	t.Helper()
	bare := func(line string) string { return strings.TrimRight(line, "\r\n") }
	loose := map[string]bool{}
	for _, l := range mayChange {
		loose[bare(l)] = true
	}
	now := strings.SplitAfter(string(after), "\n")
	for l := range strings.SplitAfterSeq(string(before), "\n") {
		if loose[bare(l)] {
			continue
		}
		i := slices.IndexFunc(now, func(n string) bool { return bare(n) == bare(l) })
		if i < 0 {
			t.Errorf("this line is gone, or not in its order: %q", l)
			return
		}
		now = now[i+1:]
	}
}

// checkMeaning compares the decoded pods, by means of its own.
func checkMeaning(t *testing.T, before, after []byte, w manifest.Want) {
	t.Helper()
	a, b := pod(t, before), pod(t, after)
	audit := b.takeAudit()
	if len(audit) != len(w.Flags) {
		t.Errorf("the audit flags are %v instead of %v", audit, w.Flags)
	}
	for _, f := range w.Flags {
		if !slices.Contains(audit, f.Name+"="+f.Value) {
			t.Errorf("the audit flags are %v, without %v", audit, f)
		}
	}
	for _, m := range w.Mounts {
		if !b.shows(m) {
			t.Errorf("the container does not see %v", m)
		}
	}
	notes := b.annotations()
	if hash, _ := notes[manifest.PolicyAnnotation].(string); hash != w.PolicyHash {
		t.Errorf("the policy annotation is %q", hash)
	}
	delete(notes, manifest.PolicyAnnotation)
	delete(notes, manifest.UndoAnnotation)
	b.dropNew("volumes", b.spec(), a.spec())
	b.dropNew("volumeMounts", b.container(), a.container())
	a.takeAudit()
	a.tidy()
	b.tidy()
	if !reflect.DeepEqual(a, b) {
		t.Errorf("more differs than was planned:\n%v\n%v", a, b)
	}
}

// tree is a decoded pod.
type tree map[string]any

func pod(t *testing.T, data []byte) tree {
	t.Helper()
	var p tree
	if err := sigsyaml.UnmarshalStrict(data, &p); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return p
}

func (p tree) spec() map[string]any { return p["spec"].(map[string]any) }

func (p tree) annotations() map[string]any {
	notes, _ := p["metadata"].(map[string]any)["annotations"].(map[string]any)
	return notes
}

func (p tree) container() map[string]any {
	for _, c := range p.spec()["containers"].([]any) {
		if c := c.(map[string]any); c["name"] == "kube-apiserver" {
			return c
		}
	}
	return nil
}

// takeAudit removes the audit flags from the command line and returns them, in
// order, as "name=value".
func (p tree) takeAudit() []string {
	var found []string
	for _, key := range []string{"command", "args"} {
		items, _ := p.container()[key].([]any)
		var rest []any
		for i := 0; i < len(items); i++ {
			item := items[i].(string)
			name, value, inline := strings.Cut(item, "=")
			name = strings.ReplaceAll(name, "_", "-")
			if !strings.HasPrefix(name, "--audit-") {
				rest = append(rest, item)
				continue
			}
			if !inline && name == "--audit-log-compress" {
				value = "true"
			} else if !inline {
				i++
				value = items[i].(string)
			}
			found = append(found, strings.TrimPrefix(name, "--")+"="+value)
		}
		p.container()[key] = rest
	}
	return found
}

// shows tells whether the container sees the folder of the host in its place,
// and can write there if it has to.
func (p tree) shows(w manifest.Mount) bool {
	host, writable := "", false
	best := -1
	for _, vm := range p.container()["volumeMounts"].([]any) {
		vm := vm.(map[string]any)
		at := path.Clean(vm["mountPath"].(string))
		rest, within := strings.CutPrefix(w.MountPath+"/", strings.TrimSuffix(at, "/")+"/")
		if !within || len(at) < best {
			continue
		}
		for _, v := range p.spec()["volumes"].([]any) {
			if v := v.(map[string]any); v["name"] == vm["name"] {
				best = len(at)
				host = v["hostPath"].(map[string]any)["path"].(string)
				host = path.Join(host, rest)
				writable = vm["readOnly"] != true
			}
		}
	}
	return host == w.HostPath && (writable || w.ReadOnly)
}

// dropNew drops the entries behind those that the other has.
func (p tree) dropNew(key string, parent, other map[string]any) {
	list, _ := parent[key].([]any)
	theirs, _ := other[key].([]any)
	parent[key] = list[:len(theirs)]
}

// tidy makes absent, null and empty the same.
func (p tree) tidy() {
	metadata := p["metadata"].(map[string]any)
	for _, in := range []struct {
		parent map[string]any
		keys   []string
	}{{metadata, []string{"annotations"}}, {p.spec(), []string{"volumes"}}, {p.container(), []string{"volumeMounts", "command", "args"}}} {
		for _, key := range in.keys {
			if v := reflect.ValueOf(in.parent[key]); !v.IsValid() || v.Len() == 0 {
				delete(in.parent, key)
			}
		}
	}
}
