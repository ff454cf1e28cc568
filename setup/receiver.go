// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/webhook"
)

// DefaultWebhookPath is where the kubeconfig goes: beside the policy, so that
// one mount shows both.
const DefaultWebhookPath = "/etc/kubernetes/audit/webhook.yaml"

// webhookPaths are the places in the Spec of what a kubeconfig has.
var webhookPaths = map[webhook.Field]string{
	webhook.Server: "webhook.url", webhook.CA: "webhook.caFile", webhook.Certificate: "webhook.clientCertificateFile",
	webhook.Key: "webhook.clientKeyFile", webhook.TokenFile: "webhook.tokenFile", webhook.Insecure: "webhook.insecureSkipTLSVerify",
}

// given lists which fields of the webhook are set, by their paths: first those
// that a kubeconfig of the administrator's own says itself.
func (w Webhook) given() (receiver, other []string) {
	for _, f := range []struct {
		path string
		set  bool
		into *[]string
	}{
		{"webhook.url", w.URL != "", &receiver}, {"webhook.caFile", w.CAFile != "", &receiver},
		{"webhook.clientCertificateFile", w.ClientCertificateFile != "", &receiver}, {"webhook.clientKeyFile", w.ClientKeyFile != "", &receiver},
		{"webhook.tokenFile", w.TokenFile != "", &receiver}, {"webhook.insecureSkipTLSVerify", w.InsecureSkipTLSVerify, &receiver},
		{"webhook.configFile", w.ConfigFile != "", &other}, {"webhook.path", w.Path != "", &other}, {"webhook.mode", w.Mode != "", &other},
		{"webhook.initialBackoff", w.InitialBackoff != "", &other}, {"webhook.maxEventSize", w.MaxEventSize != "", &other}, {"webhook.maxBody", w.MaxBody != "", &other},
	} {
		if f.set {
			*f.into = append(*f.into, f.path)
		}
	}
	return receiver, other
}

// receiver finds the kubeconfig of the webhook, and has it and what it names
// looked at.
func (r *resolving) receiver() {
	if !r.spec.Uses(WebhookBackend) {
		return
	}
	r.waiting()
	c, text := r.config()
	if c == nil {
		return
	}
	found := c.Check(webhook.Look{ReadFile: r.in.HostFile, Now: r.in.Now})
	r.problems = append(r.problems, found.Problems...)
	r.desired.Warnings = append(r.desired.Warnings, found.Warnings...)
	r.desired.Webhook, r.kubeconfig = c, text
	if files := c.Files(); r.in.HostFile == nil && len(files) > 0 {
		names := make([]string, len(files))
		for i, f := range files {
			names[i] = f.Path
		}
		r.desired.Notes = append(r.desired.Notes, document.Problem{What: "the kube-apiserver does not start unless these files are on its control plane, which was not looked at: " + strings.Join(names, ", ")})
	}
}

// config is the kubeconfig and its text, read or written; nil when there is none.
func (r *resolving) config() (*webhook.Config, []byte) {
	w := r.spec.Webhook
	receiver, _ := w.given()
	switch {
	case w.ConfigFile != "":
		for _, at := range receiver {
			r.add(at, "is given beside a kubeconfig, which says that itself", "leave one of them out")
		}
		if r.in.WebhookData == nil || len(receiver) > 0 {
			return nil, nil
		}
		c, err := webhook.Read(w.ConfigFile, r.in.WebhookData)
		r.problems = append(r.problems, document.ProblemsOf(err)...)
		if err != nil {
			return nil, nil
		}
		// what is said of a file is from here on at its line of the kubeconfig
		r.in.Origins = maps.Clone(r.in.Origins)
		if r.in.Origins == nil {
			r.in.Origins = Origins{}
		}
		for field, at := range webhookPaths {
			r.in.Origins[at] = c.Problem(field, "", "")
		}
		return c, r.in.WebhookData
	case w.URL == "":
		at := "backends"
		if len(receiver) > 0 {
			at = receiver[0]
		}
		r.add(at, "the webhook backend needs a receiver", "give its address with --webhook-url, or a kubeconfig with --webhook-config; in a spec file, webhook.url or webhook.configFile")
		return nil, nil
	}
	c := &webhook.Config{
		Server: w.URL, CA: webhook.Source{Path: w.CAFile}, Certificate: webhook.Source{Path: w.ClientCertificateFile}, Key: webhook.Source{Path: w.ClientKeyFile},
		TokenFile: w.TokenFile, InsecureSkipTLSVerify: w.InsecureSkipTLSVerify, At: map[webhook.Field]document.Problem{},
	}
	for field, at := range webhookPaths {
		c.At[field] = r.in.Origins.Problem(at, "", "")
	}
	text, err := c.Encode()
	if err != nil {
		r.add("webhook.url", err.Error(), "")
	}
	return c, text
}

// waiting warns of what the modes that wait do to requests. Source of the
// numbers: k8s.io/apiserver v0.37.1 pkg/util/webhook/webhook.go,
// defaultRequestTimeout and DefaultRetryBackoffWithInitialDelay.
func (r *resolving) waiting() {
	what := "every request waits until the receiver has each of its events: up to 30 s a try, and five tries"
	switch r.spec.Webhook.Mode {
	case "blocking-strict":
		what += ", and fails when the receiver is down: then nobody can use the API server"
	case "blocking":
		what += "; while the receiver is down the API server is as good as down"
	default:
		return
	}
	r.desired.Warnings = append(r.desired.Warnings, r.in.Origins.Problem("webhook.mode", what, "in mode batch no request waits, and events are lost instead when the receiver is away for long"))
}

// webhookMounts checks where the kubeconfig goes and where its files are, and
// adds the mounts that show them. A folder that the manifest mounts anyway, such
// as /etc/kubernetes/pki, is left out by manifest.Apply.
func (r *resolving) webhookMounts() {
	if !r.spec.Uses(WebhookBackend) {
		return
	}
	at, p := "webhook.path", r.spec.Webhook.Path
	if r.placed(at, p, DefaultWebhookPath, "kubeconfig") && p == r.spec.Policy.Path {
		r.add(at, p+" is the place of the policy too", "give each a name of its own, such as "+DefaultWebhookPath)
	}
	r.desired.Folders = append(r.desired.Folders, Folder{path.Dir(p), 0o700})
	r.show("auditsetup-webhook", at, p)
	if r.desired.Webhook == nil {
		return
	}
	for _, f := range r.desired.Webhook.Files() {
		at := webhookPaths[f.Field]
		if r.placed(at, f.Path, "/etc/kubernetes/audit/"+path.Base(f.Path), "certificate") {
			r.show("auditsetup-receiver", at, f.Path)
		}
	}
}

// show mounts the folder of a file read-only, unless an earlier mount of ours
// shows it.
func (r *resolving) show(name, at, file string) {
	dir, taken := path.Dir(file), 0
	for _, m := range r.desired.Mounts {
		if below(dir, m.HostPath) && !m.ReadOnly {
			r.add(at, fmt.Sprintf("%s lies in %s, where the kube-apiserver writes its log", file, m.HostPath), "give it another folder")
			return
		}
		if below(dir, m.HostPath) {
			return
		}
		if strings.HasPrefix(m.Name, name) {
			taken++
		}
	}
	if taken > 0 {
		name = fmt.Sprintf("%s-%d", name, taken+1)
	}
	r.desired.Mounts = append(r.desired.Mounts, manifest.Mount{Name: name, HostPath: dir, MountPath: dir, Type: "Directory", ReadOnly: true})
}
