// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// everything is how upstream runs the server that its discovery data is taken
// from (hack/update-openapi-spec.sh of k8s.io/kubernetes).
var everything = []string{"--runtime-config=api/all=true", "--feature-gates=AllAlpha=true,AllBeta=true", "--enable-logs-handler"}

// metadataOfAll records one event of each request.
const metadataOfAll = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
`

// TestLiveResources holds the tables of resources and paths to real servers:
// what the table says is there by default, and what can be, is what the server
// tells, and the verbs are those that it carries out and that its events have.
// Definitions of custom resources are read as it reads them.
func TestLiveResources(t *testing.T) {
	t.Parallel()
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
		policyFile := filepath.Join(plane.Dir, "policy.yaml")
		if err := os.WriteFile(policyFile, []byte(metadataOfAll), 0o600); err != nil {
			t.Fatal(err)
		}
		client, err := controlplane.ClientFor(plane.Kubeconfig())
		if err != nil {
			t.Fatal(err)
		}
		// the last one makes custom resources, which stay
		for _, flags := range [][]string{everything, nil} {
			name := fmt.Sprintf("flags-%d", len(flags))
			s := surface{url: plane.URL(), client: client, version: version, all: flags != nil, log: filepath.Join(plane.Dir, "log", name+".log"), served: map[string]string{}}
			t.Logf("with %q", flags)
			argv := slices.Concat(command, flags, []string{"--audit-policy-file=" + policyFile, "--audit-log-path=" + s.log})
			server := plane.StartAPIServer(t, argv)
			s.sameResources(t)
			s.samePaths(t)
			s.sameVerbs(t)
			if !s.all {
				s.sameDefinitions(t)
			}
			server.Stop()
			client.CloseIdleConnections()
		}
	})
}

// surface is what a running server serves.
type surface struct {
	url     string
	client  *http.Client
	version apiserver.Version
	// all says whether everything is on.
	all bool
	// log is its audit log.
	log string
	// served has the path of a version that is served for each resource, such
	// as "/apis/apps/v1" for "apps deployments/scale".
	served map[string]string
}

// table is what the table says that it serves.
func (s surface) table() apiserver.Resources {
	return slices.DeleteFunc(s.version.Resources(), func(r apiserver.Resource) bool { return !s.all && !r.ByDefault })
}

func (s surface) get(t *testing.T, path string) []byte {
	t.Helper()
	got := s.do(t, http.MethodGet, path, "", nil)
	if got.status != http.StatusOK {
		t.Fatalf("%s: status %d\n%s", path, got.status, got.body)
	}
	return got.body
}

// discovered is the server's discovery, version by version, read as a user's
// file would be.
func (s surface) discovered(t *testing.T) apiserver.Resources {
	t.Helper()
	var groups struct {
		Groups []struct {
			Versions []struct{ GroupVersion string }
		}
	}
	if err := json.Unmarshal(s.get(t, "/apis"), &groups); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/api/v1"}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			paths = append(paths, "/apis/"+v.GroupVersion)
		}
	}
	var saved bytes.Buffer
	for _, path := range paths {
		body := s.get(t, path)
		saved.Write(body)
		part, err := apiserver.ReadDiscovery(path, body)
		if err != nil {
			t.Error(err)
		}
		for _, r := range part {
			s.served[r.Group+" "+r.Path()] = path
		}
	}
	found, err := apiserver.ReadDiscovery("discovery", saved.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sameResources compares all that discovery tells, in both of its forms.
func (s surface) sameResources(t *testing.T) {
	t.Helper()
	real := s.discovered(t)
	sameLines(t, resourceLines(s.table()), resourceLines(real))
	if len(real) < 90 {
		t.Errorf("the server has %d resources", len(real))
	}
	if s.version.AtLeast(27) {
		sameLines(t, resourceLines(s.aggregated(t)), resourceLines(real))
	}
}

// resourceLines puts all that a server tells of a resource on a line.
func resourceLines(rs apiserver.Resources) []string {
	var all []string
	for _, r := range rs {
		short := slices.Sorted(slices.Values(r.ShortNames))
		all = append(all, fmt.Sprintf("%q %s namespaced=%t %v %s %s %v", r.Group, r.Path(), r.Namespaced, r.Verbs, r.Kind, r.Singular, short))
	}
	return all
}

// sameLines wants two sets of lines to be the same.
func sameLines(t *testing.T, table, real []string) {
	t.Helper()
	for _, line := range table {
		if !slices.Contains(real, line) {
			t.Errorf("only the table has %s", line)
		}
	}
	for _, line := range real {
		if !slices.Contains(table, line) {
			t.Errorf("only the server has %s", line)
		}
	}
}

// aggregated is the server's discovery of all groups at once.
func (s surface) aggregated(t *testing.T) apiserver.Resources {
	t.Helper()
	form := "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
	var saved []byte
	for _, path := range []string{"/api", "/apis"} {
		answer := s.do(t, http.MethodGet, path, "", http.Header{"Accept": {form}})
		saved = append(saved, answer.body...)
	}
	found, err := apiserver.ReadDiscovery("discovery", saved)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// examples are paths below those that the table names by their beginning.
var examples = map[string]string{
	"/api/*": "/api/v1", "/apis/*": "/apis/apps/v1", "/healthz/*": "/healthz/ping", "/livez/*": "/livez/ping", "/readyz/*": "/readyz/ping",
	"/debug/pprof/*": "/debug/pprof/symbol", "/debug/flags/*": "/debug/flags/v", "/openapi/v3/*": "/openapi/v3/api/v1", "/logs/*": "/logs/",
	"/debug/api_priority_and_fairness/*": "/debug/api_priority_and_fairness/dump_queues",
}

// samePaths asks for all paths of the table, and compares it with the server's
// own list of paths, which leaves out some.
func (s surface) samePaths(t *testing.T) {
	t.Helper()
	var listed struct{ Paths []string }
	if err := json.Unmarshal(s.get(t, "/"), &listed); err != nil {
		t.Fatal(err)
	}
	for _, path := range listed.Paths {
		// the server lists /openapi/v3/ for what is below
		if !s.version.ServesPath(path) && !s.version.ServesPath(path+"*") {
			t.Errorf("the server lists %s", path)
		}
	}
	for _, p := range s.version.Paths() {
		path, below := examples[p.Path]
		if !below {
			path = p.Path
		}
		if strings.HasSuffix(path, "*") {
			t.Errorf("no example of %s", path)
		}
		status := s.do(t, http.MethodGet, path, "", nil).status
		if there := status != http.StatusNotFound; there != (s.all || p.ByDefault) {
			t.Errorf("GET %s: status %d, by default %t, everything on %t", path, status, p.ByDefault, s.all)
		}
	}
}

// definitions have what makes a difference to what is served.
const definitions = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wdg]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: &any {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    subresources: {status: {}}
  - {name: v2, served: true, storage: false, schema: *any, subresources: {scale: {specReplicasPath: .spec.a, statusReplicasPath: .status.b}}}
  - {name: v3, served: false, storage: false, schema: *any}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgetries.a.io}
spec:
  group: a.io
  scope: Cluster
  names: {plural: gadgetries, singular: gadgetry, kind: Gadgetry}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
  - {name: v2, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}, subresources: {status: {}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: unserved.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: unserved, kind: Unserved}
  versions: [{name: v1, served: false, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

// sameDefinitions makes custom resources, and waits for discovery to have them.
func (s surface) sameDefinitions(t *testing.T) {
	t.Helper()
	custom, err := apiserver.ReadCRDs("definitions", []byte(definitions))
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(definitions, "---\n") {
		object, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := s.send(t, http.MethodPost, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "", nil, object)
		if got.status != http.StatusCreated {
			t.Fatalf("status %d\n%s", got.status, got.body)
		}
	}
	deadline := time.Now().Add(time.Minute)
	for _, path := range []string{"/apis/a.io/v1", "/apis/example.com/v1", "/apis/example.com/v2"} {
		for s.do(t, http.MethodGet, path, "", nil).status != http.StatusOK {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not come", path)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	sameLines(t, resourceLines(s.table().With(custom)), resourceLines(s.discovered(t)))
}
