// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/webhook"
)

// FuzzRun: no manifest, policy or kubeconfig makes a check panic, and each
// finding says what it found and what to do.
func FuzzRun(f *testing.F) {
	good := goodPod()
	f.Add(good.text(), goodPolicy, "current-context: a\n", 37)
	good.set("audit-webhook-config-file", configPath)
	good.volumes[0].kind = ""
	good.flags = append(good.flags, "audit-log-maxsize=x", "audit-log-path=relative", "audit-log-compress")
	f.Add(good.text(), rules+"- level: RequestResponse\n", "contexts:\n- {name: a, context: {cluster: b}}\nclusters:\n- {name: b, cluster: {server: 'https://h'}}\ncurrent-context: a\n", 20)
	f.Fuzz(func(t *testing.T, pod, audit, kubeconfig string, minor int) {
		facts := &doctor.Facts{Now: started, Path: manifestPath, Text: []byte(pod), Version: apiserver.Version{Minor: minor}}
		facts.File, facts.PolicyFile, facts.Kubeconfig = file(manifestPath, pod, 0o600), file(policyPath, audit, 0o600), file(configPath, kubeconfig, 0o600)
		facts.Log, facts.Disk = &doctor.Log{File: file(logPath, "", 0o600)}, &doctor.Disk{Free: 1 << 30, Size: 2 << 30}
		facts.Kubeadm = &doctor.Kubeadm{}
		facts.Manifest, facts.ManifestErr = manifest.Read(manifestPath, []byte(pod))
		facts.Policy, facts.PolicyErr = policy.Read(policyPath, []byte(audit), facts.Version)
		facts.Webhook, facts.WebhookErr = webhook.Read(configPath, []byte(kubeconfig))
		if facts.Manifest != nil {
			facts.Process = &doctor.Process{Args: strings.Fields(pod), Started: started}
			facts.Mounts()
		}
		for _, found := range doctor.Run(facts) {
			if found.What == "" || found.Remedy == "" || found.ID == "" || found.Line < 0 {
				t.Errorf("%+v", found)
			}
		}
		facts.Profile()
		facts.MostBytes()
	})
}
