// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package restart watches a kube-apiserver go and come back. It looks at what
// the machine itself knows: the process table for who runs with which flags, the
// kubelet's own command line and configuration for which folder it watches, the
// container's log for the last words of a server that did not start, and the
// kubelet's list of pods for what kept one from being started. It writes
// nothing, and needs neither a container runtime's tools nor the API server.
package restart

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	serverName = "kube-apiserver"
	// ticksPerSecond is USER_HZ, which is 100 wherever Linux runs Kubernetes
	// (proc(5), sysconf(_SC_CLK_TCK)).
	ticksPerSecond = 100
)

// Machine is where to look. The zero Machine is the running one.
type Machine struct {
	// Proc is the process table; empty means /proc.
	Proc string
}

// Process is one process of the machine.
type Process struct {
	PID int
	// Args is the command line, with the program's name.
	Args []string

	started string // in ticks since the machine started: tells it from a later one of the same PID
}

func (m Machine) proc(elements ...string) string {
	top := m.Proc
	if top == "" {
		top = "/proc"
	}
	return filepath.Join(append([]string{top}, elements...)...)
}

// Servers are the kube-apiservers in the network of this process. Static pods
// of a control plane share the host's; those of other clusters on the same
// machine, such as kind's, have networks of their own.
func (m Machine) Servers() ([]Process, error) {
	own, err := os.Readlink(m.proc("self", "ns", "net"))
	if err != nil {
		return nil, fmt.Errorf("the process table cannot be read: %w", err)
	}
	all := m.named(serverName)
	return slices.DeleteFunc(all, func(p Process) bool {
		other, err := os.Readlink(m.proc(strconv.Itoa(p.PID), "ns", "net"))
		return err == nil && other != own
	}), nil
}

// named are the processes whose program has that name, in the order of PIDs.
func (m Machine) named(name string) []Process {
	entries, err := os.ReadDir(m.proc())
	if err != nil {
		return nil
	}
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, ok := m.process(pid); ok && path.Base(p.Args[0]) == name {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Process) int { return a.PID - b.PID })
	return found
}

// process says false for what has ended, though its parent may not have asked
// for its end yet, and for threads of the kernel.
func (m Machine) process(pid int) (Process, bool) {
	number := strconv.Itoa(pid)
	line, err := os.ReadFile(m.proc(number, "cmdline"))
	if err != nil || len(line) == 0 {
		return Process{}, false
	}
	stat, err := os.ReadFile(m.proc(number, "stat"))
	if err != nil {
		return Process{}, false
	}
	started, running := parseStat(stat)
	return Process{PID: pid, Args: parseCommand(line), started: started}, running
}

// Alive says whether this very process still runs.
func (m Machine) Alive(p Process) bool {
	now, ok := m.process(p.PID)
	return ok && now.started == p.started
}

// Started is when a process began, to a second; false where that is not known.
func (m Machine) Started(p Process) (time.Time, bool) {
	data, err := os.ReadFile(m.proc("stat"))
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			boot, bootErr := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			ticks, err := strconv.ParseInt(p.started, 10, 64)
			return time.Unix(boot+ticks/ticksPerSecond, 0), bootErr == nil && err == nil
		}
	}
	return time.Time{}, false
}

// parseCommand takes /proc/PID/cmdline apart (proc(5)).
func parseCommand(line []byte) []string {
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
}

// parseStat takes the start time, field 22, out of /proc/PID/stat (proc(5)), and
// whether the process runs. The second field is a name in parentheses that may
// hold anything.
func parseStat(stat []byte) (started string, running bool) {
	i := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[i+1:]))
	if i < 0 || len(fields) < 20 {
		return "", false
	}
	state := fields[0]
	return fields[19], state != "Z" && state != "X" && state != "x"
}

// runs says whether a process has the command line of a manifest. Both begin at
// the program itself, since a manifest may have another in front that starts it,
// and its name may be the image's to say. An item with $(NAME), which the kubelet
// replaces, is compared up to there.
func runs(args, command []string) bool {
	args, command = fromProgram(args), fromProgram(command)
	if len(args) != len(command) {
		return false
	}
	for i := range args {
		want, _, variable := strings.Cut(command[i], "$(")
		if variable && !strings.HasPrefix(args[i], strings.TrimSuffix(want, "$")) || !variable && args[i] != want {
			return false
		}
	}
	return true
}

// fromProgram is what follows the program's name.
func fromProgram(args []string) []string {
	for i, a := range args {
		if path.Base(a) == serverName {
			return args[i+1:]
		}
	}
	return args
}

// listens says whether a process has a socket open at which it takes TCP
// connections for an address. Only root may know of others' processes.
func (m Machine) listens(p Process, host, port string) bool {
	number := strconv.Itoa(p.PID)
	sockets := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		if data, err := os.ReadFile(m.proc(number, "net", table)); err == nil {
			listening(string(data), net.ParseIP(host), port, sockets)
		}
	}
	fds, err := os.ReadDir(m.proc(number, "fd"))
	return err == nil && slices.ContainsFunc(fds, func(fd fs.DirEntry) bool {
		target, err := os.Readlink(m.proc(number, "fd", fd.Name()))
		return err == nil && sockets[target]
	})
}

// listening adds the sockets of /proc/net/tcp that listen at an address or at
// all of them, as the links of /proc/PID/fd name them (proc(5); state 0A is
// TCP_LISTEN of the kernel's include/net/tcp_states.h). A host that is no IP is
// taken for any.
func listening(table string, host net.IP, port string, to map[string]bool) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != "0A" {
			continue
		}
		address, number, _ := strings.Cut(fields[1], ":")
		at, err := strconv.ParseUint(number, 16, 16)
		bound := parseAddress(address)
		if err == nil && strconv.FormatUint(at, 10) == port && bound != nil && (host == nil || bound.IsUnspecified() || bound.Equal(host)) {
			to["socket:["+fields[9]+"]"] = true
		}
	}
}

// parseAddress reads an address of /proc/net/tcp: words of four bytes, each in
// the order of this machine.
func parseAddress(text string) net.IP {
	ip, err := hex.DecodeString(text)
	if err != nil || len(ip) != net.IPv4len && len(ip) != net.IPv6len {
		return nil
	}
	for i := 0; i < len(ip); i += 4 {
		binary.BigEndian.PutUint32(ip[i:], binary.NativeEndian.Uint32(ip[i:]))
	}
	return ip
}

// ServerAt is the kube-apiserver that listens at an address; false when none
// does.
func (m Machine) ServerAt(host, port string) (Process, bool, error) {
	servers, err := m.Servers()
	for _, p := range servers {
		if m.listens(p, host, port) {
			return p, true, err
		}
	}
	return Process{}, false, err
}

// Runs says whether the process has the command line of a manifest.
func (p Process) Runs(command []string) bool { return runs(p.Args, command) }
