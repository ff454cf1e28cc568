// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"
)

var upgradeChecks = []Check{
	{
		ID: "upgrade-drift", Family: "upgrade", severity: Warning, needs: pod,
		Title:  "kubeadm upgrade would change the audit settings",
		Why:    "it writes the manifest anew from the ConfigMap kubeadm-config and the patches that it is given; what is only in the manifest is lost, and nobody is told",
		How:    "apiServer.extraArgs and extraVolumes of the ConfigMap kube-system/kubeadm-config against the manifest, and the patches in /etc/kubernetes/patches, on a running machine; other folders of patches are not known",
		Remedy: "run auditsetup enable again with the flags of last time: it keeps the setup where kubeadm upgrade finds it, in the ConfigMap, or with --persist kubeadm-patches in patches on this node",
		Source: "kubernetes/kubeadm#541, #950, #2157; k8s.io/kubernetes cmd/kubeadm/app/phases/upgrade/staticpods.go",
		find:   upgradeDrift,
	},
}

// upgradeDrift is one finding: either the upgrade does it all or nothing.
func upgradeDrift(f *Facts) []Finding {
	var names []string
	for _, d := range f.Differences() {
		if d.Between == KubeadmConfig {
			names = append(names, d.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	const shown = 3
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	what := "kubeadm upgrade would change the audit settings: " + text
	if len(f.Kubeadm.Flags) == 0 {
		what = "kubeadm upgrade would write the manifest without audit: " + text
	}
	return []Finding{f.at(0, what, f.keep())}
}

// keep is how a setup gets to where kubeadm upgrade finds it. Last time it may have
// been kept nowhere on purpose.
func (f *Facts) keep() string {
	if f.Asked != nil && f.Asked.Persist == "none" {
		return "it was to be kept nowhere; to have kubeadm write it: " + f.enable("--persist kubeadm-config")
	}
	return f.again() + ", which keeps it in the ConfigMap (--persist kubeadm-patches: in patches on this node)"
}
