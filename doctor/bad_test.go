// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/webhook"
)

const rules = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"

// bad are control planes with one thing wrong each, and the checks that find it.
// The first of each is the one that it is there for.
var bad = []struct {
	name string
	make func(t *testing.T, p *pod, f *doctor.Facts)
	want []string // ID:SEVERITY, or ID:SEVERITY:LINE
	says string   // part of what the first says, or of its remedy
}{
	{"broken manifest", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Manifest, f.ManifestErr = nil, document.Problems{{File: manifestPath, Line: 3, What: "is broken", Hint: "mend it"}}
	}, []string{"manifest-unreadable:error:3"}, "is broken"},
	{"a backup", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Strays = []document.Problem{{File: manifestPath + ".bak", What: "defines the same pod", Hint: "mv it"}}
	}, []string{"stray-manifest:error"}, "mv it"},
	{"a backup that runs", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Strays = []document.Problem{{File: manifestPath + ".bak", What: "defines the same pod", Hint: "mv it"}}
		f.Process.AsManifest, f.Process.Args = false, []string{"kube-apiserver"}
	}, []string{"stray-manifest:error", "running-drift:error"}, "mv it"},
	{"nothing in force", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Process.AsManifest, f.Process.Args = false, []string{"kube-apiserver", "--audit-log-maxage=3"}
	}, []string{"running-drift:error"}, "records nothing"},
	{"readable manifest", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.File.Mode = 0o644 }, []string{"manifest-permissions:warning"}, "chmod 0600 " + manifestPath},
	{"another's manifest", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.File.UID = 1000 }, []string{"manifest-permissions:warning"}, "chown root:root"},
	{"off", func(t *testing.T, p *pod, f *doctor.Facts) { p.flags = nil; read(t, f, p) }, []string{"audit-off:error"}, "auditsetup enable"},
	{"no backend", func(t *testing.T, p *pod, f *doctor.Facts) { p.set("audit-log-path", ""); read(t, f, p) },
		[]string{"nothing-recorded:error:11", "cis-1.2.16:warning"}, "nowhere to put it"},
	{"no policy", func(t *testing.T, p *pod, f *doctor.Facts) { p.set("audit-policy-file", ""); read(t, f, p) },
		[]string{"nothing-recorded:error:11", "cis-3.2.1:warning"}, "no audit policy"},
	{"wrong mode", func(t *testing.T, p *pod, f *doctor.Facts) { p.set("audit-log-mode", "sometimes"); read(t, f, p) },
		[]string{"flag-refused:error:16"}, `"sometimes" is not batch`},
	{"a gone flag", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.set("audit-dynamic-configuration", "true")
		read(t, f, p)
	}, []string{"flag-refused:error:16"}, "removed in 1.19"},
	{"a busy core", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.set("audit-log-mode", "batch")
		p.set("audit-log-batch-max-size", "10")
		read(t, f, p)
	}, []string{"flag-hazard:warning"}, "keeps one core busy"},
	{"twice", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.flags = append(p.flags, "audit-log-maxage=40")
		read(t, f, p)
	}, []string{"flag-repeated:warning:13"}, "line 16 counts"},
	{"policy not mounted", func(t *testing.T, p *pod, f *doctor.Facts) { p.volumes = p.volumes[1:]; read(t, f, p) },
		[]string{"mount-missing:error:11"}, "below no hostPath mount"},
	{"relative policy", func(t *testing.T, p *pod, f *doctor.Facts) { p.set("audit-policy-file", "policy.yaml"); read(t, f, p) },
		[]string{"mount-missing:error:15"}, "no absolute path"},
	{"CA not mounted", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h, certificate-authority: /opt/ca.crt")
	}, []string{"mount-missing:error:16"}, "/opt/ca.crt"},
	{"log not mounted", func(t *testing.T, p *pod, f *doctor.Facts) { p.volumes = p.volumes[:1]; read(t, f, p) },
		[]string{"log-outside-mount:error:12"}, "DirectoryOrCreate"},
	{"log beside its mount", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[1].at = "/var/log/kubernetes/aud"
		read(t, f, p)
	}, []string{"log-outside-mount:error:12"}, ""},
	{"log as a file", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[1] = volume{logPath, logPath, "FileOrCreate", false}
		read(t, f, p)
	}, []string{"log-mounted-as-file:error:25"}, "cannot be rotated"},
	{"log as a file without a type", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[1] = volume{logPath, logPath, "", false}
		read(t, f, p)
	}, []string{"log-mounted-as-file:error:25"}, ""},
	{"read-only log", func(t *testing.T, p *pod, f *doctor.Facts) { p.volumes[1].readOnly = true; read(t, f, p) },
		[]string{"log-mount-read-only:error:25"}, "read-only"},
	{"no type", func(t *testing.T, p *pod, f *doctor.Facts) { p.volumes[0].kind = ""; read(t, f, p) },
		[]string{"mount-type:warning:23"}, "empty folder"},
	{"policy made when missing", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[0] = volume{policyPath, policyPath, "FileOrCreate", true}
		read(t, f, p)
	}, []string{"mount-type:warning:23"}, "type: File at"},
	{"a folder for a file", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[0] = volume{policyPath, policyPath, "DirectoryOrCreate", true}
		read(t, f, p)
	}, []string{"mount-type:error:23"}, "where a file is wanted"},
	{"a file for a folder", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.volumes[0].kind = "File"
		read(t, f, p)
		f.Sources = nil
	},
		[]string{"mount-type:error:23"}, "where a folder is wanted"},
	{"a socket", func(t *testing.T, p *pod, f *doctor.Facts) { p.volumes[0].kind = "Socket"; read(t, f, p) },
		[]string{"mount-type:error:23"}, "neither a file nor a folder"},
	{"nothing to mount", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Sources["/etc/kubernetes/audit"] = doctor.File{Kind: doctor.Missing}
	}, []string{"mount-source:error:23"}, "missing"},
	{"a file to mount", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Sources["/var/log/kubernetes/audit"] = doctor.File{Kind: doctor.Regular}
	}, []string{"mount-source:error:25"}, "is a file"},
	{"not ready", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.NotReady = errors.New("etcd failed") }, []string{"server-not-ready:error"}, "etcd failed"},
	{"other flags run", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Process.AsManifest = false
		f.Process.Args = []string{"kube-apiserver", "--secure-port=6444", "--audit_policy_file", policyPath, "--audit-log-path=" + logPath, "--audit-log-maxage=7", "--audit-log-maxbackup=10", "--audit-log-compress", "--audit-log-maxsize=100", "--oidc-client-id=planted"}
	}, []string{"running-drift:error", "running-drift:error:13", "running-drift:error"}, "--audit-log-compress=true"},
	{"flag changed by hand", func(t *testing.T, _ *pod, f *doctor.Facts) {
		ours(t, f, f.PolicyFile.SHA256)
		reread(t, f, "- --audit-log-maxage=30", "- --audit-log-maxage=31")
	}, []string{"manifest-drift:warning:13"}, "from 30 to 31"},
	{"flag added by hand", func(t *testing.T, _ *pod, f *doctor.Facts) {
		ours(t, f, f.PolicyFile.SHA256)
		reread(t, f, "    - --secure-port=6443\n", "    - --secure-port=6443\n    - --audit-log-format=json\n")
	}, []string{"manifest-drift:warning:11"}, "put in beside"},
	{"written anew", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Enabled = &doctor.Enabled{Time: started} }, []string{"enable-undone:warning"}, "auditsetup enable --take-over"},
	{"written anew, off", func(t *testing.T, p *pod, f *doctor.Facts) {
		f.Enabled = &doctor.Enabled{Time: started}
		p.flags = nil
		read(t, f, p)
	}, []string{"enable-undone:error"}, "2026-11-22 06:00:00 UTC"},
	{"cut off", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Unfinished = document.Problem{What: "the change was cut off", Hint: "auditsetup rollback"}
	}, []string{"change-unfinished:error"}, "auditsetup rollback"},
	{"no policy file", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.PolicyFile, f.Policy = doctor.File{Path: policyPath, Kind: doctor.Missing}, nil
	}, []string{"policy-gone:error"}, "will not start"},
	{"a folder for the policy", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.PolicyFile, f.Policy = doctor.File{Path: policyPath, Kind: doctor.Folder, Mode: 0o700}, nil
	}, []string{"policy-gone:error"}, "rmdir"},
	{"misspelt policy", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: Metadata\n  verb: [get]\n")
	},
		[]string{"policy-invalid:error:5"}, `did you mean "verbs"`},
	{"old policy", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.PolicyRemoved = true }, []string{"policy-invalid:error"}, "removed in 1.24"},
	{"newer policy", func(t *testing.T, _ *pod, f *doctor.Facts) {
		ours(t, f, strings.Repeat("0", 64))
		f.PolicyFile.ModTime = started.Add(time.Minute)
	}, []string{"policy-changed-since-start:error"}, "--policy /root/policy.yaml --take-over"},
	{"newer policy of somebody", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.PolicyFile.ModTime = started.Add(time.Minute) },
		[]string{"policy-changed-since-start:warning"}, "unless the content is the same"},
	{"other policy", func(t *testing.T, _ *pod, f *doctor.Facts) { ours(t, f, strings.Repeat("0", 64)) }, []string{"policy-drift:warning"}, "enable wrote"},
	{"nothing", func(t *testing.T, _ *pod, f *doctor.Facts) { setPolicy(t, f, rules+"- level: None\n") },
		[]string{"policy-none:error", "cis-3.2.2:warning"}, "records none of"},
	{"every stage left out", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: Metadata\n  omitStages: [RequestReceived, ResponseStarted, ResponseComplete, Panic]\n")
	}, []string{"policy-none:warning", "cis-3.2.2:warning"}, ""},
	{"next to nothing", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: Metadata\n  users: [eve]\n")
	},
		[]string{"policy-none:warning", "cis-3.2.2:warning"}, ""},
	{"everything", func(t *testing.T, _ *pod, f *doctor.Facts) { setPolicy(t, f, rules+"- level: RequestResponse\n") },
		[]string{"policy-secrets:error", "policy-secrets:error", "policy-secrets:error", "cis-3.2.2:warning"}, "RequestResponse for get secrets in shop by a user"},
	{"secrets of the system", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: Request\n  namespaces: [kube-system]\n  userGroups: [system:nodes]\n  resources: [{resources: [secrets]}]\n- level: Metadata\n")
	}, []string{"policy-secrets:error"}, "create secrets in kube-system by a node"},
	{"tokens", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: RequestResponse\n  resources: [{resources: [serviceaccounts/token]}]\n- level: Metadata\n")
	}, []string{"policy-secrets:error"}, "tokens of service accounts"},
	{"writable policy", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.PolicyFile.Mode = 0o666 }, []string{"policy-permissions:warning"}, "chmod 0644"},
	{"log removed", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Log.File = doctor.File{Path: logPath, Kind: doctor.Missing}
	}, []string{"log-missing:error"}, "is gone"},
	{"silence", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Metrics.Events = 0 }, []string{"zero-events:error"}, "none of 1000 requests"},
	{"losses", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Metrics.Lost["webhook"], f.Metrics.Lost["buffered"], f.Metrics.Rejected = 7, 8, 9
	}, []string{"events-lost:error", "events-lost:error", "events-lost:error"}, "8 events were lost by buffered"},
	{"no rotation", func(t *testing.T, p *pod, f *doctor.Facts) { p.set("audit-log-maxsize", "0"); read(t, f, p) },
		[]string{"rotation-unbounded:error:15", "cis-1.2.19:warning:15"}, "turns rotation off since 1.36"},
	{"kept for ever", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.set("audit-log-maxage", "0")
		p.set("audit-log-maxbackup", "0")
		read(t, f, p)
	}, []string{"rotation-unbounded:error:15", "cis-1.2.17:warning:14", "cis-1.2.18:warning:15"}, "until the disk is full"},
	{"old defaults", func(t *testing.T, p *pod, f *doctor.Facts) {
		f.Version.Minor = 35
		for _, name := range []string{"audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize"} {
			p.set(name, "")
		}
		read(t, f, p)
	}, []string{"rotation-unbounded:error", "cis-1.2.17:warning", "cis-1.2.18:warning", "cis-1.2.19:warning"}, "by default"},
	{"any number of files", func(t *testing.T, p *pod, f *doctor.Facts) { p.set("audit-log-maxbackup", "0"); read(t, f, p) },
		[]string{"rotation-unbounded:warning:15", "cis-1.2.18:warning:15"}, "for 30 days however many"},
	{"small disk", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Disk.Free, f.Disk.Size = 500<<20, 5<<30 }, []string{"disk-short:error"}, "--disk-budget 404Mi"},
	{"full disk", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Disk.Free = 4 << 30 }, []string{"disk-short:error"}, "has only 4 GiB free"},
	{"open log", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Log.File.Mode = 0o644 }, []string{"log-permissions:warning"}, "chmod 0640"},
	{"open folder", func(_ *testing.T, _ *pod, f *doctor.Facts) { f.Log.Dir.Mode = 0o777 }, []string{"log-permissions:warning"}, "chmod 0755"},
	{"no label", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Label = &doctor.Label{Path: "/var/log/kubernetes/audit", Value: "system_u:object_r:var_log_t:s0"}
	}, []string{"log-label:warning"}, "restorecon -R /var/log/kubernetes/audit"},
	{"logrotate", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Logrotate = []doctor.Rotator{{File: "/etc/logrotate.d/k8s", Pattern: "/var/log/*.log", Line: 4}}
	}, []string{"logrotate-conflict:error:4"}, "/var/log/*.log"},
	{"no kubeconfig", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Kubeconfig, f.Webhook = doctor.File{Path: configPath, Kind: doctor.Missing}, nil
	}, []string{"webhook-config:error"}, "will not start"},
	{"wrong kubeconfig", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h, insecure-skip-tls-verify: planted")
	}, []string{"webhook-config:error:6"}, "may be a credential"},
	{"cluster DNS", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://falco.falco.svc, certificate-authority: /etc/kubernetes/audit/ca.crt")
	}, []string{"webhook-config:warning:6"}, "the cluster's own DNS"},
	{"no verification", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h, insecure-skip-tls-verify: true")
	}, []string{"webhook-insecure:warning:6"}, "any receiver is believed"},
	{"plain http", func(t *testing.T, p *pod, f *doctor.Facts) { setWebhook(t, f, p, "server: http://h") }, []string{"webhook-insecure:warning:6"}, "readable by everyone"},
	{"away", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Receiver.Err = errors.New("connection refused")
	}, []string{"webhook-unreachable:error"}, "https://h does not answer: connection refused"},
	{"silent receiver", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h:9443/audit")
		f.Metrics.Posts = map[string]map[string]float64{"h:9443": {"<error>": 9}, "h": {"500": 3}}
	}, []string{"webhook-failing:error"}, "9 of 9 posts to https://h:9443 have failed since the kube-apiserver started: 9 times no answer"},
	{"refusing receiver", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Metrics.Posts = map[string]map[string]float64{"h": {"200": 100, "401": 5, "500": 1}}
	}, []string{"webhook-failing:warning"}, "6 of 106 posts to https://h have failed since the kube-apiserver started: 5 times 401, 1 times 500"},
	{"not believed", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Receiver.Certificates = document.Problems{{File: "https://h", What: "expired", Hint: "renew"}}
	}, []string{"webhook-certificate:error"}, "expired"},
	{"soon not believed", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Receiver.Certificates = webhook.CheckServer(lasting(t, 24*time.Hour), "https://h", nil, time.Now())[:1]
	}, []string{"webhook-certificate:warning"}, "expires on"},
	{"newer kubeconfig", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Kubeconfig.ModTime = started.Add(time.Minute)
	}, []string{"webhook-changed-since-start:warning"}, "--webhook-config /root/webhook.yaml"},
	{"open kubeconfig", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Kubeconfig.Mode = 0o644
	}, []string{"webhook-permissions:warning"}, "chmod 0600"},
	{"open key", func(t *testing.T, p *pod, f *doctor.Facts) {
		setWebhook(t, f, p, "server: https://h")
		f.Keys = []doctor.File{file("/etc/kubernetes/pki/k", "", 0o600), file("/etc/kubernetes/pki/l", "", 0o640)}
	}, []string{"webhook-permissions:warning"}, "chmod 0600 /etc/kubernetes/pki/l"},
	{"kubeadm knows nothing", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Kubeadm = &doctor.Kubeadm{Flags: map[string]string{}, Volumes: map[string]string{}}
	}, []string{"upgrade-drift:warning"}, "without audit: --audit-log-maxage, --audit-log-maxbackup, --audit-log-maxsize and 4 more"},
	{"kubeadm knows better", func(_ *testing.T, _ *pod, f *doctor.Facts) {
		f.Kubeadm = kubeadm()
		f.Kubeadm.Flags["audit-log-maxage"] = "31"
		f.Kubeadm.Flags["audit-log-compress"] = "true"
	}, []string{"upgrade-drift:warning"}, "would change the audit settings: --audit-log-compress, --audit-log-maxage"},
	{"little kept", func(t *testing.T, p *pod, f *doctor.Facts) {
		p.set("audit-log-maxage", "7")
		p.set("audit-log-maxbackup", "2")
		p.set("audit-log-maxsize", "50")
		read(t, f, p)
	}, []string{"cis-1.2.17:warning:13", "cis-1.2.18:warning:14", "cis-1.2.19:warning:15"}, "write --audit-log-maxage=30 in line 13"},
	{"config maps", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: Request\n  resources: [{resources: [configmaps]}]\n- level: Metadata\n")
	}, []string{"cis-3.2.2:warning"}, "config maps are recorded with their content"},
	{"nobody's exec", func(t *testing.T, _ *pod, f *doctor.Facts) {
		setPolicy(t, f, rules+"- level: None\n  resources: [{resources: [pods/exec]}]\n- level: Metadata\n")
	}, []string{"cis-3.2.2:warning"}, "use of pods/exec"},
}
