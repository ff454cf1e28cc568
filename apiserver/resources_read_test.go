// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
)

// crdFile has a namespaced resource with a version that is not served, one of
// the old form for the whole cluster, one that nobody is served, and others.
const crdFile = `# two marks in a row, and a comment
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {kind: CustomResourceDefinition}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd, wdg]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        description: |
          --- not a document
  - name: v2
    served: true
    subresources: {scale: {specReplicasPath: .a, statusReplicasPath: .b}}
  - name: v3
    served: false
--- # the next
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  version: v1
  scope: Cluster
  names: {plural: gadgets, kind: Gadget}
  subresources:
    status: {}
    scale: null
---
apiVersion: v1
kind: List
items:
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: unserved.example.com}
  spec:
    group: example.com
    scope: Cluster
    names: {plural: unserved, kind: Unserved}
    versions: [{name: v1, served: false, subresources: {status: {}}}]
- {kind: Pod}
- apiVersion: apiextensions.k8s.io/v1beta1
  kind: CustomResourceDefinition
  metadata: {name: old.a.io}
  spec: {group: a.io, version: v1, names: {plural: old, kind: Old}}
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: things.a.io}
  spec: {group: a.io, scope: Cluster, names: {plural: things, kind: Thing}, versions: [{name: v1, served: true}]}
`

// told is what a set of resources says, a line each.
func told(rs Resources) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s %s %t %s %s %s %v %t\n", r.Group, r.Path(), r.Namespaced, strings.Join(r.Verbs, ","), r.Kind, r.Singular, r.ShortNames, r.ByDefault)
	}
	return b.String()
}

const (
	objectVerbs = "create,delete,deletecollection,get,list,patch,update,watch"
	partVerbs   = "get,patch,update"
)

func TestReadCRDs(t *testing.T) {
	t.Parallel()
	want := "a.io old true " + objectVerbs + " Old old [] true\n" +
		"a.io things false " + objectVerbs + " Thing thing [] true\n" +
		"example.com gadgets false " + objectVerbs + " Gadget gadget [] true\n" +
		"example.com gadgets/status false " + partVerbs + "   [] true\n" +
		"example.com widgets true " + objectVerbs + " Widget widget [wd wdg] true\n" +
		"example.com widgets/scale true " + partVerbs + "   [] true\n" +
		"example.com widgets/status true " + partVerbs + "   [] true\n"
	for name, text := range map[string]string{"LF": crdFile, "CRLF": strings.ReplaceAll(crdFile, "\n", "\r\n"), "mark": "\ufeff" + crdFile} {
		got, err := ReadCRDs("crds.yaml", []byte(text))
		if err != nil || told(got) != want {
			t.Errorf("%s: error %v, got\n%swant\n%s", name, err, told(got), want)
		}
	}
	got, err := ReadCRDs("crds.json", []byte(`{"kind":"CustomResourceDefinitionList","apiVersion":"apiextensions.k8s.io/v1","items":[{
		"metadata":{"name":"things.a.io"},"spec":{"group":"a.io","scope":"Cluster","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true}]}}]}`))
	if want := "a.io things false " + objectVerbs + " Thing thing [] true\n"; err != nil || told(got) != want {
		t.Errorf("error %v, got %s", err, told(got))
	}
}

func TestReadCRDsRefuses(t *testing.T) {
	t.Parallel()
	const good = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.a.io}\n" +
		"spec:\n  group: a.io\n  scope: Cluster\n  names: {plural: things, kind: Thing}\n  versions: [{name: v1, served: true}]\n"
	if _, err := ReadCRDs("f", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{"empty", good, "", "f: has no CustomResourceDefinition in it"},
		{"something else", good, "kind: Pod\n", "f: has no CustomResourceDefinition in it"},
		{"no group", "  group: a.io\n", "", "f:8:3: spec.group is missing"},
		{"no kind", ", kind: Thing", "", "f:10:10: spec.names.kind is missing"},
		{"no versions", "  versions: [{name: v1, served: true}]\n", "", "f:8:3: spec.versions is missing"},
		{"an old version in the new form", "versions: [{name: v1, served: true}]", "version: v1", "f:8:3: spec.versions is missing"},
		{"a scope", "Cluster", "cluster", `f:9:10: spec.scope is "cluster", and has to be Namespaced or Cluster`},
		{"a version", "io/v1\n", "io/v2\n", `f:4:13: "apiextensions.k8s.io/v2" is not apiextensions.k8s.io/v1 or v1beta1`},
		{"a name", "name: things.a.io", "name: thing.a.io", `f:6:18: is called "thing.a.io", and has to be called "things.a.io" after its plural and group`},
		{"a size", "  group: a.io\n", "  group: a.io\n  more: [" + strings.Repeat("a,", 200_000) + "]\n", "f:3: has some"},
		{"types", "served: true", "served: perhaps", "f:11: cannot unmarshal !!str `perhaps` into bool"},
		{"syntax", "spec:\n", "spec: {\n", "f:8:"},
		{"a key twice", "  group: a.io\n", "  group: a.io\n  group: a.io\n", `f:9:3: key "group" is given twice`},
	} {
		text := good
		if tt.old != good {
			// what comes before counts, and is read
			text = "kind: Other\n---\n---\n" + good
		}
		changed := strings.Replace(text, tt.old, tt.new, 1)
		if changed == text {
			t.Fatalf("%s: nothing changed", tt.name)
		}
		_, err := ReadCRDs("f", []byte(changed))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
}

// TestReadCRDsAllProblems wants one file's problems together, and what is sound.
func TestReadCRDsAllProblems(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(crdFile, "scope: Namespaced", "scope: namespaced")
	text = strings.ReplaceAll(text, "group: a.io, scope", "scope")
	text = strings.ReplaceAll(text, "kind: Widget, ", "")
	got, err := ReadCRDs("f", []byte(text))
	if problems := document.ProblemsOf(err); len(problems) != 3 || problems[0].Line != 15 || problems[1].Line != 16 || problems[2].Line <= 16 {
		t.Errorf("problems %v", problems)
	}
	if r, ok := got.Find("example.com", "gadgets", ""); len(got) != 3 || !ok || r.Namespaced {
		t.Errorf("got %s", told(got))
	}
}

// TestReadCRDsOfACluster reads what kubectl prints of all definitions at once,
// which is more than is parsed at once, and finds the line of the last mistake.
func TestReadCRDsOfACluster(t *testing.T) {
	t.Parallel()
	schema := strings.Repeat("        - {a: b}\n", 15000)
	var b strings.Builder
	b.WriteString("apiVersion: v1\nitems:\n")
	for i := range 8 {
		scope := "Cluster"
		if i == 7 {
			scope = "None"
		}
		fmt.Fprintf(&b, "- apiVersion: apiextensions.k8s.io/v1\n  kind: CustomResourceDefinition\n  metadata:\n    name: r%d.a.io\n  spec:\n"+
			"    group: a.io\n    names:\n      kind: K\n      plural: r%d\n    scope: %s\n    versions:\n    - name: v1\n      schema:\n%s      served: true\n", i, i, scope, schema)
	}
	b.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	if _, err := document.Parse("f", []byte(b.String())); err == nil {
		t.Error("this is not more than is parsed at once")
	}
	got, err := ReadCRDs("f", []byte(b.String()))
	want := fmt.Sprintf("f:%d:12: spec.scope is \"None\"", 2+7*(15000+14)+10)
	if len(got) != 7 || err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%d resources, error %v, want %s", len(got), err, want)
	}
}

const legacyDiscovery = `{"kind":"APIResourceList","groupVersion":"v1","resources":[
 {"name":"pods","singularName":"","namespaced":true,"kind":"Pod","verbs":["list","watch","get"],"shortNames":["po"]},
 {"name":"pods/eviction","singularName":"","namespaced":true,"group":"policy","version":"v1","kind":"Eviction","verbs":["create"]},
 {"name":"nothing","namespaced":true,"kind":"Nothing","verbs":[]}]}`

const aggregatedDiscovery = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[
 {"metadata":{"name":"apps"},"versions":[{"version":"v1","freshness":"Current","resources":[
  {"resource":"deployments","responseKind":{"group":"","version":"","kind":"Deployment"},"scope":"Namespaced","singularResource":"deployment","verbs":["list","get"],"shortNames":["deploy"],
   "subresources":[{"subresource":"scale","responseKind":{"group":"autoscaling","version":"v1","kind":"Scale"},"verbs":["update","get"]}]}]},
  {"version":"v1beta1","resources":[{"resource":"deployments","scope":"Namespaced","verbs":["create"]}]}]}]}`

func TestReadDiscovery(t *testing.T) {
	t.Parallel()
	const core = " pods true get,list,watch Pod pod [po] true\n pods/eviction true create   [] true\n"
	const apps = "apps deployments true create,get,list Deployment deployment [deploy] true\napps deployments/scale true get,update   [] true\n"
	for _, tt := range []struct{ name, text, want string }{
		{"one list", legacyDiscovery, core},
		{"both forms, one after the other", aggregatedDiscovery + "\n" + legacyDiscovery, core + apps},
		{"without a space", legacyDiscovery + strings.Replace(aggregatedDiscovery, "/v2", "/v2beta1", 1), core + apps},
		{"the same twice", legacyDiscovery + legacyDiscovery + "\n", core},
	} {
		got, err := ReadDiscovery("f", []byte(tt.text))
		if err != nil || told(got) != tt.want {
			t.Errorf("%s: error %v, got\n%swant\n%s", tt.name, err, told(got), tt.want)
		}
	}
}

func TestReadDiscoveryRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "f: has no resources in it"},
		{"an empty list", `{"kind":"APIResourceList","groupVersion":"v1"}`, "f: has no resources in it"},
		{"groups", legacyDiscovery + "\n\n" + `{"kind":"APIGroupList","apiVersion":"v1"}`, "f:6:1: is an APIGroupList, which has groups but no resources"},
		{"kubectl api-resources", `{"kind":"APIResourceList","resources":[{"name":"pods"}]}`, "f:1:1: names no group: kubectl api-resources leaves out subresources"},
		{"a pod", "\n" + `{"kind":"Pod","apiVersion":"v1"}`, `f:2:1: is a "Pod" of "v1", and no discovery`},
		{"an old form", strings.Replace(aggregatedDiscovery, "/v2", "/v1", 1), `f:1:1: is a "APIGroupDiscoveryList" of "apidiscovery.k8s.io/v1", and no discovery`},
		{"no name", strings.Replace(legacyDiscovery, `"name":"pods"`, `"name":""`, 1), "f:1:1: a resource of v1 has no name"},
		{"no name in a group", strings.Replace(aggregatedDiscovery, `"resource":"deployments"`, `"resource":""`, 1), "f:1:1: a resource of apps v1 has no name"},
		{"cut off", legacyDiscovery + "\n" + aggregatedDiscovery[:100], "f:5:1: is not JSON: unexpected EOF"},
		{"YAML", "kind: APIResourceList\n", "f:1:1: is not JSON: invalid character"},
		{"a wrong type", strings.Replace(legacyDiscovery, `"namespaced":true`, `"namespaced":"yes"`, 1), "f:1:1: resources.namespaced is a string, which no discovery has there"},
	} {
		_, err := ReadDiscovery("f", []byte(tt.text))
		problems := document.ProblemsOf(err)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), tt.want) || problems[0].Hint == "" {
			t.Errorf("%s: %+v, want %s", tt.name, problems, tt.want)
		}
	}
	if got, err := ReadDiscovery("f", []byte("{\"kind\":\"APIGroup\"}\n"+legacyDiscovery)); err == nil || len(got) != 2 {
		t.Errorf("error %v, and %d resources beside it", err, len(got))
	}
}

// FuzzReadResources: whatever is read is sorted, has names and verbs, and what
// is refused has a place within the file.
func FuzzReadResources(f *testing.F) {
	for _, seed := range []string{crdFile, legacyDiscovery, aggregatedDiscovery, "a: &a {kind: List, items: [*a]}", "--- ---\n---x\n--- {}\n", "&a {kind: List, items: [*a, *a]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, read := range []func(string, []byte) (Resources, error){ReadCRDs, ReadDiscovery} {
			got, err := read("f", data)
			for i, r := range got {
				if r.Name == "" || len(r.Verbs) == 0 || i > 0 && got[i-1].compare(r) >= 0 {
					t.Errorf("%+v after %d others", r, i)
				}
			}
			for _, p := range document.ProblemsOf(err) {
				if p.File != "f" || p.What == "" || p.Line > 1+strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+strings.Count(string(data), "\u0085")+strings.Count(string(data), "\u2028")+strings.Count(string(data), "\u2029") {
					t.Errorf("%+v", p)
				}
			}
			if err == nil && got == nil && strings.Contains(string(data), "APIResourceList") {
				t.Errorf("nothing, and no error")
			}
		}
	})
}
