// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"maps"
	"testing"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/persist"
)

// TestWrittenConfig holds the ConfigMap against what was written into it.
func TestWrittenConfig(t *testing.T) {
	t.Parallel()
	const none = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
	const audit = none + `apiServer:
  extraArgs:
  - name: audit-log-maxage
    value: "30"
  - name: audit-policy-file
    value: /etc/kubernetes/audit/policy.yaml
  extraVolumes:
  - name: auditsetup-policy
    hostPath: /etc/kubernetes/audit
    mountPath: /etc/kubernetes/audit
    pathType: Directory
    readOnly: true
`
	flags := map[string]string{"audit-log-maxage": "30", "audit-policy-file": "/etc/kubernetes/audit/policy.yaml"}
	volumes := map[string]string{"/etc/kubernetes/audit": "/etc/kubernetes/audit", "/other": "/other"}
	but := func(m map[string]string, key, value string) map[string]string {
		m = maps.Clone(m)
		if m[key] = value; value == "" {
			delete(m, key)
		}
		return m
	}
	const in = "in the configmap kube-system/kubeadm-config, "
	for name, c := range map[string]struct {
		changes []keptChange
		now     *doctor.Kubeadm
		want    string // empty for nothing to say
	}{
		"never":      {nil, &doctor.Kubeadm{Flags: flags, Volumes: volumes}, ""},
		"taken out":  {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}, {"b", "disable", persist.Record{Before: audit, After: none}}}, &doctor.Kubeadm{}, ""},
		"to patches": {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}, {"b", "enable", persist.Record{Before: audit, After: none}}}, &doctor.Kubeadm{}, ""},
		"not seen":   {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}}, nil, in + "which was not looked at"},
		"there":      {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}}, &doctor.Kubeadm{Flags: flags, Volumes: volumes}, in + "as it was written"},
		"gone": {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}}, &doctor.Kubeadm{},
			in + "and changed since it was written: --audit-log-maxage is gone; --audit-policy-file is gone; the volume for /etc/kubernetes/audit is gone"},
		"changed": {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}}, &doctor.Kubeadm{Flags: but(flags, "audit-log-maxage", "3"), Volumes: volumes},
			in + "and changed since it was written: --audit-log-maxage is 3 there, and was written as 30"},
		"more": {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}}, &doctor.Kubeadm{Flags: but(flags, "audit-log-format", "json"), Volumes: volumes},
			in + "and changed since it was written: --audit-log-format=json was put in"},
		"volume": {[]keptChange{{"a", "enable", persist.Record{Before: none, After: audit}}}, &doctor.Kubeadm{Flags: flags, Volumes: but(volumes, "/etc/kubernetes/audit", "")},
			in + "and changed since it was written: the volume for /etc/kubernetes/audit is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &looking{hostFlags: hostFlags{host: node.Host{Root: t.TempDir(), StateDir: node.DefaultStateDir}}}
			if err := l.writeKept(keptLog{1, c.changes}); err != nil {
				t.Fatal(err)
			}
			w, err := l.writtenConfig(&doctor.Facts{Kubeadm: c.now})
			got := ""
			if w != nil {
				got = w.text()
			}
			if err != nil || got != c.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
