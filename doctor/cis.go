// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
)

const cisSource = "CIS Kubernetes Benchmark, as kube-bench checks it in cfg/cis-1.12/master.yaml and controlplane.yaml"

var cisChecks = []Check{
	{
		ID: "cis-1.2.16", Family: "cis", severity: Warning, needs: auditOn,
		Title:  "CIS 1.2.16: --audit-log-path is not set",
		Why:    "the benchmark wants a log file, also where events are sent to a webhook",
		How:    "the flags of the manifest",
		Remedy: "auditsetup enable --backend log,webhook, or accept it with a reason",
		Source: cisSource,
		find: func(f *Facts) []Finding {
			if s, _ := f.Flag("audit-log-path"); s.Value != "" {
				return nil
			}
			return []Finding{f.at(0, "CIS 1.2.16: --audit-log-path is not set", f.enable("--backend log,webhook"))}
		},
	},
	cisNumber("cis-1.2.17", "audit-log-maxage", 30, "days"),
	cisNumber("cis-1.2.18", "audit-log-maxbackup", 10, "files"),
	cisNumber("cis-1.2.19", "audit-log-maxsize", 100, "MiB"),
	{
		ID: "cis-3.2.1", Family: "cis", severity: Warning, needs: auditOn,
		Title:  "CIS 3.2.1: there is no audit policy",
		Why:    "without a policy nothing is recorded",
		How:    "--audit-policy-file of the manifest",
		Remedy: "auditsetup enable",
		Source: cisSource,
		find: func(f *Facts) []Finding {
			if s, _ := f.Flag("audit-policy-file"); s.Value != "" {
				return nil
			}
			return []Finding{f.at(0, "CIS 3.2.1: --audit-policy-file is not set", f.enable(""))}
		},
	},
	{
		ID: "cis-3.2.2", Family: "cis", severity: Warning, needs: auditOn,
		Title:  "CIS 3.2.2: the policy does not cover the key concerns",
		Why:    "the benchmark wants secrets, config maps and token reviews recorded without bodies, changes of pods and deployments, and who used exec, port forwarding and proxies",
		How:    "such requests by users and administrators, put to the kube-apiserver's own evaluator",
		Remedy: "auditsetup enable --profile recommended, or --profile cis",
		Source: cisSource,
		find:   keyConcerns,
	},
}

// cisNumber is the check of a flag of rotation. It wants the flag given: from
// 1.36 on the defaults would do, but a benchmark looks at the command line.
func cisNumber(id, flag string, least int64, unit string) Check {
	number := strings.TrimPrefix(id, "cis-")
	return Check{
		ID: id, Family: "cis", severity: Warning, needs: auditOn,
		Title:  fmt.Sprintf("CIS %s: --%s is below %d, or not set", number, flag, least),
		Why:    fmt.Sprintf("the benchmark wants at least %d %s", least, unit),
		How:    "the flags of the manifest; where there is no log file they say nothing",
		Remedy: fmt.Sprintf("--%s=%d", flag, least),
		Source: cisSource,
		find: func(f *Facts) []Finding {
			if !f.logsToFile() {
				return nil
			}
			s, given := f.Flag(flag)
			n, err := strconv.ParseInt(s.Value, 0, 64)
			switch {
			case !given:
				return []Finding{f.at(0, fmt.Sprintf("CIS %s: --%s is not set, and should be %d or more", number, flag, least), f.set(flag, strconv.FormatInt(least, 10)))}
			case err == nil && n < least:
				return []Finding{f.at(s.Line, fmt.Sprintf("CIS %s: --%s is %d, and should be %d or more", number, flag, n, least), f.set(flag, strconv.FormatInt(least, 10)))}
			}
			return nil
		},
	}
}

// concerns are what CIS 3.2.2 wants recorded.
var concerns = []struct {
	what     string
	requests []request
}{
	{"access to secrets", []request{{"get", "secrets"}, {"list", "secrets"}, {"create", "secrets"}, {"delete", "secrets"}}},
	{"access to config maps", []request{{"get", "configmaps"}, {"update", "configmaps"}}},
	{"token reviews", []request{{"create", "tokenreviews.authentication.k8s.io"}}},
	{"changes of pods", []request{{"create", "pods"}, {"update", "pods"}, {"patch", "pods"}, {"delete", "pods"}}},
	{"changes of deployments", []request{{"create", "deployments.apps"}, {"update", "deployments.apps"}, {"patch", "deployments.apps"}, {"delete", "deployments.apps"}}},
	{"use of pods/exec", []request{{"create", "pods/exec"}, {"get", "pods/exec"}}},
	{"use of pods/portforward", []request{{"create", "pods/portforward"}}},
	{"use of pods/proxy", []request{{"create", "pods/proxy"}}},
	{"use of services/proxy", []request{{"create", "services/proxy"}}},
}

func keyConcerns(f *Facts) []Finding {
	if f.Policy == nil {
		return nil
	}
	var found []Finding
	if where := leaks(f.Policy, leaksOf("configmaps")); where != "" {
		found = append(found, f.in(f.PolicyFile, "CIS 3.2.2: config maps are recorded with their content: "+where,
			"put a rule in front: level Metadata for configmaps"))
	}
	var missing []string
	for _, c := range concerns {
		if f.unrecorded(c.requests) {
			missing = append(missing, c.what)
		}
	}
	if len(missing) > 0 {
		found = append(found, f.in(f.PolicyFile, "CIS 3.2.2: not recorded, or not of everyone: "+strings.Join(missing, ", "), f.enable("--profile recommended")+", or --profile cis"))
	}
	return found
}

// unrecorded says whether one of the requests by a person leaves no trace.
func (f *Facts) unrecorded(all []request) bool {
	for _, by := range people {
		for _, r := range all {
			if r.decide(f.Policy, by, places[0]).Level == audit.LevelNone {
				return true
			}
		}
	}
	return false
}
