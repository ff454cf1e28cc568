// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/tuning"
)

var logChecks = []Check{
	{
		ID: "log-missing", Family: "log", severity: Error, needs: auditOn,
		Title:  "the log file is gone under the running kube-apiserver",
		Why:    "it goes on writing into the file that was removed, and all of it is lost with the next rotation or restart",
		How:    "--audit-log-path, through the mounts, on the host of a running kube-apiserver that has the flag",
		Remedy: "restart the kube-apiserver: crictl stop $(crictl ps --name kube-apiserver -q)",
		Source: "gopkg.in/natefinch/lumberjack.v2 lumberjack.go; k8s.io/apiserver pkg/server/options/audit.go",
		find:   missingLog,
	},
	{
		ID: "zero-events", Family: "log", severity: Error, needs: auditOn,
		Title:  "no event was recorded since the start",
		Why:    "everything looks as if audit were on, and it is not",
		How:    "apiserver_audit_event_total and apiserver_audit_level_total of /metrics, on a running machine: none of many requests led to an event",
		Remedy: "see what the policy records, and whether it is the one in force: auditsetup status",
		Source: "k8s.io/apiserver pkg/audit/metrics.go",
		find:   zeroEvents,
	},
	{
		ID: "events-lost", Family: "log", severity: Error, needs: auditOn,
		Title:  "events were lost since the start",
		Why:    "what they told is nowhere; each part that loses events counts them",
		How:    "apiserver_audit_error_total and apiserver_audit_requests_rejected_total of /metrics, on a running machine",
		Remedy: "by part: buffered needs a larger buffer, webhook a receiver that answers, log a disk with room, truncate a larger event size",
		Source: "k8s.io/apiserver pkg/audit/metrics.go, plugin/pkg/audit",
		find:   lostEvents,
	},
	{
		ID: "rotation-unbounded", Family: "log", severity: Error, needs: auditOn,
		Title:  "the log grows without a bound",
		Why:    "a full disk takes etcd and the kubelet down with it",
		How:    "--audit-log-maxsize, --audit-log-maxbackup and --audit-log-maxage by the defaults of the version: their meaning changed with 1.36",
		Remedy: "set --audit-log-maxsize, --audit-log-maxbackup and --audit-log-maxage",
		Source: "k8s.io/apiserver commit 385343a37; kubernetes-incubator/kube-aws#322",
		find:   unbounded,
	},
	{
		ID: "disk-short", Family: "log", severity: Error, needs: auditOn,
		Title:  "the log may outgrow the disk",
		Why:    "a full disk takes etcd and the kubelet down with it",
		How:    "the most that the rotation lets the log take against what is free on its file system, on a running machine",
		Remedy: "auditsetup enable --disk-budget with less, or --log-path on another disk",
		Source: "kubernetes-incubator/kube-aws#419; openshift/microshift#616",
		find:   shortDisk,
	},
	{
		ID: "log-permissions", Family: "log", severity: Warning, needs: auditOn,
		Title:  "others than root may read or change the log",
		Why:    "it tells who did what, and may hold what was sent; who can write it can erase a trace",
		How:    "mode and owner of the file in use and of its folder; kube-apiserver makes them 0600 and 0700",
		Remedy: "chmod 600 the file, and take writing to the folder from others",
		Source: "k8s.io/apiserver pkg/server/options/audit.go, commits 332add01e, 523651571",
		find: func(f *Facts) []Finding {
			if f.Log == nil {
				return nil
			}
			return append(f.restricted(f.Log.File, 0o640, "the log"), f.restricted(f.Log.Dir, 0o755, "the folder of the log")...)
		},
	},
	{
		ID: "log-label", Family: "log", severity: Warning, needs: auditOn,
		Title:  "SELinux keeps the container from writing the log",
		Why:    "the folder has no label that lets a container write to it: no event is written, and since 1.22 the kube-apiserver does not start",
		How:    "/sys/fs/selinux/enforce, and the label of the folder, on a running machine",
		Remedy: "semanage fcontext -a -t container_file_t 'FOLDER(/.*)?'; restorecon -R FOLDER",
		Source: "rancher/rke2#692; openshift/cluster-kube-apiserver-operator#274",
		find:   wrongLabel,
	},
	{
		ID: "logrotate-conflict", Family: "log", severity: Error, needs: auditOn,
		Title:  "logrotate takes the same file",
		Why:    "kube-apiserver rotates its log itself and keeps writing into the file that was moved; with copytruncate lines are torn and lost",
		How:    "the patterns of /etc/logrotate.conf and /etc/logrotate.d against --audit-log-path",
		Remedy: "take the log out of the rule of logrotate",
		Source: "kubernetes/kubernetes#52865; cloudfoundry-incubator/kubo-deployment#370",
		find: func(f *Facts) []Finding {
			var found []Finding
			for _, r := range f.Logrotate {
				found = append(found, Finding{File: f.show(r.File), Line: r.Line, What: fmt.Sprintf("the pattern %s takes the audit log, which kube-apiserver rotates itself", r.Pattern),
					Remedy: fmt.Sprintf("take the pattern out at line %d", r.Line)})
			}
			return found
		},
	},
}

func wrongLabel(f *Facts) []Finding {
	if f.Label == nil || strings.Contains(f.Label.Value, ":container_file_t:") || strings.Contains(f.Label.Value, ":svirt_sandbox_file_t:") {
		return nil
	}
	dir := f.show(f.Label.Path)
	return []Finding{{File: dir, What: fmt.Sprintf("has the label %s, which lets no container write to it, and SELinux is enforcing", f.Label.Value),
		Remedy: fmt.Sprintf("semanage fcontext -a -t container_file_t '%s(/.*)?'; restorecon -R %s", dir, word(dir))}}
}

func missingLog(f *Facts) []Finding {
	if f.Log == nil || f.Log.File.Kind != Missing || f.Process == nil || f.NotReady != nil || f.Version.Minor == 0 {
		return nil
	}
	// An older one makes the file with its first event.
	s, _ := f.Flag("audit-log-path")
	if runningFlags(f.Process.Args)["audit-log-path"] != s.Value || !apiserver.OpensLogAtStart(f.Version) {
		return nil
	}
	return []Finding{f.in(f.Log.File, "the log file is gone, although the kube-apiserver has it open", "")}
}

// enoughRequests is from when on it says something that none was recorded.
const enoughRequests = 200

func zeroEvents(f *Facts) []Finding {
	if f.Metrics == nil || f.Metrics.Events > 0 || f.Metrics.Requests < enoughRequests {
		return nil
	}
	return []Finding{f.at(0, fmt.Sprintf("none of %.0f requests was recorded since the kube-apiserver started", f.Metrics.Requests), "")}
}

// advice says what to do about a part that loses events.
var advice = map[string]string{
	"buffered": "the buffer was full: auditsetup enable --rate N with the requests per second that there are, or record less",
	"webhook":  "the receiver was away, or refused: auditsetup doctor tells whether it can be reached now; crictl logs of the kube-apiserver has its answers",
	"log":      "the file could not be written: look at the disk (df -h) and at how the log is mounted",
	"truncate": "events were too large even without bodies: auditsetup enable --max-event-size with more",
}

func lostEvents(f *Facts) []Finding {
	if f.Metrics == nil {
		return nil
	}
	var found []Finding
	for _, part := range slices.Sorted(maps.Keys(f.Metrics.Lost)) {
		if n := f.Metrics.Lost[part]; n > 0 {
			found = append(found, f.at(0, fmt.Sprintf("%.0f events were lost by %s since the kube-apiserver started", n, part), advice[part]))
		}
	}
	if n := f.Metrics.Rejected; n > 0 {
		found = append(found, f.at(0, fmt.Sprintf("%.0f requests failed since their event could not be recorded, as blocking-strict has it", n), ""))
	}
	return found
}

// logsToFile says whether there is a log on disk; standard output is none.
func (f *Facts) logsToFile() bool {
	s, ok := f.Flag("audit-log-path")
	return ok && s.Value != "" && s.Value != "-"
}

func unbounded(f *Facts) []Finding {
	if !f.logsToFile() || f.Version.Minor == 0 {
		return nil
	}
	found := f.hazards(func(p document.Problem) bool { return growth(p) })
	if len(found) > 0 {
		return found
	}
	if n, ok := f.number("audit-log-maxbackup"); ok && n == 0 {
		s, _ := f.Flag("audit-log-maxbackup")
		age := f.value("audit-log-maxage")
		one := f.at(s.Line, fmt.Sprintf("--audit-log-maxbackup is 0: rotated files are kept for %s days however many there are", age), f.set("audit-log-maxbackup", "10"))
		one.Severity = Warning
		found = append(found, one)
	}
	return found
}

// number is the value of a flag in force; false when it is none.
func (f *Facts) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(f.value(name), 0, 64)
	return n, err == nil
}

// MostBytes is what the rotation lets the log take, 0 when there is no bound or
// no log. Compressed files are taken to be as small as enable takes them to be.
func (f *Facts) MostBytes() int64 {
	size, sizeOK := f.number("audit-log-maxsize")
	count, countOK := f.number("audit-log-maxbackup")
	if !f.logsToFile() || !sizeOK || !countOK || count <= 0 || size < 0 || f.Version.Minor == 0 {
		return 0
	}
	at := int64(apiserver.RotateAt(f.Version, int(size)))
	if at == 0 || at > 1<<30 || count > 1<<20 {
		return 0
	}
	if f.value("audit-log-compress") == "true" {
		return int64(float64(at<<20) * (2 + float64(count)/tuning.Defaults().CompressRatio))
	}
	return (at << 20) * (1 + count)
}

// fullShare is the share of a disk that a kubelet wants free before it evicts
// pods (k8s.io/kubernetes pkg/kubelet/apis/config/v1beta1, evictionHard
// nodefs.available, is 10 %); half of it is no more a matter of taste.
const fullShare = 20

func shortDisk(f *Facts) []Finding {
	if f.Disk == nil || f.Log == nil {
		return nil
	}
	free, used, most := f.Disk.Free, f.Log.Bytes, f.MostBytes()
	remedy := f.known(f.enable(fmt.Sprintf("--disk-budget %dMi", max(1, (free+used)/5*4>>20)))) + "; or --log-path on another disk"
	switch {
	case f.Disk.Size > 0 && free < f.Disk.Size/fullShare:
		return []Finding{f.in(f.Log.Dir, fmt.Sprintf("has only %s free of %s", tuning.FormatBytes(free), tuning.FormatBytes(f.Disk.Size)), fmt.Sprintf("free some space: df -h %s", word(path.Clean(f.show(f.Log.Dir.Path)))))}
	case most > free+used:
		return []Finding{f.in(f.Log.Dir, fmt.Sprintf("has %s free, and the log, now %s, may come to take %s", tuning.FormatBytes(free), tuning.FormatBytes(used), tuning.FormatBytes(most)), remedy)}
	}
	return nil
}
