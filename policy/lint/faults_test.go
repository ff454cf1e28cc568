// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy/lint"
	"github.com/auditsetup/auditsetup/profiles"
)

// faults are published policies with a fault that is known of them. Where the
// policy is not among the sources, rules holds the part with the fault, in words
// of our own.
var faults = []struct {
	source, fault string
	file, rules   string
	ids           string
}{
	{source: "RKE2 pkg/podtemplate, Gardener pkg/component/apiserver/audit.go", fault: "the default policy records nothing",
		rules: "rules: [{level: None}]", ids: "records-nothing"},
	{source: "falcosecurity/falco 9242c452^ examples/k8s_audit_config; rancher/rke2#3813, tigera/operator#2138, tanzu-framework#4198, eks-anywhere#3402", fault: "v1beta1",
		rules: "apiVersion: audit.k8s.io/v1beta1\nrules: [{level: Metadata}]", ids: "removed-version"},
	{source: "falcosecurity/plugins k8saudit", fault: "deployments in the core group", file: "falco.yaml", ids: "unknown-resource configmap-bodies"},
	{source: "openshift/library-go audit/manifests/writerequestbodies-rules.yaml:12", fault: "resource: for resources: takes the whole group",
		rules: "rules:\n- level: Metadata\n  resources:\n  - group: machineconfiguration.openshift.io\n    resource: [machineconfigs]\n- level: Metadata", ids: "unknown-key"},
	{source: "Talos, kind, microk8s", fault: "Metadata for everything floods the log", rules: "rules: [{level: Metadata}]", ids: "lease-noise health-noise request-received-kept"},
	{source: "kubernetes cluster/gce/gci/configure-helper.sh", fault: "no tokens before kubernetes#102040",
		rules: "rules:\n- {level: Metadata, resources: [{group: \"\", resources: [secrets, configmaps]}, {group: authentication.k8s.io, resources: [tokenreviews]}]}\n- {level: RequestResponse, resources: [{group: \"\"}]}\n- {level: Metadata}",
		ids:   "token-bodies"},
	{source: "Alibaba Cloud ACK", fault: "tokens with their content, v1beta1, groups long gone", file: "alibaba.yaml", ids: "token-bodies removed-version other-minor missing-groups legacy-user unknown-path"},
	{source: "IBM-Cloud/kube-samples#139", fault: "serviceaccounts/token missing among the credentials",
		rules: "rules:\n- {level: Metadata, resources: [{group: \"\", resources: [secrets]}]}\n- {level: RequestResponse, verbs: [create], resources: [{group: \"\"}]}\n- {level: Metadata}", ids: "token-bodies"},
	{source: "DISA STIG V-242403, fix text", fault: "secrets in the log", file: "stig.yaml", ids: "secret-bodies token-bodies token-review-bodies list-bodies"},
	{source: "kubernetes/kubernetes#53496, zalando-incubator/kubernetes-on-aws#3066", fault: "wildcards in users and verbs",
		rules: "rules:\n- {level: None, users: [\"system:node:*\"], verbs: [\"*\"]}\n- {level: Metadata}", ids: "literal-wildcard rule-matches-nothing"},
	{source: "liggitt/audit2rbac demo-policy.yaml", fault: "four users only, v1beta1", file: "audit2rbac.yaml", ids: "removed-version no-catch-all"},
	{source: "kubernetes/kubernetes#88926, #96319", fault: "secrets behind a rule with bodies",
		rules: "rules:\n- {level: Request, verbs: [create, update, patch]}\n- {level: Metadata, resources: [{group: \"\", resources: [secrets]}]}\n- {level: Metadata}", ids: "secret-bodies"},
	{source: "kubernetes/website, examples/audit", fault: "leases and probes of today are not thought of", file: "kubernetes-docs.yaml", ids: "lease-noise health-noise other-minor configmap-bodies list-bodies"},
}

func TestPublishedFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range faults {
		text := []byte("kind: Policy\n" + tt.rules + "\n")
		if !strings.Contains(tt.rules, "apiVersion") {
			text = append([]byte("apiVersion: audit.k8s.io/v1\n"), text...)
		}
		if tt.file != "" {
			var err error
			if text, err = os.ReadFile("../../testdata/policies/sources/" + tt.file); err != nil {
				t.Fatal(err)
			}
		}
		found := lint.Run("f", text, lint.Options{Version: apiserver.Version{Minor: 37}})
		for id := range strings.FieldsSeq(tt.ids) {
			if !slices.ContainsFunc(found, func(f lint.Finding) bool { return f.ID == id }) {
				t.Errorf("%s: %s is not found: %+v", tt.source, id, found)
			}
		}
	}
}

// TestGCE: on the policy that everybody copies, just what is true, and nothing
// that is more than info.
func TestGCE(t *testing.T) {
	t.Parallel()
	p, _ := profiles.Lookup("gce")
	text, err := p.Policy(apiserver.Version{Minor: 37})
	if err != nil {
		t.Fatal(err)
	}
	// as it is in the original
	text = []byte(strings.Replace(string(text), "omitManagedFields: true\n", "", 1))
	var got []string
	for _, f := range lint.Run("f", text, lint.Options{Version: apiserver.Version{Minor: 37}}) {
		if got = append(got, f.ID); f.Severity != lint.Info {
			t.Errorf("%s: %s", f.Severity, f.Error())
		}
	}
	slices.Sort(got)
	got = slices.Compact(got)
	const want = "health-noise lease-noise legacy-user managed-fields-kept missing-groups other-minor unknown-path"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("found %s, want %s", s, want)
	}
}
