// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/test/real/controlplane"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// kept is a cluster in whose ConfigMap the setup is kept.
type kept struct {
	persist.ConfigMaps
	plane   *controlplane.ControlPlane
	dir     string
	desired *setup.Desired
	want    *render.Kubeadm
	plain   []byte // the manifest that kubeadm writes from the ConfigMap without audit
	// meanwhile changes the configuration between a Get and its Update, once.
	meanwhile func(text string) string
	conflicts int
}

// newKept has kubeadm put its configuration into a real cluster.
func newKept(t *testing.T, bins release.Binaries) *kept {
	t.Helper()
	k := &kept{plane: newControlPlane(t, bins)}
	command, err := controlplane.Command(k.plane.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	k.plane.StartAPIServer(t, command)
	k.dir = filepath.Join(k.plane.Dir, "kept")
	if k.ConfigMaps, err = persist.Connect(k.plane.Kubeconfig()); err != nil {
		t.Fatal(err)
	}
	k.upload(t, filepath.Join(k.plane.Dir, "kubeadm.yaml"))
	k.plain = k.written(t)
	m := k.manifest(t, k.plain)
	spec := setup.Spec{Policy: setup.Policy{Path: k.plane.Dir + "/audit/policy.yaml"}, Log: setup.Log{Path: k.plane.Dir + "/log/audit.log"}}
	if k.desired, err = setup.Resolve(setup.Input{Image: m.Image(), Spec: spec}); err != nil {
		t.Fatal(err)
	}
	if k.want, err = render.NewKubeadm(m, k.desired); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *kept) manifest(t *testing.T, data []byte) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Read("kube-apiserver.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Update lets somebody else be faster.
func (k *kept) Update(ctx context.Context, m *corev1.ConfigMap, o metav1.UpdateOptions) (*corev1.ConfigMap, error) {
	if k.meanwhile != nil {
		theirs, err := k.Get(ctx, "kubeadm-config", metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		theirs.Data["ClusterConfiguration"] = k.meanwhile(theirs.Data["ClusterConfiguration"])
		k.meanwhile = nil
		if _, err := k.ConfigMaps.Update(ctx, theirs, o); err != nil {
			return nil, err
		}
	}
	updated, err := k.ConfigMaps.Update(ctx, m, o)
	if err != nil {
		k.conflicts++
	}
	return updated, err
}

// upload has kubeadm put the configuration of a file into the cluster, in its
// own words and API version, as every upgrade does.
func (k *kept) upload(t *testing.T, file string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), k.plane.Binaries.Kubeadm, "init", "phase", "upload-config", "kubeadm", "--config", file, "--kubeconfig", k.plane.Kubeconfig())
	cmd.Env = []string{"PATH=/nonexistent"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

func (k *kept) text(t *testing.T) string {
	t.Helper()
	m, err := k.Get(t.Context(), "kubeadm-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Data["ClusterConfiguration"]
}

// file is the ConfigMap's configuration with what is the node's own in front.
func (k *kept) file(t *testing.T) string {
	t.Helper()
	api := render.KubeadmAPI(k.version())
	file := filepath.Join(k.dir, "cluster.yaml")
	write(t, file, fmt.Appendf(nil, "apiVersion: kubeadm.k8s.io/%s\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: 192.0.2.10}\n---\n%s", api, k.text(t)))
	return file
}

func (k *kept) version() apiserver.Version {
	v, err := apiserver.ParseVersion(k.plane.Binaries.Version)
	if err != nil {
		panic(err)
	}
	return v
}

// written is the manifest that kubeadm writes from the ConfigMap.
func (k *kept) written(t *testing.T) []byte {
	t.Helper()
	return kubeadmWrites(t, k.plane.Binaries, k.file(t))
}

func (k *kept) planned(t *testing.T, in persist.Input) *persist.Change {
	t.Helper()
	in.Maps = k
	c, err := persist.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPersistConfigMap keeps the setup in the ConfigMap of a real cluster while
// others write there, has the real kubeadm write the manifest from it, and takes
// it out again.
func TestPersistConfigMap(t *testing.T) {
	t.Parallel()
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		k := newKept(t, bins)
		before := k.text(t)
		k.meanwhile = func(text string) string {
			return strings.Replace(text, "clusterName: kubernetes", "clusterName: theirs", 1)
		}
		record, err := persist.Apply(t.Context(), k, k.planned(t, persist.Input{Want: k.want}))
		if err != nil || k.conflicts != 1 || !strings.Contains(k.text(t), "clusterName: theirs") {
			t.Fatalf("%v, %d conflicts:\n%s", err, k.conflicts, k.text(t))
		}
		if c := k.planned(t, persist.Input{Want: k.want}); !c.Idle() {
			t.Errorf("a second time: %+v", c)
		}
		k.likeEnabled(t)
		k.upload(t, k.file(t))
		if k.likeEnabled(t); !k.planned(t, persist.Input{Want: k.want, Kept: record}).Idle() {
			t.Errorf("after kubeadm wrote it in its own words there is something to do:\n%s", k.text(t))
		}
		k.meanwhile = func(text string) string {
			return strings.Replace(text, "clusterName: theirs", "clusterName: kubernetes", 1)
		}
		if err := persist.Undo(t.Context(), k, record); err != nil || k.conflicts != 2 {
			t.Errorf("undo: %v, %d conflicts", err, k.conflicts)
		}
		k.upload(t, k.file(t)) // apiServer: {} or nothing, as kubeadm has it
		if got := k.text(t); got != before {
			t.Errorf("undo gives\n%s\nwant\n%s", got, before)
		}
		if got := k.written(t); !bytes.Equal(got, k.plain) {
			t.Errorf("undo gives\n%s\nwant\n%s", got, k.plain)
		}
	})
}

// likeEnabled wants kubeadm to write from the ConfigMap what enable writes, and
// that to be taken for our own work.
func (k *kept) likeEnabled(t *testing.T) {
	t.Helper()
	enabled, err := manifest.Apply(k.manifest(t, k.plain), k.desired.Want())
	if err != nil {
		t.Fatal(err)
	}
	data := k.written(t)
	got, want := auditPart(t, data), auditPart(t, enabled.After)
	if want.Annotations = nil; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if rest := withoutAudit(t, data); !reflect.DeepEqual(rest, withoutAudit(t, k.plain)) {
		t.Errorf("beside audit it is\n%s\nwant\n%s", data, k.plain)
	}
	if !persist.Settled(k.manifest(t, data), k.desired.Want(), false) {
		t.Error("it is not settled")
	}
	has, err := render.KubeadmOf("f", []byte(k.text(t)))
	if err != nil {
		t.Fatal(err)
	}
	adopted, ok := persist.Adopt("m", data, has)
	if !ok {
		t.Fatalf("it is not taken for ours:\n%s", data)
	}
	undone, err := manifest.Undo(adopted)
	if err != nil || !bytes.Equal(undone.After, k.plain) {
		t.Errorf("%v: without audit it is\n%s\nwant\n%s", err, undone.After, k.plain)
	}
	again, err := manifest.Apply(adopted, k.desired.Want())
	if err != nil || !bytes.Equal(again.After, enabled.After) {
		t.Errorf("%v: enable gives\n%s\nwant\n%s", err, again.After, enabled.After)
	}
}

// TestPersistPatches keeps the setup in a folder, and has nothing in the
// ConfigMap then.
func TestPersistPatches(t *testing.T) {
	t.Parallel()
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		k := newKept(t, bins)
		if _, err := persist.Apply(t.Context(), k, k.planned(t, persist.Input{Want: k.want})); err != nil {
			t.Fatal(err)
		}
		patches := filepath.Join(k.dir, "patches")
		c := k.planned(t, persist.Input{Mode: persist.KubeadmPatches, Want: k.want, Patches: k.folder(t, patches)})
		for _, f := range c.Files {
			write(t, f.Path, f.New)
		}
		if _, err := persist.Apply(t.Context(), k, c); err != nil {
			t.Fatal(err)
		}
		if got := k.written(t); !bytes.Equal(got, k.plain) {
			t.Errorf("without the patches it is\n%s\nwant\n%s", got, k.plain)
		}
		file := k.file(t)
		write(t, file, bytes.Replace(readFile(t, file), []byte("---\n"), []byte("patches: {directory: "+patches+"}\n---\n"), 1))
		data := kubeadmWrites(t, bins, file)
		enabled, err := manifest.Apply(k.manifest(t, k.plain), k.desired.Want())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := auditPart(t, data), auditPart(t, enabled.After); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if !persist.Settled(k.manifest(t, data), k.desired.Want(), true) {
			t.Error("it is not settled")
		}
		if again := k.planned(t, persist.Input{Want: k.want, Patches: k.folder(t, patches)}); !again.Idle() || again.Mode != persist.KubeadmPatches {
			t.Errorf("a second time: %+v", again)
		}
	})
}

func (k *kept) folder(t *testing.T, dir string) persist.Folder {
	t.Helper()
	f, err := persist.ReadFolder("", dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
