// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// configMapPath is where kubeadm keeps its configuration.
const configMapPath = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"

// uploaded has kubeadm put its configuration into the cluster, as init does, and
// gives the text. It is gone after the test.
func uploaded(ctx context.Context, t *testing.T, n *Node) string {
	t.Helper()
	kubeadm(ctx, t, n, "init", "phase", "upload-config", "kubeadm", "--config", filepath.Join(n.dir, "kubeadm.yaml"), "--kubeconfig", n.Kubeconfig())
	t.Cleanup(func() {
		late, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, _, err := n.Do(late, http.MethodDelete, configMapPath, "", nil); err != nil {
			t.Error(err)
		}
	})
	return clusterConfiguration(ctx, t, n)
}

func kubeadm(ctx context.Context, t *testing.T, n *Node, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, n.programs.Kubeadm, args...)
	cmd.Env = []string{}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubeadm %q: %v\n%s", args, err, out)
	}
}

func clusterConfiguration(ctx context.Context, t *testing.T, n *Node) string {
	t.Helper()
	status, body, err := n.Get(ctx, configMapPath, "")
	var m corev1.ConfigMap
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v\n%s", status, err, body)
	}
	return m.Data["ClusterConfiguration"]
}

// rewritten has kubeadm write the manifest from what the cluster keeps, as an
// upgrade does, and waits until that is in force.
func rewritten(ctx context.Context, t *testing.T, n *Node) []byte {
	t.Helper()
	first, _, _ := bytes.Cut(readFile(t, filepath.Join(n.dir, "kubeadm.yaml")), []byte("---\n"))
	file := filepath.Join(t.TempDir(), "kubeadm.yaml")
	if err := os.WriteFile(file, append(first, "---\n"+clusterConfiguration(ctx, t, n)...), 0o600); err != nil {
		t.Fatal(err)
	}
	old := running(ctx, t, n).PodUID
	kubeadm(ctx, t, n, "init", "phase", "control-plane", "apiserver", "--config", file)
	manifest := readFile(t, Manifest)
	// The command line may be the same, and only the annotations gone.
	err := n.kubelet.until(ctx, func(ctx context.Context) error {
		c, err := n.Running(ctx)
		if err != nil {
			return err
		}
		if c.PodUID == old {
			return errors.New("the API server of before still runs")
		}
		return n.InForce(ctx, manifest)
	})
	if err != nil {
		t.Fatal(err)
	}
	mirrored(ctx, t, n)
	return manifest
}

// TestPersist has kubeadm write the manifest anew from the ConfigMap that enable
// has changed: audit goes on, enable finds nothing to do, and disable gives back
// manifest and ConfigMap.
func TestPersist(t *testing.T) {
	ctx, n := fresh(t)
	before := uploaded(ctx, t, n)
	w := watch(t, n)
	out, _ := tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	holds(t, out, " was read back: ", "kept      in the configmap kube-system/kubeadm-config")
	oneStart(t, w, "enable")
	holds(t, clusterConfiguration(ctx, t, n), "audit-policy-file", "audit-log-path", "auditsetup-policy")
	mirrored(ctx, t, n)

	manifest := rewritten(ctx, t, n)
	holds(t, string(manifest), "--audit-policy-file=")
	if bytes.Contains(manifest, []byte("auditsetup.io/")) {
		t.Errorf("kubeadm writes annotations:\n%s", manifest)
	}
	marked(ctx, t, n, http.MethodGet, "/api/v1/namespaces/default/secrets")
	w = watch(t, n)
	out, _ = tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	holds(t, out, "nothing to do: ")
	time.Sleep(relist)
	if report := w.Stop(); len(report.Started) > 0 || len(report.Outages) > 0 {
		t.Errorf("a run with nothing to do disturbed the API server: %+v", report)
	}

	w = watch(t, n)
	tool(t, n.Auditsetup(ctx, "disable", "--yes"), 0)
	oneStart(t, w, "disable")
	asBefore(ctx, t, n)
	if got := clusterConfiguration(ctx, t, n); got != before {
		t.Errorf("the ConfigMap is\n%s\nwant\n%s", got, before)
	}
}

// TestPersistRollback takes the ConfigMap's change back along with the files'.
func TestPersistRollback(t *testing.T) {
	ctx, n := fresh(t)
	before := uploaded(ctx, t, n)
	tool(t, n.Auditsetup(ctx, "enable", "--yes", "--persist=kubeadm-config"), 0)
	holds(t, clusterConfiguration(ctx, t, n), "audit-policy-file")
	tool(t, n.Auditsetup(ctx, "rollback", "--yes"), 0)
	asBefore(ctx, t, n)
	if got := clusterConfiguration(ctx, t, n); got != before {
		t.Errorf("the ConfigMap is\n%s\nwant\n%s", got, before)
	}
}

// TestPersistUpgrade has the real kubeadm upgrade write the manifest, which reads
// the cluster and nothing else: audit goes on, and there is nothing to do.
func TestPersistUpgrade(t *testing.T) {
	_, n := fresh(t)
	// kubeadm waits for mirror pods, in 1.30 for more than three minutes.
	ctx, cancel := context.WithTimeout(t.Context(), 2*testLimit)
	defer cancel()
	uploaded(ctx, t, n)
	config := filepath.Join(n.dir, "kubeadm.yaml")
	kubeadm(ctx, t, n, "init", "phase", "upload-config", "all", "--config", config, "--kubeconfig", n.Kubeconfig())
	// It looks for these too, and leaves them alone where they are as they are to
	// be. There are no images for them.
	for _, c := range []string{"controller-manager", "scheduler"} {
		kubeadm(ctx, t, n, "init", "phase", "control-plane", c, "--config", config)
	}
	leaveSocket(t)
	tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	mirrored(ctx, t, n)
	cmd := exec.CommandContext(ctx, n.programs.Kubeadm, "upgrade", "node", "phase", "control-plane", "--etcd-upgrade=false", "--certificate-renewal=false", "--kubeconfig", n.Kubeconfig())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []string{"controller-manager", "scheduler"} {
		if err := os.Remove(filepath.Join(manifestsDir, "kube-"+c+".yaml")); err != nil {
			t.Error(err)
		}
	}
	manifest := readFile(t, Manifest)
	if bytes.Contains(manifest, []byte("auditsetup.io/")) {
		t.Error("kubeadm has not written the manifest")
	}
	if err := n.InForce(ctx, manifest); err != nil {
		t.Error(err)
	}
	marked(ctx, t, n, http.MethodGet, "/api/v1/namespaces/default/secrets")
	w := watch(t, n)
	out, _ := tool(t, n.Auditsetup(ctx, "enable", "--yes"), 0)
	holds(t, out, "nothing to do: ")
	time.Sleep(relist)
	if report := w.Stop(); len(report.Started) > 0 || len(report.Outages) > 0 {
		t.Errorf("a run with nothing to do disturbed the API server: %+v", report)
	}
}

// leaveSocket leaves the runtime's socket where kubeadm init does from 1.34 on,
// as it starts the kubelet. Before, and it still looks there first, it was an
// annotation of the node, by the phase upload-config (kubernetes
// cmd/kubeadm/app/util/config/cluster.go, GetNodeRegistration).
func leaveSocket(t *testing.T) {
	t.Helper()
	const file = "/var/lib/kubelet/instance-config.yaml"
	t.Cleanup(func() {
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(file, []byte("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncontainerRuntimeEndpoint: "+criSocket+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
