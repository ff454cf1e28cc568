// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/tuning"
)

const etcdDir = "/var/lib/etcd"

// disk compares what the log may grow to with what is free where it will lie.
func (r *Report) disk(in Input) {
	there := existing(in.LogDir)
	s, err := spaceOf(there)
	if err != nil {
		return // this system does not tell
	}
	r.Problems = append(r.Problems, s.judge(in, used(in.LogDir))...)
	shared := []string{}
	for _, other := range []string{"/", etcdDir} {
		if o, err := spaceOf(other); err == nil && o.device == s.device {
			shared = append(shared, other)
		}
	}
	if len(shared) > 0 {
		r.Notes.Add(in.LogDir, fmt.Sprintf("shares the file system of %s: %s free, and the log takes at most %s of it",
			strings.Join(shared, " and "), tuning.FormatBytes(s.free), tuning.FormatBytes(in.LogBytes)), "")
	}
}

// space is a file system.
type space struct {
	device uint64
	free   int64 // in bytes, for others than root
}

// judge says whether the log has room to grow. What it has now is not asked for
// again.
func (s space) judge(in Input, used int64) document.Problems {
	if in.LogBytes-used <= s.free {
		return nil
	}
	return document.Problems{{File: in.LogDir, What: fmt.Sprintf("has %s free, and the log may come to take %s: a full disk brings etcd and the kubelet down",
		tuning.FormatBytes(s.free), tuning.FormatBytes(in.LogBytes)),
		Hint: "allow it less, such as --disk-budget " + budget(s.free+used) + ", or put it on another disk with --log-path"}}
}

// budget is four fifths of some bytes, as the flag takes them.
func budget(bytes int64) string {
	const mi = 1 << 20
	return fmt.Sprintf("%dMi", max(1, bytes/5*4/mi))
}

// existing is the path or the nearest folder above it that is there.
func existing(dir string) string {
	for {
		_, err := os.Stat(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == "/" {
			return dir
		}
		dir = path.Dir(dir)
	}
}

// used is what lies in a folder, without its sub-folders.
func used(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	var sum int64
	for _, entry := range entries {
		if info, err := os.Stat(filepath.Join(dir, entry.Name())); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	return sum
}

// labels warns where SELinux is enforcing and the log's folder has not the label
// that containers may write to.
func (r *Report) labels(in Input) {
	mode, err := os.ReadFile("/sys/fs/selinux/enforce")
	if err != nil || strings.TrimSpace(string(mode)) != "1" {
		return
	}
	label := labelOf(existing(in.LogDir))
	if existing(in.LogDir) == in.LogDir && (strings.Contains(label, "container_file_t") || strings.Contains(label, "svirt_sandbox_file_t")) {
		return
	}
	r.Warnings.Add(in.LogDir, "has no label that lets a container write to it, and SELinux is enforcing",
		fmt.Sprintf("semanage fcontext -a -t container_file_t '%s(/.*)?'; mkdir -p -m 700 %s; restorecon -R %s", in.LogDir, in.LogDir, in.LogDir))
}
