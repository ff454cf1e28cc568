// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/webhook"
)

var webhookChecks = []Check{
	{
		ID: "webhook-config", Family: "webhook", severity: Error, needs: auditOn,
		Title:  "the webhook's kubeconfig is missing or wrong",
		Why:    "the kube-apiserver does not start with it, or sends no event",
		How:    "the file and the certificates that it names, by the rules of client-go; their dates",
		Remedy: "mend the file; what is in it is not shown, since it may be a credential",
		Source: "k8s.io/client-go tools/clientcmd/validation.go, transport/transport.go",
		find:   webhookConfig,
	},
	{
		ID: "webhook-insecure", Family: "webhook", severity: Warning, needs: auditOn,
		Title:  "the receiver is not verified, or the way to it is not encrypted",
		Why:    "whoever can answer at that address gets every event",
		How:    "insecure-skip-tls-verify and the URL of the kubeconfig",
		Remedy: "use https, and name the CA of the receiver with certificate-authority",
		Source: "kubesphere/kubekey, whose template ships it; k8s.io/client-go rest/tls",
		find:   insecureWebhook,
	},
	{
		ID: "webhook-unreachable", Family: "webhook", severity: Error, needs: auditOn,
		Title:  "the receiver does not answer",
		Why:    "each batch is tried five times over one and a half to four minutes, and is lost then",
		How:    "a connection, with a TLS handshake where there is one, from this host; nothing is sent",
		Remedy: "start the receiver, or mend the way to it",
		Source: "k8s.io/apiserver plugin/pkg/audit/webhook/webhook.go, pkg/util/webhook/webhook.go",
		find: func(f *Facts) []Finding {
			if f.Receiver == nil || f.Receiver.Err == nil {
				return nil
			}
			return []Finding{f.in(f.Kubeconfig, fmt.Sprintf("the receiver at %s does not answer: %s", f.Receiver.Origin, f.Receiver.Err), "")}
		},
	},
	{
		ID: "webhook-failing", Family: "webhook", severity: Error, needs: auditOn,
		Title:  "the receiver answers, and does not take what is posted",
		Why:    "a batch counts as lost only after the last of its five tries, one and a half to four minutes later",
		How:    "rest_client_requests_total of /metrics for the receiver, on a running machine: more than one post in twenty has failed since the start, and nothing is counted as lost yet",
		Remedy: "look at the log of the receiver: it may hang, be overloaded, want another path or another token",
		Source: "k8s.io/component-base metrics/prometheus/restclient/metrics.go; k8s.io/apiserver pkg/util/webhook/webhook.go, where a try may take 30 s",
		find:   failingWebhook,
	},
	{
		ID: "webhook-certificate", Family: "webhook", severity: Error, needs: auditOn,
		Title:  "the kube-apiserver would not believe the receiver",
		Why:    "the connection is refused, and every batch is lost",
		How:    "the certificates that the receiver shows, against the CA of the kubeconfig, the name and the clock",
		Remedy: "issue the receiver another certificate, or name its CA",
		Source: "crypto/x509; k8s.io/client-go transport/transport.go",
		find: func(f *Facts) []Finding {
			if f.Receiver == nil {
				return nil
			}
			var found []Finding
			for _, p := range f.Receiver.Certificates {
				one := problems(document.Problems{p})
				if strings.Contains(p.What, " expires on ") { // soon, and good until then
					one[0].Severity = Warning
				}
				found = append(found, one...)
			}
			return found
		},
	},
	{
		ID: "webhook-changed-since-start", Family: "webhook", severity: Error, needs: auditOn,
		Title:  "the webhook's kubeconfig was changed, and the running kube-apiserver has the old one",
		Why:    "the kube-apiserver reads it only when it starts, and nothing watches the file",
		How:    "the file is newer than the process, and not what enable wrote, on a running machine",
		Remedy: "auditsetup enable --webhook-config FILE, which restarts the kube-apiserver",
		Source: "k8s.io/apiserver plugin/pkg/audit/webhook/webhook.go",
		find:   func(f *Facts) []Finding { return f.stale(f.Kubeconfig, "--webhook-config /root/webhook.yaml") },
	},
	{
		ID: "webhook-permissions", Family: "webhook", severity: Warning, needs: auditOn,
		Title:  "others than root may read the webhook's kubeconfig, or a key or token that it names",
		Why:    "it may hold credentials, and who can write it decides where the events go",
		How:    "mode and owner of the files",
		Remedy: "chmod 600 and chown root:root the file",
		Source: "CIS Kubernetes Benchmark 1.1, which asks the same of the kubeconfigs beside it",
		find: func(f *Facts) []Finding {
			if f.Kubeconfig.Kind != Regular {
				return nil
			}
			found := f.restricted(f.Kubeconfig, 0o600, "the kubeconfig")
			for _, key := range f.Keys {
				found = append(found, f.restricted(key, 0o600, "the key or token")...)
			}
			return found
		},
	},
}

// insecure tells the warnings that are about the way to the receiver.
func (f *Facts) insecure(p document.Problem) bool {
	return p.Hint == "use https" || f.Webhook.InsecureSkipTLSVerify && p == f.Webhook.Problem(webhook.Insecure, p.What, p.Hint)
}

func (f *Facts) checkWebhook() webhook.Findings {
	if f.Webhook == nil {
		return webhook.Findings{}
	}
	return f.Webhook.Check(webhook.Look{ReadFile: f.Readable, Now: f.Now})
}

func webhookConfig(f *Facts) []Finding {
	switch f.Kubeconfig.Kind {
	case Missing:
		return []Finding{f.in(f.Kubeconfig, "the webhook's kubeconfig is not there: the next kube-apiserver will not start", f.enable("--backend log,webhook --webhook-url URL"))}
	case Folder, Other:
		return []Finding{f.in(f.Kubeconfig, "is no file, but the webhook's kubeconfig should be there: the next kube-apiserver will not start", "")}
	}
	checked := f.checkWebhook()
	found := problems(slices.Concat(document.ProblemsOf(f.WebhookErr), checked.Problems))
	for _, p := range checked.Warnings {
		if !f.insecure(p) {
			one := problems(document.Problems{p})[0]
			one.Severity = Warning
			found = append(found, one)
		}
	}
	return found
}

func insecureWebhook(f *Facts) []Finding {
	var all document.Problems
	for _, p := range f.checkWebhook().Warnings {
		if f.insecure(p) {
			all = append(all, p)
		}
	}
	return problems(all)
}

// failedShare is what part of the posts may fail without a word, one in so many:
// a receiver that was started anew leaves some, and they are tried again.
const failedShare = 20

// PostsToReceiver are those of the kube-apiserver to the receiver of its webhook,
// by the status of the answer as in [Metrics.Posts], and how many of all were not
// taken.
func (f *Facts) PostsToReceiver() (byStatus map[string]float64, all, failed float64) {
	if f.Metrics == nil || f.Webhook == nil {
		return nil, 0, 0
	}
	_, host, _ := strings.Cut(webhook.Origin(f.Webhook.Server), "://")
	byStatus = f.Metrics.Posts[host]
	for status, n := range byStatus {
		all += n
		if !strings.HasPrefix(status, "2") {
			failed += n
		}
	}
	return byStatus, all, failed
}

// failingWebhook leaves to other checks what they name: a receiver that is away,
// and events that are lost.
func failingWebhook(f *Facts) []Finding {
	byStatus, all, failed := f.PostsToReceiver()
	if failed*failedShare <= all || f.Receiver != nil && f.Receiver.Err != nil || f.Metrics.Lost["webhook"] > 0 {
		return nil
	}
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		switch {
		case strings.HasPrefix(status, "2"):
		case status == "<error>":
			parts = append(parts, fmt.Sprintf("%.0f times no answer", byStatus[status]))
		default:
			parts = append(parts, fmt.Sprintf("%.0f times %s", byStatus[status], status))
		}
	}
	found := f.in(f.Kubeconfig, fmt.Sprintf("%.0f of %.0f posts to %s have failed since the kube-apiserver started: %s",
		failed, all, webhook.Origin(f.Webhook.Server), strings.Join(parts, ", ")), "")
	if failed < all {
		found.Severity = Warning
	}
	return []Finding{found}
}
