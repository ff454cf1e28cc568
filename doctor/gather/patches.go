// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
)

// patchFolder is that of the examples in kubeadm's documentation, and the one in
// which auditsetup puts patches.
const patchFolder = "/etc/kubernetes/patches"

var (
	// patchName is what kubeadm takes for a patch of the kube-apiserver
	// (k8s.io/kubernetes cmd/kubeadm/app/util/patches/patches.go).
	patchName = regexp.MustCompile(`^kube-apiserver.*\.(json|yaml)$`)
	// patchFlag is an audit flag in the text of one, in JSON or YAML.
	patchFlag = regexp.MustCompile(`--(audit-[a-z-]+)=([^"'\s,\]}]*)`)
)

// patches reads the folder with all below it, as kubeadm does.
func (g *gathering) patches() {
	at, err := g.outside(patchFolder)
	if err != nil {
		return
	}
	found := &doctor.Patches{Folder: patchFolder, Flags: map[string]string{}}
	_ = filepath.WalkDir(at, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !patchName.MatchString(entry.Name()) {
			return nil // most machines have no such folder
		}
		if info, err := entry.Info(); err != nil || info.Size() > document.MaxSize {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		found.Text += string(data)
		for _, m := range patchFlag.FindAllStringSubmatch(string(data), -1) {
			found.Flags[m[1]] = m[2]
		}
		return nil
	})
	if found.Text != "" {
		g.Patches = found
	}
}
