// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/policy/lint"
)

// TestSARIF holds the output to what the schema of SARIF 2.1.0 requires, with
// findings of every check and in files of all kinds of names.
func TestSARIF(t *testing.T) {
	t.Parallel()
	var args []string
	for _, c := range lint.Checks() {
		args = append(args, "../testdata/policies/lint/"+c.ID+"/bad.yaml")
	}
	odd := filepath.Join(t.TempDir(), "a b#c%ü?.yaml")
	if err := os.WriteFile(odd, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := Main(append([]string{"policy", "lint", "-o", "sarif", "--kube-version", "1.22", "--benchmark", "cis,stig", odd}, args...), Streams{Out: &out, Err: &errs})
	if code != exitFindings || errs.Len() > 0 {
		t.Fatalf("exit code %d, %s", code, &errs)
	}
	var log sarifLog
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name == "" || !strings.HasPrefix(log.Schema, "https://") {
		t.Fatalf("version %q, %d runs", log.Version, len(log.Runs))
	}
	run := log.Runs[0]
	rules := sarifRules(t, run)
	found := map[string]bool{}
	for _, r := range run.Results {
		found[r.RuleID] = true
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex] != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 || !slices.Contains([]string{"note", "warning", "error"}, r.Level) {
			t.Errorf("%+v", r)
		}
		at := r.Locations[0].Physical
		if u, err := url.Parse(at.Artifact.URI); err != nil || u.Path == "" || u.Fragment != "" || u.RawQuery != "" {
			t.Errorf("uri %q: %v", at.Artifact.URI, err)
		}
		if at.Region != nil && (at.Region.StartLine < 1 || at.Region.StartColumn < 0) {
			t.Errorf("region %+v", at.Region)
		}
	}
	// one is about what was served still, the others about what was not yet
	if len(found) < len(rules)-5 || run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("findings of %d checks of %d", len(found), len(rules))
	}
}

// sarifRules are the IDs of the rules, which must be whole and unique.
func sarifRules(t *testing.T, run sarifRun) []string {
	t.Helper()
	var ids []string
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == "" || slices.Contains(ids, r.ID) || r.ShortDescription.Text == "" || r.FullDescription.Text == "" || r.Help.Text == "" || r.Default.Level == "" {
			t.Errorf("%+v", r)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// TestReplaceRefuses: a file that was changed meanwhile stays, and nothing is
// left beside it.
func TestReplaceRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(name, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replace(name, []byte("old"), []byte("fixed")); err == nil {
		t.Error("it is replaced")
	}
	if err := replace(filepath.Join(dir, "nosuch"), nil, nil); err == nil {
		t.Error("a file that is not there is replaced")
	}
	left, err := os.ReadDir(dir)
	if text, _ := os.ReadFile(name); err != nil || len(left) != 1 || string(text) != "new" {
		t.Errorf("%q, %v, %v", text, left, err)
	}
}

// TestDiscoveryInPart has a group that nobody serves be a mistake only when all that
// the cluster serves is known.
func TestDiscoveryInPart(t *testing.T) {
	t.Parallel()
	const list = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"FRESHNESS",
		"resources":[{"resource":"nodes","responseKind":{"group":"metrics.k8s.io","version":"v1beta1","kind":"NodeMetrics"},"scope":"Cluster","verbs":["get"]}]},{"version":"v1","freshness":"Current",
		"resources":[{"resource":"pods","responseKind":{"group":"metrics.k8s.io","version":"v1","kind":"PodMetrics"},"scope":"Namespaced","verbs":["get"]}]}]}]}`
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: None\n  userGroups: [a]\n  resources: [{group: nowhere.test}]\n- level: Metadata\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for freshness, want := range map[string]struct {
		code      int
		out, errs string
	}{
		"Current": {exitFindings, `warning: neither kube-apiserver 1.37 nor the cluster serves the group "nowhere.test"`, ""},
		"Stale":   {exitOK, `info: kube-apiserver 1.37 does not serve the group "nowhere.test" itself`, "what it serves in metrics.k8s.io/v1beta1 is not known: its own server does not answer\nauditsetup: hint: see kubectl get apiservice v1beta1.metrics.k8s.io\n"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
			fmt.Fprint(w, strings.Replace(list, "FRESHNESS", freshness, 1))
		}))
		config := filepath.Join(dir, freshness)
		if err := os.WriteFile(config, []byte("{kind: Config, current-context: c, clusters: [{name: c, cluster: {server: '"+server.URL+"'}}], contexts: [{name: c, context: {cluster: c}}]}"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := Main([]string{"policy", "lint", policy, "--kube-version", "1.37", "--discovery", "kubeconfig", "--kubeconfig", config, "--context", "c"}, Streams{Out: &out, Err: &errs})
		server.Close()
		if code != want.code || !strings.Contains(out.String(), want.out) || !strings.HasSuffix(errs.String(), want.errs) || (errs.Len() == 0) != (want.errs == "") {
			t.Errorf("%s: exit code %d\n%s%s", freshness, code, &out, &errs)
		}
	}
}
