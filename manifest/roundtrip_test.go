// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/manifest"
)

func indented(text []byte, indent string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", indent); err != nil {
		panic(err)
	}
	return b.String()
}

var (
	logMount    = manifest.Mount{Name: "auditsetup-log", HostPath: "/var/log/kubernetes/audit", MountPath: "/var/log/kubernetes/audit", Type: "DirectoryOrCreate"}
	policyMount = manifest.Mount{Name: "auditsetup-policy", HostPath: "/etc/kubernetes/audit", MountPath: "/etc/kubernetes/audit", Type: "Directory", ReadOnly: true}
)

func want() manifest.Want {
	return manifest.Want{
		Flags: []manifest.Flag{
			{Name: "audit-policy-file", Value: "/etc/kubernetes/audit/policy.yaml"},
			{Name: "audit-log-path", Value: "/var/log/kubernetes/audit/audit.log"},
			{Name: "audit-log-maxage", Value: "30"},
			{Name: "audit-log-maxbackup", Value: "10"},
			{Name: "audit-log-maxsize", Value: "100"},
		},
		Mounts:     []manifest.Mount{policyMount, logMount},
		PolicyHash: "1234567890123456789012345678901234567890123456789012345678901234",
		TakeOver:   true,
	}
}

func apply(t *testing.T, data []byte, w manifest.Want) *manifest.Result {
	t.Helper()
	m, err := manifest.Read("m.yaml", data)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	r, err := manifest.Apply(m, w)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return r
}

func undo(t *testing.T, data []byte) *manifest.Result {
	t.Helper()
	m, err := manifest.Read("m.yaml", data)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	r, err := manifest.Undo(m)
	if err != nil {
		t.Fatalf("undo: %v", err)
	}
	return r
}

// corpus returns the manifests of testdata/manifests by "version/variant".
// With -update it first writes them.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	bases, err := filepath.Glob(kubeadmDir + "/*/kube-apiserver.yaml")
	if err != nil || len(bases) == 0 {
		t.Fatalf("no manifests below %s: %v", kubeadmDir, err)
	}
	all := map[string][]byte{}
	for _, base := range bases {
		text, err := os.ReadFile(base)
		if err != nil {
			t.Fatal(err)
		}
		version := filepath.Base(filepath.Dir(base))
		for name, make := range variants {
			file := filepath.Join(corpusDir, version, name+".yaml")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(make(string(text))), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if all[version+"/"+name], err = os.ReadFile(file); err != nil {
				t.Fatalf("%v (go test ./manifest -update writes it)", err)
			}
		}
	}
	return all
}

// TestCorpus holds the promises for each manifest of the corpus: on, on again,
// other wants, off.
func TestCorpus(t *testing.T) {
	t.Parallel()
	all := corpus(t)
	if len(all) < 60 {
		t.Fatalf("the corpus has shrunk to %d manifests", len(all))
	}
	for name, data := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := apply(t, data, want())
			if len(on.Changes) == 0 || bytes.Equal(on.After, data) {
				t.Fatal("nothing changed")
			}
			again := apply(t, on.After, want())
			if !bytes.Equal(again.After, on.After) || len(again.Changes) != 0 {
				t.Errorf("a second run changes something: %v\n%s", again.Changes, lineDiff(on.After, again.After))
			}
			other := want()
			other.Flags = append(other.Flags[:4:4], manifest.Flag{Name: "audit-log-maxsize", Value: "7"}, manifest.Flag{Name: "audit-log-mode", Value: "batch"})
			other.PolicyHash = strings.Repeat("e", 64)
			switched := apply(t, on.After, other)
			if direct := apply(t, data, other); !bytes.Equal(switched.After, direct.After) {
				t.Errorf("the way matters:\n%s", lineDiff(direct.After, switched.After))
			}
			for _, end := range [][]byte{on.After, switched.After} {
				off := undo(t, end)
				if !bytes.Equal(off.After, data) {
					t.Errorf("not the original bytes:\n%s", lineDiff(data, off.After))
				}
				if len(off.Drift) > 0 {
					t.Errorf("drift where nobody was: %v", off.Drift)
				}
			}
			checkLines(t, data, on.After, strings.HasPrefix(name[strings.Index(name, "/")+1:], "foreign"))
		})
	}
}

// checkLines demands that every line of the original stands in the outcome in
// its order, but for those that an edit must touch: audit flags that were taken
// over, an explicit null, and in flow style the lines that text is put into, of
// which every character is still there in its order.
func checkLines(t *testing.T, before, after []byte, foreign bool) {
	t.Helper()
	old, now := strings.SplitAfter(string(before), "\n"), strings.SplitAfter(string(after), "\n")
	for _, l := range missingLines(old, now) {
		switch {
		case strings.Contains(l, "null") || strings.Contains(l, "~"):
		case foreign && (strings.Contains(l, "audit") || strings.Contains(l, "json") || strings.Contains(l, `- "1"`) || strings.TrimSpace(l) == "-"):
		case !slices.ContainsFunc(now, func(n string) bool { return isSubsequence(strings.TrimRight(l, " \r\n]}"), n) }):
			t.Errorf("this line is gone: %q", l)
		case slices.Contains(now, strings.TrimSuffix(l, "\n")+",\n"): // the last of a flow list
		case !strings.ContainsAny(l, "[]{}\"',") && strings.HasSuffix(l, "\n"):
			t.Errorf("this line changed: %q", l)
		}
	}
}

// missingLines are the lines of a that a longest common subsequence with b
// leaves out.
func missingLines(a, b []string) []string {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var missing []string
	for i, j := 0, 0; i < len(a); {
		switch {
		case j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j < len(b) && common[i][j+1] >= common[i+1][j]:
			j++
		default:
			missing = append(missing, a[i])
			i++
		}
	}
	return missing
}

func isSubsequence(a, b string) bool {
	for _, r := range a {
		i := strings.IndexRune(b, r)
		if i < 0 {
			return false
		}
		b = b[i+len(string(r)):]
	}
	return true
}

func lineDiff(a, b []byte) string {
	x, y := strings.SplitAfter(string(a), "\n"), strings.SplitAfter(string(b), "\n")
	for i := range max(len(x), len(y)) {
		if i >= len(x) || i >= len(y) || x[i] != y[i] {
			return "want " + strings.Join(x[min(i, len(x)):min(i+4, len(x))], "") + "\nhave " + strings.Join(y[min(i, len(y)):min(i+4, len(y))], "")
		}
	}
	return ""
}
