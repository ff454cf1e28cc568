// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package profiles_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"

	"github.com/auditsetup/auditsetup/profiles"
)

// most is the highest level at which a profile may log what is or may be a
// credential. The request for a token has no token in it, but the answer has;
// with the others either may be the credential itself.
var most = map[string]string{
	"secrets": metadata, "tokenreviews.authentication.k8s.io": metadata, "configmaps": metadata, "serviceaccounts/token": body,
}

// configMaps are the profiles that log config maps with bodies, as their sources
// do. Each has to say so.
var configMaps = map[string]string{
	"falco": both, "openshift-write-bodies": both, "openshift-all-bodies": both, "kubernetes-docs": body,
}

func TestNoProfileLogsCredentials(t *testing.T) {
	t.Parallel()
	order := []string{none, metadata, body, both}
	for _, p := range profiles.All() {
		for minor, loaded := range variants(t, p) {
			e, highest := evaluator(loaded), map[string]string{}
			for _, r := range sweep() {
				if _, sensitive := most[r.thing]; !sensitive {
					continue
				}
				level := string(e.EvaluatePolicyRule(r.attrs).Level)
				if level == body && strings.HasPrefix(r.verb, "delete") {
					level = metadata // what is sent are options, and what was there is in the answer
				}
				if slices.Index(order, level) > slices.Index(order, highest[r.thing]) {
					highest[r.thing] = level
				}
			}
			for thing, limit := range most {
				if wider, ok := configMaps[p.Name]; ok && thing == "configmaps" {
					if highest[thing] != wider {
						t.Errorf("%s for 1.%d: %s up to %s, expected %s", p.Name, minor, thing, highest[thing], wider)
					}
					continue
				}
				if slices.Index(order, highest[thing]) > slices.Index(order, limit) {
					t.Errorf("%s for 1.%d: %s up to %s", p.Name, minor, thing, highest[thing])
				}
			}
		}
		_, exposed := configMaps[p.Name]
		if said := slices.ContainsFunc(p.Exposes, func(s string) bool { return strings.HasPrefix(s, "config maps") }); said != exposed {
			t.Errorf("%s: exposes config maps: %t, says so: %t", p.Name, exposed, said)
		}
	}
}

// clauses is what CIS 3.2.2 asks for, and what the profile adds to it.
var clauses = []decision{
	// Secrets, config maps and token reviews: seen, and never more than facts.
	{"dev get secrets shop db", metadata},
	{"dev list secrets", metadata},
	{"node watch secrets shop db", metadata},
	{"dev patch secrets shop db", metadata},
	{"super update configmaps kube-system kubeadm-config", metadata},
	{"apiserver get configmaps kube-system x", metadata},
	{"node create tokenreviews.authentication.k8s.io", metadata},
	{"node create serviceaccounts/token shop default", metadata}, // Mended
	// Modification of pods and deployments.
	{"dev create pods shop", body},
	{"sa:gc delete pods shop web", body},
	{"dev deletecollection pods shop", body},
	{"dev patch pods/ephemeralcontainers shop web", body},
	{"dev patch pods/resize shop web", body},
	{"dev create pods/eviction shop web", body},
	{"scheduler create pods/binding shop web", body},
	{"dev create deployments.apps shop", body},
	{"dev patch deployments.apps/scale shop web", body},
	{"dev update deployments.apps/status shop web", body},
	{"dev patch pods/status shop web", body},
	{"node patch pods/status shop web", metadata}, // Mended
	// Ways in.
	{"dev create pods/exec shop web", metadata},
	{"dev get pods/exec shop web", metadata},
	{"dev create pods/attach shop web", metadata}, // Mended
	{"dev create pods/portforward shop web", metadata},
	{"dev create pods/proxy shop web", metadata},
	{"dev delete services/proxy shop web", metadata},
	{"dev list pods", metadata},
}

// others are requests of which the text says "most", and of which other profiles
// drop some.
var others = []decision{
	{"anonymous get /healthz", metadata},
	{"nobody get /api", metadata},
	{"node update leases.coordination.k8s.io kube-node-lease n1", metadata},
	{"admin create clusterrolebindings.rbac.authorization.k8s.io", metadata},
	{"dev create jobs.batch shop", metadata},
}

func TestCISMeetsEachClause(t *testing.T) {
	t.Parallel()
	for minor, loaded := range variants(t, profile(t, "cis")) {
		e := evaluator(loaded)
		for _, d := range slices.Concat(clauses, others) {
			if got := e.EvaluatePolicyRule(parse(t, d.request).attrs).Level; string(got) != d.level {
				t.Errorf("1.%d: %s: %s, want %s", minor, d.request, got, d.level)
			}
		}
		for _, r := range sweep() {
			if e.EvaluatePolicyRule(r.attrs).Level == audit.LevelNone {
				t.Errorf("1.%d drops %s", minor, r)
			}
		}
	}
}

// TestRecommendedMeetsCISToo is what the purpose of cis says.
func TestRecommendedMeetsCISToo(t *testing.T) {
	t.Parallel()
	for minor, loaded := range variants(t, profile(t, "recommended")) {
		e := evaluator(loaded)
		for _, d := range clauses {
			if got := e.EvaluatePolicyRule(parse(t, d.request).attrs).Level; string(got) != d.level {
				t.Errorf("1.%d: %s: %s, want %s", minor, d.request, got, d.level)
			}
		}
	}
}
