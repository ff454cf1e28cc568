// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

var policyChecks = []Check{
	{
		ID: "policy-gone", Family: "policy", severity: Error, needs: auditOn,
		Title:  "there is no policy file",
		Why:    "the running kube-apiserver has it in memory; the next one does not start",
		How:    "--audit-policy-file, through the mounts, on the host",
		Remedy: "put the policy back, such as from the backups below /var/lib/auditsetup",
		Source: "k8s.io/apiserver pkg/audit/policy/reader.go",
		find: func(f *Facts) []Finding {
			switch f.PolicyFile.Kind {
			case Missing:
				return []Finding{f.in(f.PolicyFile, "the audit policy is not there: the next kube-apiserver will not start", f.again())}
			case Folder, Other:
				return []Finding{f.in(f.PolicyFile, "is no file, but the audit policy should be there: the next kube-apiserver will not start",
					fmt.Sprintf("rmdir %s; %s", word(f.show(f.PolicyFile.Path)), f.again()))}
			}
			return nil
		},
	},
	{
		ID: "policy-invalid", Family: "policy", severity: Error, needs: auditOn,
		Title:  "the policy is refused, or means something else than it says",
		Why:    "the kube-apiserver does not start with some mistakes, and passes over others: a misspelt key is dropped, and its rule then matches more than it says",
		How:    "read strictly, and then by the kube-apiserver's own loader",
		Remedy: "mend the policy at the line given",
		Source: "kubernetes/kubernetes#113535; k8s.io/apiserver pkg/audit/policy/reader.go",
		find:   invalidPolicy,
	},
	{
		ID: "policy-changed-since-start", Family: "policy", severity: Error, needs: auditOn,
		Title:  "the policy was changed, and the running kube-apiserver has the old one",
		Why:    "the kube-apiserver reads its policy only when it starts, and nothing watches the file",
		How:    "the file is newer than the process, and not what enable wrote, on a running machine",
		Remedy: "auditsetup enable --policy FILE, which restarts the kube-apiserver",
		Source: "rancher/rke#2217; rancher/rke2#718; k8s.io/apiserver pkg/server/options/audit.go",
		find:   func(f *Facts) []Finding { return f.stale(f.PolicyFile, "--policy /root/policy.yaml") },
	},
	{
		ID: "policy-drift", Family: "policy", severity: Warning, needs: auditOn,
		Title:  "the policy is not what enable wrote",
		Why:    "what is recorded is not what was decided on",
		How:    "the hash of the file against the one that enable left in the pod's annotations",
		Remedy: "auditsetup enable --policy FILE --take-over to keep the change, or auditsetup enable --take-over with what was chosen last time",
		Source: "manifest.PolicyAnnotation",
		find: func(f *Facts) []Finding {
			same, known := f.Unchanged(f.PolicyFile)
			if same || !known || f.newer(f.PolicyFile) {
				return nil
			}
			to := "to put it back: "
			if f.Asked != nil && f.Asked.Policy.File != "" && f.Asked.Policy.File == f.show(f.PolicyFile.Path) {
				to = "to keep it: " // it was asked for by this very name
			}
			return []Finding{f.in(f.PolicyFile, "is not the policy that auditsetup enable wrote", to+f.known(f.enable("--take-over")))}
		},
	},
	{
		ID: "policy-none", Family: "policy", severity: Error, needs: auditOn,
		Title:  "the policy records nothing",
		Why:    "everything looks as if audit were on, and every check of flags passes",
		How:    "typical requests, put to the kube-apiserver's own evaluator",
		Remedy: "choose a policy that records: auditsetup profiles list",
		Source: "RKE2 and Gardener, whose default policies are such; k8s.io/apiserver pkg/audit/policy/checker.go",
		find:   silentPolicy,
	},
	{
		ID: "policy-secrets", Family: "policy", severity: Error, needs: auditOn,
		Title:  "the policy has credentials recorded",
		Why:    "secrets and tokens stand in the log for everyone who can read it, and for everyone it is sent to",
		How:    "requests for secrets, tokens and token reviews by users, administrators and components, put to the kube-apiserver's own evaluator: their bodies must not be recorded",
		Remedy: "put a rule in front: level Metadata for secrets, serviceaccounts/token and tokenreviews; or auditsetup enable --profile recommended",
		Source: "kubernetes/kubernetes#102040, #109376; IBM-Cloud/kube-samples#139",
		find:   secretsRecorded,
	},
	{
		ID: "policy-permissions", Family: "policy", severity: Warning, needs: auditOn,
		Title:  "others than root may change the policy",
		Why:    "who can write it decides what leaves a trace",
		How:    "mode and owner of the file",
		Remedy: "chmod 600 and chown root:root the file",
		Source: "CIS Kubernetes Benchmark 1.1, which asks the same of the files beside it",
		find: func(f *Facts) []Finding {
			if f.PolicyFile.Kind != Regular {
				return nil
			}
			return f.restricted(f.PolicyFile, 0o644, "the policy")
		},
	},
}

func invalidPolicy(f *Facts) []Finding {
	found := problems(document.ProblemsOf(f.PolicyErr))
	if f.PolicyRemoved {
		found = append(found, f.in(f.PolicyFile, fmt.Sprintf("its API version was removed in 1.24, and kube-apiserver %s does not start with it", f.Version),
			"sed -i 's#audit.k8s.io/v1\\(alpha\\|beta\\)1#audit.k8s.io/v1#' "+word(f.show(f.PolicyFile.Path))))
	}
	return found
}

// slack is what the start of a process may be off, and how long the
// kube-apiserver may take until it reads the policy.
const slack = 2 * time.Second

// newer says whether a file was changed since the running server started.
func (f *Facts) newer(file File) bool {
	return f.Process != nil && !f.Process.Started.IsZero() && file.Kind == Regular && file.ModTime.After(f.Process.Started.Add(slack))
}

// stale finds a file that the running server has read before it was changed.
// flags have enable take it from a copy in /root.
func (f *Facts) stale(file File, flags string) []Finding {
	same, known := f.Unchanged(file)
	if same || !f.newer(file) {
		return nil
	}
	_, copied, _ := strings.Cut(flags, " ")
	remedy := fmt.Sprintf("cp %s %s; %s", word(f.show(file.Path)), copied, f.enable(flags))
	if !strings.Contains(remedy, "--take-over") {
		remedy += " --take-over"
	}
	what := "the kube-apiserver has what was there before"
	found := f.in(file, "", remedy)
	if !known { // a touch or a copy of the same would look like this too
		found.Severity = Warning
		what = "unless the content is the same, " + what
	}
	found.What = fmt.Sprintf("was changed on %s, and the kube-apiserver runs since %s: %s", stamp(file.ModTime), stamp(f.Process.Started), what)
	return []Finding{found}
}

// typical are requests of which any policy that is worth its name records some.
var typical = []request{
	{"get", "secrets"}, {"list", "secrets"}, {"create", "secrets"}, {"update", "configmaps"}, {"delete", "configmaps"}, {"get", "pods"}, {"create", "pods"},
	{"delete", "pods"}, {"create", "pods/exec"}, {"create", "pods/portforward"}, {"create", "deployments.apps"}, {"patch", "deployments.apps"}, {"delete", "deployments.apps"},
	{"create", "namespaces"}, {"delete", "namespaces"}, {"create", "clusterrolebindings.rbac.authorization.k8s.io"}, {"create", "rolebindings.rbac.authorization.k8s.io"},
	{"create", "serviceaccounts/token"}, {"patch", "nodes"}, {"create", "services"}, {"create", "validatingwebhookconfigurations.admissionregistration.k8s.io"},
}

func silentPolicy(f *Facts) []Finding {
	if f.Policy == nil {
		return nil
	}
	for _, by := range people {
		for _, r := range typical {
			if r.decide(f.Policy, by, places[0]).Level != audit.LevelNone {
				return nil
			}
		}
	}
	found := f.in(f.PolicyFile, fmt.Sprintf("the policy records none of %d typical requests, such as %s", len(typical), typical[8]), "auditsetup profiles list; "+f.enable("--profile NAME"))
	if slices.ContainsFunc(f.Policy.V1.Rules, func(r auditv1.PolicyRule) bool { return r.Level != auditv1.LevelNone }) {
		found.Severity = Warning
	}
	return []Finding{found}
}

// credentials are what may never be recorded with a body. What is sent for a
// token of a service account is its audience; the token comes back.
var credentials = []struct {
	what string
	all  func() []leak
}{
	{"secrets", func() []leak { return leaksOf("secrets") }},
	{"tokens of service accounts", func() []leak { return []leak{{request{"create", "serviceaccounts/token"}, audit.LevelRequestResponse}} }},
	{"token reviews", func() []leak {
		return []leak{{request{"create", "tokenreviews.authentication.k8s.io"}, audit.LevelRequest}}
	}},
}

func secretsRecorded(f *Facts) []Finding {
	var found []Finding
	for _, c := range credentials {
		if where := leakIn(f.Policy, c.all()); where != "" {
			found = append(found, f.in(f.PolicyFile, fmt.Sprintf("%s are recorded with their content: %s", c.what, where), "put a rule in front: level Metadata for secrets, serviceaccounts/token and tokenreviews; or "+f.enable("--profile recommended")))
		}
	}
	return found
}

func leakIn(p *policy.Policy, all []leak) string {
	if p == nil {
		return ""
	}
	return leaks(p, all)
}

// Profile is the name of the profile that the policy is, byte for byte; empty
// when it is none.
func (f *Facts) Profile() string {
	if f.Policy == nil || f.Version.Minor == 0 {
		return ""
	}
	for _, p := range profiles.All() {
		if text, err := p.Policy(f.Version); err == nil && bytes.Equal(text, f.Policy.Bytes()) {
			return p.Name
		}
	}
	return ""
}
