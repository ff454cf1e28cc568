// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
)

var manifestChecks = []Check{
	{
		ID: "manifest-unreadable", Family: "manifest", severity: Error,
		Title:  "the manifest is not one kube-apiserver pod that can be understood",
		Why:    "at its next look the kubelet stops the pod of a manifest that it cannot read, and starts nothing in its place",
		How:    "the file is read as the kubelet reads it, and as strictly as enable does",
		Remedy: "mend the file, or put it back from /etc/kubernetes/tmp, where kubeadm upgrade keeps copies",
		Source: "k8s.io/kubernetes pkg/kubelet/config/file.go and common.go",
		find:   unreadableManifest,
	},
	{
		ID: "stray-manifest", Family: "manifest", severity: Error,
		Title:  "another file in the manifests folder runs a kube-apiserver too",
		Why:    "the kubelet takes every file there for a pod, whatever its extension; of two with the same pod the last by name wins, so a backup turns audit off",
		How:    "every file of the folder whose name does not begin with a dot is read as the kubelet reads it",
		Remedy: "move the file out of the folder",
		Source: "kubernetes/kubernetes#136962; k8s.io/kubernetes pkg/kubelet/config/file.go",
		find:   func(f *Facts) []Finding { return problems(f.Strays) },
	},
	{
		ID: "manifest-permissions", Family: "manifest", severity: Warning, needs: pod,
		Title:  "others than root may read or write the manifest",
		Why:    "who can write it runs anything as root; CIS 1.1.1 and 1.1.2 ask for mode 600 and root",
		How:    "mode and owner of the file",
		Remedy: "chmod 600 and chown root:root the file",
		Source: "CIS Kubernetes Benchmark 1.1.1 and 1.1.2, as kube-bench checks them in cfg/cis-1.12/master.yaml",
		find:   manifestPermissions,
	},
	{
		ID: "audit-off", Family: "manifest", severity: Error, needs: pod,
		Title:  "audit logging is off",
		Why:    "no request leaves a trace; CIS 1.2.16 to 1.2.19, 3.2.1 and 3.2.2 all fail",
		How:    "the manifest has no audit flag that would have anything recorded, and auditsetup has not turned it on",
		Remedy: "auditsetup enable",
		Source: "k8s.io/apiserver pkg/server/options/audit.go",
		find: func(f *Facts) []Finding {
			if f.AuditOn() || f.Enabled != nil {
				return nil
			}
			return []Finding{f.at(0, "audit is off: no flag has anything recorded", f.enable(""))}
		},
	},
	{
		ID: "nothing-recorded", Family: "manifest", severity: Error, needs: auditOn,
		Title:  "a policy without a backend, or a backend without a policy",
		Why:    "the kube-apiserver starts, says nothing of it, and records no event",
		How:    "the flags of the manifest by the rules of its version",
		Remedy: "set both --audit-policy-file and --audit-log-path or --audit-webhook-config-file",
		Source: "k8s.io/apiserver pkg/server/options/audit.go, ApplyTo",
		find: func(f *Facts) []Finding {
			return f.hazards(func(p document.Problem) bool { return strings.HasPrefix(p.What, noEvent) })
		},
	},
	{
		ID: "flag-refused", Family: "manifest", severity: Error, needs: auditOn,
		Title:  "an audit flag with which the kube-apiserver does not start",
		Why:    "the next start of the kube-apiserver fails, be it after a reboot",
		How:    "the flags of the manifest by the rules of its version",
		Remedy: "take the flag out, or give it a value that the version takes",
		Source: "k8s.io/apiserver pkg/server/options/audit.go, Validate, by version",
		find: func(f *Facts) []Finding {
			if f.Version.Minor == 0 {
				return nil
			}
			return f.aboutFlags(apiserver.Validate(f.Version, f.settings()))
		},
	},
	{
		ID: "flag-hazard", Family: "manifest", severity: Warning, needs: auditOn,
		Title:  "an audit flag that does harm, or will with a later version",
		Why:    "a batch that waits for nothing keeps a core busy; a removed API version keeps a later kube-apiserver from starting",
		How:    "the flags of the manifest by the rules of its version",
		Remedy: "change the flag as said",
		Source: "k8s.io/apiserver pkg/server/options/audit.go, plugin/pkg/audit/buffered/buffered.go",
		find: func(f *Facts) []Finding {
			return f.hazards(func(p document.Problem) bool { return !strings.HasPrefix(p.What, noEvent) && !growth(p) })
		},
	},
	{
		ID: "flag-repeated", Family: "manifest", severity: Warning, needs: auditOn,
		Title:  "an audit flag that is given more than once",
		Why:    "only the last one counts, which is easily overlooked, and a checker may read the first",
		How:    "the flags of the manifest",
		Remedy: "take out all but the last",
		Source: "github.com/spf13/pflag; Cray-HPE/docs-csm#5264",
		find:   repeatedFlags,
	},
}

// noEvent begins what package apiserver says of a backend or a policy alone.
const noEvent = "no event is recorded"

// growth tells a problem of rotation, which has a check of its own.
func growth(p document.Problem) bool {
	return p.File == "--audit-log-maxsize" || p.File == "--audit-log-maxbackup"
}

// problems turns problems, whose files are shown already, into findings.
func problems(all []document.Problem) []Finding {
	var found []Finding
	for _, p := range all {
		found = append(found, Finding{File: p.File, Line: p.Line, What: p.What, Remedy: p.Hint})
	}
	return found
}

func unreadableManifest(f *Facts) []Finding {
	if f.Manifest != nil {
		return nil
	}
	return problems(document.ProblemsOf(f.ManifestErr))
}

func manifestPermissions(f *Facts) []Finding {
	return f.restricted(f.File, 0o600, "the manifest")
}

// restricted finds a file that more may read or write than mode allows, or that
// belongs to neither root nor who runs this, as whom it was made elsewhere.
func (f *Facts) restricted(file File, mode uint32, what string) []Finding {
	if file.Kind != Regular && file.Kind != Folder {
		return nil
	}
	var found []Finding
	if more := uint32(file.Mode) &^ mode; more != 0 {
		found = append(found, f.in(file, fmt.Sprintf("%s has mode %04o, and should have %04o or less", what, file.Mode, mode),
			fmt.Sprintf("chmod %04o %s", uint32(file.Mode)&mode, word(f.show(file.Path)))))
	}
	if file.UID > 0 && !file.Owned {
		found = append(found, f.in(file, fmt.Sprintf("%s belongs to user %d, not to root", what, file.UID), "chown root:root "+word(f.show(file.Path))))
	}
	return found
}

// settings are the flags as package apiserver takes them.
func (f *Facts) settings() []apiserver.Setting {
	var all []apiserver.Setting
	for _, s := range f.Manifest.Settings() {
		all = append(all, apiserver.Setting{Name: s.Name, Value: s.Value})
	}
	return all
}

// hazards are those that wanted picks.
func (f *Facts) hazards(wanted func(document.Problem) bool) []Finding {
	if f.Version.Minor == 0 {
		return nil
	}
	var picked document.Problems
	for _, p := range apiserver.Hazards(f.Version, f.settings()) {
		if wanted(p) {
			picked = append(picked, p)
		}
	}
	return f.aboutFlags(picked)
}

// aboutFlags moves problems with flags to their lines.
func (f *Facts) aboutFlags(all document.Problems) []Finding {
	var found []Finding
	for _, p := range all {
		s, _ := f.Flag(strings.TrimPrefix(p.File, "--"))
		found = append(found, f.at(s.Line, p.File+": "+p.What, p.Hint))
	}
	return found
}

func repeatedFlags(f *Facts) []Finding {
	lines, last := map[string]int{}, map[string]manifest.Setting{}
	for _, s := range f.Manifest.AuditSettings() {
		lines[s.Name]++
		last[s.Name] = s
	}
	var found []Finding
	for _, s := range f.Manifest.AuditSettings() {
		if n := lines[s.Name]; n > 1 {
			found = append(found, f.at(s.Line, fmt.Sprintf("--%s is given %d times, and line %d counts", s.Name, n, last[s.Name].Line), ""))
			lines[s.Name] = 0
		}
	}
	return found
}

// word makes s one word for a shell.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./+,:=@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
