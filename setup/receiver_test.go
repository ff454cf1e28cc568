// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/webhook"
)

// TestEveryReceiverEveryVersion resolves each set of backends in each mode for
// each minor: nothing that comes out is refused by the version, or a hazard.
func TestEveryReceiverEveryVersion(t *testing.T) {
	t.Parallel()
	for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
		for _, backends := range [][]setup.Backend{{"webhook"}, {"log", "webhook"}, nil} {
			for _, mode := range setup.Modes() {
				d, err := setup.Resolve(input(func(in *setup.Input) {
					in.Image = fmt.Sprintf("registry.k8s.io/kube-apiserver:v1.%d.3", minor)
					in.Spec.Backends, in.Spec.Webhook = backends, setup.Webhook{URL: "https://10.0.0.5:9443/k8s-audit", CAFile: "/etc/kubernetes/pki/ca.crt", Mode: mode, InitialBackoff: "5s"}
				}))
				if err != nil {
					t.Fatal(minor, backends, mode, err)
				}
				settings := settingsOf(d)
				if problems := append(apiserver.Validate(d.Version, settings), apiserver.Hazards(d.Version, settings)...); problems != nil {
					t.Error(minor, backends, mode, problems)
				}
				given := map[string]string{}
				for _, f := range d.Flags {
					given[f.Name] = f.Value
				}
				_, batch := given["audit-webhook-batch-max-size"]
				_, log := given["audit-log-path"]
				if given["audit-webhook-config-file"] != setup.DefaultWebhookPath || given["audit-webhook-mode"] != mode || batch != (mode == "batch") ||
					given["audit-webhook-truncate-enabled"] != "true" || given["audit-webhook-initial-backoff"] != "5s" || log != (len(backends) != 1) {
					t.Error(minor, backends, mode, given)
				}
				if c, err := webhook.Read("k", d.Files[1].Content); err != nil || c.Server != "https://10.0.0.5:9443/k8s-audit" || d.Files[1].Secret || d.Files[1].Mode != 0o600 {
					t.Errorf("%v %+v", err, d.Files[1])
				}
			}
		}
	}
}

// TestReceiverMounts demands that every file is shown by one mount, and no
// folder by two.
func TestReceiverMounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		webhook setup.Webhook
		policy  string
		want    []string // of the mounts but that of the log
	}{
		"beside the policy": {setup.Webhook{}, "", []string{"/etc/kubernetes/audit"}},
		"all in one":        {setup.Webhook{CAFile: "/etc/kubernetes/audit/ca.crt", TokenFile: "/etc/kubernetes/audit/x/t"}, "", []string{"/etc/kubernetes/audit"}},
		"each its own": {setup.Webhook{Path: "/srv/k/k.yaml", CAFile: "/srv/ca/ca.crt", ClientCertificateFile: "/srv/c/c", ClientKeyFile: "/srv/c/k", TokenFile: "/srv/t/t"}, "",
			[]string{"/etc/kubernetes/audit", "/srv/k", "/srv/ca", "/srv/c", "/srv/t"}},
		"above the policy": {setup.Webhook{Path: "/srv/a/k.yaml"}, "/srv/a/b/p.yaml", []string{"/srv/a/b", "/srv/a"}},
		"kubeadm's":        {setup.Webhook{CAFile: "/etc/kubernetes/pki/ca.crt"}, "", []string{"/etc/kubernetes/audit", "/etc/kubernetes/pki"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := setup.Resolve(input(func(in *setup.Input) {
				in.Spec.Webhook, in.Spec.Policy.Path = c.webhook, c.policy
				in.Spec.Webhook.URL = "https://10.0.0.5/"
			}))
			if err != nil {
				t.Fatal(err)
			}
			var got, names []string
			for _, m := range d.Mounts {
				if slices.Contains(names, m.Name) {
					t.Errorf("two mounts are named %s", m.Name)
				}
				names = append(names, m.Name)
				if m.Name != "auditsetup-log" {
					got = append(got, m.HostPath)
				}
				if m.MountPath != m.HostPath || m.ReadOnly == (m.Name == "auditsetup-log") {
					t.Errorf("%+v", m)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("mounts %q, want %q", got, c.want)
			}
		})
	}
}

// TestHash holds the annotation to what cmd compares it with.
func TestHash(t *testing.T) {
	t.Parallel()
	resolve := func(url string) *setup.Desired {
		d, err := setup.Resolve(input(func(in *setup.Input) { in.Spec.Webhook.URL = url }))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	plain, one, two := resolve(""), resolve("https://a/"), resolve("https://b/")
	sum := sha256.Sum256(plain.Policy)
	if plain.Want().PolicyHash != hex.EncodeToString(sum[:]) {
		t.Error("a policy alone is not hashed as it was")
	}
	if one.Want().PolicyHash == two.Want().PolicyHash || one.Want().PolicyHash == plain.Want().PolicyHash {
		t.Error("another kubeconfig does not restart the kube-apiserver")
	}
	for _, f := range one.Files {
		if !setup.Wrote(one.Want().PolicyHash, f.Content) {
			t.Errorf("%s is not known", f.Path)
		}
	}
	if setup.Wrote(one.Want().PolicyHash, two.Files[1].Content) || setup.Wrote("", nil) {
		t.Error("a file is known that was not written")
	}
}

func TestReceiverRefuses(t *testing.T) {
	t.Parallel()
	const good = "https://10.0.0.5/"
	own := []byte("current-context: a\ncontexts:\n- {name: a, context: {cluster: b}}\nclusters:\n- name: b\n  cluster: {server: 'https://h', certificate-authority: /etc/ca.crt}\n")
	for name, c := range map[string]struct {
		change func(*setup.Input)
		want   []string
	}{
		"no receiver":  {func(in *setup.Input) { in.Spec.Backends = []setup.Backend{"log", "webhook"} }, []string{"backends: the webhook backend needs"}},
		"not selected": {func(in *setup.Input) { in.Spec.Webhook.Mode = "batch" }, []string{"webhook.mode: is of no use"}},
		"log only":     {func(in *setup.Input) { in.Spec.Backends, in.Spec.Webhook.URL = []setup.Backend{"log"}, good }, []string{"webhook.url: is of no use"}},
		"log fields": {func(in *setup.Input) {
			in.Spec.Backends, in.Spec.Webhook.URL, in.Spec.Log.Path = []setup.Backend{"webhook"}, good, "/x/y"
		}, []string{"log.path: is of no use"}},
		"mode":         {func(in *setup.Input) { in.Spec.Webhook = setup.Webhook{URL: good, Mode: "strict"} }, []string{`webhook.mode: "strict" is no mode`}},
		"backoff":      {func(in *setup.Input) { in.Spec.Webhook = setup.Webhook{URL: good, InitialBackoff: "-5s"} }, []string{"webhook.initialBackoff: must be 1ms to 10m"}},
		"long backoff": {func(in *setup.Input) { in.Spec.Webhook = setup.Webhook{URL: good, InitialBackoff: "1h"} }, []string{"webhook.initialBackoff: must be"}},
		"both": {func(in *setup.Input) {
			in.Spec.Webhook, in.WebhookData = setup.Webhook{URL: good, ConfigFile: "k"}, own
		}, []string{"webhook.url: is given beside"}},
		"unreadable":    {func(in *setup.Input) { in.Spec.Webhook.ConfigFile = "k" }, nil},
		"broad":         {func(in *setup.Input) { in.Spec.Webhook.ConfigFile, in.WebhookData = "k", own }, []string{"k:6:57: /etc/ca.crt would have all of /etc"}},
		"a bad version": {func(in *setup.Input) { in.Image, in.Spec.Webhook = "", setup.Webhook{URL: "x", CAFile: "y"} }, []string{"image: ", "webhook.url: is not", `webhook.caFile: "y" is not a plain`}},
		"missing file": {func(in *setup.Input) {
			in.Spec.Webhook = setup.Webhook{URL: good, CAFile: "/srv/a/ca.crt"}
			in.HostFile = func(string) ([]byte, error) { return nil, errors.New("no such file") }
		}, []string{"webhook.caFile: /srv/a/ca.crt: no such file"}},
		"expanded": {func(in *setup.Input) { in.Spec.Webhook = setup.Webhook{URL: good, CAFile: "/srv/$(A)/ca.crt"} }, []string{"webhook.caFile: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup.Resolve(input(c.change))
			expect(t, document.ProblemsOf(err), c.want)
		})
	}
}

// TestSinks is which backends are in force when they are not named.
func TestSinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spec setup.Spec
		want string
	}{
		{setup.Spec{}, "log"},
		{setup.Spec{Webhook: setup.Webhook{URL: "x"}}, "log webhook"},
		{setup.Spec{Webhook: setup.Webhook{ConfigFile: "x"}}, "log webhook"},
		{setup.Spec{Webhook: setup.Webhook{CAFile: "x"}}, "log"},
		{setup.Spec{Backends: []setup.Backend{"webhook"}}, "webhook"},
		{setup.Spec{Backends: []setup.Backend{"log"}, Webhook: setup.Webhook{URL: "x"}}, "log"},
	} {
		if got := strings.Trim(fmt.Sprint(c.spec.Sinks()), "[]"); got != c.want {
			t.Errorf("%+v: %s, want %s", c.spec, got, c.want)
		}
	}
}
