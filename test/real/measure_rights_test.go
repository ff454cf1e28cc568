// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/measure/scrape"
)

// checkRights has a client without rights told what it needs, does that, and wants
// the client to get in.
func (m *measuredServer) checkRights(t *testing.T) {
	t.Helper()
	m.mustDo(t, http.MethodPost, "/api/v1/namespaces/measured/serviceaccounts", `{"metadata":{"name":"reader"}}`, http.StatusCreated)
	var answer struct{ Status struct{ Token string } }
	if err := json.Unmarshal(m.mustDo(t, http.MethodPost, "/api/v1/namespaces/measured/serviceaccounts/reader/token", `{}`, http.StatusCreated), &answer); err != nil {
		t.Fatal(err)
	}
	config := m.tokenConfig(t, answer.Status.Token)
	problem := m.refused(t, config)
	const command = "kubectl create clusterrolebinding auditsetup-metrics --clusterrole=system:monitoring --serviceaccount=measured:reader"
	if !strings.Contains(problem.What, "system:serviceaccount:measured:reader may not read it") || !strings.Contains(problem.What, "nonResourceURL /metrics") || !strings.HasSuffix(problem.Hint, command) {
		t.Errorf("%s\n%s", problem.What, problem.Hint)
	}
	// what that command sends
	m.mustDo(t, http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", `{"metadata":{"name":"auditsetup-metrics"},
		"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:monitoring"},
		"subjects":[{"kind":"ServiceAccount","namespace":"measured","name":"reader"}]}`, http.StatusCreated)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := scrape.Measure(ctx, []string{m.plane.URL()}, scrape.Options{Kubeconfig: config, Wait: time.Millisecond})
		if err == nil || ctx.Err() != nil {
			if err != nil {
				t.Error(err)
			}
			break
		}
		time.Sleep(50 * time.Millisecond) // the binding is not everywhere yet
	}
	if problem := m.refused(t, m.tokenConfig(t, "made.up.token")); !strings.Contains(problem.What, "401") || !strings.Contains(problem.Hint, "credentials") {
		t.Errorf("%+v", problem)
	}
}

// refused wants one problem that has no token in it.
func (m *measuredServer) refused(t *testing.T, config string) document.Problem {
	t.Helper()
	_, err := scrape.Measure(t.Context(), []string{scrape.Kubeconfig}, scrape.Options{Kubeconfig: config, Wait: time.Millisecond})
	problems := document.ProblemsOf(err)
	if len(problems) != 1 || problems[0].File != m.plane.URL()+"/metrics" {
		t.Fatalf("%v", err)
	}
	return problems[0]
}

// tokenConfig makes a kubeconfig with a token out of the administrator's.
func (m *measuredServer) tokenConfig(t *testing.T, token string) string {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal(readFile(t, m.plane.Kubeconfig()), &config); err != nil {
		t.Fatal(err)
	}
	user := config["users"].([]any)[0].(map[string]any)
	user["user"] = map[string]any{"token": token}
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(m.plane.Dir, fmt.Sprintf("token-%d.yaml", len(token)))
	write(t, file, text)
	return file
}
