// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stat, started string
		running       bool
	}{
		"sleeping":          {"7 (kube-apiserver) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2", "4711", true},
		"a name with words": {"7 (a) Z 1 (b) R 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2", "4711", true},
		"ended":             {"7 (kube-apiserver) Z 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2", "4711", false},
		"cut":               {"7 (kube-apiserver) S 1 7", "", false},
		"nothing":           {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started, running := parseStat([]byte(test.stat))
			if started != test.started || running != test.running {
				t.Errorf("%q, %t", started, running)
			}
		})
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args, command []string
		want          bool
	}{
		"same":                  {[]string{"kube-apiserver", "--a=1"}, []string{"kube-apiserver", "--a=1"}, true},
		"by path":               {[]string{"/usr/local/bin/kube-apiserver", "--a=1"}, []string{"kube-apiserver", "--a=1"}, true},
		"started by another":    {[]string{"kube-apiserver", "--a=1"}, []string{"/go-runner", "--log-file=/x", "kube-apiserver", "--a=1"}, true},
		"program of the image":  {[]string{"kube-apiserver", "--a=1"}, []string{"--a=1"}, true},
		"another value":         {[]string{"kube-apiserver", "--a=1"}, []string{"kube-apiserver", "--a=2"}, false},
		"another order":         {[]string{"kube-apiserver", "--a=1", "--b=2"}, []string{"kube-apiserver", "--b=2", "--a=1"}, false},
		"one more":              {[]string{"kube-apiserver", "--a=1", "--b=2"}, []string{"kube-apiserver", "--a=1"}, false},
		"one less":              {[]string{"kube-apiserver", "--a=1"}, []string{"kube-apiserver", "--a=1", "--b=2"}, false},
		"variable":              {[]string{"kube-apiserver", "--a=10.0.0.1:1"}, []string{"kube-apiserver", "--a=$(HOST):1"}, true},
		"variable, another one": {[]string{"kube-apiserver", "--b=10.0.0.1"}, []string{"kube-apiserver", "--a=$(HOST)"}, false},
		"kubelet's escape":      {[]string{"kube-apiserver", "--a=$(HOST)"}, []string{"kube-apiserver", "--a=$$(HOST)"}, true},
		"empty value":           {[]string{"kube-apiserver", "--a="}, []string{"kube-apiserver", "--a="}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := runs(test.args, test.command); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   1: 0500000A:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0
   2: 0500000A:192B 0600000A:8000 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0
   3: 00000000:192C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0
   4: cut
`

const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:192B 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21 1 0
   1: 000080FE00000000000000000100000A:192B 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0
`

// The tables are as a machine has them whose words have the least byte first, as
// every one that this is tested on.
func TestListening(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		table, host, port string
		want              []string
	}{
		"loopback":      {tcp, "127.0.0.1", "6443", []string{"socket:[11]"}},
		"an address":    {tcp, "10.0.0.5", "6443", []string{"socket:[12]"}},
		"none there":    {tcp, "10.0.0.6", "6443", nil},
		"at all":        {tcp, "10.0.0.6", "6444", []string{"socket:[14]"}},
		"a name":        {tcp, "localhost", "6443", []string{"socket:[11]", "socket:[12]"}},
		"six, at all":   {tcp6, "10.0.0.6", "6443", []string{"socket:[21]"}},
		"six":           {tcp6, "fe80::a00:1", "6443", []string{"socket:[21]", "socket:[22]"}},
		"no port":       {tcp, "127.0.0.1", "x", nil},
		"another table": {"", "127.0.0.1", "6443", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string]bool{}
			listening(test.table, net.ParseIP(test.host), test.port, got)
			var names []string
			for name := range got {
				names = append(names, name)
			}
			slices.Sort(names)
			if !slices.Equal(names, test.want) {
				t.Errorf("%v, want %v", names, test.want)
			}
		})
	}
}

// table makes a process table in a folder. Processes are given by PID; a
// network of "" is that of this process.
type entry struct {
	args    []string
	network string
	root    string
	cwd     string
	state   string
}

func table(t *testing.T, entries map[int]entry) Machine {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	link := func(target string, elements ...string) {
		file := filepath.Join(append([]string{dir}, elements...)...)
		must(os.MkdirAll(filepath.Dir(file), 0o755))
		must(os.Symlink(target, file))
	}
	link("net:[1]", "self", "ns", "net")
	for pid, e := range entries {
		number := strconv.Itoa(pid)
		if e.network == "" {
			e.network = "net:[1]"
		}
		if e.state == "" {
			e.state = "S"
		}
		link(e.network, number, "ns", "net")
		line := ""
		for _, a := range e.args {
			line += a + "\x00"
		}
		must(os.WriteFile(filepath.Join(dir, number, "cmdline"), []byte(line), 0o600))
		must(os.WriteFile(filepath.Join(dir, number, "stat"), []byte(number+" (x) "+e.state+" 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2"), 0o600))
		if e.root != "" {
			link(e.root, number, "root")
		}
		if e.cwd != "" {
			link(e.cwd, number, "cwd")
		}
	}
	must(os.WriteFile(filepath.Join(dir, "uptime"), nil, 0o600))
	return Machine{Proc: dir}
}

func TestServers(t *testing.T) {
	t.Parallel()
	m := table(t, map[int]entry{
		1:  {args: []string{"/sbin/init"}},
		20: {args: []string{"kube-apiserver", "--a=1"}},
		21: {args: []string{"/usr/bin/kube-apiserver", "--a=2"}, network: "net:[2]"},
		22: {args: []string{"vim", "kube-apiserver"}},
		23: {args: []string{"kube-apiserver"}, state: "Z"},
		3:  {args: []string{"/usr/local/bin/kube-apiserver", ""}},
	})
	got, err := m.Servers()
	if err != nil || len(got) != 2 || got[0].PID != 3 || got[1].PID != 20 {
		t.Fatalf("%v, %v", got, err)
	}
	if len(got[0].Args) != 2 || !m.Alive(got[1]) {
		t.Errorf("%q", got[0].Args)
	}
	later := got[1]
	later.started = "4712"
	if m.Alive(later) {
		t.Error("another process of the same number is taken for this one")
	}
	if _, known := m.Started(got[1]); known {
		t.Error("a start without the machine's")
	}
	if err := os.WriteFile(filepath.Join(m.Proc, "stat"), []byte("cpu 1 2\nbtime 1000\nprocesses 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if at, known := m.Started(got[1]); !known || at.Unix() != 1047 {
		t.Errorf("started at %s, %t", at, known)
	}
	if _, err := (Machine{Proc: filepath.Join(m.Proc, "none")}).Servers(); err == nil {
		t.Error("no table, no error")
	}
}
