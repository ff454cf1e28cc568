// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"path"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// askLimit is for all that the cluster is asked before a change.
const askLimit = 15 * time.Second

// configMapName is what the ConfigMap is called beside files.
const configMapName = "configmap kube-system/kubeadm-config"

// keeping says where a setup is kept for kubeadm, which writes the manifest anew
// on every upgrade.
type keeping struct {
	persist enum
	patches string
}

func (k *keeping) add(c *cobra.Command, usage string, words ...persist.Mode) {
	for _, w := range words {
		k.persist.words = append(k.persist.words, string(w))
	}
	addEnum(c, &k.persist, "persist", "", usage)
	c.Flags().StringVar(&k.patches, "patches", "", "folder of patches for kubeadm (default: the one in use, else "+persist.DefaultFolder+")")
}

// layPersist puts the flag over the spec file.
func (k *keeping) layPersist(flags *pflag.FlagSet, in *setup.Input) {
	if flags.Changed("persist") {
		in.Spec.Persist = k.persist.value
		in.Origins.Flag("persist", "--persist")
	}
}

// keeper is where the setup of one host is kept, and what is to become of that.
type keeper struct {
	host *hostFlags
	log  keptLog
	// maps is nil when the cluster is not at hand, for the reason missing.
	maps    persist.ConfigMaps
	missing document.Problems
	// config is kubeadm's configuration as the cluster has it, else as it was left.
	config string
	folder persist.Folder
	// plan is what is to change; nil for nothing.
	plan *persist.Change
}

// lookKept finds what is kept of the setup of a host. The manifest says where
// the cluster is, and may be nil for the image of a machine.
func (h *hostFlags) lookKept(m *manifest.Manifest, patches string) (*keeper, error) {
	k := &keeper{host: h}
	var err error
	if k.log, err = h.readKept(); err != nil {
		return nil, err
	}
	if patches == "" {
		if patches, err = h.patchesInUse(); err != nil {
			return nil, err
		}
	}
	if !path.IsAbs(patches) || path.Clean(patches) != patches {
		return nil, document.Problem{File: "--patches", What: "is not a plain absolute path: " + patches, Hint: "write it from /, as the machine sees it, such as " + persist.DefaultFolder}
	}
	if k.folder, err = persist.ReadFolder(h.host.Root, patches); err != nil {
		return nil, err
	}
	if r := k.log.kept(); r != nil {
		k.config = r.After
	}
	if m != nil {
		k.ask(m)
	}
	return k, nil
}

// patchesInUse is the folder to which auditsetup wrote patches last.
func (h *hostFlags) patchesInUse() (string, error) {
	records, err := h.host.Records()
	if err != nil {
		return "", err
	}
	for _, r := range slices.Backward(records) {
		for _, f := range r.Files {
			if path.Base(f.Path) == render.FlagsPatchName {
				return path.Dir(f.Path), nil
			}
		}
	}
	return persist.DefaultFolder, nil
}

// ask takes kubeadm's configuration from the cluster, with the credentials of
// administrators that kubeadm left here: those that will do.
func (k *keeper) ask(m *manifest.Manifest) {
	if k.host.host.Root != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	maps, err := persist.Connect(live.Describe(m).Kubeconfigs()...)
	var text string
	if err == nil {
		text, err = persist.Configuration(ctx, maps)
	}
	if err != nil {
		k.missing = document.ProblemsOf(err)
		return
	}
	k.maps, k.config, k.missing = maps, text, nil
}

// adopt gives a manifest that kubeadm wrote from what is kept the record that
// enable would have left in it; any other as it is.
func (k *keeper) adopt(m *manifest.Manifest, shown string, data []byte) *manifest.Manifest {
	if m == nil || m.Changed() || k.config == "" {
		return m
	}
	kept, err := render.KubeadmOf(configMapName, []byte(k.config))
	if err != nil {
		return m
	}
	if adopted, ok := persist.Adopt(shown, data, kept); ok {
		return adopted
	}
	return m
}

// planIn works out how to keep a setup where it was asked for. Where nobody
// asked and nothing is kept yet, it is the cluster if that is at hand. from tells
// where it was asked for.
func (k *keeper) planIn(from setup.Origins, m *manifest.Manifest, d *setup.Desired) error {
	asked := persist.Mode(d.Spec.Persist)
	mode := asked
	if mode == "" && k.folder.Holds() {
		mode = persist.KubeadmPatches
	}
	switch {
	case mode == persist.None || mode == persist.KubeadmPatches:
	case k.host.host.Root != "":
		if asked == persist.KubeadmConfig {
			d.Notes = append(d.Notes, from.Problem("persist", "the ConfigMap of a cluster cannot be changed from the image of a machine, and was left as it is",
				"put it into the configuration for kubeadm init: auditsetup patch --format kubeadm-config --into FILE; or run auditsetup enable on the machine when it runs"))
		}
		return nil
	case k.maps != nil:
		mode = persist.KubeadmConfig
	case asked == persist.KubeadmConfig:
		return k.missing.Err()
	default:
		d.Notes = append(d.Notes, document.Problem{What: "a kubeadm upgrade would write the manifest without audit, as the setup is not kept in its ConfigMap: " + k.missing[0].Error(),
			Hint: "if kubeadm upgrades this machine, add --persist " + string(persist.KubeadmPatches) + "; else --persist " + string(persist.None) + " has this not said"})
		return nil
	}
	want, err := render.NewKubeadm(m, d)
	if err != nil {
		return err
	}
	if err := k.work(persist.Input{Mode: mode, Want: want, TakeOver: d.Spec.TakeOver}); err != nil {
		return err
	}
	d.Notes = append(d.Notes, k.plan.Notes...)
	return nil
}

// planOut works out how to take out what is kept, wherever it is.
func (k *keeper) planOut(asked persist.Mode) error {
	if asked == persist.None {
		return nil
	}
	return k.work(persist.Input{})
}

func (k *keeper) work(in persist.Input) error {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	in.Kept, in.Maps, in.Patches = k.log.kept(), k.maps, k.folder
	var err error
	k.plan, err = persist.Plan(ctx, in)
	return err
}

// settled says whether a manifest is as good as the one that enable would
// write, so that to write it would restart the API server for nothing. Without
// annotations, those are the files that the server has started with: kubeadm
// wrote the manifest after them, and they are as they are to be.
func (p *planned) settled(m, adopted *manifest.Manifest) bool {
	want := p.desired.Want()
	if m.Changed() {
		return persist.Settled(m, want, true)
	}
	return m != adopted && filesIdle(p.change.Files) && persist.Settled(m, want, false)
}
