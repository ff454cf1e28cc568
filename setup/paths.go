// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/auditsetup/auditsetup/manifest"
)

// The default places on a control plane.
const (
	DefaultManifest   = "/etc/kubernetes/manifests/kube-apiserver.yaml"
	DefaultPolicyPath = "/etc/kubernetes/audit/policy.yaml"
	DefaultLogPath    = "/var/log/kubernetes/audit/audit.log"
)

// shared are folders that many programs use. A file right in one of them would
// have the whole folder mounted into the kube-apiserver, since mounting the
// file alone breaks rotation, which renames it (kubernetes/website#30661), and
// shows a stale policy once an editor has replaced it.
var shared = []string{"/", "/bin", "/boot", "/etc", "/etc/kubernetes", "/etc/ssl", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/root",
	"/run", "/sbin", "/srv", "/tmp", "/usr", "/usr/local", "/var", "/var/lib", "/var/lib/kubelet", "/var/lib/etcd", "/var/log",
	"/var/log/containers", "/var/log/pods", "/var/run", "/var/tmp"}

// fleeting are folders below which nothing lasts: without its policy the
// kube-apiserver would not start again.
var fleeting = []struct{ dir, why string }{
	{"/dev", "is not on a disk"}, {"/proc", "is not on a disk"}, {"/sys", "is not on a disk"},
	{"/run", "is in memory, and gone after a reboot"}, {"/var/run", "is in memory, and gone after a reboot"},
	{"/tmp", "is in a folder that the system clears"}, {"/var/tmp", "is in a folder that the system clears"},
}

// unfit are folders below which no log may be, and why.
var unfit = []struct{ dir, why string }{
	{"/etc/kubernetes", "is below /etc/kubernetes, which holds keys and manifests and is no place for a growing file"},
	{"/etc", "is below /etc, which is no place for a growing file"},
	{"/boot", "is below /boot, which is no place for a growing file"},
	{"/usr", "is below /usr, which is no place for a growing file"},
	{"/var/lib/etcd", "is on etcd's own folder, which a growing file would bring down"},
	{"/var/lib/kubelet", "is in the kubelet's own folder"},
	{"/var/log/pods", "is in a folder that the kubelet clears"}, {"/var/log/containers", "is in a folder that the kubelet clears"},
}

// paths checks where everything goes, and derives folders and mounts.
func (r *resolving) paths() {
	policyPath, logPath := r.spec.Policy.Path, r.spec.Log.Path
	policyOK := r.placed("policy.path", policyPath, DefaultPolicyPath, "policy")
	r.desired.Folders = []Folder{{path.Dir(policyPath), 0o700}}
	r.desired.Mounts = []manifest.Mount{
		{Name: "auditsetup-policy", HostPath: path.Dir(policyPath), MountPath: path.Dir(policyPath), Type: "Directory", ReadOnly: true},
	}
	if r.spec.Uses(LogBackend) {
		logOK := r.placed("log.path", logPath, DefaultLogPath, "log")
		if policyOK && logOK && path.Dir(policyPath) == path.Dir(logPath) {
			at := "log.path"
			if _, said := r.in.Origins[at]; !said {
				at = "policy.path"
			}
			r.add(at, fmt.Sprintf("policy and log are both in %s, and the kube-apiserver must not be able to write its policy", path.Dir(logPath)),
				"give each a folder of its own, such as "+DefaultPolicyPath+" and "+DefaultLogPath)
		}
		r.desired.Folders = append(r.desired.Folders, Folder{path.Dir(logPath), 0o700})
		r.desired.Mounts = append(r.desired.Mounts,
			manifest.Mount{Name: "auditsetup-log", HostPath: path.Dir(logPath), MountPath: path.Dir(logPath), Type: "DirectoryOrCreate"})
	}
	r.webhookMounts()
}

// placed tells whether a file may be where it is, and whether its folder may be
// mounted.
func (r *resolving) placed(at, p, proposal, what string) bool {
	return r.plainPath(at, p) && r.ownFolder(at, p, what) && r.fit(at, p, proposal)
}

// fit refuses folders of others: that of the manifests, in which every file is
// taken for a pod, that of the records, which disable --purge removes, and those
// in which a file would not last or would do harm.
func (r *resolving) fit(at, p, proposal string) bool {
	why := ""
	bad := fleeting
	if at == "log.path" {
		bad = slices.Concat(fleeting, unfit)
	}
	for _, u := range bad {
		if why == "" && below(p, u.dir) {
			why = u.why
		}
	}
	if r.in.StateDir != "" && below(p, r.in.StateDir) {
		why = "is in the folder of auditsetup's records, which disable --purge removes"
	}
	if below(p, path.Dir(r.in.Manifest)) {
		why = "is in the manifests folder, where the kubelet takes every file for a pod"
	}
	if why != "" {
		r.add(at, p+" "+why, "choose another folder, such as "+proposal)
	}
	return why == ""
}

// plainPath refuses what is not one absolute path, and what the kubelet would
// expand: $(NAME) in a command is an environment variable.
func (r *resolving) plainPath(at, p string) bool {
	switch {
	case p == "-":
		r.add(at, "a path is needed: - is standard output or input, which is neither mounted nor kept", "write it from /, such as "+DefaultLogPath)
	case !strings.HasPrefix(p, "/") || path.Clean(p) != p:
		r.add(at, fmt.Sprintf("%q is not a plain absolute path of a file", p), "write it from / on, without . and .. and without a / at the end")
	case strings.Contains(p, "$(") || !utf8.ValidString(p) || strings.ContainsFunc(p, func(c rune) bool { return !unicode.IsPrint(c) }):
		r.add(at, fmt.Sprintf("%q has characters that do not come through a manifest unchanged", p), "use letters, digits, and - _ . / in it")
	default:
		return true
	}
	return false
}

// ownFolder refuses a file whose folder cannot be mounted as a whole.
func (r *resolving) ownFolder(at, p, what string) bool {
	dir := path.Dir(p)
	proposal, verb := DefaultLogPath, "rotated"
	switch what {
	case "policy":
		proposal, verb = DefaultPolicyPath, "replaced"
	case "kubeconfig":
		proposal, verb = DefaultWebhookPath, "replaced"
	case "certificate":
		proposal, verb = "/etc/kubernetes/audit/"+path.Base(p), "replaced"
	}
	switch {
	case slices.Contains(shared, dir):
		r.add(at, fmt.Sprintf("%s would have all of %s mounted into the kube-apiserver: a %s file is not mounted alone, since it could not be %s then", p, dir, what, verb),
			"give it a folder of its own, such as "+proposal)
	default:
		return true
	}
	return false
}

// below tells whether p is dir or lies in it.
func below(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}
