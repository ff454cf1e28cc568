// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor judges the audit logging of one control plane. What is there
// comes in as [Facts], which package gather takes from a machine or the image of
// one; a [Check] is an entry in a table with a pure function from Facts to
// findings. Whatever could not be looked at is left out of the judgement and
// named in Facts.Unseen: nothing is guessed.
//
// The manifest may be anybody's work. That it was written by auditsetup matters
// only to the checks that compare it with what enable wrote. No finding repeats a
// credential.
package doctor

import (
	"io/fs"
	"path"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/webhook"
)

// Facts is what could be seen of one control plane. Paths are those of the host.
// Whatever is nil or zero was not looked at, for which Unseen has the reason, or
// is not there, as a policy without the flag for it.
type Facts struct {
	// Now is the time of looking.
	Now time.Time
	// Live is false for the image of a machine, of which only files are seen.
	Live bool
	// Display gives a path as the user can type it; nil means as it is.
	Display func(string) string
	// Retype are the flags, with a space in front, with which another command
	// finds the same host; empty for none.
	Retype string

	// Path is that of the manifest, File what is there and Text its content,
	// Manifest what it says; ManifestErr tells why that is nil.
	Path        string
	File        File
	Text        []byte
	Manifest    *manifest.Manifest
	ManifestErr error
	// Version is that of the kube-apiserver; its Minor is 0 when it is unknown.
	Version apiserver.Version
	// Strays are the other files that the kubelet would run as kube-apiserver.
	Strays []document.Problem
	// Sources are what is on the host at the hostPath of each mount of
	// [Facts.Mounts], by that path.
	Sources map[string]File

	// PolicyFile is the policy, and Policy what it says; PolicyErr tells why that
	// is nil.
	PolicyFile File
	Policy     *policy.Policy
	PolicyErr  error
	// PolicyRemoved says that the policy is of an API version that the
	// kube-apiserver no longer takes.
	PolicyRemoved bool

	// Kubeconfig is that of the webhook, Webhook what it says, and WebhookErr what
	// is wrong with its text. Receiver is whoever answers there.
	Kubeconfig File
	Webhook    *webhook.Config
	WebhookErr error
	Receiver   *Receiver
	// Readable gives the files that it names; nil when they are not at hand. Keys
	// are those of them that hold a key or a token.
	Readable func(path string) ([]byte, error)
	Keys     []File

	Log       *Log
	Disk      *Disk
	Label     *Label
	Logrotate []Rotator
	Process   *Process
	Metrics   *Metrics
	Kubeadm   *Kubeadm
	Patches   *Patches
	// NotReady is what the running server has against itself; nil when it is well
	// or was not asked.
	NotReady error
	// Enabled is the change of auditsetup that is in force, nil when there is none.
	Enabled *Enabled
	// Asked is what that was asked for, nil when nobody knows, and AskedFile the
	// spec file in which it is kept, as the user can type it. Wanted are the audit
	// flags that it comes to, by name; nil when that cannot be worked out.
	Asked     *setup.Spec
	AskedFile string
	Wanted    map[string]string
	// Unfinished says why a change was cut off; nil when none was. CutOff tells
	// how far it came.
	Unfinished error
	CutOff     *CutOff

	Unseen []Unseen
}

// Unseen is something that was not looked at.
type Unseen struct{ What, Why string }

// Kind is what is found at a path.
type Kind string

// The kinds. The zero Kind says that it was not looked at.
const (
	Missing Kind = "missing"
	Regular Kind = "file"
	Folder  Kind = "folder"
	Other   Kind = "other"
)

// File is what is at a path of the host, links followed.
type File struct {
	Path string
	Kind Kind
	Mode fs.FileMode // permission bits
	// UID and GID are -1 where the system does not tell.
	UID, GID int
	Size     int64
	ModTime  time.Time
	// SHA256 is in hex; empty when the content was not read.
	SHA256 string
	// Owned says that it belongs to who runs this.
	Owned bool
}

// Log is the log on disk: the file in use and the rotated ones beside it.
type Log struct {
	File File // in use
	// Dir is the folder.
	Dir File
	// Rotated are the files that kube-apiserver has put aside, oldest first.
	Rotated []File
	// Bytes is what they take together.
	Bytes int64
	// First and Last are the times of the first event and the last one; zero when
	// there is none, or none that could be read.
	First, Last time.Time
}

// Disk is the file system of the log, in bytes.
type Disk struct{ Free, Size int64 }

// Label is the SELinux label of the log's folder, where SELinux is enforcing.
type Label struct{ Path, Value string }

// Rotator is a rule of logrotate that takes the log too.
type Rotator struct {
	File, Pattern string
	Line          int
}

// Receiver is what came of connecting to the receiver of the webhook.
type Receiver struct {
	// Origin is where, without what may be secret.
	Origin string
	// Err says why there was no connection, in a few words; nil with one.
	Err error
	// Certificates is what is wrong with those that it showed.
	Certificates document.Problems
}

// Process is the kube-apiserver that runs.
type Process struct {
	PID int
	// Started is accurate to a second; zero when it is not known.
	Started time.Time
	// Args is the command line, with the program.
	Args []string
	// AsManifest says that it is the manifest's.
	AsManifest bool
}

// Metrics is what the running server counts since it started.
type Metrics struct {
	// Requests is how many were held against the policy, Events how many events
	// came of that, Rejected how many requests failed for want of their event.
	Requests, Events, Rejected float64
	// Lost are events by the part that lost them: buffered, webhook, log, truncate.
	Lost map[string]float64
	// Posts are the POST requests that it has sent to anybody, by HOST:PORT and then
	// by the status of the answer, which is "<error>" where none came.
	Posts map[string]map[string]float64
}

// Kubeadm is what a kubeadm upgrade would write the manifest from.
type Kubeadm struct {
	// Flags are the audit flags of its extraArgs.
	Flags map[string]string
	// Volumes are the hostPaths of its extraVolumes by their mountPaths.
	Volumes map[string]string
}

// Patches are those for the kube-apiserver in the usual folder, which kubeadm
// applies when it is given that folder.
type Patches struct {
	Folder string
	// Flags are the audit flags that they add.
	Flags map[string]string
	// Text is all of them.
	Text string
}

// AuditOn says whether the manifest has a flag that would have anything
// recorded; without a manifest it does not.
func (f *Facts) AuditOn() bool {
	return turnsOn(func(name string) string { s, _ := f.Flag(name); return s.Value })
}

// AuditOn is that of [Facts], for the command line.
func (p *Process) AuditOn() bool {
	flags := p.AuditFlags()
	return turnsOn(func(name string) string { return flags[name] })
}

func turnsOn(value func(flag string) string) bool {
	for _, name := range []string{"audit-policy-file", "audit-log-path", "audit-webhook-config-file", "audit-dynamic-configuration"} {
		if v := value(name); v != "" && v != "false" {
			return true
		}
	}
	return false
}

// Flag is the setting of an audit flag that is in force: the last of that name.
func (f *Facts) Flag(name string) (manifest.Setting, bool) {
	var found manifest.Setting
	if f.Manifest == nil {
		return found, false
	}
	for _, s := range f.Manifest.AuditSettings() {
		if s.Name == name {
			found = s
		}
	}
	return found, found.Name != ""
}

// value is that of a flag, given or by default.
func (f *Facts) value(name string) string {
	if s, ok := f.Flag(name); ok {
		return s.Value
	}
	flag, _ := apiserver.Lookup(name)
	return flag.Default(f.Version)
}

// mounted is a mount through which the kube-apiserver sees a file of audit.
type mounted struct {
	flag manifest.Setting
	// mount is nil when none covers the file.
	mount *manifest.Mount
}

// mountedFlags are the flags that name files. Standard output is none.
func (f *Facts) mountedFlags() []mounted {
	var all []mounted
	for _, name := range []string{"audit-policy-file", "audit-log-path", "audit-webhook-config-file"} {
		s, ok := f.Flag(name)
		if !ok || s.Value == "" || name == "audit-log-path" && s.Value == "-" {
			continue
		}
		all = append(all, mounted{s, f.covering(s.Value)})
	}
	return all
}

// covering is the mount through which the container sees a path.
func (f *Facts) covering(file string) *manifest.Mount {
	var best *manifest.Mount
	for _, m := range f.Manifest.Mounts() {
		at := path.Clean(m.MountPath)
		if !below(path.Clean(file), at) || best != nil && len(path.Clean(best.MountPath)) >= len(at) {
			continue
		}
		best = &m
	}
	return best
}

// Mounts are those through which files of audit are seen, each once.
func (f *Facts) Mounts() []manifest.Mount {
	var all []manifest.Mount
	seen := map[string]bool{}
	for _, m := range f.mountedFlags() {
		if m.mount != nil && !seen[m.mount.Name+m.mount.MountPath] {
			seen[m.mount.Name+m.mount.MountPath] = true
			all = append(all, *m.mount)
		}
	}
	return all
}

func below(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// show gives a path as the user can type it.
func (f *Facts) show(p string) string {
	if f.Display == nil {
		return p
	}
	return f.Display(p)
}

// Unchanged says whether a file is as enable wrote it, by the hashes in the
// pod's annotation; known is false where there is none to go by.
func (f *Facts) Unchanged(file File) (same, known bool) {
	if f.Manifest == nil || file.SHA256 == "" {
		return false, false
	}
	annotation := f.Manifest.Annotation(manifest.PolicyAnnotation)
	for _, sum := range strings.Split(annotation, ".") {
		same = same || sum == file.SHA256
	}
	return same, annotation != ""
}

// volumeLine is the line of the manifest at which a volume stands, 0 when it
// is not found.
func (f *Facts) volumeLine(name string) int {
	if f.Manifest == nil {
		return 0
	}
	root, _ := document.Parse("", f.Text)
	if root == nil {
		return 0
	}
	volumes, ok := document.Find(root, "spec.volumes")
	if !ok || volumes.Kind != yaml.SequenceNode {
		return 0
	}
	for _, v := range volumes.Content {
		if n, ok := document.Find(v, "name"); ok && n.Value == name {
			return v.Line
		}
	}
	return 0
}
