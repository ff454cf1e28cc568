// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/webhook"
)

// Desired is everything that has to be there for a Spec to hold on one
// kube-apiserver. It is what the manifest is patched with, what is rendered for
// review, and what is applied to a host. Make one with [Resolve].
type Desired struct {
	// Spec is the wish with its defaults filled in.
	Spec    Spec
	Version apiserver.Version
	// Policy is the audit policy as it will be written: YAML or JSON that
	// policy.Read accepts for Version.
	Policy []byte
	// Webhook is the kubeconfig of the receiver as read; nil without the backend.
	Webhook *webhook.Config
	// Flags of the command line, each once, all known to Version.
	Flags []Flag
	// Folders and Files to make on the host, in this order.
	Folders []Folder
	Files   []File
	// Mounts that the kube-apiserver's container needs to see them.
	Mounts []manifest.Mount
	// Numbers are the calculation behind the flags.
	Numbers tuning.Result
	// Estimates says, in a line each, what of the load was assumed and why.
	Estimates []string
	// Notes are what was done beyond what was asked, such as a converted
	// policy; Warnings is what will work and may still hurt.
	Notes, Warnings document.Problems
}

// Flag is one flag of the kube-apiserver and why it is there.
type Flag struct {
	// Name is without dashes.
	Name, Value string
	// Reason is one line. Never empty.
	Reason string
}

// File is one file on the host.
type File struct {
	// Path is absolute, as the host sees it.
	Path    string
	Content []byte
	// Mode of a file that is not there yet.
	Mode fs.FileMode
	// Secret marks a content that must not be shown.
	Secret bool
	// Reason is one line. Never empty.
	Reason string
}

// Folder is one folder on the host.
type Folder struct {
	Path string
	// Mode of a folder that is not there yet.
	Mode fs.FileMode
}

// Want is the part that concerns the manifest.
func (d *Desired) Want() manifest.Want {
	w := manifest.Want{Mounts: d.Mounts, PolicyHash: d.hash(), TakeOver: d.Spec.TakeOver}
	for _, f := range d.Flags {
		w.Flags = append(w.Flags, manifest.Flag{Name: f.Name, Value: f.Value})
	}
	return w
}

// hash is what the pod's annotation says of the files: the SHA-256 of each, in
// order, joined by dots. It is that of the policy alone when there is no other,
// and changes with any of them, for the kube-apiserver reads them all only when
// it starts.
func (d *Desired) hash() string {
	sums := make([]string, len(d.Files))
	for i, f := range d.Files {
		sum := sha256.Sum256(f.Content)
		sums[i] = hex.EncodeToString(sum[:])
	}
	return strings.Join(sums, ".")
}

// Wrote tells by the pod's annotation, manifest.PolicyAnnotation, whether a file
// is one of those that were written when the manifest was.
func Wrote(annotation string, content []byte) bool {
	sum := sha256.Sum256(content)
	return slices.Contains(strings.Split(annotation, "."), hex.EncodeToString(sum[:]))
}
