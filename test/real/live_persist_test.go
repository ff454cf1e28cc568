// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacv1client "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// configuration is kubeadm's, as the cluster has it now.
func (m *machine) configuration(t *testing.T) string {
	t.Helper()
	maps, err := persist.Connect(m.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config, err := maps.Get(t.Context(), "kubeadm-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return config.Data["ClusterConfiguration"]
}

// upload has kubeadm put its configuration into the cluster.
func (m *machine) upload(t *testing.T) string {
	t.Helper()
	m.phase(t, "upload-config", "kubeadm", "--kubeconfig", m.Kubeconfig())
	return m.configuration(t)
}

// phase runs one of kubeadm init.
func (m *machine) phase(t *testing.T, words ...string) {
	t.Helper()
	args := append([]string{"init", "phase"}, words...)
	cmd := exec.CommandContext(t.Context(), m.Binaries.Kubeadm, append(args, "--config", filepath.Join(m.Dir, "kubeadm.yaml"))...)
	cmd.Env = []string{"PATH=/nonexistent"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: no %q in\n%s", what, part, text)
		}
	}
}

// TestLivePersist keeps the setup in the ConfigMap of a real API server, moves it
// to patches and back, and takes it out.
func TestLivePersist(t *testing.T) {
	t.Parallel()
	forLiveReleases(t, func(t *testing.T, bins release.Binaries) {
		m := newMachine(t, bins)
		before := m.upload(t)
		out, _ := runs(t, m.tool(t, "enable", "--dry-run"), 0)
		contains(t, "dry run", out, "+++ b/configmap kube-system/kubeadm-config", "audit-policy-file")
		if got := m.configuration(t); got != before {
			t.Errorf("a dry run changes the ConfigMap:\n%s", got)
		}
		m.keepsWhere(t, before)
		out, text := runs(t, m.tool(t, "disable"), 0)
		contains(t, "disable", text, "is shared by all control plane nodes")
		contains(t, "disable", out, "written   configmap kube-system/kubeadm-config")
		m.asBefore(t, m.before)
		if got := m.configuration(t); got != before {
			t.Errorf("disable gives\n%s\nwant\n%s", got, before)
		}
		runs(t, m.tool(t, "rollback"), 0)
		contains(t, "disable rolled back", m.configuration(t), "audit-policy-file")
		runs(t, m.tool(t, "disable", "--persist=none"), 0)
		contains(t, "disable with none", m.configuration(t), "audit-policy-file")
		runs(t, m.tool(t, "disable"), 0)
		if got := m.configuration(t); got != before {
			t.Errorf("disable of the ConfigMap alone gives\n%s\nwant\n%s", got, before)
		}
	})
}

// keepsWhere enables here and there, and ends with the ConfigMap.
func (m *machine) keepsWhere(t *testing.T, before string) {
	t.Helper()
	runs(t, m.tool(t, "enable", "--persist=none"), 0)
	if got := m.configuration(t); got != before {
		t.Errorf("none changes the ConfigMap:\n%s", got)
	}
	started := m.starts(t)
	out, _ := runs(t, m.tool(t, "enable"), 0)
	contains(t, "enable", out, "kept      in the configmap")
	first := m.configuration(t)
	contains(t, "enable", first, "audit-policy-file", "auditsetup-policy")
	out, _ = runs(t, m.tool(t, "enable"), 0)
	contains(t, "enable again", out, "nothing to do")
	folder := filepath.Join(m.Dir, "patches")
	out, _ = runs(t, m.tool(t, "enable", "--persist=kubeadm-patches", "--patches="+folder), 0)
	contains(t, "patches", out, "kept      in "+folder)
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 || strings.Contains(m.configuration(t), "audit-") {
		t.Errorf("%v, %v:\n%s", entries, err, m.configuration(t))
	}
	out, _ = runs(t, m.tool(t, "enable"), 0)
	contains(t, "patches again", out, "nothing to do")
	runs(t, m.tool(t, "enable", "--persist=kubeadm-config"), 0)
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 || m.configuration(t) != first {
		t.Errorf("%v, %v:\n%s", entries, err, m.configuration(t))
	}
	if n := m.starts(t); n != started {
		t.Errorf("%d starts where no manifest was to be changed", n-started)
	}
}

// TestLivePersistMissing has a cluster without the ConfigMap: audit is turned on
// all the same, and what is missing is said.
func TestLivePersistMissing(t *testing.T) {
	t.Parallel()
	bins, err := cache(t).Kubernetes(t.Context(), "v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, bins)
	_, text := runs(t, m.tool(t, "enable", "--persist=kubeadm-config"), 1)
	contains(t, "asked for", text, "is not there, so the cluster was not made by kubeadm")
	if !bytes.Equal(readFile(t, m.manifest), m.before) {
		t.Error("the manifest was changed")
	}
	_, text = runs(t, m.tool(t, "enable"), 0)
	contains(t, "by default", text, "note: a kubeadm upgrade would write the manifest without audit")
}

// TestLivePersistRefused lets the administrator read the ConfigMap and not change
// it: the change is proven by then, stays, and what is left to do is said. With
// super-admin.conf, which may, the same command does that.
func TestLivePersistRefused(t *testing.T) {
	t.Parallel()
	bins, err := cache(t).Kubernetes(t.Context(), "v1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, bins)
	before := m.upload(t)
	m.allowReading(t)
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	rename(m.Kubeconfig(), m.Kubeconfig()+".away")
	out, text := runs(t, m.tool(t, "enable"), 0)
	rename(m.Kubeconfig()+".away", m.Kubeconfig())
	contains(t, "what was done", out, "was read back")
	contains(t, "what was not", text, "warning: ConfigMap kube-system/kubeadm-config: cannot be changed", "run the same command again")
	if strings.Contains(out, "kept ") || m.configuration(t) != before {
		t.Errorf("the ConfigMap is\n%s", m.configuration(t))
	}
	out, text = runs(t, m.tool(t, "enable"), 0)
	contains(t, "with super-admin.conf", out, "kept      in the configmap")
	if strings.Contains(text, "warning: ConfigMap") {
		t.Errorf("with super-admin.conf:\n%s", text)
	}
	contains(t, "with super-admin.conf", m.configuration(t), "audit-policy-file")
	out, _ = runs(t, exec.CommandContext(t.Context(), m.program, "status", "--manifest="+m.manifest, "--state-dir="+filepath.Join(m.Dir, "state")), 0)
	contains(t, "status", out, "kept      in the configmap kube-system/kubeadm-config, as it was written")
	runs(t, m.tool(t, "disable"), 0)
	m.asBefore(t, m.before)
}

// allowReading gives the group of admin.conf the right to get ConfigMaps, and no
// other.
func (m *machine) allowReading(t *testing.T) {
	t.Helper()
	m.phase(t, "kubeconfig", "admin", "--kubeconfig-dir", m.Dir)
	config, err := clientcmd.BuildConfigFromFlags("", m.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	client, err := rbacv1client.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	name := metav1.ObjectMeta{Name: "reader"}
	role := &rbacv1.Role{ObjectMeta: name, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get"}}}}
	if _, err := client.Roles("kube-system").Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "kubeadm:cluster-admins"}}}
	if _, err := client.RoleBindings("kube-system").Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
