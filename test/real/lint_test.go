// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/cluster"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// lintedPolicy has a custom resource in the singular, and a group that is nowhere.
const lintedPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  userGroups: ["system:serviceaccounts"]
  resources:
  - group: example.com
    resources: [widget]
  - group: nowhere.test
- level: Metadata
`

// brokenService is an aggregated API whose server is not there.
const brokenService = `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1beta1.metrics.k8s.io"},
"spec":{"group":"metrics.k8s.io","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,
"service":{"namespace":"kube-system","name":"metrics-server"}}}`

// lintedCluster is a real cluster, and the program with a policy.
type lintedCluster struct {
	surface
	plane           *controlplane.ControlPlane
	program, policy string
}

// TestLiveLint has a policy held against what a real kube-apiserver serves: its own
// resources, custom ones, and an aggregated API that is broken; as the
// administrator, as nobody, as somebody unknown, and when it is down.
func TestLiveLint(t *testing.T) {
	t.Parallel()
	program := build(t)
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		version, err := apiserver.ParseVersion(bins.Version)
		if err != nil {
			t.Fatal(err)
		}
		plane := newControlPlane(t, bins)
		command, err := controlplane.Command(plane.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		client, err := controlplane.ClientFor(plane.Kubeconfig())
		if err != nil {
			t.Fatal(err)
		}
		l := &lintedCluster{surface: surface{url: plane.URL(), client: client, version: version}, plane: plane, program: program, policy: filepath.Join(plane.Dir, "linted.yaml")}
		write(t, l.policy, []byte(lintedPolicy))
		server := plane.StartAPIServer(t, command)
		l.checkServed(t)
		l.checkRefused(t)
		server.Stop()
		client.CloseIdleConnections()
		l.lints(t, plane.Kubeconfig(), 1, nil, []string{": cannot be asked: connection refused"})
	})
}

// checkServed has more and more served.
func (l *lintedCluster) checkServed(t *testing.T) {
	t.Helper()
	config := l.plane.Kubeconfig()
	own := l.whenServed(t, func(s cluster.Served) bool { return len(s.Missing) == 0 })
	sameLines(t, resourceLines(l.table()), resourceLines(own.Resources))
	l.lints(t, config, 3, []string{`nor the cluster serves the group "example.com" [unknown-group]`, `warning: neither`, `nor the cluster serves the group "nowhere.test"`}, nil)

	definition, _, _ := strings.Cut(strings.TrimPrefix(definitions, "\n"), "---\n")
	object, err := yaml.YAMLToJSON([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	l.create(t, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", object)
	custom := l.whenServed(t, func(s cluster.Served) bool {
		return slices.ContainsFunc(s.Resources, func(r apiserver.Resource) bool { return r.Path() == "widgets/scale" })
	})
	more, err := apiserver.ReadCRDs("definition", []byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	sameLines(t, resourceLines(l.table().With(more)), resourceLines(custom.Resources))
	l.lints(t, config, 3, []string{"serves no widget in example.com [unknown-resource]", "hint: write widgets in example.com", `warning: neither`, `"nowhere.test"`}, nil)

	l.create(t, "/apis/apiregistration.k8s.io/v1/apiservices", []byte(brokenService))
	part := l.whenServed(t, func(s cluster.Served) bool { return len(s.Missing) > 0 })
	sameLines(t, resourceLines(custom.Resources), resourceLines(part.Resources))
	if len(part.Missing) != 1 {
		t.Errorf("%v", part.Missing)
	}
	l.lints(t, config, 3, []string{"serves no widget in example.com [unknown-resource]", `info: kube-apiserver`, `does not serve the group "nowhere.test" itself [unknown-group]`},
		[]string{"auditsetup: warning: " + l.url + ": what it serves in metrics.k8s.io/v1beta1 is not known: ", "hint: see kubectl get apiservice v1beta1.metrics.k8s.io"})
}

// checkRefused asks as those who may not.
func (l *lintedCluster) checkRefused(t *testing.T) {
	t.Helper()
	nobody, unknown := l.as(t, "nobody", map[string]any{}), l.as(t, "unknown", map[string]any{"token": "made.up.token"})
	l.lints(t, nobody, 1, nil, []string{"error: " + l.url + ": nobody may not read it: that takes the verb get on the nonResourceURLs /api", "hint: ask with credentials"})
	l.lints(t, unknown, 1, nil, []string{"error: " + l.url + ": answers 401 Unauthorized", "hint: the credentials of the kubeconfig are not taken"})
}

// whenServed asks until something is there, as that takes kube-apiserver a while.
func (l *lintedCluster) whenServed(t *testing.T, there func(cluster.Served) bool) cluster.Served {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		served, err := cluster.Discover(t.Context(), cluster.Kubeconfig{File: l.plane.Kubeconfig()})
		if err != nil {
			t.Fatal(err)
		}
		if there(served) {
			return served
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d resources, missing %v", len(served.Resources), served.Missing)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (l *lintedCluster) create(t *testing.T, path string, object []byte) {
	t.Helper()
	if got := l.send(t, http.MethodPost, path, "", nil, object); got.status != http.StatusCreated {
		t.Fatalf("status %d\n%s", got.status, got.body)
	}
}

// as makes a kubeconfig of another user out of the administrator's.
func (l *lintedCluster) as(t *testing.T, name string, user map[string]any) string {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal(readFile(t, l.plane.Kubeconfig()), &config); err != nil {
		t.Fatal(err)
	}
	config["users"].([]any)[0].(map[string]any)["user"] = user
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(l.plane.Dir, name+".yaml")
	write(t, file, text)
	return file
}

// lints runs the program, and wants its exit code and what it says, and nothing
// where nothing is named.
func (l *lintedCluster) lints(t *testing.T, config string, code int, out, errs []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), l.program, "policy", "lint", l.policy, "--kube-version", l.version.String(), "--discovery", "kubeconfig", "--kubeconfig", config)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	ok := cmd.ProcessState.ExitCode() == code && (out != nil || stdout.Len() == 0) && (errs != nil || stderr.Len() == 0) && !strings.Contains(stderr.String(), "made.up")
	for _, text := range out {
		ok = ok && strings.Contains(stdout.String(), text)
	}
	for _, text := range errs {
		ok = ok && strings.Contains(stderr.String(), text)
	}
	if !ok {
		t.Errorf("%s: exit code %d\n%s%s\nwant %d\n%q\n%q", filepath.Base(config), cmd.ProcessState.ExitCode(), &stdout, &stderr, code, out, errs)
	}
}
