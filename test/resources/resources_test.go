// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path           string
		want           key
		version        string
		namespaced, ok bool
	}{
		{"/api/v1/namespaces/{namespace}/pods/{name}/log", key{"", "pods", "log"}, "v1", true, true},
		{"/api/v1/pods", key{"", "pods", ""}, "v1", false, true},
		{"/api/v1/watch/namespaces/{namespace}/pods/{name}", key{"", "pods", ""}, "v1", true, true},
		{"/api/v1/namespaces/{name}", key{"", "namespaces", ""}, "v1", false, true},
		{"/api/v1/namespaces/{name}/finalize", key{"", "namespaces", "finalize"}, "v1", false, true},
		{"/api/v1/watch/namespaces", key{"", "namespaces", ""}, "v1", false, true},
		{"/api/v1/nodes/{name}/proxy/{path}", key{"", "nodes", "proxy"}, "v1", false, true},
		{"/apis/apps/v1beta1/namespaces/{namespace}/deployments/{name}/scale", key{"apps", "deployments", "scale"}, "v1beta1", true, true},
		{"/apis/apps/v1/deployments", key{"apps", "deployments", ""}, "v1", false, true},
		{"/apis/apps/v1/", key{}, "", false, false}, {"/api/v1/", key{}, "", false, false}, {"/apis/", key{}, "", false, false}, {"/logs/{logpath}", key{}, "", false, false},
	} {
		gv, k, namespaced, ok := parsePath(tt.path)
		if ok != tt.ok || ok && (k != tt.want || gv != (groupVersion{tt.want.group, tt.version}) || namespaced != tt.namespaced) {
			t.Errorf("%s: %v %v %t %t", tt.path, gv, k, namespaced, ok)
		}
	}
}

// TestDefaults reads both forms in which releases have said what is on.
func TestDefaults(t *testing.T) {
	t.Parallel()
	versions := "appsv1 \"k8s.io/api/apps/v1\"\n\tapiv1 \"k8s.io/api/core/v1\"\n\trbacv1 \"k8s.io/api/rbac/v1\"\n"
	for _, v := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		versions += "\t" + v + "v1 \"k8s.io/api/apps/" + v + "\"\n"
	}
	const more = "av1.SchemeGroupVersion, bv1.SchemeGroupVersion, cv1.SchemeGroupVersion, dv1.SchemeGroupVersion, " +
		"ev1.SchemeGroupVersion, fv1.SchemeGroupVersion, gv1.SchemeGroupVersion, hv1.SchemeGroupVersion"
	for name, body := range map[string]string{
		"calls": "func DefaultAPIResourceConfigSource() {\n\tret.EnableVersions(apiv1.SchemeGroupVersion, rbacv1.SchemeGroupVersion, " + more + ")\n" +
			"\tret.EnableResources(appsv1.SchemeGroupVersion.WithResource(\"deployments\"))\n\tret.DisableVersions(appsv1.SchemeGroupVersion)\n}\n",
		"lists": "var (\n\ton = []GV{apiv1.SchemeGroupVersion, rbacv1.SchemeGroupVersion, " + more + "}\n\tsome = []GVR{appsv1.SchemeGroupVersion.WithResource(\"deployments\")}\n)\n" +
			"func DefaultAPIResourceConfigSource() {\n\tret.EnableVersions(on...)\n\tret.EnableResources(some...)\n\tret.DisableVersions(off...)\n}\n",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, filepath.FromSlash(sources[0]))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("package p\n\nimport (\n\t"+versions+")\n\n"+body), 0o600); err != nil {
			t.Fatal(err)
		}
		all := surface{{"apps", "v1"}: nil, {"rbac.authorization.k8s.io", "v1"}: nil}
		got, err := readDefaults(dir, all)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			gv   groupVersion
			k    key
			want bool
		}{
			{groupVersion{"", "v1"}, key{"", "pods", ""}, true}, {groupVersion{"rbac.authorization.k8s.io", "v1"}, key{"rbac.authorization.k8s.io", "roles", ""}, true},
			{groupVersion{"apps", "v1"}, key{"apps", "deployments", "scale"}, true}, {groupVersion{"apps", "v1"}, key{"apps", "daemonsets", ""}, false},
			{groupVersion{"apps", "v2"}, key{"apps", "deployments", ""}, false}, {groupVersion{"", "v1"}, key{"", "pods", "resize"}, false},
			{groupVersion{"apiregistration.k8s.io", "v1beta1"}, key{"apiregistration.k8s.io", "apiservices", ""}, true},
		} {
			if on := got.on(32, tt.gv, tt.k); on != tt.want {
				t.Errorf("%s: %v %v: %t", name, tt.gv, tt.k, on)
			}
		}
	}
}

// TestRows: a row goes on while nothing changes, and a gap is refused.
func TestRows(t *testing.T) {
	t.Parallel()
	var all table
	pods, old := key{"", "pods", ""}, key{"g", "old", "status"}
	all.kinds, all.names = map[key]string{pods: "Pod"}, map[key][]string{pods: {"po"}}
	for minor, rows := range []map[key]row{
		{pods: {verbs: "g", on: true, namespaced: true}, old: {verbs: "u"}}, {pods: {verbs: "g", on: true, namespaced: true}, old: {verbs: "u"}}, {pods: {verbs: "gl", on: true, namespaced: true}},
	} {
		for k, r := range rows {
			r.since, r.until = 18+minor, 18+minor
			rows[k] = r
		}
		if err := all.append(rows); err != nil {
			t.Fatal(err)
		}
		all.newest = 18 + minor
	}
	text, err := all.text()
	want := "- pods 18-19 on N g Pod po\n- pods 20- on N gl Pod po\ng old/status 18-19 off C u\n"
	if err != nil || !strings.HasSuffix(string(text), want) {
		t.Errorf("error %v, got\n%s", err, text)
	}
	if err := all.append(map[key]row{old: {since: 21, until: 21, verbs: "u"}}); err == nil {
		t.Error("a gap was taken")
	}
}
