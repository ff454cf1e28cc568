// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package persist_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
)

var configMaps = schema.GroupResource{Resource: "configmaps"}

// store is a ConfigMap that changes by resourceVersion, as in a cluster; test/real
// has a real one. Before an update it calls meanwhile once, if that is set.
type store struct {
	missing   bool
	data      map[string]string
	version   int
	meanwhile func(*store)
	fail      []error // of the next updates
	updates   int
}

func (s *store) Get(context.Context, string, metav1.GetOptions) (*corev1.ConfigMap, error) {
	if s.missing {
		return nil, apierrors.NewNotFound(configMaps, "kubeadm-config")
	}
	m := &corev1.ConfigMap{Data: map[string]string{}}
	for k, v := range s.data {
		m.Data[k] = v
	}
	m.ResourceVersion = strconv.Itoa(s.version)
	return m, nil
}

func (s *store) Update(_ context.Context, m *corev1.ConfigMap, _ metav1.UpdateOptions) (*corev1.ConfigMap, error) {
	if f := s.meanwhile; f != nil {
		s.meanwhile = nil
		f(s)
		s.version++
	}
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		return nil, err
	}
	if m.ResourceVersion != strconv.Itoa(s.version) {
		return nil, apierrors.NewConflict(configMaps, m.Name, errors.New("it has been modified"))
	}
	s.data, s.version = m.Data, s.version+1
	s.updates++
	return m, nil
}

const key = "ClusterConfiguration"

const config = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer: {}\nkubernetesVersion: v1.37.1\n"

func newStore(text string) *store { return &store{data: map[string]string{key: text, "other": "x"}} }

func want(age string) *render.Kubeadm {
	return &render.Kubeadm{
		Flags:  []manifest.Flag{{Name: "audit-policy-file", Value: "/a/p.yaml"}, {Name: "audit-log-maxage", Value: age}},
		Mounts: []manifest.Mount{{Name: "auditsetup-policy", HostPath: "/a", MountPath: "/a", Type: "Directory", ReadOnly: true}},
	}
}

func plan(t *testing.T, in persist.Input) *persist.Change {
	t.Helper()
	c, err := persist.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func applied(t *testing.T, s *store, in persist.Input) *persist.Record {
	t.Helper()
	in.Maps = s
	r, err := persist.Apply(t.Context(), s, plan(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClusterThereAndBack(t *testing.T) {
	t.Parallel()
	s := newStore(config)
	r := applied(t, s, persist.Input{Want: want("30")})
	if !strings.Contains(s.data[key], "value: \"30\"") || s.data["other"] != "x" {
		t.Fatalf("%q", s.data)
	}
	if c := plan(t, persist.Input{Want: want("30"), Maps: s}); !c.Idle() || c.Mode != persist.KubeadmConfig {
		t.Errorf("a second time: %+v", c)
	}
	text, err := json.Marshal(r.Then(applied(t, s, persist.Input{Want: want("7"), Kept: r})))
	if err != nil {
		t.Fatal(err)
	}
	var both persist.Record
	if err := json.Unmarshal(text, &both); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.data[key], `"7"`) || strings.Contains(s.data[key], `"30"`) {
		t.Fatalf("%s", s.data[key])
	}
	if err := persist.Undo(t.Context(), s, &both); err != nil || s.data[key] != config {
		t.Errorf("%v:\n%s", err, s.data[key])
	}
	if err := persist.Undo(t.Context(), s, &both); err != nil || s.updates != 3 {
		t.Errorf("a second time: %v, %d updates", err, s.updates)
	}
}

// TestClusterTakenOut takes out what is kept without a record, and with one puts
// back what was there.
func TestClusterTakenOut(t *testing.T) {
	t.Parallel()
	theirs := strings.Replace(config, "apiServer: {}", "apiServer:\n  extraArgs:\n  - name: audit-log-maxage\n    value: \"5\" # mine", 1)
	s := newStore(theirs)
	r := applied(t, s, persist.Input{Want: want("30"), TakeOver: true})
	s.data[key] = strings.Replace(s.data[key], "v1.37.1", "v1.38.0", 1) // an upgrade
	c := plan(t, persist.Input{Maps: s, Kept: r})
	if _, err := persist.Apply(t.Context(), s, c); err != nil || !strings.Contains(s.data[key], "value: \"5\" # mine\nkubernetesVersion: v1.38.0\n") || strings.Contains(s.data[key], "policy") {
		t.Errorf("%v:\n%s", err, s.data[key])
	}
	if c := plan(t, persist.Input{Maps: s}); !c.Idle() {
		t.Errorf("with nothing of ours: %+v", c)
	}
	applied(t, s, persist.Input{Want: want("30"), TakeOver: true})
	applied(t, s, persist.Input{})
	if strings.Contains(s.data[key], "audit") {
		t.Errorf("without a record:\n%s", s.data[key])
	}
}

func TestClusterForeign(t *testing.T) {
	t.Parallel()
	theirs := strings.Replace(config, "apiServer: {}", "apiServer:\n  extraArgs:\n  - name: audit-log-maxage\n    value: \"5\"\n  - name: audit-log-format\n    value: legacy", 1)
	for _, in := range []persist.Input{{Want: want("30")}, {Want: want("30"), Mode: persist.KubeadmPatches, Patches: persist.Folder{Path: "/p"}}} {
		in.Maps = newStore(theirs)
		_, err := persist.Plan(t.Context(), in)
		if p := document.ProblemsOf(err); len(p) != 2 || p[0].Line != 5 || !strings.Contains(p[0].Hint, "--take-over") {
			t.Errorf("%s: %v", in.Mode, err)
		}
		in.TakeOver = true
		if c := plan(t, in); len(c.Notes) != 2 || c.Cluster == nil {
			t.Errorf("%s: %+v", in.Mode, c)
		}
	}
}

// TestClusterKnownByRecord: where somebody else's volume shows the folder, there is
// no volume of ours to know our arguments by.
func TestClusterKnownByRecord(t *testing.T) {
	t.Parallel()
	theirs := strings.Replace(config, "apiServer: {}", "apiServer:\n  extraVolumes:\n  - {name: mine, hostPath: /a, mountPath: /a}", 1)
	s := newStore(theirs)
	r := applied(t, s, persist.Input{Want: want("30")})
	if _, err := persist.Plan(t.Context(), persist.Input{Want: want("7"), Maps: s}); err == nil {
		t.Error("without a record they are taken for ours")
	}
	if c := plan(t, persist.Input{Want: want("7"), Maps: s, Kept: r}); c.Cluster == nil || len(c.Notes) > 0 {
		t.Errorf("%+v", c)
	}
	if applied(t, s, persist.Input{Kept: r}); s.data[key] != theirs {
		t.Errorf("taken out:\n%s", s.data[key])
	}
}

func TestThen(t *testing.T) {
	t.Parallel()
	a, b := &persist.Record{Before: "1", After: "2"}, &persist.Record{Before: "3", After: "4"}
	var none *persist.Record
	if a.Then(nil) != a || none.Then(b) != b || none.Then(nil) != nil || *a.Then(b) != (persist.Record{Before: "1", After: "4"}) {
		t.Error("records do not join")
	}
}

// TestClusterMeanwhile has somebody else change the ConfigMap between reading and
// writing.
func TestClusterMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want, err string }{
		{"another key", "v1.37.1", "v1.37.2", "v1.37.2", ""},
		{"a comment", "apiServer: {}", "apiServer: {} # theirs", "# theirs", ""},
		{"the same setup", "v1.37.1", "", "v1.37.2", ""},
		{"audit keys", "apiServer: {}", "apiServer: {extraArgs: [{name: audit-log-maxage, value: \"1\"}]}", "\"1\"", "were changed by somebody else meanwhile"},
		{"another kind", "v1beta4", "v1beta9", "v1beta9", "apiVersion is"},
	} {
		s := newStore(config)
		change := plan(t, persist.Input{Want: want("30"), Maps: s})
		s.meanwhile = func(s *store) {
			s.data[key] = strings.Replace(s.data[key], c.old, c.new, 1)
			if c.new == "" {
				s.data[key] = strings.Replace(change.Cluster.After, c.old, "v1.37.2", 1)
			}
		}
		r, err := persist.Apply(t.Context(), s, change)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) || s.updates != 0 || !strings.Contains(s.data[key], c.want) {
				t.Errorf("%s: %v, %d updates:\n%s", c.name, err, s.updates, s.data[key])
			}
			continue
		case err != nil || !strings.Contains(s.data[key], c.want) || !strings.Contains(s.data[key], "\"30\""):
			t.Errorf("%s: %v:\n%s", c.name, err, s.data[key])
		case c.new == "":
			if r != nil || s.updates != 0 {
				t.Errorf("%s: %+v, %d updates", c.name, r, s.updates)
			}
			continue
		}
		if err := persist.Undo(t.Context(), s, r); err != nil || s.data[key] != strings.Replace(config, c.old, c.new, 1) {
			t.Errorf("%s: back: %v:\n%s", c.name, err, s.data[key])
		}
	}
}

func TestClusterRequests(t *testing.T) {
	t.Parallel()
	s := newStore(config)
	s.fail = []error{apierrors.NewServiceUnavailable("starting"), apierrors.NewConflict(configMaps, "x", errors.New("y"))}
	if r := applied(t, s, persist.Input{Want: want("30")}); r == nil || s.updates != 1 {
		t.Errorf("%+v, %d updates", r, s.updates)
	}
	for _, c := range []struct {
		store *store
		err   string
	}{
		{&store{missing: true}, "is not there, so the cluster was not made by kubeadm"},
		{&store{data: map[string]string{}}, "has no ClusterConfiguration in it"},
		{newStore("a: [\n"), "not valid YAML"},
	} {
		_, err := persist.Plan(t.Context(), persist.Input{Want: want("30"), Maps: c.store})
		if p := document.ProblemsOf(err); len(p) != 1 || !strings.Contains(p[0].What, c.err) {
			t.Errorf("%s: %v", c.err, err)
		}
	}
	if _, err := persist.Plan(t.Context(), persist.Input{Want: want("30")}); err == nil || !strings.Contains(err.Error(), "--persist: the cluster is not at hand") {
		t.Errorf("%v", err)
	}
	if c := plan(t, persist.Input{Maps: &store{missing: true}}); !c.Idle() {
		t.Errorf("nothing to take out: %+v", c)
	}
	s = newStore(config)
	change := plan(t, persist.Input{Want: want("30"), Maps: s})
	s.fail = []error{apierrors.NewForbidden(configMaps, "x", errors.New("no"))}
	if _, err := persist.Apply(t.Context(), s, change); !apierrors.IsForbidden(err) || len(document.ProblemsOf(err)) != 1 || len(s.fail) != 0 {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.fail = []error{apierrors.NewServiceUnavailable("starting")}
	if _, err := persist.Apply(ctx, s, change); err == nil || !strings.Contains(err.Error(), "given up") {
		t.Errorf("%v", err)
	}
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "admin.conf")
	put(t, file, "kind: Config\n")
	for _, name := range []string{"", file, file + ".nosuch"} {
		if _, err := persist.Connect(name); len(document.ProblemsOf(err)) != 1 || document.ProblemsOf(err)[0].Hint == "" {
			t.Errorf("%q: %v", name, err)
		}
	}
}
