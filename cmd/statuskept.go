// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
)

// written is one place in which the setup was written for kubeadm.
type written struct {
	mode persist.Mode
	// folder of patches as the user can type it; empty for the ConfigMap.
	folder string
	// seen is false when the place was not looked at.
	seen bool
	// changes are what is different there since.
	changes []string
}

// lookWritten finds where the setup was written for kubeadm, and whether it is
// still there. What cannot be told goes to the facts' Unseen.
func (l *looking) lookWritten(f *doctor.Facts) []written {
	var all []written
	config, configErr := l.writtenConfig(f)
	patches, patchesErr := l.writtenPatches()
	if err := errors.Join(configErr, patchesErr); err != nil {
		f.Unseen = append(f.Unseen, doctor.Unseen{What: "whether kubeadm still finds what was written for it", Why: document.ProblemsOf(err)[0].Error()})
	}
	for _, w := range []*written{config, patches} {
		if w != nil {
			all = append(all, *w)
		}
	}
	return all
}

// writtenConfig holds the ConfigMap, as far as it was read, against what was
// written into it; nil when there is no audit part that was.
func (l *looking) writtenConfig(f *doctor.Facts) (*written, error) {
	log, err := l.readKept()
	if err != nil || log.kept() == nil {
		return nil, err
	}
	want, err := render.KubeadmOf(configMapName, []byte(log.kept().After))
	if err != nil || len(want.Flags) == 0 && len(want.Mounts) == 0 {
		return nil, err
	}
	w := &written{mode: persist.KubeadmConfig, seen: f.Kubeadm != nil}
	if !w.seen {
		return w, nil
	}
	left := maps.Clone(f.Kubeadm.Flags)
	for _, flag := range want.Flags {
		now, there := left[flag.Name]
		delete(left, flag.Name)
		if !there {
			w.changes = append(w.changes, fmt.Sprintf("--%s is gone", flag.Name))
		} else if now != flag.Value {
			w.changes = append(w.changes, fmt.Sprintf("--%s is %s there, and was written as %s", flag.Name, now, flag.Value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		w.changes = append(w.changes, fmt.Sprintf("--%s=%s was put in", name, left[name]))
	}
	for _, m := range want.Mounts {
		if f.Kubeadm.Volumes[path.Clean(m.MountPath)] != m.HostPath {
			w.changes = append(w.changes, fmt.Sprintf("the volume for %s is gone", m.MountPath))
		}
	}
	return w, nil
}

// writtenPatches holds the patches against what the records say of them; nil
// when there are to be none.
func (l *looking) writtenPatches() (*written, error) {
	records, err := l.host.Records()
	if err != nil {
		return nil, nil // said already
	}
	want := map[string]string{}
	for _, r := range records {
		if r.State != node.StateDone || r.Undoes != "" {
			continue
		}
		for _, f := range r.Files {
			switch base := path.Base(f.Path); {
			case base != render.FlagsPatchName && base != render.MountsPatchName:
			case f.After == "":
				delete(want, f.Path)
			default:
				want[f.Path] = f.After
			}
		}
	}
	if len(want) == 0 {
		return nil, nil
	}
	w := &written{mode: persist.KubeadmPatches, seen: true}
	for _, p := range slices.Sorted(maps.Keys(want)) {
		w.folder = l.host.Display(path.Dir(p))
		switch file, err := l.host.Read(p); {
		case errors.Is(err, fs.ErrNotExist):
			w.changes = append(w.changes, path.Base(p)+" is gone")
		case err != nil:
			return nil, err
		case hash(file.Bytes) != want[p]:
			w.changes = append(w.changes, path.Base(p)+" was changed")
		}
	}
	return w, nil
}

// text is a line for people.
func (w written) text() string {
	where := "in the " + configMapName
	if w.folder != "" {
		where = "in " + w.folder
	}
	switch {
	case !w.seen:
		return where + ", which was not looked at"
	case len(w.changes) == 0:
		return where + ", as it was written"
	}
	return where + ", and changed since it was written: " + strings.Join(w.changes, "; ")
}

// statusKept is a place in which the setup was written for kubeadm, as JSON has
// it.
type statusKept struct {
	Where  string `json:"where"` // kubeadm-config or kubeadm-patches
	Folder string `json:"folder"`
	// AsWritten is null when it was not looked at.
	AsWritten *bool    `json:"asWritten"`
	Changes   []string `json:"changes"`
}

func reportWritten(all []written) []statusKept {
	kept := []statusKept{}
	for _, w := range all {
		one := statusKept{Where: string(w.mode), Folder: w.folder, Changes: append([]string{}, w.changes...)}
		if same := len(w.changes) == 0; w.seen {
			one.AsWritten = &same
		}
		kept = append(kept, one)
	}
	return kept
}
