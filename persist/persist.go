// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package persist has an audit setup outlast kubeadm, which writes the manifest
// of the kube-apiserver anew on every upgrade. It keeps the setup in one of two
// places: in the ConfigMap kube-system/kubeadm-config, for all control plane
// nodes, or in a folder of patches on one. Never in both, since the flags would
// be there twice. [Plan] works out what is to change and changes nothing; the
// files are for package node to write, together with the manifest, and the
// ConfigMap for [Apply], once the API server has come back.
package persist

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/render"
)

// Mode is where a setup is kept.
type Mode string

// The modes.
const (
	KubeadmConfig  Mode = "kubeadm-config"
	KubeadmPatches Mode = "kubeadm-patches"
	// None leaves both places as they are.
	None Mode = "none"
)

// DefaultFolder is where patches are kept when nobody says. kubeadm has no folder
// of its own for them; this is the one of its documentation's examples.
const DefaultFolder = "/etc/kubernetes/patches"

// Input is what Plan works on.
type Input struct {
	// Mode is where to keep the setup. Empty: where it is kept already, else
	// KubeadmConfig.
	Mode Mode
	// Want is what to keep; nil takes out what is kept.
	Want *render.Kubeadm
	// TakeOver allows to replace audit arguments of the ConfigMap that auditsetup
	// did not put there.
	TakeOver bool
	// Kept is what Apply gave, if that is known: the first Before with the last
	// After, see [Record.Then]. It tells our arguments in the ConfigMap from those
	// of others, and what was there before them. May be nil.
	Kept *Record
	// Maps is the namespace kube-system of the cluster. Nil: it is not at hand,
	// which is a problem unless the mode can do without.
	Maps ConfigMaps
	// Patches is the folder of patches.
	Patches Folder
}

// Change is what it takes. The zero value takes nothing.
type Change struct {
	// Mode that was settled on.
	Mode Mode
	// Cluster is the change of the ConfigMap; nil when it stays as it is.
	Cluster *Record
	// Files and Folders are the changes of the folder of patches, to be made in
	// one with that of the manifest.
	Files   []node.FileChange
	Folders []node.FolderChange
	// Notes say what of somebody else's is replaced or taken out.
	Notes document.Problems
}

// Idle tells whether everything is as it should be.
func (c *Change) Idle() bool { return c.Cluster == nil && node.Change{Files: c.Files}.Idle() }

// Folder is a folder of patches for kubeadm, as it is. Read one with
// [ReadFolder].
type Folder struct {
	// Path on the host.
	Path string
	// There is false when there is no such folder.
	There bool
	// Files are those that kubeadm applies to the kube-apiserver, in folders below
	// too, by their path on the host.
	Files map[string][]byte
}

// ReadFolder reads the folder of patches of the host whose files are below root;
// root is empty for the machine itself. A folder that is not there is no error.
func ReadFolder(root, dir string) (Folder, error) {
	f := Folder{Path: dir, Files: map[string][]byte{}}
	at := filepath.Join(root, dir)
	info, err := os.Lstat(at)
	switch {
	case os.IsNotExist(err):
		return f, nil
	case err != nil:
		return f, document.Problem{File: dir, What: "cannot be opened: " + err.Error(), Hint: "check the folder of patches"}
	case !info.IsDir():
		return f, document.Problem{File: dir, What: "is not a folder, or a link to one, which kubeadm does not take", Hint: "choose another folder of patches"}
	}
	f.There = true
	err = filepath.WalkDir(at, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !render.PatchesKubeAPIServer(entry.Name()) {
			return err
		}
		data, err := os.ReadFile(file)
		f.Files[path.Join(dir, filepath.ToSlash(strings.TrimPrefix(file, at)))] = data
		return err
	})
	if err != nil {
		return f, document.Problem{File: dir, What: "cannot be read: " + err.Error(), Hint: "check the folder of patches"}
	}
	return f, nil
}

// ours are the paths of the two patches, in the order in which they are applied.
func (f Folder) ours() []string {
	return []string{path.Join(f.Path, render.FlagsPatchName), path.Join(f.Path, render.MountsPatchName)}
}

// Holds tells whether the folder has patches of ours.
func (f Folder) Holds() bool {
	return slices.ContainsFunc(f.ours(), func(p string) bool { return render.IsOurPatch(f.Files[p]) })
}

// Plan works out what it takes to keep the setup in one place and not in the
// other. The error is [document.Problems].
func Plan(ctx context.Context, in Input) (*Change, error) {
	if in.Mode == "" {
		in.Mode = KubeadmConfig
		if in.Patches.Holds() {
			in.Mode = KubeadmPatches
		}
	}
	c := &Change{Mode: in.Mode}
	if in.Mode == None {
		return c, nil
	}
	var patches, config *render.Kubeadm
	if in.Mode == KubeadmPatches {
		patches = in.Want
	} else {
		config = in.Want
	}
	problems := document.ProblemsOf(c.planPatches(in.Patches, patches))
	problems = append(problems, document.ProblemsOf(c.planCluster(ctx, in, config))...)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// planPatches writes our patches, or takes them away when want is nil.
func (c *Change) planPatches(folder Folder, want *render.Kubeadm) error {
	if want == nil {
		for _, p := range folder.ours() {
			if old := folder.Files[p]; render.IsOurPatch(old) {
				c.Files = append(c.Files, node.FileChange{Path: p, Old: old, Remove: true})
			}
		}
		return nil
	}
	files, err := want.Patches(false)
	if err != nil {
		return err
	}
	var problems document.Problems
	for p, data := range folder.Files {
		named := slices.Contains(folder.ours(), p)
		if named && !render.IsOurPatch(data) {
			problems.Add(p, "is there already, and not as auditsetup wrote it", "remove it, or keep the setup elsewhere: --persist "+string(KubeadmConfig))
		}
		if !named {
			problems = append(problems, render.PatchClash(p, path.Base(p), data)...)
		}
	}
	if !folder.There {
		c.Folders = append(c.Folders, node.FolderChange{Path: folder.Path, Mode: 0o700})
	}
	for _, f := range files {
		p := path.Join(folder.Path, f.Name)
		c.Files = append(c.Files, node.FileChange{Path: p, Old: folder.Files[p], New: f.Text, Mode: 0o600})
	}
	problems.Sort()
	return problems.Err()
}

// planCluster puts want into the ConfigMap, or takes our part out when it is nil.
func (c *Change) planCluster(ctx context.Context, in Input, want *render.Kubeadm) error {
	if in.Maps == nil {
		if want == nil {
			return nil
		}
		return document.Problem{File: "--persist", What: "the cluster is not at hand, and its ConfigMap " + mapName + " would have to be changed",
			Hint: "choose --persist " + string(KubeadmPatches) + " or --persist " + string(None)}
	}
	_, now, err := get(ctx, in.Maps)
	if want == nil && isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	has, err := render.KubeadmOf(mapFile, []byte(now))
	if err != nil {
		return err
	}
	ours := in.Kept.describes(has) || len(has.Mounts) > 0
	if want == nil {
		if want = (&render.Kubeadm{}); in.Want == nil {
			if !ours {
				return nil
			}
			if want, err = in.Kept.original(has); err != nil {
				return err
			}
		}
	}
	after, notes, err := want.Into(mapFile, []byte(now))
	if err != nil || string(after) == now {
		return err
	}
	if !ours && len(notes) > 0 && !in.TakeOver {
		return foreign(notes)
	}
	if !ours {
		c.Notes = append(c.Notes, notes...)
	}
	c.Cluster = &Record{Before: now, After: string(after)}
	return nil
}

// describes tells whether the audit part of a configuration is the one that was
// kept.
func (r *Record) describes(has *render.Kubeadm) bool {
	if r == nil {
		return false
	}
	kept, err := render.KubeadmOf(mapFile, []byte(r.After))
	return err == nil && equal(kept, has)
}

// original is the audit part that was there before ours, as far as it is known
// that nobody changed it since; else nothing.
func (r *Record) original(has *render.Kubeadm) (*render.Kubeadm, error) {
	if !r.describes(has) {
		return &render.Kubeadm{}, nil
	}
	return render.KubeadmOf(mapFile, []byte(r.Before))
}

// foreign words each audit argument of somebody else that would be lost.
func foreign(notes document.Problems) error {
	problems := slices.Clone(notes)
	for i := range problems {
		problems[i].What = "kubeadm's configuration has an audit argument that auditsetup did not put there: " + problems[i].What
		problems[i].Hint = "add --take-over to replace it"
	}
	return problems.Err()
}

// mapFile is what the configuration in the ConfigMap is called in messages.
var mapFile = fmt.Sprintf("ConfigMap %s, %s", mapName, mapKey)
