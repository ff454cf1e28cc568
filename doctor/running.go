// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"

	"github.com/auditsetup/auditsetup/document"
)

var runningChecks = []Check{
	{
		ID: "server-not-ready", Family: "running", severity: Error, needs: pod,
		Title:  "the kube-apiserver is not ready",
		Why:    "it serves nobody, or not everything; of what happens meanwhile there are no events",
		How:    "/readyz?verbose of the kube-apiserver that the manifest describes, on a running machine",
		Remedy: "see what it says: crictl logs $(crictl ps -a --name kube-apiserver -q | head -1)",
		Source: "k8s.io/apiserver pkg/server/healthz/healthz.go",
		find: func(f *Facts) []Finding {
			if f.NotReady == nil {
				return nil
			}
			return []Finding{f.at(0, "the kube-apiserver is not ready: "+f.NotReady.Error(), "")}
		},
	},
	{
		ID: "running-drift", Family: "running", severity: Error, needs: pod,
		Title:  "the running kube-apiserver has other flags than the manifest",
		Why:    "what the file says is not in force: the kubelet has not taken it, or the next restart will bring what nobody has seen",
		How:    "/proc/PID/cmdline of the process that listens at the manifest's address, on a running machine",
		Remedy: "see why the kubelet has not taken the file: journalctl -u kubelet --since -1h",
		Source: "kubernetes-sigs/kubespray#9874; siderolabs/omni, which drops audit flags",
		find:   runningDrift,
	},
	{
		ID: "manifest-drift", Family: "running", severity: Warning, needs: pod,
		Title:  "somebody changed what enable wrote into the manifest",
		Why:    "what is in force is not what was decided on, and the numbers may no longer fit each other",
		How:    "the manifest against the record that enable keeps in one of the pod's annotations",
		Remedy: "auditsetup enable with the flags of last time, which the finding names if they are known",
		Source: "manifest.Undo",
		find:   func(f *Facts) []Finding { return f.drifted(Record, f.again()) },
	},
	{
		ID: "enable-undone", Family: "running", severity: Error, needs: pod,
		Title:  "what enable wrote is gone from the manifest",
		Why:    "kubeadm upgrade writes the manifest anew from its own configuration, and so does whoever puts an older file back: audit is off, or as somebody else has it",
		How:    "the last record in the state folder says that an enable is in force, and the manifest has none of it",
		Remedy: "auditsetup enable with the flags of last time, which the finding names if they are known",
		Source: "kubernetes/kubeadm#541, #950, #2157",
		find: func(f *Facts) []Finding {
			if f.Enabled == nil || f.Manifest.Changed() || f.kept() {
				return nil
			}
			found := f.at(0, fmt.Sprintf("nothing is left of what auditsetup enable wrote on %s: the manifest was written anew, as kubeadm upgrade does", stamp(f.Enabled.Time)), f.again())
			if f.AuditOn() {
				found.Severity = Warning
				found.What += "; audit is on, as somebody else has it"
			}
			return []Finding{found}
		},
	},
	{
		ID: "change-unfinished", Family: "running", severity: Error,
		Title:  "a change of auditsetup was cut off",
		Why:    "each file is as it was or as it was to be, but not all the same way",
		How:    "a record in the state folder that is neither done nor undone, while nobody is at work",
		Remedy: "auditsetup rollback",
		Source: "node.Host.Records",
		find:   func(f *Facts) []Finding { return problems(document.ProblemsOf(f.Unfinished)) },
	},
}

// kept says whether kubeadm itself has audit as the manifest has it: then it may
// write that anew as often as it likes.
func (f *Facts) kept() bool {
	return f.AuditOn() && f.Kubeadm != nil && len(f.fromKubeadm()) == 0
}

// runningDrift is one finding for each flag, or a single one where the process has
// nothing of audit.
func runningDrift(f *Facts) []Finding {
	remedy := ""
	if len(f.Strays) > 0 {
		remedy = "move the file away that runs instead, see stray-manifest above"
	}
	found := f.drifted(Running, remedy)
	if len(found) > 1 && f.AuditOn() && !f.Process.AuditOn() {
		return []Finding{f.at(0, fmt.Sprintf("the running kube-apiserver, process %d, records nothing: it has none of the manifest's audit flags that would", f.Process.PID), remedy)}
	}
	return found
}

// drifted are the differences of one kind as findings.
func (f *Facts) drifted(between, remedy string) []Finding {
	var found []Finding
	for _, d := range f.Differences() {
		if d.Between == between {
			found = append(found, f.at(d.Line, d.Text, remedy))
		}
	}
	return found
}
