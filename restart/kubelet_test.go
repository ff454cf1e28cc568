// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKubelets(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		file = filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\nfileCheckFrequency: 0s\n")
	write("/var/lib/kubelet/odd.yaml", `{"staticPodPath": "/a", "fileCheckFrequency": "7s", "podLogsDir": "/logs", "address": "10.0.0.5", "port": 1250, "tlsCertFile": "/k.crt"}`)
	write("/drop/20.conf", "staticPodPath: /second\n")
	write("/drop/10.conf", "staticPodPath: /first\nport: 7\n")
	write("/drop/30.yaml", "staticPodPath: /never\n")
	write("/cwd/here.yaml", "staticPodPath: manifests\n")
	want := Kubelet{Folder: "/etc/kubernetes/manifests", Check: 20 * time.Second, PodLogs: "/var/log/pods", Address: "127.0.0.1", Port: "10250"}
	for name, test := range map[string]struct {
		args []string
		want func(Kubelet) Kubelet
	}{
		"kubeadm's":        {[]string{"--config=/var/lib/kubelet/config.yaml"}, func(k Kubelet) Kubelet { return k }},
		"in two words":     {[]string{"--v", "2", "--config", "/var/lib/kubelet/config.yaml"}, func(k Kubelet) Kubelet { return k }},
		"flag over config": {[]string{"--config=/var/lib/kubelet/config.yaml", "--pod-manifest-path=/x", "--port=1"}, func(k Kubelet) Kubelet { k.Folder, k.Port = "/x", "1"; return k }},
		"everything": {[]string{"--config=/var/lib/kubelet/odd.yaml"}, func(Kubelet) Kubelet {
			return Kubelet{Folder: "/a", Check: 7 * time.Second, PodLogs: "/logs", Address: "10.0.0.5", Port: "1250"}
		}},
		"drop-ins":  {[]string{"--config=/var/lib/kubelet/config.yaml", "--config-dir=/drop"}, func(k Kubelet) Kubelet { k.Folder, k.Port = "/second", "7"; return k }},
		"relative":  {[]string{"--config=here.yaml"}, func(k Kubelet) Kubelet { k.Folder = "manifests"; return k }},
		"none":      {nil, func(k Kubelet) Kubelet { k.Folder = ""; return k }},
		"not there": {[]string{"--config=/gone.yaml"}, func(k Kubelet) Kubelet { k.Folder = ""; return k }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := table(t, map[int]entry{5: {args: append([]string{"/usr/bin/kubelet"}, test.args...), root: root, cwd: filepath.Join(root, "cwd")}})
			all := m.Kubelets()
			if len(all) != 1 {
				t.Fatalf("%d kubelets", len(all))
			}
			got, want := all[0], test.want(want)
			if got.PID != 5 || got.Folder != want.Folder || got.Check != want.Check || got.PodLogs != want.PodLogs || got.Address != want.Address || got.Port != want.Port {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
}

// TestKubeletOf tells kubelets apart by the folder itself, not by its name.
func TestKubeletOf(t *testing.T) {
	t.Parallel()
	one, other := t.TempDir(), t.TempDir()
	for _, root := range []string{one, other} {
		if err := os.MkdirAll(filepath.Join(root, "etc/kubernetes/manifests"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(one, "etc/kubernetes/manifests"), filepath.Join(one, "link")); err != nil {
		t.Fatal(err)
	}
	flag := "--pod-manifest-path=/etc/kubernetes/manifests"
	m := table(t, map[int]entry{
		4: {args: []string{"kubelet", flag}, root: other},
		5: {args: []string{"kubelet", flag}, root: one},
		6: {args: []string{"kubelet"}, root: one},
	})
	for _, folder := range []string{filepath.Join(one, "etc/kubernetes/manifests"), filepath.Join(one, "link")} {
		if k, ok := m.KubeletOf(folder); !ok || k.PID != 5 {
			t.Errorf("%s: %+v, %t", folder, k, ok)
		}
	}
	for _, folder := range []string{one, filepath.Join(one, "gone")} {
		if k, ok := m.KubeletOf(folder); ok {
			t.Errorf("%s: %+v", folder, k)
		}
	}
}
