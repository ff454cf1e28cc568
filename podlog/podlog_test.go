// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package podlog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseLog(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		log  string
		want []string
	}{
		"whole lines": {"2026-11-22T05:51:41.048758123Z stderr F one\n2026-11-22T05:51:41.048758124Z stdout F two\n", []string{"one", "two"}},
		"in parts": {"2026-11-22T05:51:41.1Z stderr P on\n2026-11-22T05:51:41.1Z stdout F two\n2026-11-22T05:51:41.1Z stderr F e\n",
			[]string{"two", "one"}},
		"a part to the end": {"2026-11-22T05:51:41.1Z stderr P one", []string{"one"}},
		"more tags":         {"2026-11-22T05:51:41.1Z stderr P:X on\n2026-11-22T05:51:41.1Z stderr F:X e\n", []string{"one"}},
		"empty line":        {"2026-11-22T05:51:41.1Z stderr F \n2026-11-22T05:51:41.1Z stderr F\n", []string{"", ""}},
		"blanks stay":       {"2026-11-22T05:51:41.1Z stderr F   a  b\n", []string{"  a  b"}},
		"local time":        {"2026-11-22T05:51:41.1+02:00 stderr F one\n", []string{"one"}},
		"docker":            {`{"log":"on","stream":"stderr","time":"x"}` + "\n" + `{"log":"e\n","stream":"stderr","time":"x"}` + "\n", []string{"one"}},
		"no framing":        {"one\ntwo stderr F x\n", []string{"one", "two stderr F x"}},
		"nothing":           {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parseLog([]byte(test.log)); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add("2026-11-22T05:51:41.1Z stderr P on\n2026-11-22T05:51:41.1Z stderr F e\n")
	f.Add(`{"log":"on","stream":"stderr"}`)
	f.Fuzz(func(t *testing.T, log string) {
		lines := parseLog([]byte(log))
		for _, line := range lines {
			if strings.Contains(line, "\n") && !strings.Contains(log, "{") {
				t.Errorf("a line with an end in it: %q", line)
			}
		}
		if words := LastWords(lines); strings.ContainsAny(words, "\n\x1b") || len(words) > maxReason+3 {
			t.Errorf("words %q", words)
		}
	})
}

func TestLogs(t *testing.T) {
	t.Parallel()
	top := filepath.Join(t.TempDir(), "pods[1]")
	now := time.Now()
	for i, file := range []string{
		"kube-system_kube-apiserver-node_uid1/kube-apiserver/3.log",
		"kube-system_kube-apiserver-node_uid2/kube-apiserver/0.log",
		"kube-system_kube-apiserver-node_uid2/kube-apiserver/0.log.20261122-051200",
		"kube-system_kube-apiserver-node_uid2/other/0.log",
		"kube-system_kube-controller-manager-node_uid/kube-apiserver/0.log",
		"other_kube-apiserver-node_uid/kube-apiserver/0.log",
	} {
		file = filepath.Join(top, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now, now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, log := range Of(top, "kube-system", "kube-apiserver", "kube-apiserver") {
		got = append(got, strings.TrimPrefix(log.Path, top+"/"))
	}
	want := []string{"kube-system_kube-apiserver-node_uid2/kube-apiserver/0.log", "kube-system_kube-apiserver-node_uid1/kube-apiserver/3.log"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "0.log")
	line := "2026-11-22T05:51:41.1Z stderr F " + strings.Repeat("x", 1000) + "\n"
	if err := os.WriteFile(file, []byte(strings.Repeat(line, 1000)+"2026-11-22T05:51:41.1Z stderr F last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := Tail(file)
	if len(lines) < 200 || len(lines) > 300 || lines[len(lines)-1] != "last" || len(lines[0]) != 1000 {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if Tail(file+".gone") != nil {
		t.Error("lines of no file")
	}
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ log, want string }{
		"policy": {`I1122 05:51:41.048758   21671 options.go:261] external host was not specified
E1122 05:51:41.110427   21671 run.go:72] "command failed" err="loading audit policy file: loaded illegal policy with 0 rules: from file /p.yaml"
`, "loading audit policy file: loaded illegal policy with 0 rules: from file /p.yaml"},
		"quotes in it": {`E1122 05:51:41.110427   21671 run.go:72] "command failed" err="open \"/a b\": permission denied"`, `open "/a b": permission denied`},
		"a flag":       {"Error: unknown flag: --x\nSee 'kube-apiserver --help' for usage.", "unknown flag: --x"},
		"fatal": {`E1122 05:51:41.110427   21671 a.go:1] something else
F1122 05:51:41.110427   21671 instance.go:2] Error creating leases: deadline exceeded
E1122 05:51:42.110427   21671 a.go:1] something later`, "Error creating leases: deadline exceeded"},
		"panic":          {"panic: boom\n\ngoroutine 1 [running]:\nmain.main()", "panic: boom"},
		"only warnings":  {"W1122 05:51:41.110427   21671 a.go:1] careful\nI1122 05:51:41.110427   21671 a.go:1] fine", ""},
		"escape":         {"Error: \x1b[31mred", "[31mred"},
		"nothing at all": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := LastWords(strings.Split(test.log, "\n")); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
