// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package sources

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
)

const kubeBench = "github.com/aquasecurity/kube-bench@v0.12.0"

// asked are the words of check 3.2.2 that a policy can meet, each with what it
// comes to. A word of the text that is not here fails the test: then the text has
// changed, and the profile has to follow.
var asked = map[string]struct {
	group, resource string
	verbs           []string
	level           audit.Level
}{
	"Secrets":          {"", "secrets", everyVerb, audit.LevelMetadata},
	"ConfigMaps":       {"", "configmaps", everyVerb, audit.LevelMetadata},
	"TokenReviews":     {"authentication.k8s.io", "tokenreviews", everyVerb, audit.LevelMetadata},
	"Pod":              {"", "pods", changes, audit.LevelRequest},
	"Deployment":       {"apps", "deployments", changes, audit.LevelRequest},
	"pods/exec":        {"", "pods/exec", everyVerb, audit.LevelMetadata},
	"pods/portforward": {"", "pods/portforward", everyVerb, audit.LevelMetadata},
	"pods/proxy":       {"", "pods/proxy", everyVerb, audit.LevelMetadata},
	"services/proxy":   {"", "services/proxy", everyVerb, audit.LevelMetadata},
	// "For most requests, minimally"
	"Metadata": {"example.com", "things", everyVerb, audit.LevelMetadata},
}

var (
	changes   = []string{"create", "update", "patch", "delete", "deletecollection"}
	everyVerb = append([]string{"get", "list", "watch"}, changes...)
)

// ordinary are words with a capital that name nothing.
var ordinary = []string{"Review", "Access", "Care", "Modification", "Use", "For"}

func TestCISAnswersTheText(t *testing.T) {
	t.Parallel()
	text := remediation(t)
	found := map[string]bool{}
	for _, word := range regexp.MustCompile("`[^`]+`|[A-Z][A-Za-z]+").FindAllString(text, -1) {
		word = strings.Trim(word, "`")
		if _, known := asked[word]; !known && !slices.Contains(ordinary, word) {
			t.Errorf("3.2.2 speaks of %q, of which the profile knows nothing", word)
		}
		found[word] = true
	}
	for word, want := range asked {
		if !found[word] {
			t.Errorf("3.2.2 does not speak of %q:\n%s", word, text)
		}
		for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
			ours := rendered(t, profile(t, "cis"), minor)
			for _, verb := range want.verbs {
				for _, namespace := range []string{"", "kube-system", "shop"} {
					r := thing(want.group, want.resource)
					r.User, r.Verb, r.Namespace = named("jane", "system:authenticated"), verb, namespace
					if got := ours.Evaluate(r).Level; got != want.level {
						t.Errorf("1.%d: %s %s: %s, want %s", minor, verb, want.resource, got, want.level)
					}
				}
			}
		}
	}
}

// remediation is what check 3.2.2 asks for in the newest set for plain Kubernetes.
func remediation(t *testing.T) string {
	t.Helper()
	var controls struct {
		Groups []struct {
			Checks []struct{ ID, Remediation string }
		}
	}
	if err := yaml.Unmarshal(read(t, filepath.Join(moduleDir(t, kubeBench), "cfg", "cis-1.10", "controlplane.yaml")), &controls); err != nil {
		t.Fatal(err)
	}
	for _, g := range controls.Groups {
		for _, c := range g.Checks {
			if c.ID == "3.2.2" {
				return c.Remediation
			}
		}
	}
	t.Fatal("no check 3.2.2")
	return ""
}
