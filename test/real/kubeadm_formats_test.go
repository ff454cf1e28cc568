// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/test/real/receiver"
	"github.com/auditsetup/auditsetup/test/real/release"
)

// clusterText is a user's own file for kubeadm, with arguments and volumes of
// their own in it.
const clusterText = `# kept in git
apiVersion: kubeadm.k8s.io/API
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 192.0.2.10
nodeRegistration:
  name: control-plane
  criSocket: unix:///run/containerd/containerd.sock
---
apiVersion: kubeadm.k8s.io/API
kind: ClusterConfiguration
kubernetesVersion: VERSION # of the cluster
apiServer:
  # what we need beyond the defaults
  extraArgs:
ARGS
  extraVolumes:
  # not ours
  - name: zones
    hostPath: /usr/share/zoneinfo
    mountPath: /usr/share/zoneinfo
    readOnly: true
networking:
  podSubnet: 10.244.0.0/16
`

// clusterConfig is clusterText in an API version.
func clusterConfig(version, api string) []byte {
	args := "    event-ttl: 2h\n    v: \"2\" # less noise"
	if api == "v1beta4" {
		args = "  - name: event-ttl\n    value: 2h\n  - {name: v, value: \"2\"} # less noise"
	}
	return []byte(strings.NewReplacer("k8s.io/API", "k8s.io/"+api, "VERSION", version, "ARGS", args).Replace(clusterText))
}

// kubeadmWrites has the real kubeadm write the manifest.
func kubeadmWrites(t *testing.T, bins release.Binaries, config string, more ...string) []byte {
	t.Helper()
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), bins.Kubeadm, append([]string{"init", "phase", "control-plane", "apiserver", "--dry-run"}, more...)...)
	if config != "" {
		cmd.Args = append(cmd.Args, "--config", config)
	}
	cmd.Env = []string{"KUBEADM_INIT_DRYRUN_DIR=" + out}
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubeadm %s %v: %v\n%s", bins.Version, more, err, output)
	}
	if strings.Contains(string(output), "unknown field") || strings.Contains(string(output), "old API spec") {
		t.Errorf("kubeadm %s:\n%s", bins.Version, output)
	}
	for _, pattern := range []string{"kube-apiserver.yaml", "tmp/kubeadm-init-dryrun*/kube-apiserver.yaml"} {
		if found, _ := filepath.Glob(filepath.Join(out, pattern)); len(found) == 1 {
			return readFile(t, found[0])
		}
	}
	t.Fatalf("kubeadm %s wrote no manifest:\n%s", bins.Version, output)
	return nil
}

// TestKubeadmFormats has the real kubeadm write the manifest from what patch
// prints for it, and wants of it what enable writes.
func TestKubeadmFormats(t *testing.T) {
	t.Parallel()
	program := build(t)
	forEachRelease(t, func(t *testing.T, bins release.Binaries) {
		dir := scratch(t)
		to := receiver.Start(t, filepath.Join(dir, "receiver"), "127.0.0.1")
		for name, args := range map[string][]string{
			"recommended": {"--profile=recommended"},
			"webhook":     append(webhookFlags(to), "--backend=log,webhook", "--webhook-path="+filepath.Join(dir, "audit", "webhook.yaml"), "--compress"),
		} {
			args = append(args, "--policy-path="+filepath.Join(dir, "audit", "policy.yaml"), "--log-path="+filepath.Join(dir, "log", "audit.log"))
			for _, api := range render.KubeadmAPIs {
				if !readsAPI(t, bins, api) {
					continue
				}
				t.Run(name+" "+api, func(t *testing.T) {
					k := newKubeadmRun(t, program, bins, filepath.Join(dir, name, api), api, args)
					k.throughPatches(t)
					k.throughConfig(t)
				})
			}
		}
	})
}

// readsAPI says what the kubeadm of a release reads; the table in package render
// is held to it by that kubeadm itself.
func readsAPI(t *testing.T, bins release.Binaries, api string) bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeadm.yaml")
	write(t, file, clusterConfig(bins.Version, api))
	err := exec.CommandContext(t.Context(), bins.Kubeadm, "config", "images", "list", "--config", file).Run()
	minor, convErr := strconv.Atoi(strings.Split(bins.Version, ".")[1])
	if convErr != nil {
		t.Fatal(convErr)
	}
	if reads := render.ReadsKubeadmAPI(apiserver.Version{Minor: minor}, api); reads != (err == nil) {
		t.Errorf("kubeadm %s reads %s: %t, and the table says %t", bins.Version, api, err == nil, reads)
	}
	return err == nil
}

// kubeadmRun is a control plane's manifest as kubeadm writes it from a file of
// the user's, and as enable makes it.
type kubeadmRun struct {
	program, dir, config, manifest string
	bins                           release.Binaries
	args                           []string
	plain, enabled                 []byte
}

func newKubeadmRun(t *testing.T, program string, bins release.Binaries, dir, api string, args []string) *kubeadmRun {
	t.Helper()
	k := &kubeadmRun{program: program, dir: dir, bins: bins, args: args,
		config: filepath.Join(dir, "kubeadm.yaml"), manifest: filepath.Join(dir, "manifests", "kube-apiserver.yaml")}
	write(t, k.config, clusterConfig(bins.Version, api))
	k.plain = kubeadmWrites(t, bins, k.config)
	k.enabled = k.enable(t, k.plain)
	return k
}

// host runs a command that writes on a copy of a manifest, and gives back what
// becomes of it.
func (k *kubeadmRun) host(t *testing.T, manifest []byte, command ...string) []byte {
	t.Helper()
	write(t, k.manifest, manifest)
	runTool(t, k.program, append(command, "--manifest="+k.manifest, "--state-dir="+filepath.Join(k.dir, "state"), "--yes", "--no-wait")...)
	return readFile(t, k.manifest)
}

func (k *kubeadmRun) enable(t *testing.T, manifest []byte) []byte {
	t.Helper()
	return k.host(t, manifest, append([]string{"enable"}, k.args...)...)
}

// patch runs auditsetup patch on the manifest as it is without audit.
func (k *kubeadmRun) patch(t *testing.T, args ...string) []byte {
	t.Helper()
	plain := filepath.Join(k.dir, "plain.yaml")
	write(t, plain, k.plain)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), k.program, slices.Concat([]string{"patch", "--manifest=" + plain}, k.args, args)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return out
}

func (k *kubeadmRun) throughPatches(t *testing.T) {
	t.Helper()
	patches := filepath.Join(k.dir, "patches")
	k.patch(t, "--format=kubeadm-patches", "--out="+patches)
	k.patch(t, "--format=kubeadm-patches", "--out="+patches) // over what it wrote itself
	got := k.asTheHeadSays(t, patches)
	k.same(t, got, true)
	if policy, enabled := readFile(t, filepath.Join(patches, render.FilesFolder, "policy.yaml")), readFile(t, k.policy(t)); !bytes.Equal(policy, enabled) {
		t.Error("the policy beside the patches is not what enable writes")
	}
	if back := k.host(t, got, "disable"); !bytes.Equal(back, k.plain) {
		t.Errorf("disable does not give back what kubeadm writes without the patches:\n%s\nbut\n%s", k.plain, back)
	}
	k.same(t, k.enable(t, got), true)
}

// asTheHeadSays runs what the head of the patches says, with the configuration
// from a file in place of the cluster, and another API version where v1beta2 has
// no field for patches.
func (k *kubeadmRun) asTheHeadSays(t *testing.T, patches string) []byte {
	t.Helper()
	var script []string
	for _, line := range strings.Split(string(readFile(t, filepath.Join(patches, render.FlagsPatchName))), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "#"))
		if strings.HasPrefix(line, "printf ") || strings.HasPrefix(line, "kubectl ") {
			script = append(script, line)
		}
	}
	if len(script) != 2 || k.api(t) == "v1beta2" {
		if k.api(t) != "v1beta2" {
			t.Fatalf("the head says %q", script)
		}
		write(t, k.config, clusterConfig(k.bins.Version, "v1beta3"))
		defer write(t, k.config, clusterConfig(k.bins.Version, "v1beta2"))
	}
	_, cluster, _ := strings.Cut(string(readFile(t, k.config)), "---\n")
	write(t, filepath.Join(k.dir, "cluster.yaml"), []byte(cluster))
	text := strings.NewReplacer("ADDRESS", "192.0.2.10", "DIR", patches,
		"kubectl -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}'", "cat cluster.yaml").Replace(strings.Join(script, "\n"))
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", text)
	cmd.Dir = k.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	got := kubeadmWrites(t, k.bins, filepath.Join(k.dir, "init.yaml"))
	flag := kubeadmWrites(t, k.bins, "", "--patches="+patches, "--kubernetes-version="+k.bins.Version, "--apiserver-advertise-address=192.0.2.10")
	if a, b := auditPart(t, flag), auditPart(t, got); !reflect.DeepEqual(a, b) {
		t.Errorf("with --patches it gives\n%v\nwant\n%v", a, b)
	}
	return got
}

func (k *kubeadmRun) policy(t *testing.T) string {
	t.Helper()
	for _, a := range k.args {
		if path, ok := strings.CutPrefix(a, "--policy-path="); ok {
			return path
		}
	}
	t.Fatal("no policy path")
	return ""
}

func (k *kubeadmRun) throughConfig(t *testing.T) {
	t.Helper()
	into := filepath.Join(k.dir, "into.yaml")
	write(t, into, k.patch(t, "--format=kubeadm-config", "--into="+k.config))
	k.same(t, kubeadmWrites(t, k.bins, into), false)
	for _, line := range strings.SplitAfter(string(readFile(t, k.config)), "\n") {
		if !bytes.Contains(readFile(t, into), []byte(line)) {
			t.Errorf("%q is gone", line)
		}
	}
	if again := k.patch(t, "--format=kubeadm-config", "--into="+into); !bytes.Equal(again, bytes.ReplaceAll(readFile(t, into), []byte(k.config), []byte(into))) {
		t.Errorf("a second time it becomes\n%s", again)
	}
	// alone, where kubeadm's defaults are all that the cluster has
	alone := k.patch(t, "--format=kubeadm-config", "--kubeadm-api="+k.api(t))
	if !strings.HasPrefix(string(alone), "# ") {
		t.Errorf("no comment in front of\n%s", alone)
	}
	init, _, _ := strings.Cut(string(readFile(t, k.config)), "---\n")
	bare := filepath.Join(k.dir, "bare.yaml")
	write(t, bare, fmt.Appendf(nil, "%s---\n%skubernetesVersion: %s\n", init, alone, k.bins.Version))
	got, want := auditPart(t, kubeadmWrites(t, k.bins, bare)), auditPart(t, k.enabled)
	if want.Annotations = nil; !reflect.DeepEqual(got, want) {
		t.Errorf("alone it gives %v\nwant %v", got, want)
	}
}

func (k *kubeadmRun) api(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(string(readFile(t, k.config)), "kubeadm.k8s.io/")
	api, _, _ := strings.Cut(rest, "\n")
	return api
}

// same wants of a manifest what enable wrote, the order of audit flags and of
// volumes aside, and of the annotations only when they can be there.
func (k *kubeadmRun) same(t *testing.T, got []byte, annotations bool) {
	t.Helper()
	a, b := auditPart(t, got), auditPart(t, k.enabled)
	if !annotations {
		b.Annotations = nil
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %+v\nwant %+v", a, b)
	}
	if rest, want := withoutAudit(t, got), withoutAudit(t, k.plain); !reflect.DeepEqual(rest, want) {
		t.Errorf("beside audit it is\n%+v\nwant\n%+v", rest, want)
	}
}
