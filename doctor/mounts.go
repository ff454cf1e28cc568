// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"path"

	"github.com/auditsetup/auditsetup/manifest"
)

var mountChecks = []Check{
	{
		ID: "mount-missing", Family: "mounts", severity: Error, needs: auditOn,
		Title:  "a flag names a file that the container does not see",
		Why:    "the kube-apiserver looks for it in its image, does not find it, and does not start",
		How:    "each file that a flag of audit, or the webhook's kubeconfig, names against the hostPath mounts of the container",
		Remedy: "mount the folder of the file",
		Source: "kubernetes/website#9760; kubernetes/kops#15489",
		find:   missingMounts,
	},
	{
		ID: "log-outside-mount", Family: "mounts", severity: Error, needs: auditOn,
		Title:  "the log is not below a mount",
		Why:    "it lies in the container and is gone with the next restart of the kube-apiserver",
		How:    "--audit-log-path against the hostPath mounts of the container",
		Remedy: "mount the folder of the log, writable",
		Source: "rancher/rke2#4026; rancher/rke2#4087",
		find:   logOutside,
	},
	{
		ID: "log-mounted-as-file", Family: "mounts", severity: Error, needs: auditOn,
		Title:  "the log is mounted as a single file",
		Why:    "rotation renames the file, which a mount point refuses: device or resource busy; from then on events are lost",
		How:    "the mount that covers --audit-log-path: its path and its type",
		Remedy: "mount the folder of the log instead of the file",
		Source: "kubernetes/website#30661; kubernetes/kops#2670; run on a bind mount",
		find:   logAsFile,
	},
	{
		ID: "log-mount-read-only", Family: "mounts", severity: Error, needs: auditOn,
		Title:  "the log's mount is read-only",
		Why:    "the kube-apiserver cannot write the log, and since 1.22 does not start for it",
		How:    "readOnly of the mount that covers --audit-log-path",
		Remedy: "take readOnly out of the log's mount",
		Source: "k8s.io/apiserver pkg/server/options/audit.go",
		find: func(f *Facts) []Finding {
			if m := f.logMount(); m != nil && m.ReadOnly {
				return []Finding{f.at(f.volumeLine(m.Name), fmt.Sprintf("the volume %s, which holds the log, is mounted read-only", m.Name), "")}
			}
			return nil
		},
	},
	{
		ID: "mount-type", Family: "mounts", severity: Warning, needs: auditOn,
		Title:  "a hostPath has no type, or one that does not fit",
		Why:    "without a type the container runtime makes an empty folder of whatever is missing, and FileOrCreate makes an empty file: the kube-apiserver then fails on the policy",
		How:    "type of the hostPath volumes through which files of audit are seen",
		Remedy: "type: Directory for a folder with policy or kubeconfig, type: File for such a file, type: DirectoryOrCreate for the folder of the log",
		Source: "containerd pkg/cri WithMounts; kubernetes/website#9760; k8s.io/api core/v1 types.go, HostPathType",
		find:   mountTypes,
	},
	{
		ID: "mount-source", Family: "mounts", severity: Error, needs: auditOn,
		Title:  "what a hostPath wants is not there",
		Why:    "the kubelet checks the type before it starts the pod, and does not start it",
		How:    "what is on the host at the path, against the type of the volume",
		Remedy: "put there what the type wants, or change the type",
		Source: "k8s.io/kubernetes pkg/volume/hostpath/host_path.go, checkType",
		find:   mountSources,
	},
}

// logMount covers the log; nil without one.
func (f *Facts) logMount() *manifest.Mount {
	if !f.logsToFile() {
		return nil
	}
	s, _ := f.Flag("audit-log-path")
	return f.covering(s.Value)
}

func missingMounts(f *Facts) []Finding {
	var found []Finding
	for _, m := range f.mountedFlags() {
		if m.mount != nil || m.flag.Name == "audit-log-path" {
			continue
		}
		what := fmt.Sprintf("--%s=%s is below no hostPath mount of the container", m.flag.Name, m.flag.Value)
		if !path.IsAbs(m.flag.Value) {
			what = fmt.Sprintf("--%s=%s is no absolute path, and so below no mount", m.flag.Name, m.flag.Value)
		}
		found = append(found, f.at(m.flag.Line, what, f.mountRemedy(m.flag.Value, "Directory")))
	}
	if f.Webhook == nil {
		return found
	}
	s, _ := f.Flag("audit-webhook-config-file")
	for _, file := range f.Webhook.Files() {
		if f.covering(file.Path) == nil {
			found = append(found, f.at(s.Line, fmt.Sprintf("%s of the webhook's kubeconfig, %s, is below no hostPath mount of the container", file.Field, file.Path),
				f.mountRemedy(file.Path, "Directory")))
		}
	}
	return found
}

// mountRemedy is what to write for the folder of a file to be seen.
func (f *Facts) mountRemedy(file, kind string) string {
	dir := path.Dir(file)
	return fmt.Sprintf("mount %s: in volumes {name: audit, hostPath: {path: %s, type: %s}}, in volumeMounts {name: audit, mountPath: %s, readOnly: %t}; or let auditsetup do it: %s",
		dir, dir, kind, dir, kind == "Directory", f.enable(""))
}

func logOutside(f *Facts) []Finding {
	s, _ := f.Flag("audit-log-path")
	if !f.logsToFile() || f.covering(s.Value) != nil {
		return nil
	}
	return []Finding{f.at(s.Line, fmt.Sprintf("--audit-log-path=%s is below no hostPath mount of the container", s.Value), f.mountRemedy(s.Value, "DirectoryOrCreate"))}
}

func logAsFile(f *Facts) []Finding {
	m := f.logMount()
	s, _ := f.Flag("audit-log-path")
	if m == nil || path.Clean(m.MountPath) != path.Clean(s.Value) && m.Type != "File" && m.Type != "FileOrCreate" {
		return nil
	}
	dir := path.Dir(s.Value)
	return []Finding{f.at(f.volumeLine(m.Name), fmt.Sprintf("the volume %s mounts the log as a single file, which cannot be rotated", m.Name),
		fmt.Sprintf("mount the folder: hostPath {path: %s, type: DirectoryOrCreate}, mountPath: %s; or let auditsetup do it: %s", dir, dir, f.enable("")))}
}

func mountTypes(f *Facts) []Finding {
	var found []Finding
	for _, m := range f.mountedFlags() {
		if m.mount == nil {
			continue
		}
		single := path.Clean(m.mount.MountPath) == path.Clean(m.flag.Value)
		isLog := m.flag.Name == "audit-log-path"
		want := "Directory"
		switch {
		case isLog && (single || m.mount.Type == "File" || m.mount.Type == "FileOrCreate"):
			continue // log-mounted-as-file
		case isLog:
			want = "DirectoryOrCreate"
		case single:
			want = "File"
		}
		what, severity := wrongType(m.mount.Type, single)
		if what == "" {
			continue
		}
		finding := f.at(f.volumeLine(m.mount.Name), fmt.Sprintf("the volume %s, for --%s, %s", m.mount.Name, m.flag.Name, what), fmt.Sprintf("write type: %s at hostPath of the volume %s", want, m.mount.Name))
		finding.Severity = severity
		found = append(found, finding)
	}
	return unique(found)
}

// wrongType says what is wrong with the type of a hostPath that holds a file of
// audit, or is that file.
func wrongType(kind string, single bool) (string, Severity) {
	switch kind {
	case "":
		return "has no type: when it is missing, the container runtime makes an empty folder of it", Warning
	case "FileOrCreate":
		return "has type FileOrCreate: when it is missing, an empty file is made, with which the kube-apiserver does not start", Warning
	case "Directory", "DirectoryOrCreate":
		if single {
			return "has type " + kind + ", and is mounted where a file is wanted", Error
		}
	case "File":
		if !single {
			return "has type File, and is mounted where a folder is wanted", Error
		}
	default:
		return "has type " + kind + ", which is neither a file nor a folder", Error
	}
	return "", ""
}

// unique drops what was said of the same line already.
func unique(all []Finding) []Finding {
	var kept []Finding
	seen := map[string]bool{}
	for _, one := range all {
		key := fmt.Sprint(one.File, one.Line, one.Remedy)
		if !seen[key] || one.Line == 0 {
			kept = append(kept, one)
		}
		seen[key] = true
	}
	return kept
}

func mountSources(f *Facts) []Finding {
	var found []Finding
	for _, m := range f.Mounts() {
		source := f.Sources[m.HostPath]
		if what := unfit(source.Kind, m.Type); what != "" {
			found = append(found, f.at(f.volumeLine(m.Name), fmt.Sprintf("the volume %s has type %s, and %s is %s", m.Name, m.Type, f.show(m.HostPath), what), ""))
		}
	}
	return found
}

// unfit says what is there instead of what a type wants.
func unfit(there Kind, kind string) string {
	isFile, isFolder := kind == "File" || kind == "FileOrCreate", kind == "Directory" || kind == "DirectoryOrCreate"
	switch {
	case there == Missing && (kind == "File" || kind == "Directory"):
		return "missing"
	case there == Regular && isFolder:
		return "a file"
	case there == Folder && isFile:
		return "a folder"
	case there == Other && (isFile || isFolder):
		return "neither a file nor a folder"
	}
	return ""
}
