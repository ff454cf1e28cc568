// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
)

func TestEachCheckFindsWhatItIsFor(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			p := goodPod()
			f := facts(t, p)
			c.make(t, p, f)
			if f.Manifest != nil && f.Process.AsManifest {
				f.Process.Args = f.Manifest.Command()
			}
			compare(t, doctor.Run(f), c.want, c.says)
		})
		id, _, _ := strings.Cut(c.want[0], ":")
		found[id] = true
	}
	found["cis-1.2.16"], found["cis-1.2.18"], found["cis-1.2.19"], found["cis-3.2.1"] = true, true, true, true // beside others
	for _, c := range doctor.Checks() {
		if !found[c.ID] {
			t.Errorf("nothing is found by %s", c.ID)
		}
	}
}

func compare(t *testing.T, found []doctor.Finding, want []string, says string) {
	t.Helper()
	var got []string
	for i, one := range found {
		text := one.ID + ":" + string(one.Severity)
		if i < len(want) && strings.Count(want[i], ":") == 2 {
			text += fmt.Sprintf(":%d", one.Line)
		}
		got = append(got, text)
		if one.What == "" || one.Remedy == "" || strings.HasSuffix(one.What, ".") || strings.Contains(one.What+one.Remedy, "planted") {
			t.Errorf("finding %+v", one)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v\n%+v", got, want, found)
	}
	if text := found[0].What + " " + found[0].Remedy; !strings.Contains(text, says) {
		t.Errorf("%q does not say %q", text, says)
	}
}

// good are control planes with nothing wrong.
var good = []struct {
	name string
	make func(t *testing.T, p *pod, f *doctor.Facts)
}{
	{"plain", func(*testing.T, *pod, *doctor.Facts) {}},
	{"not running", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Live, f.Process, f.Metrics, f.Disk = false, nil, nil, nil
		f.Log.File = doctor.File{Path: logPath, Kind: doctor.Missing}
	}},
	{"of auditsetup", func(t *testing.T, _ *pod, f *doctor.Facts) { ours(t, f, f.PolicyFile.SHA256) }},
	{"of auditsetup, touched", func(t *testing.T, _ *pod, f *doctor.Facts) {
		ours(t, f, f.PolicyFile.SHA256)
		f.PolicyFile.ModTime = started.Add(time.Minute)
	}},
	{"of auditsetup, the records gone", func(t *testing.T, _ *pod, f *doctor.Facts) { ours(t, f, f.PolicyFile.SHA256); f.Enabled = nil }},
	{"written while it started", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.PolicyFile.ModTime = started.Add(time.Second) }},
	{"single files", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[0] = volume{policyPath, policyPath, "File", true}
		read(t, f, p)
		f.Sources[policyPath] = f.PolicyFile
	}},
	{"another path in the container", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.set("audit-log-path", "/logs/a/audit.log")
		p.volumes[1].at = "/logs/"
		read(t, f, p)
	}},
	{"with a webhook", func(t *testing.T, p *pod, f *doctor.Facts) { setWebhook(t, f, p, "server: https://h") }},
	{"a receiver that was started anew", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Metrics.Posts = map[string]map[string]float64{"h": {"200": 95, "<error>": 5}, "hook.shop.svc:443": {"500": 9}}
	}},
	{"webhook on this host", func(t *testing.T, p *pod, f *doctor.Facts) { setWebhook(t, f, p, "server: http://127.0.0.1:8080/x") }},
	{"standard output", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.set("audit-log-path", "-")
		p.volumes = p.volumes[:1]
		read(t, f, p)
		f.Log, f.Disk = nil, nil
	}},
	{"few requests", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Metrics.Requests, f.Metrics.Events = 20, 0 }},
	{"known to kubeadm", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Kubeadm = kubeadm() }},
	{"written anew by a kubeadm that knows it", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Kubeadm, f.Enabled = kubeadm(), &doctor.Enabled{Time: started}
	}},
	{"known to patches", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Kubeadm = &doctor.Kubeadm{}
		f.Patches = &doctor.Patches{Flags: kubeadm().Flags, Text: "/etc/kubernetes/audit /var/log/kubernetes/audit"}
	}},
	{"labelled", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Label = &doctor.Label{Value: "system_u:object_r:container_file_t:s0"}
	}},
	{"unknown version", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Version = apiserver.Version{} }},
	{"an enable that disable took back", func(t *testing.T, _ *pod, f *doctor.Facts) { f.Enabled = nil }},
	{"policy that was kept from us", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.PolicyFile, f.Policy = doctor.File{Path: policyPath}, nil
	}},
}

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range good {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := goodPod()
			f := facts(t, p)
			c.make(t, p, f)
			if f.Process != nil {
				f.Process.Args = f.Manifest.Command()
			}
			if found := doctor.Run(f); len(found) > 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range doctor.Checks() {
		for what, text := range map[string]string{"family": c.Family, "title": c.Title, "why": c.Why, "how": c.How, "remedy": c.Remedy, "source": c.Source} {
			if text == "" || strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
				t.Errorf("%s: %s is %q", c.ID, what, text)
			}
		}
		if c.Severity() != doctor.Error && c.Severity() != doctor.Warning {
			t.Errorf("%s: severity %q", c.ID, c.Severity())
		}
		if strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || seen[c.ID] {
			t.Errorf("the ID %q is no word, or is there twice", c.ID)
		}
		seen[c.ID] = true
		if again, ok := doctor.Lookup(c.ID); !ok || again.ID != c.ID {
			t.Errorf("%s is not looked up", c.ID)
		}
	}
	if _, ok := doctor.Lookup("no-such-check"); ok {
		t.Error("a check is found that is none")
	}
}

// TestRunningAudit reads the command line as the kube-apiserver does.
func TestRunningAudit(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]bool{
		"kube-apiserver --secure-port=6443":                      false,
		"kube-apiserver --audit-log-maxage=30":                   false,
		"kube-apiserver --audit-log-path=":                       false,
		"kube-apiserver --audit-policy-file=/p.yaml":             true,
		"kube-apiserver --audit-log-path /var/log/audit.log":     true,
		"kube-apiserver --audit_webhook_config_file=/w.yaml":     true,
		"kube-apiserver --audit-dynamic-configuration=false":     false,
		"kube-apiserver --audit-dynamic-configuration":           true,
		"kube-apiserver --audit-log-path=/a --audit-log-path=":   false,
		"kube-apiserver --etcd-servers=--audit-log-path=/a --v=": false,
	} {
		p := doctor.Process{Args: strings.Fields(args)}
		if got := p.AuditOn(); got != want {
			t.Errorf("%s: %t", args, got)
		}
	}
}
