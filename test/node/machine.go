// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// machine is what a run could change of the machine without anything of it
// showing the run's name.
type machine struct {
	// tunables are the kernel settings that a kubelet changes, by file.
	tunables map[string]string
	// missing are those of the node's folders that the machine did not have.
	missing []string
}

// lookAtMachine must run in the machine's own namespaces.
func lookAtMachine() machine {
	m := machine{tunables: make(map[string]string)}
	for name := range tunables() {
		if text, err := os.ReadFile(filepath.Join("/proc/sys", name)); err == nil {
			m.tunables[name] = string(text)
		}
	}
	for _, dir := range append(privateFolders(), "/run/containerd", insideDir) {
		if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
			m.missing = append(m.missing, dir)
		}
	}
	return m
}

// leftovers fails if anything of a run is still there, or anything was changed
// since m was looked at, and says what was looked for.
func (m machine) leftovers(r *run, p progress) error {
	checks := []struct {
		what string
		look func() ([]string, error)
	}{
		{"processes", r.processesLeft},
		{"mounts", r.mountsLeft},
		{"cgroups", func() ([]string, error) { return cgroupFolders(r.cgroup) }},
		{"network", addressLeft},
		{"files", func() ([]string, error) { return m.filesLeft(r) }},
		{"kernel settings", m.tunablesLeft},
	}
	var all []error
	var names []string
	for _, check := range checks {
		left, err := check.look()
		all = append(all, err)
		names = append(names, check.what)
		if len(left) > 0 {
			all = append(all, fmt.Errorf("left behind, %s: %s", check.what, strings.Join(left, ", ")))
		}
	}
	err := errors.Join(all...)
	if err == nil {
		p.say("nothing left behind: looked for %s", strings.Join(names, ", "))
	}
	return err
}

// processesLeft finds processes that are in the run's namespaces. Those that
// hold the network, and with it iptables rules, are among them.
func (r *run) processesLeft() ([]string, error) {
	links, err := filepath.Glob("/proc/[0-9]*/ns/*")
	if err != nil {
		return nil, err
	}
	var left []string
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && slices.Contains(r.namespaces, name) {
			left = append(left, link)
		}
	}
	return left, nil
}

// mountsLeft finds mounts of the run's folder, or in it, in the machine's own
// mount namespace.
func (r *run) mountsLeft() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var left []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, r.dir) {
			left = append(left, strings.TrimSpace(line))
		}
	}
	return left, nil
}

// addressLeft finds the node's address on the machine's devices.
func addressLeft() ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, address := range all {
		if strings.HasPrefix(address.String(), Address+"/") {
			return []string{address.String()}, nil
		}
	}
	return nil, nil
}

// filesLeft finds the run's folder, and folders that the machine did not have.
func (m machine) filesLeft(r *run) ([]string, error) {
	var left []string
	for _, dir := range append([]string{r.dir}, m.missing...) {
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			left = append(left, dir)
		}
	}
	return left, nil
}

// tunablesLeft finds kernel settings with other values than before.
func (m machine) tunablesLeft() ([]string, error) {
	var left []string
	for name, before := range m.tunables {
		text, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			return nil, err
		}
		if string(text) != before {
			left = append(left, fmt.Sprintf("%s is %q, was %q", name, text, before))
		}
	}
	return left, nil
}

// mountPoints returns the mount points that a process sees, in the order of
// their mounting.
func mountPoints(pid string) ([]string, error) {
	text, err := os.ReadFile("/proc/" + pid + "/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(text)) {
		// The fifth field, with blanks and the like as octal numbers
		// (Documentation/filesystems/proc.rst of the kernel).
		if fields := strings.Fields(line); len(fields) > 4 {
			points = append(points, fields[4])
		}
	}
	return points, nil
}

// within reports whether path is dir or lies below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// keepLogs copies the logs of a run to the folder that the environment names.
// What cannot be copied is said, and does no more harm.
func keepLogs(dir string) {
	to := os.Getenv(LogsVariable)
	if to == "" {
		return
	}
	for _, name := range []string{"logs", "host/var/log/pods"} {
		if err := os.CopyFS(filepath.Join(to, filepath.Base(dir), filepath.Base(name)), os.DirFS(filepath.Join(dir, name))); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: logs not kept: %v\n", err)
		}
	}
}
