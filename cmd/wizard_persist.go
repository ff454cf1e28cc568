// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import "github.com/auditsetup/auditsetup/persist"

// upgraded tells whether kubeadm upgrades this machine, as far as its
// configuration is in the cluster.
func (w *wizard) upgraded() bool { return w.found.kept != nil && w.found.kept.maps != nil }

// askPersist asks where kubeadm is to find the setup. What is so already, or else
// the ConfigMap, is proposed.
func (w *wizard) askPersist() error {
	modes := []persist.Mode{persist.KubeadmConfig, persist.KubeadmPatches, persist.None}
	first := 0
	for i, m := range modes {
		if string(m) == w.in.Spec.Persist || w.in.Spec.Persist == "" && m == persist.KubeadmPatches && w.found.kept.folder.Holds() {
			first = i
		}
	}
	folder := w.found.kept.folder.Path
	i, err := w.pick(question{text: "Keep it through kubeadm upgrade, which writes the manifest anew?", choices: []choice{
		{label: "yes, in the cluster's configuration of kubeadm", short: "in the cluster", detail: "The " + configMapName + ", for every control plane node."},
		{label: "yes, as patches on this node", short: "as patches", detail: "In " + folder + ": each upgrade has to be given --patches " + folder + "."},
		{label: "no", short: "no", detail: "After an upgrade audit is off until auditsetup enable runs again."},
	}}, first)
	if err == nil {
		w.in.Spec.Persist = string(modes[i]) // each is good
	}
	return err
}
