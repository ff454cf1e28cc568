// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
)

func input(change func(*setup.Input)) setup.Input {
	in := setup.Input{Image: "registry.k8s.io/kube-apiserver:v1.37.1", Origins: setup.Origins{}}
	if change != nil {
		change(&in)
	}
	return in
}

func ptr[T any](v T) *T { return &v }

// TestEveryProfileEveryVersion is what Resolve relies on when it does not read
// the text of a profile again, and that nothing it makes is refused by the
// version that it is for.
func TestEveryProfileEveryVersion(t *testing.T) {
	t.Parallel()
	for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
		for _, p := range profiles.All() {
			for _, mode := range []string{"blocking", "batch"} {
				t.Run(fmt.Sprintf("1.%d/%s/%s", minor, p.Name, mode), func(t *testing.T) {
					t.Parallel()
					d, err := setup.Resolve(input(func(in *setup.Input) {
						in.Image = fmt.Sprintf("registry.k8s.io/kube-apiserver:v1.%d.3", minor)
						in.Spec.Policy.Profile, in.Spec.Log.Mode = p.Name, mode
					}))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := policy.Read("policy.yaml", d.Policy, d.Version); err != nil {
						t.Errorf("the policy: %v", err)
					}
					settings := settingsOf(d)
					if problems := apiserver.Validate(d.Version, settings); problems != nil {
						t.Errorf("the flags: %v", problems)
					}
					if problems := apiserver.Hazards(d.Version, settings); problems != nil {
						t.Errorf("hazards: %v", problems)
					}
					for _, name := range []string{"audit-log-maxsize", "audit-log-maxage", "audit-log-maxbackup"} {
						if !slices.ContainsFunc(d.Flags, func(f setup.Flag) bool { return f.Name == name && f.Value != "0" }) {
							t.Errorf("--%s is missing or 0", name)
						}
					}
					for _, f := range d.Flags {
						if f.Reason == "" {
							t.Errorf("--%s has no reason", f.Name)
						}
					}
				})
			}
		}
	}
}

func settingsOf(d *setup.Desired) []apiserver.Setting {
	var settings []apiserver.Setting
	for _, f := range d.Flags {
		settings = append(settings, apiserver.Setting{Name: f.Name, Value: f.Value})
	}
	return settings
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*setup.Input)
		want   []string
	}{
		"no tag":         {func(in *setup.Input) { in.Image = "kube-apiserver" }, []string{"image: the image"}},
		"old image":      {func(in *setup.Input) { in.Image = "x:v1.17.1" }, []string{"image: kubernetes v1.17.1 is too old"}},
		"bad version":    {func(in *setup.Input) { in.Spec.KubeVersion = "1.99" }, []string{"kubeVersion: kubernetes 1.99 is newer"}},
		"no version and": {func(in *setup.Input) { in.Image, in.Spec.Load.RequestsPerSecond = "", ptr(0.0) }, []string{"image: ", "--rate: "}},
		"profile":        {func(in *setup.Input) { in.Spec.Policy.Profile = "x" }, []string{`policy.profile: "x" is no profile`}},
		"both": {func(in *setup.Input) {
			in.Spec.Policy = setup.Policy{Profile: "gce", File: "p.yaml"}
			in.PolicyData = []byte("{}")
		}, []string{"policy.profile: a profile and a policy file"}},
		"policy": {func(in *setup.Input) {
			in.Spec.Policy.File, in.PolicyData = "p.yaml", []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n")
		}, []string{"p.yaml:3:8: "}},
		"webhook":      {func(in *setup.Input) { in.Spec.Backends = []setup.Backend{"webhook"} }, []string{"backends: the webhook backend needs a receiver"}},
		"backend":      {func(in *setup.Input) { in.Spec.Backends = []setup.Backend{"syslog"} }, []string{`backends: "syslog"`}},
		"twice":        {func(in *setup.Input) { in.Spec.Backends = []setup.Backend{"log", "log"} }, []string{`backends: backend "log"`}},
		"mode":         {func(in *setup.Input) { in.Spec.Log.Mode = "strict" }, []string{`log.mode: "strict" is no mode`}},
		"NaN":          {func(in *setup.Input) { in.Spec.Load.RequestsPerSecond = ptr(math.NaN()) }, []string{"--rate: "}},
		"batch size":   {func(in *setup.Input) { in.Spec.Load.BatchSize = ptr(0) }, []string{"load.batchSize: must be at least 1"}},
		"stall":        {func(in *setup.Input) { in.Spec.Load.Stall = "soon" }, []string{"load.stall: "}},
		"wait":         {func(in *setup.Input) { in.Spec.Load.MaxWait = "3" }, []string{`load.maxWait: "3" is not a length`}},
		"retention":    {func(in *setup.Input) { in.Spec.Log.Retention = "1month" }, []string{"log.retention: "}},
		"disk":         {func(in *setup.Input) { in.Spec.Log.DiskBudget = "full" }, []string{"log.diskBudget: "}},
		"old compress": {func(in *setup.Input) { in.Image, in.Spec.Log.Compress = "x:v1.19.0", true }, []string{"log.compress: "}},
		"flag by flag": {func(in *setup.Input) { in.Spec.Flags = map[string]string{"audit-log-path": "/x/y", "v": "9"} }, []string{"flags.audit-log-path: ", "flags.v: "}},
		"webhook flag": {func(in *setup.Input) { in.Spec.Flags = map[string]string{"audit-webhook-mode": "batch"} }, []string{"flags.audit-webhook-mode: "}},
		"underscores":  {func(in *setup.Input) { in.Spec.Flags = map[string]string{"audit_log_format": "json"} }, []string{"flags.audit_log_format: "}},
		"throttle": {func(in *setup.Input) {
			in.Spec.Flags = map[string]string{"audit-log-batch-throttle-enable": "true"}
			in.Origins.Flag("flags.audit-log-batch-throttle-enable", "--set")
		}, []string{"--set: --audit-log-batch-throttle-qps: ", "--set: --audit-log-batch-throttle-burst: "}},
		"a full core": {func(in *setup.Input) {
			in.Spec.Log.Mode, in.Spec.Load.BatchSize = "batch", ptr(10)
			in.Spec.Flags = map[string]string{"audit-log-batch-max-wait": "0s"}
			in.Origins.Flag("flags.audit-log-batch-max-wait", "--set")
		}, []string{"--set: --audit-log-batch-max-wait: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := setup.Resolve(input(c.change))
			if d != nil {
				t.Error("it resolves")
			}
			expect(t, document.ProblemsOf(err), c.want)
		})
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	const ok = ""
	for _, c := range []struct{ policy, log, want string }{
		{"", "", ok},
		{"/srv/audit/policy/p.yaml", "/srv/audit/log/audit.log", ok},
		{"", "/audit.log", "log.path: /audit.log would have all of / mounted"},
		{"", "/var/log/audit.log", "log.path: /var/log/audit.log would have"},
		{"", "/etc/kubernetes/audit.log", "log.path: /etc/kubernetes/audit.log would have"},
		{"", "/etc/kubernetes/x/audit.log", "log.path: /etc/kubernetes/x/audit.log is below"},
		{"", "/etc/audit/audit.log", "log.path: /etc/audit/audit.log is below /etc"},
		{"", "-", "log.path: a path is needed"},
		{"", "audit.log", `log.path: "audit.log" is not a plain`},
		{"", "/var/log/x/", `log.path: "/var/log/x/" is not a plain`},
		{"", "/var/log/../x/a.log", `log.path: "/var/log/../x/a.log" is not a plain`},
		{"", "/var/log/$(HOME)/a.log", `log.path: "/var/log/$(HOME)/a.log" has characters`},
		{"", "/var/log/a\nb/a.log", `log.path: "/var/log/a\nb/a.log" has characters`},
		{"", "/dev/shm/a/a.log", "log.path: /dev/shm/a/a.log is not on a disk"},
		{"", "/run/audit/a.log", "log.path: /run/audit/a.log is in memory"},
		{"", "/var/log/pods/x/a.log", "log.path: /var/log/pods/x/a.log is in a folder that"},
		{"", "/var/lib/etcd/x/a.log", "log.path: /var/lib/etcd/x/a.log is on etcd"},
		{"", "/state/x/a.log", "log.path: /state/x/a.log is in the folder of auditsetup's records"},
		{"/state/p.yaml", "", "policy.path: /state/p.yaml is in the folder of auditsetup's records"},
		{"/opt/manifests/p.yaml", "", "policy.path: /opt/manifests/p.yaml is in the manifests folder"},
		{"/opt/manifests/x/p.yaml", "", "policy.path: /opt/manifests/x/p.yaml is in the manifests folder"},
		{"", "/opt/manifests/x/a.log", "log.path: /opt/manifests/x/a.log is in the manifests folder"},
		{"/etc/policy.yaml", "", "policy.path: /etc/policy.yaml would have"},
		{"/tmp/x/p.yaml", "", "policy.path: /tmp/x/p.yaml is in a folder that the system clears"},
		{"/srv/audit/p.yaml", "/srv/audit/a.log", "policy.path: policy and log are both in /srv/audit"},
	} {
		t.Run(c.policy+","+c.log, func(t *testing.T) {
			t.Parallel()
			d, err := setup.Resolve(input(func(in *setup.Input) {
				in.Manifest, in.StateDir = "/opt/manifests/kube-apiserver.yaml", "/state"
				in.Spec.Policy.Path, in.Spec.Log.Path = c.policy, c.log
			}))
			if c.want != ok {
				expect(t, document.ProblemsOf(err), []string{c.want})
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []manifest.Mount{{Type: "Directory", ReadOnly: true}, {Type: "DirectoryOrCreate"}} {
				got := d.Mounts[i]
				if got.Type != want.Type || got.ReadOnly != want.ReadOnly || got.HostPath != d.Folders[i].Path || got.MountPath != got.HostPath {
					t.Errorf("mount %+v", got)
				}
			}
			if d.Files[0].Path != d.Spec.Policy.Path || d.Want().PolicyHash == "" {
				t.Errorf("files %+v", d.Files)
			}
		})
	}
}

func TestFlagsByHand(t *testing.T) {
	t.Parallel()
	d, err := setup.Resolve(input(func(in *setup.Input) {
		in.Spec.Flags = map[string]string{"audit-log-maxage": "400", "audit-log-format": "legacy", "audit-log-batch-max-size": "10", "audit-log-maxsize": "0"}
	}))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]setup.Flag{}
	for _, f := range d.Flags {
		if _, twice := seen[f.Name]; twice {
			t.Errorf("--%s stands there twice", f.Name)
		}
		seen[f.Name] = f
	}
	if f := seen["audit-log-maxage"]; f.Value != "400" || !strings.Contains(f.Reason, "in place of the computed 30") {
		t.Errorf("%+v", f)
	}
	if f := seen["audit-log-format"]; f.Value != "legacy" || f.Reason != "set by hand" {
		t.Errorf("%+v", f)
	}
	warnings := d.Warnings.Error()
	for _, want := range []string{"--audit-log-maxsize: 0 turns rotation off", "--audit-log-batch-max-size: does nothing"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no warning %q in %s", want, warnings)
		}
	}
}

func TestVersionByHand(t *testing.T) {
	t.Parallel()
	d, err := setup.Resolve(input(func(in *setup.Input) { in.Spec.KubeVersion = "1.30" }))
	if err != nil || d.Version.Minor != 30 || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].What, "the image is of v1.37.1") {
		t.Errorf("%v %+v", err, d)
	}
	d, err = setup.Resolve(input(func(in *setup.Input) { in.Spec.KubeVersion, in.Image = "1.37", "x:latest" }))
	if err != nil || len(d.Warnings) != 0 {
		t.Errorf("%v %+v", err, d)
	}
}

// TestCheck reports what is wrong without a version, and nothing that depends
// on one.
func TestCheck(t *testing.T) {
	t.Parallel()
	in := input(func(in *setup.Input) {
		in.Image, in.Spec.Log.Compress, in.Spec.Log.Path = "", true, "/x.log"
		in.Spec.Policy.File = "p.yaml" // could not be read
		in.Spec.Load.RequestsPerSecond = ptr(-1.0)
	})
	in.Origins.Flag("load.requestsPerSecond", "--rate")
	expect(t, setup.Check(in), []string{"log.path: ", "--rate: "})
	if problems := setup.Check(input(nil)); problems != nil {
		t.Errorf("nothing is wrong, but %v", problems)
	}
}
