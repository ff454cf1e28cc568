// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// HostName is the node's host name, and so the name of its Node object.
const HostName = "auditsetup-e2e"

// Address is the node's own address. It is on the loopback device of the node's
// network namespace, which has no other device: kubeadm and the kubelet refuse
// addresses of 127.0.0.0/8 only.
const Address = "10.118.0.1"

// insideDir is where the run's folder is mounted for the node.
const insideDir = "/run/auditsetup-e2e"

// shadowed are the machine's folders in which the node gets folders of its own.
// What the machine has there stays visible, but what is written goes to memory.
func shadowed() []string { return []string{"/etc", "/opt", "/var/lib", "/var/log"} }

// privateFolders are the node's own, on disk below the run's folder. The
// machine's folders of the same names are out of sight.
func privateFolders() []string {
	return []string{
		"/etc/kubernetes", "/etc/cni", "/opt/cni",
		"/var/lib/auditsetup", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet",
		"/var/log/containers", "/var/log/kubernetes", "/var/log/pods",
	}
}

// tunables are the kernel settings that a kubelet sets, which are the whole
// machine's. It is shown files instead, with the values that it wants.
func tunables() map[string]string {
	return map[string]string{
		"vm/overcommit_memory":      "1",
		"vm/panic_on_oom":           "0",
		"kernel/panic":              "10",
		"kernel/panic_on_oops":      "1",
		"kernel/keys/root_maxkeys":  "1000000",
		"kernel/keys/root_maxbytes": "25000000",
	}
}

// isolate makes the view that the node has of the machine. The process must be
// the first in new mount, process, network and host name namespaces.
func isolate(dir string) error {
	if err := syscall.Sethostname([]byte(HostName)); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	steps := []func() error{
		func() error { return mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "") },
		func() error { return mount("proc", "/proc", "proc", 0, "") },
		func() error { return ownRun(dir) },
		shadow,
		hideTunables,
		func() error { return mount("/tmp", "/tmp", "", syscall.MS_BIND, "") },
		func() error {
			return mount("", "/", "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		},
		networkUp,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("isolating the node: %w", err)
		}
	}
	return nil
}

// ownRun puts an empty file system in memory at /run, with the run's folder in
// it. That is mounted first, since it may lie where shadow mounts something.
func ownRun(dir string) error {
	temporary := filepath.Join(dir, "run")
	inside := filepath.Join(temporary, filepath.Base(insideDir))
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return err
	}
	if err := mount("tmpfs", temporary, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	if err := os.Mkdir(inside, 0o755); err != nil {
		return err
	}
	if err := mount(dir, inside, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	return mount(temporary, "/run", "", syscall.MS_MOVE, "")
}

// shadow lays memory over the shadowed folders, and mounts the private ones.
func shadow() error {
	for _, dir := range shadowed() {
		layer := filepath.Join("/run/layers", strings.ReplaceAll(dir[1:], "/", "-"))
		upper, work := filepath.Join(layer, "upper"), filepath.Join(layer, "work")
		for _, made := range []string{upper, work} {
			if err := os.MkdirAll(made, 0o755); err != nil {
				return err
			}
		}
		if err := mount("overlay", dir, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work)); err != nil {
			return err
		}
	}
	for _, dir := range privateFolders() {
		own := filepath.Join(insideDir, "host", dir)
		for _, made := range []string{own, dir} {
			if err := os.MkdirAll(made, 0o755); err != nil {
				return err
			}
		}
		if err := mount(own, dir, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// hideTunables mounts a file over each tunable.
func hideTunables() error {
	for name, value := range tunables() {
		file := filepath.Join("/run/tunables", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := mount(file, filepath.Join("/proc/sys", name), "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// networkUp starts the loopback device and gives it the node's address.
func networkUp() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		return os.NewSyscallError("lo up", err)
	}
	// A name with a colon stands for one more address of the device.
	alias, err := unix.NewIfreq("lo:1")
	if err != nil {
		return err
	}
	if err := alias.SetInet4Addr(net.ParseIP(Address).To4()); err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFADDR, alias); err != nil {
		return os.NewSyscallError("address of lo", err)
	}
	// The mask that comes with an address of 10.0.0.0/8 would make all of it ours.
	if err := alias.SetInet4Addr([]byte{255, 255, 255, 255}); err != nil {
		return err
	}
	return os.NewSyscallError("mask of lo", unix.IoctlIfreq(socket, unix.SIOCSIFNETMASK, alias))
}

// mount is mount(2) with an error that says what was mounted where.
func mount(source, target, kind string, flags uintptr, data string) error {
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mounting %s%s at %s: %w", kind, source, target, err)
	}
	return nil
}
