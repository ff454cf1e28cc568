// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

// Resource is something that a request can be for, as far as an audit policy
// tells requests apart: the version of the group does not count.
type Resource struct {
	// Group is the API group, "" for the core group.
	Group string
	// Name is the plural that stands in the path, as in "pods".
	Name string
	// Subresource is what follows the name of an object in the path, as "log" of
	// pods/log; "" for the resource itself.
	Subresource string
	// Namespaced says whether an object is in a namespace.
	Namespaced bool
	// Verbs are those that the server carries out, sorted, and never empty.
	// Requests with other verbs are answered with an error, and recorded all the
	// same. See [Resources] for what connections count as.
	Verbs []string
	// Kind is that of the objects, as in "Pod", and Singular what kubectl calls
	// one, "pod". Both are empty for a subresource.
	Kind, Singular string
	// ShortNames are what kubectl takes for Name besides; mostly nil.
	ShortNames []string
	// ByDefault says whether it is there without --runtime-config and
	// --feature-gates. What was read of a cluster always is.
	ByDefault bool
	// Since is the first minor that has it, or can have it; 0 when it is older
	// than OldestSupportedMinor. Until is the last one; 0 when it is still there.
	// Both are 0 for what was read of a cluster.
	Since, Until int
}

// Resources is a set of resources, sorted by group, name and subresource; a
// resource comes before its subresources.
//
// All verbs of a request are the server's reading of method and path, whoever
// serves it (pkg/endpoints/request/requestinfo.go of k8s.io/apiserver v0.37.1):
// POST is create, GET and HEAD are get (list or watch without a name), PUT is
// update, PATCH is patch, DELETE is delete (deletecollection without a name).
// There is no verb connect. So exec, attach and portforward are create when the
// client posts, as kubectl up to 1.30 does, and get when it opens a websocket, as
// kubectl does by default since 1.31; a policy has to have both. A proxy of pods, services and
// nodes has the verb of whatever request it passes on. Since 1.35 a websocket
// also needs the permission to create, but its event still says get
// (pkg/registry/core/pod/rest/subresources.go of k8s.io/kubernetes v1.37.1).
//
// Two verbs are in no table: "" of OPTIONS, which only a proxy answers, and
// "proxy" of paths such as /api/v1/proxy/nodes/x, which are long gone.
type Resources []Resource

//go:embed resources.txt
var resourceTable string

// Resources returns what a kube-apiserver serves of its own, without custom
// resources and aggregated servers: with [Resource.ByDefault] what every one
// has, and besides what --runtime-config and --feature-gates can add. A minor
// beyond the newest in the table is taken to have what that one has, and one
// before OldestSupportedMinor what that one has. The slice is the caller's.
//
// Source: api/openapi-spec/swagger.json, api/discovery and
// pkg/controlplane/instance.go of k8s.io/kubernetes, at the releases that
// resources.txt names; test/real compares with real servers.
func (v Version) Resources() Resources {
	minor := max(v.Minor, OldestSupportedMinor)
	var found Resources
	for life := range lives {
		for _, w := range life {
			if w.since <= minor && (w.until == 0 || minor <= w.until) {
				found = append(found, w.resource(life))
			}
		}
	}
	return found
}

// EveryResource returns the resources of all known minors, each as it is in the
// newest minor that has it. The slice is the caller's.
func EveryResource() Resources {
	var all Resources
	for life := range lives {
		all = append(all, life[len(life)-1].resource(life))
	}
	return all
}

// In reports whether v has the resource, or can have it.
func (r Resource) In(v Version) bool {
	return v.Minor >= r.Since && (r.Until == 0 || v.Minor <= r.Until)
}

// Path gives "pods" or "pods/log", as policies write it.
func (r Resource) Path() string {
	if r.Subresource == "" {
		return r.Name
	}
	return r.Name + "/" + r.Subresource
}

func (r Resource) compare(other Resource) int {
	return cmp.Or(strings.Compare(r.Group, other.Group), strings.Compare(r.Name, other.Name),
		strings.Compare(r.Subresource, other.Subresource))
}

// verbLetters are how the table spells verbs, in the order of the alphabet.
var verbLetters = []struct {
	letter byte
	verb   string
}{
	{'c', "create"}, {'d', "delete"}, {'D', "deletecollection"}, {'g', "get"}, {'l', "list"}, {'p', "patch"}, {'u', "update"}, {'w', "watch"},
}

// row is a line of the table: a resource as it is in some minors. Its first line
// says what the columns are.
type row struct {
	since, until int
	group, path  string
	on           bool
	namespaced   bool
	verbs        string
	kind, short  string
}

// parseRow reads a line of the table; false for a comment.
func parseRow(line string) (row, bool) {
	// kind and short names may be missing
	f := append(strings.Fields(line), "", "")
	if len(f) < 8 || f[0] == "#" {
		return row{}, false
	}
	since, until, _ := strings.Cut(f[2], "-")
	r := row{group: f[0], path: f[1], on: f[3] == "on", namespaced: f[4] == "N", verbs: f[5], kind: f[6], short: f[7]}
	// what is no number is 0: there is no end, or the table's test finds it
	r.since, _ = strconv.Atoi(since)
	r.until, _ = strconv.Atoi(until)
	if r.group == "-" {
		r.group = ""
	}
	return r, true
}

// lives goes through the table: the lines of one resource at a time, oldest first.
func lives(yield func([]row) bool) {
	var life []row
	for line := range strings.Lines(resourceTable) {
		w, ok := parseRow(line)
		if !ok {
			continue
		}
		if len(life) > 0 && (life[0].group != w.group || life[0].path != w.path) {
			if !yield(life) {
				return
			}
			life = nil
		}
		life = append(life, w)
	}
	yield(life)
}

// resource is what a line says, and what the others of its life say of when.
func (w row) resource(life []row) Resource {
	r := Resource{
		Group: w.group, Namespaced: w.namespaced, ByDefault: w.on, Kind: w.kind, Singular: strings.ToLower(w.kind),
		Since: life[0].since, Until: life[len(life)-1].until,
	}
	if r.Since == OldestSupportedMinor {
		r.Since = 0
	}
	r.Name, r.Subresource, _ = strings.Cut(w.path, "/")
	if w.short != "" {
		r.ShortNames = strings.Split(w.short, ",")
	}
	for _, l := range verbLetters {
		if strings.IndexByte(w.verbs, l.letter) >= 0 {
			r.Verbs = append(r.Verbs, l.verb)
		}
	}
	return r
}

// Find returns one of them. The subresource is "" for the resource itself.
func (rs Resources) Find(group, name, subresource string) (Resource, bool) {
	want := Resource{Group: group, Name: name, Subresource: subresource}
	i, found := slices.BinarySearchFunc(rs, want, Resource.compare)
	if !found {
		return Resource{}, false
	}
	return rs[i], true
}

// Groups returns the API groups, sorted, so that the core group comes first.
func (rs Resources) Groups() []string {
	var groups []string
	for _, r := range rs {
		groups = append(groups, r.Group)
	}
	return slices.Compact(groups)
}
